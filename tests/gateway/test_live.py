"""What changes is told to those who see it, once each, also over a lost connection, and to nobody else."""

import asyncio
import contextlib
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

from gateway.access.scope import Reach, Scope
from gateway.live import streams as live_streams
from gateway.live.changes import Place, place_of
from gateway.live.streams import Listener, Streams
from gateway.projection.follow import Projection
from gateway.projection.visible import List
from harness.people import gateway
from harness.read_model import Log, alert, customer, following, manager, reached, sms, until, work

ALL = Scope((Reach(is_whole=True),))
OF_M2 = Scope((Reach(managers=frozenset({"m2"})),))
Message = tuple[str, str, Any]


def everything(scope: Scope = ALL) -> dict[List, Scope]:
    return {"alerts": scope, "work": scope, "sms": scope}


def messages(text: str) -> list[Message]:
    """(event, id, data) of a piece of a stream."""
    found = []
    for block in filter(None, text.split("\n\n")):
        fields = dict(line.split(": ", 1) for line in block.split("\n"))
        found.append((fields["event"], fields.get("id", ""), json.loads(fields["data"])))
    return found


async def heard(listener: Listener, seconds: float = 5.0) -> list[Message]:
    return messages((await listener.take(seconds)).decode())


@pytest.fixture
async def log() -> Log:
    return Log()


@pytest.fixture
async def lists(log: Log, tmp_path: Path) -> AsyncIterator[Projection]:
    async with following(tmp_path, log) as lists:
        log.put("boss.events", manager("m1"), manager("m2", unit_id="u2"))
        log.put("boss.events", customer("c1"), customer("c2", manager_id="m2"))
        await until(lambda: reached(lists, log))
        yield lists


@pytest.fixture
async def streams(lists: Projection) -> AsyncIterator[Streams]:
    streams = Streams(lists)
    job = asyncio.create_task(streams.run())
    yield streams
    job.cancel()
    await asyncio.gather(job, return_exceptions=True)


async def test_a_change_is_told_as_the_lists_show_it(log: Log, streams: Streams) -> None:
    listener = await streams.join(everything(), None)
    log.put("alert.events", alert("raised", "a1"))
    log.put("work.events", work("opened", "w1"))
    log.put("sms.outbound", sms("planned", "s1"))
    found: list[Message] = []
    while len(found) < 3:
        found += await heard(listener)
    by_list = {event: row for event, _, row in found}
    assert by_list["alerts"]["alert_id"] == "a1" and by_list["alerts"]["values"]["amount_fen"] == 12900
    assert by_list["alerts"]["customer_name"] == "王*", "masked for who may not see names"
    assert by_list["work"]["work_id"] == "w1" and by_list["sms"]["sms_id"] == "s1"


async def test_only_what_is_in_scope_is_told(log: Log, streams: Streams) -> None:
    mine, all_ = await streams.join(everything(OF_M2), None), await streams.join(everything(), None)
    log.put("alert.events", alert("raised", "a1"), alert("raised", "a2", customer_id="c2"))
    assert [row["alert_id"] for _, _, row in await heard(mine)] == ["a2"]
    assert [row["alert_id"] for _, _, row in await heard(all_)] == ["a1", "a2"]


async def test_who_comes_back_gets_what_was_missed_once_and_as_it_is_now(
    log: Log, lists: Projection, streams: Streams
) -> None:
    listener = await streams.join(everything(), None)
    log.put("alert.events", alert("raised", "a1"))
    ((_, last, _),) = await heard(listener)
    streams.leave(listener)
    log.put("alert.events", alert("raised", "a2"), alert("acknowledged", "a2", 1, "acknowledged"))
    await until(lambda: reached(lists, log))
    again = await streams.join(everything(), place_of(last))
    assert [(row["alert_id"], row["state"]) for _, _, row in await heard(again)] == [("a2", "acknowledged")]
    assert await heard(again, 0.3) == [], "and nothing twice"
    log.put("alert.events", alert("raised", "a3"))
    assert [row["alert_id"] for _, _, row in await heard(again)] == ["a3"]


async def test_a_customer_who_moves_takes_all_along_also_over_a_connection_lost_amid(
    log: Log, lists: Projection, streams: Streams
) -> None:
    log.put("alert.events", alert("raised", "a1"), alert("raised", "a2"))
    await until(lambda: reached(lists, log))
    listener = await streams.join(everything(OF_M2), None)
    log.put("boss.events", customer("c1", 2, manager_id="m2"))
    first, second = await heard(listener)
    assert {first[2]["alert_id"], second[2]["alert_id"]} == {"a1", "a2"} and first[1] != second[1]
    lost = await streams.join(everything(OF_M2), place_of(first[1]))
    assert second in await heard(lost)
    whole = await streams.join(everything(OF_M2), place_of(second[1]))
    assert await heard(whole, 0.3) == []


