"""Clients of HTTP that hold a connection and say nothing, or too little at a time."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import uvicorn

from servicekit.connections import Connection
from servicekit.service import Service
from servicekit.settings import ServiceSettings

HEALTH = b"GET /health/live HTTP/1.1\r\nHost: kam\r\n\r\n"


@pytest.fixture
async def port(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[int]:
    monkeypatch.setattr(Connection, "PATIENCE", 0.1)
    monkeypatch.setattr(Connection, "MOST", 3)
    service = Service("test", ServiceSettings(service_data=tmp_path, kafka="-"))
    server = uvicorn.Server(service.http())
    server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign,assignment]
    running = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.005)
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    await running


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"GET /health/live HT",
        b"GET /health/live HTTP/1.1\r\nX: 1\r\n",
        b"POST /health/live HTTP/1.1\r\nHost: kam\r\nContent-Length: 9000\r\n\r\n{",
        HEALTH + b"GET /health",
    ],
)
async def test_who_says_too_little_does_not_keep_a_connection(port: int, said: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(said)
    async with asyncio.timeout(5):
        await reader.read(-1)  # until the end of the connection
    writer.close()


async def test_who_drips_is_not_waited_for_either(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    with contextlib.suppress(ConnectionError):
        async with asyncio.timeout(5):
            while not reader.at_eof():
                writer.write(b"x")
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(reader.read(1000), 0.02)
    writer.close()


async def test_there_are_so_many_connections_and_no_more(port: int) -> None:
    held = [await asyncio.open_connection("127.0.0.1", port) for _ in range(8)]
    async with asyncio.timeout(5):
        ends = [asyncio.ensure_future(reader.read(-1)) for reader, _ in held]
        await asyncio.gather(*ends, return_exceptions=True)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(HEALTH)
        assert (await reader.readline()).startswith(b"HTTP/1.1 200")
    for _, each in [*held, (reader, writer)]:
        each.close()
