"""Serves the HTTP side of a simulator on loopback until SIGTERM or SIGINT."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from fastapi import FastAPI
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_TRANSPORT = "kam.transport"


class Connection(HttpToolsProtocol):
    """Lets an answer be that the connection is cut (``Cut``)."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = {_TRANSPORT: self.transport}  # type: ignore[dict-item]


class Cut(Response):
    """Ends the connection without an answer."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["extensions"][_TRANSPORT].abort()
        while (await receive())["type"] != "http.disconnect":
            pass


class Server(uvicorn.Server):
    """uvicorn raises the signal again after a clean end, so that the process would end as if killed."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def server_of(app: FastAPI, port: int, **options: Any) -> Server:
    """On loopback; port 0 takes a free one."""
    options = {"host": "127.0.0.1", "port": port, "log_level": "warning", "http": Connection, **options}
    return Server(uvicorn.Config(app, **options))


async def serve(app: FastAPI, port: int) -> None:
    """Until a signal."""
    server = server_of(app, port)
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, setattr, server, "should_exit", True)
    await server.serve()
