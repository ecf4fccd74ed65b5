"""What the intake remembers is bounded: each thing has its rule."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from billing_sync import forgetting
from billing_sync.intake import Pulse
from harness.intake import NOW, feed, running, until
from harness.nightly import night
from servicekit.memory_store import MemoryStore

AGO = (NOW - timedelta(days=4 * 366)).isoformat()
RECENT = (NOW - timedelta(days=4 * 364)).isoformat()


def records(store: MemoryStore) -> set[str]:
    return {key for key in store.states if not key.startswith(("ID/", "I/"))}


async def feed_all(intake: Any, time: str, name: str) -> None:
    for type_, data in (
        ("customer.changed", {"customer_id": name}),
        ("arrears.changed", {"customer_id": name, "as_of": time[:10], "amount_fen": 5}),
        ("contract.changed", {"contract_id": name, "customer_id": name, "ends_on": "2021-01-01"}),
        ("bill.issued", {"customer_id": name, "period": "202101"}),
        ("usage.summarised", {"customer_id": name, "period": "202101"}),
        ("payment.received", {"payment_id": name, "customer_id": name, "paid_at": time, "amount_fen": 5}),
        ("service.requested", {"request_id": name, "customer_id": name, "requested_at": time, "kind": "stop"}),
        *(
            ("complaint.changed", {"complaint_id": f"{name}-{s}", "customer_id": name, "opened_at": time, "status": s})
            for s in ("opened", "closed")
        ),
    ):
        assert (await feed(intake, type_, data, time=time)).status == "accepted"


async def test_records_of_the_day_are_forgotten_after_four_years_of_business_time() -> None:
    store = MemoryStore()
    async with running(store) as (intake, producer):
        await feed_all(intake, AGO, "old")
        for _ in range(10):
            await intake.submit(Pulse())
        assert len(records(store)) == 9, "the business clock is still in those days"
        await feed_all(intake, RECENT, "new")
        await feed(intake, "balance.changed", {"customer_id": "x", "at": AGO, "balance_fen": 1}, time=NOW.isoformat())
        for _ in range(10):
            await intake.submit(Pulse())
        left = {key for key in records(store) if "old" in key}
        assert left == {"CUST/old", "ARR/old", "CONT/old", "COMP/old-opened"}
        assert len({key for key in records(store) if "new" in key}) == 9
        before = len(producer.of("boss.events"))
        await feed(intake, "bill.issued", {"customer_id": "old", "period": "202101"}, time=NOW.isoformat())
        await until(lambda: not intake.settle()["outbox"])
        assert len(producer.of("boss.events")) == before + 1
        assert "BILL/old/202101" in store.states


async def test_the_walk_goes_on_where_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forgetting, "_LOOKED_AT", 3)
    store = MemoryStore()
    for _ in range(8):  # each with a restart
        async with running(store) as (intake, _):
            if "BILL/0/202101" not in store.states and intake.reached is None:
                for n in range(10):
                    bill = {"customer_id": str(n), "period": "202101"}
                    await feed(intake, "bill.issued", bill, time=AGO if n != 4 else RECENT)
                await feed(intake, "customer.changed", {"customer_id": "1"}, time=NOW.isoformat())
            await intake.submit(Pulse())
    assert [key for key in sorted(store.states) if key.startswith("BILL/")] == ["BILL/4/202101"]


async def test_identities_go_at_once_when_they_are_due(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("billing_sync.intake._EXPIRED_CHUNK", 10)
    store = MemoryStore()
    async with running(store) as (intake, _):
        for n in range(25):
            await feed(intake, "customer.changed", {"customer_id": str(n)})
    async with running(store, now=NOW + timedelta(days=91)) as (intake, _):
        assert [await intake.submit(Pulse()) for _ in range(3)] == [True, True, False]
    assert not [key for key in store.states if key.startswith("ID/")]


async def test_refused_events_leave_nothing_behind() -> None:
    store = MemoryStore()
    async with running(store) as (intake, _):
        for n in range(20):
            await feed(intake, "bill.issued", {"customer_id": str(n), "period": "x"})
    assert not store.states


async def test_receipts_and_sequences_of_files_go_after_400_days_and_the_same_file_again_changes_nothing(
    tmp_path: Path,
) -> None:
    store, stem = MemoryStore(), "CUST_320100_20260531_0001"
    rows = [{"customer_id": "1", "status": "active"}]
    async with night(tmp_path, store) as boss:
        await boss.put("CUST", rows)
    assert {"RCPT/" + stem, "SEQ/CUST/320100/0001"} <= store.states.keys()
    async with night(tmp_path, store, now=NOW + timedelta(days=401)) as boss:
        await boss.intake.submit(Pulse())
        kept = {key for key in store.states if key.startswith(("RCPT/CUST", "SEQ/", "HALF/"))}
        assert not kept
        boss.producer.messages.clear()
        receipt = await boss.put("CUST", rows)
        assert (receipt["loaded"], receipt["unchanged"]) == (0, 1)
        assert not boss.events()
