"""A year's list goes through the gateway piece by piece: what it holds of one does not grow with its rows."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Coroutine
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway.bootstrap import build
from gateway.domain import Collection
from gateway.settings import Settings
from harness.read_model import Log, customer, following, manager, reached, unit, until
from harness.waiting import eventually
from servicekit.auth import issue_token
from servicekit.memory_store import MemoryDocuments, MemoryStore

SECRET = "0123456789abcdef0123456789abcdef"
#: rows of the list, and octets of it that are in the gateway at once
ROWS, MOST = 20_000, 1 << 19


class Service(httpx.AsyncByteStream):
    """A list as a service writes it, of two customers by turns; ``ends_at``: the row at which it breaks off."""

    def __init__(self, rows: int = ROWS, ends_at: int | None = None) -> None:
        self.rows, self.ends_at, self.told, self.is_closed = rows, ends_at, 0, False
        self.is_asked, self.goes_on = asyncio.Event(), asyncio.Event()
        self.goes_on.set()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        self.is_asked.set()
        await self.goes_on.wait()
        for number in range(self.rows):
            if number == self.ends_at:
                raise httpx.RemoteProtocolError("broke off")
            row = {"customer_id": f"c{number % 2 + 1}", "n": number, "text": "，\n],[" * 20}
            piece = (b",\n" if number else b"[") + json.dumps(row).encode()
            self.told += len(piece)
            yield piece
        yield b"]" if self.rows else b"[]"

    async def aclose(self) -> None:
        self.is_closed = True


Ask = Callable[..., Coroutine[Any, Any, "Heard"]]


class Heard:
    """What a client has heard so far, and how much more than that was in the gateway at most."""

    def __init__(self, service: Service) -> None:
        self.service, self.body, self.status, self.ahead, self.is_whole = service, bytearray(), 0, 0, False

    async def __call__(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            return
        self.ahead = max(self.ahead, self.service.told - len(self.body))
        # Rows of others are left out: those count as heard.
        self.body += message.get("body", b"")
        self.is_whole = not message.get("more_body", False)


@pytest.fixture
async def ask(tmp_path: Path) -> AsyncIterator[Ask]:
    (tmp_path / "secret").write_text(SECRET)
    peers = {name: (f"http://{name}",) for name in ("alerts", "manager-work")}
    settings = Settings(service_data=tmp_path, kafka="unused:1", secret_file=tmp_path / "secret", peers=peers)
    given: list[Service] = []

    async def audit(*_: object) -> None: ...

    async def ends(_: Collection) -> dict[str, int]:
        return {}

    log = Log()
    async with following(tmp_path / "lists", log) as lists:
        log.put("boss.events", unit(), manager(), manager("m2"), customer(), customer("c2", manager_id="m2"))
        await until(lambda: reached(lists, log))
        app = build(
            settings,
            client=httpx.AsyncClient(
                transport=httpx.MockTransport(lambda request: httpx.Response(200, stream=given.pop()))
            ),
            audit=audit,
            ends=ends,
            projection=lists,
            documents=MemoryDocuments(MemoryStore()),
        ).asgi()

        async def ask(
            role: str, service: Service, query: str = "", who: str = "m1", left: asyncio.Event | None = None
        ) -> Heard:
            given.append(service)
            token = issue_token(SECRET, who, role)
            scope = {"type": "http", "method": "GET", "path": "/v1/work", "raw_path": b"/v1/work",
                     "query_string": query.encode(),
                     "headers": [(b"authorization", f"Bearer {token}".encode())], "http_version": "1.1",
                     "scheme": "http", "server": ("gateway", 80), "client": ("127.0.0.1", 1), "root_path": "",
                     "asgi": {"version": "3.0", "spec_version": "2.4"}}  # fmt: skip
            heard = Heard(service)

            is_read = False

            async def receive() -> dict[str, Any]:
                nonlocal is_read
                if is_read:
                    await (left or asyncio.Event()).wait()
                    return {"type": "http.disconnect"}
                is_read = True
                return {"type": "http.request", "body": b"", "more_body": False}

            try:
                await app(scope, receive, heard)
            except Exception:
                assert not heard.is_whole
            if service in given:  # it was not asked
                given.remove(service)
            return heard

        yield ask


@pytest.mark.parametrize(("role", "seen"), [("administrator", ROWS), ("manager", ROWS // 2)])
async def test_a_list_of_any_length_is_never_in_memory_as_a_whole(ask: Ask, role: str, seen: int) -> None:
    service = Service()
    heard = await ask(role, service)
    rows = json.loads(heard.body)
    assert (heard.status, heard.is_whole, len(rows)) == (200, True, seen)
    assert [row["n"] for row in rows] == list(range(0, ROWS, ROWS // seen)), "in order, each once"
    assert service.told > 10 * MOST and service.is_closed
    if seen == ROWS:
        assert heard.ahead < MOST


async def test_what_a_service_does_not_end_is_not_whole(ask: Ask) -> None:
    for role in ("administrator", "manager"):
        heard = await ask(role, Service(ends_at=ROWS - 1))
        assert heard.status == 200 and not heard.is_whole and heard.service.is_closed
        with pytest.raises(ValueError):
            json.loads(heard.body)


async def test_what_breaks_off_before_anything_was_said_is_refused(ask: Ask) -> None:
    heard = await ask("manager", Service(ends_at=0))
    assert (heard.status, json.loads(heard.body)["error"]) == (502, "service_failed")


async def test_an_empty_list(ask: Ask) -> None:
    for rows, found in ((0, []), (1, [0])):
        heard = await ask("manager", Service(rows))
        assert [row["n"] for row in json.loads(heard.body)] == found


async def test_so_many_whole_lists_are_read_at_once_and_those_of_a_customer_besides(ask: Ask) -> None:
    slow = [Service(1) for _ in range(8)]
    reading = []
    for service in slow:
        service.goes_on.clear()
        reading.append(asyncio.create_task(ask("manager", service, who=f"m{len(reading) // 2}")))
        await service.is_asked.wait()
        if len(reading) == 2:
            mine = await ask("manager", Service(1), who="m0")
            assert mine.status == 503 and "of yours" in json.loads(mine.body)["en"], "nobody takes all places"
    refused = await ask("manager", Service(1), who="m9")
    assert (refused.status, json.loads(refused.body)["error"]) == (503, "busy")
    assert not refused.service.is_asked.is_set(), "the costly part is not begun"
    assert (await ask("manager", Service(1), query="customer=c1")).status == 200
    for service in slow:
        service.goes_on.set()
    assert [heard.status for heard in await asyncio.gather(*reading)] == [200] * 8
    assert (await ask("manager", Service(1))).status == 200


async def test_whoever_leaves_in_the_middle_leaves_their_place(ask: Ask) -> None:
    for _ in range(9):
        service = Service(1)
        service.goes_on.clear()
        reading = asyncio.create_task(ask("manager", service))
        await service.is_asked.wait()
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        await eventually(partial(getattr, service, "is_closed"))
    assert (await ask("manager", Service(1))).status == 200


async def test_whoever_hangs_up_before_the_first_rows_leaves_their_place(ask: Ask) -> None:
    for _ in range(9):
        service, left = Service(1), asyncio.Event()
        service.goes_on.clear()
        reading = asyncio.create_task(ask("manager", service, left=left))
        await service.is_asked.wait()
        left.set()
        async with asyncio.timeout(5):
            await reading
        assert service.is_closed
    assert (await ask("manager", Service(1))).status == 200
