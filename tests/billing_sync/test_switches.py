"""Switches of documents: one writer, every partition, one place; once, in order, and on their day."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import msgspec
import pytest

from alerts.brake import BRAKE, BrakeLibrary, plant
from billing_sync.domain import keys
from billing_sync.intake import Intake, Pulse, SetClock
from billing_sync.switches import Order, Place, TakeBack, decode_brake, placed_after
from contracts.brake import Brake
from contracts.documents import Placed
from harness.away_store import AwayStore
from harness.intake import NOW, Producer, feed, running, until
from servicekit.decision import Refused
from servicekit.documents.kinds import Kind
from servicekit.documents.library import Library
from servicekit.documents.steps import Step
from servicekit.memory_store import MemoryDocuments, MemoryStore

BILL = {"customer_id": "1", "period": "202605"}
SWITCH = "kam.document.switched.v1"


def order(id: str = "o1", version: int = 2, **more: Any) -> Order:
    made = {"kind": "rule", "document_id": "drop-30", "state": "active", "document": {"percent": 60}, "by": "A1"}
    return Order(id=id, version=version, **{**made, "why": "too many", **more})


async def sent(intake: Intake, producer: Producer) -> list[dict[str, Any]]:
    await until(lambda: not intake.settle()["outbox"])
    return producer.of("boss.events")


def types(messages: list[dict[str, Any]]) -> list[str]:
    return [m["type"] for m in messages]


async def test_it_stands_on_every_partition_with_one_number() -> None:
    async with running() as (intake, producer):
        first, second = await intake.submit(Place(order())), await intake.submit(Place(order("o2", 3)))
        assert (first.number, second.number) == (1, 2) and first.at == NOW
        found = await sent(intake, producer)
        assert [(m["data"]["number"], m["partition"]) for m in found] == [(n, p) for n in (1, 2) for p in range(4)]
        one = found[0]
        assert one["key"] == "document/rule/drop-30" and one["correlationid"] == "switch:o1"
        assert one["data"]["document"] == {"percent": 60} and (one["data"]["by"], one["data"]["why"]) == (
            "A1",
            "too many",
        )
        assert len({m["id"] for m in found}) == 8 and "businessclock" not in one, "the clock is unset"
        assert [p.number for p in await placed_after(intake, 0, None)] == [1, 2]
        assert [p.number for p in await placed_after(intake, 1, "rule")] == [2]
        assert await placed_after(intake, 0, "list") == []


async def test_what_is_accepted_behind_the_answer_stands_behind_it() -> None:
    async with running() as (intake, producer):
        await feed(intake, "bill.issued", BILL)
        await intake.submit(Place(order()))
        await feed(intake, "bill.issued", {**BILL, "amount_fen": 5})
        found = await sent(intake, producer)
        partition = found[0]["partition"]
        assert types([m for m in found if m["partition"] == partition]) == [
            "kam.boss.bill.issued.v1", SWITCH, "kam.boss.bill.issued.v1"
        ]  # fmt: skip


async def test_the_same_order_has_one_place() -> None:
    store = MemoryStore()
    async with running(store) as (intake, producer):
        first = await intake.submit(Place(order()))
        assert await intake.submit(Place(order(by="B2", why="in other words"))) == first
        with pytest.raises(Refused) as refused:
            await intake.submit(Place(order(version=3)))
        assert (refused.value.code, refused.value.status) == ("idempotency_key_used", 422)
        assert len(await sent(intake, producer)) == 4
    async with running(store) as (intake, _):
        assert await intake.submit(Place(order())) == first


async def test_a_document_that_fits_into_no_record_is_refused() -> None:
    async with running() as (intake, producer):
        with pytest.raises(Refused) as refused:
            await intake.submit(Place(order(document={"entries": ["9" * 20] * 20_000})))
        assert (refused.value.code, refused.value.status) == ("too_large", 413)
        assert await sent(intake, producer) == []


# --- on a day -----------------------------------------------------------------------------------------------------

TOMORROW = date(2026, 6, 2)


async def test_it_waits_for_the_first_record_of_its_day() -> None:
    store = MemoryStore()
    async with running(store) as (intake, producer):
        await feed(intake, "bill.issued", BILL, time="2026-06-01T10:00:00+08:00")
        waiting = await intake.submit(Place(order(on=TOMORROW)))
        assert (waiting.number, waiting.on) == (None, TOMORROW)
        assert await intake.submit(Place(order(on=TOMORROW))) == waiting
        assert await placed_after(intake, 0, "rule") == [waiting]
        with pytest.raises(Refused):
            await intake.submit(Place(order(on=TOMORROW + timedelta(days=1))))
        await feed(intake, "bill.issued", {**BILL, "amount_fen": 1}, time="2026-06-01T23:59:59+08:00")
        assert SWITCH not in types(await sent(intake, producer))
    async with running(store) as (intake, producer):
        assert list(intake.waiting) == ["o1"], "it waits in the store"
        await feed(intake, "bill.issued", {**BILL, "amount_fen": 2}, time="2026-06-02T00:00:00+08:00")
        found = await sent(intake, producer)
        assert types(found) == [SWITCH] * 4 + ["kam.boss.bill.issued.v1"] and not intake.waiting
        assert found[0]["businessclock"] == "2026-06-01T16:00:00+00:00"
        (placed,) = await placed_after(intake, 0, "rule")
        assert placed.number == 1 and await intake.submit(Place(order(on=TOMORROW))) == placed


async def test_of_one_day_what_was_asked_for_last_decides() -> None:
    store = MemoryStore()
    async with running(store) as (intake, _):
        await feed(intake, "bill.issued", BILL, time="2026-06-01T10:00:00+08:00")
        for id, version in (("z", 2), ("m", 3), ("z", 2), ("a", 4)):
            await intake.submit(Place(order(id, version, on=TOMORROW)))
    async with running(store) as (intake, _):
        await feed(intake, "bill.issued", {**BILL, "amount_fen": 2}, time="2026-06-02T00:00:00+08:00")
        assert [(p.number, p.version) for p in await placed_after(intake, 0, None)] == [(1, 2), (2, 3), (3, 4)]


async def test_a_clock_that_is_set_or_runs_comes_to_its_day_too() -> None:
    async with running() as (intake, producer):
        await intake.submit(SetClock(datetime.fromisoformat("2026-06-01T10:00:00+08:00")))
        await intake.submit(Place(order(on=TOMORROW)))
        await intake.submit(SetClock(datetime.fromisoformat("2026-06-02T10:00:00+08:00")))
        await until(lambda: len(producer.ticks) == 8)
        at = next(n for n, m in enumerate(producer.messages) if dict(m.headers)["ce_type"] == SWITCH.encode())
        later = [m for m in producer.messages[at:] if dict(m.headers)["ce_type"] == b"kam.clock.ticked.v1"]
        assert len(later) == 4, "the tick of that day stands behind it"
    now = [NOW]
    store = MemoryStore()
    async with running(store, clock="system") as (intake, producer):
        intake.system_clock = lambda: now[0]
        await intake.submit(Place(order(on=date(2026, 7, 1))))
        await intake.submit(Pulse())
        assert not producer.of("boss.events")
        now[0] = datetime.fromisoformat("2026-07-01T00:00:00+08:00")
        await intake.submit(Pulse())
        assert types(await sent(intake, producer)) == [SWITCH] * 4


async def test_a_day_that_is_here_counts_at_once_and_one_that_has_passed_is_refused() -> None:
    async with running() as (intake, _):
        assert (await intake.submit(Place(order("o0", on=date(2020, 1, 1))))).number is None, "the clock is unset"
        await feed(intake, "bill.issued", BILL, time="2026-06-02T10:00:00+08:00")
        assert (await intake.submit(Place(order("o1", on=TOMORROW)))).number == 2
        with pytest.raises(Refused) as refused:
            await intake.submit(Place(order("o2", on=date(2026, 6, 1))))
        assert (refused.value.code, refused.value.field, refused.value.status) == ("on_passed", "on", 422)


async def test_while_it_waits_it_can_be_taken_back() -> None:
    store = MemoryStore()
    async with running(store) as (intake, _):
        await intake.submit(Place(order(on=TOMORROW)))
        await intake.submit(TakeBack("o1"))
        assert await placed_after(intake, 0, None) == [] and not intake.waiting
        for id, code, status in (("o1", "not_found", 404), ("o2", "placed", 409)):
            await intake.submit(Place(order("o2")))
            with pytest.raises(Refused) as refused:
                await intake.submit(TakeBack(id))
            assert (refused.value.code, refused.value.status) == (code, status)
        waiting = await intake.submit(Place(order(on=date(2026, 6, 3))))
        assert waiting.on == date(2026, 6, 3), "and asked for anew"
    async with running(store) as (intake, _):
        assert list(intake.waiting) == ["o1"]


# --- what goes wrong ----------------------------------------------------------------------------------------------


async def test_night_files_that_hold_back_ticks_do_not_hold_back_a_switch() -> None:
    async with running(held=True) as (intake, producer):
        await feed(intake, "bill.issued", BILL)
        await intake.submit(Place(order()))
        assert types(await sent(intake, producer)).count(SWITCH) == 4 and not producer.ticks


async def test_after_a_lost_store_numbers_go_on_above_all_earlier_ones() -> None:
    async with running() as (intake, _):
        intake.revisions_from = 1_800_000_000
        assert (await intake.submit(Place(order()))).number == 1_800_000_001
        assert (await intake.submit(Place(order("o2")))).number == 1_800_000_002


async def test_a_commit_that_fails_changes_nothing() -> None:
    store = AwayStore()
    async with running(store) as (intake, producer):
        await feed(intake, "bill.issued", BILL, time="2026-06-01T10:00:00+08:00")
        store.away = True
        waiting = asyncio.create_task(intake.submit(Place(order(on=TOMORROW))))
        await asyncio.sleep(0.1)
        assert not intake.waiting and not waiting.done()
        store.away = False
        assert (await waiting).number is None and list(intake.waiting) == ["o1"]
        assert SWITCH not in types(await sent(intake, producer))


# --- the owner, where the store is lost -------------------------------------------------------------------------------


class Percent(msgspec.Struct, frozen=True):
    id: str
    percent: int


class Asked:
    """An intake, as an owner of documents asks it; one after another."""

    def __init__(self) -> None:
        self.intake: Intake

    async def place(self, kind: str, step: Step, document: Mapping[str, Any]) -> Placed:
        names = ("version", "state", "by", "why", "on")
        told = {name: getattr(step, name) for name in names}
        made = Order(id=step.order, kind=kind, document_id=step.id, document=dict(document), **told)
        placed: Placed = await self.intake.submit(Place(made))
        return placed

    async def take_back(self, order: str) -> bool:
        await self.intake.submit(TakeBack(order))
        return True

    async def after(self, number: int, kind: str) -> Sequence[Placed]:
        return await placed_after(self.intake, number, kind)


@pytest.mark.parametrize("passed", [False, True])
async def test_a_version_that_waits_keeps_its_day_though_the_store_is_lost(passed: bool) -> None:
    """It was a draft again, and on its day nothing happened."""
    kind = Kind(name="rule", read=lambda document: msgspec.convert(document, Percent), check=lambda read, others: [])
    asked = Asked()
    owner = Library(kind, MemoryDocuments(MemoryStore()), asked)
    await owner.plant([(1, {"id": "drop-30", "percent": 70})], is_in_force=lambda id, version: True)
    await owner.save("drop-30", {"percent": 60}, after=1, author="A1", why="too many")
    async with running() as (asked.intake, _):
        await feed(asked.intake, "bill.issued", BILL, time="2026-06-01T10:00:00+08:00")
        await owner.activate("drop-30", 2, by="A1", why="too many", on=TOMORROW)
    async with running() as (asked.intake, producer):
        if passed:
            await feed(asked.intake, "bill.issued", BILL, time="2026-06-03T10:00:00+08:00")
        await owner.look()
        if not passed:
            shown = await owner.get("drop-30", 2)
            assert (shown.state, shown.active_from) == ("scheduled", TOMORROW)
            await owner.look()
            await feed(asked.intake, "bill.issued", BILL, time="2026-06-02T10:00:00+08:00")
            await owner.look()
        assert [told["state"] for told in await owner.brief()] == ["retired", "active"]
        switched = [m["data"] for m in await sent(asked.intake, producer) if m["type"] == SWITCH]
        assert [(each["version"], each["document"]["percent"]) for each in switched] == [(2, 60)] * 4


async def test_the_brake_is_told_again_where_the_store_is_lost() -> None:
    """Files were held no more, though the list said that the brake was on."""
    asked = Asked()
    owner = BrakeLibrary(BRAKE, MemoryDocuments(MemoryStore()), asked)
    await plant(owner)
    on = {"enabled": True, "percent": 30, "min_customers": 500}
    async with running() as (asked.intake, producer):
        await owner.look()
        assert await asked.intake.entry(keys.BRAKE) is None, "as delivered it is off"
        await owner.save("brake", on, after=1, author="A1", why="so")
        await owner.activate("brake", 2, by="A1", why="so")
        await owner.look()
        assert types(await sent(asked.intake, producer)) == [SWITCH] * 4
    async with running() as (asked.intake, producer):
        for _ in range(2):
            await owner.look()
        raw = await asked.intake.entry(keys.BRAKE)
        assert raw is not None and decode_brake(raw) == Brake(**on)
        assert types(await sent(asked.intake, producer)) == [SWITCH] * 4, "once"
        assert [told["state"] for told in await owner.brief()] == ["retired", "active"]
