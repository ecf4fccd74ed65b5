"""Search: customers by number, name, pinyin or phone, and whatever has an id that begins so. One query a way of
finding, each with a bound: what a single letter would find is cut, not sorted.
"""

import sqlite3
from collections.abc import Iterator
from typing import Any

from gateway.projection.names import asked_words
from gateway.projection.specs import LISTS
from gateway.projection.visible import List, Visible, subject_of
from servicekit.personal import shown

#: rows that one way of finding looks at, at most; the shortest beginning of an id that is looked for; ids of a kind
_LOOKED_AT, _SHORTEST_ID, _MOST_ITEMS = 300, 6, 5
_TAIL = 4
_CUSTOMERS = "customers r"
#: behind every text that begins with it
_END = "\U0010ffff"
_HIT = ("id", "kind", "state", "customer_id")
_ITEMS: tuple[List, ...] = ("alerts", "work", "sms")


def find_customers(
    connection: sqlite3.Connection, visible: Visible, text: str, phone_key: bytes | None, limit: int
) -> list[sqlite3.Row]:
    """Customers, best first: who has this number or phone, then whose phone ends or number begins so, then names."""
    spec, text = LISTS["customers"], text.strip()
    found: dict[int, int] = {}
    if not text:
        return []
    for rank, (source, condition, parameters) in enumerate(_ways(text, phone_key)):
        numbers = connection.execute(
            f"SELECT r.number FROM {source} WHERE +r.known = 1 AND {condition} AND ({visible.condition})"
            f" LIMIT {_LOOKED_AT}",
            (*parameters, *visible.parameters),
        )
        for (number,) in numbers:
            found.setdefault(number, rank)
    if not found:
        return []
    known = connection.execute(
        f"SELECT {spec.columns}, r.number, r.name_sort FROM customers r {spec.decorations}"
        " WHERE r.number IN (SELECT value FROM json_each(?))",
        (str(list(found)),),
    ).fetchall()
    known.sort(key=lambda r: (found[r["number"]], r["customer_name"] != text, r["name_sort"], r["customer_id"]))
    return known[:limit]


def find_items(connection: sqlite3.Connection, sights: dict[List, Visible], text: str) -> list[dict[str, Any]]:
    """Alerts, work items and SMS whose id is this, or begins so."""
    id_ = text.strip()
    return [] if len(id_) < _SHORTEST_ID else [hit for list_ in _ITEMS for hit in _hits(connection, sights, list_, id_)]


def _hits(
    connection: sqlite3.Connection, sights: dict[List, Visible], list_: List, id_: str
) -> Iterator[dict[str, Any]]:
    spec, visible = LISTS[list_], sights[list_]
    kind = "r.template" if list_ == "sms" else "r.kind"
    rows = connection.execute(
        f"SELECT r.{spec.id} AS id, {kind} AS kind, r.state, r.customer_id, c.name AS customer_name,"
        " r.city, r.unit_id, r.manager_id"
        f" FROM {spec.table} r JOIN customers c ON c.customer_id = r.customer_id"
        f" WHERE r.{spec.id} >= ? AND r.{spec.id} < ? AND ({visible.condition})"
        f" ORDER BY r.{spec.id} LIMIT {_MOST_ITEMS}",
        (id_, id_ + _END, *visible.parameters),
    )
    for row in rows:
        hit = {name: row[name] for name in _HIT}
        yield {
            "list": list_,
            **hit,
            "customer_name": shown("customer_name", row["customer_name"], visible.clear(subject_of(row))),
        }


def _ways(text: str, phone_key: bytes | None) -> Iterator[tuple[str, str, tuple[Any, ...]]]:
    """Where to look and for what, the surest first."""
    yield _CUSTOMERS, "r.customer_id = ?", (text,)
    digits = "".join(c for c in text if c in "0123456789")
    if phone_key is not None:
        yield _CUSTOMERS, "r.phone_key = ?", (phone_key,)
    if len(digits) == len(text) == _TAIL:
        yield _CUSTOMERS, "r.phone_tail = ?", (digits,)
    if " " not in text:
        yield _CUSTOMERS, "r.customer_id >= ? AND r.customer_id < ?", (text, text + _END)
    if words := asked_words(text):
        match = " AND ".join(f'"{word}"*' for word in words)
        yield f"names JOIN {_CUSTOMERS} ON r.number = names.rowid", "names MATCH ?", (match,)
