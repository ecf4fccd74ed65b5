"""HTTP: the real-time feed, the business clock, and nightly files. Thin: every write is a job of the intake."""

import asyncio
from collections.abc import Callable, Container, Iterator
from contextlib import contextmanager
from datetime import date
from functools import partial
from typing import Annotated, Any, Literal
from urllib.parse import unquote

import msgspec
from fastapi import APIRouter, Depends, HTTPException, Path, Query, Request
from fastapi.responses import Response

from billing_sync.clock import instant_of
from billing_sync.domain.events import UNREADABLE, FeedEvent, Rejection, binary, event_of, rejection, structured
from billing_sync.domain.reasons import Bad
from billing_sync.intake import Events, Intake, SetClock
from billing_sync.nightly.held import held_of
from billing_sync.nightly.loader import Loader
from billing_sync.nightly.names import stem_of
from billing_sync.settings import Settings
from billing_sync.steps import SayOfStep
from billing_sync.switches import Order, Place, TakeBack, placed_after
from contracts.answers import PlacedView
from contracts.brake import Part
from contracts.document_orders import SwitchOrder
from contracts.feeds import FeedEvents, FileDay, RejectPart
from contracts.http import ClockSetting
from contracts.intake_answers import ClockView, EventReceipt, FileReceiptView, Waiting
from contracts.releases import RELEASE_ID, DecideRelease, DecideStep, ReleaseView, WordView
from servicekit.answer import json_answer
from servicekit.auth import Guard, Principal
from servicekit.clock import iso, system_now
from servicekit.decision import Refused
from servicekit.http_guard import DirectRoute
from servicekit.routes import Router

_STRUCTURED, _BATCH = "application/cloudevents+json", "application/cloudevents-batch+json"
ReleaseId = Annotated[str, Path(pattern=RELEASE_ID)]
_BATCH_EVENTS = 50_000
_FIRST, _LAST = date(2000, 1, 1), date(9000, 1, 1)


