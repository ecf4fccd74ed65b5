"""Connections of HTTP clients. Those that say nothing, or too little at a time, do not stay: uvicorn waits for ever for
the first request of a connection and for the rest of a refused one's body, and each holds a file descriptor.

Requests are read by llhttp (``httptools``): a parser in Python takes a third of what a single event costs at the feed.
What uvicorn leaves open around it is closed here: how long a head may be, how many requests wait on a connection, that
something that is no HTTP is answered in its turn, and that whoever is served before others learns that the client left.
"""

from __future__ import annotations

import asyncio
import re
from enum import Enum
from typing import Any

import structlog
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from servicekit import problem
from servicekit.auth import CLAIMS

log = structlog.get_logger()
_BODY = bytes(problem.problem(400, "bad_request", "不是 HTTP 请求", "this is no HTTP request").body)
_REFUSAL = (
    b"HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\n"
    b"content-length: %d\r\nconnection: close\r\n\r\n%b" % (len(_BODY), _BODY)
)
#: octets of a request's first line and headers together, and of what may come behind a body in chunks
_MOST_OF_HEAD = 64 << 10
#: requests of a connection that wait for those before them
_MOST_WAITING = 100
_UPGRADE = re.compile(rb"\r\nupgrade:", re.IGNORECASE)


class _Place(Enum):
    """Where the parser stands. ``BEHIND``: behind the head of a chunk, which may be the last, with lines to follow."""

    BETWEEN, HEAD, BODY, BEHIND = range(4)


#: the parser gathers a line there until it is whole
_LINES = (_Place.HEAD, _Place.BEHIND)


class Connection(HttpToolsProtocol):
    """Closed after ``PATIENCE`` seconds in which no request of it came, was answered or its answer taken. Above
    ``MOST`` of them the one that has said nothing for longest gives way to a new one, so that nobody is locked out."""

    PATIENCE = 15.0
    MOST = 1000

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        #: the request that is being answered; ``cycle`` is the one that came last
        self._served: RequestResponseCycle | None = None
        self._is_refused = False
        self._place = _Place.BETWEEN
        self._head_octets = self._line_octets = 0
        self._begun = b""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._heard_at = self.loop.time()
        if len(self.connections) > self.MOST:
            self._make_room()
        self._look_again((None, 0))

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self.pipeline.clear()
        if self._served is not None and self._is_served:
            self._served.disconnected = True
            self._served.message_event.set()
        if (look := getattr(self, "_look", None)) is not None:
            look.cancel()

    # --- what the parser says ------------------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        self._heard_at = self.loop.time()
        self._unset_keepalive_if_required()  # also while a head is not whole yet
        if self._is_refused or (self._place is _Place.BETWEEN and not (data := self._with_whole_head(data))):
            return
        was_in_lines = self._place in _LINES
        super().data_received(data)
        if was_in_lines and self._place in _LINES:
            end = data.rfind(b"\n") + 1
            self._line_octets = len(data) - end + (0 if end else self._line_octets)
            if self._line_octets > _MOST_OF_HEAD:
                self.send_400_response("too long a line")

    def _with_whole_head(self, data: bytes) -> bytes:
        """Nothing until a head is whole. What offers another protocol, as Java's client does with its first request, is
        taken for HTTP/1.1: httptools would pass over its body."""
        data, self._begun = self._begun + data, b""
        end = data.find(b"\r\n\r\n")
        if end < 0:
            if len(data) > _MOST_OF_HEAD:
                self.send_400_response("too long a head")
            else:
                self._begun = data
            return b""
        if _UPGRADE.search(data, 0, end):
            return _UPGRADE.sub(b"\r\nx-upgrade:", data[:end]) + data[end:]
        return data

    def on_message_begin(self) -> None:
        if len(self.pipeline) >= _MOST_WAITING:
            raise ValueError("too many requests at once")
        super().on_message_begin()
        self._place, self._head_octets = _Place.HEAD, 0

    def on_url(self, url: bytes) -> None:
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._count(len(name) + len(value))
        if self._place is _Place.HEAD:  # what comes behind a body in chunks is no header of the request
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        hosts = sum(name == b"host" for name, _ in self.headers)
        if hosts > 1 or (not hosts and self.parser.get_http_version() == "1.1"):
            raise ValueError("one Host is needed (RFC 9112, section 3.2)")
        super().on_headers_complete()
        self._place = _Place.BODY
        self._head_octets = self._line_octets = 0

    def on_chunk_header(self) -> None:
        self._place = _Place.BEHIND  # the last chunk, until it turns out that it was not the last

    def on_body(self, body: bytes) -> None:
        self._place = _Place.BODY
        super().on_body(body)

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._place = _Place.BETWEEN

    def _count(self, octets: int) -> None:
        self._head_octets += octets + 4
        if self._head_octets > _MOST_OF_HEAD:
            raise ValueError("too long a head")

    # --- requests and their turn ---------------------------------------------------------------------------------

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGIApp) -> None:  # type: ignore[override]
        self._served = cycle
        super()._start_asgi_task(cycle, app)  # type: ignore[arg-type]

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self._is_refused and not self._is_served:
            self._refuse()

    def send_400_response(self, msg: str) -> None:
        """What is no HTTP is refused in the one shape, too, after the answers to what came before; in the midst of an
        answer there is nothing to say."""
        self._is_refused = True
        is_in_body = self._place in (_Place.BODY, _Place.BEHIND)
        if is_in_body and self.pipeline:
            self.pipeline.popleft()  # its body is what is wrong, and its turn has not come
        elif is_in_body:
            if self.cycle.response_started:
                log.debug("http.broken_off", reason=msg)
                self.transport.close()
                return
            self.cycle.disconnected = True
            self.cycle.message_event.set()
            self._refuse()
            return
        if self._is_served:
            self.flow.pause_reading()
        else:
            self._refuse()

    def _refuse(self) -> None:
        if not self.transport.is_closing():
            self.transport.write(_REFUSAL)
            self.transport.close()

    # --- who does not stay ---------------------------------------------------------------------------------------

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
        return self._served is not None and not self._served.response_complete

    @property
    def _is_known(self) -> bool:
        """Somebody with a token is being served."""
        return self._served is not None and self._is_served and CLAIMS in self._served.scope

    @property
    def _left(self) -> int:
        """Octets of answers that have not been taken."""
        return int(self.transport.get_write_buffer_size())

    def _look_again(self, seen: Any) -> None:
        self._look = self.loop.call_later(self.PATIENCE, self._watch, seen)

    def _watch(self, seen: Any) -> None:
        """``seen``: the request it was about when looked at before, and how much of the answer had not been taken."""
        left = self._left
        if (self._served, left) != seen or (self._is_served and not left):
            self._look_again((self._served, left))
        elif left:
            self.transport.abort()
        else:
            self.transport.close()
