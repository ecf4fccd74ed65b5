"""A job of every service: takes checkpoints of its processors' stores, and cuts what they make superfluous from the
journals."""

import asyncio
import time
from collections.abc import Sequence
from math import inf

import structlog

from servicekit import telemetry
from servicekit.clock import system_now
from servicekit.envelope import parse_time
from servicekit.journal import Journal
from servicekit.pipeline import StreamProcessor
from servicekit.rocksdb_store import LocalStore

log = structlog.get_logger()
_LOOK_SECONDS = 15.0
#: what is erased from the states is gone from checkpoints and journal within two of these
_OLDEST_SECONDS = 24 * 3600.0
_AGAIN_SECONDS = 600.0


async def run(processors: Sequence[StreamProcessor], most_bytes: int) -> None:
    """Until cancelled: a checkpoint of each processor whose journal has grown by ``most_bytes``, daily, and of one that
    has none. One that failed is tried again after a while."""
    last = {processor.name: await asyncio.to_thread(_last, processor) for processor in processors}
    waits_until: dict[str, float] = {}
    while True:
        await asyncio.sleep(_LOOK_SECONDS)
        for processor in processors:
            journal, (since, commits), reached = processor.journal, last[processor.name], processor.position.commits
            if journal is None or journal.checkpoints is None or reached == commits:
                continue
            now = time.monotonic()
            is_due = journal.bytes_written >= most_bytes or now - since >= _OLDEST_SECONDS
            if is_due and now >= waits_until.get(processor.name, 0.0):
                if await _take(processor, journal):
                    last[processor.name] = now, reached
                else:
                    waits_until[processor.name] = now + _AGAIN_SECONDS


def _last(processor: StreamProcessor) -> tuple[float, int]:
    """When its newest checkpoint was taken, and its commit: a restart does not begin the day anew."""
    journal = processor.journal
    newest = None if journal is None or journal.checkpoints is None else journal.checkpoints.newest()
    if newest is None:
        return -inf, 0
    return time.monotonic() - (system_now() - parse_time(newest.taken_at)).total_seconds(), newest.position.commits


async def _take(processor: StreamProcessor, journal: Journal) -> bool:
    """Whether one was taken. One that fails ends nothing: the journal reaches back to the ones before."""
    assert isinstance(processor.store, LocalStore) and journal.checkpoints is not None
    started, written, superfluous = time.perf_counter(), journal.bytes_written, None
    try:
        superfluous = await processor.store.checkpoint(journal.checkpoints)
        journal.bytes_written -= written
        if superfluous is not None:
            await journal.cut(superfluous)
    except Exception as error:
        telemetry.CHECKPOINTS.labels(processor.name, "failed").inc()
        log.error("checkpoint.failed", processor=processor.name, error=repr(error)[:500])
        return False
    telemetry.CHECKPOINTS.labels(processor.name, "taken").inc()
    log.info("checkpoint.taken", processor=processor.name, seconds=round(time.perf_counter() - started, 2),
             journal_cut_before=superfluous)  # fmt: skip
    return True
