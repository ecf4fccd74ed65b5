"""Connections of HTTP clients that say nothing, or too little at a time, do not stay: uvicorn waits for ever for the
first request of a connection and for the rest of a refused one's body, and each holds a file descriptor."""

from __future__ import annotations

import asyncio
from typing import Any

import h11
import structlog
from uvicorn.protocols.http.h11_impl import H11Protocol

from servicekit import problem
from servicekit.auth import CLAIMS

log = structlog.get_logger()
_BODY = bytes(problem.problem(400, "bad_request", "不是 HTTP 请求", "this is no HTTP request").body)
_HEADERS = [("content-type", "application/json"), ("content-length", str(len(_BODY))), ("connection", "close")]


class Connection(H11Protocol):
    """Closed after ``PATIENCE`` seconds in which no request of it came, was answered or its answer taken. Above
    ``MOST`` of them the one that has said nothing for longest gives way to a new one, so that nobody is locked out."""

    PATIENCE = 15.0
    MOST = 1000

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._heard_at = self.loop.time()
        if len(self.connections) > self.MOST:
            self._make_room()
        self._look_again((None, 0))

    def data_received(self, data: bytes) -> None:
        self._heard_at = self.loop.time()
        super().data_received(data)

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

    def _make_room(self) -> None:
        """Whoever has been answered, takes no answer or has shown no token may ask again: those whose request is being
        worked on stay."""
        others = [c for c in self.connections if isinstance(c, Connection) and c is not self]
        idle = [c for c in others if not c.transport.is_closing() and (c._left or not c._is_known)]
        given_up = min(idle, key=lambda c: c._heard_at, default=self)
        log.warning("http.too_many_connections", most=self.MOST, client=given_up.client)
        given_up.transport.abort()

    @property
    def _is_served(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    @property
    def _is_known(self) -> bool:
        """Somebody with a token is being served."""
        return self._is_served and CLAIMS in self.cycle.scope

    @property
    def _left(self) -> int:
        """Octets of answers that have not been taken."""
        return int(self.transport.get_write_buffer_size())

    def _look_again(self, seen: Any) -> None:
        self._look = self.loop.call_later(self.PATIENCE, self._watch, seen)

    def _watch(self, seen: Any) -> None:
        """``seen``: the request it was about when looked at before, and how much of the answer had not been taken."""
        left = self._left
        if (self.cycle, left) != seen or (self._is_served and not left):
            self._look_again((self.cycle, left))
        elif left:
            self.transport.abort()
        else:
            self.transport.close()
