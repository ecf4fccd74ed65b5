"""``GET /v1/today``: what a working day begins with, of the customers somebody sees; from the read model."""

import sqlite3
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from fastapi.responses import Response

from contracts.today import TodayView
from gateway.access.scope import Scope
from gateway.access.viewer import Access, Viewer
from gateway.audit import Audit, narrowed_by
from gateway.projection.api import SHAPES, fresh, shape
from gateway.projection.follow import Projection
from gateway.projection.lists import Where, where
from gateway.projection.specs import LISTS
from servicekit.answer import json_answer
from servicekit.clock import at_local, end_of, iso, later_day, local_date
from servicekit.query import Filter
from servicekit.routes import Router

MOST_REMINDERS = 50
_Asked = Mapping[str, str | None]
_Bounds = tuple[str, str, str, str]
#: Why a work item is a reminder, the most urgent reason first, and since when it is.
_REASONS = (
    ("promise", "r.promised_on <= d.day", "r.promised_on"),
    ("follow_up", "r.follow_up_on <= d.day", "r.follow_up_on"),
    ("complaint", "r.kind = 'complaint_follow_up' AND r.due_at < d.tomorrow", "r.due_at"),
    ("contract", "a.kind = 'contract_expiring' AND a.stage IN ('7', '1')", "r.due_at"),
    ("due", "r.state <> 'new' AND r.due_at < d.tomorrow", "r.due_at"),
)
#: the bounds of the day, beside every row
_DAY = "WITH d (now, day, tomorrow, since) AS (VALUES (?, ?, ?, ?))"
_REASON = f"CASE {' '.join(f'WHEN {condition} THEN {name!r}' for name, condition, _ in _REASONS)} END"
_AT = f"CASE {' '.join(f'WHEN {condition} THEN {at}' for _, condition, at in _REASONS)} END"


def today_routes(projection: Projection, access: Access, audit: Audit) -> APIRouter:
    """The route."""
    router = Router(prefix="/v1", tags=["lists"])

    @router.get("/today", name="today", response_model=TodayView)
    async def today(
        viewer: Annotated[Viewer, Depends(access.may("alerts"))], unit: Filter = None, manager: Filter = None
    ) -> Response:
        """Numbers, reminders, and what happened since the beginning of yesterday."""
        now, asked = projection.clock, {"unit": unit, "manager": manager}
        work = (await access.viewer(viewer.who, "work")).scope

        def read(connection: sqlite3.Connection) -> dict[str, Any]:
            return {**_day(connection, viewer.scope, work, asked, now), **fresh(projection, connection)}

        found = await projection.store.read(read)
        await audit(viewer.who, "today", narrowed_by(asked), "200")
        return json_answer({**found, "clock": iso(now)})

    return router


def _day(connection: sqlite3.Connection, alerts: Scope, work: Scope, asked: _Asked, now: datetime) -> dict[str, Any]:
    day = local_date(now)
    since = iso(at_local(later_day(day, -1)))
    bounds = (iso(now), day.isoformat(), iso(end_of(day)), since)
    of_alerts = where("alerts", alerts.visible("alerts"), asked, now)
    of_work = where("work", work.visible("work"), asked, now)
    of_customers = where("customers", alerts.visible("customers"), asked, now)
    reminders, total = _reminders(connection, of_work, work, bounds)
    return {
        "since": since,
        "has_customers": _sums(connection, of_customers, bounds, n="1")["n"] > 0,
        "numbers": _numbers(connection, of_alerts, bounds),
        "changes": _changes(connection, of_alerts, of_work, bounds),
        "reminders": reminders,
        "reminders_total": total,
    }


def _numbers(connection: sqlite3.Connection, found: Where, bounds: _Bounds) -> dict[str, Any]:
    counted = _sums(
        connection,
        found,
        bounds,
        "r.open = 1",
        open="1",
        unacknowledged="r.state = 'raised'",
        due_today="r.due_at >= d.now AND r.due_at < d.tomorrow",
        overdue="r.due_at < d.now",
        at_risk_alerts="r.kind = 'churn_warning'",
        contracts_ending="r.kind = 'contract_expiring'",
    )
    # Each customer once, however many warnings there are of them.
    (fen,) = connection.execute(
        "SELECT sum(c.monthly_fee_fen) FROM customers c WHERE c.customer_id IN (SELECT r.customer_id FROM alerts r"
        f" WHERE r.open = 1 AND r.kind = 'churn_warning' AND {found.condition})",
        found.parameters,
    ).fetchone()
    return {**counted, "at_risk_fen": fen}


def _changes(connection: sqlite3.Connection, alerts: Where, work: Where, bounds: _Bounds) -> dict[str, Any]:
    cleared = "r.open = 0 AND r.kind = 'arrears' AND r.outcome = 'cleared'"
    return {
        **_sums(connection, alerts, bounds, "r.raised_at >= d.since", raised="1"),
        **_sums(
            connection,
            alerts,
            bounds,
            "r.at >= d.since",
            resolved="r.state = 'resolved'",
            escalated="r.escalated > 0 AND r.open = 1",
            recovered=cleared,
            recovered_fen=f"CASE WHEN {cleared} THEN r.amount_fen END",
            kept="r.open = 0 AND r.kind = 'churn_warning' AND r.outcome IN ('retained', 'recovered')",
        ),
        **_sums(connection, work, bounds, "r.opened_at >= d.since", assigned="1"),
        **_sums(connection, work, bounds, "r.at >= d.since", closed="r.open = 0"),
    }


def _reminders(
    connection: sqlite3.Connection, found: Where, scope: Scope, bounds: _Bounds
) -> tuple[list[dict[str, Any]], int]:
    visible, spec = scope.visible("work"), LISTS["work"]
    rows = connection.execute(
        f"{_DAY} SELECT * FROM (SELECT {_REASON} AS k0, {_AT} AS k1, {spec.columns} FROM d, work r {spec.decorations}"
        f" WHERE r.open = 1 AND {found.condition}) WHERE k0 IS NOT NULL ORDER BY k1, work_id",
        (*bounds, *found.parameters),
    ).fetchall()
    shown = [
        {"reason": row["k0"], "at": row["k1"], "item": shape(SHAPES["work"], row, visible)}
        for row in rows[:MOST_REMINDERS]
    ]
    return shown, len(rows)


def _sums(
    connection: sqlite3.Connection, found: Where, bounds: _Bounds, condition: str = "1", **values: str
) -> dict[str, int]:
    """Sums over rows that somebody sees and asks for, by name."""
    columns = ", ".join(f"coalesce(sum({value}), 0)" for value in values.values())
    row = connection.execute(
        f"{_DAY} SELECT {columns} FROM d, {found.spec.table} r WHERE {condition} AND {found.condition}",
        (*bounds, *found.parameters),
    ).fetchone()
    return dict(zip(values, row, strict=True))
