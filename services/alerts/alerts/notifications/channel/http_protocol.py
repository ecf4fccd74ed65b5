"""What is said between us and an SMS provider over HTTP: our orders, its answers, its callbacks. Pure.

Order: ``POST <url>/messages``, signed (``signature``), with ``Idempotency-Key`` and this body:
``{"key", "reference", "to", "template", "language", "variables": {}, "signature"}``. The provider puts the variables
into a text that it has approved before, and its signature in front of it. Answer: ``{"code": "ok", "message_id"}``, or
another code. Callback: ``{"events": [{"type": "receipt", …} | {"type": "inbound", …}]}``, see ``Receipt``, ``Inbound``.
"""

from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from servicekit.clock import in_range
from servicekit.decision import Refused

from .transport import DeliveryReceipt, InboundSms, SubmitOutcome, SubmitRequest, SubmitResult

_LONGEST_ID, _LONGEST_CODE, _LONGEST_FIELD = 64, 32, 16
#: events of one callback
MOST_EVENTS = 500

#: What a provider's code says; nothing was taken under any of them but ok.
CODES: Mapping[str, SubmitOutcome] = {
    "ok": SubmitOutcome.ACCEPTED,
    "number_invalid": SubmitOutcome.REFUSED,
    "number_blocked": SubmitOutcome.REFUSED,
    "content_refused": SubmitOutcome.REFUSED,
    # another channel may take it
    "bad_request": SubmitOutcome.REFUSED_FOR_NOW,
    "template_unknown": SubmitOutcome.REFUSED_FOR_NOW,
    "number_limited": SubmitOutcome.REFUSED_FOR_NOW,
    "busy": SubmitOutcome.REFUSED_FOR_NOW,
    "rate_limited": SubmitOutcome.THROTTLED,
    # none of our messages is taken until people have mended something
    "unauthorized": SubmitOutcome.NOT_WRITTEN,
    "no_balance": SubmitOutcome.NOT_WRITTEN,
}
#: What a status alone says, whoever answered, the provider or a proxy before it: here are those whose meaning is that
#: the order was turned away before anybody looked at what it asks for (RFC 9110). All others may stand behind an order
#: that was taken: 301, 302 and 303 are how a POST that was done says where its page is (307 and 308 ask for the same
#: POST elsewhere, so this one was not done), 408 and 5xx may be of a proxy that no longer waited, 409 of an order that
#: was there already.
_BY_STATUS: Mapping[int, SubmitOutcome] = {
    # of this message: its content was looked at. Another may pass, and another channel may take this one.
    **dict.fromkeys((400, 413, 422), SubmitOutcome.REFUSED_FOR_NOW),
    429: SubmitOutcome.THROTTLED,
    # of the channel: who we are, where we ask, how we ask. No message passes until people have mended it.
    **dict.fromkeys((401, 402, 403, 404, 405, 411, 414, 415, 421, 431), SubmitOutcome.NOT_WRITTEN),
    **dict.fromkeys((307, 308), SubmitOutcome.NOT_WRITTEN),
}
_STATES = frozenset({"DELIVRD", "EXPIRED", "DELETED", "UNDELIV", "UNKNOWN", "REJECTD", "ACCEPTD", "ENROUTE"})


class _Answer(Struct):
    code: str
    message_id: str | None = None


class Receipt(Struct, tag="receipt"):
    """What became of a message. ``to``: digits; ``state`` as SMPP 3.4 calls it; ``reference`` as in our order."""

    message_id: str
    to: str
    state: str
    reference: Annotated[int, Meta(ge=0, le=65535)] | None = None
    error: str = ""
    done_at: str | None = None


class Inbound(Struct, tag="inbound"):
    """What a customer sent to us, when (with its offset), and the provider's id of it."""

    from_: str = msgspec.field(name="from")
    text: str
    to: str = ""
    at: Annotated[datetime, Meta(tz=True)] | None = None
    message_id: str = ""


class _Callback(Struct):
    events: list[msgspec.Raw]


_answer = msgspec.json.Decoder(_Answer).decode
_callback = msgspec.json.Decoder(_Callback).decode
_event = msgspec.json.Decoder(Receipt | Inbound).decode
#: what may be wrong with what somebody else wrote
UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


