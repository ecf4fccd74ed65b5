"""Where messages wait: each in one place, and in none once it goes no more. What waits long must not grow."""

from msgspec.structs import replace

from alerts.notifications.aside import Aside
from alerts.notifications.limits import Budget
from alerts.notifications.parked import Parked
from alerts.notifications.state import HeldBack, ReadyToSend
from harness.sms_life import QUICK, FakeSmsc, Process
from harness.waiting import eventually
from servicekit.memory_store import MemoryStore


def message(id_: str, *channels: str) -> ReadyToSend:
    return ReadyToSend("c1", id_, 50, channels=channels)


def test_parked_once_by_the_channels_told_last() -> None:
    parked = Parked(lambda channels: "smpp" if "smpp" in channels else None)
    parked.put(message("a", "http"))
    parked.put(message("a", "http"))
    parked.put(message("b", "http"))
    assert len(parked) == len(list(parked)) == 2
    parked.put(message("a", "smpp"))
    assert [m.sms_id for m in parked.released()] == ["a"]
    parked.leave("b")
    parked.leave("nobody")
    assert (len(parked), parked.all(), parked._by_route, parked._routes) == (0, [], {}, {})


def test_held_for_one_reason() -> None:
    aside = Aside()
    aside.put(HeldBack(message("a")))
    aside.put(HeldBack(message("a"), is_short=True))
    aside.put(HeldBack(message("b"), is_short=True))
    assert len(aside) == 2 and aside.released(lambda _: False) == []
    assert [m.sms_id for m in aside.short(1)] == ["a"]
    aside.leave("b")
    assert len(aside) == 0


async def gone(life: Process, *customers: str) -> None:
    """They leave the network: what waits is cancelled."""
    records = [
        life.desk.record(
            "boss.events",
            "kam.boss.customer.left.v1",
            f'{{"customer_id":"{customer}","left_on":"2026-07-01"}}'.encode(),
            key=customer,
        )
        for customer in customers
    ]
    await life.desk.take(*records)


async def test_what_is_cancelled_under_a_stop_is_not_kept_until_its_release() -> None:
    async with Process(MemoryStore(), FakeSmsc()) as life:
        life.start()
        life.say("kind/complaint_opened")
        await life.complain("c1", "c2")
        for customer in ("c1", "c2"):
            await life.until("held", customer)
        assert len(life.sender._aside) == 2
        await gone(life, "c1")
        await life.until("cancelled")
        assert len(life.sender._aside) == 1
        life.say("kind/complaint_opened", stop=False)
        await life.until("sent", "c2")
        assert len(life.sender._aside) == 0


async def test_nor_is_what_no_budget_had_room_for() -> None:
    async with Process(MemoryStore(), FakeSmsc(), replace(QUICK, budget=Budget(parts=0))) as life:
        life.start()
        await life.complain("c1", "c2")
        for customer in ("c1", "c2"):
            await life.until("held", customer)
        await gone(life, "c1", "c2")
        await life.until("cancelled")
        assert len(life.sender._aside) == 0


async def test_nor_what_waits_for_a_channel_and_kam_wait_does_not_wait_for_it() -> None:
    smsc, http = FakeSmsc(), FakeSmsc()
    smsc.open.clear()
    smsc.lost_at = 0.0
    async with Process(MemoryStore(), smsc, others={"http": http}) as life:
        life.start()
        await eventually(lambda: life.sender._is_open)
        await life.complain("c1", "c2")
        await eventually(lambda: len(life.sender._parked) == 2)
        await gone(life, "c1")
        await eventually(lambda: life.sender.pending() == 1)
        assert len(life.sender._parked) == 1


async def test_whose_channels_are_those_of_another_policy_is_forgotten_once_it_has_gone() -> None:
    smsc = FakeSmsc()
    smsc.open.clear()
    async with Process(MemoryStore(), smsc) as life:
        life.start()
        await life.complain("c1")
        await eventually(lambda: life.sender.pending() == 1)
        life.sender.look_at_policy()
        assert len(life.sender._routed_before) == 1
        smsc.open.set()
        await life.until("sent")
        assert life.sender._routed_before == set()
