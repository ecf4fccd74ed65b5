"""The call centre's hook: who calls, who looks after them, what stands open. The number comes in a body and is looked
up by its keyed hash; it is written nowhere.
"""

import sqlite3
from collections.abc import Iterable
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Depends
from fastapi.responses import Response

from contracts.customers import Caller, Callers
from gateway.access.viewer import Access, Viewer
from gateway.audit import Audit
from gateway.projection.api import fresh
from gateway.projection.follow import Projection
from gateway.projection.schema import NEVER
from gateway.projection.visible import Visible, subject_of
from servicekit.answer import json_answer
from servicekit.personal import shown
from servicekit.routes import Router

#: customers of one number, and open alerts of one customer, that are told
_MOST, _MOST_ALERTS = 5, 5
_FIND = (
    "SELECT r.customer_id, r.name, r.kind, r.city, r.status, r.language, r.do_not_disturb, r.unit_id, r.manager_id,"
    " m.name AS manager_name, m.extension, u.name AS unit_name FROM customers r"
    " LEFT JOIN managers m ON m.manager_id = r.manager_id LEFT JOIN units u ON u.unit_id = r.unit_id"
)
_HINTS: dict[str, tuple[str, str]] = {
    "complaint_opened": (
        "有未结投诉：先致歉，说明进展，不推荐业务。",
        "An open complaint: apologise, say how it stands, offer nothing.",
    ),
    "churn_warning": (
        "有离网倾向：先听原因，不反驳；记下诉求，转客户经理。",
        "May be leaving: hear the reason first, note the wish, put through to the manager.",
    ),
    "arrears": (
        "有欠费：核实身份后再谈金额，可记承诺缴费日期。",
        "In arrears: verify who calls before naming the amount; a day of payment may be noted.",
    ),
    "contract_expiring": (
        "合约将到期：可问续约意向，转客户经理报价。",
        "A contract ends soon: ask about renewal; the manager makes the offer.",
    ),
}
_DO_NOT_DISTURB = (
    "免打扰客户：只答所问，不推荐，不回访。",
    "Do-not-disturb: answer what is asked, offer nothing, do not call back.",
)
_LEFT = ("已离网客户：若愿回来，转客户经理。", "Has left: if they would return, put through to the manager.")
_NOTHING = ("没有未结事项，正常接待。", "Nothing stands open.")


def caller_routes(projection: Projection, audit: Audit, access: Access) -> APIRouter:
    """``POST /v1/callers``."""
    router = Router(prefix="/v1", tags=["customers"])

    @router.post("/callers", name="identify_caller", response_model=Callers)
    async def identify_caller(viewer: Annotated[Viewer, Depends(access.may("callers"))], asked: Caller) -> Response:
        """For a token of the call centre (role integrator): customers of this number, their manager with extension,
        open alerts and hints. Nobody known, and nobody in scope, is one answer."""
        scope, key = viewer.scope, projection.rows.phone_key(asked.number)
        visible, of_alerts = scope.visible("customers"), scope.visible("alerts")

        def read(connection: sqlite3.Connection) -> dict[str, Any]:
            found = [] if key is None else _find(connection, key, visible, of_alerts)
            return {"callers": found, **fresh(projection, connection)}

        content = await projection.store.read(read)
        who = ",".join(caller["customer_id"] for caller in content["callers"])
        await audit(viewer.who, "caller.identified", who or "none", "200")
        return json_answer(content, headers={"Cache-Control": "no-store"})

    return router


def _find(connection: sqlite3.Connection, key: bytes, visible: Visible, of_alerts: Visible) -> list[dict[str, Any]]:
    rows = connection.execute(
        f"{_FIND} WHERE r.phone_key = ? AND r.known = 1 AND ({visible.condition})"
        f" ORDER BY r.status = 'left', r.customer_id LIMIT {_MOST}",
        (key, *visible.parameters),
    ).fetchall()
    return [_caller(row, visible, _alerts(connection, row["customer_id"], of_alerts)) for row in rows]


def _alerts(connection: sqlite3.Connection, customer_id: str, visible: Visible) -> list[dict[str, Any]]:
    rows = connection.execute(
        "SELECT r.alert_id, r.kind, r.stage, r.severity, r.due_at, r.amount_fen FROM alerts r"
        f" WHERE r.customer_id = ? AND r.open = 1 AND ({visible.condition})"
        f" ORDER BY r.rank, r.due_at, r.alert_id LIMIT {_MOST_ALERTS}",
        (customer_id, *visible.parameters),
    )
    return [{**dict(row), "due_at": None if row["due_at"] == NEVER else row["due_at"]} for row in rows]


def _caller(row: sqlite3.Row, visible: Visible, alerts: list[dict[str, Any]]) -> dict[str, Any]:
    wish, manager_id = row["do_not_disturb"], row["manager_id"]
    manager = {
        "manager_id": manager_id,
        "name": row["manager_name"],
        "extension": row["extension"],
        "unit_id": row["unit_id"],
        "unit_name": row["unit_name"],
    }
    return {
        "customer_id": row["customer_id"],
        "customer_name": shown("customer_name", row["name"], visible.clear(subject_of(dict(row)))),
        "customer_kind": row["kind"],
        "city": row["city"],
        "status": row["status"],
        "language": row["language"],
        "do_not_disturb": None if wish is None else bool(wish),
        "manager": None if manager_id is None else manager,
        "alerts": alerts,
        "hints": [{"zh": zh, "en": en} for zh, en in hints(bool(wish), row["status"], (a["kind"] for a in alerts))],
        "pop": f"/pop?customer={quote(row['customer_id'], safe='')}",
    }


def hints(do_not_disturb: bool, status: str | None, kinds: Iterable[str]) -> list[tuple[str, str]]:
    """What to keep in mind, in Chinese and English: first what holds for anything that is said, then by alerts."""
    found = [_DO_NOT_DISTURB] if do_not_disturb else []
    found += [_LEFT] if status == "left" else []
    asked = set(kinds)
    found += [hint for kind, hint in _HINTS.items() if kind in asked]
    return found or [_NOTHING]
