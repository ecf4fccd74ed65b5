"""Units, and the people of one: whom they look after, what they have in hand, how soon they answer, what they kept.

Every count is of customers and work items in the scope of whoever asks. ``load``: open work weighted by how severe its
alert is, against the mean of the unit's members.
"""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from statistics import median
from typing import Any

from gateway.access.scope import Scope
from gateway.projection.visible import Visible
from servicekit.clock import at_local, iso, local_date

_MOST_UNITS = 5000
_DAYS = 7
#: how much a critical, major, minor alert weighs in somebody's load
_WEIGHT = "CASE a.rank WHEN 0 THEN 3 WHEN 1 THEN 2 ELSE 1 END"
#: claimed by the manager or proven by BOSS
_KEPT = ("retained", "recovered", "withdrawn")
Counts = dict[str, int]


def tree(
    connection: sqlite3.Connection, scope: Scope, customers: Visible, work: Visible, now: datetime
) -> list[dict[str, Any]]:
    """Units that somebody sees something of, with those above them; each with the sums of all beneath it."""
    units = {row["unit_id"]: dict(row) for row in connection.execute(
        f"SELECT unit_id, parent_id, name, city FROM units LIMIT {_MOST_UNITS}"
    )}  # fmt: skip
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


_COUNTED = ("customers", "open", "overdue", "unclaimed")


def _own_counts(
    connection: sqlite3.Connection, customers: Visible, work: Visible, now: datetime
) -> dict[str | None, Counts]:
    own: dict[str | None, Counts] = {}
    for unit_id, count in connection.execute(
        f"SELECT r.unit_id, count(*) FROM customers r WHERE +r.known = 1 AND ({customers.condition}) GROUP BY 1",
        customers.parameters,
    ):
        own.setdefault(unit_id, dict.fromkeys(_COUNTED, 0))["customers"] = count
    for unit_id, open_, overdue, unclaimed in connection.execute(
        "SELECT r.unit_id, count(*), sum(r.due_at < ?), sum(r.holder_id IS NULL) FROM work r"
        f" WHERE r.open = 1 AND ({work.condition}) GROUP BY 1",
        (iso(now), *work.parameters),
    ):
        own.setdefault(unit_id, dict.fromkeys(_COUNTED, 0)).update(open=open_, overdue=overdue, unclaimed=unclaimed)
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
    people = _people(connection, units)
    of_unit = f"r.unit_id IN ({', '.join('?' * len(units))})"
    for manager_id, count in connection.execute(
        f"SELECT r.manager_id, count(*) FROM customers r WHERE +r.known = 1 AND {of_unit} AND ({customers.condition})"
        " GROUP BY 1",
        (*units, *customers.parameters),
    ):
        _person(people, manager_id)["customers"] = count
    for holder, open_, overdue, weight in connection.execute(
        f"SELECT r.holder_id, count(*), sum(r.due_at < ?), sum({_WEIGHT}) FROM work r"
        f" LEFT JOIN alerts a ON a.alert_id = r.alert_id WHERE r.open = 1 AND {of_unit} AND ({work.condition})"
        " GROUP BY 1",
        (iso(now), *units, *work.parameters),
    ):
        _person(people, holder).update(open=open_, overdue=overdue, weight=weight)
    _progress(connection, people, of_unit, units, work, now)
    people.pop("", None)
    active = [person for person in people.values() if person["home"]] or list(people.values())
    mean = sum(person["weight"] for person in active) / len(active) if active else 0
    for person in people.values():
        weight = person.pop("weight")
        person["load"] = round(weight / mean, 3) if mean else None
        waits = person.pop("waits")
        person["response_seconds"] = round(median(waits), 1) if waits else None
    return sorted(people.values(), key=lambda person: (-person["overdue"], -person["open"], person["manager_id"]))


def _people(connection: sqlite3.Connection, units: Sequence[str]) -> dict[str, dict[str, Any]]:
    found = connection.execute(
        "SELECT m.manager_id, m.name, m.unit_id, m.status, m.extension FROM managers m"
        f" WHERE m.unit_id IN ({', '.join('?' * len(units))})",
        tuple(units),
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


def _progress(
    connection: sqlite3.Connection,
    people: dict[str, dict[str, Any]],
    of_unit: str,
    units: Sequence[str],
    work: Visible,
    now: datetime,
) -> None:
    """What was closed this month and in the last seven days, and how long first answers took."""
    today = local_date(now)
    week, month = at_local(today - timedelta(days=_DAYS - 1)), at_local(today.replace(day=1))
    since = min(week, month)
    for holder, kind, outcome, at, first_at, opened_at in connection.execute(
        "SELECT r.holder_id, r.kind, r.outcome, r.at, r.first_at, r.opened_at FROM work r"
        f" WHERE r.open = 0 AND r.at >= ? AND {of_unit} AND ({work.condition})",
        (iso(since), *units, *work.parameters),
    ):
        person, closed = _person(people, holder), datetime.fromisoformat(at)
        day = (local_date(closed) - local_date(week)).days
        if 0 <= day < _DAYS:
            person["week"][day] += 1
        if kind == "retention" and closed >= month:
            person["retained_of"] += 1
            person["kept"] += outcome in _KEPT
        _wait(person, first_at, opened_at, month)
    for holder, first_at, opened_at in connection.execute(
        f"SELECT r.holder_id, r.first_at, r.opened_at FROM work r WHERE r.open = 1 AND {of_unit} AND ({work.condition})"
        " AND r.first_at IS NOT NULL",
        (*units, *work.parameters),
    ):
        _wait(_person(people, holder), first_at, opened_at, month)


def _wait(person: dict[str, Any], first_at: str | None, opened_at: str, month: datetime) -> None:
    if first_at is not None and (first := datetime.fromisoformat(first_at)) >= month:
        person["waits"].append(max(0.0, (first - datetime.fromisoformat(opened_at)).total_seconds()))
