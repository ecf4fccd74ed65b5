"""Logs and metrics. Every metric of the shared machinery is named here; labels never carry customer ids."""

import logging
import sys
from functools import cache
from typing import TypeVar

import structlog
from prometheus_client import Counter, Gauge, Histogram

MESSAGES = Counter("kam_messages_total", "Messages consumed, by what became of them", ["unit", "topic", "outcome"])
EVENTS = Counter("kam_events_published_total", "Events acknowledged by the broker", ["unit", "topic"])
DEAD_LETTERS = Counter("kam_dead_letters_total", "Messages put into a dead-letter topic", ["unit", "topic", "reason"])
_SECONDS = (0.001, 0.005, 0.02, 0.1, 0.5, 2, 10)
BATCH_SECONDS = Histogram("kam_batch_seconds", "Time of a batch from decode to commit", ["unit"], buckets=_SECONDS)
BATCH_PHASE = Histogram(
    "kam_batch_phase_seconds", "Of that, by phase: load, handle, journal, store", ["unit", "phase"], buckets=_SECONDS
)
BATCH_SIZE = Histogram("kam_batch_messages", "Messages a batch", ["unit"], buckets=(1, 10, 100, 500, 1000, 2000, 5000))
OUTBOX = Gauge("kam_outbox_messages", "Messages committed and not yet acknowledged by the broker", ["unit"])
OUTBOX_SECONDS = Gauge("kam_outbox_age_seconds", "How long the oldest of them has waited", ["unit"])
DOCUMENTS = Gauge("kam_documents_waiting", "Documents that the query database does not have yet", ["unit"])
DOCUMENTS_FOLLOWED = Counter("kam_documents_followed_total", "Documents brought to the query database", ["service"])
DOCUMENTS_REFUSED = Counter(
    "kam_documents_refused_total", "Documents that no query database will take, kept on disk", ["collection"]
)
DOCUMENTS_SECONDS = Gauge("kam_documents_age_seconds", "How long the oldest of them has waited", ["unit"])
UNDELIVERABLE = Counter(
    "kam_undeliverable_messages_total", "Messages that no broker will take, kept on disk", ["unit", "topic"]
)
LOST = Counter("kam_log_gap_messages_total", "Messages the log dropped before they were read", ["unit", "topic"])
LAG = Gauge("kam_lag_messages", "Messages behind the end of the input partitions", ["unit"])
BEHIND = Gauge("kam_behind_seconds", "How long ago the oldest unhandled message came, 0 at the end", ["unit"])
COMMITTED_AT = Gauge("kam_last_commit_timestamp_seconds", "System time of the last commit", ["unit"])
CHECKPOINTS = Counter("kam_checkpoints_total", "Checkpoints of a processor's store, by result", ["unit", "result"])
SWITCHES = Counter("kam_switches_total", "Versions of documents that came into force or were stopped", ["unit", "kind"])
SWITCH_SECONDS = Histogram(
    "kam_switch_seconds", "From the acceptance of a switch to its commit by a processor", ["unit"], buckets=_SECONDS
)
RETRIES = Counter("kam_retries_total", "Repeats after a passing failure of store or broker", ["unit"])

M = TypeVar("M", Counter, Gauge, Histogram)


@cache
def of(metric: M, *labels: str) -> M:
    """``metric.labels(…)``, remembered: asked for with every batch, the search costs more than the count."""
    return metric.labels(*labels)


def setup_logging(service: str, format: str) -> None:
    """structlog on stderr: JSON lines, or coloured text on a terminal (``console``)."""
    shared: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    renderer: structlog.types.Processor = (
        structlog.processors.JSONRenderer(ensure_ascii=False) if format == "json" else structlog.dev.ConsoleRenderer()
    )
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(service=service)
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(levelname)s %(name)s %(message)s")
