"""A message that may leave at once: one commit lets it go and freezes its intent; all that stops a message counts."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from alerts.notifications.blocked import Said
from alerts.notifications.channel.transport import SubmitOutcome
from alerts.notifications.receipts import OPTED_OUT
from contracts.alert import OptedOut
from harness import sms_life
from harness.memory_journal import MemoryLog
from harness.one_processor import NOON, header
from harness.sms_life import QUICK, FakeSmsc, Killed, Process, complain, complaint, dies_at
from harness.waiting import eventually
from servicekit import fault_injection
from servicekit.journal import Journal
from servicekit.memory_store import MemoryStore
from servicekit.rocksdb_store import LocalStore
from servicekit.store import Batch


class Told(MemoryStore):
    """``commits``: what each told of messages."""

    def __init__(self) -> None:
        super().__init__()
        self.commits: list[list[str]] = []

    async def commit(self, batch: Batch) -> None:
        await super().commit(batch)
        types = [header(message, "ce_type") for _, message in batch.outbox]
        self.commits.append([type_.split(".")[2] for type_ in types if type_.startswith("kam.sms.")])


async def running(life: Process) -> None:
    life.start()
    await eventually(lambda: life.sender._is_open)


async def test_what_may_leave_at_once_is_planned_and_intended_in_one_commit() -> None:
    store, smsc = Told(), FakeSmsc()
    async with Process(store, smsc) as life:
        await running(life)
        await life.complain("c1", "c2")
        await life.until("sent", "c1")
        await life.until("sent", "c2")
        assert store.commits[0] == ["planned", "planned", "intended", "intended"]
        assert len(smsc.accepted) == 2 and life.sender.pending() == 0


@pytest.mark.parametrize("why", ["the SMSC", "others", "room", "rate", "start"])
async def test_what_must_wait_has_its_intent_when_its_turn_comes(why: str) -> None:
    store, smsc = Told(), FakeSmsc()
    policy = replace(QUICK, rate_per_second=1) if why == "rate" else QUICK
    async with Process(store, smsc, policy) as life:
        if why != "start":
            await running(life)
        if why in ("the SMSC", "others"):
            smsc.open.clear()
        if why == "room":
            life.sender._most = 0
        if why == "rate":
            life.sender._allowance.left = 0.5
        await life.complain("c1")
        if why == "others":
            smsc.open.set()
            await life.complain("c2")
            assert store.commits[1] == ["planned"], "not before c1"
        assert (store.commits[0], life.sms()["state"]) == (["planned"], "queued")
        assert life.sender.pending() >= 1
        smsc.open.set()
        life.sender._most = 100
        life.sender.offer(())
        if why == "start":
            life.start()
        await life.until("sent")


async def test_where_not_all_of_a_batch_may_leave_the_most_urgent_do(monkeypatch: pytest.MonkeyPatch) -> None:
    def alert(customer: str) -> Any:
        found = complaint(customer)
        return found if customer == "c2" else replace(found, kind="contract_expiring", stage="1")

    store, smsc = Told(), FakeSmsc()
    monkeypatch.setattr(sms_life, "complaint", alert)
    async with Process(store, smsc) as life:
        await running(life)
        life.sender._most = 1
        smsc.speaks.clear()
        await life.complain("c1", "c2", "c3")
        assert [life.sms(customer)["state"] for customer in ("c1", "c2", "c3")] == ["queued", "sending", "queued"]
        smsc.speaks.set()
        await life.until("sent", "c3")


async def test_what_stops_it_in_the_same_batch_counts() -> None:
    smsc = FakeSmsc()
    async with Process(MemoryStore(), smsc) as life:
        await running(life)
        left = life.desk.record(
            "work.events", "kam.boss.customer.left.v1", b'{"customer_id":"c1","left_on":"2026-07-01"}'
        )
        take = life.desk.take
        life.desk.take = lambda *records: take(*records, left)  # type: ignore[method-assign]
        await complain(life.desk, "c1")
        assert life.sms()["state"] == "cancelled"
        await eventually(lambda: life.sender.pending() == 0)
    assert smsc.submitted == []


async def test_a_td_in_the_same_batch_counts() -> None:
    """It blocks the number behind the commit that froze the intent, and before anything leaves."""
    smsc = FakeSmsc()
    async with Process(MemoryStore(), smsc) as life:
        await running(life)
        told = OptedOut(phone="8613900000001", text="TD", received_at=NOON)
        td = life.desk.record("sms.receipts", OPTED_OUT, told, key="hidden")
        take = life.desk.take
        life.desk.take = lambda *records: take(*records, td)  # type: ignore[method-assign]
        await complain(life.desk, "c1")
        assert (await life.until("suppressed"))["reason"] == "opted_out"
    assert smsc.submitted == []


async def test_a_number_that_is_blocked_meanwhile_is_left_alone() -> None:
    smsc = FakeSmsc()
    async with Process(MemoryStore(), smsc) as life:
        await running(life)
        asked = life.sender.claim

        def claim(message: Any) -> Any:
            life.blocked.hear(Said("8613900000001", NOON, wants=False))
            return asked(message)

        life.sender.claim = claim  # type: ignore[method-assign]
        await life.complain("c1")
        assert life.sms()["reason"] == "opted_out"
        await eventually(lambda: life.sender.pending() == 0)
    assert smsc.submitted == []


@pytest.mark.parametrize(
    ("point", "becomes"),
    [("before_commit", "sent"), ("after_journal", "unknown"), ("after_commit", "unknown")],
)
async def test_killed_in_the_commit(point: str, becomes: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the journal has may have left; what it has not surely did not, and is read once more."""
    smsc, log = FakeSmsc(), MemoryLog()

    async def once(body: Any) -> None:
        life = Process(MemoryStore(), smsc)
        life.desk.store = LocalStore(tmp_path)
        life.desk._options["journal"] = Journal("alerts-desk.0", log)
        async with life:
            await running(life)
            await body(life)

    async def dies(life: Process) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(fault_injection, "hit", dies_at(point))
            with pytest.raises(Killed):
                await life.complain("c1")
        await eventually(lambda: life.sender.pending() == 0)
        assert smsc.submitted == [], "nothing leaves before its commit"

    async def goes_on(life: Process) -> None:
        if becomes == "sent":
            assert life.desk.processor.position.commits == 0
            await life.complain("c1")
        await eventually(lambda: life.sender.pending() == 0)
        store: Any = life.desk.store
        assert (await store.unfollowed_of("sms", await _sms_id(store))).doc["state"] == becomes
        assert len(smsc.submitted) == (becomes == "sent")

    await once(dies)
    await once(goes_on)


