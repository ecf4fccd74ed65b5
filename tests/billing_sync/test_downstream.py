"""What is accepted is handled within seconds: the intake looks at those behind it."""

import asyncio
from typing import Any

import pytest
from aiokafka import TopicPartition

from billing_sync.downstream import AWAY_SECONDS, DESK, DETECT, EVERY_SECONDS, Downstream, watch
from harness.intake import feed, running
from harness.waiting import eventually
from servicekit.kafka import start_consumer, start_producer
from servicekit.log_reader import LogReader

FACTS = [TopicPartition("boss.events", p) for p in range(2)]
ALERTS = [TopicPartition("alert.events", p) for p in range(2)]
BOUND = 4.0


class Province:
    """Records come at a rate, are handled at others; the clock is ours."""

    def __init__(self) -> None:
        self.downstream, self.now = Downstream(BOUND), 0.0
        self.ends: dict[TopicPartition, float] = dict.fromkeys((*FACTS, *ALERTS), 0.0)
        self.reached = {DETECT: dict.fromkeys(FACTS, 0.0), DESK: dict.fromkeys((*FACTS, *ALERTS), 0.0)}

    def go_on(self, seconds: float, come: float, detect: float, desk: float, away: Any = ()) -> None:
        """Rates are records a second and partition; an alert comes of each record."""
        until = self.now + seconds
        while self.now < until:
            self.now += EVERY_SECONDS
            for facts, alerts in zip(FACTS, ALERTS, strict=True):
                self.ends[facts] += come * EVERY_SECONDS
                for group, tp, rate in ((DETECT, facts, detect), (DESK, facts, desk), (DESK, alerts, desk)):
                    if (group, tp) not in away:
                        at = self.reached[group][tp] + rate * EVERY_SECONDS
                        self.reached[group][tp] = min(at, self.ends[tp])
                self.ends[alerts] = self.reached[DETECT][facts]
            whole = {group: {tp: int(at) for tp, at in reached.items()} for group, reached in self.reached.items()}
            self.downstream.note(self.now, {tp: int(at) for tp, at in self.ends.items()}, whole)


def test_who_keeps_up_holds_nobody_up() -> None:
    province = Province()
    province.go_on(60, come=500, detect=1000, desk=500)
    assert province.downstream.seconds <= 2 * EVERY_SECONDS
    assert not province.downstream.is_slow and not province.downstream.fills_up


def test_events_are_refused_in_time_and_taken_again_when_there_is_room() -> None:
    """At five times of what the desk can do."""
    province, accepted, refused = Province(), [], 0
    for _ in range(400):
        slow = province.downstream.is_slow
        province.go_on(EVERY_SECONDS, come=0 if slow else 500, detect=1000, desk=100)
        accepted.append(province.downstream.seconds)
        refused += slow
    assert max(accepted) < BOUND + 3 and refused > 200
    assert sum(s > 0 for s in accepted[50:]) > 300, "and the desk always has something to do"


def test_files_hold_back_before_single_events_are_refused() -> None:
    province, refused = Province(), []
    for _ in range(400):
        file = 0 if province.downstream.fills_up else 400
        province.go_on(EVERY_SECONDS, come=file + 20, detect=1000, desk=100)
        refused.append(province.downstream.is_slow)
    assert not any(refused[40:]), "once it is known how fast they are"
    behind = province.ends[FACTS[0]] - province.reached[DESK][FACTS[0]]
    assert behind < 5 * 100 and province.reached[DESK][FACTS[0]] > 0.97 * 100 * 100, "the load as such is not slower"


