"""Which message a delivery receipt belongs to."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Protocol

from msgspec import Struct

from alerts.notifications.channel import message_id
from alerts.notifications.channel.transport import DeliveryReceipt
from alerts.notifications.state import local_number
from contracts.alert import SmsPart


class Found(Struct, frozen=True):
    """The message a receipt belongs to; ``part`` None: one of those without an answer."""

    how: str
    customer_id: str
    sms_id: str
    part: int | None
    event: str
    correlation: str


class Submitted(Protocol):
    """What is looked at of a message: the state's ``Notification``, or what its document says."""

    @property
    def sms_id(self) -> str: ...
    @property
    def customer_id(self) -> str: ...
    @property
    def phone(self) -> str | None: ...
    @property
    def submitted_at(self) -> datetime | None: ...
    @property
    def event(self) -> str: ...
    @property
    def correlation(self) -> str: ...
    @property
    def parts(self) -> tuple[SmsPart, ...]: ...
    @property
    def channel(self) -> str | None: ...


class SmsDocument(Struct, frozen=True):
    """A document of ``sms``, as far as receipts need it."""

    sms_id: str
    customer_id: str
    phone: str | None
    submitted_at: datetime | None
    event: str
    correlation: str
    parts: tuple[SmsPart, ...]
    channel: str | None = None


def match(receipt: DeliveryReceipt, messages: Iterable[Submitted], phone: str, since: datetime) -> Found | None:
    """By message id; else, among the messages submitted to ``phone`` since then, the latest first, by our reference or
    by an id written differently."""
    number = local_number(receipt.destination)
    submitted = ((m.submitted_at, m) for m in messages if m.submitted_at is not None and _is_by(m, receipt))
    by_time = sorted(submitted, key=_time, reverse=True)
    if receipt.message_id:
        for _, message in by_time:
            part = _part(message, lambda p: p.message_id == receipt.message_id)
            if part is not None and message.phone is not None and local_number(message.phone) == number:
                return _found("id", message, part)
    recent = [message for at, message in by_time if at >= since and message.phone == phone]
    ways: dict[str, Callable[[SmsPart], bool]] = {
        "reference": lambda p: p.state != "queued" and p.reference == receipt.reference,
        "similar_id": lambda p: message_id.is_same(p.message_id, receipt.message_id),
    }
    for how, is_it in ways.items():
        for message in recent:
            if (part := _part(message, is_it)) is not None:
                return _found(how, message, part)
    return None


def unanswered(receipt: DeliveryReceipt, messages: Iterable[Submitted], phone: str, since: datetime) -> list[Submitted]:
    """Messages submitted to ``phone`` since then without an answer: a receipt that nobody knows is of the only one."""
    if receipt.reference is not None:
        return []
    by_channel = (m for m in messages if _is_by(m, receipt))
    recent = (m for m in by_channel if m.submitted_at is not None and m.submitted_at >= since and m.phone == phone)
    return [message for message in recent if _part(message, _has_no_answer) is not None]


def found_only(message: Submitted) -> Found:
    """As the only one without an answer."""
    return _found("only", message, None)


def _is_by(message: Submitted, receipt: DeliveryReceipt) -> bool:
    """Whether it left by the channel that the receipt came by; where one of them does not say so, it may have."""
    return None in (message.channel, receipt.channel) or message.channel == receipt.channel


def _time(entry: tuple[datetime, Submitted]) -> datetime:
    return entry[0]


def _part(message: Submitted, is_it: Callable[[SmsPart], bool]) -> int | None:
    return next((part.number for part in message.parts if is_it(part)), None)


def _found(how: str, message: Submitted, part: int | None) -> Found:
    return Found(how, message.customer_id, message.sms_id, part, message.event, message.correlation)


def _has_no_answer(part: SmsPart) -> bool:
    return part.state in ("sending", "unknown", "sent") and part.message_id is None
