"""What BOSS says of a customer beside the record: bills, usage, payments, arrears, balance, contracts, complaints and
requests. One state a customer and kind, bounded; only the customer's page shows it. Pure.
"""

from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct

from contracts import boss
from servicekit.app import HandlerEntry
from servicekit.clock import iso
from servicekit.decision import Context, Decision
from servicekit.envelope import Message

KEPT = 24
#: effective time and revision of the record of BOSS that was heard last
Heard = tuple[str, int]


class AccountRecord(Struct, frozen=True, array_like=True):
    """A record as it came (``body``, JSON), by what the page sorts it (None: not known), and the event it came by.

    ``at`` is its effective time where it has one; with the ``revision`` it tells which of two is newer.
    """

    order: str | None
    at: str
    event_id: str
    body: bytes
    revision: int = 0


def is_old(context: Context, at: str, revision: int) -> bool:
    """Whether a record is not newer than what is known of it: by effective time, then by revision.

    Not by the revision alone: it begins anew should billing-sync ever lose its store.
    """
    return bool(context.revision and revision) and (context.time, context.revision) <= (at, revision)


class KindRecords(Struct, frozen=True, array_like=True):
    """A customer's newest records of one kind, by the id that tells one from another (of a month: the period).

    ``gone``: when and with which revision records went to another customer, of the 24 that went last.
    """

    known: dict[str, AccountRecord]
    gone: dict[str, Heard] = {}

    def is_old(self, id_: str, context: Context) -> bool:
        """Whether this revision of a record or a newer one was heard before: a replayed dead letter, say."""
        entry = self.known.get(id_)
        heard = self.gone.get(id_) if entry is None else (entry.at, entry.revision)
        return heard is not None and is_old(context, *heard)

    def newest_first(self) -> list[AccountRecord]:
        """Those without a date come first."""
        return sorted(self.known.values(), key=lambda f: (f.order is None, f.order or ""), reverse=True)


class AccountKind(Struct, frozen=True):
    """A kind of record: the field that tells a customer's records apart (None: only the latest is kept), the field
    they are sorted by, and how the page names them."""

    name: str
    payload: type
    id: str | None
    order: str

    def take(self, records: KindRecords | None, record: Any, context: Context) -> Decision:
        """One record more; of the same id the newest counts, and of all ids the newest 24 stay."""
        assert context.message is not None
        id_, records = getattr(record, self.id) if self.id else "", records or KindRecords({})
        if records.is_old(id_, context):
            return Decision(records)
        order = getattr(record, self.order)
        entry = AccountRecord(
            iso(order) if isinstance(order, datetime) else order and str(order),
            context.time or iso(context.now),
            context.id,
            context.message.body or b"",
            context.revision,
        )
        known = {**records.known, id_: entry}
        if len(known) > KEPT:
            del known[min(known, key=lambda id: (known[id].order is None, known[id].order or ""))]
        return Decision(KindRecords(known, {other: heard for other, heard in records.gone.items() if other != id_}))


def on_moved(records: KindRecords | None, moved: boss.RecordMoved, context: Context) -> Decision:
    """A record went to another customer: here it is gone, and what is older than the move does not bring it back."""
    records = records or KindRecords({})
    if records.is_old(moved.record_id, context):
        return Decision(records)
    known = {id_: entry for id_, entry in records.known.items() if id_ != moved.record_id}
    gone = {**records.gone, moved.record_id: (context.time, context.revision)}
    while len(gone) > KEPT:
        del gone[next(iter(gone))]
    return Decision(KindRecords(known, gone))


KINDS = {
    "kam.boss.bill.issued.v1": AccountKind("bills", boss.Bill, "period", "period"),
    "kam.boss.usage.summarised.v1": AccountKind("usages", boss.Usage, "period", "period"),
    "kam.boss.payment.received.v1": AccountKind("payments", boss.Payment, "payment_id", "paid_at"),
    "kam.boss.arrears.changed.v1": AccountKind("arrears", boss.Arrears, None, "as_of"),
    "kam.boss.balance.changed.v1": AccountKind("balance", boss.Balance, None, "at"),
    "kam.boss.contract.changed.v1": AccountKind("contracts", boss.Contract, "contract_id", "ends_on"),
    "kam.boss.complaint.changed.v1": AccountKind("complaints", boss.Complaint, "complaint_id", "opened_at"),
    "kam.boss.service.requested.v1": AccountKind("requests", boss.ServiceRequest, "request_id", "requested_at"),
}


MOVED = "kam.boss.record.moved.v1"
_MOVABLE = {"CONT": "contracts", "COMP": "complaints", "SERV": "requests", "PAY": "payments"}


class _Moved(Struct, frozen=True):
    """What tells to which kind a moved record belongs."""

    kind: str


_decode_moved = msgspec.json.Decoder(_Moved).decode


def key(customer_id: str, kind: str) -> str:
    """Where a customer's records of a kind are kept."""
    return f"{customer_id}/{kind}"


def key_of(message: Message) -> str:
    """The same, of a message; of a move that can't be read a key that never holds a state: its handler refuses it."""
    if message.type != MOVED:
        return key(message.key, KINDS[message.type].name)
    try:
        return key(message.key, _MOVABLE[_decode_moved(message.body or b"").kind])
    except (ValueError, KeyError, RecursionError):
        return ""


HANDLERS = {
    **{type_: HandlerEntry(kind.payload, kind.take) for type_, kind in KINDS.items()},
    MOVED: HandlerEntry(boss.RecordMoved, on_moved),
}
