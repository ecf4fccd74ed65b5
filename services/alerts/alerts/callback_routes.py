"""HTTP of callbacks: what an SMS provider tells of its own accord. Signed with a secret that it shares with us; no
token of ours opens it, and it opens nothing else."""

from collections.abc import Sequence

import structlog
from fastapi import APIRouter, Request
from fastapi.responses import Response
from prometheus_client import Counter

from alerts.notifications.channel import signature
from alerts.notifications.channel.http import HttpTransport
from contracts.alert_answers import CallbackTaken
from servicekit.answer import json_answer
from servicekit.clock import SystemClock, system_now
from servicekit.decision import Refused
from servicekit.routes import Router

log = structlog.get_logger()
CALLBACKS = Counter("kam_sms_callbacks_total", "Callbacks of the SMS provider, by what they were answered", ["answer"])


def callback_routes(
    provider: HttpTransport, secrets: Sequence[bytes], system_clock: SystemClock = system_now
) -> APIRouter:
    """``secrets``: any of them may have signed."""
    router = Router(prefix="/v1/sms", tags=["sms"])

    @router.post("/callbacks", name="take_callbacks", response_model=CallbackTaken)
    async def take_callbacks(request: Request) -> Response:
        """Receipts and messages of subscribers, ``{"events": […]}``. 200 when Kafka has all that can be read; told
        again, it changes nothing. 401: not signed, signed wrong, or over five minutes ago; 503: send it again."""
        try:
            signature.check_time(request.headers, system_clock())
            body = await request.body()
            signature.check(secrets, request.headers, body)
            taken = await provider.called_back(body, request.headers[signature.TIMESTAMP])
        except Refused as refusal:
            CALLBACKS.labels(refusal.code).inc()
            log.warning("sms_http.callback_refused", code=refusal.code)
            raise
        CALLBACKS.labels("taken").inc()
        return json_answer(taken)

    return router
