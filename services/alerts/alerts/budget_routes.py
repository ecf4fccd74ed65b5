"""HTTP of budgets, and of texts that people send to themselves."""

import uuid
from collections.abc import Awaitable, Callable
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends
from fastapi.responses import Response

from alerts.notifications.budget import Ledger
from alerts.notifications.to_oneself import SEND, Send, key_of
from contracts.alert_answers import BudgetView, SmsWritten
from contracts.http import SendTestFor
from servicekit.answer import json_answer
from servicekit.auth import Guard, Principal
from servicekit.envelope import Message, command
from servicekit.query import IdempotencyKey
from servicekit.routes import Router


def budget_routes(
    ledger: Callable[[], Ledger], send: Callable[[str, Message], Awaitable[Any]], guard: Guard
) -> APIRouter:
    """``send`` passes a command to the processor of a key."""
    api = Router(prefix="/v1/sms", tags=["alerts"], dependencies=[Depends(guard)])

    @api.get("/budget", name="list_budgets", response_model=list[BudgetView])
    async def list_budgets() -> Response:
        """What this process has sent today, of what all processes may."""
        return json_answer(msgspec.to_builtins(ledger().lines()))

    @api.post("/test", name="send_test", response_model=SmsWritten)
    async def send_test(
        who: Annotated[Principal, Depends(guard)], asked: SendTestFor, key: IdempotencyKey = None
    ) -> Response:
        """The road of all SMS; under the same Idempotency-Key it is sent once."""
        person = key_of(who.subject)
        order = Send(
            asked.template, asked.to, who.subject, key or str(uuid.uuid4()), asked.language, asked.own, asked.values
        )
        return json_answer(await send(person, command(SEND, person, order, id=f"command/{uuid.uuid4()}")))

    return api
