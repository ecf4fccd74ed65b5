"""Connections of HTTP clients that say nothing, or too little at a time, do not stay: uvicorn waits for ever for the
first request of a connection and for the rest of a refused one's body, and each holds a file descriptor."""

from __future__ import annotations

import asyncio
from typing import Any

import structlog
from uvicorn.protocols.http.h11_impl import H11Protocol

log = structlog.get_logger()


class Connection(H11Protocol):
    """Closed after ``PATIENCE`` seconds in which no request of it was complete or being answered; above ``MOST`` of
    them a new one is closed at once."""

    PATIENCE = 15.0
    MOST = 1000

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > self.MOST:
            log.warning("http.too_many_connections", most=self.MOST)
            transport.abort()
            return
        self._look_again(None)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if (look := getattr(self, "_look", None)) is not None:
            look.cancel()

    def _look_again(self, seen: Any) -> None:
        self._look = self.loop.call_later(self.PATIENCE, self._watch, seen)

    def _watch(self, seen: Any) -> None:
        """``seen``: the request it was about when looked at before."""
        is_served = self.cycle is not None and not self.cycle.response_complete
        if not is_served and self.cycle is seen:
            self.transport.close()
        else:
            self._look_again(self.cycle)
