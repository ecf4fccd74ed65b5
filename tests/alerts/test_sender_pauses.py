"""Time that passes unseen: a service that was down or paused sends nothing at night, nor what another took over.

Defect 9 (quiet hours after downtime) and the fence of a process that was stopped and goes on.
"""

import asyncio
from datetime import datetime, timedelta
from time import monotonic
from typing import Any

import pytest

from alerts.notifications import sender
from alerts.notifications.send_policy import SendPolicy
from harness.notifications_feed import BOOK, Story
from harness.one_processor import NOON
from harness.sms_life import FakeSmsc, Process
from harness.waiting import eventually
from servicekit.envelope import parse_time
from servicekit.memory_store import MemoryStore
from servicekit.store import Batch, Fenced

EVENING = parse_time("2026-07-01T20:50:00+08:00")


class Clocks:
    """System time and monotonic time of a machine, moved by hand."""

    def __init__(self, system_clock: datetime = NOON) -> None:
        self.at, self.seconds = system_clock, 1000.0

    def system_clock(self) -> datetime:
        return self.at

    def ticking(self) -> float:
        return self.seconds

    def pass_(self, seconds: float, *, asleep: bool = False) -> None:
        self.at += timedelta(seconds=seconds)
        self.seconds += 0 if asleep else seconds

    def book(self, *, by_system_clock: bool = True) -> dict[str, Any]:
        return {"system_clock": self.system_clock, "ticking": self.ticking, "by_system_clock": by_system_clock}


@pytest.mark.parametrize("by_system_clock", [True, False])
async def test_quiet_hours_hold_by_the_later_clock_after_downtime(by_system_clock: bool) -> None:
    store, smsc, clocks = MemoryStore(), FakeSmsc(), Clocks(EVENING)
    async with Process(store, smsc, **clocks.book(by_system_clock=by_system_clock)) as life:
        await life.complain("c1", clock=EVENING)
        assert life.sms()["state"] == "queued", "allowed to go at 20:50, and then the process is gone"
    clocks.pass_(2 * 3600 + 20 * 60)
    async with Process(store, smsc, **clocks.book(by_system_clock=by_system_clock)) as life:
        life.start()
        if not by_system_clock:  # replayed or simulated: business time is still 20:50
            await life.until("sent")
            return
        row = await life.until("held")
        assert row["reason"] == "quiet_hours"
        assert parse_time(row["hold_until"]) == parse_time("2026-07-02T08:00:00+08:00")
        await eventually(lambda: life.sender.pending() == 0)
    assert smsc.submitted == []


async def test_a_tick_read_late_in_the_night_lets_nothing_go() -> None:
    clocks = Clocks(EVENING + timedelta(hours=3))
    async with Process(MemoryStore(), FakeSmsc(), **clocks.book()) as life:
        life.start()
        await life.complain("c1", clock=EVENING)
        assert (life.sms()["state"], life.sms()["reason"]) == ("held", "quiet_hours")


async def test_a_log_that_was_led_ahead_of_the_system_s_clock_opens_no_night() -> None:
    """The clock of the machine was two days ahead, at noon, and has been mended: it is 23:10."""
    clocks, smsc = Clocks(EVENING + timedelta(hours=2, minutes=20)), FakeSmsc()
    async with Process(MemoryStore(), smsc, **clocks.book()) as life:
        life.start()
        await life.complain("c1", clock=EVENING + timedelta(days=1, hours=15))
        await eventually(lambda: life.sms()["reason"] == "quiet_hours")
        assert (life.sms()["state"], smsc.submitted) == ("queued", [])
        assert {round(due - monotonic(), -2) for due, *_ in life.sender._later} == {31_800}, "until eight"
        clocks.pass_(9 * 3600)
        life.sender._later[0] = (0.0, *life.sender._later[0][1:])
        life.sender.offer(())
        await life.until("sent")


