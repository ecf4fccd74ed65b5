"""What people may ask: the services' read API behind one address, composed, guarded, audited, within their scope."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from http import HTTPStatus
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response

from contracts.alert_answers import AlertView, SmsView
from contracts.analytics_answers import Chain, CountView, RateView, RecountView
from contracts.http import ClockSetting
from contracts.intake_answers import ClockView
from contracts.platform_answers import NotSettled, Settled, Status
from contracts.registry import SHADOW
from contracts.work_answers import WorkView
from gateway import chain, merging, scoped
from gateway.access.grants import Principal
from gateway.access.viewer import Access, Viewer, not_found
from gateway.audit import Audit
from gateway.identity.guard import Guards
from gateway.peers import Peers, failed, segment
from gateway.projection.visible import About, List
from gateway.scoped import age, same
from gateway.settings import Settings
from gateway.settling import Collect, Ends, left_behind, standing_of, wait_until_settled
from servicekit.answer import json_answer
from servicekit.problem import problem
from servicekit.query import AtMost, Filter, Id
from servicekit.routes import Router

#: who may ask how the platform is doing: whoever reads anything
READERS = ("manager", "head", "city_head", "analyst", "operations", "administrator")
_WAITS, _RECOUNTS = 32, 2
#: lists of more than one customer at once, of all and of one person: a year of all takes seconds
_LISTS, _LISTS_EACH = 8, 2
_decode_chain = msgspec.json.Decoder(dict[str, Any]).decode


def read_routes(peers: Peers, audit: Audit, access: Access, settings: Settings) -> APIRouter:
    """What the system knows: alerts, SMS, work, why, counts, rates."""
    router = Router(prefix="/v1", tags=["read"])
    recounts, lists = AtMost(_RECOUNTS), AtMost(_LISTS, _LISTS_EACH)

    def whole(viewer: Viewer, narrowed_to: str | None) -> AbstractContextManager[None]:
        return lists.of(viewer.who.subject) if narrowed_to is None else nullcontext()

    @router.get("/alerts", name="list_alerts", response_model=list[AlertView])
    async def list_alerts(
        request: Request,
        viewer: Annotated[Viewer, Depends(access.may("alerts"))],
        customer: Filter = None,
        kind: Filter = None,
        since: Filter = None,
        state: Filter = None,
    ) -> Response:
        query = {"customer": customer, "kind": kind, "since": since, "state": state}
        ask = partial(peers.call, "alerts", "GET", "/v1/alerts", actor=viewer.who, query=query, customer=customer)
        place, gone = whole(viewer, customer), request.is_disconnected
        return await scoped.listed(access, viewer.scope, "alerts", "alerts", ask, place, gone)

    @router.get("/sms", name="list_sms", response_model=list[SmsView])
    async def list_sms(
        request: Request,
        viewer: Annotated[Viewer, Depends(access.may("sms"))],
        customer: Filter = None,
        since: Filter = None,
        state: Filter = None,
        alert: Filter = None,
    ) -> Response:
        query = {"customer": customer, "since": since, "state": state, "alert": alert}
        ask = partial(peers.call, "alerts", "GET", "/v1/sms", actor=viewer.who, query=query, customer=customer)
        place, gone = whole(viewer, customer or alert), request.is_disconnected
        found = await scoped.listed(access, viewer.scope, "alerts", "sms", ask, place, gone)
        await audit(viewer.who, "sms.read", customer or alert or "*", str(found.status_code))
        return found

    @router.get("/work", name="list_work", response_model=list[WorkView])
    async def list_work(
        request: Request,
        viewer: Annotated[Viewer, Depends(access.may("work"))],
        customer: Filter = None,
        kind: Filter = None,
        since: Filter = None,
        state: Filter = None,
        manager: Filter = None,
    ) -> Response:
        query = {"customer": customer, "kind": kind, "since": since, "state": state, "manager": manager}
        ask = partial(peers.call, "manager-work", "GET", "/v1/work", actor=viewer.who, query=query)
        place, gone = whole(viewer, customer), request.is_disconnected
        return await scoped.listed(access, viewer.scope, "manager-work", "work", ask, place, gone)

    @router.get("/why/{id:path}", name="why", response_model=Chain)
    async def why(viewer: Annotated[Viewer, Depends(access.may("why"))], id: Id) -> Response:
        """The chain of facts behind an id; of other customers than those in scope nothing."""
        answer = await peers.call("analytics", "GET", f"/v1/why/{segment(id)}", actor=viewer.who)
        is_unknown = answer.status_code == HTTPStatus.NOT_FOUND
        # Of rules in shadow only those may know who may change rules.
        looks = (await access.viewer(viewer.who, "rules", "change")).scope
        tells_none = answer.is_success and SHADOW not in answer.text
        is_whole = viewer.scope.is_everything and (looks.is_everything or tells_none)
        if is_whole or not (answer.is_success or is_unknown):
            return same(answer)
        try:
            links = [] if is_unknown else _decode_chain(answer.content)["chain"]
            named = chain.customers_of(links)
            subjects = dict(zip(named, await access.subjects("work", *named), strict=True))

            def sees(link: chain.Link, about: About) -> bool:
                scopes = (viewer.scope, looks) if chain.is_in_shadow(link) else (viewer.scope,)
                return all(scope.allows_about(subjects[about], about) for scope in scopes)

            found = chain.seen_of(links, id, sees, of_nobody=viewer.scope.is_everything)
        except (msgspec.MsgspecError, KeyError, TypeError, AttributeError) as error:
            raise failed("analytics", "not a chain") from error
        if not found:
            raise not_found()
        return json_answer({"id": id, "chain": found}, headers=age(answer))

    @router.get("/counts", name="get_counts", response_model=list[CountView])
    async def get_counts(
        viewer: Annotated[Viewer, Depends(access.may("overview"))],
        day: Filter = None,
        city: Filter = None,
        kind: Filter = None,
    ) -> Response:
        """Sums by city; of the cities that are in scope as a whole."""
        query = {"day": day, "city": city, "kind": kind}
        found = await peers.call_all("analytics", "/v1/counts", actor=viewer.who, query=query)
        return scoped.sums(viewer.scope, "analytics", scoped.whole("analytics", merging.counts, found))

    @router.get("/recount", name="recount", response_model=RecountView)
    async def recount(viewer: Annotated[Viewer, Depends(access.everywhere("overview"))]) -> Response:
        """Of the whole province only."""
        with recounts:
            limit = settings.recount_timeout
            found = await peers.call_all("analytics", "/v1/recount", actor=viewer.who, timeout=limit)
        return same(scoped.whole("analytics", merging.recounts, found))

    @router.get("/rates", name="get_rates", response_model=list[RateView])
    async def get_rates(viewer: Annotated[Viewer, Depends(access.may("overview"))]) -> Response:
        """Live rates by city; of the cities that are in scope as a whole."""
        answer = await peers.call("analytics", "GET", "/v1/rates", actor=viewer.who)
        return scoped.sums(viewer.scope, "analytics", answer)

    return router


def item_routes(peers: Peers, audit: Audit, access: Access) -> APIRouter:
    """Single items by their id. One that somebody may not see is not found, as one that there is not."""
    router = Router(prefix="/v1", tags=["read"])

    async def item(service: str, list_: List, id: str, viewer: Viewer) -> Response:
        answer = await peers.call(service, "GET", f"/v1/{list_}/{segment(id)}", actor=viewer.who)
        return await scoped.item(access, viewer.scope, service, list_, answer)

    @router.get("/alerts/{id}", name="get_alert", response_model=AlertView)
    async def get_alert(viewer: Annotated[Viewer, Depends(access.may("alerts"))], id: Id) -> Response:
        return await item("alerts", "alerts", id, viewer)

    @router.get("/work/{id}", name="get_work", response_model=WorkView)
    async def get_work(viewer: Annotated[Viewer, Depends(access.may("work"))], id: Id) -> Response:
        return await item("manager-work", "work", id, viewer)

    @router.get("/sms/{id}", name="get_sms", response_model=SmsView)
    async def get_sms(viewer: Annotated[Viewer, Depends(access.may("sms"))], id: Id) -> Response:
        answer = await item("alerts", "sms", id, viewer)
        await audit(viewer.who, "sms.read", id, str(answer.status_code))
        return answer

    return router


def clock_routes(peers: Peers, audit: Audit, access: Access, guards: Guards) -> APIRouter:
    """What people may do to the platform itself: set its business clock."""
    router = Router(prefix="/v1", tags=["actions"])

    @router.get("/clock", name="get_clock", response_model=ClockView)
    async def get_clock(who: Annotated[Principal, Depends(guards(*READERS))]) -> Response:
        return same(await peers.call("billing-sync", "GET", "/v1/clock", actor=who))

    @router.put("/clock", name="set_clock", response_model=ClockView)
    async def set_clock(
        who: Annotated[Principal, Depends(access.guard("feeds", "change"))], setting: ClockSetting
    ) -> Response:
        answer = await peers.call("billing-sync", "PUT", "/v1/clock", actor=who, body=setting.model_dump())
        await audit(who, "clock.set", str(setting.at), str(answer.status_code))
        return same(answer)

    return router


def settling_routes(
    peers: Peers, collect: Collect, ends: Ends, ready: Callable[[], tuple[bool, str]], guards: Guards
) -> APIRouter:
    """How the system is doing, and waiting until it has nothing left to do. ``collect`` says where everybody stands,
    ``ready`` how we are ourselves.
    """
    router = Router(prefix="/v1", tags=["operations"], dependencies=[Depends(guards(*READERS))])
    waits = AtMost(_WAITS)

    @router.get("/status", name="get_status", response_model=Status)
    async def get_status() -> Response:
        """Every process with ``ready``, ``detail``, ``lag`` (null: Kafka does not answer), outbox, clock, freshness."""
        health, (collection, limits) = await asyncio.gather(
            asyncio.gather(*map(peers.health, peers.processes)), left_behind(collect, ends)
        )
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
        return problem(
            HTTPStatus.GATEWAY_TIMEOUT,
            "not_settled",
            f"{timeout:g} 秒后仍未静止：" + "；".join(f"{b.service} {b.zh}" for b in left),
            f"not settled after {timeout:g} s: " + "; ".join(f"{b.service} {b.en}" for b in left),
            settled=False,
            seconds=round(seconds, 3),
            busy=busy,
        )

    return router
