"""HTTP API of alerts: reads only."""

from pathlib import Path
from typing import Any

from fastapi import APIRouter, Depends
from fastapi.responses import Response

from alerts import store
from contracts.answers import AlertView, LooseEnds, RuleView, SmsView
from servicekit.answer import json_answer
from servicekit.auth import Guard
from servicekit.decision import Refused
from servicekit.query import Filter, Id, since_instant
from servicekit.store import Documents


def router(rows: Documents, secret_file: Path | None) -> APIRouter:
    """Alerts, SMS and rules as ``kam`` shows them."""
    api = APIRouter(prefix="/v1", tags=["alerts"], dependencies=[Depends(Guard(secret_file, "service"))])

    @api.get("/alerts", name="list_alerts", response_model=list[AlertView])
    async def list_alerts(
        customer: Filter = None, kind: Filter = None, since: Filter = None, state: Filter = None
    ) -> Response:
        earliest = since_instant(since)
        return json_answer(await store.find_alerts(rows, since=earliest, customer_id=customer, kind=kind, state=state))

    @api.get("/sms", name="list_sms", response_model=list[SmsView])
    async def list_sms(
        customer: Filter = None, since: Filter = None, state: Filter = None, alert: Filter = None
    ) -> Response:
        earliest = since_instant(since)
        found = await store.find_sms(rows, since=earliest, customer_id=customer, state=state, alert_id=alert)
        return json_answer(found)

    @api.get("/alerts/{alert_id}", name="get_alert", response_model=AlertView)
    async def get_alert(alert_id: Id) -> Response:
        return _found(await store.get(rows, "alerts", alert_id))

    @api.get("/sms/unknown", name="count_unknown", response_model=LooseEnds)
    async def count_unknown() -> Response:
        return json_answer(await store.count_loose_ends(rows))

    @api.get("/sms/{sms_id}", name="get_sms", response_model=SmsView)
    async def get_sms(sms_id: Id) -> Response:
        return _found(await store.get(rows, "sms", sms_id))

    @api.get("/rules", name="list_rules", response_model=list[RuleView])
    async def list_rules() -> Response:
        return json_answer(await store.find_rules(rows))

    return api


def _found(document: dict[str, Any] | None) -> Response:
    if document is None:
        raise Refused("not_found", "没有此编号", "there is nothing of this id", 404)
    return json_answer(document)
