"""What processors of an app ask of the broker: together, with the beat, and what nobody waits for stays in memory."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaConnectionError

from servicekit import paced_consumer
from servicekit.envelope import Message
from servicekit.pace import Pace
from servicekit.paced_consumer import Deaf, PacedConsumer

A, B = TopicPartition("boss.events", 0), TopicPartition("boss.events", 1)
PACE = 0.05


def _record(offset: int, body: bytes | None, headers: dict[str, bytes]) -> Message:
    return Message("t", 0, offset, None, headers, body)


class Broker:
    """What aiokafka's own consumer does: ``log`` is what it fetches next, ``requests`` what it was asked for."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.log: dict[TopicPartition, list[Any]] = {}
        self.requests: list[set[TopicPartition]] = []
        self.came = asyncio.Event()
        self.fails: Exception | None = None
        self.paused: set[TopicPartition] = set()
        self.ends: dict[TopicPartition, int] = {}
        self.body: bytes | None = None
        self.answered: int | None = None
        self.is_away = False
        self.headers: dict[str, bytes] = {}
        for name, does in (
            ("__init__", lambda _: None), ("getmany", self.getmany), ("assignment", lambda _: frozenset({A, B})),
            ("pause", lambda _, *places: self.paused.update(places)),
            ("resume", lambda _, *places: self.paused.difference_update(places)),
            ("position", self.position), ("stop", self.stop), ("__del__", lambda _: None),
            ("highwater", lambda _, place: self.ends.get(place)),
            ("last_poll_timestamp", lambda _, place: self.answered), ("end_offsets", self.end_offsets),
        ):  # fmt: skip
            monkeypatch.setattr(AIOKafkaConsumer, name, does, raising=False)

    async def getmany(self, *places: TopicPartition, timeout_ms: int, max_records: int) -> dict[TopicPartition, Any]:
        assert not self.paused & set(places)
        self.requests.append(set(places))
        try:
            async with asyncio.timeout(timeout_ms / 1000):
                await self.came.wait()
        except TimeoutError:
            return {}
        if self.fails is not None:
            raise self.fails
        self.came.clear()
        found, self.log = self.log, {}
        return {tp: records[:max_records] for tp, records in found.items()}

    async def position(self, place: TopicPartition) -> int:
        return 1000

    async def end_offsets(self, places: list[TopicPartition]) -> dict[TopicPartition, int]:
        if self.is_away:
            raise KafkaConnectionError("away")
        return {place: self.ends.get(place, 0) for place in places}

    async def stop(self) -> None: ...

    def tells(self, **offsets: list[int]) -> None:
        for name, place in (("a", A), ("b", B)):
            if name in offsets:
                self.log[place] = [_record(offset, self.body, self.headers) for offset in offsets[name]]
        self.came.set()


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> Broker:
    return Broker(monkeypatch)


@pytest.fixture
async def consumer(broker: Broker) -> AsyncIterator[PacedConsumer]:
    consumer = PacedConsumer(pace=Pace(PACE))
    yield consumer
    await consumer.stop()


def ask(consumer: PacedConsumer, *places: TopicPartition, most: int = 100) -> "asyncio.Task[list[int]]":
    async def offsets() -> list[int]:
        found = await consumer.getmany(*places, timeout_ms=2000, max_records=most)
        return [record.offset for records in found.values() for record in records]

    return asyncio.create_task(offsets())


async def test_one_request_asks_for_all_whoever_waits(broker: Broker, consumer: PacedConsumer) -> None:
    a, b = ask(consumer, A), ask(consumer, B)
    await asyncio.sleep(0.01)
    broker.tells(a=[1, 2], b=[7])
    assert await a == [1, 2] and await b == [7]
    assert broker.requests == [{A, B}]


async def test_what_came_for_others_waits_for_them_and_is_not_passed(broker: Broker, consumer: PacedConsumer) -> None:
    a = ask(consumer, A)
    await asyncio.sleep(0.01)
    broker.tells(a=[1], b=[7, 8, 9])
    assert await a == [1]
    assert await consumer.position(B) == 7 and await consumer.position(A) == 1000
    assert await ask(consumer, B, most=2) == [7, 8] and await consumer.position(B) == 9
    assert await ask(consumer, B) == [9] and await consumer.position(B) == 1000
    assert len(broker.requests) == 1


async def test_nobody_waits_so_nothing_is_asked(broker: Broker, consumer: PacedConsumer) -> None:
    a = ask(consumer, A)
    await asyncio.sleep(0.01)
    broker.tells(a=[1])
    await a
    await asyncio.sleep(3 * PACE)
    assert len(broker.requests) == 1 and broker.paused == {A, B}, "aiokafka asks for nothing by itself either"


async def test_under_load_requests_keep_the_pace(broker: Broker, consumer: PacedConsumer) -> None:
    loop = asyncio.get_running_loop()
    end, n = loop.time() + 10 * PACE, 0
    while loop.time() < end:
        a = ask(consumer, A)
        await asyncio.sleep(0)
        broker.tells(a=[n := n + 1])
        await a
    assert 8 <= n <= 8 + 12