async def test_who_no_longer_sees_a_customer_is_told_once_and_nothing_but_the_id(
    log: Log, lists: Projection, streams: Streams
) -> None:
    log.put("alert.events", alert("raised", "a1"), alert("raised", "a2", customer_id="c2"))
    await until(lambda: reached(lists, log))
    of_m1, of_u1 = (Scope((reach,)) for reach in (Reach(managers=frozenset({"m1"})), Reach(units=frozenset({"u1"}))))
    old, unit, new, all_ = [await streams.join(everything(scope), None) for scope in (of_m1, of_u1, OF_M2, ALL)]
    log.put("boss.events", customer("c1", 2, manager_id="m2"))
    for listener in (old, unit):
        ((event, id_, data),) = await heard(listener)
        assert (event, data) == ("gone", {"customer_id": "c1"})
    assert [event for event, *_ in await heard(new)] == ["alerts"] == [event for event, *_ in await heard(all_)]
    # Whoever was away hears it when they come back, once, also of one connection lost in the midst of the move.
    again = await streams.join(everything(of_m1), place_of(id_))
    assert [event for event, *_ in await heard(again)] == ["gone"] and await heard(again, 0.2) == []
    log.put("boss.events", customer("c1", 3, manager_id="m1"), customer("c1", 4, phone="13900000077"))
    await until(lambda: reached(lists, log))
    found = [event for event, *_ in await heard(new)]
    assert found == ["gone"], "the other way round, and another change of the customer takes nobody along"
    assert "gone" not in [event for event, *_ in await heard(old)]


async def test_what_is_seen_by_another_right_comes_again_behind(log: Log, lists: Projection, streams: Streams) -> None:
    log.put("alert.events", alert("raised", "a1"), alert("raised", "a2", kind="churn_warning"))
    await until(lambda: reached(lists, log))
    city = Reach(cities=frozenset({"320100"}), kinds=frozenset({"churn_warning"}))
    both = await streams.join(everything(Scope((Reach(managers=frozenset({"m1"})), city))), None)
    log.put("boss.events", customer("c1", 2, manager_id="m2"))
    assert [(event, data.get("alert_id")) for event, _, data in await heard(both)] == [
        ("gone", None), ("alerts", "a2"),
    ]  # fmt: skip


async def test_a_customer_who_comes_to_be_known_better_leaves_nobody(
    log: Log, lists: Projection, streams: Streams
) -> None:
    log.put("alert.events", alert("raised", "a1", customer_id="c7"))
    log.put("boss.events", customer("c8", manager_id="m7"))
    await until(lambda: reached(lists, log))
    mine = await streams.join(everything(Scope((Reach(managers=frozenset({"m7"})),))), None)
    log.put("boss.events", customer("c7", manager_id="m7"), manager("m7", unit_id="u2"))
    await until(lambda: reached(lists, log))
    assert {event for event, *_ in await heard(mine)} == {"alerts"}


@pytest.mark.parametrize(
    "text", [None, "", "7", "x-7", "0123456789abcdef-", "0123456789abcdef-7; DROP", "\r\n", "9" * 99]
)
def test_a_place_that_we_never_gave_out_is_none(text: str | None) -> None:
    assert place_of(text) is None


@pytest.mark.parametrize("place", [Place("0" * 16, 1), Place("f" * 16, 10**17)])
async def test_a_place_in_another_read_model_is_read_anew(streams: Streams, place: Place) -> None:
    listener = await streams.join(everything(), place)
    ((event, id_, _),) = await heard(listener)
    assert event == "reset"
    again = await streams.join(everything(), place_of(id_))
    assert await heard(again, 0.2) == []


async def test_who_takes_too_little_reads_anew_and_holds_nothing(
    log: Log, streams: Streams, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_streams, "MOST_WAITING", 3)
    slow, quick = await streams.join(everything(), None), await streams.join(everything(), None)
    seen = 0
    for n in range(6):
        log.put("alert.events", alert("raised", f"a{n}"))
        seen += len(await heard(quick))
    assert seen == 6
    first, *rest = [event for event, _, _ in await heard(slow)]
    assert first == "reset" and len(rest) < 3


