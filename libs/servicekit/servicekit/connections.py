"""Connections of HTTP clients that say nothing, or too little at a time, do not stay: uvicorn waits for ever for the
first request of a connection and for the rest of a refused one's body, and each holds a file descriptor."""

from __future__ import annotations

import asyncio
from typing import Any

import h11
import structlog
from uvicorn.protocols.http.h11_impl import H11Protocol

from servicekit import problem

log = structlog.get_logger()
_BODY = bytes(problem.problem(400, "bad_request", "不是 HTTP 请求", "this is no HTTP request").body)
_HEADERS = [("content-type", "application/json"), ("content-length", str(len(_BODY))), ("connection", "close")]


class Connection(H11Protocol):
    """Closed after ``PATIENCE`` seconds in which no request of it came, was answered or its answer taken; above
    ``MOST`` of them a new one is closed at once."""

    PATIENCE = 15.0
    MOST = 1000

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > self.MOST:
            log.warning("http.too_many_connections", most=self.MOST)
            transport.abort()
            return
        self._look_again((None, 0))

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if (look := getattr(self, "_look", None)) is not None:
            look.cancel()

    def send_400_response(self, msg: str) -> None:
        """What is no HTTP is refused in the one shape, too; in the midst of an answer there is nothing to say."""
        try:
            answer = h11.Response(status_code=400, headers=_HEADERS, reason=b"Bad Request")
            said = [self.conn.send(event) for event in (answer, h11.Data(data=_BODY), h11.EndOfMessage())]
            self.transport.write(b"".join(piece for piece in said if piece))
        except h11.LocalProtocolError:
            log.debug("http.broken_off", reason=msg)
        self.transport.close()

    def _look_again(self, seen: Any) -> None:
        self._look = self.loop.call_later(self.PATIENCE, self._watch, seen)

    def _watch(self, seen: Any) -> None:
        """``seen``: the request it was about when looked at before, and how much of the answer had not been taken."""
        is_served = self.cycle is not None and not self.cycle.response_complete
        left = self.transport.get_write_buffer_size()
        if is_served or (self.cycle, left) != seen:
            self._look_again((self.cycle, left))
        elif left:
            self.transport.abort()
        else:
            self.transport.close()
