"""What people may ask: the services' read API behind one address, composed, guarded and audited."""

import asyncio
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Annotated, Any
from urllib.parse import quote

import httpx
import msgspec
from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response

from contracts.answers import (
    AlertView,
    Chain,
    ClockView,
    CountView,
    NotSettled,
    RateView,
    RecountView,
    RuleView,
    Settled,
    SmsView,
    Status,
    WholeCustomer,
    WorkChanged,
    WorkView,
)
from contracts.http import AcceptWork, ActOnWork, ClockSetting, CloseWork
from gateway import merging
from gateway.access.grants import Principal
from gateway.audit import Audit
from gateway.identity.guard import Guard, Guards
from gateway.peers import Peers, failed
from gateway.projection.follow import Projection
from gateway.projection.visible import About, List, Sight, is_visible
from gateway.settings import Settings
from gateway.settling import Collect, Ends, standing_of, wait_until_settled
from servicekit.age import HEADER
from servicekit.answer import json_answer
from servicekit.decision import Refused
from servicekit.query import AtMost, Filter, Id, IdempotencyKey

READERS = ("manager", "head", "city_head", "analyst", "operations", "administrator")
WORKERS = ("manager", "head", "city_head", "operations", "administrator")
OPERATORS = ("operations", "administrator")
_WAITS, _RECOUNTS = 32, 2
_Raw = msgspec.Raw
_decode_about = msgspec.json.Decoder(About).decode
_decode_page = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


def not_found() -> Refused:
    """One answer for what there is not and for what somebody may not see."""
    return Refused(
        "not_found", "没有找到，或不在你的客户范围内。", "Not found, or outside your customers.", HTTPStatus.NOT_FOUND
    )


def _same(answer: httpx.Response) -> Response:
    retry = {name: answer.headers[name] for name in ("Retry-After",) if name in answer.headers}
    return Response(answer.content, answer.status_code, {**_age(answer), **retry}, "application/json")


def _age(*answers: httpx.Response) -> dict[str, str]:
    """The header that says how old these are: the worst of them."""
    return (
        {HEADER: max(ages, key=float)} if (ages := [a.headers[HEADER] for a in answers if HEADER in a.headers]) else {}
    )


def _whole(merge: Callable[[Iterable[bytes]], Any], answers: list[httpx.Response]) -> Response:
    """What the workers of analytics say together; a refusal of one refuses it."""
    refused = [answer for answer in answers if not answer.is_success]
    if refused or len(answers) == 1:
        return _same((refused or answers)[0])
    try:
        return json_answer(merge([answer.content for answer in answers]), headers=_age(*answers))
    except msgspec.MsgspecError as error:
        raise failed("analytics", "not its counts") from error


def _segment(id: str) -> str:
    """An id as one segment of a path; dots alone would lead to another address."""
    return quote(id, safe="") if id.strip(".") else "%2E" * len(id)