def test_the_daily_cap_counts_the_day_of_the_later_clock() -> None:
    """Three messages of the 10th leave on the 11th, where the log has not arrived yet: they are the 11th's."""
    clocks = Clocks(parse_time("2026-03-11T10:00:00+08:00"))
    s = Story(send_policy=SendPolicy(BOOK.policy, list(BOOK.templates.values()), **clocks.book())).customer()
    for n in range(1, 5):
        s.complains("2026-03-10 10:00" if n < 4 else "2026-03-11 11:00", complaint_id=f"k{n}")
        s.tick()
        s.send()
    assert s.states == ["opened sent"] * 3 + ["opened held daily_cap"]


@pytest.mark.parametrize(("paused", "asleep"), [(2.5, False), (60.0, True), (3600.0, False)])
async def test_a_paused_process_submits_nothing_of_what_another_took_over(
    paused: float, asleep: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sender, "_LAST_SECONDS", 0.1)
    store, clocks, smsc = MemoryStore(), Clocks(), FakeSmsc()
    smsc.has_room.clear()
    async with Process(store, smsc, **clocks.book()) as first:
        first.start()
        await first.complain("c1")
        await eventually(lambda: first.sms()["state"] == "sending")
        # Stopped between intent and write; another process takes over and says what it can't know.
        second_smsc = FakeSmsc()
        async with Process(MemoryStore(store), second_smsc, **clocks.book()) as second:
            second.start()
            await second.until("unknown")
            clocks.pass_(paused, asleep=asleep)
            smsc.has_room.set()
            await eventually(lambda: first.desk.processor.failed is not None)
            await eventually(first.processor_run.done)
            assert isinstance(first.desk.processor.failed, Fenced)
            assert second.sms()["state"] == "unknown"
        assert (smsc.submitted, second_smsc.submitted) == ([], [])


@pytest.mark.parametrize(("waited", "confirmed"), [(1.0, 0), (3.0, 1)])
async def test_a_part_that_waited_is_confirmed_by_a_commit(waited: float, confirmed: int) -> None:
    clocks, smsc = Clocks(), FakeSmsc()
    smsc.has_room.clear()
    async with Process(MemoryStore(), smsc, **clocks.book()) as life:
        life.start()
        await life.complain("c1")
        await eventually(lambda: life.sms()["state"] == "sending")
        orders = _count(life)
        clocks.pass_(waited)
        smsc.has_room.set()
        row = await life.until("sent")
        assert [o for o in orders if o.endswith("confirm")] == ["kam.command.sms_confirm"] * confirmed
        assert (row["attempts"], len(smsc.accepted)) == (1, 1)


async def test_an_intent_that_waited_long_is_decided_on_anew() -> None:
    clocks, smsc = Clocks(), FakeSmsc()
    smsc.has_room.clear()
    async with Process(MemoryStore(), smsc, **clocks.book()) as life:
        life.start()
        await life.complain("c1")
        await eventually(lambda: life.sms()["state"] == "sending")
        first = life.sms()["parts"][0]["reference"]
        clocks.pass_(6.0)
        smsc.has_room.set()
        row = await life.until("sent")
        assert row["parts"][0]["reference"] != first
        assert len(smsc.accepted) == 1


async def test_quiet_hours_that_began_while_it_waited_hold_it() -> None:
    clocks, smsc = Clocks(parse_time("2026-07-01T20:59:58+08:00")), FakeSmsc()
    smsc.has_room.clear()
    async with Process(MemoryStore(), smsc, **clocks.book()) as life:
        life.start()
        await life.complain("c1", clock=EVENING)
        await eventually(lambda: life.sms()["state"] == "sending")
        clocks.pass_(3.0)
        smsc.has_room.set()
        assert (await life.until("held"))["reason"] == "quiet_hours"
        assert smsc.submitted == []


async def test_a_stop_that_came_while_it_waited_suppresses_it() -> None:
    clocks, smsc = Clocks(), FakeSmsc()
    smsc.has_room.clear()
    blocked: set[str] = set()
    async with Process(MemoryStore(), smsc, blocked=blocked.__contains__, **clocks.book()) as life:
        life.start()
        await life.complain("c1")
        await eventually(lambda: life.sms()["state"] == "sending")
        blocked.add(life.sms()["phone"])
        clocks.pass_(3.0)
        smsc.has_room.set()
        assert (await life.until("suppressed"))["reason"] == "opted_out"
        assert smsc.submitted == []


