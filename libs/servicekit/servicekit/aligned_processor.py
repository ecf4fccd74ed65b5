"""A processor with several clock topics that never runs ahead on the later ones (aligned barriers).

Ticks come by on ``clock_topics`` in the order in which facts flow: what the second topic says follows from the first.
A processor may read the second topic faster than the first; without more, a wake-up at tick N would then see what was
caused by records that come after tick N on the first topic, and are not handled yet. So what stands behind tick N on a
later topic is held back until tick N has come by on the first.
"""

from collections.abc import Collection, Iterator, Sequence
from math import inf
from operator import itemgetter

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition

from contracts.boss import ClockTicked
from contracts.registry import TICK
from servicekit.commands import Command
from servicekit.envelope import UNDECODABLE, Message
from servicekit.log_reader import Records
from servicekit.pipeline import StreamProcessor
from servicekit.timers import tick_of

_decode = msgspec.json.Decoder(ClockTicked).decode
_NONE = (0, 0)
_BEHIND_ALL = (inf, inf)
_MOST_HELD = 2000


class AlignedProcessor(StreamProcessor):
    """Held records stay in memory, in order; their offsets are not passed. Where many are held, no more are fetched."""

    _consumer: AIOKafkaConsumer | None = None

    async def open(self) -> None:
        self._held: dict[TopicPartition, list[Message]] = {}
        await super().open()

    async def run(self, consumer: AIOKafkaConsumer | None) -> None:
        self._consumer = consumer
        await super().run(consumer)

    def set_aside(self) -> Collection[TopicPartition]:
        return self._held.keys()

    async def process(self, records: Records, commands: Sequence[Command] = ()) -> None:
        await super().process(self._align(records), commands)

    def _align(self, records: Records) -> Records:
        first, *later = self.app.clock_topics
        reached = self._reached(first)
        for tp, batch in records.items():
            if tp.topic == first:
                reached = max([reached, *(n for n in map(_number, batch) if n is not None)])
        aligned = dict(records)
        for tp in (tp for tp in self.inputs if tp.topic in later):
            batch = [*self._held.pop(tp, []), *records.get(tp, [])]
            free = self._free(tp.topic, batch, reached)
            aligned[tp] = batch[:free]
            if free < len(batch):
                self._held[tp] = batch[free:]
            self._fetch(tp, len(batch) - free < _MOST_HELD)
        return {tp: batch for tp, batch in aligned.items() if batch}

    def in_order(self, records: Records) -> Iterator[Message]:
        """Round by round: up to a tick on the first clock topic, then up to it on the later ones, so that one batch of
        many rounds comes to what many batches come to. Other topics follow.
        """
        rounds: list[tuple[tuple[float, float], list[Message]]] = []
        for tp in self.inputs:
            batch, start, last = records.get(tp, []), 0, _NONE
            for i, record in enumerate(batch) if tp.topic in self.app.clock_topics else ():
                if (_number(record) or _NONE) > last:
                    last = _number(record) or _NONE
                    rounds.append((last, batch[start : i + 1]))
                    start = i + 1
            rounds.append((_BEHIND_ALL, batch[start:]))
        return (record for _, batch in sorted(rounds, key=itemgetter(0)) for record in batch)

    def _free(self, topic: str, batch: list[Message], reached: tuple[int, int]) -> int:
        """How many records, up to and with the first tick beyond ``reached``, may be handled."""
        if self._reached(topic) > reached:
            return 0
        return next((i + 1 for i, r in enumerate(batch) if (_number(r) or _NONE) > reached), len(batch))

    def _reached(self, topic: str) -> tuple[int, int]:
        return tick_of(self.position.marks.get(f"tick/{topic}"))[0]

    def _fetch(self, tp: TopicPartition, more: bool) -> None:
        if self._consumer is not None:
            (self._consumer.resume if more else self._consumer.pause)(tp)


def _number(message: Message) -> tuple[int, int] | None:
    """Epoch and number of a tick, None for any other message; a malformed one is left to the pipeline to refuse."""
    if message.type != TICK:
        return None
    try:
        tick = _decode(message.body or b"")
    except UNDECODABLE:
        return None
    return tick.epoch, tick.number
