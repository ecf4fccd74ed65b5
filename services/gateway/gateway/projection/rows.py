"""Event -> rows. Pure; which row of two is the newer is the table's to say (``schema.STATEMENTS``).

Events carry the whole object after the change, so a row needs nothing but its event.
"""

import hashlib
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, NamedTuple, get_args

import msgspec

from contracts.alert import LEVELS, Cause
from contracts.registry import SHADOW
from gateway.projection.names import search_words, sort_form
from gateway.projection.payloads import (
    AlertEvent,
    CustomerRecord,
    Departure,
    LoggedContact,
    ManagerRecord,
    SmsEvent,
    UnitRecord,
    WorkEvent,
)
from gateway.projection.schema import NEVER, STATEMENTS
from servicekit.clock import iso
from servicekit.envelope import Message
from servicekit.personal import mask_number

#: name of a statement (``schema.STATEMENTS``) and its parameters
Row = tuple[str, dict[str, Any]]
_CAUSES: tuple[str, ...] = get_args(Cause)
_PROGRESS, _SEVERITIES = ("raised", "acknowledged", "acted"), ("critical", "major", "minor")
_LONGEST_NUMBER = 11
_encode = msgspec.json.Encoder().encode


class Unreadable(Exception):
    """No rows can be made of this; the service that decides by it makes its dead letter."""


class Came(NamedTuple):
    """By what an event came: its type, and of a BOSS record the effective time and the revision."""

    type: str
    time: str
    revision: int


class Rows:
    """What becomes of events and documents. ``secret`` keys the hash by which a whole phone number is found: the number
    itself is kept nowhere here.
    """

    def __init__(self, secret: bytes) -> None:
        self._secret = hashlib.sha256(secret).digest()
        #: tells rows made with another secret apart
        self.identity = hashlib.blake2b(b"identity", key=self._secret, digest_size=8).hexdigest()

    def takes(self, type_: str) -> bool:
        """Whether anything comes of such an event."""
        return type_ in _HANDLERS

    def of_event(self, message: Message) -> list[Row]:
        """Rows of a message. Raises ``Unreadable``."""
        handler = _HANDLERS.get(message.type)
        if handler is None:
            return []
        payload, make = handler
        try:
            data = payload(message.body or b"")
            came = Came(message.type, message.attribute("time") or "", message.revision)
            return [_checked(row) for row in make(self, data, came)]
        except Exception as error:  # whatever it is: a record that stops everything would be worse
            raise Unreadable(repr(error)[:500]) from error

    def of_document(self, collection: str, line: bytes) -> list[Row]:
        """Rows of a document as a service exports it. Raises ``Unreadable``."""
        payload, make = _DOCUMENTS[collection]
        try:
            rows = [_checked(row) for row in make(self, payload(line), Came(collection, "", 0))]
        except Exception as error:
            raise Unreadable(repr(error)[:500]) from error
        return [(document if (document := f"{name} document") in STATEMENTS else name, row) for name, row in rows]

    def phone_key(self, number: str | None) -> bytes | None:
        """By what a whole number is found; None for what is none."""
        digits = _digits(number)
        return hashlib.blake2b(digits.encode(), key=self._secret, digest_size=12).digest() if digits else None

    # --- BOSS's records ---------------------------------------------------------------------------------------------

    def unit(self, unit: UnitRecord, came: Came) -> Iterator[Row]:
        yield "unit", {**msgspec.structs.asdict(unit), **_heard(came)}

    def manager(self, manager: ManagerRecord, came: Came) -> Iterator[Row]:
        yield "manager", {**msgspec.structs.asdict(manager), **_heard(came)}
        yield "customers of manager", {"manager_id": manager.manager_id}

    def customer(self, customer: CustomerRecord, came: Came) -> Iterator[Row]:
        digits = _digits(customer.phone)
        yield (
            "customer",
            {
                **msgspec.structs.asdict(customer),
                **_heard(came),
                "known": 1,
                "name_sort": sort_form(customer.name),
                "words": search_words(customer.name),
                "phone": mask_number(customer.phone) if customer.phone else None,
                "phone_tail": digits[-4:] or None,
                "phone_key": self.phone_key(customer.phone),
            },
        )

    def customer_left(self, left: Departure, came: Came) -> Iterator[Row]:
        yield "customer left", {"customer_id": left.customer_id, "known": 1, "status": "left", **_heard(came)}

    # --- alerts, work, SMS ------------------------------------------------------------------------------------------

    def alert(self, alert: AlertEvent, came: Came) -> Iterator[Row]:
        """Detection says how it stands: it begins, goes on, ends or begins again."""
        yield _named(alert.customer_id)
        begins = came.type == _RAISED or alert.reopened or alert.state not in _PROGRESS
        progress = {"life": alert.revision, "progress": "raised"} if begins else {"life": 0, "progress": None}
        yield "alert", {**_alert(alert), **progress}

    def alert_told(self, alert: AlertEvent, came: Came) -> Iterator[Row]:
        """What was learnt of an alert since, with the revision that detection had given it."""
        yield _named(alert.customer_id)
        row = _alert(alert)
        yield "alert told", {**row, "life": 0, "progress": None}
        if alert.state in _PROGRESS:
            told = {name: row[name] for name in ("alert_id", "revision", "at")}
            yield "alert progress", {**told, "progress": alert.state, **_up(_told_up(alert, came))}
            yield "alert heard of", told

    def shadow_alert(self, alert: AlertEvent, came: Came) -> Iterator[Row]:
        yield _named(alert.customer_id)
        yield "shadow alert", _alert(alert)

    def work(self, item: WorkEvent, came: Came) -> Iterator[Row]:
        yield _named(item.customer_id)
        yield "work", _work(item)
        yield "alert of work", {"alert_id": item.alert_id}

    def sms(self, message: SmsEvent, came: Came) -> Iterator[Row]:
        yield _named(message.customer_id)
        yield "sms", _sms(message)

    def contact(self, contact: LoggedContact, came: Came) -> Iterator[Row]:
        yield _named(contact.customer_id)
        yield "contact", {**msgspec.structs.asdict(contact), "at": iso(contact.at)}

    def alert_document(self, alert: AlertEvent, came: Came) -> Iterator[Row]:
        """Its state is that of detection and of notifications in one word."""
        yield _named(alert.customer_id)
        progress = alert.state if alert.state in _PROGRESS else None
        yield "alert", {**_alert(alert), "life": 0, "progress": progress}
        if alert.escalations:
            yield "alert escalated", {"alert_id": alert.alert_id, **_up(alert.escalations)}


