"""Keeps the read model up to the log: a consumer of its own, one transaction a batch, made anew where the log does not
reach back to where it stands. Nothing that comes by stops it, and no error ends it.
"""

import asyncio
import contextlib
import sqlite3
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError
from prometheus_client import Counter

from contracts.apps import READERS, WRITERS
from contracts.registry import TICK
from gateway.projection.fewest import fewest
from gateway.projection.rows import Row, Rows, Unreadable
from gateway.projection.store import Damaged, ProjectionStore, Stored
from servicekit import telemetry
from servicekit.clock import EPOCH, believed, iso, system_now
from servicekit.log_reader import LogReader, Records, place_of
from servicekit.store import Position

log = structlog.get_logger()
NAME = "projection"
#: What others tell, as a batch is read; the audit log has a file of its own (``gateway.trail``). Alerts come last: one
#: whose work item came with it is due with that at once, and is not changed once more.
TOPICS = tuple(
    sorted((topic for topic in READERS["gateway"] if topic not in WRITERS), key=lambda topic: topic == "alert.events")
)
SKIPPED = Counter("kam_projection_skipped_total", "Messages and rows the read model can't take", ["what"])
BATCH = 2000
#: how often the broker is asked where the log ends, how long it has, and after how long it counts as away
_PROBE_SECONDS, _ANSWER_SECONDS, _AWAY_SECONDS = 2.0, 5.0, 8.0
_FIRST_DELAY, _LONGEST_DELAY = 0.5, 10.0


class _Tick(msgspec.Struct):
    clock: datetime


_decode_tick = msgspec.json.Decoder(_Tick).decode
#: brings what the services know into a store made anew, whose log is read from these offsets on (``Rebuild``)
Bring = Callable[[ProjectionStore, Rows, Mapping[str, int]], Awaitable[None]]
Connect = Callable[[list[TopicPartition]], Awaitable[AIOKafkaConsumer]]


class CutLog(Exception):
    """The log was cut beneath the reader: what is gone is told by the services' documents only."""


