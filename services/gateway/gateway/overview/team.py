"""Units, and the people of one: whom they look after, what they have in hand, how soon they answer, what they kept.

Every count is of customers and work items in the scope of whoever asks. ``load``: open work weighted by how severe its
alert is, against the mean of the unit's members.
"""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from statistics import median
from typing import Any, Literal

import msgspec

from gateway.access.scope import Scope
from gateway.projection.lists import UNATTENDED
from gateway.projection.names import sort_form
from gateway.projection.visible import Visible
from servicekit.clock import at_local, iso, local_date

_DAYS = 7
#: how much a critical, major, minor alert weighs in somebody's load
_WEIGHT = "CASE a.rank WHEN 0 THEN 3 WHEN 1 THEN 2 ELSE 1 END"
#: claimed by the manager or proven by BOSS
_KEPT = ("retained", "recovered", "withdrawn")
_OF_UNITS = "r.unit_id IN (SELECT value FROM json_each(?))"
Counts = dict[str, int]
Sort = Literal["overdue", "open", "load", "customers", "name"]


def tree(
    connection: sqlite3.Connection, scope: Scope, customers: Visible, work: Visible, now: datetime
) -> list[dict[str, Any]]:
    """Units that somebody sees something of, with those above them; each with the sums of all beneath it."""
    told = connection.execute("SELECT unit_id, parent_id, name, city FROM units")
    units = {row["unit_id"]: dict(row) for row in told}
    own = _own_counts(connection, customers, work, now)
    for unit_id in own:
        if unit_id is not None:
            units.setdefault(unit_id, {"unit_id": unit_id, "parent_id": None, "name": None, "city": None})
    sums: dict[str, Counts] = {unit_id: dict.fromkeys(_COUNTED, 0) for unit_id in units}
    seen = {unit_id for unit_id, unit in units.items() if _sees(scope, unit)} | {u for u in own if u is not None}
    for unit_id, counts in own.items():
        for above in _line(units, unit_id):
            for name, count in counts.items():
                sums[above][name] += count
    shown = {above for unit_id in seen for above in _line(units, unit_id)}
    return [
        {**units[unit_id], **sums[unit_id], "mine": unit_id in seen}
        for unit_id in sorted(shown, key=lambda id_: (units[id_]["city"] or "", id_))
    ]


_COUNTED = ("customers", "open", "overdue", "unclaimed", "unattended")


def _own_counts(
    connection: sqlite3.Connection, customers: Visible, work: Visible, now: datetime
) -> dict[str | None, Counts]:
    own: dict[str | None, Counts] = {}
    for unit_id, count in connection.execute(
        f"SELECT r.unit_id, count(*) FROM customers r WHERE +r.known = 1 AND ({customers.condition}) GROUP BY 1",
        customers.parameters,
    ):
        own.setdefault(unit_id, dict.fromkeys(_COUNTED, 0))["customers"] = count
    for unit_id, *counts in connection.execute(
        f"SELECT r.unit_id, count(*), sum(r.due_at < ?), sum(r.holder_id IS NULL), sum({UNATTENDED}) FROM work r"
        f" WHERE r.open = 1 AND ({work.condition}) GROUP BY 1",
        (iso(now), iso(now), *work.parameters),
    ):
        own.setdefault(unit_id, dict.fromkeys(_COUNTED, 0)).update(zip(_COUNTED[1:], counts, strict=True))
    return own


def _line(units: Mapping[str, Mapping[str, Any]], unit_id: str | None) -> Iterable[str]:
    """A unit and those above it; a ring ends where it began."""
    passed: list[str] = []
    while unit_id is not None and unit_id in units and unit_id not in passed:
        passed.append(unit_id)
        unit_id = units[unit_id]["parent_id"]
    return passed


def _sees(scope: Scope, unit: Mapping[str, Any]) -> bool:
    return any(
        reach.is_whole or unit["unit_id"] in reach.units or unit["city"] in reach.cities for reach in scope.reaches
    )


def members(
    connection: sqlite3.Connection, units: Sequence[str], customers: Visible, work: Visible, now: datetime
) -> list[dict[str, Any]]:
    """The managers of these units, and whoever else has work or customers of theirs that are seen."""
    # As one parameter, however many there are.
    among = msgspec.json.encode(units).decode()
    people = _people(connection, among)
    for manager_id, count in connection.execute(
        f"SELECT r.manager_id, count(*) FROM customers r WHERE +r.known = 1 AND {_OF_UNITS} AND ({customers.condition})"
        " GROUP BY 1",
        (among, *customers.parameters),
    ):
        _person(people, manager_id)["customers"] = count
    for holder, open_, overdue, weight in connection.execute(
        f"SELECT r.holder_id, count(*), sum(r.due_at < ?), sum({_WEIGHT}) FROM work r"
        f" LEFT JOIN alerts a ON a.alert_id = r.alert_id WHERE r.open = 1 AND {_OF_UNITS} AND ({work.condition})"
        " GROUP BY 1",
        (iso(now), among, *work.parameters),
    ):
        _person(people, holder).update(open=open_, overdue=overdue, weight=weight)
    _progress(connection, people, among, work, now)
    people.pop("", None)
    active = [person for person in people.values() if person["home"]] or list(people.values())
    mean = sum(person["weight"] for person in active) / len(active) if active else 0
    for person in people.values():
        weight = person.pop("weight")
        person["load"] = round(weight / mean, 3) if mean else None
        waits = person.pop("waits")
        person["responses"] = len(waits)
        person["response_seconds"] = round(median(waits), 1) if waits else None
    return list(people.values())


