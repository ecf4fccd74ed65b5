"""Event -> Decision. The customer's record has a state; units and managers are documents, of which only is remembered
what was heard last. Bills, contracts and the like are ``account``'s."""

from collections.abc import Callable
from datetime import datetime, timedelta

import msgspec

from contracts import boss
from contracts.misc import CustomerChanged
from customer_profile.account import Heard, is_old
from customer_profile.domain import Archive, ProfileChange, masked_change, take_leaving, take_record
from servicekit.app import HandlerEntry
from servicekit.clock import iso, local_date
from servicekit.decision import Context, Decision, DocumentWrite, OutgoingEvent
from servicekit.envelope import Message, parse_time

#: of a customer, in the history
KEPT_CHANGES = 1000
_MOMENT = timedelta(microseconds=1)


def _effective(context: Context) -> datetime:
    return parse_time(context.time) if context.time else context.now


def on_customer(known: Archive | None, record: boss.Customer, context: Context) -> Decision:
    at = _effective(context)
    # A file's record is effective at the end of its business date, which is already the next day's midnight.
    return _decide(known, context, lambda: take_record(known, record, at, local_date(at - _MOMENT)))


def on_left(known: Archive | None, left: boss.CustomerLeft, context: Context) -> Decision:
    return _decide(known, context, lambda: take_leaving(known, left, _effective(context)))


def _decide(known: Archive | None, context: Context, take: Callable[[], ProfileChange | None]) -> Decision:
    if known is not None and is_old(context, *known.heard):
        return Decision(known)
    heard, change = (context.time, context.revision), take()
    if change is None:
        return Decision(known and msgspec.structs.replace(known, heard=heard))
    return _told(
        known, msgspec.structs.replace(change, archive=msgspec.structs.replace(change.archive, heard=heard)), context
    )


def _told(known: Archive | None, change: ProfileChange, context: Context) -> Decision:
    customer, record = change.archive, change.archive.record
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
        DocumentWrite(
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
            new=True,
        )
        for c in change.changes
        # Of a creation one line says enough: what the fields were before is not known.
        if change.step != "created" or c.field == "archive"
    ]
    event = CustomerChanged(
        customer_id=id_,
        revision=customer.revision,
        archive=customer.archive,
        city=record.city,
        manager_id=record.manager_id,
        changes=tuple(map(masked_change, change.changes)),
    )
    emit = OutgoingEvent(f"kam.customer.{change.step}.v1", event, seed=f"{id_}|{customer.revision}")
    document_row = DocumentWrite("customers", id_, document, new=known is None)
    return Decision(customer, (emit,), writes=(document_row, *history, *_forgotten(customer)))


def _forgotten(customer: Archive) -> list[DocumentWrite]:
    """Lines of the change that is no longer among a customer's newest."""
    if (oldest := customer.revision - KEPT_CHANGES) < 1:
        return []
    return [
        DocumentWrite("history", f"{customer.record.customer_id}|{oldest}|{field}", None) for field in customer.fields()
    ]


def on_unit(heard: Heard | None, unit: boss.Unit, context: Context) -> Decision:
    return _document(heard, "units", unit.unit_id, unit, context)


def on_manager(heard: Heard | None, manager: boss.Manager, context: Context) -> Decision:
    return _document(heard, "managers", manager.manager_id, manager, context)


def _document(heard: Heard | None, collection: str, id_: str, record: msgspec.Struct, context: Context) -> Decision:
    if heard is not None and is_old(context, *heard):
        return Decision(heard)
    rows = (DocumentWrite(collection, id_, msgspec.to_builtins(record)),)
    return Decision((context.time, context.revision), writes=rows)


#: of a customer the archive, of a unit or manager what was heard last
STATE = Archive | Heard


def key_of(message: Message) -> str:
    """The customer for what changes the archive; units and managers may have the same ids (none holds a ``|``)."""
    return message.key if message.type in _ARCHIVE else f"{_DOCUMENTS[message.type]}|{message.key}"


_ARCHIVE = {
    "kam.boss.customer.changed.v1": HandlerEntry(boss.Customer, on_customer),
    "kam.boss.customer.left.v1": HandlerEntry(boss.CustomerLeft, on_left),
}
_DOCUMENTS = {"kam.boss.unit.changed.v1": "unit", "kam.boss.manager.changed.v1": "manager"}
HANDLERS = {
    **_ARCHIVE,
    "kam.boss.unit.changed.v1": HandlerEntry(boss.Unit, on_unit),
    "kam.boss.manager.changed.v1": HandlerEntry(boss.Manager, on_manager),
}
