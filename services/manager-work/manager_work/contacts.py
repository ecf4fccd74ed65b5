"""Contacts with a customer that belong to no work item. One state a customer; pure."""

from datetime import date
from typing import Any

import msgspec
from msgspec.structs import replace

from contracts.alert import Contact
from servicekit.decision import Context, Decision, DocumentWrite, KeyUsed, OutgoingEvent
from servicekit.ids import derive

#: of a customer: documents (the newest), and answers under an Idempotency-Key
KEPT, ANSWERS_KEPT = 1000, 20
LOGGED = "kam.contact.logged.v1"


class Log(msgspec.Struct, frozen=True):
    """Command: somebody was in touch with a customer. ``key`` is the caller's Idempotency-Key."""

    customer_id: str
    by: str
    kind: str
    result: str | None = None
    note: str | None = None
    follow_up_on: date | None = None
    key: str | None = None


class Answer(msgspec.Struct, frozen=True):
    """What was answered under an Idempotency-Key."""

    asked: Log
    contact: Contact


class Contacts(msgspec.Struct, frozen=True, tag="contacts"):
    """How many contacts there were, and the answers that may be asked for again."""

    number: int = 0
    answers: tuple[Answer, ...] = ()


def contacts_key(customer_id: str) -> str:
    """Where a customer's are kept; no work id and no manager's key begins so."""
    return f"C/{customer_id}"


def on_log(known: Contacts | None, asked: Log, context: Context) -> Decision:
    """Writes a contact down once; under the same Idempotency-Key it is answered again."""
    known = known or Contacts()
    for answer in known.answers if asked.key is not None else ():
        if answer.asked.key == asked.key:
            if answer.asked != asked:
                raise KeyUsed()
            return Decision(known, answer=answer.contact)
    number, id_ = known.number + 1, asked.customer_id
    contact = Contact(
        contact_id=_id(id_, number),
        customer_id=id_,
        kind=asked.kind,
        result=asked.result,
        note=asked.note,
        follow_up_on=asked.follow_up_on,
        at=context.now,
        by=asked.by,
    )
    answers = known.answers
    if asked.key is not None:
        answers = (*answers, Answer(asked, contact))[-ANSWERS_KEPT:]
    document: dict[str, Any] = msgspec.to_builtins(contact)
    writes = [DocumentWrite("contacts", contact.contact_id, document, new=True)]
    if number > KEPT:
        writes.append(DocumentWrite("contacts", _id(id_, number - KEPT), None))
    event = OutgoingEvent(LOGGED, contact, subject=id_, seed=contact.contact_id)
    return Decision(replace(known, number=number, answers=answers), (event,), writes=tuple(writes), answer=contact)


def _id(customer_id: str, number: int) -> str:
    return derive("contact", customer_id, number)
