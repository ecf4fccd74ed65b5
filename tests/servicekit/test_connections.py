"""Clients of HTTP that hold a connection and say nothing, or too little at a time."""

import asyncio
import contextlib
import json
import random
import socket
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

CHUNKED = b"POST /v1/echo HTTP/1.1\r\nHost: kam\r\nTransfer-Encoding: chunked\r\n\r\n"
HEALTH = b"GET /health/live HTTP/1.1\r\nHost: kam\r\n\r\n"


@pytest.fixture
def gone(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Says who has been hung up on while an answer was not taken."""
    found: list[str] = []
    lost = Connection.connection_lost

    def connection_lost(self: Connection, exc: Exception | None) -> None:
        found.append(self.cycle.scope["path"] if self.cycle else "")
        lost(self, exc)

    monkeypatch.setattr(Connection, "connection_lost", connection_lost)
    return found


@pytest.fixture
def left() -> list[str]:
    """Requests that have learnt that their client is no longer there."""
    return []


@pytest.fixture
def came() -> list[str]:
    """Requests that have begun to wait."""
    return []


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """For tests of silence alone: in others a machine that stalls for that long would be taken for a silent client."""
    monkeypatch.setattr(Connection, "PATIENCE", 0.1)


@pytest.fixture
async def port(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, came: list[str], left: list[str]) -> AsyncIterator[int]:
    monkeypatch.setattr(Connection, "MOST", 3)
    service = Service("test", ServiceSettings(service_data=tmp_path, kafka="-"))
    router = APIRouter(prefix="/v1")

    @router.get("/much")
    async def much() -> Response:
        return Response(b"x" * (64 << 20))

    async def echo(request: Request) -> Response:
        return Response(await request.body())

    @router.get("/wait")
    async def wait(request: Request) -> Response:
        came.append(request.url.path)
        while not await request.is_disconnected():
            await asyncio.sleep(0.005)
        left.append(request.url.path)
        return Response()

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


@pytest.mark.usefixtures("impatient")
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


@pytest.mark.usefixtures("impatient")
async def test_who_drips_is_not_waited_for_either(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    with contextlib.suppress(ConnectionError):
        async with asyncio.timeout(5):
            while not reader.at_eof():
                writer.write(b"x")
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(reader.read(1000), 0.02)
    writer.close()


@pytest.mark.usefixtures("impatient")
async def test_there_are_so_many_connections_and_no_more(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    held = [await asyncio.open_connection("127.0.0.1", port) for _ in range(8)]
    async with asyncio.timeout(5):
        ends = [asyncio.ensure_future(reader.read(-1)) for reader, _ in held]
        await asyncio.gather(*ends, return_exceptions=True)
        monkeypatch.setattr(Connection, "PATIENCE", 15.0)
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
        b"GET / HTTP/1.1\r\nHost: kam\r\n" + b"X: 1\r\n" * 20_000 + b"\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: kam\r\nHost: other\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        CHUNKED + b"5\r\nabcde\r\nzz\r\n",
        CHUNKED + b"5\r\nabcde\r\n0\r\n" + b"X: 1\r\n" * 20_000,
        CHUNKED + b"5\r\nabcde\r\n0\r\nX: " + b"x" * 600_000,
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


async def test_too_many_requests_at_once_are_refused_after_the_answers_to_those_that_were_taken(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(HEALTH * 500)
    async with asyncio.timeout(5):
        found = [answer[:3] for answer in (await reader.read(-1)).split(b"HTTP/1.1 ")[1:]]
    assert 100 <= len(found) < 500 and found == [b"200"] * (len(found) - 1) + [b"400"]
    writer.close()


async def test_a_body_that_breaks_while_others_are_served_is_refused_in_its_turn(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(HEALTH + HEALTH + CHUNKED + b"zz\r\n")
    async with asyncio.timeout(5):
        found = (await reader.read(-1)).split(b"HTTP/1.1 ")
    assert [answer[:3] for answer in found[1:]] == [b"200", b"200", b"400"]
    writer.close()


async def test_a_body_in_chunks_may_be_long_and_what_comes_behind_it_is_no_header(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for _ in range(3):
        writer.write(CHUNKED + b"%x\r\n%b\r\n" % (200_000, b"y" * 200_000) * 3 + b"0\r\nAuthorization: x\r\n\r\n")
        async with asyncio.timeout(5):
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200")
            assert await reader.readexactly(600_000) == b"y" * 600_000
    writer.close()


async def test_one_large_body_may_follow_another(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for size in (200_000, 70_000, 1, 400_000, 0, 300_000):
        writer.write(b"POST /v1/echo HTTP/1.1\r\nHost: kam\r\nContent-Length: %d\r\n\r\n" % size + b"y" * size)
        async with asyncio.timeout(5):
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
            assert await reader.readexactly(size) == b"y" * size
    writer.close()


async def test_who_leaves_is_noticed_by_what_is_served_also_when_he_asked_for_more(
    port: int, came: list[str], left: list[str]
) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET /v1/wait HTTP/1.1\r\nHost: kam\r\n\r\n" + HEALTH * 3)
    await eventually(lambda: came)
    writer.close()
    await eventually(lambda: left)


async def test_an_offer_of_http_2_is_passed_over(port: int) -> None:
    """As Java's client makes it with its first request, and curl --http2."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    offer = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABkAAQB\r\n"
    for body in (b"", b"hello", b""):
        writer.write(
            b"POST /v1/echo HTTP/1.1\r\nHost: kam\r\n%bContent-Length: %d\r\n\r\n%b" % (offer, len(body), body)
        )
        async with asyncio.timeout(5):
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
            assert await reader.readexactly(len(body)) == body
    writer.close()


@pytest.mark.parametrize("pieces", [1, 7, 40])
async def test_a_request_may_come_in_pieces(port: int, pieces: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    said = (CHUNKED + b"5\r\nab\r\nc\r\n0\r\n\r\n" + HEALTH) * 2
    for i in range(0, len(said), len(said) // pieces):
        writer.write(said[i : i + len(said) // pieces])
        await writer.drain()
        await asyncio.sleep(0)
    async with asyncio.timeout(5):
        for _ in range(2):
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
            assert await reader.readexactly(5) == b"ab\r\nc"
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
            await reader.readuntil(b"}")
    writer.close()


@pytest.mark.parametrize("seed", range(8))
async def test_a_long_conversation_is_heard_as_it_was_said(port: int, seed: int) -> None:
    """Requests of all shapes, some behind each other, in pieces of any size."""
    dice = random.Random(seed)
    bodies = [dice.randbytes(dice.choice((0, 1, 30, 5_000, 70_000, 300_000))) for _ in range(60)]
    said = b""
    for body in bodies:
        if dice.random() < 0.5:
            said += b"POST /v1/echo HTTP/1.1\r\nHost: kam\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
        else:
            size = dice.choice((50_000, 200_000))
            pieces = [body[i : i + size] for i in range(0, len(body), size)]
            said += CHUNKED + b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"
    reader, writer = await asyncio.open_connection("127.0.0.1", port)

    async def say() -> None:
        start = 0
        while start < len(said):
            end = start + dice.choice((1, 3, 60, 1_000, 65_536, 500_000))
            writer.write(said[start:end])
            await writer.drain()
            await asyncio.sleep(0)
            start = end

    saying = asyncio.create_task(say())
    async with asyncio.timeout(20):
        for body in bodies:
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200") and b"content-length: %d\r\n" % len(body) in head
            assert await reader.readexactly(len(body)) == body
        await saying
    writer.close()


async def test_a_pushed_body_waits_to_be_asked_for_only_if_its_sender_does(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"POST /v1/echo HTTP/1.1\r\nHost: kam\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
    async with asyncio.timeout(5):
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 100")
        writer.write(b"ab")
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
        assert await reader.readexactly(2) == b"ab"
    writer.close()


@pytest.mark.usefixtures("impatient")
async def test_who_takes_no_answer_does_not_keep_it(port: int, gone: list[str]) -> None:
    _reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1000)
    writer.write(b"GET /v1/much HTTP/1.1\r\nHost: kam\r\n\r\n")
    await eventually(lambda: gone)
    writer.close()


@pytest.mark.usefixtures("impatient")
async def test_who_asks_on_and_takes_no_answer_does_not_stay(port: int, gone: list[str]) -> None:
    """The second answer waits for the first to be taken: its request is served for as long as it likes."""
    _reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1000)
    writer.write(b"GET /v1/much HTTP/1.1\r\nHost: kam\r\n\r\n" * 3)
    await eventually(lambda: gone)
    writer.close()


@pytest.mark.parametrize("at_once", [1, 50])
async def test_who_keeps_every_connection_busy_locks_nobody_out(port: int, at_once: int) -> None:
    """A client that asks often enough on each of its connections is never silent, and always being served where it asks
    on before it is answered. Who is new may still have to give way to one of them that comes back, and tries again."""
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
        answers = 0
        while answers < 5:
            with contextlib.suppress(ConnectionError):
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.write(HEALTH)
                answers += (await reader.readline()).startswith(b"HTTP/1.1 200")
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
