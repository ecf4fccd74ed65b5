"""HTTP API of alerts: reads, and SMS that people write."""

import uuid
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from fastapi.responses import Response

from alerts import store
from alerts.conditions.vocabulary import vocabulary
from alerts.detection import whynot
from alerts.detection.why_not import ASK, Ask
from alerts.notifications.handwritten import WRITE, Write
from contracts.alert_answers import AlertView, LooseEnds, ShadowAlertView, SmsView, SmsWritten
from contracts.answers import FigureView
from contracts.http import WriteSms
from contracts.why_not import RuleStands, WhyNot
from servicekit.answer import array_answer, json_answer
from servicekit.auth import Guard, Principal
from servicekit.decision import Refused
from servicekit.envelope import Message, command
from servicekit.query import Filter, Id, IdempotencyKey, Period, since_instant
from servicekit.routes import Router
from servicekit.store import Documents

#: passes a command to the processor of this customer
Send = Callable[[str, Message], Awaitable[Any]]


def router(rows: Documents, detect: Send, send: Send, secret_file: Path | None) -> APIRouter:
    """Alerts and SMS as ``kam`` shows them; why no alert came, and what people write to customers. ``detect`` passes to
    detection, ``send`` to notifications."""
    guard = Guard(secret_file, "service")
    api = Router(prefix="/v1", tags=["alerts"], dependencies=[Depends(guard)])

    @api.get("/alerts", name="list_alerts", response_model=list[AlertView])
    async def list_alerts(
        customer: Filter = None, kind: Filter = None, since: Filter = None, state: Filter = None
    ) -> Response:
        earliest = since_instant(since)
        found = store.each_alert(rows, since=earliest, customer_id=customer, kind=kind, state=state)
        return await array_answer(found)

    @api.get("/shadow-alerts", name="list_shadow_alerts", response_model=list[ShadowAlertView])
    async def list_shadow_alerts(
        customer: Filter = None, kind: Filter = None, since: Filter = None, state: Filter = None
    ) -> Response:
        earliest = since_instant(since)
        found = store.each_shadow_alert(rows, since=earliest, customer_id=customer, kind=kind, state=state)
        return await array_answer(found)

    @api.get("/sms", name="list_sms", response_model=list[SmsView])
    async def list_sms(
        customer: Filter = None, since: Filter = None, state: Filter = None, alert: Filter = None
    ) -> Response:
        earliest = since_instant(since)
        found = store.each_sms(rows, since=earliest, customer_id=customer, state=state, alert_id=alert)
        return await array_answer(found)

    @api.get("/alerts/{alert_id}", name="get_alert", response_model=AlertView)
    async def get_alert(alert_id: Id) -> Response:
        return _found(await store.get(rows, "alerts", alert_id))

    @api.get("/sms/unknown", name="count_unknown", response_model=LooseEnds)
    async def count_unknown() -> Response:
        return json_answer(await store.count_loose_ends(rows))

    @api.get("/sms/{sms_id}", name="get_sms", response_model=SmsView)
    async def get_sms(sms_id: Id) -> Response:
        return _found(await store.get(rows, "sms", sms_id))

    @api.post("/customers/{customer_id}/sms", name="write_sms", response_model=SmsWritten)
    async def write_sms(
        who: Annotated[Principal, Depends(guard)], customer_id: Id, asked: WriteSms, key: IdempotencyKey = None
    ) -> Response:
        """The next tick decides on it, as on every other; under the same Idempotency-Key it is sent once."""
        order = Write(
            customer_id, asked.text, who.subject, key or str(uuid.uuid4()), asked.preview, asked.campaign or ""
        )
        return json_answer(await send(customer_id, command(WRITE, customer_id, order, id=f"command/{uuid.uuid4()}")))

    @api.get("/customers/{customer_id}/why-not", name="why_not", response_model=WhyNot)
    async def why_not(customer_id: Id, period: Period = None) -> Response:
        asked = command(ASK, customer_id, Ask(customer_id, period), id=f"command/{uuid.uuid4()}")
        return json_answer(await detect(customer_id, asked))

    @api.get("/customers/{customer_id}/whynot", name="how_rules_stand", response_model=list[RuleStands])
    async def how_rules_stand(customer_id: Id, rule: Filter = None, period: Period = None) -> Response:
        order = whynot.Ask(customer_id, rule, period)
        asked = command(whynot.ASK, customer_id, order, id=f"command/{uuid.uuid4()}")
        return json_answer(await detect(customer_id, asked))

    @api.get("/rules/figures", name="list_figures", response_model=list[FigureView])
    async def list_figures() -> Response:
        return json_answer(vocabulary())

    return api


def _found(document: dict[str, Any] | None) -> Response:
    if document is None:
        raise Refused("not_found", "没有此编号", "there is nothing of this id", 404)
    return json_answer(document)
