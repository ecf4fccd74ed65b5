"""Every event type: its payload struct, the topic it is published on and who may publish it.

One table, read by all: publishers look up the topic, consumers the payload, ``contracts.generate`` the schemas.
"""

from typing import NamedTuple

from msgspec import Struct

from contracts import alert, boss, brake, control, documents, misc


class EventType(NamedTuple):
    """Contract of one event type: payload struct and home topic."""

    name: str
    payload: type[Struct]
    topic: str


TICK = "kam.clock.ticked.v1"
SWITCH = "kam.document.switched.v1"
LOAD_ENDED, RELEASE_DECIDED = "kam.load.ended.v1", "kam.release.decided.v1"
CITIES_COUNTED = "kam.cities.counted.v1"
#: told on every partition of boss.events (a switch goes on to alert.events): one thing, many records
EVERYWHERE = frozenset({SWITCH, LOAD_ENDED, RELEASE_DECIDED, CITIES_COUNTED})

# What BOSS may feed (boss.feed, HTTP); the same types come out validated on boss.events.
FEED: dict[str, type[boss.BossRecord]] = {
    "kam.boss.customer.changed.v1": boss.Customer,
    "kam.boss.customer.left.v1": boss.CustomerLeft,
    "kam.boss.bill.issued.v1": boss.Bill,
    "kam.boss.payment.received.v1": boss.Payment,
    "kam.boss.arrears.changed.v1": boss.Arrears,
    "kam.boss.usage.summarised.v1": boss.Usage,
    "kam.boss.contract.changed.v1": boss.Contract,
    "kam.boss.complaint.changed.v1": boss.Complaint,
    "kam.boss.service.requested.v1": boss.ServiceRequest,
    "kam.boss.balance.changed.v1": boss.Balance,
}

# Nightly file kind -> (event type, payload, amount column or None, snapshot?)
FILE_KINDS: dict[str, tuple[str, type[boss.BossRecord], str | None, bool]] = {
    "UNIT": ("kam.boss.unit.changed.v1", boss.Unit, None, True),
    "MGR": ("kam.boss.manager.changed.v1", boss.Manager, None, True),
    "CUST": ("kam.boss.customer.changed.v1", boss.Customer, None, True),
    "CONT": ("kam.boss.contract.changed.v1", boss.Contract, None, True),
    "BILL": ("kam.boss.bill.issued.v1", boss.Bill, "amount_fen", False),
    "USAGE": ("kam.boss.usage.summarised.v1", boss.Usage, None, False),
    "PAY": ("kam.boss.payment.received.v1", boss.Payment, "amount_fen", False),
    "ARR": ("kam.boss.arrears.changed.v1", boss.Arrears, "amount_fen", True),
    "COMP": ("kam.boss.complaint.changed.v1", boss.Complaint, None, False),
    "SERV": ("kam.boss.service.requested.v1", boss.ServiceRequest, None, False),
}

_ALERT = (
    "raised", "changed", "delivered", "acknowledged", "unacknowledged", "acted", "escalated", "resolved", "expired"
)  # fmt: skip
#: of versions that run in shadow: types of their own, so that who does not know them passes them over
SHADOW = "kam.alert.shadow."
_SHADOW = ("raised", "changed", "resolved")
_WORK = ("opened", "accepted", "released", "acted", "closed", "reopened", "reassigned", "due_changed")
_SMS = ("planned", "held", "intended", "submitted", "delivered", "failed", "cancelled", "suppressed", "unknown")
_CUSTOMER = ("created", "changed", "left", "returned")
_FILE = ("received", "accepted", "partial", "rejected", "duplicate", "missing", "late", "held")

EVENTS: dict[str, EventType] = {
    e.name: e
    for e in (
        *(EventType(name, payload, "boss.events") for name, payload in FEED.items()),
        EventType("kam.boss.unit.changed.v1", boss.Unit, "boss.events"),
        EventType("kam.boss.manager.changed.v1", boss.Manager, "boss.events"),
        EventType("kam.boss.arrears.confirmed.v1", boss.ArrearsConfirmed, "boss.events"),
        EventType("kam.boss.record.moved.v1", boss.RecordMoved, "boss.events"),
        EventType(TICK, boss.ClockTicked, "boss.events"),
        EventType(SWITCH, documents.DocumentSwitched, "boss.events"),
        EventType(LOAD_ENDED, brake.LoadEnded, "boss.events"),
        EventType(RELEASE_DECIDED, brake.ReleaseDecided, "boss.events"),
        EventType(CITIES_COUNTED, brake.CitiesCounted, "boss.events"),
        *(EventType(f"kam.customer.{verb}.v1", misc.CustomerChanged, "customer.events") for verb in _CUSTOMER),
        *(EventType(f"kam.alert.{verb}.v1", alert.Alert, "alert.events") for verb in _ALERT),
        *(EventType(f"{SHADOW}{verb}.v1", alert.ShadowAlert, "alert.events") for verb in _SHADOW),
        *(EventType(f"kam.work.{verb}.v1", alert.WorkItem, "work.events") for verb in _WORK),
        EventType("kam.contact.logged.v1", alert.Contact, "work.events"),
        *(EventType(f"kam.sms.{verb}.v1", alert.Sms, "sms.outbound") for verb in _SMS),
        EventType("kam.sms.receipt.received.v1", alert.ReceiptReceived, "sms.receipts"),
        EventType("kam.sms.subscriber.opted_out.v1", alert.OptedOut, "sms.receipts"),
        EventType("kam.sms.subscriber.opted_in.v1", alert.OptedIn, "sms.receipts"),
        *(EventType(f"kam.feed.file.{verb}.v1", misc.FileReceipt, "feed.events") for verb in _FILE),
        EventType("kam.feed.event.rejected.v1", misc.EventRejected, "feed.events"),
        EventType("kam.audit.recorded.v1", misc.AuditRecorded, "audit.log"),
        *(EventType(name, control.Stop, control.TOPIC) for name in (control.STOPPED, control.RELEASED)),
    )
}
