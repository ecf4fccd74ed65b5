"""Two workers of one service, with the database away: what the SMSC tells one of them concerns the other as well."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiokafka import TopicPartition

from alerts.notifications.channel.transport import DeliveryReceipt, InboundSms, SubmitOutcome, SubmitResult
from alerts.notifications.processor import NotificationsProcessor
from harness.sms_life import FakeSmsc, phone
from harness.sms_workers import PARTITIONS, Log, Worker, customers_of
from harness.waiting import eventually
from servicekit.kafka import partition_of

A, B = (0, 2), (1, 3)
OF_A, OF_B = customers_of(A)[0], customers_of(B)[0]


def receipt(message_id: str, destination: str, reference: int | None = None) -> DeliveryReceipt:
    return DeliveryReceipt(message_id, "DELIVRD", reference, destination, "000", "2607011200", "")


class Two:
    """Both workers."""

    def __init__(self, folder: Path) -> None:
        self.log, self.folder, self.smsc = Log(), folder, {"a": FakeSmsc(), "b": FakeSmsc()}

    def worker(self, name: str) -> Worker:
        return Worker(self.log, A if name == "a" else B, self.folder / name, self.smsc[name])

    async def read(self) -> None:
        """Both read until there is nothing more, what they tell each other included."""
        while await self.a.read() + await self.b.read():
            await eventually(lambda: not any(p.relay.pending for w in (self.a, self.b) for p in w.processors()))


@pytest.fixture
async def two(tmp_path: Path) -> AsyncIterator[Two]:
    two = Two(tmp_path)
    async with two.worker("a") as two.a, two.worker("b") as two.b:
        yield two


async def test_a_stop_that_came_to_one_stops_the_other(two: Two) -> None:
    two.smsc["b"].open.clear()
    await two.b.complain(OF_B)
    assert await two.b.message(OF_B) is not None, "it may leave, and waits for the SMSC"
    await two.smsc["a"].on_inbound(InboundSms(f"86{phone(OF_B)}", "10086", "TD"))
    assert [len(two.log.records["sms.receipts", n]) for n in range(PARTITIONS)] == [1] * PARTITIONS
    await two.read()
    two.smsc["b"].open.set()
    await eventually(lambda: two.log.told(OF_B)[-1:] == ["suppressed opted_out"])
    assert two.smsc["b"].submitted == [] and two.a.rows.asked == two.b.rows.asked == 0


async def test_a_stop_that_came_while_one_was_away_stops_what_it_finds_waiting(tmp_path: Path) -> None:
    two = Two(tmp_path)
    two.smsc["b"].open.clear()
    async with two.worker("b") as b:
        await b.complain(OF_B)
    async with two.worker("a") as a:
        await a.receipts.on_inbound(InboundSms(phone(OF_B), "10086", "TD"))
    two.smsc["b"].open.set()
    b = two.worker("b")
    b.heard.clear()
    async with b:
        await eventually(lambda: b.sender._recovered)
        assert b.sender.pending() == 1
        await b.read()
        b.heard.set()
        await eventually(lambda: two.log.told(OF_B)[-1:] == ["suppressed opted_out"])
    assert two.smsc["b"].submitted == []


class Consumer:
    """A consumer where sms.receipts holds three records."""

    async def end_offsets(self, places: list[TopicPartition]) -> dict[TopicPartition, int]:
        return dict.fromkeys(places, 3)

    async def getmany(self, *_: object, **__: object) -> dict[TopicPartition, list[object]]:
        await asyncio.sleep(0.01)
        return {}

    def highwater(self, place: TopicPartition) -> int:
        return 3

    def last_poll_timestamp(self, place: TopicPartition) -> None:
        return None

    def resume(self, place: TopicPartition) -> None: ...

    async def position(self, place: TopicPartition) -> int:
        return 0


async def test_a_processor_has_heard_when_it_stands_where_the_log_ended(tmp_path: Path) -> None:
    two = Two(tmp_path)
    for n in range(3):
        await two.log.append("sms.receipts", 1, b"x", b"{}", [("ce_id", b"%d" % n), ("ce_type", b"kam.sms.sent.v1")])
    b = two.worker("b")
    async with b:
        pass
    b = two.worker("b")
    for desk in b.desks.values():
        await desk.open()
    first = b.desks[1].processor
    assert isinstance(first, NotificationsProcessor) and not first.has_heard()
    running = asyncio.create_task(first.run(Consumer()))  # type: ignore[arg-type]
    await asyncio.sleep(0.05)
    assert not first.has_heard()
    await b.read()
    assert first.has_heard()
    first.stop()
    await running


async def test_a_stop_outlives_the_process(tmp_path: Path) -> None:
    two = Two(tmp_path)
    async with two.worker("a") as two.a, two.worker("b") as two.b:
        await two.smsc["a"].on_inbound(InboundSms(phone(OF_B), "10086", "退订"))
        await two.read()
    async with two.worker("b") as b:
        assert f"86{phone(OF_B)}" in b.blocked
        await b.complain(OF_B)
        await eventually(lambda: two.log.told(OF_B)[-1:] == ["suppressed opted_out"])
    assert two.smsc["b"].submitted == []


@pytest.mark.parametrize("how", ["id", "reference", "similar", "only"])
async def test_a_receipt_that_came_to_one_is_the_other_s(two: Two, how: str) -> None:
    two.smsc["b"].ids = ["3039"]
    if how == "only":
        two.smsc["b"].answers = [SubmitOutcome.UNKNOWN]
    await two.b.complain(OF_B)
    state = "unknown no_answer" if how == "only" else "sent"
    await eventually(lambda: two.log.told(OF_B)[-1:] == [state])
    two.b.receipts._known.clear()
    message = await two.b.message(OF_B)
    assert message is not None
    id_ = {"id": "3039", "similar": "0000012345"}.get(how, "another")
    await two.smsc["a"].on_receipt(
        receipt(id_, phone(OF_B), message.parts[0].reference if how == "reference" else None)
    )
    await two.read()
    assert two.log.told(OF_B)[-1] == "delivered"
    assert await two.b.message(OF_B) is None


async def test_a_receipt_is_not_of_the_only_message_without_an_answer_before_all_were_asked(two: Two) -> None:
    """Two customers share a number: the SMSC's answer to one is lost, and tells the other's receipt to its worker."""
    of_b = namesake(OF_A, B)
    two.smsc["a"].answers = [SubmitOutcome.UNKNOWN]
    two.smsc["b"].ids = ["m7"]
    for worker, customer in ((two.a, OF_A), (two.b, of_b)):
        await worker.complain(customer)
    await eventually(lambda: two.log.told(OF_A)[-1:] == ["unknown no_answer"] and two.log.told(of_b)[-1:] == ["sent"])
    await two.smsc["a"].on_receipt(receipt("m7", phone(OF_A)))
    await two.read()
    assert (two.log.told(OF_A)[-1], two.log.told(of_b)[-1]) == ("unknown no_answer", "delivered")
    await two.smsc["b"].on_receipt(receipt("m8", phone(OF_A)))
    await two.read()
    assert two.log.told(OF_A)[-1] == "delivered"


async def test_a_receipt_is_nobody_s_where_messages_without_an_answer_lie_with_both(two: Two) -> None:
    of_b = namesake(OF_A, B)
    for name, worker, customer in (("a", two.a, OF_A), ("b", two.b, of_b)):
        two.smsc[name].answers = [SubmitOutcome.UNKNOWN]
        await worker.complain(customer)
    await eventually(lambda: two.log.told(OF_A)[-1:] == two.log.told(of_b)[-1:] == ["unknown no_answer"])
    await two.smsc["a"].on_receipt(receipt("m7", phone(OF_A)))
    await two.read()
    assert two.log.told(OF_A)[-1] == two.log.told(of_b)[-1] == "unknown no_answer"


def namesake(customer: str, owned: tuple[int, ...]) -> str:
    """Another customer with the same number, whose partition is one of these."""
    return next(n for n in (f"{customer}-{i}" for i in range(99)) if partition_of(n, PARTITIONS) in owned)


async def test_a_receipt_faster_than_the_answer_waits_for_it_at_the_other(two: Two) -> None:
    two.smsc["b"].speaks.clear()
    two.smsc["b"].ids = ["m7"]
    await two.b.complain(OF_B)
    await eventually(lambda: two.smsc["b"].submitted)
    await two.smsc["a"].on_receipt(receipt("m7", phone(OF_B), 0))
    reading = asyncio.create_task(two.read())
    await asyncio.sleep(0.05)
    assert not reading.done()
    two.smsc["b"].speaks.set()
    await reading
    await eventually(lambda: two.log.told(OF_B)[-1:] == ["delivered"])


async def test_a_receipt_of_nobody_goes_round_once_and_is_kept_for_people(two: Two) -> None:
    await two.b.complain(OF_B)
    await eventually(lambda: two.log.told(OF_B)[-1:] == ["sent"])
    await two.smsc["a"].on_receipt(receipt("m1", "13911111111"))
    await two.read()
    assert [len(two.log.records["sms.receipts", n]) for n in range(PARTITIONS)] == [0, 1, 0, 1]
    waiting = [row for worker in (two.a, two.b) for p in worker.processors() for row in await p.store.unfollowed(100)]
    assert [row.collection for row in waiting].count("unmatched_receipts") == 1


async def test_a_receipt_that_is_no_text_is_its_sender_s_fault(two: Two) -> None:
    headers = [("ce_id", b"1"), ("ce_type", b"kam.sms.receipt.received.v1"), ("ce_time", b"2026-07-01T00:00:00Z")]
    await two.log.append("sms.receipts", 0, b"x", b'{"sms_id":null,"message_id":"\xff"}', headers)
    await two.read()
    (first, _) = two.a.processors()
    assert first.failed is None and first.dead_letters.in_a_row == 0


async def test_a_database_that_is_away_delays_no_second_receipt(two: Two) -> None:
    for n in range(3):
        await two.smsc["a"].on_receipt(receipt(f"x{n}", phone(OF_A)))
    assert two.a.rows.asked == 1


async def test_a_crash_leaves_unknown_what_a_late_answer_or_receipt_settles(tmp_path: Path) -> None:
    two, (late, early) = Two(tmp_path), customers_of(B)[:2]
    two.smsc["b"].speaks.clear()
    async with two.worker("b") as b:
        for customer in (late, early):
            await b.complain(customer)
        await eventually(lambda: len(two.smsc["b"].submitted) == 2)
        for task in b.sender._tasks:
            task.cancel()
    two.smsc["b"] = FakeSmsc()
    async with two.worker("a") as two.a, two.worker("b") as two.b:
        await eventually(lambda: two.log.told(late)[-1:] == two.log.told(early)[-1:] == ["unknown restart"])
        message = await two.b.message(late)
        assert message is not None and two.smsc["b"].on_late_answer is not None
        answer = SubmitResult(f"{message.sms_id}/1", SubmitOutcome.ACCEPTED, "m9", 0, "")
        await two.smsc["b"].on_late_answer(answer)
        await eventually(lambda: two.log.told(late)[-1:] == ["sent"])
        await two.smsc["b"].on_receipt(receipt("m9", phone(late)))
        await two.smsc["a"].on_receipt(receipt("x", phone(early)))
        await two.read()
        await eventually(lambda: two.log.told(late)[-1:] == two.log.told(early)[-1:] == ["delivered"])
    assert two.smsc["b"].submitted == []
