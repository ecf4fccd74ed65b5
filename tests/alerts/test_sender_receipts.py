"""Receipts find their message with and without our reference, however early they come; TD finds its customers."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from alerts.notifications.channel.transport import DeliveryReceipt, InboundSms, SubmitOutcome
from alerts.notifications.sending import ANSWERED, INTEND, Intend
from harness.one_processor import NOON
from harness.sms_life import QUICK, FakeSmsc, Process, phone
from harness.waiting import eventually
from servicekit.clock import iso, system_now
from servicekit.envelope import Message, command
from servicekit.memory_store import MemoryStore


def receipt(message_id: str, destination: str, reference: int | None = None, state: str = "DELIVRD") -> DeliveryReceipt:
    return DeliveryReceipt(message_id, state, reference, destination, "000", "2607011200", "")


async def unknown(life: Process, *customers: str) -> None:
    """Messages of these customers that were submitted and never answered."""
    life.smsc.answers = [SubmitOutcome.UNKNOWN] * len(customers)
    life.start()
    await life.complain(*customers)
    for customer in customers:
        await life.until("unknown", customer)


@pytest.mark.parametrize("restarted", [False, True])
@pytest.mark.parametrize("destination", ["8613900000001", "13900000001"])
async def test_by_message_id(restarted: bool, destination: str) -> None:
    store, smsc = MemoryStore(), FakeSmsc()
    async with Process(store, smsc) as life:
        life.start()
        await life.complain("c1")
        await life.until("sent")
        if not restarted:
            await smsc.on_receipt(receipt("m1", destination))
            await life.hear()
            assert life.sms()["state"] == "delivered"
            return
    async with Process(store, smsc) as life:
        life.start()
        await eventually(lambda: life.sender.pending() == 0)
        await smsc.on_receipt(receipt("m1", destination))
        await life.hear()
        assert life.sms()["state"] == "delivered"


async def test_an_id_that_the_smsc_gave_twice_is_the_latest_message_s() -> None:
    store, smsc = MemoryStore(), FakeSmsc()
    smsc.ids = ["m1", "m1"]
    async with Process(store, smsc) as life:
        life.start()
        for customer in ("c1", "c1-twin"):
            await life.complain(customer)
            await life.until("sent", customer)
    async with Process(store, smsc) as life:
        life.start()
        await eventually(lambda: life.sender.pending() == 0)
        await smsc.on_receipt(receipt("m1", phone("c1")))
        ((key, *_),) = life.published
        assert key == b"c1-twin"


async def test_a_message_id_of_another_number_is_not_ours() -> None:
    async with Process(MemoryStore(), FakeSmsc()) as life:
        life.start()
        await life.complain("c1")
        await life.until("sent")
        await life.smsc.on_receipt(receipt("m1", "13900000099"))
        await life.hear()
        assert life.sms()["state"] == "sent"
        assert len(life.store.documents["unmatched_receipts"]) == 1


async def test_by_reference_among_messages_without_an_answer() -> None:
    async with Process(MemoryStore(), FakeSmsc()) as life:
        await unknown(life, "c1", "c1-twin")
        assert phone("c1") == phone("c1-twin")
        reference = life.sms("c1-twin")["parts"][0]["reference"]
        await life.smsc.on_receipt(receipt("x1", phone("c1"), reference))
        await life.hear()
        assert (life.sms("c1")["state"], life.sms("c1-twin")["state"]) == ("unknown", "delivered")


@pytest.mark.parametrize("written", ["12345", "0000012345", "3039", "00003039"])
@pytest.mark.parametrize("echo", [True, False])
async def test_by_reference_or_a_similar_id_when_the_receipt_writes_it_differently(written: str, echo: bool) -> None:
    """Defect 17: hexadecimal in the answer, decimal in the receipt."""
    smsc = FakeSmsc()
    smsc.ids = ["0003039"]
    async with Process(MemoryStore(), smsc) as life:
        life.start()
        await life.complain("c1")
        row = await life.until("sent")
        reference = row["parts"][0]["reference"] if echo else None
        for _ in range(2):
            await smsc.on_receipt(receipt(written, phone("c1"), reference))
            await life.hear()
        assert (life.sms()["state"], len(life.sms()["receipts"])) == ("delivered", 1)
        assert life.sms()["parts"][0]["message_id"] == "0003039"
        assert not life.store.documents.get("unmatched_receipts")


async def test_by_reference_when_the_id_is_another_altogether() -> None:
    async with Process(MemoryStore(), FakeSmsc()) as life:
        life.start()
        await life.complain("c1", "c1-twin")
        row = await life.until("sent", "c1-twin")
        await life.until("sent", "c1")
        await life.smsc.on_receipt(receipt("cluster-7:99", phone("c1"), row["parts"][0]["reference"]))
        await life.hear()
        assert (life.sms("c1")["state"], life.sms("c1-twin")["state"]) == ("sent", "delivered")


async def test_an_answer_without_an_id_is_found_by_number() -> None:
    smsc = FakeSmsc()
    smsc.ids = [None]
    async with Process(MemoryStore(), smsc) as life:
        life.start()
        await life.complain("c1")
        await life.until("sent")
        await smsc.on_receipt(receipt("x9", phone("c1")))
        await life.hear()
        assert life.sms()["state"] == "delivered"


async def test_a_reference_that_is_not_ours_matches_nothing() -> None:
    async with Process(MemoryStore(), FakeSmsc()) as life:
        await unknown(life, "c1")
        reference = life.sms()["parts"][0]["reference"]
        await life.smsc.on_receipt(receipt("x1", phone("c1"), (reference + 1) & 0xFFFF))
        await life.hear()
        assert life.sms()["state"] == "unknown"


async def test_by_number_when_only_one_can_be_meant() -> None:
    async with Process(MemoryStore(), FakeSmsc()) as life:
        await unknown(life, "c1", "c2")
        await life.smsc.on_receipt(receipt("x1", phone("c1")))
        await life.hear()
        assert (life.sms("c1")["state"], life.sms("c2")["state"]) == ("delivered", "unknown")


async def test_not_by_number_when_two_can_be_meant() -> None:
    async with Process(MemoryStore(), FakeSmsc()) as life:
        await unknown(life, "c1", "c1-twin")
        await life.smsc.on_receipt(receipt("x1", phone("c1")))
        ((key, _, event, _),) = life.published
        assert (event.sms_id, event.customer_id) == (None, None)
        assert phone("c1").encode() not in key, "the key does not show the number"
        await life.hear()
        assert (life.sms("c1")["state"], life.sms("c1-twin")["state"]) == ("unknown", "unknown")
        (row,) = life.store.documents["unmatched_receipts"].values()
        assert row["message_id"] == "x1"


async def test_not_by_number_when_it_was_too_long_ago() -> None:
    async with Process(MemoryStore(), FakeSmsc()) as life:
        await unknown(life, "c1")
        life.receipts._system_clock = lambda: system_now() + timedelta(hours=QUICK.receipt_hours)
        await life.smsc.on_receipt(receipt("x1", phone("c1")))
        await life.hear()
        assert life.sms()["state"] == "unknown"


async def test_a_receipt_faster_than_the_answer_waits_for_it() -> None:
    smsc = FakeSmsc()
    smsc.speaks.clear()
    async with Process(MemoryStore(), smsc) as life:
        life.start()
        await life.complain("c1")
        await eventually(lambda: smsc.submitted)
        early = asyncio.ensure_future(smsc.on_receipt(receipt("m1", phone("c1"))))
        await asyncio.sleep(0)
        assert not life.published
        smsc.speaks.set()
        await early
        await life.until("sent")
        await life.hear()
        assert life.sms()["state"] == "delivered"


async def test_a_receipt_faster_than_its_answer_is_written_stands_behind_it() -> None:
    """Otherwise the message would be delivered without ever having been submitted, for whoever asks why."""
    async with Process(MemoryStore(), FakeSmsc()) as life:
        carry_out, may_be_written = life.desk.processor.command, asyncio.Event()

        async def slow(order: Message) -> Any:
            if order.type == ANSWERED:
                await may_be_written.wait()
            return await carry_out(order)

        life.desk.processor.command = slow  # type: ignore[method-assign]
        life.start()
        await life.complain("c1")
        await eventually(lambda: ("smpp", "m1") in life.receipts._known)
        early = asyncio.ensure_future(life.smsc.on_receipt(receipt("m1", phone("c1"))))
        await asyncio.sleep(0)
        assert not life.published and not early.done()
        may_be_written.set()
        await early
        assert life.sms()["state"] == "sent"
        await life.hear()
        assert life.sms()["state"] == "delivered"


async def test_a_receipt_handled_before_the_answer_is() -> None:
    store = MemoryStore()
    async with Process(store, FakeSmsc()) as life:
        await life.complain("c1")
        (row,) = store.documents["sms"].values()
        intent = await life.desk.processor.command(command(INTEND, "c1", Intend(row["sms_id"]), id="i"))
        life.receipts.remember("m1", intent, 1)
        await life.receipts.on_receipt(receipt("m1", phone("c1")))
        await life.hear()
        assert life.sms()["state"] == "delivered"


async def test_a_receipt_is_published_as_what_the_message_caused() -> None:
    async with Process(MemoryStore(), FakeSmsc()) as life:
        life.start()
        await life.complain("c1")
        await life.until("sent")
        await life.smsc.on_receipt(receipt("m1", phone("c1")))
        ((key, type_, event, headers),) = life.published
        assert (key, type_, event.part) == (b"c1", "kam.sms.receipt.received.v1", 1)
        assert headers["ce_correlationid"] == b"file:alert.events#0"
        assert headers["ce_causationid"]
        assert headers["ce_time"] == iso(NOON).encode(), "business time, as of all that stands beside it"


@pytest.mark.parametrize("text", ["TD", "td", " Td ", "退订", "ＴＤ", "ｔｄ\u3000"])
async def test_td(text: str) -> None:
    async with Process(MemoryStore(), FakeSmsc()) as life:
        life.start()
        await life.complain("c1", "c1-twin", "c2")
        for customer in ("c1", "c1-twin", "c2"):
            await life.until("sent", customer)
        await life.smsc.on_inbound(InboundSms("8613900000001", "10086", text))
        ((key, *_),) = life.published
        assert phone("c1").encode() not in key, "the key does not show the number"
        await life.hear()
        assert list(life.store.documents["blocked_numbers"]) == ["td:8613900000001"]
        await life.complain("c1-other", "c2-other")
        await life.until("sent", "c2-other")
        assert (life.sms("c1-other")["state"], life.sms("c1-other")["reason"]) == ("suppressed", "opted_out")


async def test_td_of_a_stranger_is_kept_and_other_words_are_not() -> None:
    async with Process(MemoryStore(), FakeSmsc()) as life:
        life.start()
        await eventually(lambda: life.sender.pending() == 0)
        await life.smsc.on_inbound(InboundSms("13911111111", "10086", "TD"))
        await life.smsc.on_inbound(InboundSms("13922222222", "10086", "hello"))
        await life.hear()
        assert list(life.store.documents["blocked_numbers"]) == ["td:8613911111111"]