def in_order(people: Iterable[dict[str, Any]], sort: Sort) -> list[dict[str, Any]]:
    """Members by what they have most of, or by name as it is said; who is equal by overdue items, open ones and id."""
    even = sorted(people, key=lambda person: (-person["overdue"], -person["open"], person["manager_id"]))
    if sort == "name":
        return sorted(even, key=lambda person: sort_form(person["name"] or person["manager_id"]))
    return sorted(even, key=lambda person: -(person[sort] or 0))


def _people(connection: sqlite3.Connection, among: str) -> dict[str, dict[str, Any]]:
    found = connection.execute(
        f"SELECT r.manager_id, r.name, r.unit_id, r.status, r.extension FROM managers r WHERE {_OF_UNITS}", (among,)
    )
    people: dict[str, dict[str, Any]] = {}
    for row in found:
        _person(people, row["manager_id"]).update(dict(row), home=True)
    return people


def _person(people: dict[str, dict[str, Any]], manager_id: str | None) -> dict[str, Any]:
    blank: dict[str, Any] = {
        "manager_id": manager_id or "", "name": None, "unit_id": None, "status": None, "extension": None, "home": False,
        "customers": 0, "open": 0, "overdue": 0, "weight": 0, "kept": 0, "retained_of": 0, "waits": [],
        "week": [0] * _DAYS,
    }  # fmt: skip
    return people.setdefault(manager_id or "", blank)


def opens(unit: str, now: datetime) -> dict[str, dict[str, Any]]:
    """Where the rows are of what members of this unit closed and took on (``contracts.overview.TeamRows``)."""
    week, month = _since(now)
    closed = {"unit": unit, "open": "0"}
    retained = {**closed, "type": "retention", "changed_since": iso(month)}
    return {
        "kept": {"list": "work", "filter": {**retained, "outcome": ",".join(_KEPT)}},
        "retained_of": {"list": "work", "filter": retained},
        "responses": {"list": "work", "filter": {"unit": unit, "first_since": iso(month)}},
        "week": {"list": "work", "filter": {**closed, "changed_since": iso(week)}},
    }


def _since(now: datetime) -> tuple[datetime, datetime]:
    """The beginnings of the last seven days and of this month."""
    today = local_date(now)
    return at_local(today - timedelta(days=_DAYS - 1)), at_local(today.replace(day=1))


def _progress(
    connection: sqlite3.Connection,
    people: dict[str, dict[str, Any]],
    among: str,
    work: Visible,
    now: datetime,
) -> None:
    """What was closed this month and in the last seven days, and how long first answers took."""
    week, month = _since(now)
    since = min(week, month)
    for holder, kind, outcome, at, first_at, opened_at in connection.execute(
        "SELECT r.holder_id, r.kind, r.outcome, r.at, r.first_at, r.opened_at FROM work r"
        f" WHERE r.open = 0 AND r.at >= ? AND {_OF_UNITS} AND ({work.condition})",
        (iso(since), among, *work.parameters),
    ):
        person, closed = _person(people, holder), datetime.fromisoformat(at)
        day = (local_date(closed) - local_date(week)).days
        if 0 <= day < _DAYS:
            person["week"][day] += 1
        if kind == "retention" and closed >= month:
            person["retained_of"] += 1
            person["kept"] += outcome in _KEPT
        # An item's last change is no earlier than its first step: none of this month's closed before ``since``.
        _wait(person, first_at, opened_at, month)
    for holder, first_at, opened_at in connection.execute(
        f"SELECT r.holder_id, r.first_at, r.opened_at FROM work r WHERE r.open = 1"
        f" AND r.first_at IS NOT NULL AND {_OF_UNITS} AND ({work.condition})",
        (among, *work.parameters),
    ):
        _wait(_person(people, holder), first_at, opened_at, month)


def _wait(person: dict[str, Any], first_at: str | None, opened_at: str, month: datetime) -> None:
    if first_at is not None and (first := datetime.fromisoformat(first_at)) >= month:
        person["waits"].append(max(0.0, (first - datetime.fromisoformat(opened_at)).total_seconds()))