def _named(customer_id: str) -> Row:
    return "customer named", {"customer_id": customer_id}


def _told_up(alert: AlertEvent, came: Came) -> dict[str, str]:
    """To which level an event says that an alert went, by cause; of one that says no more, to the first."""
    if came.type != _ESCALATED:
        return {}
    if alert.escalation is None:
        return {_CAUSES[0]: LEVELS[0]}
    return {alert.escalation.cause: alert.escalation.level}


def _up(levels: dict[str, str]) -> dict[str, int]:
    """How many levels up, by cause; 0: not at all, as for causes and levels that are not known here."""
    return {cause: LEVELS.index(level) + 1 if (level := levels.get(cause)) in LEVELS else 0 for cause in _CAUSES}


def _heard(came: Came) -> dict[str, Any]:
    return {"heard": came.time, "revision": came.revision}


def _alert(alert: AlertEvent) -> dict[str, Any]:
    amount, is_open = alert.values.get("amount_fen"), alert.state in _PROGRESS
    shown = {
        "reasons": [{"rule": r.rule, "code": r.code, "values": r.values} for r in alert.reasons],
        "values": alert.values,
        "evidence": len(alert.evidence),
        "calendar": alert.calendar,
        "suppressed": alert.suppressed,
    }
    return {
        "alert_id": alert.alert_id,
        "kind": alert.kind,
        "customer_id": alert.customer_id,
        "revision": alert.revision,
        "at": _time(alert.at),
        "ended": None if is_open else alert.state,
        "suppressed": alert.suppressed is not None,
        "state": alert.state,
        "open": is_open,
        "stage": alert.stage,
        "severity": alert.severity,
        "rank": _SEVERITIES.index(alert.severity) if alert.severity in _SEVERITIES else len(_SEVERITIES),
        "rule_id": alert.rule.id,
        "rule_version": alert.rule.version,
        "period": alert.period,
        "late": alert.late,
        "outcome": alert.outcome,
        "raised_at": iso(alert.raised_at),
        "due_at": NEVER if alert.due_at is None else iso(alert.due_at),
        "amount_fen": amount if type(amount) is int else None,
        "shown": _encode(shown),
    }