def read_routes(peers: Peers, audit: Audit, guards: Guards, settings: Settings) -> APIRouter:
    """What the system knows: alerts, SMS, work, customers, why, counts, rates, rules."""
    router = APIRouter(prefix="/v1", tags=["read"])
    Reader = Annotated[Principal, Depends(guards(*READERS))]
    recounts = AtMost(_RECOUNTS)

    @router.get("/alerts", name="list_alerts", response_model=list[AlertView])
    async def list_alerts(
        who: Reader, customer: Filter = None, kind: Filter = None, since: Filter = None, state: Filter = None
    ) -> Response:
        query = {"customer": customer, "kind": kind, "since": since, "state": state}
        return _same(await peers.call("alerts", "GET", "/v1/alerts", actor=who, query=query, customer=customer))

    @router.get("/sms", name="list_sms", response_model=list[SmsView])
    async def list_sms(
        who: Reader, customer: Filter = None, since: Filter = None, state: Filter = None, alert: Filter = None
    ) -> Response:
        query = {"customer": customer, "since": since, "state": state, "alert": alert}
        answer = await peers.call("alerts", "GET", "/v1/sms", actor=who, query=query, customer=customer)
        await audit(who, "sms.read", customer or alert or "*", str(answer.status_code))
        return _same(answer)

    @router.get("/work", name="list_work", response_model=list[WorkView])
    async def list_work(
        who: Reader,
        customer: Filter = None,
        kind: Filter = None,
        since: Filter = None,
        state: Filter = None,
        manager: Filter = None,
    ) -> Response:
        query = {"customer": customer, "kind": kind, "since": since, "state": state, "manager": manager}
        return _same(await peers.call("manager-work", "GET", "/v1/work", actor=who, query=query))

    @router.get("/customers/{id}", name="get_customer", response_model=WholeCustomer)
    async def get_customer(who: Reader, id: Id) -> Response:
        """The customer's page: profile with ``alerts``, ``sms`` and ``work`` beside it."""
        query: dict[str, str | None] = {"customer": id}
        profile, alerts, sms, work = await asyncio.gather(
            peers.call(
                "customer-profile", "GET", f"/v1/customers/{_segment(id)}", actor=who, customer=id, owner_only=True
            ),
            peers.call("alerts", "GET", "/v1/alerts", actor=who, query=query, customer=id),
            peers.call("alerts", "GET", "/v1/sms", actor=who, query=query, customer=id),
            peers.call("manager-work", "GET", "/v1/work", actor=who, query=query),
        )
        await audit(who, "customer.read", id, str(profile.status_code))
        for answer in (profile, alerts, sms, work):
            if not answer.is_success:
                return _same(answer)
        try:
            page: dict[str, Any] = _decode_page(profile.content)
        except msgspec.MsgspecError as error:
            raise failed("customer-profile", "not a page") from error
        page |= {"alerts": _Raw(alerts.content), "sms": _Raw(sms.content), "work": _Raw(work.content)}
        return json_answer(page, headers=_age(profile, alerts, sms, work))

    @router.get("/why/{id:path}", name="why", response_model=Chain)
    async def why(who: Reader, id: Id) -> Response:
        return _same(await peers.call("analytics", "GET", f"/v1/why/{_segment(id)}", actor=who))

    @router.get("/counts", name="get_counts", response_model=list[CountView])
    async def get_counts(who: Reader, day: Filter = None, city: Filter = None, kind: Filter = None) -> Response:
        query = {"day": day, "city": city, "kind": kind}
        return _whole(merging.counts, await peers.call_all("analytics", "/v1/counts", actor=who, query=query))

    @router.get("/recount", name="recount", response_model=RecountView)
    async def recount(who: Reader) -> Response:
        limit = settings.recount_timeout
        with recounts:
            found = await peers.call_all("analytics", "/v1/recount", actor=who, timeout=limit)
        return _whole(merging.recounts, found)

    @router.get("/rates", name="get_rates", response_model=list[RateView])
    async def get_rates(who: Reader) -> Response:
        return _same(await peers.call("analytics", "GET", "/v1/rates", actor=who))

    @router.get("/rules", name="list_rules", response_model=list[RuleView])
    async def list_rules(who: Reader) -> Response:
        return _same(await peers.call("alerts", "GET", "/v1/rules", actor=who))

    return router


def item_routes(peers: Peers, projection: Projection, audit: Audit, reader: Guard, sight: Sight) -> APIRouter:
    """Single items by their id. One that somebody may not see is not found, as one that there is not."""
    router = APIRouter(prefix="/v1", tags=["read"])
    Reader = Annotated[Principal, Depends(reader)]

    async def item(service: str, list_: List, id: str, who: Principal) -> Response:
        answer = await peers.call(service, "GET", f"/v1/{list_}/{_segment(id)}", actor=who)
        if answer.is_success:
            try:
                about, visible = _decode_about(answer.content), sight(who, list_)
            except msgspec.MsgspecError as error:
                raise failed(service, "not an item") from error
            if await projection.store.read(lambda connection: is_visible(connection, visible, about)):
                return _same(answer)
        elif answer.status_code != HTTPStatus.NOT_FOUND:
            return _same(answer)
        raise not_found()

    @router.get("/alerts/{id}", name="get_alert", response_model=AlertView)
    async def get_alert(who: Reader, id: Id) -> Response:
        return await item("alerts", "alerts", id, who)

    @router.get("/work/{id}", name="get_work", response_model=WorkView)
    async def get_work(who: Reader, id: Id) -> Response:
        return await item("manager-work", "work", id, who)

    @router.get("/sms/{id}", name="get_sms", response_model=SmsView)
    async def get_sms(who: Reader, id: Id) -> Response:
        answer = await item("alerts", "sms", id, who)
        await audit(who, "sms.read", id, str(answer.status_code))
        return answer

    return router


