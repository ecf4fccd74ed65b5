"""Lists as SQL: narrowed, sorted, counted, page by page. Pure but for the query itself.

A page begins behind the last row of the one before, by the values it was sorted by and its id: rows that come or go in
between neither repeat nor hide others.
"""

import sqlite3
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec

from gateway.projection.schema import NEVER
from gateway.projection.specs import LISTS, ListSpec
from gateway.projection.visible import List, Visible
from servicekit.clock import at_local, iso, later_day, local_date
from servicekit.decision import Refused
from servicekit.query import read_cursor, since_instant, write_cursor

MOST_VALUES = 100
_OPEN: tuple[List, ...] = ("alerts", "work")
#: in place of a value: rows that have none
NONE = "none"
DUE = ("overdue", "today", "tomorrow", "week", "later", NONE)
#: days since the oldest bill was due
AGES = ("0-30", "31-60", "61-90", "91-", NONE)
_AGE_DAYS = (30, 60, 90)
_OLDEST = "json_extract(CAST(r.shown AS TEXT), '$.values.oldest_due_on')"
#: open work that is overdue, or that nobody has taken; its parameter: now
UNATTENDED = "(r.open = 1 AND (r.due_at < ? OR r.holder_id IS NULL))"
# A unit with all below it. UNION, not UNION ALL: a tree that BOSS has tied into a ring ends too.
_UNITS = (
    "r.unit_id IN (WITH RECURSIVE below (unit_id) AS (SELECT value FROM json_each(?)"
    " UNION SELECT u.unit_id FROM units u JOIN below b ON u.parent_id = b.unit_id) SELECT unit_id FROM below)"
)


@dataclass(frozen=True)
class Where:
    """Rows of a list that somebody may see and asks for."""

    spec: ListSpec
    condition: str
    parameters: tuple[Any, ...]


def where(list_: List, visible: Visible, asked: Mapping[str, str | None], now: datetime) -> Where:
    """The condition of a list for filters in wire values, comma lists. ``now``: business time. Raises ``Refused``."""
    spec = LISTS[list_]
    conditions = [spec.always, f"({visible.condition})"]
    parameters: list[Any] = list(visible.parameters)
    for name, text in asked.items():
        if text is None:
            continue
        if name in spec.filters:
            values = values_of(name, text)
            conditions.append(_among(spec.filters[name], values))
            parameters += [value for value in values if value != NONE]
            if name == "state" and spec.open_states.issuperset(values):
                conditions.append("r.open = 1")
        elif name == "unit":
            values = values_of(name, text)
            conditions.append(f"({_UNITS} OR r.unit_id IS NULL)" if NONE in values else _UNITS)
            parameters.append(msgspec.json.encode([value for value in values if value != NONE]).decode())
        elif name == "due" and spec.open_states:
            condition, times = _due(values_of(name, text), now)
            conditions.append(condition)
            parameters += times
        elif name == "age" and list_ == "alerts":
            condition, days = _age(values_of(name, text), now)
            conditions.append(condition)
            parameters += days
        elif name in ("ended_since", "ended_until") and list_ == "alerts":
            conditions.append(f"r.open = 0 AND r.at {'>=' if name == 'ended_since' else '<'} ?")
            parameters.append(since_instant(text))
        elif name in ("since", "until") and spec.time:
            conditions.append(f"{spec.time} {'>=' if name == 'since' else '<'} ?")
            parameters.append(since_instant(text))
        elif name == "changed_since" and spec.open_states:
            conditions.append("r.at >= ?")
            parameters.append(since_instant(text))
        elif name == "first_since" and list_ == "work":
            conditions.append("r.first_at >= ?")
            parameters.append(since_instant(text))
        elif name == "unattended" and list_ == "work":
            conditions.append(UNATTENDED if text == "1" else f"NOT {UNATTENDED}")
            parameters.append(iso(now))
        elif name in ("open", "escalated", "suppressed"):
            conditions.append(f"(r.{name} > 0) = ?")
            parameters.append(text == "1")
        else:
            raise _bad(name, "没有此筛选条件", "there is no such filter")
    return Where(spec, " AND ".join(conditions), tuple(parameters))


def page(
    connection: sqlite3.Connection, found: Where, sort: str | None, cursor: str | None, limit: int
) -> tuple[list[sqlite3.Row], int, str | None]:
    """Rows of a page, how many there are in all, and the cursor of the next. Raises ``Refused`` 422."""
    page_rows, following = rows(connection, found, sort, cursor, limit)
    return page_rows, count(connection, found), following


