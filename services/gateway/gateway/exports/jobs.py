"""Jobs that people started and come back to: what was asked, how far it is, and the file that came of it.

Each is a small document in a folder of its own beside its file, so that a process that ended in the middle is told of
by the next: a job that was not done then has failed, and half a file is never given out. All are gone after a day.
"""

import contextlib
import os
import re
import secrets
import shutil
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal

import msgspec
import structlog

from gateway.exports.files import Format
from gateway.exports.words import Language
from gateway.projection.visible import List
from servicekit.clock import SystemClock, system_now
from servicekit.decision import Refused

log = structlog.get_logger()
KEPT = timedelta(hours=24)
#: how many jobs one person has at once, and how many there are: unfinished ones, and all
OWN_UNFINISHED, OWN_KEPT, MOST_UNFINISHED, MOST_KEPT = 3, 20, 20, 200
State = Literal["queued", "running", "done", "failed"]
_ID = re.compile(r"[A-Za-z0-9_-]{16}")
_DOCUMENT, _ROWS = "job.json", "rows.txt"


class Failure(msgspec.Struct, frozen=True):
    """Why there is no file, and what can be done about it."""

    code: str
    zh: str
    en: str


INTERRUPTED = Failure(
    "interrupted", "服务在导出途中重启，没有文件。请重新导出。", "The service restarted meanwhile; export again."
)
BROKEN = Failure("failed", "导出没有完成，没有文件。请稍后重新导出。", "Not completed, no file; try again later.")


class Job(msgspec.Struct):
    """A job. ``owner`` is whoever started it; ``filter`` in wire values; ``total`` and ``done`` count rows, of which
    ``total`` is an estimate until the end. ``clear``: classes of personal fields that are in the file unmasked.
    """

    id: str
    owner: str
    list: List
    format: Format
    language: Language
    filter: Mapping[str, str]
    created_at: datetime
    until: datetime
    state: State = "queued"
    total: int = 0
    done: int = 0
    finished_at: datetime | None = None
    as_of: datetime | None = None
    size: int | None = None
    clear: tuple[str, ...] = ()
    failure: Failure | None = None

    @property
    def is_finished(self) -> bool:
        """Whether nothing more comes of it."""
        return self.state in ("done", "failed")


class Jobs:
    """The jobs in a folder. Raises ``Refused`` (429, 503) where there are too many, ``OSError`` for a full disk."""

    def __init__(self, folder: Path, clock: SystemClock = system_now) -> None:
        self._folder, self._clock = folder, clock
        self._jobs: dict[str, Job] = {}

    def load(self) -> None:
        """At the start: what an earlier process left."""
        self._folder.mkdir(parents=True, exist_ok=True)
        for place in self._folder.iterdir():
            if place.name in self._jobs:
                continue  # began meanwhile
            try:
                job = msgspec.json.decode((place / _DOCUMENT).read_bytes(), type=Job)
                if job.id != place.name:
                    raise ValueError("of another job")
            except (OSError, ValueError) as error:
                log.warning("jobs.left_out", place=place.name, error=repr(error)[:200])
                shutil.rmtree(place, ignore_errors=True)
                continue
            self._jobs[job.id] = job
            if not job.is_finished:
                self.fail(job, INTERRUPTED)
        self.sweep()

    def start(
        self, owner: str, list_: List, format_: Format, language: Language, filter_: Mapping[str, str], total: int
    ) -> Job:
        """A new job, which waits for its turn."""
        self.sweep()
        unfinished = [job for job in self._jobs.values() if not job.is_finished]
        if sum(job.owner == owner for job in unfinished) >= OWN_UNFINISHED:
            raise Refused(
                "too_many_jobs",
                f"你已有 {OWN_UNFINISHED} 个任务在进行，完成后再导出",
                f"{OWN_UNFINISHED} jobs of yours are under way: export when one is done",
                429,
            )
        if len(unfinished) >= MOST_UNFINISHED:
            raise Refused("busy", "导出任务过多，请稍后再试", "too many exports are under way, try again soon", 503)
        now = self._clock()
        job = Job(secrets.token_hex(8), owner, list_, format_, language, filter_, now, now + KEPT, total=total)
        self._jobs[job.id] = job
        try:
            (self._folder / job.id).mkdir(parents=True)
            self.keep(job)
        except OSError:
            self.forget(job)  # nobody would ever come to it, and it would count as under way
            raise
        return job

    def of(self, owner: str) -> list[Job]:
        """Somebody's jobs, newest first."""
        self.sweep()
        own = [job for job in self._jobs.values() if job.owner == owner]
        return sorted(own, key=lambda job: job.created_at, reverse=True)

    def get(self, owner: str, id: str) -> Job | None:
        """One of somebody's jobs."""
        self.sweep()
        job = self._jobs.get(id)
        return job if job is not None and job.owner == owner else None

    def is_there(self, job: Job) -> bool:
        """Whether it has not been taken away."""
        return self._jobs.get(job.id) is job

    def file(self, job: Job) -> Path:
        """Where its file is, or comes to be when it is complete."""
        return self._folder / job.id / f"list.{job.format}"

    def part(self, job: Job) -> Path:
        """Where its file is being written."""
        return self._folder / job.id / "part"

    def rows(self, job: Job) -> Path:
        """Ids of the rows that are in the file, one a line."""
        return self._folder / job.id / _ROWS

    def finish(self, job: Job) -> None:
        """Its file is complete: from here on it is given out."""
        part, file = self.part(job), self.file(job)
        with part.open("rb") as written:
            os.fsync(written.fileno())
        part.rename(file)
        job.state, job.size, job.finished_at, job.total = "done", file.stat().st_size, self._clock(), job.done
        self.keep(job)

    def fail(self, job: Job, why: Failure) -> None:
        """Nothing comes of it: no file, and why."""
        job.state, job.failure, job.finished_at = "failed", why, self._clock()
        for path in (self.part(job), self.rows(job), self.file(job)):
            path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # a full disk: as long as we run it is known all the same
            self.keep(job)

    def keep(self, job: Job) -> None:
        """Write down how it stands."""
        document = self._folder / job.id / _DOCUMENT
        fresh = document.with_suffix(".new")
        fresh.write_bytes(msgspec.json.encode(job))
        fresh.replace(document)

    def forget(self, job: Job) -> None:
        """Take it away with its file."""
        self._jobs.pop(job.id, None)
        shutil.rmtree(self._folder / job.id, ignore_errors=True)

    def sweep(self) -> None:
        """Take away what is past its time, and the oldest finished ones beyond the limits."""
        now = self._clock()
        finished = sorted((job for job in self._jobs.values() if job.is_finished), key=lambda job: job.created_at)
        for job in finished:
            own = [other for other in finished if other.owner == job.owner and self.is_there(other)]
            if job.until <= now or len(own) > OWN_KEPT or len(self._jobs) > MOST_KEPT:
                self.forget(job)


def is_id(text: str) -> bool:
    """Whether it could be the id of a job."""
    return _ID.fullmatch(text) is not None
