"""A broker that checks sequences as Kafka does, and its producer as the client's behaves."""

import asyncio
import random
from collections import defaultdict
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

from aiokafka.errors import KafkaTimeoutError, OutOfOrderSequenceNumber

from servicekit.envelope import Headers

Gate = Callable[[str], Awaitable[None]]


class Stored(NamedTuple):
    """A record as it lies in a partition."""

    key: bytes | None
    value: bytes | None
    headers: Headers


class Broker:
    """Logs by partition. A producer that it knows must go on where it stood; of one it doesn't, it takes any number.

    ``fails``: the next so many batches are lost for good; ``lost_answers``: taken, but the producer never hears.
    ``missing``: partitions there are none of; ``leaderless``: partitions that take nothing just now.
    """

    def __init__(self) -> None:
        self.records: dict[tuple[str, int], list[Stored]] = defaultdict(list)
        self.known: dict[tuple[int, str, int], int] = {}
        self.fails = self.lost_answers = self.refused = 0
        self.producers = 0
        self.missing: set[tuple[str, int]] = set()
        self.leaderless: set[tuple[str, int]] = set()
        self.chance: random.Random | None = None

    def values(self, topic: str, partition: int) -> list[Any]:
        """Values of a partition's log."""
        return [record.value for record in self.records[topic, partition]]

    async def start(self, gate: Gate | None = None) -> "Producer":
        """A producer. ``gate`` is awaited before a batch reaches the broker and before its answer comes back."""
        self.producers += 1
        return Producer(self, self.producers, gate)


class Builder:
    def __init__(self) -> None:
        self.records: list[Stored] = []

    def append(self, *, timestamp: None, key: bytes, value: bytes, headers: Any) -> object | None:
        assert key is not None or value is not None, "Need at least one: key or value"
        if len(self.records) == 3:
            return None
        self.records.append(Stored(key, value, headers))
        return object()

    def close(self) -> None:
        return None


class Producer:
    """Numbers its batches a partition, and goes on numbering behind one that was lost: the trap of the real one."""

    def __init__(self, broker: Broker, number: int, gate: Gate | None) -> None:
        self.broker, self.number, self.gate = broker, number, gate
        self.next: dict[tuple[str, int], int] = defaultdict(int)

    def create_batch(self) -> Builder:
        return Builder()

    async def send_batch(self, batch: Builder, topic: str, *, partition: int) -> "asyncio.Future[None]":
        assert (topic, partition) not in self.broker.missing, "Unrecognized partition"
        sequence = self.next[topic, partition]
        self.next[topic, partition] += len(batch.records)
        return asyncio.ensure_future(self._deliver(batch.records, sequence, topic, partition))

    async def _deliver(self, records: list[Stored], sequence: int, topic: str, partition: int) -> None:
        await (asyncio.sleep(0) if self.gate is None else self.gate("batch leaves"))
        broker, chance = self.broker, self.broker.chance
        if (topic, partition) in broker.leaderless:
            raise KafkaTimeoutError("no leader")
        if broker.fails > 0 or (chance and chance.random() < 0.2):
            broker.fails -= 1
            raise KafkaTimeoutError("no leader")
        place = (self.number, topic, partition)
        if broker.known.get(place, sequence) != sequence:
            broker.refused += 1
            raise OutOfOrderSequenceNumber("gap")
        broker.known[place] = sequence + len(records)
        broker.records[topic, partition] += records
        if broker.lost_answers > 0 or (chance and chance.random() < 0.2):
            broker.lost_answers -= 1
            raise KafkaTimeoutError("no answer")
        if self.gate is not None:
            await self.gate("broker answers")

    async def stop(self) -> None:
        return None
