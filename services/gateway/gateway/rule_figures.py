"""What became of the alerts of a rule, version by version: how many were raised, are open, and were closed as what,
above all as false alarms. Numbers of the read model, of the customers whom somebody sees.
"""

import sqlite3
from collections.abc import Iterable
from typing import Annotated, Any, get_args

from fastapi import APIRouter, Depends, Path
from fastapi.responses import Response

from contracts.alert import ManagerOutcome
from contracts.documents import DOCUMENT_ID
from contracts.rule_figures import RuleFigures
from gateway.access.viewer import Access, Viewer
from gateway.audit import Audit
from gateway.projection.api import fresh
from gateway.projection.follow import Projection
from gateway.projection.visible import Visible
from servicekit.age import HEADER
from servicekit.answer import json_answer
from servicekit.routes import Router

_FALSE_ALARM = "false_alarm"
_BY_PEOPLE = frozenset(get_args(ManagerOutcome))
# An alert is of the version that raised it, and of each that gives it another reason; only churn warnings have reasons
# of several rules.
_COUNTED = (
    "SELECT version, open, outcome, count(*) FROM ("
    "SELECT r.alert_id, r.open, r.outcome, r.rule_version AS version FROM {table} r"
    " WHERE r.rule_id = ? AND ({condition})"
    " UNION SELECT r.alert_id, r.open, r.outcome, json_extract(e.value, '$.rule.version') FROM {table} r,"
    " json_each(CAST(r.shown AS TEXT), '$.reasons') e"
    " WHERE r.kind = 'churn_warning' AND instr(r.shown, ?) AND json_extract(e.value, '$.rule.id') = ?"
    " AND ({condition})) GROUP BY version, open, outcome"
)
Counted = Iterable[tuple[int, int, str | None, int]]


def rule_figure_routes(projection: Projection, audit: Audit, access: Access) -> APIRouter:
    """``/v1/rules/{id}/figures``."""
    router = Router(prefix="/v1/rules", tags=["rules"])

    @router.get("/{id}/figures", name="get_rule_figures", response_model=RuleFigures)
    async def get_rule_figures(
        viewer: Annotated[Viewer, Depends(access.may("rules"))], id: Annotated[str, Path(pattern=DOCUMENT_ID)]
    ) -> Response:
        """Of each version that ever raised something, what became of it. What ran in shadow is told to those who may
        change rules."""
        visible = viewer.scope.visible("alerts")
        looks = (await access.viewer(viewer.who, "rules", "change")).scope
        in_shadow = looks.visible("alerts") if looks.reaches else None

        def read(connection: sqlite3.Connection) -> dict[str, Any]:
            counted = _count(connection, "alerts", id, visible)
            shadow = [] if in_shadow is None else _count(connection, "shadow_alerts", id, in_shadow)
            return {"rule": id, "versions": versions(counted, shadow), **fresh(projection, connection)}

        content = await projection.store.read(read)
        await audit(viewer.who, "rule.figures", id, "200")
        behind = content["seconds_behind"]
        return json_answer(content, headers={} if behind is None else {HEADER: f"{behind:.3f}"})

    return router


def versions(counted: Counted, shadow: Counted) -> list[dict[str, Any]]:
    """By version, the newest first."""
    told, beside = _by_version(counted), _by_version(shadow)
    return [
        {"version": version, **_figures(told.get(version, [])), "shadow": _figures(beside.get(version, []))}
        for version in sorted(told.keys() | beside.keys(), reverse=True)
    ]


def _by_version(counted: Counted) -> dict[int, list[tuple[int, str | None, int]]]:
    found: dict[int, list[tuple[int, str | None, int]]] = {}
    for version, open_, outcome, alerts in counted:
        found.setdefault(version, []).append((open_, outcome, alerts))
    return found


def _figures(counted: list[tuple[int, str | None, int]]) -> dict[str, Any]:
    closed = {str(outcome): alerts for open_, outcome, alerts in counted if not open_}
    judged = sum(alerts for outcome, alerts in closed.items() if outcome in _BY_PEOPLE)
    false_alarms = closed.get(_FALSE_ALARM, 0)
    return {
        "raised": sum(alerts for _, _, alerts in counted),
        "open": sum(alerts for open_, _, alerts in counted if open_),
        "closed": dict(sorted(closed.items())),
        "false_alarms": false_alarms,
        "share": round(false_alarms / judged, 4) if judged else None,
    }


def _count(connection: sqlite3.Connection, table: str, rule: str, visible: Visible) -> Counted:
    sql = _COUNTED.format(table=table, condition=visible.condition)
    named = f'"id":"{rule}"'.encode()
    rows = connection.execute(sql, (rule, *visible.parameters, named, rule, *visible.parameters))
    return [tuple(row) for row in rows]
