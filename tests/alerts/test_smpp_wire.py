"""Our SMPP session octet by octet, against a scripted SMSC that reads and writes with aiosmpplib's codec (not ours)."""

import asyncio
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import pytest
from aiosmpplib import protocol as wire
from aiosmpplib.state import TON, OptionalParam, PduHeader, PhoneNumber, SmppCommand, SmppCommandStatus

from alerts.notifications.channel import pdu, session
from alerts.notifications.channel.smpp import SmppSettings, SmppTransport
from alerts.notifications.channel.transport import (
    DeliveryReceipt,
    InboundSms,
    SubmitOutcome,
    SubmitRequest,
    SubmitResult,
)
from harness.waiting import eventually

pytestmark = [pytest.mark.asyncio, pytest.mark.long]

NUMBER = "8613900000001"
Script = Callable[["Peer"], Awaitable[None]]


class Peer:
    """The SMSC's end of one connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def read(self) -> tuple[PduHeader, bytes]:
        head = await self.reader.readexactly(16)
        header = wire.SmppMessage.parse_header(head)
        return header, head + await self.reader.readexactly(header.pdu_length - 16)

    async def expect(self, command: SmppCommand) -> Any:
        header, octets = await self.read()
        assert header.smpp_command is command
        return wire.MESSAGE_TYPE_MAP[command].from_pdu(octets, header, "gsm0338")

    async def take_bind(self) -> Any:
        bind = await self.expect(SmppCommand.BIND_TRANSCEIVER)
        self.write(wire.BindTransceiverResp(bind.sequence_num, system_id="SMSC", sc_interface_version=0x34).pdu())
        return bind

    def write(self, octets: bytes) -> None:
        self.writer.write(octets)


@asynccontextmanager
async def scripted(*scripts: Script, **changes: Any) -> AsyncIterator[tuple[SmppTransport, asyncio.Queue[Any]]]:
    """The transport bound to an SMSC whose n-th connection plays the n-th script; and what it hands to the desk."""
    played: list[asyncio.Future[None]] = [asyncio.get_running_loop().create_future() for _ in scripts]
    left = iter(zip(scripts, played, strict=True))

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        script, done = next(left, (None, None))
        if script is None or done is None:
            writer.close()
            return
        try:
            await script(Peer(reader, writer))
            done.set_result(None)
        except Exception as problem:
            done.set_exception(problem)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    handed: asyncio.Queue[Any] = asyncio.Queue()
    settings: dict[str, Any] = {"reconnect_min": 0.01, "close_timeout": 0.3, **changes}
    transport = SmppTransport(SmppSettings("127.0.0.1", port, "kam", "secret", **settings))
    await transport.start(handed.put, handed.put, handed.put)
    try:
        async with asyncio.timeout(5):
            await transport.ready()
            yield transport, handed
            await asyncio.gather(*played)
    finally:
        await transport.close()
        server.close()


def part(text: str = "Hi", encoding: str = "gsm7", concat: tuple[int, int, int] | None = None) -> SubmitRequest:
    return SubmitRequest(0x1234, NUMBER, text, encoding, concat, "sms-1/1")


def submit_resp(status: int, sequence: int, body: bytes = b"") -> bytes:
    return struct.pack("!IIII", 16 + len(body), 0x80000004, status, sequence) + body


def deliver_sm(**fields: Any) -> bytes:
    source = PhoneNumber(NUMBER, TON.INTERNATIONAL)
    message = wire.DeliverSm(sequence_num=77, source=source, destination=PhoneNumber("10086"), **fields)
    message.set_encoding_info("gsm0338", None)
    return bytes(message.pdu())


async def test_submit_sm_is_these_octets() -> None:
    octets = pdu.submit_sm(part("欠费", "ucs2", (0xAB, 3, 2)), "10086", 5)
    assert octets.hex(" ") == (
        "00 00 00 43 00 00 00 04 00 00 00 00 00 00 00 05 "  # length, submit_sm, status, sequence
        "00 00 01 31 30 30 38 36 00 "  # service_type, source TON and NPI, "10086"
        "01 01 38 36 31 33 39 30 30 30 30 30 30 30 31 00 "  # destination TON and NPI, number
        "40 00 00 00 00 01 00 08 00 0a "  # esm_class UDHI, …, registered_delivery, …, data_coding UCS-2, …, sm_length
        "05 00 03 ab 03 02 6b 20 8d 39 "  # concatenation header, text
        "02 04 00 02 12 34"  # user_message_reference
    )


async def test_an_independent_codec_reads_what_we_write() -> None:
    async def script(peer: Peer) -> None:
        bind = await peer.take_bind()
        assert (bind.system_id, bind.password, bind.interface_version) == ("kam", "secret", 0x34)
        for text, coding in (("Pay {€}", 0), ("欠费", 8)):
            submit = await peer.expect(SmppCommand.SUBMIT_SM)
            assert (submit.short_message, submit.source.number, submit.destination.number) == (text, "10086", NUMBER)
            assert submit.destination.ton is TON.INTERNATIONAL
            assert (submit.encoding == "ucs2") == (coding == 8)
            assert submit.registered_delivery == 1
            options = {option.tag: option.value for option in submit.optional_params}
            assert options[0x0204] == 0x1234
            assert (options[0x020C], options[0x020E], options[0x020F]) == (9, 2, 1)  # read from the header
            peer.write(wire.SubmitSmResp(submit.sequence_num, message_id=f"id-{coding}").pdu())
        unbind = await peer.expect(SmppCommand.UNBIND)
        peer.write(wire.UnbindResp(unbind.sequence_num).pdu())

    async with scripted(script) as (transport, _):
        first = await transport.submit(part("Pay {€}", "gsm7", (9, 2, 1)))
        assert first == SubmitResult("sms-1/1", SubmitOutcome.ACCEPTED, "id-0", 0, "accepted")
        assert (await transport.submit(part("欠费", "ucs2", (9, 2, 1)))).message_id == "id-8"
        await transport.close()


async def test_answers_in_crumbs_out_of_order_and_of_any_status() -> None:
    async def script(peer: Peer) -> None:
        await peer.take_bind()
        sequences = [(await peer.read())[0].sequence_num for _ in range(6)]
        answers = [submit_resp(0, sequences[0], b"a\0"), submit_resp(0x14, sequences[1]), submit_resp(0, sequences[5])]
        answers += [submit_resp(0x45, sequences[2], b"\0"), submit_resp(0x0499, sequences[3])]  # 0x0499: a vendor's own
        answers.append(struct.pack("!IIII", 16, 0x80000000, 0x58, sequences[4]))  # generic_nack
        octets = struct.pack("!IIII", 16, 0x80000004, 0, 4711) + b"".join(reversed(answers))  # and one to nothing
        for n in range(0, len(octets), 7):
            peer.write(octets[n : n + 7])
            await peer.writer.drain()
            await asyncio.sleep(0)
        await peer.reader.read()

    async with scripted(script) as (transport, _):
        answers = await asyncio.gather(*(transport.submit(part()) for _ in range(6)))
        assert [(answer.outcome.name, answer.command_status) for answer in answers] == [
            ("ACCEPTED", 0),
            ("THROTTLED", 0x14),
            ("REFUSED", 0x45),
            ("REFUSED", 0x0499),
            ("THROTTLED", 0x58),
            ("ACCEPTED", 0),
        ]
        assert [answer.message_id for answer in answers] == ["a", None, None, None, None, None]
        await transport.close()


async def test_the_keep_alive_asks_and_answers_and_drops_a_silent_link() -> None:
    async def silent(peer: Peer) -> None:
        await peer.take_bind()
        peer.write(wire.EnquireLink(5).pdu())
        assert (await peer.expect(SmppCommand.ENQUIRE_LINK_RESP)).sequence_num == 5
        for _ in range(2):
            enquiry = await peer.expect(SmppCommand.ENQUIRE_LINK)
            peer.write(wire.EnquireLinkResp(enquiry.sequence_num).pdu())
        await peer.expect(SmppCommand.ENQUIRE_LINK)
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await peer.read()

    async def healthy(peer: Peer) -> None:
        await peer.take_bind()
        await peer.reader.read()

    async with scripted(silent, healthy, enquire_interval=0.05, response_timeout=0.05) as (transport, _):
        while not transport._failures:
            await asyncio.sleep(0.01)
        await transport.ready()
        await transport.close()


async def test_an_unbind_of_the_smsc_is_answered_and_a_new_session_begins() -> None:
    async def leaving(peer: Peer) -> None:
        await peer.take_bind()
        await peer.expect(SmppCommand.SUBMIT_SM)
        peer.write(wire.Unbind(3).pdu())
        assert (await peer.expect(SmppCommand.UNBIND_RESP)).sequence_num == 3

    async def staying(peer: Peer) -> None:
        await peer.take_bind()
        submit = await peer.expect(SmppCommand.SUBMIT_SM)
        peer.write(wire.SubmitSmResp(submit.sequence_num, message_id="x").pdu())
        await peer.reader.read()

    async with scripted(leaving, staying) as (transport, _):
        assert (await transport.submit(part())).outcome is SubmitOutcome.UNKNOWN
        await transport.ready()
        assert (await transport.submit(part())).outcome is SubmitOutcome.ACCEPTED
        await transport.close()


@pytest.mark.parametrize("status", [0x05, 0x0D, 0x0E, 0x58, 0x0499])
async def test_a_refused_bind_is_not_bound(status: int) -> None:
    """Defect 11: ESME_RALYBND counted as bound, and every submit was then refused for good."""

    async def refusing(peer: Peer) -> None:
        header, _ = await peer.read()
        peer.write(struct.pack("!IIII", 16, 0x80000009, status, header.sequence_num))
        assert not await peer.reader.read(), "nothing is submitted, and the link is closed"

    async def healthy(peer: Peer) -> None:
        await peer.take_bind()
        submit = await peer.expect(SmppCommand.SUBMIT_SM)
        peer.write(wire.SubmitSmResp(submit.sequence_num, message_id="x").pdu())
        await peer.reader.read()

    async with scripted(refusing, refusing, healthy) as (transport, _):
        assert (await transport.submit(part())).outcome is SubmitOutcome.ACCEPTED
        await transport.close()


async def test_an_smsc_that_forgets_our_bind_is_bound_anew_and_nothing_fails() -> None:
    """Defect 11: ESME_RINVBNDSTS says that the part was not taken; answers of other parts are waited for."""

    async def forgetful(peer: Peer) -> None:
        await peer.take_bind()
        one, two = [(await peer.read())[0].sequence_num for _ in range(2)]
        peer.write(submit_resp(0x04, one))
        await peer.writer.drain()
        await asyncio.sleep(0.05)
        peer.write(submit_resp(0, two, b"a\0"))
        assert not await peer.reader.read()

    async def healthy(peer: Peer) -> None:
        await peer.take_bind()
        await peer.reader.read()

    async with scripted(forgetful, healthy) as (transport, _):
        answers = await asyncio.gather(transport.submit(part()), transport.submit(part()))
        assert [answer.outcome for answer in answers] == [SubmitOutcome.NOT_WRITTEN, SubmitOutcome.ACCEPTED]
        await eventually(lambda: transport.connected)
        await transport.ready()
        await transport.close()


async def test_a_link_of_nothing_but_nonsense_is_given_up_and_answers_in_hand_are_waited_for() -> None:
    async def raving(peer: Peer) -> None:
        await peer.take_bind()
        header, _ = await peer.read()
        peer.write(b"".join(submit_resp(0, 0x70000000 + n) for n in range(session.MAX_BAD)))
        await peer.writer.drain()
        await asyncio.sleep(0.05)
        peer.write(submit_resp(0, header.sequence_num, b"a\0"))
        assert not await peer.reader.read()

    async def healthy(peer: Peer) -> None:
        await peer.take_bind()
        await peer.reader.read()

    async with scripted(raving, healthy) as (transport, _):
        assert (await transport.submit(part())).outcome is SubmitOutcome.ACCEPTED
        await eventually(lambda: transport.connected)
        await transport.ready()
        await transport.close()


async def test_an_answer_of_another_kind_answers_nothing() -> None:
    async def muddled(peer: Peer) -> None:
        await peer.take_bind()
        header, _ = await peer.read()
        for command, status in [(0x80000015, 0x58), (0x80000009, 0), (0x80000000, 0)]:  # the last: a nack that says OK
            peer.write(struct.pack("!IIII", 16, command, status, header.sequence_num))
        peer.write(submit_resp(0, header.sequence_num, b"a\0"))
        await peer.reader.read()

    async with scripted(muddled) as (transport, _):
        assert (await transport.submit(part())).message_id == "a"
        await transport.close()


RECEIPT_TEXT = wire.DeliverSm.encode_receipt(
    {
        "id": "AB_12@c",
        "sub": 1,
        "dlvrd": 0,
        "submit date": datetime(2026, 6, 30, 10),
        "done date": datetime(2026, 6, 30, 10, 1),
        "stat": "EXPIRED",
        "err": 7,
        "text": "id:no stat:NO",
    }
)


@pytest.mark.parametrize(
    ("octets", "expected"),
    [
        (
            deliver_sm(short_message=RECEIPT_TEXT, esm_class=4, encoding="ascii"),
            ("AB_12@c", "EXPIRED", None, "007", "2606301001"),
        ),
        (
            deliver_sm(
                short_message="-",
                esm_class=4,
                optional_params=[
                    OptionalParam(0x001E, "tlv_1"), OptionalParam(0x0427, 8), OptionalParam(0x0204, 0xFFFE),
                ],
            ),
            ("tlv_1", "REJECTD", 0xFFFE, "", None),
        ),
        (deliver_sm(short_message="no idea", esm_class=4), ("", "UNKNOWN", None, "", None)),
    ],
)  # fmt: skip
async def test_receipts_in_several_dialects(octets: bytes, expected: tuple[Any, ...]) -> None:
    receipt = pdu.parse_deliver_sm(octets)
    assert isinstance(receipt, DeliveryReceipt)
    fields = (receipt.message_id, receipt.state, receipt.reference, receipt.error, receipt.done_at)
    assert fields == expected
    assert receipt.destination == NUMBER


@pytest.mark.parametrize(
    ("octets", "text"),
    [
        (deliver_sm(short_message="TD"), "TD"),
        (deliver_sm(short_message="@£_"), "@£_"),
        (deliver_sm(short_message="退订", encoding="ucs2"), "退订"),
        (deliver_sm(message_payload="T" * 300), "T" * 300),
    ],
)
async def test_inbound_messages_in_several_alphabets(octets: bytes, text: str) -> None:
    assert pdu.parse_deliver_sm(octets) == InboundSms(NUMBER, "10086", text)


async def test_deliver_sm_is_answered_after_it_was_handled_and_rubbish_is_not_asked_for_again() -> None:
    async def script(peer: Peer) -> None:
        await peer.take_bind()
        peer.write(deliver_sm(short_message="TD"))
        answer = await peer.expect(SmppCommand.DELIVER_SM_RESP)
        assert (answer.sequence_num, answer.command_status) == (77, SmppCommandStatus.ESME_ROK)
        peer.write(struct.pack("!IIII", 20, 5, 0, 78) + b"abcd")
        header, _ = await peer.read()
        assert (header.sequence_num, header.command_status) == (78, SmppCommandStatus.ESME_RX_P_APPN)
        peer.write(struct.pack("!IIII", 16, 0x103, 0, 79))  # data_sm, which we don't take
        header, _ = await peer.read()
        assert (header.sequence_num, header.smpp_command) == (79, SmppCommand.GENERIC_NACK)
        peer.write(struct.pack("!IIII", 0x7FFFFFFF, 5, 0, 80))  # the framing is lost: the link is cut
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await peer.read()

    async with scripted(script) as (_, handed):
        assert await handed.get() == InboundSms(NUMBER, "10086", "TD")
