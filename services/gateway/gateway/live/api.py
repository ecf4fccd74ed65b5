"""``GET /v1/live``: server-sent events of what changes in alerts, work items and SMS, as the lists show their rows.

``event``: the list that a row is of, or ``reset``: read everything anew; ``position`` says of when all of it is and
comes at least every few seconds, so that a quiet connection and a dead one look different. ``id``: where to go on,
given back as ``Last-Event-ID``.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Annotated

import msgspec
from fastapi import APIRouter, Depends, Header, Request
from fastapi.responses import StreamingResponse
from fastapi.sse import format_sse_event
from starlette.types import Receive, Send
from starlette.types import Scope as Connection

from gateway.access.grants import Principal
from gateway.access.viewer import Access
from gateway.audit import Audit
from gateway.live.changes import TOLD, place_of
from gateway.live.streams import Listener, Scopes, Streams
from gateway.projection.follow import Projection
from servicekit.age import moment
from servicekit.decision import Refused
from servicekit.problem import Problem
from servicekit.routes import Router
from servicekit.store import Transient

#: how often it is said of when all this is, and looked up anew whether who listens may
POSITION_SECONDS = 5.0
_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


class LiveStream(StreamingResponse):
    """Server-sent events that are made up already; ``ended`` is called however the connection ends, also before the
    first of them was asked for."""

    media_type = "text/event-stream"

    def __init__(self, messages: AsyncIterator[bytes], ended: Callable[[], None]) -> None:
        super().__init__(messages, headers=_HEADERS)
        self._ended = ended

    async def __call__(self, scope: Connection, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._ended()


def live_routes(projection: Projection, streams: Streams, access: Access, audit: Audit) -> APIRouter:
    """The route; ``streams`` are told by a job."""
    router = Router(prefix="/v1", tags=["live"])
    guard = access.guard("alerts", "see")

    async def scopes_of(who: Principal) -> Scopes:
        return {list_: (await access.viewer(who, list_)).scope for list_ in TOLD}

    def position() -> bytes:
        told = msgspec.json.encode(moment(projection.as_of())).decode()
        return format_sse_event(event="position", data_str=told)

    async def messages(request: Request, listener: Listener) -> AsyncIterator[bytes]:
        loop = asyncio.get_running_loop()
        yield position()
        looked_at = loop.time()
        while not listener.ended:
            if found := await listener.take(max(0.0, looked_at + POSITION_SECONDS - loop.time())):
                yield found
            if loop.time() < looked_at + POSITION_SECONDS:
                continue
            looked_at = loop.time()
            try:
                scopes = await scopes_of(await guard.again(request))
            except (Problem, Refused, Transient):
                return  # the next connection is told why
            if scopes != listener.scopes:
                await streams.narrow(listener, scopes)
            yield position()

    @router.get(
        "/live",
        name="live",
        response_class=StreamingResponse,  # not that of the answer: refusals would be called streams, too
        responses={200: {"content": {LiveStream.media_type: {}}}},
    )
    async def live(
        request: Request,
        who: Annotated[Principal, Depends(guard)],
        last_event_id: Annotated[str | None, Header(max_length=100)] = None,
    ) -> LiveStream:
        """Goes on behind ``Last-Event-ID`` without gap or repeat; one that we did not give out, or of a read model that
        was made anew since, gets ``reset``."""
        scopes = await scopes_of(who)
        await audit(who, "live", "*", "200")
        since = place_of(last_event_id)
        listener = await streams.join(scopes, since)
        if last_event_id is not None and since is None:
            await streams.narrow(listener, scopes)
        return LiveStream(messages(request, listener), lambda: streams.leave(listener))

    return router