class SlowAcks(MemoryStore):
    """What is committed is acknowledged only once ``acked`` is set."""

    def __init__(self) -> None:
        super().__init__()
        self.acked, self.waiting = asyncio.Event(), 0
        self.acked.set()

    async def commit(self, batch: Batch) -> None:
        await super().commit(batch)
        self.waiting += 1
        await self.acked.wait()
        self.waiting -= 1


@pytest.mark.parametrize("claimed", [True, False])
@pytest.mark.parametrize(
    ("began", "waited", "stopped", "becomes"),
    [
        ("2026-07-01T20:59:59+08:00", 1.5, False, ("held", "quiet_hours", 1)),
        ("2026-07-01T12:00:00+08:00", 1.0, True, ("suppressed", "opted_out", 1)),
        ("2026-07-01T12:00:00+08:00", 6.0, False, ("sent", None, 2)),
    ],
)
async def test_an_intent_acknowledged_too_late_is_decided_anew(
    began: str, waited: float, stopped: bool, becomes: tuple[str, str | None, int], claimed: bool
) -> None:
    """Past nine in the evening, past a TD of its number, or after more than five seconds."""
    clocks, smsc, store, blocked = Clocks(parse_time(began)), FakeSmsc(), SlowAcks(), set[str]()
    async with Process(store, smsc, blocked=blocked.__contains__, **clocks.book()) as life:
        life.start()
        await eventually(lambda: life.sender._is_open)
        if not claimed:
            smsc.open.clear()
            await life.complain("c1", clock=parse_time(began))
        store.acked.clear()
        smsc.open.set()
        complaining = asyncio.create_task(life.complain("c1", clock=parse_time(began)) if claimed else asyncio.sleep(0))
        await eventually(lambda: store.waiting and life.sms()["state"] == "sending")
        first = life.sms()["parts"][0]["reference"]
        if stopped:
            blocked.add(life.sms()["phone"])
        clocks.pass_(waited)
        store.acked.set()
        await complaining
        row = await life.until(becomes[0])
        assert (row["reason"], row["attempts"]) == becomes[1:]
        assert first not in [part.reference for part in smsc.submitted]


async def test_a_confirmation_acknowledged_too_late_confirms_nothing() -> None:
    clocks, smsc, store = Clocks(), FakeSmsc(), SlowAcks()
    smsc.has_room.clear()
    async with Process(store, smsc, **clocks.book()) as life:
        life.start()
        await life.complain("c1")
        await eventually(lambda: life.sms()["state"] == "sending")
        first = life.sms()["parts"][0]["reference"]
        clocks.pass_(3.0)
        store.acked.clear()
        smsc.has_room.set()
        await eventually(lambda: store.waiting)
        clocks.pass_(3.0)
        store.acked.set()
        await life.until("sent")
        assert first not in [part.reference for part in smsc.submitted]


async def test_a_business_clock_that_passed_nine_meanwhile_holds_it() -> None:
    """A fed clock: nothing but the log says what time it is."""
    clocks, smsc = Clocks(), FakeSmsc()
    smsc.has_room.clear()
    async with Process(MemoryStore(), smsc, **clocks.book(by_system_clock=False)) as life:
        life.start()
        await life.complain("c1", clock=EVENING)
        await eventually(lambda: life.sms()["state"] == "sending")
        await life.complain("c2", clock=EVENING + timedelta(minutes=20))
        smsc.has_room.set()
        assert (await life.until("held"))["reason"] == "quiet_hours"
        assert smsc.submitted == []


def _count(life: Process) -> list[str]:
    orders: list[str] = []
    command = life.desk.processor.command

    async def counted(message: Any) -> Any:
        orders.append(message.type)
        return await command(message)

    life.desk.processor.command = counted  # type: ignore[method-assign]
    return orders