def rows(
    connection: sqlite3.Connection, found: Where, sort: str | None, cursor: str | None, limit: int
) -> tuple[list[sqlite3.Row], str | None]:
    """Rows of a page and the cursor of the next. Raises ``Refused`` 422."""
    spec = found.spec
    sort = sort or spec.default_sort
    if sort.lstrip("-") not in spec.sorts or sort.startswith("--"):
        raise _bad("sort", f"排序只能是 {', '.join(spec.sorts)}", f"sort is one of {', '.join(spec.sorts)}")
    columns = (*spec.sorts[sort.lstrip("-")], f"r.{spec.id}")
    direction, than = ("DESC", "<") if sort.startswith("-") else ("ASC", ">")
    condition, parameters = found.condition, found.parameters
    if cursor is not None:
        last = _read_cursor(cursor, sort, len(columns))
        condition += f" AND ({', '.join(columns)}) {than} ({', '.join('?' * len(columns))})"
        parameters = (*parameters, *last)
    order = ", ".join(f"{column} {direction}" for column in columns)
    # The rows first, by their index; what is shown beside them is looked up for these only.
    keys = ", ".join(f"{column} AS k{n}" for n, column in enumerate(columns))
    chosen = f"SELECT r.rowid AS place, {keys} FROM {spec.table} r WHERE {condition} ORDER BY {order} LIMIT {limit + 1}"
    page_rows = connection.execute(
        f"SELECT p.*, {spec.columns} FROM ({chosen}) p JOIN {spec.table} r ON r.rowid = p.place"
        f" {spec.decorations} ORDER BY {', '.join(f'k{n} {direction}' for n in range(len(columns)))}",
        parameters,
    ).fetchall()
    following = None
    if len(page_rows) > limit:
        page_rows = page_rows[:limit]
        following = write_cursor([sort, *(page_rows[-1][f"k{n}"] for n in range(len(columns)))])
    return page_rows, following


def count(connection: sqlite3.Connection, found: Where) -> int:
    """How many rows there are."""
    (total,) = connection.execute(
        f"SELECT count(*) FROM {found.spec.table} r WHERE {found.condition}", found.parameters
    ).fetchone()
    return int(total)


def count_among(connection: sqlite3.Connection, spec: ListSpec, visible: Visible, ids: Iterable[str]) -> int:
    """How many of these rows are there and seen."""
    (total,) = connection.execute(
        f"SELECT count(*) FROM {spec.table} r WHERE r.{spec.id} IN (SELECT value FROM json_each(?))"
        f" AND ({visible.condition})",
        (msgspec.json.encode(list(ids)).decode(), *visible.parameters),
    ).fetchone()
    return int(total)


def count_open(
    connection: sqlite3.Connection, customers: Iterable[dict[str, Any]], sight: Callable[[List], Visible]
) -> None:
    """Add to rows of customers how many open alerts and work items of theirs are seen."""
    rows = {row["customer_id"]: row for row in customers}
    ids = msgspec.json.encode(list(rows)).decode()
    for list_ in _OPEN:
        visible = sight(list_)
        counted = connection.execute(
            f"SELECT r.customer_id, count(*) FROM {list_} r WHERE r.customer_id IN (SELECT value FROM json_each(?))"
            f" AND r.open = 1 AND ({visible.condition}) GROUP BY r.customer_id",
            (ids, *visible.parameters),
        )
        counts = dict(counted.fetchall())
        for id_, row in rows.items():
            row[f"open_{list_}"] = counts.get(id_, 0)


#: what else is counted of what is open, by table
_FLAGS: Mapping[str, Mapping[str, str]] = {
    "alerts": {"escalated": "r.escalated", "suppressed": "r.suppressed"},
    "work": {"unclaimed": "r.holder_id IS NULL"},
}


def facets(connection: sqlite3.Connection, found: Where, now: datetime) -> dict[str, Any]:
    """How many rows match, by each facet's value; of what has a due time also how many are open, overdue and so on."""
    spec = found.spec
    columns = [*spec.facets.values()]
    if spec.open_states:
        flags = _FLAGS[spec.table]
        columns += ["r.open", _due_column(), *flags.values()]
    numbers = ", ".join(str(n + 1) for n in range(len(columns)))
    bounds = _bounds(now)[:2] if spec.open_states else ()
    counted = connection.execute(
        f"SELECT {', '.join(columns)}, count(*) FROM {spec.table} r WHERE {found.condition} GROUP BY {numbers}",
        (*bounds, *found.parameters),
    ).fetchall()
    answer: dict[str, Any] = {
        "total": sum(row[-1] for row in counted),
        "by": {name: _sums(counted, n) for n, name in enumerate(spec.facets)},
    }
    if spec.open_states:
        at = len(spec.facets)
        state = list(spec.facets).index("state")
        open_ = [row for row in counted if row[at]]
        answer |= {
            "open": sum(row[-1] for row in open_),
            "unacknowledged": sum(row[-1] for row in open_ if row[state] in ("raised", "new")),
            "overdue": sum(row[-1] for row in open_ if row[at + 1] == "overdue"),
            "due_today": sum(row[-1] for row in open_ if row[at + 1] == "today"),
            **{name: sum(row[-1] for row in open_ if row[n]) for n, name in enumerate(flags, at + 2)},
        }
    return answer


