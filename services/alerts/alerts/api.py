"""HTTP API of alerts: reads only."""

from datetime import date, datetime
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Depends

from alerts import store
from servicekit.auth import Guard
from servicekit.clock import at_local, iso
from servicekit.decision import Refused
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
        return await store.find_alerts(rows, since=_instant(since), customer_id=customer, kind=kind, state=state)

    @api.get("/sms", name="list_sms")
    async def list_sms(
        customer: str | None = None, since: str | None = None, state: str | None = None, alert: str | None = None
    ) -> Found:
        return await store.find_sms(rows, since=_instant(since), customer_id=customer, state=state, alert_id=alert)

    @api.get("/sms/unknown", name="count_unknown")
    async def count_unknown() -> dict[str, int]:
        return await store.count_loose_ends(rows)

    @api.get("/rules", name="list_rules")
    async def list_rules() -> Found:
        return await store.find_rules(rows)

    return api


def _instant(text: str | None) -> str | None:
    """Instant of a date (its start in Asia/Shanghai) or an ISO 8601 time with offset, as documents hold it."""
    if text is None:
        return None
    try:
        at = at_local(date.fromisoformat(text)) if len(text) == 10 else datetime.fromisoformat(text)
        if at.tzinfo is None:
            raise ValueError("no offset")
    except ValueError as error:
        raise Refused(
            "bad_since",
            f"since={text} 不是日期（yyyy-mm-dd）或带时区的 ISO 8601 时间",
            f"since={text} is neither a date (yyyy-mm-dd) nor an ISO 8601 time with offset",
            422,
        ) from error
    return iso(at)