async def test_who_is_told_that_something_has_come_asks_before_the_beat(
    broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    consumer = PacedConsumer(pace=Pace(60.0))
    loop = asyncio.get_running_loop()
    start = loop.time()
    for n in range(20):
        a = ask(consumer, A)
        await asyncio.sleep(0.001)
        if n > 8:
            assert len(broker.requests) == n, "it rests"
            consumer.hurry()
            await asyncio.sleep(0.001)
        assert len(broker.requests) == n + 1
        broker.tells(a=[n])
        await a
    assert loop.time() - start < 10
    b = ask(consumer, B)
    consumer.hurry()
    await asyncio.sleep(0.01)
    consumer.hurry()  # also while the broker is asked: what came may be behind what it answers
    broker.tells(a=[20])
    await asyncio.sleep(0.01)
    assert len(broker.requests) == 22
    b.cancel()
    await consumer.stop()


async def test_nobody_rests_while_much_is_left_in_the_log(broker: Broker, consumer: PacedConsumer) -> None:
    broker.ends[A] = 100_000
    loop = asyncio.get_running_loop()
    start = loop.time()
    for n in range(100):
        a = ask(consumer, A)
        await asyncio.sleep(0)
        broker.tells(a=[n])
        await a
    assert loop.time() - start < 10 * PACE and broker.paused == set(), "and aiokafka may fetch ahead"


async def test_a_partition_that_is_paused_or_full_is_not_asked_for(
    broker: Broker, consumer: PacedConsumer, monkeypatch: pytest.MonkeyPatch
) -> None:
    consumer.pause(B)
    a = ask(consumer, A)
    await asyncio.sleep(0.01)
    broker.tells(a=[1, 2])
    assert await a == [1, 2]
    consumer.resume(B)
    monkeypatch.setattr(paced_consumer, "_MOST", 2)
    b = ask(consumer, B)
    await asyncio.sleep(0.01)
    broker.tells(a=[3, 4], b=[7])
    assert await b == [7]
    b = ask(consumer, B)
    await asyncio.sleep(0.01)
    assert broker.requests == [{A}, {A, B}, {B}]
    consumer.pause(A)
    assert await consumer.getmany(A) == {}
    consumer.resume(A)
    assert [r.offset for r in (await consumer.getmany(A))[A]] == [3, 4]
    b.cancel()


async def test_who_had_enough_and_has_nothing_left_is_asked_for_at_once(
    broker: Broker, consumer: PacedConsumer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What aiokafka had fetched for it would lie there until something came for the others."""
    monkeypatch.setattr(paced_consumer, "_MOST", 2)
    b = ask(consumer, B)
    await asyncio.sleep(0.01)
    broker.tells(a=[3, 4], b=[7])
    assert await b == [7]
    b = ask(consumer, B)
    await asyncio.sleep(0.01)
    assert await ask(consumer, A) == [3, 4] and broker.requests[-1] == {B}
    a = ask(consumer, A)
    await asyncio.sleep(0.01)
    assert broker.requests[-1] == {A, B} and broker.requests.count({A, B}) == 2
    broker.tells(a=[5])
    assert await a == [5]
    broker.tells(b=[8])
    assert await b == [8], "and whoever waited goes on waiting"


@pytest.mark.parametrize("where", ["body", "headers"])
async def test_what_waits_for_a_slow_processor_is_bounded_in_bytes(
    broker: Broker, consumer: PacedConsumer, where: str
) -> None:
    """Up to 2000 records waited for it, however large, while the others asked for theirs."""
    large = bytes(1 << 20)
    broker.body, broker.headers = (large, {}) if where == "body" else (None, {"x": large})
    for n in range(5):
        a = ask(consumer, A)
        await asyncio.sleep(0.01)
        broker.tells(a=[n], b=[n] if B in broker.requests[-1] else [])
        assert await a == [n]
    assert broker.requests == [{A, B}] * 4 + [{A}]
    assert await ask(consumer, B) == [0, 1, 2, 3], "and are handed out in order"
    await asyncio.gather(a := ask(consumer, A), _soon(broker, a=[5]))
    assert broker.requests[-1] == {A, B}


async def _soon(broker: Broker, **offsets: list[int]) -> None:
    await asyncio.sleep(0.01)
    broker.tells(**offsets)


async def test_an_error_is_told_to_all_who_wait_and_the_next_asks_again(
    broker: Broker, consumer: PacedConsumer
) -> None:
    a, b = ask(consumer, A), ask(consumer, B)
    await asyncio.sleep(0.01)
    broker.fails = KafkaConnectionError("away")
    broker.came.set()
    found = await asyncio.gather(a, b, return_exceptions=True)
    assert all(isinstance(error, KafkaConnectionError) for error in found)
    broker.fails = None
    a = ask(consumer, A)
    await asyncio.sleep(0.01)
    broker.tells(a=[1])
    assert await a == [1]


async def test_one_that_is_cancelled_leaves_its_records_to_the_next(broker: Broker, consumer: PacedConsumer) -> None:
    a = ask(consumer, A)
    await asyncio.sleep(0.01)
    a.cancel()
    await asyncio.gather(a, return_exceptions=True)
    broker.tells(a=[1])
    assert await ask(consumer, A) == [1]


@pytest.mark.parametrize(
    ("end", "is_away", "answers", "is_deaf"),
    [
        (1001, False, False, True),
        (1000, False, False, False),
        (1001, True, False, False),
        (1001, False, True, False),
    ],
    ids=["records do not come", "there are none", "the broker is away", "it says that there is nothing new"],
)
async def test_a_consumer_that_gets_no_answer_while_records_are_there_says_so(
    broker: Broker,
    consumer: PacedConsumer,
    monkeypatch: pytest.MonkeyPatch,
    end: int,
    is_away: bool,
    answers: bool,
    is_deaf: bool,
) -> None:
    monkeypatch.setattr(paced_consumer, "_POLL_MS", 1)
    broker.ends, broker.is_away = {A: end, B: 0}, is_away

    async def polled() -> None:
        while len(broker.requests) < 3 * paced_consumer._DEAF_POLLS:
            if answers:
                broker.answered = len(broker.requests)
            await consumer.getmany(A, B, timeout_ms=10, max_records=10)

    if is_deaf:
        with pytest.raises(Deaf):
            await polled()
    else:
        await polled()
