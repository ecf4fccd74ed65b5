"""Whom somebody may hand work over to: managers of the units that their scope reaches, and those of their own unit."""

import sqlite3
from typing import Any

import msgspec

from gateway.access.scope import Reach
from gateway.access.viewer import Viewer

MOST = 500
_OF_UNITS = "FROM managers m LEFT JOIN units u ON u.unit_id = m.unit_id"


def colleagues(connection: sqlite3.Connection, viewer: Viewer) -> list[dict[str, Any]]:
    """Managers with how much they have in hand of what is in scope, least first within a unit."""
    condition, parameters = _condition(viewer)
    visible = viewer.scope.visible("work")
    found = connection.execute(
        "SELECT m.manager_id, m.name, m.unit_id, u.name AS unit_name, m.status, (SELECT count(*) FROM work r"
        f" WHERE r.holder_id = m.manager_id AND r.open = 1 AND ({visible.condition})) AS open_work"
        f" {_OF_UNITS} WHERE {condition} ORDER BY m.unit_id, open_work, m.manager_id LIMIT {MOST}",
        (*visible.parameters, *parameters),
    )
    return [dict(row) for row in found]


def is_colleague(connection: sqlite3.Connection, viewer: Viewer, manager_id: str) -> bool:
    """Whether this manager is one of them."""
    condition, parameters = _condition(viewer)
    found = connection.execute(
        f"SELECT 1 {_OF_UNITS} WHERE ({condition}) AND m.manager_id = ?", (*parameters, manager_id)
    )
    return found.fetchone() is not None


def _condition(viewer: Viewer) -> tuple[str, list[Any]]:
    parts: list[str] = []
    parameters: list[Any] = []
    for reach in viewer.scope.reaches:
        if reach.is_whole:
            return "1", []
        for part, values in _parts(reach):
            if values:
                parts.append(part)
                parameters.append(msgspec.json.encode(sorted(values)).decode())
    return " OR ".join(parts) or "0", parameters


def _parts(reach: Reach) -> tuple[tuple[str, frozenset[str]], ...]:
    among = "IN (SELECT value FROM json_each(?))"
    return (
        (f"u.city {among}", reach.cities),
        (f"m.unit_id {among}", reach.units),
        (f"m.unit_id IN (SELECT unit_id FROM managers WHERE manager_id {among})", reach.managers),
    )