async def test_very_many_changes_at_once_are_read_anew(
    log: Log, streams: Streams, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_streams, "MOST", 5)
    listener = await streams.join(everything(), None)
    log.put("alert.events", *(alert("raised", f"a{n}") for n in range(20)))
    assert [event for event, _, _ in await heard(listener)] == ["reset"]


@contextlib.asynccontextmanager
async def served(app: Any) -> AsyncIterator[str]:
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error", lifespan="off"))
    running = asyncio.create_task(server.serve())
    await until(lambda: server.started)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = server.force_exit = True
        await running


async def test_over_http_until_the_session_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.live.api.POSITION_SECONDS", 0.1)
    told = {"boss.events": [customer("c1")], "alert.events": [alert("raised", "a1")]}
    async with gateway(tmp_path, told=told) as made, served(made.app) as url:
        browser = await made.signed_in("A0001")
        headers = {"cookie": f"kam_session={browser.cookies['kam_session']}"}
        async with (
            httpx.AsyncClient(base_url=url, timeout=10) as client,
            client.stream("GET", "/v1/live", headers={**headers, "last-event-id": "forged"}) as answer,
        ):
            assert answer.headers["content-type"].startswith("text/event-stream")
            assert answer.headers["cache-control"] == "no-store"
            text = ""
            async for piece in answer.aiter_text():
                text += piece
                if "event: reset" in text and text.count("event: position") > 2:
                    await browser.delete("/v1/session")
            assert text.endswith("\n\n"), "it ended by itself, whole"
        async with httpx.AsyncClient(base_url=url) as client:
            assert (await client.get("/v1/live", headers=headers)).status_code == 401
    assert ("A0001", "live", "*", "200", None) in made.audited


async def test_who_never_came_to_listen_is_not_kept(tmp_path: Path) -> None:
    """No audit, or a browser that is gone before the first byte: nothing waits for them ever after."""
    async with gateway(tmp_path) as made:
        live_streams.LISTENERS.set(0)
        made.audit_works = False
        assert (await made.machine("analyst").get("/v1/live")).status_code == 503
        assert live_streams.LISTENERS._value.get() == 0
        made.audit_works = True
        token = made.machine("analyst").headers["authorization"]
        scope = {
            "type": "http", "asgi": {"version": "3.0", "spec_version": "2.4"}, "http_version": "1.1", "method": "GET",
            "scheme": "http", "path": "/v1/live", "raw_path": b"/v1/live", "query_string": b"", "root_path": "",
            "headers": [(b"host", b"localhost"), (b"authorization", token.encode())], "client": ("10.0.0.1", 1),
            "server": ("localhost", 22000),
        }  # fmt: skip

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def gone(message: Any) -> None:
            assert message["type"] == "http.response.start"
            raise OSError

        with contextlib.suppress(Exception):
            await made.app(scope, receive, gone)
        assert ("robot", "live", "*", "200", None) in made.audited
        assert live_streams.LISTENERS._value.get() == 0


RECORDED = Path(__file__).parents[2] / "services/gateway/web/src/live/recorded.txt"


async def test_the_stream_is_the_one_that_the_page_is_tested_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the page's own test reads (``stream.test.ts``) is what we send, but for the moments and the epoch."""
    monkeypatch.setattr("gateway.live.api.POSITION_SECONDS", 60)
    told = {"boss.events": [manager("m1"), customer("c1")]}
    async with gateway(tmp_path, told=told) as made, served(made.app) as url:
        browser = await made.signed_in("C0001")
        cookie = {"cookie": f"kam_session={browser.cookies['kam_session']}"}
        async with (
            httpx.AsyncClient(base_url=url, timeout=10) as client,
            client.stream("GET", "/v1/live", headers={**cookie, "last-event-id": "0" * 16 + "-7"}) as answer,
        ):
            steps = [
                ("event: reset", "alert.events", alert("raised", "a1")),
                ("event: alerts", "work.events", work("opened", "w1")),
                ("event: work", "sms.outbound", sms("planned", "s1")),
            ]
            text = ""
            async for piece in answer.aiter_text():
                text += piece
                if steps and steps[0][0] in text:
                    _, topic, message = steps.pop(0)
                    made.log.put(topic, message)
                if "event: sms" in text:
                    break
    fixed = r'"as_of":"2026-06-30T02:00:00+00:00","seconds_behind":0.5'
    text = re.sub(r'"as_of":"[^"]*","seconds_behind":[0-9.]+', fixed, text)
    assert re.sub(r"id: [0-9a-f]{16}-", "id: 0123456789abcdef-", text) == RECORDED.read_text()
