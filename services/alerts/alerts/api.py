"""HTTP API of alerts: reads only."""

from pathlib import Path
from typing import Any

from fastapi import APIRouter, Depends

from alerts import store
from contracts.answers import AlertView, LooseEnds, RuleView, SmsView
from servicekit.auth import Guard
from servicekit.query import since_instant
from servicekit.store import Rows

Found = list[dict[str, Any]]


def router(rows: Rows, secret_file: Path | None) -> APIRouter:
    """Alerts, SMS and rules as ``kam`` shows them."""
    reader = Guard(secret_file, "service", "manager", "head", "analyst", "operations", "administrator")
    api = APIRouter(prefix="/v1", tags=["alerts"], dependencies=[Depends(reader)])

    @api.get("/alerts", name="list_alerts", response_model=list[AlertView], response_model_exclude_unset=True)
    async def list_alerts(
        customer: str | None = None, kind: str | None = None, since: str | None = None, state: str | None = None
    ) -> Found:
        return await store.find_alerts(rows, since=since_instant(since), customer_id=customer, kind=kind, state=state)

    @api.get("/sms", name="list_sms", response_model=list[SmsView], response_model_exclude_unset=True)
    async def list_sms(
        customer: str | None = None, since: str | None = None, state: str | None = None, alert: str | None = None
    ) -> Found:
        return await store.find_sms(rows, since=since_instant(since), customer_id=customer, state=state, alert_id=alert)

    @api.get("/sms/unknown", name="count_unknown", response_model=LooseEnds)
    async def count_unknown() -> dict[str, int]:
        return await store.count_loose_ends(rows)

    @api.get("/rules", name="list_rules", response_model=list[RuleView], response_model_exclude_unset=True)
    async def list_rules() -> Found:
        return await store.find_rules(rows)

    return api
