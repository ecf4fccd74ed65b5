"""A read says how old it is at most: the header ``Kam-Seconds-Behind``."""

import math
from collections.abc import Callable
from datetime import datetime
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from servicekit.clock import iso, system_now

HEADER = "Kam-Seconds-Behind"
_PREFIX = "/v1/"


def moment(as_of: datetime | None) -> dict[str, Any]:
    """Of when an answer is, as bodies say it: everything up to ``as_of`` (system time) is in it; None: not known."""
    if as_of is None:
        return {"as_of": None, "seconds_behind": None}
    behind = max(0.0, (system_now() - as_of).total_seconds())
    return {"as_of": iso(as_of), "seconds_behind": round(behind, 3)}


def seconds(told: str) -> float | None:
    """What the header says; None: nothing that is a number of seconds, as if it were not there."""
    try:
        behind = float(told)
    except ValueError:
        return None
    return behind if math.isfinite(behind) and behind >= 0 else None


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