def _sums(counted: list[sqlite3.Row], column: int) -> dict[str, int]:
    sums: dict[str, int] = {}
    for row in counted:
        value = NONE if row[column] is None else str(row[column])
        sums[value] = sums.get(value, 0) + row[-1]
    return sums


# --- filters --------------------------------------------------------------------------------------------------------


def values_of(name: str, text: str) -> list[str]:
    """What stands between commas, each once. Raises ``Refused`` (422) for nothing and for more than ``MOST_VALUES``."""
    values = list(dict.fromkeys(value for value in text.split(",") if value))
    if not 0 < len(values) <= MOST_VALUES:
        raise _bad(name, f"应为 1 至 {MOST_VALUES} 个以逗号分隔的值", f"must be 1 to {MOST_VALUES} values, with commas")
    return values


def _among(column: str, values: list[str]) -> str:
    known = [value for value in values if value != NONE]
    among = f"{column} IN ({', '.join('?' * len(known))})" if known else "0"
    return f"({among} OR {column} IS NULL)" if NONE in values else among


def _bounds(now: datetime) -> tuple[str, str, str, str]:
    """Now, and the ends of today, tomorrow and the week (Monday to Sunday) in Asia/Shanghai."""
    today = local_date(now)
    tomorrow = later_day(today, 1)
    ends = (tomorrow, later_day(today, 2), later_day(today, 7 - today.weekday()))
    return iso(now), *(iso(at_local(day)) for day in ends)  # type: ignore[return-value]


def _due(values: list[str], now: datetime) -> tuple[str, list[str]]:
    """Due times in groups that do not overlap: what is left of the week begins behind tomorrow."""
    if unknown := [value for value in values if value not in DUE]:
        raise _bad("due", f"只能是 {', '.join(DUE)}", f"{unknown[0][:20]!r} is none of {', '.join(DUE)}")
    at, today, tomorrow, week = _bounds(now)
    week = max(week, tomorrow)
    spans = {
        "overdue": ("", at),
        "today": (at, today),
        "tomorrow": (today, tomorrow),
        "week": (tomorrow, week),
        "later": (week, NEVER),
        NONE: (NEVER, "~"),
    }
    condition = " OR ".join("(r.due_at >= ? AND r.due_at < ?)" for _ in values)
    return f"({condition})", [bound for value in values for bound in spans[value]]


def _due_column() -> str:
    return "CASE WHEN r.due_at < ? THEN 'overdue' WHEN r.due_at < ? THEN 'today' ELSE 'later' END"


def age_column(now: datetime) -> tuple[str, tuple[str, ...]]:
    """How old the oldest bill of a debt is, in days since it was due (``AGES``), as a column; and its parameters."""
    days = [local_date(now) - timedelta(days=days) for days in _AGE_DAYS]
    cases = " ".join(f"WHEN {_OLDEST} >= ? THEN '{age}'" for age in AGES[: len(days)])
    column = f"CASE WHEN {_OLDEST} IS NULL THEN '{NONE}' {cases} ELSE '{AGES[len(days)]}' END"
    return column, tuple(day.isoformat() for day in days)


def _age(values: list[str], now: datetime) -> tuple[str, list[str]]:
    if unknown := [value for value in values if value not in AGES]:
        raise _bad("age", f"只能是 {', '.join(AGES)}", f"{unknown[0][:20]!r} is none of {', '.join(AGES)}")
    column, days = age_column(now)
    return f"{column} IN ({', '.join('?' * len(values))})", [*days, *values]


def _bad(field: str, zh: str, en: str) -> Refused:
    return Refused("bad_filter", f"{field}：{zh}", f"{field}: {en}", 422)


# --- cursors --------------------------------------------------------------------------------------------------------


_decode_cursor: Callable[[bytes], list[str | int]] = msgspec.json.Decoder(list[str | int]).decode


def _read_cursor(cursor: str, sort: str, values: int) -> list[str | int]:
    try:
        told, *last = read_cursor(cursor, _decode_cursor)
        if told != sort or len(last) != values or any(type(v) is int and abs(v) >= 1 << 63 for v in last):
            raise ValueError("of another list")
    except (ValueError, msgspec.MsgspecError) as error:
        raise Refused(
            "bad_cursor",
            "翻页位置无效，或与排序不符：请从第一页开始",
            "the cursor is none of this order: begin with the first page",
            422,
        ) from error
    return last
