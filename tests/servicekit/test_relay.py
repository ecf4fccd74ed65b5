"""The relay and its publisher, before a broker that checks sequences as Kafka does: order, no gap, nothing lost."""

import asyncio
import os
import random
from pathlib import Path

import msgspec
import pytest
from aiokafka.errors import KafkaTimeoutError, MessageSizeTooLargeError

from harness.broker_stub import Broker
from harness.seeds import seeds
from harness.waiting import eventually
from servicekit import dead_letter
from servicekit import relay as relay_module
from servicekit.envelope import OutgoingMessage
from servicekit.kafka import MAX_MESSAGE_BYTES, Publisher
from servicekit.memory_store import MemoryStore
from servicekit.relay import Relay
from servicekit.store import Batch, Transient


def message(number: int, partition: int = 0) -> OutgoingMessage:
    return OutgoingMessage("alert.events", partition, b"k", b"%d" % number, [("ce_id", b"1")])


async def committed(messages: list[OutgoingMessage]) -> MemoryStore:
    store = MemoryStore()
    await store.open()
    await store.commit(Batch(outbox=list(enumerate(messages, 1)), next_sequence=len(messages) + 1))
    return store


async def relayed(
    broker: Broker, messages: list[OutgoingMessage], monkeypatch: pytest.MonkeyPatch, keep: Path | None = None
) -> Relay:
    monkeypatch.setattr(relay_module, "_FIRST_DELAY", 0.001)
    relay = Relay("toy.0", "toy", await committed(messages), Publisher(broker.start), keep)
    await relay.recover()
    task = asyncio.create_task(relay.run())
    await eventually(lambda: relay.pending == 0 or task.done())
    task.cancel()
    return relay


def first_seen(log: list[bytes]) -> list[bytes]:
    """What a consumer keeps that drops whatever is not beyond the highest number so far."""
    kept: list[bytes] = []
    for value in log:
        if not kept or int(value) > int(kept[-1]):
            kept.append(value)
    return kept


