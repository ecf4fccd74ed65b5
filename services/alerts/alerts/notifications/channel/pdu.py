"""SMPP 3.4 PDUs as octets. Bodies of submit_sm and deliver_sm are smpp34's (a Rust codec); headers and bind are ours.

Pure: no I/O. Section numbers are those of the SMPP 3.4 specification, issue 1.2.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Sequence

import smpp34

from . import segments
from .transport import DeliveryReceipt, InboundSms, SubmitRequest

# §5.1.2.1 command_id
GENERIC_NACK = 0x80000000
UNBIND = 0x00000006
BIND_TRANSCEIVER = 0x00000009
ENQUIRE_LINK = 0x00000015
DELIVER_SM = 0x00000005
SUBMIT_SM = 0x00000004
RESPONSE = 0x80000000  # bit set in every answer

# §5.1.3 command_status
OK = 0x00
INVALID_COMMAND_ID = 0x03
NOT_BOUND = 0x04  # ESME_RINVBNDSTS
QUEUE_FULL = 0x14
THROTTLED = 0x58
TEMPORARY_APP_ERROR = 0x64  # ESME_RX_T_APPN: the SMSC shall repeat
PERMANENT_APP_ERROR = 0x65  # ESME_RX_P_APPN: the SMSC shall not repeat

HEADER = struct.Struct("!IIII")  # §3.2: command_length, command_id, command_status, sequence_number
#: A PDU with the largest message_payload (64 KiB) and some room; more means that the framing is lost.
MAX_LENGTH = 0x10000 + 1024

_UDH_INDICATOR = 0x40  # §5.2.12 esm_class
_MESSAGE_TYPE = 0x3C
_TYPE_RECEIPT = 0x04
_SMSC_DEFAULT, _UCS2 = 0x00, 0x08  # §5.2.19 data_coding
_INTERNATIONAL, _UNKNOWN_TON, _ISDN = 1, 0, 1  # §5.2.5, §5.2.6

# §5.3.2 optional parameters
_USER_MESSAGE_REFERENCE = 0x0204
_RECEIPTED_MESSAGE_ID = 0x001E
_MESSAGE_STATE = 0x0427
_MESSAGE_PAYLOAD = 0x0424

#: §5.2.28 message_state
_STATES = {
    1: "ENROUTE", 2: "DELIVRD", 3: "EXPIRED", 4: "DELETED", 5: "UNDELIV", 6: "ACCEPTD", 7: "UNKNOWN", 8: "REJECTD",
}  # fmt: skip
#: What they are known by in receipts: some SMSCs write them out (DELIVERED).
_BY_PREFIX = {state[:5]: state for state in _STATES.values()}
#: Appendix B, as SMSCs write it in the wild: fields in any order, text last.
_LONGEST_ID, _LONGEST_FIELD = 64, 16
_FIELD = re.compile(r"\b(id|stat|err|done date):\s*(\S*)", re.IGNORECASE)


def command_id(octets: bytes) -> int:
    """That of a whole PDU."""
    return int.from_bytes(octets[4:8], "big")


def header_only(command_id: int, status: int, sequence: int) -> bytes:
    """A PDU without a body: enquire_link(_resp), unbind(_resp), generic_nack."""
    return HEADER.pack(HEADER.size, command_id, status, sequence)


def deliver_sm_resp(status: int, sequence: int) -> bytes:
    """§4.6.2: the body is one unused message_id, an empty C-octet string."""
    return HEADER.pack(HEADER.size + 1, DELIVER_SM | RESPONSE, status, sequence) + b"\0"


def bind_transceiver(sequence: int, system_id: str, password: str, system_type: str) -> bytes:
    """§4.1.5. Raises ValueError for a field longer than the protocol's."""
    for name, value, limit in (
        ("system_id", system_id, 15), ("password", password, 8), ("system_type", system_type, 12),
    ):  # fmt: skip
        if len(value) > limit:
            raise ValueError(f"{name} is {len(value)} characters long, SMPP 3.4 allows {limit}")
    texts = b"".join(value.encode("ascii") + b"\0" for value in (system_id, password, system_type))
    body = texts + bytes([0x34, 0, 0]) + b"\0"  # interface_version, addr_ton, addr_npi, address_range
    return HEADER.pack(HEADER.size + len(body), BIND_TRANSCEIVER, 0, sequence) + body


