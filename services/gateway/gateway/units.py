"""The tree of units as somebody sees it, with figures, and the managers of a unit with what they have in hand.

A unit is seen by those whose scope reaches its customers: all of them, its city, or itself. Managers see their own unit
with themselves in it. What is above a unit that is seen, and not seen itself, is left out with its id.
"""

import sqlite3
from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from fastapi.responses import Response

from contracts.lists import MemberRow, UnitRow
from gateway.access.scope import Scope
from gateway.access.viewer import Access, Viewer, not_found
from gateway.projection.follow import Projection
from gateway.projection.visible import List
from servicekit.answer import json_answer
from servicekit.clock import iso
from servicekit.query import Id
from servicekit.routes import Router

#: name of a figure -> of which list, and what of it is counted
_FIGURES: Mapping[str, tuple[List, str]] = {
    "customers": ("customers", "r.known = 1"),
    "open_alerts": ("alerts", "r.open = 1"),
    "open_work": ("work", "r.open = 1"),
    "overdue": ("work", "r.open = 1 AND r.due_at < :now"),
}


def unit_routes(projection: Projection, access: Access) -> APIRouter:
    """Units and their managers."""
    router = Router(prefix="/v1", tags=["lists"])
    May = Annotated[Viewer, Depends(access.may("customers"))]

    @router.get("/units", name="list_units", response_model=list[UnitRow])
    async def list_units(viewer: May) -> Response:
        """Every unit in scope with its own figures, without those of units beneath it. ``parent_id`` null: the top of
        what is seen."""
        now = iso(projection.clock)
        return json_answer(await projection.store.read(lambda connection: units(connection, viewer.scope, now)))

    @router.get("/units/{id}/managers", name="list_members", response_model=list[MemberRow])
    async def list_members(viewer: May, id: Id) -> Response:
        """The managers of a unit, with what is theirs of what is in scope."""
        now = iso(projection.clock)
        found = await projection.store.read(lambda connection: members(connection, viewer.scope, id, now))
        if found is None:
            raise not_found()
        return json_answer(found)

    return router


def units(connection: sqlite3.Connection, scope: Scope, now: str) -> list[dict[str, Any]]:
    """Units in scope, by id."""
    rows = connection.execute(
        "SELECT u.unit_id, u.parent_id, u.name, u.city, u.head_id, h.name AS head_name,"
        " (SELECT count(*) FROM managers m WHERE m.unit_id = u.unit_id) AS managers"
        " FROM units u LEFT JOIN managers h ON h.manager_id = u.head_id ORDER BY u.unit_id"
    )
    seen = [dict(row) for row in rows if _sees_unit(connection, scope, row["unit_id"], row["city"])]
    known = {unit["unit_id"] for unit in seen}
    counted = _counts(connection, scope, "unit_id", now)
    return [
        {**unit, "parent_id": unit["parent_id"] if unit["parent_id"] in known else None, **counted(unit["unit_id"])}
        for unit in seen
    ]


def members(connection: sqlite3.Connection, scope: Scope, unit_id: str, now: str) -> list[dict[str, Any]] | None:
    """Managers of a unit, of whom only themselves see one who is not of a unit in scope; None: it is not seen."""
    unit = connection.execute("SELECT city FROM units WHERE unit_id = ?", (unit_id,)).fetchone()
    if unit is None or not _sees_unit(connection, scope, unit_id, unit["city"]):
        return None
    sees_all = any(r.is_whole or unit_id in r.units or unit["city"] in r.cities for r in scope.reaches)
    rows = connection.execute(
        "SELECT manager_id, name, unit_id, extension, status FROM managers WHERE unit_id = ? ORDER BY manager_id",
        (unit_id,),
    )
    counted = _counts(connection, scope, "manager_id", now)
    return [
        {**row, **counted(row["manager_id"])}
        for row in map(dict, rows)
        if sees_all or any(row["manager_id"] in reach.managers for reach in scope.reaches)
    ]


def _sees_unit(connection: sqlite3.Connection, scope: Scope, unit_id: str, city: str | None) -> bool:
    return any(
        reach.is_whole
        or unit_id in reach.units
        or city in reach.cities
        or any(unit_id == _unit_of(connection, manager) for manager in reach.managers)
        for reach in scope.reaches
    )


def _unit_of(connection: sqlite3.Connection, manager_id: str) -> str | None:
    row = connection.execute("SELECT unit_id FROM managers WHERE manager_id = ?", (manager_id,)).fetchone()
    return None if row is None else row["unit_id"]


def _counts(connection: sqlite3.Connection, scope: Scope, by: str, now: str) -> Any:
    """Figures of what is in scope, by unit or manager of the customer."""
    found: dict[str, dict[str, int]] = {}
    for name, (list_, what) in _FIGURES.items():
        visible = scope.visible(list_)
        counted = connection.execute(
            f"SELECT r.{by}, count(*) FROM {list_} r WHERE {what.replace(':now', '?')} AND ({visible.condition})"
            " GROUP BY 1",
            (*([now] if ":now" in what else []), *visible.parameters),
        )
        for key, count in counted:
            found.setdefault(key, {})[name] = count
    return lambda key: {name: found.get(key, {}).get(name, 0) for name in _FIGURES}
