"""HTTP API of alerts: reads only."""

from pathlib import Path
from typing import Any

from fastapi import APIRouter, Depends

from alerts import store
from servicekit.auth import Guard
from servicekit.query import since_instant
from servicekit.store import Rows

Found = list[dict[str, Any]]


def router(rows: Rows, secret_file: Path | None) -> APIRouter:
    """Alerts, SMS and rules as ``kam`` shows them."""
    reader = Guard(secret_file, "service", "manager", "head", "analyst", "operations", "administrator")
    api = APIRouter(prefix="/v1", tags=["alerts"], dependencies=[Depends(reader)])

    @api.get("/alerts", name="list_alerts")
    async def list_alerts(
        customer: str | None = None, kind: str | None = None, since: str | None = None, state: str | None = None
    ) -> Found:
        return await store.find_alerts(rows, since=since_instant(since), customer_id=customer, kind=kind, state=state)

    @api.get("/sms", name="list_sms")
    async def list_sms(
        customer: str | None = None, since: str | None = None, state: str | None = None, alert: str | None = None
    ) -> Found:
        return await store.find_sms(rows, since=since_instant(since), customer_id=customer, state=state, alert_id=alert)

    @api.get("/sms/unknown", name="count_unknown")
    async def count_unknown() -> dict[str, int]:
        return await store.count_loose_ends(rows)

    @api.get("/rules", name="list_rules")
    async def list_rules() -> Found:
        return await store.find_rules(rows)

    return api
