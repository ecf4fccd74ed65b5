"""The business clock and its ticks."""

import time
from datetime import datetime, timedelta
from typing import Any

import pytest

from billing_sync import intake as intake_module
from billing_sync.clock import instant_of, start
from billing_sync.intake import Pulse, SetClock
from harness.intake import NOW, feed, running, until
from servicekit.decision import Refused
from servicekit.memory_store import MemoryStore

BILL = {"customer_id": "1", "period": "202605"}


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def test_a_demo_starts_at_ten() -> None:
    assert start("demo", None, NOW).reading(None, NOW) == at("2026-06-30T10:00:00+08:00")
    early = at("2026-06-30T09:59:00+08:00")
    clock = start("demo", None, early)
    assert clock.reading(None, early) == at("2026-06-29T10:00:00+08:00")
    later = early + timedelta(hours=30)
    assert start("demo", str(clock.offset_ms), later).reading(None, later) == at("2026-06-30T16:00:00+08:00")


@pytest.mark.parametrize(
    ("text", "instant"),
    [("2026-06-30", "2026-06-30T10:00:00+08:00"), ("2026-06-30T12:00:00+08:00", "2026-06-30T12:00:00+08:00")],
)
def test_instants_by_hand(text: str, instant: str) -> None:
    assert instant_of(text) == at(instant)


@pytest.mark.parametrize("text", ["", "tomorrow", "2026-13-01", "2026-06-30T12:00:00"])
def test_bad_instants_by_hand(text: str) -> None:
    with pytest.raises(Refused):
        instant_of(text)


async def test_the_feed_moves_the_clock_forward_only() -> None:
    async with running() as (intake, producer):
        assert intake.reading() is None
        for time, reached in (
            ("2026-06-01T10:00:00+08:00", "2026-06-01T10:00:00+08:00"),
            ("2026-05-31T10:00:00+08:00", "2026-06-01T10:00:00+08:00"),
            ("2026-06-30T20:00:00+08:00", "2026-06-30T12:00:00+08:00"),  # never past system time
        ):
            await feed(intake, "bill.issued", BILL, time=time)
            assert intake.reading() == at(reached)
        await until(lambda: not intake.settle()["outbox"])
        events = producer.of("boss.events")
        assert [e["businessclock"][:13] for e in events] == ["2026-06-01T02"]


async def test_rejected_events_and_duplicates_move_nothing() -> None:
    async with running() as (intake, producer):
        await feed(intake, "bill.issued", BILL, id="x", time="2026-06-01T10:00:00+08:00")
        await until(lambda: not intake.settle()["busy"])
        await feed(intake, "bill.issued", BILL, id="x", time="2026-06-01T10:00:00+08:00")
        await feed(intake, "bill.issued", {**BILL, "amount_fen": "x"}, time="2026-06-02T10:00:00+08:00")
        await until(lambda: not intake.settle()["outbox"] and not intake.settle()["busy"])
        assert intake.reading() == at("2026-06-01T10:00:00+08:00")
        assert len(producer.ticks) == 4


async def test_a_tick_follows_the_last_record_on_every_partition() -> None:
    async with running() as (intake, producer):
        for hour in range(10):
            await feed(intake, "bill.issued", {**BILL, "amount_fen": hour}, time=f"2026-06-01T{hour:02d}:00:00+08:00")
        await until(lambda: not intake.settle()["outbox"] and not intake.settle()["busy"])
        ticks = producer.ticks
        assert {t["partition"] for t in ticks[-4:]} == {0, 1, 2, 3}
        assert ticks[-1]["data"]["clock"] == "2026-06-01T01:00:00Z"
        assert producer.messages[-1].key == b"clock"
        numbers = [t["data"]["number"] for t in ticks]
        assert numbers == sorted(numbers)


async def test_events_that_come_one_by_one_share_their_ticks() -> None:
    async with running() as (intake, producer):
        await feed(intake, "bill.issued", BILL)
        assert not intake.owed, "the first waits for nothing"
        started = time.monotonic()
        for amount in range(60):
            await feed(intake, "bill.issued", {**BILL, "amount_fen": amount})
        await until(lambda: not intake.settle()["outbox"] and not intake.settle()["busy"])
        most = (time.monotonic() - started) / intake_module.SHORTEST_PAUSE + 2
        assert len(producer.of("boss.events")) == 61 and len(producer.ticks) <= 4 * most
        assert producer.messages[-1].key == b"clock"
        await until(lambda: intake._until_tick() <= 0)
        await feed(intake, "bill.issued", {**BILL, "amount_fen": 1_000})
        assert not intake.owed, "nor does one after a pause"


async def test_unchanged_records_move_the_clock_too() -> None:
    async with running() as (intake, producer):
        await feed(intake, "bill.issued", BILL, time="2026-06-01T10:00:00+08:00")
        await feed(intake, "bill.issued", BILL, time="2026-06-03T10:00:00+08:00")
        await until(lambda: not intake.settle()["outbox"] and not intake.settle()["busy"])
        assert producer.ticks[-1]["data"]["clock"] == "2026-06-03T02:00:00Z"


