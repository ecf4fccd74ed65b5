"""The SMSC simulator seen by two clients that are not ours: aiosmpplib and smpp34.Client."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import smpp34
from aiosmpplib import ESME, DeliverSm, PhoneNumber, SubmitSm, SubmitSmResp
from aiosmpplib.hook import AbstractHook

from kam.sim.smsc_engine import SmscSettings, SmscSimulator, decode
from kam.sim.smsc_faults import Faults

pytestmark = [pytest.mark.asyncio, pytest.mark.long]

NUMBER = "8613900000001"
LONG_ZH = "尊敬的客户，您本月话费已欠费123.45元，请及时缴纳，以免影响使用。" * 6


@asynccontextmanager
async def smsc(path: Path, **faults: object) -> AsyncIterator[SmscSimulator]:
    settings = SmscSettings(path / "smsc.jsonl", system_id="kam", password="secret")
    simulator = SmscSimulator(settings, Faults.model_validate({"receipt_delay_ms": 5, **faults}))
    await simulator.start()
    try:
        yield simulator
    finally:
        await simulator.stop()


class Hook(AbstractHook):  # type: ignore[misc]
    """Collects what the SMSC says."""

    def __init__(self) -> None:
        self.answers: asyncio.Queue[SubmitSmResp] = asyncio.Queue()
        self.receipts: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    async def sending(self, smpp_message: Any, pdu: bytes, client_id: str) -> None:
        pass

    async def received(self, smpp_message: Any, pdu: bytes, client_id: str) -> None:
        if isinstance(smpp_message, SubmitSmResp):
            self.answers.put_nowait(smpp_message)
        elif isinstance(smpp_message, DeliverSm) and smpp_message.is_receipt():
            self.receipts.put_nowait(smpp_message.parse_receipt())

    async def send_error(self, smpp_message: Any, error: Exception, client_id: str) -> None:
        raise error


async def test_aiosmpplib_sends_a_long_message_and_gets_its_receipt(tmp_path: Path) -> None:
    async with smsc(tmp_path) as simulator:
        hook = Hook()
        esme = ESME("127.0.0.1", simulator.port, "kam", "secret", hook=hook, log_level="CRITICAL")
        running = asyncio.create_task(esme.start())
        try:
            await esme.broker.enqueue(
                SubmitSm(
                    short_message=LONG_ZH,
                    source=PhoneNumber("10086"),
                    destination=PhoneNumber(NUMBER),
                    encoding="ucs2",
                    esm_class=0x40,
                    auto_message_payload=False,
                    log_id="long",
                )
            )
            async with asyncio.timeout(10):
                while len(simulator.messages()) < 4:
                    await asyncio.sleep(0.01)
                receipt = await hook.receipts.get()
        finally:
            await esme.stop()
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
        records = sorted(simulator.messages(NUMBER), key=lambda record: record.concat or (0, 0, 0))
        assert "".join(record.text for record in records) == LONG_ZH
        assert [record.concat and record.concat[1:] for record in records] == [(4, n) for n in range(1, 5)]
        assert [record.reference for record in records] == [None] * 4
        assert receipt["stat"] == "DELIVRD"
        assert receipt["id"] in {record.message_id for record in records}


async def test_smpp34_client_sends_and_gets_its_receipt(tmp_path: Path) -> None:
    async with smsc(tmp_path, receipt_repeat=1) as simulator, asyncio.timeout(10):
        esme = await smpp34.Client("127.0.0.1", simulator.port, "kam", "secret", bind_type="TRX").connect()
        answer = await esme.submit_sm(NUMBER, b"Hi", source_addr="10086", registered_delivery=1)
        assert answer.is_success
        for _ in range(2):
            receipt = await esme.next()
            assert isinstance(receipt, smpp34.DeliverSmEvent)
            tlvs = {tlv.tag: tlv.value for tlv in receipt.tlvs}
            assert tlvs == {0x001E: (answer.message_id or "").encode() + b"\0", 0x0427: b"\x02"}
            assert receipt.short_message.startswith(f"id:{answer.message_id} sub:001 dlvrd:001".encode())
        silent = await esme.submit_sm(NUMBER, b"Hi", source_addr="10086", registered_delivery=0)
        assert silent.is_success
        assert [record.fate for record in simulator.messages()] == ["DELIVRD", "NONE"]
        await esme.unbind()


async def test_receipts_go_to_whoever_is_bound_with_the_same_account(tmp_path: Path) -> None:
    settings = SmscSettings(tmp_path / "smsc.jsonl")  # anybody may bind
    simulator = SmscSimulator(settings, Faults(receipt_delay_ms=20))
    await simulator.start()
    try:
        async with asyncio.timeout(10):
            ours, other = [
                await smpp34.Client("127.0.0.1", simulator.port, name, "x", bind_type="TRX").connect()
                for name in ("ours", "other")
            ]
            await ours.submit_sm(NUMBER, b"Hi", source_addr="10086", registered_delivery=1)
            assert isinstance(await ours.next(), smpp34.DeliverSmEvent)
            again = await smpp34.Client("127.0.0.1", simulator.port, "ours", "x", bind_type="TRX").connect()
            await ours.submit_sm(NUMBER, b"Hi", source_addr="10086", registered_delivery=1)
            assert isinstance(await again.next(), smpp34.DeliverSmEvent)  # the newest session of the account
            assert simulator.state["bound"] == 3
            for esme in (ours, other, again):
                await esme.unbind()
    finally:
        await simulator.stop()


async def test_a_line_torn_by_a_crash_is_cut_off(tmp_path: Path) -> None:
    async with smsc(tmp_path) as simulator, asyncio.timeout(10):
        esme = await smpp34.Client("127.0.0.1", simulator.port, "kam", "secret", bind_type="TRX").connect()
        first = await esme.submit_sm(NUMBER, b"Hi", source_addr="10086", registered_delivery=1)
        await esme.next()
        await esme.unbind()
    with (tmp_path / "smsc.jsonl").open("ab") as file:
        file.write(b'{"message_id":"half')
        os.fsync(file.fileno())
    async with smsc(tmp_path) as simulator:
        assert [record.message_id for record in simulator.messages()] == [first.message_id]
        assert simulator.state["accepted"] == 1
        assert simulator.messages("1390000") == []  # whole numbers only


@pytest.mark.parametrize(
    ("octets", "esm_class", "coding", "expected"),
    [
        (b"\x1b\x65\x00", 0, 0, ("gsm7", None, "€@")),
        (b"\x05\x00\x03\xab\x02\x01\x6b\x20", 0x40, 8, ("ucs2", (0xAB, 2, 1), "欠")),
        (b"\x6b\x20\x8d", 0, 8, ("dcs-8", None, "6b208d")),
        (b"\x01\x02", 0, 4, ("dcs-4", None, "0102")),
    ],
)
async def test_short_messages_are_read_as_a_handset_would(
    octets: bytes, esm_class: int, coding: int, expected: tuple[Any, ...]
) -> None:
    assert decode(octets, esm_class, coding) == expected
