"""The transport that writes to a file: durable before the answer, receipts given until handled."""

import asyncio
from pathlib import Path

import msgspec
import pytest

from alerts.notifications.channel import file
from alerts.notifications.channel.file import FileTransport
from alerts.notifications.channel.transport import (
    DeliveryReceipt,
    InboundSms,
    SubmitOutcome,
    SubmitRequest,
    TransportClosed,
)

pytestmark = pytest.mark.asyncio


async def _never(_: InboundSms) -> None:
    raise AssertionError


def _part(n: int) -> SubmitRequest:
    return SubmitRequest(n, "8613900000001", "欠费", "ucs2", (7, 2, 1), f"sms-{n}/1")


async def test_parts_are_written_and_receipts_follow(tmp_path: Path) -> None:
    path = tmp_path / "out" / "sms.jsonl"
    handled: asyncio.Queue[DeliveryReceipt] = asyncio.Queue()
    failures = [RuntimeError("the database is away")]

    async def on_receipt(receipt: DeliveryReceipt) -> None:
        if failures:
            raise failures.pop()
        handled.put_nowait(receipt)

    transport = FileTransport(path, retry_delay=0)
    assert (await transport.submit(_part(0))).outcome is SubmitOutcome.NOT_WRITTEN
    await transport.start(on_receipt, _never)
    await transport.ready()
    answers = await asyncio.gather(*(transport.submit(_part(n)) for n in range(1, 4)))
    assert [(answer.outcome, answer.message_id) for answer in answers] == [
        (SubmitOutcome.ACCEPTED, f"file-{n}") for n in range(1, 4)
    ]
    receipts = [await handled.get() for _ in range(3)]
    assert {(receipt.message_id, receipt.reference, receipt.state) for receipt in receipts} == {
        (f"file-{n}", n, "DELIVRD") for n in range(1, 4)
    }
    await transport.close()
    assert not transport.connected
    with pytest.raises(TransportClosed):
        await transport.ready()
    lines = [msgspec.json.decode(line) for line in path.open("rb")]
    assert [line["text"] for line in lines if line["kind"] == "accepted"] == ["欠费"] * 3
    assert len([line for line in lines if line["kind"] == "receipt"]) == 3


async def test_a_disk_that_takes_nothing_leaves_it_unknown_and_ends_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    handled: asyncio.Queue[DeliveryReceipt] = asyncio.Queue()
    transport = FileTransport(tmp_path / "sms.jsonl")
    await transport.start(handled.put, _never)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(file, "_append", full)
        answer = await transport.submit(_part(1))
    assert (answer.outcome, answer.message_id) == (SubmitOutcome.UNKNOWN, None)
    assert (await transport.submit(_part(2))).outcome is SubmitOutcome.ACCEPTED
    assert (await handled.get()).reference == 2
    await transport.close()


async def test_after_a_crash_the_torn_line_goes_and_receipts_come_again(tmp_path: Path) -> None:
    path = tmp_path / "sms.jsonl"
    handled: asyncio.Queue[DeliveryReceipt] = asyncio.Queue()

    async def dies(_: DeliveryReceipt) -> None:
        await asyncio.Event().wait()

    first = FileTransport(path)
    await first.start(dies, _never)
    await first.submit(_part(1))  # and then the process is gone: first is not closed
    with path.open("ab") as written:
        written.write(b'\xff\xfe\n[]\n{"kind":"accepted"}\n{"kind":"receipt"}\n{"kind":"accep')
    second = FileTransport(path)
    await second.start(handled.put, _never)
    assert (await handled.get()).message_id == "file-1"
    assert (await second.submit(_part(2))).message_id == "file-3", "no id is given twice"
    await second.close()
    assert msgspec.json.decode(path.read_bytes().splitlines()[-1])["message_id"] == "file-3"
