"""A customer: the page made of what the services know, and what of it is shown unmasked to whoever says why."""

import asyncio
from datetime import timedelta
from http import HTTPStatus
from typing import Annotated

import httpx
import msgspec
from fastapi import APIRouter, Depends
from fastapi.responses import Response

from contracts.access import Reveal, Revealed
from contracts.customer_answers import WholeCustomer
from gateway import scoped
from gateway.access.viewer import Access, Viewer, not_found
from gateway.audit import Audit
from gateway.peers import Peers, segment
from gateway.repeats import Repeats
from gateway.scoped import age, same
from servicekit.answer import json_answer
from servicekit.auth import Principal
from servicekit.clock import SystemClock, iso, system_now
from servicekit.decision import Refused
from servicekit.personal import FIELDS
from servicekit.query import Id, IdempotencyKey
from servicekit.routes import Router

_Raw = msgspec.Raw
#: for how long what was revealed may stand on a screen
REVEALED_SECONDS = 60


def customer_routes(
    peers: Peers, audit: Audit, access: Access, repeats: Repeats, clock: SystemClock = system_now
) -> APIRouter:
    """The customer's page, and what of it is revealed."""
    router = Router(prefix="/v1", tags=["customers"])

    @router.get("/customers/{id}", name="get_customer", response_model=WholeCustomer)
    async def get_customer(viewer: Annotated[Viewer, Depends(access.may("customers"))], id: Id) -> Response:
        """The customer's page: profile with ``alerts``, ``sms`` and ``work`` beside it."""
        who, scope = viewer
        subject = await access.customer(scope, id)
        if subject is None:
            await audit(who, "customer.read", id, str(HTTPStatus.NOT_FOUND.value))
            raise not_found()
        clear = scope.clear(subject)
        query: dict[str, str | None] = {"customer": id}
        profile, alerts, sms, work = await asyncio.gather(
            profile_of(peers, id, who, in_clear=bool(clear)),
            peers.call("alerts", "GET", "/v1/alerts", actor=who, query=query, customer=id),
            peers.call("alerts", "GET", "/v1/sms", actor=who, query=query, customer=id),
            peers.call("manager-work", "GET", "/v1/work", actor=who, query=query),
        )
        await audit(who, "customer.read", id, str(profile.status_code))
        for answer in (profile, alerts, sms, work):
            if not answer.is_success:
                return same(answer)
        page = scoped.page_of(profile, clear) | {
            "alerts": _Raw(await scoped.rows(access, scope, "alerts", "alerts", alerts)),
            "sms": _Raw(await scoped.rows(access, scope, "alerts", "sms", sms)),
            "work": _Raw(await scoped.rows(access, scope, "manager-work", "work", work)),
        }
        return json_answer(page, headers=age(profile, alerts, sms, work))

    @router.post("/customers/{id}/reveal", name="reveal_customer", response_model=Revealed)
    async def reveal_customer(
        viewer: Annotated[Viewer, Depends(access.may("customers", "reveal"))],
        id: Id,
        asked: Reveal,
        key: IdempotencyKey = None,
    ) -> Response:
        """One personal field in clear, for 60 seconds, for a reason that the audit keeps. 403 ``may_not_reveal``: not a
        field that this role may have shown. A repeat is written down again: the answer is kept nowhere."""
        who, scope = viewer
        await repeats.check(who, key, f"customer.reveal {id}", asked)
        subject = await access.customer(scope, id)
        if subject is None:
            await audit(who, "customer.reveal", f"{id} {asked.field}", str(HTTPStatus.NOT_FOUND.value), asked.reason)
            raise not_found()
        if FIELDS[asked.field] not in (*scope.reveals(subject), *scope.clear(subject)):
            await audit(who, "customer.reveal", f"{id} {asked.field}", str(HTTPStatus.FORBIDDEN.value), asked.reason)
            raise Refused("may_not_reveal", "你的角色不能查看此项", "your role may not have this shown", 403, "field")
        answer = await profile_of(peers, id, who, in_clear=True)
        await audit(who, "customer.reveal", f"{id} {asked.field}", str(answer.status_code), asked.reason)
        if answer.status_code == HTTPStatus.NOT_FOUND:
            raise not_found()
        if not answer.is_success:
            return same(answer)
        found = {
            "customer_id": id,
            "field": asked.field,
            "value": scoped.field_of(answer, asked.field),
            "seconds": REVEALED_SECONDS,
            "until": iso(clock() + timedelta(seconds=REVEALED_SECONDS)),
        }
        return json_answer(found, headers={"Cache-Control": "no-store"})

    return router


async def profile_of(peers: Peers, id: str, who: Principal, *, in_clear: bool, history: bool = True) -> httpx.Response:
    """The page as customer-profile has it; only the owner of the customer knows all of it."""
    query: dict[str, str | None] = {"unmask": "1" if in_clear else None, "history": None if history else "0"}
    path = f"/v1/customers/{segment(id)}"
    return await peers.call("customer-profile", "GET", path, actor=who, query=query, customer=id, owner_only=True)
