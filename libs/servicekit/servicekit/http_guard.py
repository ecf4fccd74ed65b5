"""What stands before every route: the token is looked at before a byte of the body is read, and a body has a limit."""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from fastapi import APIRouter, Request
from fastapi.routing import APIRoute
from starlette.requests import ClientDisconnect
from starlette.routing import Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from servicekit import correlation
from servicekit.auth import Guard
from servicekit.decision import Refused
from servicekit.problem import REFUSALS, Problem, answer_to

if TYPE_CHECKING:
    from fastapi.dependencies.models import Dependant

BODY_BYTES = 1 << 20
BODY_SECONDS = 30.0


class Doorway:
    """ASGI middleware. FastAPI reads and parses a body before it asks the dependencies: this asks the guards of the
    route first (401, 403), then counts what comes in, chunked or declared, and stops at ``limit`` bytes (413) or after
    ``seconds`` (408). While the service stops, its stores may be closed: 503.

    What follows an answer is thrown away by the server as it arrives; it never gathers in memory.
    """

    def __init__(
        self,
        app: ASGIApp,
        routers: Sequence[APIRouter],
        limit: int,
        seconds: float = BODY_SECONDS,
        is_stopping: Callable[[], bool] = lambda: False,
    ) -> None:
        self._app, self._limit, self._seconds, self._is_stopping = app, limit, seconds, is_stopping
        self._routes = [(r, tuple(guards_of(r.dependant))) for r in _routes_of(routers)]
        self._direct = {
            (method, route.path): (route, guards)
            for route, guards in self._routes
            if isinstance(route, DirectRoute)
            for method in route.methods or ()
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        request = Request(scope, counted := self._counted(receive))
        correlation.begin(request.headers.get(correlation.HEADER))
        answer: ASGIApp
        try:
            if _has_two_lengths(scope):
                raise _ambiguous()
            route, guards = self._direct.get((scope["method"], scope["path"])) or self._found(scope)
            for guard in guards:
                await guard(request)
            if guards and self._is_stopping():
                raise Refused("stopping", "服务正在停止，请稍候", "the service is stopping; try again shortly", 503)
            if _declared(request) > self._limit:
                raise self._too_long()
            answer = self._app if route is None else await route.endpoint(request)
        except REFUSALS as refusal:
            answer = answer_to(refusal, scope["path"])
        except ClientDisconnect:
            return  # in the midst of its body: nobody is left to be answered, and we have not failed
        await answer(scope, counted, send)

    def _found(self, scope: Scope) -> tuple[None, tuple[Guard, ...]]:
        return None, next((guards for route, guards in self._routes if route.matches(scope)[0] is Match.FULL), ())

    def _counted(self, receive: Receive) -> Receive:
        seen, until = 0, asyncio.get_running_loop().time() + self._seconds
        is_whole = False

        async def counted() -> Message:
            nonlocal seen, is_whole
            try:
                # Behind the body only the end of the connection comes, whenever that may be.
                async with asyncio.timeout_at(None if is_whole else until):
                    message = await receive()
            except TimeoutError:
                raise self._too_slow() from None
            is_whole = not message.get("more_body", False)
            seen += len(message.get("body", b""))
            if seen > self._limit:
                raise self._too_long()
            return message

        return counted

    def _too_long(self) -> Problem:
        limit = f"{self._limit >> 20} MiB" if self._limit >= 1 << 20 else f"{self._limit} B"
        return Problem(413, "too_long", f"请求体超过 {limit}；请分批发送", f"body over {limit}; send smaller pieces")

    def _too_slow(self) -> Problem:
        s = self._seconds
        return Problem(408, "too_slow", f"请求体未在 {s:g} 秒内送完", f"the body was not here within {s:g} s")


class DirectRoute(APIRoute):
    """A route of many requests a second, its path without parameters: its endpoint takes the request as it is and gives
    back its own answer, so that FastAPI has nothing to find, parse, inject or check; ``Doorway`` calls it.
    """


def _has_two_lengths(scope: Scope) -> bool:
    return {b"content-length", b"transfer-encoding"} <= {name for name, _ in scope["headers"]}


def _ambiguous() -> Problem:
    """A proxy before us may take the other length for true, and what follows for somebody else's request: the
    connection ends with the answer (RFC 9112, 6.3)."""
    zh, en = "Content-Length 与 Transfer-Encoding 不能并用", "Content-Length and Transfer-Encoding exclude each other"
    return Problem(400, "bad_request", zh, en, {"Connection": "close"})


def _declared(request: Request) -> int:
    """How long the body is to be."""
    try:
        return int(request.headers.get("content-length") or 0)
    except ValueError:
        raise Problem(400, "bad_request", "Content-Length 不是数字", "Content-Length is no number") from None


def guards_of(dependant: "Dependant") -> Iterator[Guard]:
    """The guards a route depends on, its router's included."""
    for each in dependant.dependencies:
        if isinstance(each.call, Guard):
            yield each.call
        yield from guards_of(each)


def _routes_of(routers: Iterable[APIRouter]) -> Iterator[APIRoute]:
    for router in routers:
        for route in router.routes:
            if not isinstance(route, APIRoute):
                raise TypeError(f"{route} of {router} would not be guarded: give its router to the service itself")
            yield route
