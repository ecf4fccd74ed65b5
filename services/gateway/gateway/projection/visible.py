"""Which rows somebody may see: the one place that lists, counts, search and single items ask.

A condition in SQL over ``r``, a row of the list: every list has ``city``, ``unit_id`` and ``manager_id`` of the
customer whom a row is about, and their ``customer_id``; alerts and work items a ``kind``; work items and SMS an
``alert_id``. Whoever gives conditions writes them in code; what comes from outside is a parameter.
"""

import sqlite3
from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import msgspec

from gateway.access.grants import Principal
from servicekit.personal import mask

List = Literal["alerts", "work", "sms", "customers"]


class Visible(NamedTuple):
    """Rows that meet the condition are seen; ``shown`` gives what is seen of a field (masked, unless entitled)."""

    condition: str = "1"
    parameters: tuple[Any, ...] = ()
    shown: Callable[[str, Any], Any] = mask


#: what of a list somebody may see
Sight = Callable[[Principal, List], Visible]


class About(msgspec.Struct):
    """Of a single item, what conditions ask for."""

    customer_id: str
    kind: str | None = None
    alert_id: str | None = None


def is_visible(connection: sqlite3.Connection, visible: Visible, item: About) -> bool:
    """Whether somebody sees this item, which may be younger than the read model: of that is only its customer."""
    seen = connection.execute(
        "SELECT 1 FROM (SELECT i.*, c.city, c.unit_id, c.manager_id"
        " FROM (SELECT ? AS customer_id, ? AS kind, ? AS alert_id) i"
        f" LEFT JOIN customers c ON c.customer_id = i.customer_id) r WHERE {visible.condition}",
        (item.customer_id, item.kind, item.alert_id, *visible.parameters),
    )
    return seen.fetchone() is not None


def everything(who: Principal, list_: List) -> Visible:
    """Every row, personal fields masked."""
    return Visible()
