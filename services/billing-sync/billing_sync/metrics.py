"""Every metric of billing-sync. No customer ids in labels."""

from prometheus_client import Counter, Gauge

RECORDS = Counter("kam_boss_records_total", "BOSS records, by road, kind and outcome", ["road", "kind", "outcome"])
FILES = Counter("kam_boss_files_total", "Nightly files, by kind and result", ["kind", "result"])
FILE_PROGRESS = Gauge("kam_boss_file_progress_ratio", "How far the file being loaded is, 0 to 1")
FILE_TROUBLES = Counter("kam_boss_file_troubles_total", "Errors of disk or folder that held up the files", ["error"])
FILES_HELD = Gauge("kam_boss_files_held", "Nightly files that wait for a person's release")
FILES_HELD_SECONDS = Gauge("kam_boss_files_held_seconds", "How long the oldest of them has waited; 0 where none does")
DOWNSTREAM_SECONDS = Gauge(
    "kam_boss_downstream_seconds", "How long ago what alerts handles now was accepted, at most; 0 while not known"
)