def action_routes(peers: Peers, guards: Guards) -> APIRouter:
    """What people may do: their work items, and the business clock."""
    router = APIRouter(prefix="/v1", tags=["actions"])
    Worker = Annotated[Principal, Depends(guards(*WORKERS))]
    Reader = Annotated[Principal, Depends(guards(*READERS))]
    Operator = Annotated[Principal, Depends(guards(*OPERATORS))]

    async def act_on(
        work_id: str, action: str, who: Principal, asked: AcceptWork | ActOnWork | CloseWork | None, key: str | None
    ) -> Response:
        path = f"/v1/work/{_segment(work_id)}/{action}"
        headers = {} if key is None else {"Idempotency-Key": key}
        body = {} if asked is None else asked.model_dump(exclude_none=True)
        return _same(await peers.call("manager-work", "POST", path, actor=who.acting, body=body, headers=headers))

    @router.post("/work/{id}/accept", name="accept_work", response_model=WorkChanged)
    async def accept_work(who: Worker, id: Id, asked: AcceptWork | None = None, key: IdempotencyKey = None) -> Response:
        return await act_on(id, "accept", who, asked, key)

    @router.post("/work/{id}/act", name="act_on_work", response_model=WorkChanged)
    async def act_on_work(who: Worker, id: Id, asked: ActOnWork, key: IdempotencyKey = None) -> Response:
        return await act_on(id, "act", who, asked, key)

    @router.post("/work/{id}/close", name="close_work", response_model=WorkChanged)
    async def close_work(who: Worker, id: Id, asked: CloseWork, key: IdempotencyKey = None) -> Response:
        return await act_on(id, "close", who, asked, key)

    @router.get("/clock", name="get_clock", response_model=ClockView)
    async def get_clock(who: Reader) -> Response:
        return _same(await peers.call("billing-sync", "GET", "/v1/clock", actor=who))

    @router.put("/clock", name="set_clock", response_model=ClockView)
    async def set_clock(who: Operator, setting: ClockSetting) -> Response:
        return _same(await peers.call("billing-sync", "PUT", "/v1/clock", actor=who, body=setting.model_dump()))

    return router


def settling_routes(
    peers: Peers, collect: Collect, ends: Ends, ready: Callable[[], tuple[bool, str]], guards: Guards
) -> APIRouter:
    """How the system is doing, and waiting until it has nothing left to do. ``collect`` says where everybody stands,
    ``ready`` how we are ourselves.
    """
    router = APIRouter(prefix="/v1", tags=["operations"], dependencies=[Depends(guards(*READERS))])
    waits = AtMost(_WAITS)

    @router.get("/status", name="get_status", response_model=Status)
    async def get_status() -> Response:
        """Every process with ``ready``, ``detail``, ``lag`` (null: Kafka does not answer), outbox, clock, freshness."""
        collection = await collect()
        limits, health = await asyncio.gather(ends(collection), asyncio.gather(*map(peers.health, peers.processes)))
        standing = standing_of(collection, limits)
        services = {
            name: {"ready": is_ready, "detail": detail, **standing.get(name, {})}
            for name, (is_ready, detail) in zip(("gateway", *peers.processes), (ready(), *health), strict=True)
        }
        return json_answer({"kafka": limits is not None, "services": services})

    @router.get("/wait", name="wait_until_settled", response_model=Settled, responses={504: {"model": NotSettled}})
    async def wait(request: Request, timeout: Annotated[float, Query(gt=0, le=3600)] = 120.0) -> Response:
        """200 once everything is settled; 504 with who is still busy after ``timeout`` seconds."""
        with waits:
            seconds, left = await wait_until_settled(collect, ends, timeout, request.is_disconnected)
        if not left:
            return json_answer({"settled": True, "seconds": round(seconds, 3)})
        busy = [{"service": b.service, "zh": b.zh, "en": b.en} for b in left]
        return json_answer(
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
