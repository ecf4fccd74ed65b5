"""What people do with a customer: an SMS within the policy, and a contact that belongs to no work item."""

from functools import partial
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.responses import Response
from pydantic import BaseModel

from contracts.alert_answers import SmsWritten
from contracts.http import LogContact, WriteSms
from contracts.work_answers import ContactView
from gateway.access.viewer import Access, Viewer, not_found
from gateway.audit import Audit, audited
from gateway.peers import Peers, segment
from gateway.scoped import same
from servicekit.query import Id, IdempotencyKey
from servicekit.routes import Router


def customer_action_routes(peers: Peers, audit: Audit, access: Access) -> APIRouter:
    """``POST /v1/customers/{id}/sms`` and ``contacts``."""
    router = Router(prefix="/v1/customers/{id}", tags=["actions"])

    async def ask(
        viewer: Viewer, id: str, service: str, what: str, asked: BaseModel, key: str | None, action: str
    ) -> Response:
        if await access.customer(viewer.scope, id) is None:
            await audit(viewer.who, action, id, str(HTTPStatus.NOT_FOUND.value))
            raise not_found()
        change = partial(
            peers.call,
            service,
            "POST",
            f"/v1/customers/{segment(id)}/{what}",
            actor=viewer.who.acting,
            body=asked.model_dump(mode="json", exclude_none=True),
            headers={} if key is None else {"Idempotency-Key": key},
            customer=id,
        )
        answer = await audited(audit, viewer.who, action, id, change)
        if answer.status_code == HTTPStatus.NOT_FOUND:
            raise not_found()
        return same(answer)

    @router.post("/sms", name="write_sms", response_model=SmsWritten)
    async def write_sms(
        viewer: Annotated[Viewer, Depends(access.may("sms", "change"))],
        id: Id,
        asked: WriteSms,
        key: IdempotencyKey = None,
    ) -> Response:
        """The text as the customer gets it and what becomes of it by the policy: quiet hours and the daily cap hold it,
        do-not-disturb and TD refuse it. With ``preview`` nothing else happens; under the same Idempotency-Key it is
        sent once."""
        action = "sms.preview" if asked.preview else "sms.write"
        return await ask(viewer, id, "alerts", "sms", asked, key, action)

    @router.post("/contacts", name="log_contact", response_model=ContactView)
    async def log_contact(
        viewer: Annotated[Viewer, Depends(access.may("work", "change"))],
        id: Id,
        asked: LogContact,
        key: IdempotencyKey = None,
    ) -> Response:
        """What was done for the customer outside of a work item; within one, it is an act."""
        return await ask(viewer, id, "manager-work", "contacts", asked, key, "contact.log")

    return router
