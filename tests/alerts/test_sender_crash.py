"""Never twice: whatever the moment of a crash, the SMSC is given a message at most once."""

import asyncio

import pytest

from alerts.notifications.channel.transport import DeliveryReceipt, SubmitOutcome, SubmitResult
from harness.notifications_feed import PHONE
from harness.sms_life import FakeSmsc, Killed, Process, dies_at
from harness.waiting import eventually
from servicekit import fault_injection
from servicekit.memory_store import MemoryStore


async def crash(store: MemoryStore, smsc: FakeSmsc, point: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(fault_injection, "hit", dies_at(point))
        async with Process(store, smsc) as life:
            life.start()
            await life.complain("c1")
            with pytest.raises(Killed):
                await asyncio.wait_for(life.sender_run, 10)


def receipt(reference: int | None, state: str = "DELIVRD") -> DeliveryReceipt:
    return DeliveryReceipt("m77", state, reference, PHONE, "000", "2607011200", "")


@pytest.mark.parametrize(("point", "taken"), [("sms_after_intent", 0), ("sms_after_submit", 1)])
@pytest.mark.parametrize("echo", [True, False])
async def test_killed(point: str, taken: int, echo: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    store, smsc = MemoryStore(), FakeSmsc()
    await crash(store, smsc, point, monkeypatch)
    for _ in range(2):  # and again
        async with Process(store, smsc) as life:
            assert life.sms()["state"] in ("sending", "unknown")
            life.start()
            row = await life.until("unknown")
            assert row["reason"] == "restart"
            await life.complain("c2")
            await life.until("sent", "c2")
            assert len([p for p in smsc.accepted if p.destination.endswith("1")]) == taken
            if taken:
                await smsc.on_receipt(receipt(row["parts"][0]["reference"] if echo else None))
                await smsc.on_receipt(receipt(row["parts"][0]["reference"] if echo else None))
                await life.hear()
                assert life.sms()["state"] == "delivered"
                assert len(life.sms()["receipts"]) == 1
                return


async def test_killed_before_the_intent_it_is_sent_by_the_next_process() -> None:
    store, smsc = MemoryStore(), FakeSmsc()
    smsc.open.clear()
    async with Process(store, smsc) as life:
        life.start()
        await life.complain("c1")
        assert life.sms()["state"] == "queued"
        assert life.sender.pending() >= 1
    smsc.open.set()
    async with Process(store, smsc) as life:
        assert life.sender.pending() == 1, "kam wait must not end before the sender has looked"
        life.start()
        await life.until("sent")
    assert len(smsc.accepted) == 1


async def test_killed_in_back_off_it_is_sent_by_the_next_process() -> None:
    store, smsc = MemoryStore(), FakeSmsc()
    smsc.answers = [SubmitOutcome.THROTTLED]
    async with Process(store, smsc) as life:
        life.start()
        await life.complain("c1")
        await eventually(lambda: life.sms()["reason"] == "throttled", every=0.001)
        smsc.open.clear()
    smsc.open.set()
    async with Process(store, smsc) as life:
        life.start()
        await life.until("sent")
    assert len(smsc.accepted) == 1


async def test_a_stop_waits_for_the_answers() -> None:
    store, smsc = MemoryStore(), FakeSmsc()
    smsc.speaks.clear()
    async with Process(store, smsc) as life:
        life.start()
        await life.complain("c1")
        await eventually(lambda: smsc.submitted)
        assert life.sender.pending() == 1
        life.sender_run.cancel()
        await asyncio.sleep(0)
        smsc.speaks.set()
        await asyncio.gather(life.sender_run, return_exceptions=True)
        assert life.sms()["state"] == "sent"
    assert smsc.closed == 1


async def test_an_answer_that_comes_late_settles_what_the_crash_left(monkeypatch: pytest.MonkeyPatch) -> None:
    store, smsc = MemoryStore(), FakeSmsc()
    smsc.answers = [SubmitOutcome.UNKNOWN]
    async with Process(store, smsc) as life:
        life.start()
        await life.complain("c1")
        row = await life.until("unknown")
        part = smsc.submitted[0]
        assert smsc.on_late_answer is not None
        await smsc.on_late_answer(SubmitResult(part.part_id, SubmitOutcome.ACCEPTED, "m9", 0, ""))
        assert life.sms()["state"] == "sent"
        assert life.sms()["parts"][0]["message_id"] == "m9"
        await smsc.on_late_answer(SubmitResult("nobody/1", SubmitOutcome.ACCEPTED, "m10", 0, ""))
        assert row["reason"] == "no_answer"
    assert len(smsc.submitted) == 1
