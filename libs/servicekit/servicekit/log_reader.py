"""Where a processor reads its partitions: from the store's position on, with gaps said and errors waited out."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Mapping
from math import inf

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from servicekit import telemetry
from servicekit.envelope import Message
from servicekit.store import Position

log = structlog.get_logger()
Records = Mapping[TopicPartition, list[Message]]
_POLL_MS = 1000
_PAUSE_SECONDS = 1.0
_HOLD_SECONDS, _LOOK_SECONDS = 0.1, 1.0
#: A quiet log is answered for twice a second: after so long the broker is silent, and who is at the end as it was seen
#: may be behind by as much.
_SILENT_SECONDS = 5.0


class LogReader:
    """Fetches records of ``inputs``. The broker keeps no offsets: the store's position is the truth.

    ``gaps``: records that were deleted before they were read, by ``topic/partition``. ``passed``: offsets behind which
    nothing came by (markers of transactions, aborted records), where they are further than the position. While
    ``holds_back`` says so, nothing is fetched.
    """

    def __init__(self, name: str, inputs: list[TopicPartition], batch_max: int) -> None:
        self._name, self.inputs, self._batch_max = name, inputs, batch_max
        self.holds_back: Callable[[], bool] = lambda: False
        self.gaps: dict[str, int] = {}
        self.passed: dict[str, int] = {}
        self._ends: dict[str, int] = {}
        self._next: dict[TopicPartition, int] = {}
        self._looked_at = time.time()
        # When the broker said last where each ends: epoch seconds by input.
        self._seen_at = {place_of(tp): self._looked_at for tp in inputs}
        # Nothing that is not handled yet came before this: epoch seconds by input.
        self._clear_until: dict[str, float] = {}

    def seek(self, consumer: AIOKafkaConsumer, begins: Mapping[TopicPartition, int], position: Position) -> None:
        """Go to the position. Where the log begins after it, what is missing is said."""
        for tp in self.inputs:
            reached, begin = position.offsets.get(place_of(tp), 0), begins.get(tp, 0)
            if reached < begin:
                self._say_gap(tp, reached, begin)
            self._next[tp] = max(reached, begin)
            consumer.seek(tp, self._next[tp])

    def _say_gap(self, tp: TopicPartition, reached: int, begin: int) -> None:
        name = place_of(tp)
        self.gaps[name] = self.gaps.get(name, 0) + begin - reached
        telemetry.LOST.labels(self._name, tp.topic).inc(begin - reached)
        log.error("log.gap", processor=self._name, input=name, position=reached, log_begins=begin)

    async def fetch(self, consumer: AIOKafkaConsumer) -> Records:
        """The next records, none after a second. An error of the broker is waited out, and the position stays."""
        if self.holds_back():
            await asyncio.sleep(_HOLD_SECONDS)
            await self._look_ahead(consumer)
            return {}
        try:
            records: Records = await consumer.getmany(*self.inputs, timeout_ms=_POLL_MS, max_records=self._batch_max)
            self._looked_at = time.time()
            for tp in self.inputs:
                # aiokafka gives nothing, and no error, while the broker is away: an answer is what it has noted.
                if (answered_ms := consumer.last_poll_timestamp(tp)) is not None:
                    name = place_of(tp)
                    self._ends[name] = consumer.highwater(tp) or 0
                    self._seen_at[name] = max(self._seen_at[name], answered_ms / 1000)
        except KafkaError as error:
            telemetry.RETRIES.labels(self._name).inc()
            log.warning("fetch.retry", processor=self._name, error=repr(error))
            await asyncio.sleep(_PAUSE_SECONDS)
            return {}
        for tp, batch in records.items():
            if batch:
                await self._follows(consumer, tp, batch[0].offset)
                self._next[tp] = batch[-1].offset + 1
        return records

    async def _look_ahead(self, consumer: AIOKafkaConsumer) -> None:
        """Where the log ends, while nothing is fetched that would say it: what waits there grows older unseen."""
        if (now := time.time()) < self._looked_at + _LOOK_SECONDS:
            return
        self._looked_at = now
        try:
            ends = await consumer.end_offsets(self.inputs)
        except KafkaError as error:
            log.debug("log.not_seen", processor=self._name, error=repr(error))
            return
        self._ends = {place_of(tp): end for tp, end in ends.items()}
        self._seen_at = dict.fromkeys(self._ends, now)

    async def _follows(self, consumer: AIOKafkaConsumer, tp: TopicPartition, first: int) -> None:
        """Say it if the log was cut beneath us: aiokafka goes on with its beginning and tells nobody. (Offsets that are
        no record's, those of markers, are no gap.)"""
        expected = self._next.get(tp, first)
        if first > expected and (begin := (await self._places(consumer.beginning_offsets, [tp]))[tp]) > expected:
            self._say_gap(tp, expected, min(begin, first))
        elif first < expected:
            log.error("log.shorter", processor=self._name, input=place_of(tp), position=expected, goes_on_with=first)

    async def ends(self, consumer: AIOKafkaConsumer, places: list[TopicPartition]) -> Mapping[TopicPartition, int]:
        """The offset behind the last record of each of these partitions, read or not."""
        return await self._places(consumer.end_offsets, places)

    async def _places(
        self, ask: Callable[[list[TopicPartition]], Awaitable[Mapping[TopicPartition, int]]], of: list[TopicPartition]
    ) -> Mapping[TopicPartition, int]:
        while True:
            try:
                return await ask(of)
            except KafkaError as error:
                log.warning("offsets.retry", processor=self._name, error=repr(error))
                await asyncio.sleep(_PAUSE_SECONDS)

    async def look_past(
        self, consumer: AIOKafkaConsumer, position: Position, set_aside: Collection[TopicPartition]
    ) -> None:
        """Note what has been passed without a record, once all that was fetched is handled or ``set_aside``."""
        for tp in self.inputs:
            name = place_of(tp)
            if tp not in set_aside:
                reached = await consumer.position(tp)
                if reached > self._next.get(tp, reached):  # markers were passed; or the log was cut, and is quiet
                    await self._follows(consumer, tp, reached)
                    self._next[tp] = reached
                if reached > position.offsets.get(name, 0):
                    self.passed[name] = reached
                else:
                    self.passed.pop(name, None)
            if self._ends.get(name, 0) <= self._reached(name, position):
                self._clear_until[name] = self._seen_at[name]

    def handled(self, records: Records) -> None:
        """These are done: nothing before the last of each input is left."""
        for tp, batch in records.items():
            if batch:
                name = place_of(tp)
                self._clear_until[name] = max(self._clear_until.get(name, 0.0), batch[-1].timestamp / 1000)

    def behind(self, position: Position) -> tuple[int, float]:
        """Messages between the position and the ends as they were seen last, and how many seconds ago the oldest of
        them came, at most: 0 at the end, while the broker says that it is one.
        """
        now, count, since = time.time(), 0, inf
        for name, seen_at in self._seen_at.items():
            left = self._ends.get(name, 0) - self._reached(name, position)
            if left > 0:
                count += left
                since = min(since, self._clear_until.get(name, seen_at))
            elif now - seen_at > _SILENT_SECONDS:
                since = min(since, seen_at)
        return count, max(0.0, now - since)

    def _reached(self, name: str, position: Position) -> int:
        return max(position.offsets.get(name, 0), self.passed.get(name, 0))


def place_of(of: TopicPartition | Message) -> str:
    """How positions name an input, or the one a message came by: ``topic/partition``."""
    return f"{of.topic}/{of.partition}"
