"""A read says how old it is at most: the header ``Kam-Seconds-Behind``."""

from collections.abc import Callable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADER = "Kam-Seconds-Behind"
_PREFIX = "/v1/"


class Age:
    """ASGI middleware: what a GET route answers is at most ``seconds_behind`` older than what has come in (None: it
    keeps nothing of its own, and answers say themselves how old they are).
    """

    def __init__(self, app: ASGIApp, seconds_behind: Callable[[], float | None]) -> None:
        self._app, self._seconds_behind = app, seconds_behind

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "GET" or not scope["path"].startswith(_PREFIX):
            return await self._app(scope, receive, send)
        behind = self._seconds_behind()
        if behind is None:
            return await self._app(scope, receive, send)
        header = (HEADER.lower().encode(), f"{behind:.3f}".encode())

        async def aged(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), header]
            await send(message)

        await self._app(scope, receive, aged)
