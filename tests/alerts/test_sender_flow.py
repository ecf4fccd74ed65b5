"""What the sender does with time: batches, rate, retries, order."""

import asyncio
import time

import pytest
from msgspec.structs import replace

from alerts.notifications.channel.transport import SubmitOutcome
from alerts.notifications.state import ReadyToSend
from harness.sms_life import QUICK, FakeSmsc, Process
from harness.waiting import eventually
from servicekit.memory_store import MemoryStore
from servicekit.store import Batch


async def test_a_message_goes_out_and_nothing_is_left_to_do() -> None:
    async with Process(MemoryStore(), FakeSmsc()) as life:
        life.start()
        await life.complain("c1")
        row = await life.until("sent")
        assert row["parts"] == [
            {"number": 1, "reference": row["parts"][0]["reference"], "state": "sent", "message_id": "m1"}
        ]
        (part,) = life.smsc.accepted
        assert (part.destination, part.text, part.reference) == (
            "8613900000001",
            row["text"],
            row["parts"][0]["reference"],
        )
        assert life.sender.pending() == 0


@pytest.mark.parametrize("refusal", [SubmitOutcome.THROTTLED, SubmitOutcome.NOT_WRITTEN])
async def test_what_was_surely_not_taken_goes_again(refusal: SubmitOutcome) -> None:
    smsc = FakeSmsc()
    smsc.answers = [refusal, refusal]
    async with Process(MemoryStore(), smsc) as life:
        life.start()
        await life.complain("c1")
        await eventually(lambda: life.sms()["reason"] == refusal.value, every=0.001)
        assert life.sender.pending() >= 1, "kam wait waits for back-off"
        assert (await life.until("sent"))["attempts"] == 3
    assert len(smsc.accepted) == 1


async def test_attempts_end() -> None:
    smsc = FakeSmsc()
    smsc.answers, smsc.status = [SubmitOutcome.REFUSED] * 9, 0x08
    async with Process(MemoryStore(), smsc) as life:
        life.start()
        await life.complain("c1")
        assert (await life.until("failed"))["reason"] == "attempts"
    assert len(smsc.submitted) == 3


class CountingStore(MemoryStore):
    def __init__(self) -> None:
        super().__init__()
        self.commits = 0

    async def commit(self, batch: Batch) -> None:
        self.commits += 1
        await super().commit(batch)


async def test_many_customers_share_a_transaction() -> None:
    store, customers = CountingStore(), [f"c{n}" for n in range(1, 101)]
    async with Process(store, FakeSmsc()) as life:
        await life.complain(*customers)
        before = store.commits
        life.start()
        for customer in customers:
            await life.until("sent", customer)
        assert store.commits - before <= 10, "intents and answers of a batch are committed together"
    assert len(life.smsc.accepted) == 100


@pytest.mark.parametrize(("rate", "share"), [(50, 1.0), (200, 0.25)])
async def test_the_rate_is_kept(rate: int, share: float) -> None:
    customers = [f"c{n}" for n in range(1, 61)]
    policy = replace(QUICK, rate_per_second=rate)
    async with Process(MemoryStore(), FakeSmsc(), policy, share=share) as life:
        await life.complain(*customers)
        started = time.monotonic()
        life.start()
        for customer in customers:
            await life.until("sent", customer)
        assert time.monotonic() - started >= 0.18, "the first second's worth at once, the rest in time"


def test_parts_of_long_messages_are_owed_to_the_rate() -> None:
    sender = Process(MemoryStore(), FakeSmsc()).sender
    sender.offer([ReadyToSend("c1", "s1", 1)])
    sender._allowance.left = -900.5
    assert (sender._take(), sender._allowance.left) == ([], -900.5)


async def test_a_message_that_the_smsc_has_answered_makes_room_before_that_is_written() -> None:
    class Slow(MemoryStore):
        answers_written = asyncio.Event()

        async def commit(self, batch: Batch) -> None:
            if any(value == b"kam.sms.submitted.v1" for _, m in batch.outbox for _, value in m.headers):
                await self.answers_written.wait()
            await super().commit(batch)

    smsc = FakeSmsc()
    async with Process(Slow(), smsc) as life:
        life.start()
        await life.complain("c1")
        await eventually(lambda: len(smsc.accepted) == 1 and life.sender._in_hand == 0)
        assert life.sender.pending() == 1, "kam wait waits until it is written"
        Slow.answers_written.set()
        await life.until("sent")
        assert life.sender.pending() == 0


async def test_what_the_desk_withdraws_meanwhile_does_not_leave() -> None:
    smsc = FakeSmsc()
    smsc.open.clear()
    async with Process(MemoryStore(), smsc) as life:
        life.start()
        await life.complain("c1")
        left = life.desk.record(
            "boss.events", "kam.boss.customer.left.v1", b'{"customer_id":"c1","left_on":"2026-07-01"}'
        )
        await life.desk.take(left)
        smsc.open.set()
        await life.until("cancelled")
        await eventually(lambda: life.sender.pending() == 0)
    assert smsc.submitted == []


async def test_an_error_of_a_batch_ends_the_sender_and_so_the_service() -> None:
    class Broken(FakeSmsc):
        async def submit(self, part: object, permit: object = None) -> object:  # type: ignore[override]
            raise RuntimeError("a fault of ours")

    async with Process(MemoryStore(), Broken()) as life:
        life.start()
        await life.complain("c1")
        with pytest.raises(RuntimeError, match="a fault of ours"):
            await asyncio.wait_for(life.sender_run, 10)
        assert life.sms()["state"] == "sending", "the next process will call it unknown"