@pytest.mark.parametrize("away", [(DETECT, DESK), (DESK,)])
def test_who_is_away_stops_the_intake_for_a_moment_only(away: tuple[str, ...]) -> None:
    province = Province()
    province.go_on(10, come=100, detect=200, desk=200)
    province.go_on(BOUND + 1, 100, 200, 200, {(group, tp) for group in away for tp in province.reached[group]})
    assert province.downstream.is_slow
    province.go_on(AWAY_SECONDS, 0, 200, 200, {(group, tp) for group in away for tp in province.reached[group]})
    assert not province.downstream.is_slow
    province.go_on(60, 100, 200, 200, {(group, tp) for group in away for tp in province.reached[group]})
    assert not province.downstream.is_slow, "it may be away for hours"
    province.go_on(2, come=100, detect=200, desk=200)
    assert province.downstream.is_slow, "it is back, and has much to do"
    province.go_on(200, come=0, detect=200, desk=200)
    assert province.downstream.seconds == 0


def test_who_wakes_very_many_at_one_tick_is_not_away() -> None:
    """Its position stands still until the last of them; the number of its commits does not."""
    ends, reached = {FACTS[0]: 100}, {DETECT: {FACTS[0]: 100}, DESK: {FACTS[0]: 100}}
    busy, silent = Downstream(BOUND), Downstream(BOUND)
    for step in range(int(4 * AWAY_SECONDS / EVERY_SECONDS)):
        now = step * EVERY_SECONDS
        ends = {FACTS[0]: 100 + step}
        busy.note(now, ends, reached, {DETECT: {FACTS[0]: str(step)}, DESK: {FACTS[0]: str(step)}})
        silent.note(now, ends, reached, {DETECT: {FACTS[0]: "7"}, DESK: {FACTS[0]: "7"}})
    assert busy.is_slow and not silent.is_slow


def test_one_of_two_workers_that_is_away_stops_nobody_for_ever() -> None:
    province = Province()
    gone = {(DETECT, FACTS[1]), (DESK, FACTS[1]), (DESK, ALERTS[1])}
    province.go_on(10, come=100, detect=200, desk=200)
    province.go_on(60, come=100, detect=200, desk=200, away=gone)
    assert not province.downstream.is_slow


def test_groups_that_never_were_and_partitions_without_records() -> None:
    downstream = Downstream(BOUND)
    for second in range(100):
        ends = {FACTS[0]: second, FACTS[1]: 0}
        downstream.note(float(second), ends, {DETECT: dict.fromkeys(FACTS, -1), DESK: {}})
    assert downstream.seconds == 0


async def test_single_events_are_refused_files_and_feed_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    async with running() as (intake, _):
        intake.downstream.seconds, intake.downstream._bound = 3.0, BOUND
        assert not intake.is_behind(10, 10) and intake.downstream.fills_up
        await feed(intake, "bill.issued", {"customer_id": "1", "period": "202605"})
        waiting = asyncio.create_task(intake.caught_up(10))
        reader: LogReader = intake._reader
        assert await reader.fetch(None) == {}  # type: ignore[arg-type]
        assert not waiting.done()
        intake.downstream.is_slow = True
        assert intake.is_behind(10, 10)
        intake.downstream.forget()
        await waiting
        assert not intake.is_behind(10, 10)


@pytest.mark.embedded
async def test_positions_and_ends_are_read_from_the_broker(
    contract_topics: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("billing_sync.downstream.FOLLOWERS", {DETECT: ("boss.events",), "group-that-never-was": ()})
    producer, downstream = await start_producer(contract_topics, "test"), Downstream(BOUND)
    consumer = await start_consumer(contract_topics, DETECT, FACTS)
    ends = await consumer.end_offsets(FACTS)
    await consumer.commit(ends)
    watching = asyncio.create_task(watch(downstream, contract_topics, 2))
    await eventually(lambda: len(downstream._seen) > 2)
    assert downstream.seconds == 0
    await producer.send_and_wait("boss.events", b"{}", partition=1)
    await eventually(lambda: downstream.seconds > 1)
    await consumer.commit({FACTS[1]: ends[FACTS[1]] + 1})
    await eventually(lambda: downstream.seconds == 0)
    watching.cancel()
    await asyncio.gather(watching, producer.stop(), consumer.stop(), return_exceptions=True)