async def test_set_by_hand() -> None:
    store = MemoryStore()
    async with running(store) as (intake, producer):
        await intake.submit(SetClock(instant_of("2026-06-20")))
        await until(lambda: len(producer.ticks) == 4)
        for wrong in ("2026-06-19", "2026-07-01"):
            with pytest.raises(Refused):
                await intake.submit(SetClock(instant_of(wrong)))
        await feed(intake, "bill.issued", BILL, time="2026-06-01T10:00:00+08:00")
        assert intake.reading() == at("2026-06-20T10:00:00+08:00")
    async with running(store) as (intake, _):
        assert intake.reading() == at("2026-06-20T10:00:00+08:00")


async def test_a_demo_clock_runs_on_from_where_it_was_set() -> None:
    store = MemoryStore()
    async with running(store, clock="demo") as (intake, producer):
        await intake.submit(Pulse())
        assert intake.reading() == at("2026-06-30T10:00:00+08:00")
        await intake.submit(SetClock(instant_of("2026-06-30T11:00:00+08:00")))
        await until(lambda: producer.ticks and producer.ticks[-1]["data"]["clock"] == "2026-06-30T03:00:00Z")
    async with running(store, clock="demo", now=NOW + timedelta(hours=1)) as (intake, _):
        assert intake.reading() == at("2026-06-30T12:00:00+08:00")


async def test_numbers_rise_over_a_restart() -> None:
    store = MemoryStore()
    async with running(store) as (intake, producer):
        await feed(intake, "bill.issued", BILL)
        await until(lambda: not intake.settle()["outbox"] and not intake.settle()["busy"])
    async with running(store, producer=producer) as (intake, producer):
        await feed(intake, "bill.issued", {**BILL, "amount_fen": 1})
        await until(lambda: not intake.settle()["outbox"] and not intake.settle()["busy"])
    assert [t["data"]["number"] for t in producer.ticks] == [1] * 4 + [2] * 4


async def test_defect_32_a_commit_that_fails_moves_neither_clock_nor_numbers() -> None:
    class Refuses(MemoryStore):
        ill = False

        async def commit(self, batch: Any) -> None:
            if self.ill:
                raise ValueError("this batch can't be written")
            await super().commit(batch)

    store = Refuses()
    async with running(store, clock="demo") as (intake, producer):
        await intake.submit(Pulse())
        await until(lambda: len(producer.ticks) == 4)
        store.ill = True
        with pytest.raises(ValueError):
            await intake.submit(SetClock(instant_of("2026-06-30T11:00:00+08:00")))
        assert intake.reading() == at("2026-06-30T10:00:00+08:00")
        store.ill = False
        await intake.submit(Pulse())
        await until(lambda: len(producer.ticks) == 8)
        assert [t["data"]["number"] for t in producer.ticks] == [1] * 4 + [2] * 4
        assert producer.ticks[-1]["data"]["clock"] == "2026-06-30T02:00:00Z"


@pytest.mark.parametrize("time", ["1970-01-01T00:00:00Z", "0001-01-01T00:00:00Z"])
async def test_a_clock_at_the_epoch_or_before_is_a_clock(time: str) -> None:
    store = MemoryStore()
    async with running(store) as (intake, producer):
        receipt = await feed(intake, "customer.changed", {"customer_id": "1"}, time=time)
        assert receipt.status == "accepted"
        await until(lambda: len(producer.ticks) == 4 and not intake.settle()["busy"])
        assert intake.reading() == at(time)
    async with running(store) as (intake, _):
        assert intake.reading() == at(time)


@pytest.mark.parametrize("mode", ["feed", "demo", "system"])
async def test_defect_32_a_system_clock_that_steps_back_loses_nothing(mode: str) -> None:
    async with running(clock=mode) as (intake, producer):
        for days in (0, 400, -400):  # set right, set wrong, and too far back
            intake.system_clock = lambda days=days: NOW + timedelta(days=days)  # type: ignore[misc]
            time = (NOW + timedelta(days=days)).isoformat()
            customer = {"customer_id": str(days)}
            assert (await feed(intake, "customer.changed", customer, time=time)).status == "accepted"
            ahead = await feed(intake, "customer.changed", customer, time=(NOW + timedelta(days=900)).isoformat())
            assert (ahead.status, ahead.field) == ("rejected", "time")
            await intake.submit(Pulse())
        await until(lambda: not intake.settle()["busy"] and not intake.settle()["outbox"])
        assert [e["subject"] for e in producer.of("boss.events")] == ["0", "400", "-400"]
        clocks = [t["data"]["clock"] for t in producer.ticks]
        assert clocks == sorted(clocks), "never backwards"
        with pytest.raises(Refused):
            await intake.submit(SetClock(NOW))
