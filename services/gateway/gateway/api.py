"""What people may ask: the services' read API behind one address, composed, guarded and audited."""

import asyncio
from typing import Annotated, Any
from urllib.parse import quote

import httpx
from fastapi import APIRouter, Body, Depends, Header, Query, Response
from fastapi.responses import JSONResponse

from gateway.audit import Audit
from gateway.peers import Peers
from gateway.settings import Settings
from gateway.settling import Ends, standing_of, wait_until_settled
from servicekit.auth import Guard, Principal

READERS = ("manager", "head", "analyst", "operations", "administrator")
WORKERS = ("manager", "head", "operations", "administrator")
OPERATORS = ("operations", "administrator")
Filter = Annotated[str | None, Query()]


def _same(answer: httpx.Response) -> Response:
    return Response(answer.content, answer.status_code, media_type=answer.headers.get("content-type"))


def read_routes(peers: Peers, audit: Audit, settings: Settings) -> APIRouter:
    """What the system knows: alerts, SMS, work, customers, why, counts, rates, rules."""
    router = APIRouter(prefix="/v1", tags=["read"])
    reader = Guard(settings.secret_file, *READERS)
    Reader = Annotated[Principal, Depends(reader)]

    @router.get("/alerts", name="list_alerts")
    async def list_alerts(
        who: Reader, customer: Filter = None, kind: Filter = None, since: Filter = None, state: Filter = None
    ) -> Response:
        query = {"customer": customer, "kind": kind, "since": since, "state": state}
        return _same(await peers.call("alerts", "GET", "/v1/alerts", actor=who.subject, query=query))

    @router.get("/sms", name="list_sms")
    async def list_sms(
        who: Reader, customer: Filter = None, since: Filter = None, state: Filter = None, alert: Filter = None
    ) -> Response:
        query = {"customer": customer, "since": since, "state": state, "alert": alert}
        answer = await peers.call("alerts", "GET", "/v1/sms", actor=who.subject, query=query)
        await audit(who, "sms.read", customer or alert or "*", str(answer.status_code))
        return _same(answer)

    @router.get("/work", name="list_work")
    async def list_work(
        who: Reader,
        customer: Filter = None,
        kind: Filter = None,
        since: Filter = None,
        state: Filter = None,
        manager: Filter = None,
    ) -> Response:
        query = {"customer": customer, "kind": kind, "since": since, "state": state, "manager": manager}
        return _same(await peers.call("manager-work", "GET", "/v1/work", actor=who.subject, query=query))

    @router.get("/customers/{id}", name="get_customer")
    async def get_customer(who: Reader, id: str) -> Response:
        """The customer's page: profile with ``alerts``, ``sms`` and ``work`` beside it."""
        query: dict[str, str | None] = {"customer": id}
        profile, alerts, sms, work = await asyncio.gather(
            peers.call("customer-profile", "GET", f"/v1/customers/{quote(id, safe='')}", actor=who.subject),
            peers.call("alerts", "GET", "/v1/alerts", actor=who.subject, query=query),
            peers.call("alerts", "GET", "/v1/sms", actor=who.subject, query=query),
            peers.call("manager-work", "GET", "/v1/work", actor=who.subject, query=query),
        )
        await audit(who, "customer.read", id, str(profile.status_code))
        for answer in (profile, alerts, sms, work):
            if not answer.is_success:
                return _same(answer)
        page = {**profile.json(), "alerts": alerts.json(), "sms": sms.json(), "work": work.json()}
        return JSONResponse(page)

    @router.get("/why/{id:path}", name="why")
    async def why(who: Reader, id: str) -> Response:
        return _same(await peers.call("analytics", "GET", f"/v1/why/{quote(id, safe='')}", actor=who.subject))

    @router.get("/counts", name="get_counts")
    async def get_counts(who: Reader, day: Filter = None, city: Filter = None, kind: Filter = None) -> Response:
        query = {"day": day, "city": city, "kind": kind}
        return _same(await peers.call("analytics", "GET", "/v1/counts", actor=who.subject, query=query))

    @router.get("/recount", name="recount")
    async def recount(who: Reader) -> Response:
        limit = settings.recount_timeout
        return _same(await peers.call("analytics", "GET", "/v1/recount", actor=who.subject, timeout=limit))

    @router.get("/rates", name="get_rates")
    async def get_rates(who: Reader) -> Response:
        return _same(await peers.call("analytics", "GET", "/v1/rates", actor=who.subject))

    @router.get("/rules", name="list_rules")
    async def list_rules(who: Reader) -> Response:
        return _same(await peers.call("alerts", "GET", "/v1/rules", actor=who.subject))

    return router


