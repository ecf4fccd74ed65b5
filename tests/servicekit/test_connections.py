"""Clients of HTTP that hold a connection and say nothing, or too little at a time."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import uvicorn
from fastapi import APIRouter, Request, Response
from structlog.testing import capture_logs

from harness.waiting import eventually
from servicekit.connections import Connection
from servicekit.http_guard import DirectRoute
from servicekit.service import Service
from servicekit.settings import ServiceSettings

HEALTH = b"GET /health/live HTTP/1.1\r\nHost: kam\r\n\r\n"


@pytest.fixture
def gone(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Says who has been hung up on while an answer was not taken."""
    found: list[str] = []
    lost = Connection.connection_lost

    def connection_lost(self: Connection, exc: Exception | None) -> None:
        found.append(self.cycle.scope["path"])
        lost(self, exc)

    monkeypatch.setattr(Connection, "connection_lost", connection_lost)
    return found


@pytest.fixture
async def port(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[int]:
    monkeypatch.setattr(Connection, "PATIENCE", 0.1)
    monkeypatch.setattr(Connection, "MOST", 3)
    service = Service("test", ServiceSettings(service_data=tmp_path, kafka="-"))
    router = APIRouter(prefix="/v1")

    @router.get("/much")
    async def much() -> Response:
        return Response(b"x" * (64 << 20))

    async def echo(request: Request) -> Response:
        return Response(await request.body())

    router.add_api_route("/echo", echo, methods=["POST"], route_class_override=DirectRoute)
    service.routers.append(router)
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


@pytest.mark.parametrize(
    "said",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\nHost: kam\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: kam\r\nContent-Length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: kam\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n{}",
        b"GET / HTTP/1.1\r\nHost: kam\r\nX: a\x00b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: kam\r\nX: " + b"x" * 200_000,
        b"GET /" + b"x" * 200_000,
    ],
)
async def test_what_is_no_http_is_refused_in_the_one_shape(port: int, said: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(said)
    async with asyncio.timeout(5):
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].split()[0])
        body = json.loads(await reader.readexactly(length))
    assert head.startswith(b"HTTP/1.1 400") and body["error"] == "bad_request" and body["zh"]
    writer.close()


async def test_requests_that_come_at_once_are_answered_in_turn(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    refused = b"POST /v1/none HTTP/1.1\r\nHost: kam\r\nContent-Length: 20\r\n\r\n" + b"{" * 20
    writer.write(HEALTH + refused + HEALTH.replace(b"GET", b"HEAD") + HEALTH + b"nonsense\r\n\r\n")
    async with asyncio.timeout(5):
        found = (await reader.read(-1)).split(b"HTTP/1.1 ")
    assert [answer[:3] for answer in found[1:]] == [b"200", b"404", b"405", b"200", b"400"]


async def test_who_takes_no_answer_does_not_keep_it(port: int, gone: list[str]) -> None:
    _reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1000)
    writer.write(b"GET /v1/much HTTP/1.1\r\nHost: kam\r\n\r\n")
    await eventually(lambda: gone)
    writer.close()


async def test_who_asks_on_and_takes_no_answer_does_not_stay(port: int, gone: list[str]) -> None:
    """The second answer waits for the first to be taken: its request is served for as long as it likes."""
    _reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1000)
    writer.write(b"GET /v1/much HTTP/1.1\r\nHost: kam\r\n\r\n" * 3)
    await eventually(lambda: gone)
    writer.close()


@pytest.mark.parametrize("at_once", [1, 50])
async def test_who_keeps_every_connection_busy_locks_nobody_out(port: int, at_once: int) -> None:
    """A client that asks often enough on each of its connections is never silent, and always being served where it asks
    on before it is answered."""
    stop = asyncio.Event()

    async def hold() -> None:
        while not stop.is_set():
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                while not stop.is_set():
                    writer.write(HEALTH * at_once)
                    await reader.readuntil(b"}")
                    await asyncio.sleep(0.03 if at_once == 1 else 0)

    holders = [asyncio.create_task(hold()) for _ in range(3)]
    await asyncio.sleep(0.2)
    async with asyncio.timeout(5):
        for _ in range(5):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(HEALTH)
            assert (await reader.readline()).startswith(b"HTTP/1.1 200")
            writer.close()
    stop.set()
    await asyncio.gather(*holders)


async def test_what_has_two_lengths_is_refused_and_nothing_behind_it_is_heard(port: int) -> None:
    """Whoever shares a proxy's connection with him would be answered in his place."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    about = b"Host: kam\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
    writer.write(b"POST /v1/echo HTTP/1.1\r\n" + about + b"0\r\n\r\n" + HEALTH)
    async with asyncio.timeout(5):
        said = await reader.read(-1)
    assert said.startswith(b"HTTP/1.1 400") and said.count(b"HTTP/1.1") == 1
    assert json.loads(said.partition(b"\r\n\r\n")[2])["error"] == "bad_request"
    writer.close()


async def test_who_breaks_off_is_no_failure_of_ours(port: int, caplog: pytest.LogCaptureFixture) -> None:
    with capture_logs() as logs:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"POST /v1/echo HTTP/1.1\r\nHost: kam\r\nContent-Length: 5\r\n\r\nx")
        await asyncio.sleep(0.05)
        writer.transport.abort()
        await asyncio.sleep(0.05)
    assert logs == [] and caplog.records == []
