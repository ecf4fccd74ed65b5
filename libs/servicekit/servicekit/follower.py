"""Brings documents from a service's local stores to the query database. Decisions never wait for it.

At once when idle, in bulks and after a rest under load, one bulk at a time. What was written is forgotten by its store
after the answer; a crash between the two repeats it, which changes nothing. While the database is away documents wait
where they are.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Protocol, TypeVar

import msgspec
import structlog

from servicekit import dead_letter, fault_injection, telemetry
from servicekit.store import Damaged, Transient
from servicekit.unfollowed import Unfollowed

log = structlog.get_logger()
T = TypeVar("T")
#: documents a bulk at most
BULK = 500
#: Where more than a few wait, each rests before it is followed: an SMS is queued, sent and delivered within a second or
#: two, and to insert the last of it costs a tenth of inserting the first and replacing it twice.
FEW, REST_SECONDS, ROUND_SECONDS = 50, 1.5, 1.0
PAUSE_SECONDS = 0.1
_FIRST_DELAY, _LONGEST_DELAY = 0.1, 5.0
_SHOWN_SECONDS = 2.0
_encode = msgspec.json.Encoder(enc_hook=repr).encode


class Source(Protocol):
    """What documents come from (``LocalStore``)."""

    on_unfollowed: Callable[[], None]

    def documents_waiting(self) -> tuple[int, float]: ...

    async def unfollowed(self, limit: int, *, rested: float = 0.0) -> list[Unfollowed]: ...

    async def unfollowed_of(self, collection: str, id: str) -> Unfollowed | None: ...

    async def followed(self, rows: list[Unfollowed]) -> None: ...


class Sink(Protocol):
    """Where they go (``MongoDocuments``)."""

    async def follow(self, rows: list[Unfollowed]) -> list[tuple[Unfollowed, str]]:
        """Write them; those that can never be written, with the reason. Raises ``Transient``."""


class Follower:
    """One a service process. ``prepare`` runs before the first document is written (indexes); ``keep`` is the folder
    for documents that no database will take.
    """

    def __init__(
        self, service: str, sink: Sink, keep: Path, prepare: Callable[[], Awaitable[None]] | None = None
    ) -> None:
        self._service, self._sink, self._keep, self._prepare = service, sink, keep, prepare
        self._sources: list[Source] = []
        self._more = asyncio.Event()
        self._is_prepared = asyncio.Event()

    def attach(self, source: Source) -> None:
        """Follow the documents of this store, which is open."""
        self._sources.append(source)
        source.on_unfollowed = self._more.set
        self._more.set()

    async def run(self) -> None:
        """Job: work until cancelled. No error ends it but ``Damaged``."""
        if self._prepare is not None:
            await self._patiently(self._prepare)
        self._is_prepared.set()
        while True:
            await self._more.wait()
            self._more.clear()
            sources = [source for source in self._sources if source.documents_waiting()[0]]
            rested = REST_SECONDS if sum(source.documents_waiting()[0] for source in sources) > FEW else 0.0
            written = [await self._some_of(source, rested) for source in sources]
            if sum(written) and any(source.documents_waiting()[0] for source in self._sources):
                # A bulk ends by number or by bytes, and nothing may come up any more that says so again.
                self._more.set()
            if max(written, default=0) >= BULK:
                continue
            if rested:
                self._more.set()
                await asyncio.sleep(ROUND_SECONDS)
            elif any(written):
                await asyncio.sleep(PAUSE_SECONDS)

    async def show(self, source: Source, collection: str, id: str, seconds: float = _SHOWN_SECONDS) -> bool:
        """Write this document before its turn, so that who changed it sees it; False if that takes too long or fails:
        what was changed stands anyway.
        """
        try:
            async with asyncio.timeout(seconds):
                await self._is_prepared.wait()
                if row := await source.unfollowed_of(collection, id):
                    await self._follow(source, [row])
            return True
        except Exception as error:
            log.warning("document.not_shown", collection=collection, error=repr(error)[:200])
            return False

    async def _some_of(self, source: Source, rested: float) -> int:
        rows = await self._patiently(partial(source.unfollowed, BULK, rested=rested))
        if rows:
            await self._patiently(partial(self._follow, source, rows))
        return len(rows)

    async def _follow(self, source: Source, rows: list[Unfollowed]) -> None:
        for row, why in await self._sink.follow(rows):
            await asyncio.to_thread(self._put_aside, row)
            telemetry.DOCUMENTS_REFUSED.labels(row.collection).inc()
            log.error(
                "document.refused", collection=row.collection, id=row.id, error=why[:500], kept=str(self._keep)
            )  # fmt: skip
        fault_injection.hit(self._service, "after_follow")
        await source.followed(rows)
        telemetry.DOCUMENTS_FOLLOWED.labels(self._service).inc(len(rows))

    def _put_aside(self, row: Unfollowed) -> None:
        whole = _encode(row)
        dead_letter.write_whole(self._keep, f"{sha256(whole).hexdigest()}.json", whole)

    async def _patiently(self, call: Callable[[], Awaitable[T]]) -> T:
        delay, failing_since = _FIRST_DELAY, 0.0
        while True:
            try:
                result = await call()
            except Damaged:
                raise  # no database is away: the service must start anew
            except Exception as error:
                failing_since = failing_since or time.monotonic()
                waiting = sum(source.documents_waiting()[0] for source in self._sources)
                telemetry.RETRIES.labels(f"{self._service} follower").inc()
                log.warning(
                    "follower.waits", documents=waiting, error=repr(error)[:200], delay=delay,
                    exc_info=not isinstance(error, Transient),
                )  # fmt: skip
                await asyncio.sleep(delay)
                delay = min(delay * 2, _LONGEST_DELAY)
            else:
                if failing_since:
                    log.info("follower.goes_on", seconds=round(time.monotonic() - failing_since, 1))
                return result
