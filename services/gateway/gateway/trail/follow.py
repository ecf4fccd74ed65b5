"""Keeps the trail up to the audit log: a consumer of its own, rows and offsets one transaction a batch.

The log is kept for a year and is the truth: a file that is lost is made anew from it.
"""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Iterator, Mapping
from datetime import datetime, timedelta

import msgspec
import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from gateway.projection.follow import SKIPPED
from gateway.projection.rows import Row
from gateway.projection.store import Damaged, ProjectionStore
from gateway.trail.store import KEPT, entry_of, forget
from servicekit.clock import system_now
from servicekit.log_reader import LogReader, Records, place_of
from servicekit.store import Position

log = structlog.get_logger()
NAME, TOPIC = "audit-trail", "audit.log"
BATCH, _ANSWER_SECONDS = 2000, 5.0
_FIRST_DELAY, _LONGEST_DELAY = 0.5, 10.0


class Trail:
    """``run`` is the job; nothing that comes by ends it."""

    def __init__(
        self,
        store: ProjectionStore,
        partitions: int,
        connect: Callable[[list[TopicPartition]], Awaitable[AIOKafkaConsumer]],
    ) -> None:
        self.store, self._connect = store, connect
        self._inputs = [TopicPartition(TOPIC, number) for number in range(partitions)]
        self._position = Position()
        self._reader: LogReader | None = None

    def as_of(self) -> datetime | None:
        """System time up to which everything is in it; None: nothing is yet."""
        return (
            None if self._reader is None else system_now() - timedelta(seconds=self._reader.behind(self._position)[1])
        )

    async def run(self) -> None:
        """Job: work until cancelled."""
        delay = _FIRST_DELAY
        try:
            while True:
                try:
                    await self._follow()
                except (KafkaError, OSError, sqlite3.Error, Damaged) as error:
                    log.warning("trail.waits", error=repr(error)[:300], delay=delay)
                except Exception:
                    log.exception("trail.failed")
                self._reader = None
                await asyncio.sleep(delay)
                delay = min(delay * 2, _LONGEST_DELAY)
        finally:
            await self.store.close()

    async def _follow(self) -> None:
        stored = await self.store.open()
        consumer = await self._connect(self._inputs)
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                begins, ends = (
                    await consumer.beginning_offsets(self._inputs),
                    await consumer.end_offsets(self._inputs),
                )
            self._position = Position(offsets=_starts(begins, ends, stored.offsets))
            reader = LogReader(NAME, self._inputs, BATCH)
            reader.seek(consumer, begins, self._position)
            while True:
                records = await reader.fetch(consumer)
                if records:
                    await self._take(records)
                    reader.handled(records)
                await reader.look_past(consumer, self._position, ())
                self._reader = reader
        finally:
            await consumer.stop()

    async def _take(self, records: Records) -> None:
        offsets = {place_of(tp): batch[-1].offset + 1 for tp, batch in records.items() if batch}
        _, refused = await self.store.apply(_rows_of(records), offsets)
        if refused:
            SKIPPED.labels("row").inc(refused)
        self._position = Position(offsets={**self._position.offsets, **offsets})


def _rows_of(records: Records) -> Iterator[Row]:
    """On the writer's thread."""
    for batch in records.values():
        for message in batch:
            try:
                yield entry_of(message)
            except (msgspec.MsgspecError, UnicodeDecodeError, OverflowError) as error:
                SKIPPED.labels("message").inc()
                log.warning("trail.skipped", place=f"{place_of(message)}@{message.offset}", error=repr(error)[:200])
    yield forget()


def _starts(
    begins: Mapping[TopicPartition, int], ends: Mapping[TopicPartition, int], stored: Mapping[str, int]
) -> dict[str, int]:
    """From where to read on: where the file stands, if the log is the one that it was made of, or so far back that all
    that is kept comes by."""
    found = {}
    for tp, end in ends.items():
        begin, reached = max(begins[tp], end - KEPT), stored.get(place_of(tp), 0)
        found[place_of(tp)] = begin if reached > end else max(begin, reached)
    return found