class Projection:
    """``run`` is the job; ``freshness`` and ``settle`` say where it stands."""

    def __init__(self, store: ProjectionStore, rows: Rows, partitions: int, connect: Connect, rebuild: Bring) -> None:
        self.store, self.rows, self._connect, self._rebuild = store, rows, connect, rebuild
        self._inputs = [TopicPartition(topic, number) for topic in TOPICS for number in range(partitions)]
        self._reader = LogReader(NAME, self._inputs, BATCH)
        self._position = Position()
        self._clock: datetime | None = None
        self._as_of: datetime | None = None
        self._answered_at = -_AWAY_SECONDS
        self._is_whole = self._is_busy = self._is_following = False
        self._seq = 0
        self._moved = asyncio.Event()

    # --- what is asked ----------------------------------------------------------------------------------------------

    @property
    def clock(self) -> datetime:
        """Business time as the log last told it; system time while it has not."""
        return self._clock or system_now()

    @property
    def is_whole(self) -> bool:
        """Whether everything the services knew at the beginning is in it."""
        return self._is_whole

    async def moved(self, seconds: float) -> None:
        """Wait until something may have changed since the last time, at most so long."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._moved.wait()
        self._moved.clear()

    def as_of(self) -> datetime | None:
        """System time up to which everything that happened is in it; None: nothing is yet."""
        if time.monotonic() - self._answered_at < _AWAY_SECONDS:
            self._as_of = system_now() - timedelta(seconds=self._reader.behind(self._position)[1])
        return self._as_of

    def settle(self) -> dict[str, Any]:
        """As a stream processor says it: for ``kam wait`` and ``kam status``."""
        as_of = self.as_of()
        return {
            "processor": NAME,
            "inputs": [place_of(tp) for tp in self._inputs],
            "offsets": {**self._position.offsets, **self._reader.passed},
            "sequence": self._seq,
            "outbox": 0,
            "outbox_seconds": 0.0,
            "seconds_behind": 0.0 if as_of is None else round((system_now() - as_of).total_seconds(), 3),
            "documents": 0,
            "documents_seconds": 0.0,
            "busy": self._is_busy or not self._is_following or not self._is_whole,
            "clock": None if self._clock is None else iso(self._clock),
            "failed": None,
            "gaps": {},
            "undeliverable": 0,
        }

    # --- life -------------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Job: work until cancelled."""
        delay = _FIRST_DELAY
        try:
            while True:
                began = time.monotonic()
                try:
                    await self._follow()
                except* (KafkaError, OSError, sqlite3.Error, Damaged, CutLog) as errors:
                    log.warning("projection.waits", error=repr(errors.exceptions[0])[:300], delay=delay)
                except* Exception:
                    log.exception("projection.failed")
                telemetry.RETRIES.labels(NAME).inc()
                delay = _FIRST_DELAY if time.monotonic() - began > 60 else min(delay * 2, _LONGEST_DELAY)
                await asyncio.sleep(delay)
        finally:
            await self.store.close()

    async def _follow(self) -> None:
        """Read on from where the file stands, until something fails."""
        self._stand(stored := await self.store.open())
        await self.store.analyse()
        consumer = await self._connect(self._inputs)
        try:
            begins, ends = await self._bounds(consumer)
            if not self._is_whole or not _reaches(begins, stored.offsets, ends):
                stored = await self.store.begin_anew({place_of(tp): end for tp, end in ends.items()})
                self._stand(stored)
            self._reader.seek(consumer, begins, self._position)
            self._is_following = True
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._read(consumer))
                tasks.create_task(self._probe(consumer))
                if not self._is_whole:
                    tasks.create_task(self._make_whole(stored.offsets))
        finally:
            self._is_busy = self._is_following = False
            await consumer.stop()

    def _stand(self, stored: Stored) -> None:
        """Where the file stands; what people ask is answered from there also while the broker is away."""
        self._position, self._seq = Position(offsets=stored.offsets), stored.seq
        self._is_whole = stored.marks.get("whole") == "1"
        self._clock, self._as_of = (_instant(stored.marks.get(name)) for name in ("clock", "as_of"))
        self._reader = LogReader(NAME, self._inputs, BATCH)

    async def _bounds(
        self, consumer: AIOKafkaConsumer
    ) -> tuple[Mapping[TopicPartition, int], Mapping[TopicPartition, int]]:
        async with asyncio.timeout(_ANSWER_SECONDS):
            return await consumer.beginning_offsets(self._inputs), await consumer.end_offsets(self._inputs)

    async def _read(self, consumer: AIOKafkaConsumer) -> None:
        while True:
            records = await self._reader.fetch(consumer)
            self._reaches_on()
            self._is_busy = True
            if records:
                await self._take(records)
                self._answered_at = time.monotonic()
            await self._reader.look_past(consumer, self._position, ())
            self._reaches_on()
            self._is_busy = False
            messages, seconds = self._reader.behind(self._position)
            telemetry.of(telemetry.LAG, NAME).set(messages)
            telemetry.of(telemetry.BEHIND, NAME).set(seconds)

    def _reaches_on(self) -> None:
        """Raises ``CutLog``, before anything behind the gap is in the file: it is made anew then."""
        if self._reader.gaps:
            raise CutLog(str(self._reader.gaps))

    async def _take(self, records: Records) -> None:
        offsets = {place_of(tp): batch[-1].offset + 1 for tp, batch in records.items() if batch}
        self._clock = max((self._clock, *_ticks(records)), key=lambda clock: clock or EPOCH)
        known = {"clock": self._clock, "as_of": self.as_of()}
        marks = {name: iso(at) for name, at in known.items() if at is not None}
        self._seq, refused = await self.store.apply(fewest(self._rows_of(records)), offsets, **marks)
        if refused:
            SKIPPED.labels("row").inc(refused)
        self._position = Position(offsets={**self._position.offsets, **offsets})
        self._moved.set()
        self._reader.handled(records)

    def _rows_of(self, records: Records) -> Iterator[Row]:
        """On the writer's thread, so that a batch keeps nobody waiting."""
        skipped: list[str] = []
        for tp in self._inputs:
            for message in records.get(tp, ()):
                if not self.rows.takes(message.type) or "kam-replay-for" in message.headers:
                    continue  # the latter: a dead letter of another app's, and what it tells was told before
                try:
                    yield from self.rows.of_event(message)
                except Unreadable as error:
                    skipped.append(f"{tp.topic}/{tp.partition}@{message.offset}: {error}"[:300])
        if skipped:
            SKIPPED.labels("message").inc(len(skipped))
            log.warning("projection.skipped", messages=len(skipped), first=skipped[0])

    async def _probe(self, consumer: AIOKafkaConsumer) -> None:
        """A quiet log and a broker that is away look the same to a consumer: ask."""
        while True:
            try:
                async with asyncio.timeout(_ANSWER_SECONDS):
                    await consumer.end_offsets(self._inputs)
                self._answered_at = time.monotonic()
            except (KafkaError, TimeoutError) as error:
                log.warning("projection.broker_away", error=repr(error)[:200])
            await asyncio.sleep(_PROBE_SECONDS)

    async def _make_whole(self, noted: Mapping[str, int]) -> None:
        await self._rebuild(self.store, self.rows, noted)
        await self.store.analyse()
        self._is_whole = True


def _instant(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _reaches(
    begins: Mapping[TopicPartition, int], offsets: Mapping[str, int], ends: Mapping[TopicPartition, int]
) -> bool:
    """Whether the log still has everything from these offsets on, and is the log that they are of."""
    return all(begins[tp] <= offsets.get(place_of(tp), -1) <= ends[tp] for tp in ends)


def _ticks(records: Records) -> Iterator[datetime]:
    """Business time, as the last tick of each partition tells it, as far as it is believed."""
    for batch in records.values():
        tick = next((message for message in reversed(batch) if message.type == TICK), None)
        if tick is not None:
            try:
                yield believed(_decode_tick(tick.body or b"").clock.astimezone(UTC), system_now())
            except (msgspec.MsgspecError, OverflowError, UnicodeDecodeError) as error:
                log.warning("projection.tick_skipped", error=repr(error)[:200])
