"""Which rows somebody may see, as lists, counts, search and single items ask it; who sees what, ``access.scope`` says.

A condition in SQL over ``r``, a row of the list: every list has ``city``, ``unit_id`` and ``manager_id`` of the
customer whom a row is about, and their ``customer_id``; alerts and work items a ``kind``; work items and SMS an
``alert_id``. Whoever gives conditions writes them in code; what comes from outside is a parameter.
"""

import sqlite3
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Literal, NamedTuple

import msgspec

from servicekit.personal import FieldClass

List = Literal["alerts", "work", "sms", "customers"]


class Subject(NamedTuple):
    """What visibility is decided by: a customer with their place, and the kind of the alert that it is about."""

    customer_id: str
    city: str | None = None
    unit_id: str | None = None
    manager_id: str | None = None
    kind: str | None = None


def _nothing(_: Subject) -> Collection[FieldClass]:
    return ()


class Visible(NamedTuple):
    """Rows that meet the condition are seen; ``clear`` tells which personal fields of one are, unmasked."""

    condition: str = "1"
    parameters: tuple[Any, ...] = ()
    clear: Callable[[Subject], Collection[FieldClass]] = _nothing


class About(msgspec.Struct, frozen=True):
    """Of a single item, as a service gives it, what visibility is decided by. An alert's own id is its ``alert_id``."""

    customer_id: str
    kind: str | None = None
    alert_id: str | None = None


def subject_of(row: Mapping[str, Any], kind: str | None = None) -> Subject:
    """What visibility of a row of a list is decided by."""
    return Subject(row["customer_id"], row["city"], row["unit_id"], row["manager_id"], kind)


def subjects(connection: sqlite3.Connection, list_: List, items: Sequence[About]) -> list[Subject]:
    """What visibility of these is decided by, in their order. Items may be younger than the read model: then nothing is
    known but their customer, and of a customer nothing but the id."""
    places = _by(
        connection,
        "SELECT customer_id, city, unit_id, manager_id FROM customers WHERE customer_id",
        {item.customer_id for item in items},
    )
    kinds: Mapping[str | None, dict[str, Any]] = {}
    if list_ in ("work", "sms"):
        kinds = _by(connection, "SELECT alert_id, kind FROM alerts WHERE alert_id", {item.alert_id for item in items})
    found = []
    for item in items:
        kind = item.kind if list_ == "alerts" else None
        if item.alert_id in kinds:
            kind = kinds[item.alert_id]["kind"]
        place = places.get(item.customer_id)
        found.append(Subject(item.customer_id, kind=kind) if place is None else subject_of(place, kind))
    return found


def about(connection: sqlite3.Connection, id: str) -> About | None:
    """What visibility of a work item is decided by, if the read model knows it."""
    row = connection.execute("SELECT customer_id, alert_id FROM work WHERE work_id = ?", (id,)).fetchone()
    return None if row is None else About(row["customer_id"], alert_id=row["alert_id"])


def _by(connection: sqlite3.Connection, select: str, ids: set[str | None]) -> dict[str | None, dict[str, Any]]:
    rows = connection.execute(f"{select} IN (SELECT value FROM json_each(?))", (_array(ids),))
    return {row[0]: dict(row) for row in rows}


def _array(values: Collection[str | None]) -> str:
    return msgspec.json.encode([value for value in values if value is not None]).decode()