async def _sms_id(store: LocalStore) -> str:
    (row,) = [row for row in await store.unfollowed(10) if row.collection == "sms"]
    return row.id


async def test_a_batch_that_cannot_be_written_is_claimed_anew_message_by_message() -> None:
    class FailsOnce(Told):
        failed = False

        async def commit(self, batch: Batch) -> None:
            if not self.failed and batch.outbox:
                self.failed = True
                raise ValueError("too large together")
            await super().commit(batch)

    smsc = FakeSmsc()
    async with Process(FailsOnce(), smsc) as life:
        await running(life)
        await life.complain("c1", "c2")
        await life.until("sent", "c1")
        await life.until("sent", "c2")
        assert life.sender.pending() == 0 and life.sender._failed is None
    assert sorted(part.destination[-1] for part in smsc.accepted) == ["1", "2"]


async def test_refused_for_now_it_goes_again() -> None:
    smsc = FakeSmsc()
    smsc.answers = [SubmitOutcome.THROTTLED]
    async with Process(MemoryStore(), smsc) as life:
        await running(life)
        await life.complain("c1", clock=NOON)
        assert (await life.until("sent"))["attempts"] == 2
    assert len(smsc.accepted) == 1


async def test_after_the_sender_has_ended_nothing_is_claimed() -> None:
    smsc = FakeSmsc()
    async with Process(MemoryStore(), smsc) as life:
        await running(life)
        life.sender_run.cancel()
        await asyncio.gather(life.sender_run, return_exceptions=True)
        await life.complain("c1")
        assert (life.sms()["state"], smsc.submitted) == ("queued", [])