def routes(
    settings: Settings, intake: Callable[[], Intake], loader: Callable[[], Loader], revoked: Container[object] = ()
) -> APIRouter:
    """The service's routes. ``intake`` and ``loader`` raise ``Refused`` (503) while the service is starting;
    ``revoked``: ids of tokens that are good no more.
    """
    router = Router()
    bodies = _Bodies(settings.body_bytes, max(settings.queue_bytes, settings.body_bytes))
    guard = partial(Guard, settings.secret_file, revoked=revoked)
    feeder = Depends(guard("integrator", "service"))
    operator = Depends(guard("operations", "administrator", "service"))
    reader = Depends(guard("integrator", "operations", "administrator", "service"))

    async def feed_events(request: Request) -> Response:
        """One CloudEvent (structured or binary) or a batch; answers when they are stored, a receipt each."""
        writer = intake()
        if writer.is_behind(settings.queue_jobs, settings.queue_events):
            raise _busy(writer.downstream.retry_after)
        with bodies.one() as body:
            await body.read(request)
            events, single = _read(request, bytes(body.content))
            body.holds(len(events), settings.queue_events - writer.relay.pending)
            now = writer.system_clock()
            receipts = await writer.submit(Events([_item(event, now) for event in events]))
        return json_answer(receipts[0] if single else receipts, 202)

    router.add_api_route(
        "/v1/events",
        feed_events,
        methods=["POST"],
        name="feed_events",
        status_code=202,
        response_model=EventReceipt | list[EventReceipt],
        dependencies=[feeder],
        tags=["feed"],
        route_class_override=DirectRoute,
    )

    @router.get("/v1/clock", name="get_clock", response_model=ClockView, dependencies=[reader], tags=["clock"])
    async def get_clock() -> Response:
        """Business time now; null while unset."""
        writer = intake()
        reached = writer.reading()
        return json_answer({"mode": writer.clock.mode, "clock": None if reached is None else iso(reached)})

    @router.put("/v1/clock", name="set_clock", response_model=ClockView, dependencies=[operator], tags=["clock"])
    async def set_clock(setting: ClockSetting) -> Response:
        """Move the business clock on by hand."""
        writer = intake()
        reached = await writer.submit(SetClock(instant_of(setting.at)))
        return json_answer({"mode": writer.clock.mode, "clock": iso(reached)})

    @router.get(
        "/v1/files", name="list_files", response_model=list[FileReceiptView], dependencies=[reader], tags=["files"]
    )
    async def list_files(name: str | None = None) -> Response:
        """Receipts of a file, newest last, and how it stands in the inbox; without a name, all that lies there."""
        return json_answer(loader().listing() if name is None else await loader().status(name))

    @router.get("/v1/files/day", name="list_day", response_model=FileDay, dependencies=[reader], tags=["files"])
    async def list_day(date: date | None = None) -> Response:
        """Files of a business day, and what came the night before but has not come; without a day, the newest."""
        if date is not None and not _FIRST < date < _LAST:
            raise Refused("bad_date", "日期超出范围", "the date is out of range", 422, "date")
        return json_answer(await loader().day(date))

    @router.get(
        "/v1/files/{name}/rejected",
        name="read_rejected",
        response_model=RejectPart,
        dependencies=[Depends(guard("service"))],
        tags=["files"],
    )
    async def read_rejected(name: str, offset: Annotated[int, Query(ge=0, le=1 << 40)] = 0) -> Response:
        """A part of the newest reject file of this name. It holds personal data: only for the gateway, which audits."""
        found = await asyncio.to_thread(loader().rejected, name, offset)
        if found is None:
            raise Refused("not_found", "没有这个文件的拒收明细", "there is no reject file of this name", 404)
        return json_answer({"file": stem_of(name), "text": found[0], "next": found[1]})

    @router.get(
        "/v1/events/sources", name="list_sources", response_model=FeedEvents, dependencies=[reader], tags=["feed"]
    )
    async def list_sources() -> Response:
        """Who sends live events, how many, and when they were last heard."""
        writer, now = intake(), system_now()
        return json_answer(
            {
                "sources": list(writer.heard.told(now)),
                "last_at": writer.position.marks.get("fed"),
                "seconds_behind": round(writer.downstream.seconds, 3),
                "as_of": iso(now),
            }
        )

    @router.post(
        "/v1/files/scan",
        name="scan_files",
        status_code=202,
        response_model=Waiting,
        dependencies=[reader],
        tags=["files"],
    )
    async def scan_files() -> Response:
        """Look into the inbox now."""
        loader().wake()
        return json_answer({"waiting": loader().waiting()}, 202)

    service = Depends(guard("service"))

    @router.get(
        "/v1/releases",
        name="list_releases",
        response_model=list[ReleaseView],
        dependencies=[service],
        tags=["releases"],
    )
    async def list_releases() -> Response:
        """Files that wait for a person's word, then those that waited, newest first."""
        return json_answer([held.plain() for held in await held_of(intake())])

    @router.post("/v1/releases/{release_id}/go", name="go_release", response_model=ReleaseView, tags=["releases"])
    async def go_release(who: Annotated[Principal, service], release_id: ReleaseId, asked: DecideRelease) -> Response:
        """It is loaded, as it was shown."""
        return json_answer((await loader().decide(release_id, "released", who.subject, asked.why)).plain())

    @router.post(
        "/v1/releases/{release_id}/reject", name="reject_release", response_model=ReleaseView, tags=["releases"]
    )
    async def reject_release(
        who: Annotated[Principal, service], release_id: ReleaseId, asked: DecideRelease
    ) -> Response:
        """It is turned away; nothing of it was loaded."""
        return json_answer((await loader().decide(release_id, "rejected", who.subject, asked.why)).plain())

    @router.post("/v1/steps/{release_id}/{verdict}", name="decide_step", response_model=WordView, tags=["releases"])
    async def decide_step(
        who: Annotated[Principal, service],
        release_id: ReleaseId,
        verdict: Literal["released", "rejected"],
        asked: DecideStep,
    ) -> Response:
        """A person's word on what the brake of alerts holds, written to every partition, once. Whether there is such a
        thing has been looked at."""
        seen = {partition: Part(places=part.places, count=part.count) for partition, part in asked.parts.items()}
        return json_answer(await intake().submit(SayOfStep(release_id, verdict, who.subject, asked.why, seen)))

    @router.post(
        "/v1/switches", name="place_switch", response_model=PlacedView, dependencies=[service], tags=["switches"]
    )
    async def place_switch(order: SwitchOrder) -> Response:
        """A version of a document comes into force, at one place of the log on every partition; the same order again is
        answered with the same place."""
        return json_answer(await intake().submit(Place(Order(**order.model_dump()))))

    @router.get(
        "/v1/switches", name="list_switches", response_model=list[PlacedView], dependencies=[service], tags=["switches"]
    )
    async def list_switches(after: Annotated[int, Query(ge=0, le=1 << 53)] = 0, kind: str | None = None) -> Response:
        """Switches with a greater number, a thousand at most, then those that wait for their day."""
        return json_answer(await placed_after(intake(), after, kind))

    @router.delete(
        "/v1/switches/{order_id}", name="take_back_switch", status_code=204, dependencies=[service], tags=["switches"]
    )
    async def take_back_switch(order_id: str) -> Response:
        """An order that waits is given up."""
        await intake().submit(TakeBack(order_id))
        return Response(status_code=204)

    return router