def key_of(part: SubmitRequest) -> str:
    """The idempotency key: of one intent, since a later one has another reference."""
    return f"{part.part_id}/{part.reference}"


def order(part: SubmitRequest, signature: str) -> bytes:
    """The body of an order. Raises ``ValueError`` for a number that is none, or a message without a template."""
    if not (part.destination.isascii() and part.destination.isdigit() and len(part.destination) <= 20):
        raise ValueError(f"destination of part {part.part_id} is not an E.164 number in digits")
    if part.template is None:
        raise ValueError(f"part {part.part_id} has no template of the provider")
    return msgspec.json.encode(
        {
            "key": key_of(part),
            "reference": part.reference,
            "to": part.destination,
            "template": part.template.id,
            "language": part.template.language,
            "variables": part.template.variables,
            "signature": signature,
        }
    )


def judge(part_id: str, status: int, body: bytes) -> SubmitResult:
    """What an answer means. What does not say for sure that nothing was taken is UNKNOWN."""
    answer = _read(body)
    if answer is None:
        return SubmitResult(part_id, _BY_STATUS.get(status, SubmitOutcome.UNKNOWN), None, None, f"HTTP {status}")
    code, message_id = answer.code[:_LONGEST_CODE], (answer.message_id or "")[:_LONGEST_ID] or None
    outcome = CODES.get(code) or _BY_STATUS.get(status, SubmitOutcome.UNKNOWN)
    if outcome is SubmitOutcome.ACCEPTED and message_id is None:
        outcome = SubmitOutcome.UNKNOWN  # its receipt says whose it is
    if outcome is not SubmitOutcome.ACCEPTED:
        message_id = None
    return SubmitResult(part_id, outcome, message_id, None, f"HTTP {status}, {code}", code)


def _read(body: bytes) -> _Answer | None:
    try:
        answer = _answer(body)
    except UNREADABLE:
        return None
    code = answer.code
    return answer if code.isascii() and code.replace("_", "").isalnum() else None


def read_callback(body: bytes, signed: str = "") -> tuple[list[DeliveryReceipt | InboundSms], int]:
    """What a callback tells, and how much of it can't be read; ``signed``: the time that it was signed with. Raises
    ``Refused`` (422) where that is all of it."""
    try:
        events = _callback(body).events
    except UNREADABLE:
        raise Refused(
            "bad_callback", '应为 {"events": […]}', 'must be {"events": […]}', 422, "body"
        ) from None  # its text may hold a number
    if len(events) > MOST_EVENTS:
        zh, en = f"一次最多 {MOST_EVENTS} 条，请分批", f"holds over {MOST_EVENTS} events: send them in pieces"
        raise Refused("bad_callback", zh, en, 422, "body.events")
    found = [told for place, raw in enumerate(events) if (told := _told(raw, f"{signed}/{place}")) is not None]
    return found, len(events) - len(found)


def _told(raw: msgspec.Raw, call: str) -> DeliveryReceipt | InboundSms | None:
    try:
        event = _event(raw)
    except UNREADABLE:
        return None
    if isinstance(event, Inbound):
        at = None if event.at is None else in_range(event.at)
        return InboundSms(_digits(event.from_), _digits(event.to), event.text, at, _word(event, call))
    state = event.state.upper()
    return DeliveryReceipt(
        message_id=event.message_id[:_LONGEST_ID],
        state=state if state in _STATES else "UNKNOWN",
        reference=event.reference,
        destination=_digits(event.to),
        error=event.error[:_LONGEST_FIELD],
        done_at=(event.done_at or "")[:_LONGEST_FIELD] or None,
        text="",
    )


def _word(event: Inbound, call: str) -> str:
    """What tells a customer's message from every other one: who said what, when, and the provider's id of it. Where it
    gives neither time nor id, the call that told it does: signed anew it is a message of its own."""
    at = "" if event.at is None else event.at.isoformat()
    named = "|".join((event.from_, event.text, at, event.message_id or ("" if at else call)))
    return sha256(named.encode(errors="surrogatepass")).hexdigest()[:16]


def _digits(number: str) -> str:
    return "".join(c for c in number[:32] if c in "0123456789")
