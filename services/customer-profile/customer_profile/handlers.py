"""Event -> Decision. Only the customer's record has a state; bills, contracts and the like are documents, written as
they come, and so are units and managers."""

from datetime import datetime, timedelta
from typing import Any

import msgspec

from contracts import boss
from contracts.misc import CustomerChanged
from customer_profile.domain import Archive, Turn, masked_change, months_before, take_leaving, take_record
from servicekit.clock import iso, local_date
from servicekit.decision import Context, Decision, Emit, Row
from servicekit.envelope import Message, parse_time
from servicekit.work import On

PERIODS_KEPT = 24
_MOMENT = timedelta(microseconds=1)


def _effective(context: Context) -> datetime:
    return parse_time(context.time) if context.time else context.now


def on_customer(known: Archive | None, record: boss.Customer, context: Context) -> Decision:
    at = _effective(context)
    # A file's record is effective at the end of its business date, which is already the next day's midnight.
    return _decide(known, take_record(known, record, at, local_date(at - _MOMENT)), context)


def on_left(known: Archive | None, left: boss.CustomerLeft, context: Context) -> Decision:
    return _decide(known, take_leaving(known, left, _effective(context)), context)


def _decide(known: Archive | None, turn: Turn | None, context: Context) -> Decision:
    if turn is None:
        return Decision(known)
    customer, record = turn.archive, turn.archive.record
    id_ = record.customer_id
    at, now = iso(_effective(context)), iso(context.now)
    document = {
        "customer_id": id_,
        **customer.fields(),
        "since": iso(customer.since),
        "revision": customer.revision,
        "updated_at": now,
    }
    history = [
        Row(
            "history",
            f"{id_}|{customer.revision}|{c.field}",
            {
                "customer_id": id_,
                "revision": customer.revision,
                **msgspec.to_builtins(c),
                "at": at,
                "recorded": now,
                "event_id": context.id,
                "correlation": context.correlation,
            },
        )
        for c in turn.changes
    ]
    event = CustomerChanged(
        customer_id=id_,
        revision=customer.revision,
        archive=customer.archive,
        city=record.city,
        manager_id=record.manager_id,
        changes=tuple(map(masked_change, turn.changes)),
    )
    emit = Emit(f"kam.customer.{turn.step}.v1", event, seed=f"{id_}|{customer.revision}")
    return Decision(customer, (emit,), rows=(Row("customers", id_, document), *history))


class Fact:
    """Handler of a kind of record that only the customer's page shows: one document a record.

    ``key`` are the fields that name the record, ``order`` the one by which the page sorts. Of monthly records the last
    24 periods stay.
    """

    def __init__(self, kind: str, *key: str, order: str) -> None:
        self._kind, self._key, self._order = kind, key, order

    def __call__(self, state: None, record: Any, context: Context) -> Decision:
        values: dict[str, Any] = msgspec.to_builtins(record)
        order = getattr(record, self._order)
        document = {
            "customer_id": record.customer_id,
            "kind": self._kind,
            "order": iso(order) if isinstance(order, datetime) else values[self._order],
            "record": values,
            "at": iso(_effective(context)),
            "event_id": context.id,
        }
        rows = [Row("facts", self._id(values), document)]
        if "period" in values:
            outdated = {**values, "period": months_before(record.period, PERIODS_KEPT)}
            rows.append(Row("facts", self._id(outdated), None))
        return Decision(None, rows=tuple(rows))

    def _id(self, values: dict[str, Any]) -> str:
        return "|".join((self._kind, *(values[field] for field in self._key)))


def on_unit(state: None, unit: boss.Unit, context: Context) -> Decision:
    return Decision(None, rows=(Row("units", unit.unit_id, msgspec.to_builtins(unit)),))


def on_manager(state: None, manager: boss.Manager, context: Context) -> Decision:
    return Decision(None, rows=(Row("managers", manager.manager_id, msgspec.to_builtins(manager)),))


def key_of(message: Message) -> str:
    """The customer for what changes the archive; everything else shares a key that never holds a state."""
    return message.key if message.type in _ARCHIVE else ""


_ARCHIVE = {
    "kam.boss.customer.changed.v1": On(boss.Customer, on_customer),
    "kam.boss.customer.left.v1": On(boss.CustomerLeft, on_left),
}
HANDLERS = {
    **_ARCHIVE,
    "kam.boss.unit.changed.v1": On(boss.Unit, on_unit),
    "kam.boss.manager.changed.v1": On(boss.Manager, on_manager),
    "kam.boss.bill.issued.v1": On(boss.Bill, Fact("bills", "customer_id", "period", order="period")),
    "kam.boss.usage.summarised.v1": On(boss.Usage, Fact("usages", "customer_id", "period", order="period")),
    "kam.boss.payment.received.v1": On(boss.Payment, Fact("payments", "payment_id", order="paid_at")),
    "kam.boss.arrears.changed.v1": On(boss.Arrears, Fact("arrears", "customer_id", order="as_of")),
    "kam.boss.balance.changed.v1": On(boss.Balance, Fact("balance", "customer_id", order="at")),
    "kam.boss.contract.changed.v1": On(boss.Contract, Fact("contracts", "contract_id", order="ends_on")),
    "kam.boss.complaint.changed.v1": On(boss.Complaint, Fact("complaints", "complaint_id", order="opened_at")),
    "kam.boss.service.requested.v1": On(boss.ServiceRequest, Fact("requests", "request_id", order="requested_at")),
}