def submit_sm(part: SubmitRequest, source: str, sequence: int) -> bytes:
    """§4.4.1. Raises ValueError for a number that isn't one, and for a text that doesn't fit its encoding or the 254
    octets of short_message."""
    if not (part.destination.isascii() and part.destination.isdigit() and len(part.destination) <= 20):
        raise ValueError(f"destination of part {part.part_id} is not an E.164 number in digits")
    octets = segments.encode(part.text, part.encoding)
    if part.concat is not None:
        group, total, number = part.concat
        octets = bytes([0x05, 0x00, 0x03, group, total, number]) + octets  # TS 23.040 §9.2.3.24.1
    if len(octets) > 254:
        raise ValueError(f"part {part.part_id} has {len(octets)} octets, short_message holds 254")
    return smpp34.SubmitSm(
        source,
        part.destination,
        octets,
        source_addr_ton=_UNKNOWN_TON,
        source_addr_npi=_ISDN,
        dest_addr_ton=_INTERNATIONAL,
        dest_addr_npi=_ISDN,
        esm_class=_UDH_INDICATOR if part.concat is not None else 0,
        registered_delivery=1,
        data_coding=_UCS2 if part.encoding == "ucs2" else _SMSC_DEFAULT,
        tlvs=[smpp34.Tlv(_USER_MESSAGE_REFERENCE, part.reference.to_bytes(2, "big"))],
        sequence_number=sequence,
    ).encode()


def message_id(body: bytes) -> str | None:
    """The message_id in the body of a submit_sm_resp (§4.4.2); None when there is none (negative answers)."""
    return body.split(b"\0", 1)[0][:_LONGEST_ID].decode("ascii", "replace") or None


def parse_deliver_sm(octets: bytes) -> DeliveryReceipt | InboundSms:
    """A deliver_sm as a receipt or a customer's message. Raises smpp34.SmppError when it can't be read."""
    pdu = smpp34.decode(octets)
    if not isinstance(pdu, smpp34.DeliverSm):
        raise smpp34.SmppError("not a deliver_sm")
    if pdu.esm_class & _MESSAGE_TYPE != _TYPE_RECEIPT:
        return InboundSms(pdu.source_addr.lstrip("+"), pdu.destination_addr, _text(pdu, segments.decode_gsm7))
    # Receipts are ASCII whatever the default alphabet: read as GSM 7-bit, the "_" of an id would turn into "§".
    text = _text(pdu, lambda octets: octets.decode("latin-1"))
    fields = {name.lower(): value for name, value in reversed(_FIELD.findall(text))}  # the first of a name counts
    receipted = _tlv(pdu.tlvs, _RECEIPTED_MESSAGE_ID)
    state = _tlv(pdu.tlvs, _MESSAGE_STATE)
    reference = _tlv(pdu.tlvs, _USER_MESSAGE_REFERENCE)
    identity = receipted.rstrip(b"\0").decode("ascii", "replace") if receipted else ""
    return DeliveryReceipt(
        message_id=(identity or fields.get("id", ""))[:_LONGEST_ID],
        state=_state(fields.get("stat"), state),
        reference=int.from_bytes(reference, "big") if reference and len(reference) == 2 else None,
        destination=pdu.source_addr.lstrip("+"),
        error=fields.get("err", "")[:_LONGEST_FIELD],
        done_at=fields.get("done date", "")[:_LONGEST_FIELD] or None,
        text=text,
    )


def _state(word: str | None, state: bytes | None) -> str:
    """One of ``_STATES``, whatever was written."""
    if word:
        return _BY_PREFIX.get(word.upper()[:5], "UNKNOWN")
    return _STATES.get(state[0] if state else 7, "UNKNOWN")


def _tlv(tlvs: Sequence[smpp34.Tlv], tag: int) -> bytes | None:
    return next((tlv.value for tlv in tlvs if tlv.tag == tag), None)


def _text(pdu: smpp34.DeliverSm, decode_default: Callable[[bytes], str]) -> str:
    """The text of a deliver_sm: short_message or, when that is empty, message_payload (§5.3.2.32), header cut off."""
    octets = pdu.short_message or _tlv(pdu.tlvs, _MESSAGE_PAYLOAD) or b""
    if pdu.esm_class & _UDH_INDICATOR and octets:
        octets = octets[1 + octets[0] :]
    if pdu.data_coding == _UCS2:
        return octets.decode("utf-16-be", "replace")
    if pdu.data_coding in (1, 3):  # IA5, Latin 1
        return octets.decode("latin-1")
    return decode_default(octets)
