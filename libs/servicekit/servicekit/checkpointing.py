"""A job of every service: takes checkpoints of its processors' stores, and cuts what they make superfluous from the
journals."""

import asyncio
import time
from collections.abc import Sequence

import structlog

from servicekit import telemetry
from servicekit.journal import Journal
from servicekit.pipeline import StreamProcessor
from servicekit.rocksdb_store import LocalStore

log = structlog.get_logger()
_LOOK_SECONDS = 15.0
#: what is erased from the states is gone from checkpoints and journal within two of these
_OLDEST_SECONDS = 24 * 3600.0


async def run(processors: Sequence[StreamProcessor], most_bytes: int) -> None:
    """Until cancelled: a checkpoint of each processor whose journal has grown by ``most_bytes``, and daily."""
    taken = {processor.name: (time.monotonic(), processor.position.commits) for processor in processors}
    while True:
        await asyncio.sleep(_LOOK_SECONDS)
        for processor in processors:
            journal, (since, commits) = processor.journal, taken[processor.name]
            if journal is None or journal.checkpoints is None or processor.position.commits == commits:
                continue
            if journal.bytes_written >= most_bytes or time.monotonic() - since >= _OLDEST_SECONDS:
                await _take(processor, journal)
                taken[processor.name] = time.monotonic(), processor.position.commits


async def _take(processor: StreamProcessor, journal: Journal) -> None:
    """One that fails ends nothing: the journal reaches back to the ones before."""
    assert isinstance(processor.store, LocalStore) and journal.checkpoints is not None
    started, journal.bytes_written = time.perf_counter(), 0
    try:
        superfluous = await processor.store.checkpoint(journal.checkpoints)
        if superfluous is not None:
            await journal.cut(superfluous)
    except Exception as error:
        telemetry.CHECKPOINTS.labels(processor.name, "failed").inc()
        log.error("checkpoint.failed", processor=processor.name, error=repr(error)[:500])
        return
    telemetry.CHECKPOINTS.labels(processor.name, "taken").inc()
    log.info("checkpoint.taken", processor=processor.name, seconds=round(time.perf_counter() - started, 2),
             journal_cut_before=superfluous)  # fmt: skip