def action_routes(peers: Peers, settings: Settings) -> APIRouter:
    """What people may do: their work items, and the business clock."""
    router = APIRouter(prefix="/v1", tags=["actions"])
    Worker = Annotated[Principal, Depends(Guard(settings.secret_file, *WORKERS))]
    Reader = Annotated[Principal, Depends(Guard(settings.secret_file, *READERS))]
    Operator = Annotated[Principal, Depends(Guard(settings.secret_file, *OPERATORS))]
    Fields = Annotated[dict[str, Any] | None, Body()]
    Key = Annotated[str | None, Header(alias="Idempotency-Key", max_length=200)]

    async def act_on(
        work_id: str, action: str, who: Principal, fields: dict[str, Any] | None, key: str | None
    ) -> Response:
        path = f"/v1/work/{quote(work_id, safe='')}/{action}"
        headers = {} if key is None else {"Idempotency-Key": key}
        answer = await peers.call("manager-work", "POST", path, actor=who.subject, body=fields or {}, headers=headers)
        return _same(answer)

    @router.post("/work/{id}/accept", name="accept_work")
    async def accept_work(who: Worker, id: str, fields: Fields = None, key: Key = None) -> Response:
        return await act_on(id, "accept", who, fields, key)

    @router.post("/work/{id}/act", name="act_on_work")
    async def act_on_work(who: Worker, id: str, fields: Fields = None, key: Key = None) -> Response:
        return await act_on(id, "act", who, fields, key)

    @router.post("/work/{id}/close", name="close_work")
    async def close_work(who: Worker, id: str, fields: Fields = None, key: Key = None) -> Response:
        return await act_on(id, "close", who, fields, key)

    @router.get("/clock", name="get_clock")
    async def get_clock(who: Reader) -> Response:
        return _same(await peers.call("billing-sync", "GET", "/v1/clock", actor=who.subject))

    @router.put("/clock", name="set_clock")
    async def set_clock(who: Operator, fields: Annotated[dict[str, Any], Body()]) -> Response:
        return _same(await peers.call("billing-sync", "PUT", "/v1/clock", actor=who.subject, body=fields))

    return router


def settling_routes(peers: Peers, ends: Ends, settings: Settings) -> APIRouter:
    """How the system is doing, and waiting until it has nothing left to do."""
    router = APIRouter(prefix="/v1", tags=["operations"], dependencies=[Depends(Guard(settings.secret_file, *READERS))])

    @router.get("/status", name="get_status")
    async def get_status() -> dict[str, Any]:
        """Every service with ``ready``, ``detail``, ``lag`` (null: Kafka does not answer), outbox, clock, freshness."""
        collection = await peers.collect()
        limits, health = await asyncio.gather(ends(collection), asyncio.gather(*map(peers.health, peers.urls)))
        standing = standing_of(collection, limits)
        return {
            "kafka": limits is not None,
            "services": {
                name: {"ready": ready, "detail": detail, **standing.get(name, {})}
                for name, (ready, detail) in zip(peers.urls, health, strict=True)
            },
        }

    @router.get("/wait", name="wait_until_settled")
    async def wait(timeout: Annotated[float, Query(gt=0, le=3600)] = 120.0) -> JSONResponse:
        """200 once everything is settled; 504 with who is still busy after ``timeout`` seconds."""
        seconds, left = await wait_until_settled(peers.collect, ends, timeout)
        if not left:
            return JSONResponse({"settled": True, "seconds": round(seconds, 3)})
        busy = [{"service": b.service, "zh": b.zh, "en": b.en} for b in left]
        return JSONResponse(
            {
                "error": "not_settled",
                "zh": f"{timeout:g} 秒后仍未静止：" + "；".join(f"{b.service} {b.zh}" for b in left),
                "en": f"not settled after {timeout:g} s: " + "; ".join(f"{b.service} {b.en}" for b in left),
                "settled": False,
                "seconds": round(seconds, 3),
                "busy": busy,
            },
            504,
        )

    return router
