"""Brings what the services know into a read model that was made anew.

The log is read from offsets that were noted before. A service's documents tell of everything before those offsets once
its processors have passed them and the documents of that time are in the query database. What the log says since is
newer than any document, or says the same; so documents only fill what is missing, in whatever order the two come.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping

import structlog

from gateway.domain import Collection, Standing
from gateway.projection.rows import Row, Rows, Unreadable
from gateway.projection.store import Damaged, ProjectionStore

log = structlog.get_logger()
Export = Callable[[str, str], AsyncIterator[bytes]]
Collect = Callable[[], Awaitable[Collection]]
#: collections and whose they are, in the order in which they are read
SOURCES = {
    "units": "customer-profile",
    "managers": "customer-profile",
    "customers": "customer-profile",
    "alerts": "alerts",
    "shadow_alerts": "alerts",
    "work": "manager-work",
    "contacts": "manager-work",
    "sms": "alerts",
}
_BATCH, _POLL_SECONDS, _PAUSE_SECONDS, _SAID_SECONDS = 1000, 0.5, 2.0, 10.0


class Rebuild:
    """``collect`` tells where the services stand, ``export`` streams a collection of a service, a document a line."""

    def __init__(self, collect: Collect, export: Export, poll: float = _POLL_SECONDS) -> None:
        self._collect, self._export, self._poll = collect, export, poll

    async def __call__(self, store: ProjectionStore, rows: Rows, noted: Mapping[str, int]) -> None:
        """Returns when everything is in ``store``; waits for services that are away as long as it takes."""
        started = time.monotonic()
        await self._until_told(noted, started)
        count = 0
        for collection, service in SOURCES.items():
            count += await self._bring(store, rows, service, collection)
        await store.apply([], {}, whole="1")
        log.info("projection.whole", documents=count, seconds=round(time.monotonic() - started, 1))

    async def _until_told(self, noted: Mapping[str, int], since: float) -> None:
        said = since
        while True:
            asked = time.monotonic()
            collection = await self._collect()
            away = [name for name in _concerned(collection) if not _has_told(collection[name], noted, asked - since)]
            if not away:
                return
            if time.monotonic() - said > _SAID_SECONDS:
                said = time.monotonic()
                log.info("projection.waits_for", services=away)
            await asyncio.sleep(self._poll)

    async def _bring(self, store: ProjectionStore, rows: Rows, service: str, collection: str) -> int:
        while True:
            count = 0
            try:
                async for lines in _batches(self._export(service, collection)):
                    count += len(lines)
                    await store.apply(_rows_of(rows, collection, lines), {})
                return count
            except Damaged:
                raise
            except Exception as error:
                log.warning("projection.not_brought", collection=collection, error=repr(error)[:300])
                await asyncio.sleep(_PAUSE_SECONDS)


def _concerned(collection: Collection) -> list[str]:
    """Processes of the services whose documents are brought; workers are called ``alerts-2`` and so on."""
    services = set(SOURCES.values())
    return [name for name in collection if name in services or name.rpartition("-")[0] in services]


def _has_told(standing: Standing | None, noted: Mapping[str, int], seconds: float) -> bool:
    """Whether the documents of a process tell of everything before the offsets noted so many ``seconds`` ago."""
    return (
        standing is not None
        and standing.ready
        and all(
            processor.offsets.get(place, 0) >= noted.get(place, 0)
            for processor in standing.processors
            for place in processor.inputs
        )
        and all(p.documents == 0 or p.documents_seconds < seconds for p in standing.processors)
    )


async def _batches(lines: AsyncIterator[bytes]) -> AsyncIterator[list[bytes]]:
    batch: list[bytes] = []
    async for line in lines:
        batch.append(line)
        if len(batch) >= _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _rows_of(rows: Rows, collection: str, lines: list[bytes]) -> Iterator[Row]:
    skipped: list[str] = []
    for line in lines:
        try:
            yield from rows.of_document(collection, line)
        except Unreadable as error:
            skipped.append(str(error)[:300])
    if skipped:
        log.warning("projection.documents_skipped", collection=collection, documents=len(skipped), first=skipped[0])