@pytest.mark.parametrize("failure", ["fails", "lost_answers"])
async def test_a_batch_that_failed_for_good_neither_wedges_nor_lets_others_overtake(
    failure: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    broker = Broker()
    setattr(broker, failure, 2)
    relay = await relayed(broker, [message(n) for n in range(10)], monkeypatch)
    assert first_seen(broker.values("alert.events", 0)) == [b"%d" % n for n in range(10)]
    assert broker.producers == 3, "each failure costs a producer"
    assert broker.refused == 0 and relay.failing_since is None


@pytest.mark.parametrize("seed", seeds(5, 20))
async def test_random_failures_lose_nothing_and_keep_the_order_of_each_partition(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance = random.Random(seed)
    broker = Broker()
    broker.chance = chance
    monkeypatch.setattr(relay_module, "_LONGEST_DELAY", 0.002)
    messages = [message(n, chance.randrange(4)) for n in range(60)]
    monkeypatch.setattr(relay_module, "_CHUNK", 12)
    await relayed(broker, messages, monkeypatch)
    for partition in range(4):
        wanted = [m.value for m in messages if m.partition == partition]
        assert first_seen(broker.values("alert.events", partition)) == wanted


async def test_a_message_no_broker_will_take_is_kept_and_holds_up_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broker = Broker()
    huge = OutgoingMessage("alert.events", 0, b"k", b"x" * (MAX_MESSAGE_BYTES + 1), [])
    empty = OutgoingMessage("alert.events", 0, None, None, [])
    relay = await relayed(broker, [message(1), huge, empty, message(2)], monkeypatch, tmp_path / "undeliverable")
    assert first_seen(broker.values("alert.events", 0)) == [b"1", b"2"]
    assert relay.undeliverable == 2
    kept = [msgspec.json.decode(p.read_bytes(), type=OutgoingMessage) for p in (tmp_path / "undeliverable").iterdir()]
    assert sorted(kept, key=lambda m: len(m.value or b"")) == [empty, huge]


async def test_a_relay_that_can_not_publish_says_since_when(monkeypatch: pytest.MonkeyPatch) -> None:
    broker = Broker()
    broker.fails = 10**9
    relay = Relay("toy.0", "toy", await committed([message(1)]), Publisher(broker.start))
    await relay.recover()
    task = asyncio.create_task(relay.run())
    await eventually(lambda: relay.failing_since is not None)
    assert relay.pending == 1 and not task.done()
    task.cancel()


async def test_one_publisher_of_two_callers_is_replaced_once_for_a_failure() -> None:
    broker = Broker()
    publisher = Publisher(broker.start)
    broker.fails = 1
    with pytest.raises(KafkaTimeoutError):
        await publisher.publish([message(1)])
    await publisher.publish([message(2)])
    with pytest.raises(MessageSizeTooLargeError):
        await publisher.send_and_wait("t", b"x" * (MAX_MESSAGE_BYTES + 1), key=b"k", partition=0, headers=[])
    await publisher.publish([message(3)])
    assert broker.values("alert.events", 0) == [b"2", b"3"] and broker.producers <= 3


async def test_messages_wait_for_a_partition_that_is_not_there_yet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Topics made anew with fewer partitions: that is no fault of the messages, and passes."""
    broker = Broker()
    broker.missing.add(("alert.events", 1))
    monkeypatch.setattr(relay_module, "_FIRST_DELAY", 0.001)
    relay = Relay("toy.0", "toy", await committed([message(1, 1), message(2)]), Publisher(broker.start), tmp_path)
    await relay.recover()
    task = asyncio.create_task(relay.run())
    await eventually(lambda: relay.failing_since is not None)
    assert (relay.pending, relay.undeliverable) == (2, 0)
    broker.missing.clear()
    await eventually(lambda: relay.pending == 0)
    assert broker.values("alert.events", 1) == [b"1"]
    task.cancel()


async def test_a_few_large_messages_fill_the_room_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """20,000 dead letters of 7 MiB do not fit into memory, nor does what a start finds of them."""
    broker = Broker()
    broker.fails = 10**9
    monkeypatch.setattr(relay_module, "_FIRST_DELAY", 0.001)
    monkeypatch.setattr(relay_module, "_LONGEST_DELAY", 0.001)
    large = [OutgoingMessage("alert.events", 0, b"k", bytes(7 << 20), []) for _ in range(10)]
    relay = Relay("toy.0", "toy", await committed(large), Publisher(broker.start))
    await relay.recover()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(relay.room(), 0.05)
    task = asyncio.create_task(relay.run())
    broker.fails = 0
    await asyncio.wait_for(relay.room(), 10)
    task.cancel()


async def test_what_no_broker_takes_is_bounded_on_disk_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dead_letter, "KEPT_BYTES", 50 << 20)
    huge = [
        OutgoingMessage("alert.events", 0, b"%d" % n, bytes(MAX_MESSAGE_BYTES + 1), [("ce_id", b"%d" % n)])
        for n in range(9)
    ]
    relay = await relayed(Broker(), huge, monkeypatch, tmp_path)
    assert relay.undeliverable == 9
    assert sum(e.stat().st_size for e in os.scandir(tmp_path)) <= 50 << 20


class Forgetful(MemoryStore):
    """Can't note what was sent, the next so many times."""

    fails = 0

    async def sent(self, up_to: int) -> None:
        if self.fails:
            self.fails -= 1
            raise Transient("away")
        await super().sent(up_to)


@pytest.mark.parametrize("away", ["a partition's leader", "the database"])
async def test_while_one_is_away_the_others_get_no_repeats(away: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A partition without a leader for an hour: the others got the same two thousand messages twice a minute."""
    monkeypatch.setattr(relay_module, "_FIRST_DELAY", 0.001)
    monkeypatch.setattr(relay_module, "_LONGEST_DELAY", 0.001)
    broker, store, messages = Broker(), Forgetful(), [message(n, n % 3) for n in range(30)]
    await store.open()
    await store.commit(Batch(outbox=list(enumerate(messages, 1)), next_sequence=31))
    if away == "the database":
        store.fails = 5
    else:
        broker.leaderless.add(("alert.events", 1))
    relay = Relay("toy.0", "toy", store, Publisher(broker.start))
    await relay.recover()
    task = asyncio.create_task(relay.run())
    await eventually(lambda: not store.fails and (away == "the database" or broker.producers > 3))
    broker.leaderless.clear()
    await eventually(lambda: relay.pending == 0)
    task.cancel()
    for partition in range(3):
        assert broker.values("alert.events", partition) == [m.value for m in messages if m.partition == partition]
    assert await store.outbox(0, 100) == []


async def test_it_says_when_nothing_is_left_to_send() -> None:
    broker, left = Broker(), list[int]()
    relay = Relay("toy.0", "toy", await committed([message(1)]), Publisher(broker.start))
    relay.on_empty = lambda: left.append(relay.pending)
    await relay.recover()
    task = asyncio.create_task(relay.run())
    await eventually(lambda: left == [0])
    relay.offer([(n, message(n)) for n in range(2, 5000)])
    await eventually(lambda: len(left) == 2)
    assert left == [0, 0] and sum(map(len, broker.records.values())) == 4999
    task.cancel()