class _Bodies:
    """Bodies of requests that are not answered yet: each up to ``limit`` bytes, together no more than ``most``; and how
    many events they are."""

    def __init__(self, limit: int, most: int) -> None:
        self.limit, self.most, self.at_hand, self.events = limit, most, 0, 0

    @contextmanager
    def one(self) -> Iterator["_Body"]:
        body = _Body(self)
        try:
            yield body
        finally:
            self.at_hand -= len(body.content)
            self.events -= body.events


class _Body:
    def __init__(self, bodies: _Bodies) -> None:
        self._bodies, self.content, self.events = bodies, bytearray(), 0

    async def read(self, request: Request) -> None:
        """Only as far as it may be long, and as there is room for it. Raises 413, 429."""
        limit = self._bodies.limit
        declared = request.headers.get("content-length", "")
        if declared.isdigit() and int(declared) > limit:
            raise _too_long(limit)
        async for chunk in request.stream():
            self.content += chunk
            self._bodies.at_hand += len(chunk)
            if len(self.content) > limit:
                raise _too_long(limit)
            if self._bodies.at_hand > self._bodies.most:
                raise _busy()

    def holds(self, events: int, most: int) -> None:
        """So many events, taken if all at hand are no more than ``most``; where there are no others, always. Raises
        429."""
        if self._bodies.events and self._bodies.events + events > most:
            raise _busy()
        self.events = events
        self._bodies.events += events


def _too_long(limit: int) -> HTTPException:
    return HTTPException(
        413, f"请求体超过 {limit >> 20} MiB；请分批发送 / body over {limit >> 20} MiB; send smaller batches"
    )


def _busy(seconds: int = 1) -> HTTPException:
    text = "处理不过来，请稍后重发 / we can't keep up; send again later"
    return HTTPException(429, text, {"Retry-After": str(seconds)})


def _read(request: Request, body: bytes) -> tuple[list[Any], bool]:
    """Events of a request as they came (``Bad`` in place of one that can't be read), and whether it is a single one."""
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media == _BATCH:
        try:
            parts = msgspec.json.decode(body, type=list[msgspec.Raw])
        except UNREADABLE as error:
            raise _unreadable(Bad(None, f"应为 JSON 数组：{error}", f"must be a JSON array: {error}")) from error
        if len(parts) > _BATCH_EVENTS:
            # More real events than this don't fit into a body; of anything smaller each would be answered and told.
            raise HTTPException(
                413, f"一批超过 {_BATCH_EVENTS} 条；请分批发送 / over {_BATCH_EVENTS} events; send fewer"
            )
        return [_part(raw) for raw in parts], False
    if media == _STRUCTURED:
        try:
            return [structured(body)], True
        except Bad as bad:
            raise _unreadable(bad) from bad
    if any(name.startswith("ce-") for name in request.headers):
        return [binary({n: unquote(v) for n, v in request.headers.items()}, "ce-", body)], True
    raise HTTPException(
        415,
        f"Content-Type 应为 {_STRUCTURED}、{_BATCH}，或以 ce-* 头发送 / use one of these types, or ce-* headers",
    )


def _unreadable(bad: Bad) -> HTTPException:
    return HTTPException(400, str(bad))


def _part(raw: msgspec.Raw) -> Any:
    try:
        return structured(bytes(raw))
    except Bad as bad:
        return bad


def _item(event: Any, now: Any) -> FeedEvent | Rejection:
    if isinstance(event, Bad):
        return rejection(None, event)
    try:
        return event_of(event, now)
    except Bad as bad:
        return rejection(event, bad)
