"""One consumer for all processors of an app, which asks the broker for all of their partitions at once, and seldom.

aiokafka fetches whenever it has handed something out. Under load that is a request for almost every record; what it
fetched early is handed out late, when whoever wants it comes back; and while one partition's records wait for their
processor, or a request is under way without it, nobody else's are fetched. Here the broker is asked when a processor
has nothing left to do, for all of them, with the beat (``Pace``); what comes for the others waits in memory.
"""

import asyncio
import time
from collections.abc import Iterable
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from servicekit.envelope import Message
from servicekit.pace import Pace

_POLL_MS = 1000
#: Requests to a broker that has nothing new are answered twice a second. So many polls without any answer: either it is
#: away, or whoever asks it has ended.
_DEAF_POLLS = 30
_ENDS_SECONDS = 10.0
#: Records that wait for their processor: with more its partition is not fetched.
_MOST = 3000
#: As many at once are no small batch, and neither is what leaves as many of a partition in the log.
_LARGE, _MUCH = 2000, 500
#: What they may hold: as much as one response. A stranger's records are as large as he likes.
_MOST_BYTES = 4 << 20


class Deaf(Exception):
    """The broker answers, but not what the consumer asks: nothing would ever come."""


class PacedConsumer(AIOKafkaConsumer):  # type: ignore[misc]  # aiokafka has no types
    """``getmany`` may be called by many at once, each for partitions of its own. Without a timeout it gives what waits
    in memory only. ``pause`` and ``resume`` are heeded by the next request.
    """

    def __init__(self, *, pace: Pace, **options: Any) -> None:
        super().__init__(**options)
        self._pace = pace
        self._hurried = asyncio.Event()
        self._kept: dict[TopicPartition, list[Message]] = {}
        # What they hold, where it was counted since they changed.
        self._kept_bytes: dict[TopicPartition, int] = {}
        self._askers: dict[asyncio.Future[None], tuple[TopicPartition, ...]] = {}
        self._held: set[TopicPartition] = set()
        self._asking: asyncio.Task[None] | None = None
        # What is waited for right now
        self._wanted: list[TopicPartition] = []
        self._polls, self._answered = 0, 0

    def assign(self, partitions: Iterable[TopicPartition]) -> None:
        """From the beginning until ``seek`` says where. Without a position aiokafka fetches nothing, of no partition,
        before the group's coordinator has told it one; that of a new cluster may take long, and is not needed here.
        """
        super().assign(partitions)
        for tp in partitions:
            self._subscription.seek(tp, 0)
            super().pause(tp)  # nothing is fetched before somebody asks

    async def getmany(
        self, *partitions: TopicPartition, timeout_ms: int = 0, max_records: int | None = None
    ) -> dict[TopicPartition, list[Message]]:
        partitions = partitions or tuple(self.assignment())
        if not (found := self._take(partitions, max_records)) and timeout_ms:
            asker = asyncio.get_running_loop().create_future()
            self._askers[asker] = partitions
            if self._asking is None or self._asking.done():
                self._asking = asyncio.create_task(self._ask())
            elif self._wanted and not self._held.union(self._wanted).issuperset(partitions):
                # It had enough when the request was made, and nobody would look at what came for it since.
                self._asking.cancel()
                self._asking = asyncio.create_task(self._ask())
            try:
                async with asyncio.timeout(timeout_ms / 1000):
                    await asker
            except TimeoutError:
                pass
            finally:
                del self._askers[asker]
            found = self._take(partitions, max_records)
        return found

    async def position(self, partition: TopicPartition) -> int:
        if kept := self._kept.get(partition):
            return kept[0].offset
        reached: int = await super().position(partition)
        return reached

    def seek(self, partition: TopicPartition, offset: int) -> None:
        self._keep(partition, [])
        super().seek(partition, offset)

    def pause(self, *partitions: TopicPartition) -> None:
        self._held.update(partitions)

    def resume(self, *partitions: TopicPartition) -> None:
        self._held.difference_update(partitions)

    def hurry(self) -> None:
        """Ask before the beat: what it is there for has come."""
        self._hurried.set()

    async def stop(self) -> None:
        if self._asking is not None:
            self._asking.cancel()
        await super().stop()

    def _take(self, partitions: tuple[TopicPartition, ...], most: int | None) -> dict[TopicPartition, list[Message]]:
        found: dict[TopicPartition, list[Message]] = {}
        room = most or _MOST
        for tp in partitions:
            if room and tp not in self._held and (kept := self._kept.get(tp)):
                found[tp] = kept[:room]
                self._keep(tp, kept[room:])
                room -= len(found[tp])
        return found

    def _is_full(self, tp: TopicPartition) -> bool:
        """Whether its processor has enough to do for now."""
        kept = self._kept.get(tp, ())
        if len(kept) >= _MOST:
            return True
        if (size := self._kept_bytes.get(tp)) is None:
            size = self._kept_bytes[tp] = sum([record.size for record in kept])
        return size >= _MOST_BYTES

    def _keep(self, tp: TopicPartition, records: list[Message]) -> None:
        self._kept[tp] = records
        self._kept_bytes.pop(tp, None)

    def _has_more(self, found: dict[TopicPartition, list[Message]]) -> bool:
        """Whether much is left in the log: a little that came is then no sign of a quiet moment."""
        return any((self.highwater(tp) or 0) - records[-1].offset > _MUCH for tp, records in found.items() if records)

    async def _ask(self) -> None:
        """Ask the broker until nobody waits any more."""
        while not all(asker.done() for asker in self._askers):
            wanted = [tp for tp in self.assignment() if tp not in self._held and not self._is_full(tp)]
            if not wanted:
                return  # whoever asks has put aside what there is: it asks again
            super().resume(*wanted)
            self._wanted = wanted
            self._hurried.clear()
            try:
                found = await super().getmany(*wanted, timeout_ms=_POLL_MS, max_records=_MOST)
                await self._listen(wanted, bool(found))
            except Exception as error:
                self._wanted = []
                for asker in self._askers:
                    if not asker.done():
                        asker.set_exception(error)
                return
            self._wanted = []
            came = time.monotonic()
            is_small = sum(map(len, found.values())) < _LARGE and not self._has_more(found)
            if is_small:
                super().pause(*wanted)  # before aiokafka asks for the next; where there is much it may
            for tp, records in found.items():
                self._keep(tp, [*self._kept.get(tp, ()), *records])
            for asker, partitions in self._askers.items():
                if not asker.done() and any(self._kept.get(tp) for tp in partitions if tp not in self._held):
                    asker.set_result(None)
            if found and is_small:
                await self._rest(self._pace.rest(came))

    async def _rest(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._hurried.wait()
        except TimeoutError:
            pass

    async def _listen(self, wanted: list[TopicPartition], found: bool) -> None:
        """Raises ``Deaf`` where the broker says that there are records and polls do not bring them: a processor that
        waits for ever looks like one with nothing to do."""
        answered = max((self.last_poll_timestamp(tp) or 0 for tp in wanted), default=0)
        if found or answered != self._answered:
            self._polls, self._answered = 0, answered
            return
        self._polls += 1
        if self._polls < _DEAF_POLLS:
            return
        self._polls = 0
        try:
            async with asyncio.timeout(_ENDS_SECONDS):
                ends = await self.end_offsets(wanted)
                for tp, end in ends.items():
                    if end > (reached := await super().position(tp)):
                        raise Deaf(f"{_DEAF_POLLS} polls without an answer, though {tp} has {reached} to {end}")
        except (KafkaError, TimeoutError):
            return  # it is away for everybody
