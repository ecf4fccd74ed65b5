"""How far behind a processor is: messages, and seconds since the oldest of them came; and how old its outbox is."""

import asyncio
import time
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition

from harness.broker_stub import Broker
from harness.waiting import eventually
from servicekit import log_reader
from servicekit.envelope import OutgoingMessage
from servicekit.kafka import Publisher
from servicekit.log_reader import LogReader
from servicekit.memory_store import MemoryStore
from servicekit.relay import Relay
from servicekit.store import Batch, Position

A, B = TopicPartition("boss.events", 0), TopicPartition("work.events", 0)


class Consumer:
    """A log with an end for each input; ``position`` is what was fetched."""

    def __init__(self) -> None:
        self.end = {A: 0, B: 0}
        self.fetched = {A: 0, B: 0}
        self.silent_since: float | None = None

    async def getmany(self, *_: Any, **__: Any) -> dict[TopicPartition, list[Any]]:
        return {}

    async def position(self, tp: TopicPartition) -> int:
        return self.fetched[tp]

    def highwater(self, tp: TopicPartition) -> int | None:
        return self.end[tp] or None

    def last_poll_timestamp(self, tp: TopicPartition) -> int:
        return int(1000 * (self.silent_since or log_reader.time.time()))

    async def end_offsets(self, tps: list[TopicPartition]) -> dict[TopicPartition, int]:
        return {tp: self.end[tp] for tp in tps}


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Any:
    stands = SimpleNamespace(now=1_000_000.0)
    monkeypatch.setattr(log_reader, "time", SimpleNamespace(time=lambda: stands.now))
    return stands


async def looked(reader: LogReader, consumer: Any, **offsets: int) -> Position:
    position = Position({f"{name}.events/0": offset for name, offset in offsets.items()})
    await reader.fetch(consumer)
    await reader.look_past(consumer, position, ())
    return position


def record(seconds: float) -> Any:
    return SimpleNamespace(timestamp=int(seconds * 1000))


async def test_at_the_end_it_is_nothing_behind_however_old_the_last_record(clock: Any) -> None:
    reader, consumer = LogReader("x.0", [A, B], 10), Consumer()
    assert reader.behind(Position()) == (0, 0.0)
    consumer.end = {A: 5, B: 0}
    reader.handled({A: [record(clock.now - 900)]})
    assert reader.behind(await looked(reader, consumer, boss=5)) == (0, 0.0)


async def test_what_is_held_back_is_behind_although_nothing_is_fetched(clock: Any) -> None:
    reader, consumer = LogReader("x.0", [A, B], 10), Consumer()
    consumer.end = {A: 5, B: 0}
    assert reader.behind(await looked(reader, consumer, boss=5)) == (0, 0.0)
    reader.holds_back = lambda: True
    consumer.end = {A: 9, B: 0}
    clock.now += 30
    position = await looked(reader, consumer, boss=5)
    assert reader.behind(position) == (4, 30.0), "something of this time may have come at once"
    clock.now += 10
    assert reader.behind(position) == (4, 40.0)


async def test_the_oldest_came_after_the_last_handled(clock: Any) -> None:
    reader, consumer = LogReader("x.0", [A, B], 10), Consumer()
    consumer.end = {A: 9, B: 4}
    reader.handled({A: [record(clock.now - 900), record(clock.now - 30)], B: [record(clock.now - 60)]})
    assert reader.behind(await looked(reader, consumer, boss=5, work=3)) == (5, 60.0)
    assert reader.behind(await looked(reader, consumer, boss=5, work=4)) == (4, 30.0)


async def test_after_a_quiet_hour_a_first_message_is_not_an_hour_behind(clock: Any) -> None:
    reader, consumer = LogReader("x.0", [A, B], 10), Consumer()
    consumer.end = {A: 5, B: 0}
    reader.handled({A: [record(clock.now)]})
    clock.now += 3600
    await looked(reader, consumer, boss=5)
    clock.now += 2
    consumer.end = {A: 6, B: 0}
    assert reader.behind(await looked(reader, consumer, boss=5)) == (1, 2.0)


async def test_a_broker_that_is_silent_makes_it_older_although_nothing_is_known_to_wait(clock: Any) -> None:
    reader, consumer = LogReader("x.0", [A, B], 10), Consumer()
    consumer.end = {A: 5, B: 0}
    assert reader.behind(await looked(reader, consumer, boss=5)) == (0, 0.0)
    consumer.silent_since = clock.now
    for passed, behind in ((3, 0.0), (10, 10.0), (600, 600.0)):
        clock.now = consumer.silent_since + passed
        assert reader.behind(await looked(reader, consumer, boss=5)) == (0, behind)
    consumer.silent_since, consumer.end = None, {A: 8, B: 0}
    assert reader.behind(await looked(reader, consumer, boss=5)) == (3, 600.0), "it may have come right then"
    assert reader.behind(await looked(reader, consumer, boss=8)) == (0, 0.0)


async def test_a_partition_without_a_leader_is_silent_alone(clock: Any) -> None:
    reader, consumer = LogReader("x.0", [A, B], 10), Consumer()
    since = clock.now
    consumer.last_poll_timestamp = lambda tp: int(1000 * (since if tp == A else clock.now))  # type: ignore[method-assign]
    clock.now += 60
    assert reader.behind(await looked(reader, consumer)) == (0, 60.0)


async def test_what_was_fetched_after_a_quiet_time_is_behind_while_it_is_handled(clock: Any) -> None:
    reader, consumer = LogReader("x.0", [A, B], 10), Consumer()
    consumer.end = {A: 5, B: 0}
    position = await looked(reader, consumer, boss=5)
    consumer.end = {A: 90, B: 0}
    await reader.fetch(consumer)  # type: ignore[arg-type]
    clock.now += 10
    assert reader.behind(position) == (85, 10.0)


async def test_markers_of_transactions_at_the_end_are_no_backlog(clock: Any) -> None:
    reader, consumer = LogReader("x.0", [A, B], 10), Consumer()
    consumer.end = consumer.fetched = {A: 6, B: 0}
    assert reader.behind(await looked(reader, consumer, boss=5)) == (0, 0.0)


async def test_an_outbox_is_as_old_as_its_oldest_message() -> None:
    store, broker = MemoryStore(), Broker()
    await store.open()
    messages = [OutgoingMessage("alert.events", 0, b"k", b"%d" % n, [("ce_id", b"1")]) for n in range(3)]
    await store.commit(Batch(outbox=list(enumerate(messages, 1)), next_sequence=4))
    relay = Relay("toy.0", "toy", store, Publisher(broker.start))
    assert relay.age == 0.0
    await relay.recover()
    since = time.monotonic()
    await eventually(lambda: relay.age > 0.01)
    assert relay.age <= time.monotonic() - since + 0.05
    run = asyncio.create_task(relay.run())
    await eventually(lambda: relay.pending == 0)
    assert relay.age == 0.0
    run.cancel()