def _work(item: WorkEvent) -> dict[str, Any]:
    last = item.action or next((line for line in reversed(item.log) if line.what == "acted"), None)
    return {
        "work_id": item.work_id,
        "kind": item.kind,
        "alert_id": item.alert_id,
        "customer_id": item.customer_id,
        "revision": item.revision,
        "at": _time(item.at or item.updated_at),
        "state": item.state,
        "open": item.state != "closed",
        "holder_id": item.manager_id,
        "queue": item.queue,
        "due_at": iso(item.due_at),
        "calendar": None if item.calendar is None else _encode(item.calendar),
        "outcome": item.outcome,
        "opened_at": iso(item.opened_at),
        "first_at": _first(item),
        "contact_at": None if last is None else iso(last.at),
        "contact_kind": last and last.kind,
        "contact_result": last and last.result,
        "contact_by": last and last.by,
        "promised_on": last and last.promised_on,
        "follow_up_on": last and last.follow_up_on,
    }


def _first(item: WorkEvent) -> str | None:
    """When a person took it on, as far as an event or the log of a document tells."""
    told = [line.at for line in item.log if line.by is not None and line.at >= item.opened_at]
    if item.by is not None and item.at is not None and item.state != "new":
        told.append(item.at)
    return iso(min(told)) if told else None


def _sms(message: SmsEvent) -> dict[str, Any]:
    phone = mask_number(message.phone) if message.phone else None
    times = {"at": _time(message.at), "planned_at": iso(message.planned_at)}
    return {**msgspec.structs.asdict(message), **times, "phone": phone}


def _time(at: datetime | None) -> str:
    return "" if at is None else iso(at)


def _digits(number: str | None) -> str:
    digits = "".join(c for c in number or "" if c in "0123456789")
    return digits[-_LONGEST_NUMBER:] if len(digits) >= 7 else ""


def _checked(row: Row) -> Row:
    """Raises ``ValueError`` for what SQLite would not take: integers beyond 64 bits, text that is no UTF-8."""
    for value in row[1].values():
        if type(value) is int and not -(1 << 63) <= value < 1 << 63:
            raise ValueError("an integer beyond 64 bits")
        if type(value) is str:
            value.encode()
    return row


_RAISED, _ESCALATED = "kam.alert.raised.v1", "kam.alert.escalated.v1"
_Handler = tuple[Callable[[bytes], Any], Callable[[Rows, Any, Came], Iterator[Row]]]


def _handler(payload: type, make: Callable[[Rows, Any, Came], Iterator[Row]]) -> _Handler:
    return msgspec.json.Decoder(payload).decode, make


_HANDLERS: dict[str, _Handler] = {
    "kam.boss.unit.changed.v1": _handler(UnitRecord, Rows.unit),
    "kam.boss.manager.changed.v1": _handler(ManagerRecord, Rows.manager),
    "kam.boss.customer.changed.v1": _handler(CustomerRecord, Rows.customer),
    "kam.boss.customer.left.v1": _handler(Departure, Rows.customer_left),
    **{
        f"kam.alert.{verb}.v1": _handler(AlertEvent, Rows.alert)
        for verb in ("raised", "changed", "resolved", "expired")
    },
    **{
        f"kam.alert.{verb}.v1": _handler(AlertEvent, Rows.alert_told)
        for verb in ("delivered", "acknowledged", "unacknowledged", "acted", "escalated")
    },
    **{f"{SHADOW}{verb}.v1": _handler(AlertEvent, Rows.shadow_alert) for verb in ("raised", "changed", "resolved")},
    **{
        f"kam.work.{verb}.v1": _handler(WorkEvent, Rows.work)
        for verb in ("opened", "accepted", "released", "acted", "closed", "reopened", "reassigned", "due_changed")
    },
    **{
        f"kam.sms.{verb}.v1": _handler(SmsEvent, Rows.sms)
        for verb in (
            "planned", "held", "intended", "submitted", "delivered", "failed", "cancelled", "suppressed", "unknown"
        )
    },
}  # fmt: skip
_HANDLERS["kam.contact.logged.v1"] = _handler(LoggedContact, Rows.contact)
_DOCUMENTS: dict[str, _Handler] = {
    "units": _handler(UnitRecord, Rows.unit),
    "managers": _handler(ManagerRecord, Rows.manager),
    "customers": _handler(CustomerRecord, Rows.customer),
    "alerts": _handler(AlertEvent, Rows.alert_document),
    "shadow_alerts": _handler(AlertEvent, Rows.shadow_alert),
    "work": _handler(WorkEvent, Rows.work),
    "contacts": _handler(LoggedContact, Rows.contact),
    "sms": _handler(SmsEvent, Rows.sms),
}
