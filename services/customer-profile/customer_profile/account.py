"""What BOSS says of a customer beside the record: bills, usage, payments, arrears, balance, contracts, complaints and
requests. One state a customer and kind, bounded; only the customer's page shows it. Pure.
"""

from datetime import datetime
from typing import Any

from msgspec import Struct

from contracts import boss
from servicekit.app import On
from servicekit.clock import iso
from servicekit.decision import Context, Decision
from servicekit.envelope import Message

KEPT = 24


class Fact(Struct, frozen=True, array_like=True):
    """A record as it came (``body``, JSON), by what the page sorts it (None: not known), and the event it came by.

    ``at`` is its effective time where it has one.
    """

    order: str | None
    at: str
    event_id: str
    body: bytes


class Facts(Struct, frozen=True, array_like=True):
    """A customer's newest records of one kind, by the id that tells one from another (of a month: the period)."""

    known: dict[str, Fact]

    def newest_first(self) -> list[Fact]:
        """Those without a date come first."""
        return sorted(self.known.values(), key=lambda f: (f.order is None, f.order or ""), reverse=True)


class Kind(Struct, frozen=True):
    """A kind of record: the field that tells a customer's records apart (None: only the latest is kept), the field
    they are sorted by, and how the page names them."""

    name: str
    payload: type
    id: str | None
    order: str

    def take(self, facts: Facts | None, record: Any, context: Context) -> Decision:
        """One record more; of the same id the latest counts, and of all ids the newest 24 stay."""
        assert context.message is not None
        order = getattr(record, self.order)
        fact = Fact(
            iso(order) if isinstance(order, datetime) else order and str(order),
            context.time or iso(context.now),
            context.id,
            context.message.body or b"",
        )
        known = {} if facts is None or self.id is None else dict(facts.known)
        known[getattr(record, self.id) if self.id else ""] = fact
        if len(known) > KEPT:
            del known[min(known, key=lambda id: (known[id].order is None, known[id].order or ""))]
        return Decision(Facts(known))


KINDS = {
    "kam.boss.bill.issued.v1": Kind("bills", boss.Bill, "period", "period"),
    "kam.boss.usage.summarised.v1": Kind("usages", boss.Usage, "period", "period"),
    "kam.boss.payment.received.v1": Kind("payments", boss.Payment, "payment_id", "paid_at"),
    "kam.boss.arrears.changed.v1": Kind("arrears", boss.Arrears, None, "as_of"),
    "kam.boss.balance.changed.v1": Kind("balance", boss.Balance, None, "at"),
    "kam.boss.contract.changed.v1": Kind("contracts", boss.Contract, "contract_id", "ends_on"),
    "kam.boss.complaint.changed.v1": Kind("complaints", boss.Complaint, "complaint_id", "opened_at"),
    "kam.boss.service.requested.v1": Kind("requests", boss.ServiceRequest, "request_id", "requested_at"),
}


def key(customer_id: str, kind: str) -> str:
    """Where a customer's records of a kind are kept."""
    return f"{customer_id}/{kind}"


def key_of(message: Message) -> str:
    """The same, of a message."""
    return key(message.key, KINDS[message.type].name)


HANDLERS = {type_: On(kind.payload, kind.take) for type_, kind in KINDS.items()}
