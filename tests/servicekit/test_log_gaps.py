"""What a log has dropped before it was read is said: at the start, and beneath a processor that runs."""

from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import KafkaConnectionError

from servicekit import log_reader
from servicekit.log_reader import LogReader
from servicekit.store import Position

A = TopicPartition("boss.events", 0)


class Consumer:
    """Hands out ``offsets`` next; ``begin`` is the first the log still holds."""

    def __init__(self) -> None:
        self.offsets: list[int] = []
        self.begin = 0
        self.reached = 0
        self.asked = 0
        self.away = 0

    def seek(self, tp: TopicPartition, offset: int) -> None: ...

    def highwater(self, tp: TopicPartition) -> int:
        return 1000

    def last_poll_timestamp(self, tp: TopicPartition) -> int | None:
        return None

    async def position(self, tp: TopicPartition) -> int:
        return self.reached

    async def getmany(self, *_: Any, **__: Any) -> dict[TopicPartition, list[Any]]:
        return {A: [SimpleNamespace(offset=offset) for offset in self.offsets]} if self.offsets else {}

    async def beginning_offsets(self, places: list[TopicPartition]) -> dict[TopicPartition, int]:
        self.asked += 1
        if self.asked <= self.away:
            raise KafkaConnectionError("away")
        return dict.fromkeys(places, self.begin)


@pytest.mark.parametrize(
    ("fetches", "begin", "gap"),
    [
        ([[10, 11], [12]], 0, 0),
        ([[10], [], [11]], 11, 0),
        ([[10], [13]], 0, 0),  # a marker of a transaction lies between
        ([[10], [13]], 12, 1),  # one was cut, and a marker
        ([[10], [40, 41]], 40, 29),
        ([[10], [], [40]], 60, 29),  # and what came is being cut, too
        ([[40]], 40, 30),
        ([[10], [3]], 0, 0),  # another log, shorter: said, and read from where it is
    ],
)
async def test_a_gap_is_what_was_cut_and_not_read(fetches: list[list[int]], begin: int, gap: int) -> None:
    reader, consumer = LogReader("x.0", [A], 10), Consumer()
    handle: Any = consumer
    reader.seek(handle, {A: 5}, Position({"boss.events/0": 10}))
    consumer.begin = begin
    for consumer.offsets in fetches:
        records = await reader.fetch(handle)
        assert [r.offset for r in records.get(A, [])] == consumer.offsets, "and what is there is handed out"
    assert reader.gaps.get("boss.events/0", 0) == gap


async def test_a_broker_that_is_away_while_it_is_asked_costs_no_record(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_reader, "_PAUSE_SECONDS", 0.0)
    reader, consumer = LogReader("x.0", [A], 10), Consumer()
    handle: Any = consumer
    reader.seek(handle, {A: 30}, Position({"boss.events/0": 10}))
    consumer.offsets, consumer.begin, consumer.away = [50], 50, 2
    assert len((await reader.fetch(handle))[A]) == 1
    assert reader.gaps == {"boss.events/0": 40} and consumer.asked == 3, "20 at the start, 20 since"


@pytest.mark.parametrize(("begin", "gap"), [(30, 19), (11, 0), (20, 9)])
async def test_a_log_that_is_cut_to_its_end_is_said_before_anything_comes(begin: int, gap: int) -> None:
    reader, consumer = LogReader("x.0", [A], 10), Consumer()
    handle: Any = consumer
    reader.seek(handle, {A: 5}, Position({"boss.events/0": 10}))
    consumer.offsets, consumer.reached = [10], 11
    await reader.fetch(handle)
    await reader.look_past(handle, Position({"boss.events/0": 11}), ())
    assert not consumer.asked and not reader.gaps
    consumer.offsets, consumer.begin, consumer.reached = [], begin, 30
    for _ in range(2):
        await reader.fetch(handle)
        await reader.look_past(handle, Position({"boss.events/0": 11}), ())
    assert reader.gaps.get("boss.events/0", 0) == gap and consumer.asked == 1, "markers are no gap, and said once"
    consumer.offsets = [30]
    await reader.fetch(handle)
    assert reader.gaps.get("boss.events/0", 0) == gap
