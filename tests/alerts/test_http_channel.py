"""What is HTTP's own: how answers are read, who may call back, and what a callback leads to."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Response
from structlog.testing import capture_logs

from alerts.notifications.channel.http import HttpTransport
from alerts.notifications.channel.http_protocol import judge, read_callback
from alerts.notifications.channel.transport import DeliveryReceipt, InboundSms, SubmitOutcome
from harness.sms_http import (
    NUMBER,
    SECRET,
    callbacks_of,
    part_of,
    provider,
    served,
    signed,
    transport_to,
)
from harness.waiting import eventually
from kam.sim.smsc_links import free_port
from servicekit.clock import system_now

# --- answers ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "body", "outcome"),
    [
        (200, '{"code": "ok", "message_id": "m1"}', "accepted"),
        (200, '{"code": "ok"}', "unknown"),
        (200, '{"code": "ok", "message_id": ""}', "unknown"),
        (200, '{"code": "number_invalid"}', "refused"),
        (200, '{"code": "busy"}', "refused_for_now"),
        (503, '{"code": "busy"}', "refused_for_now"),
        (200, '{"code": "template_unknown"}', "refused_for_now"),
        (429, "", "throttled"),
        (200, '{"code": "rate_limited"}', "throttled"),
        (401, '{"code": "unauthorized"}', "not_written"),
        (402, '{"code": "no_balance"}', "not_written"),
        (403, "<html>", "not_written"),
        (404, "", "not_written"),
        # what a POST that was done is answered with, and what asks for the same POST elsewhere
        (300, "", "unknown"),
        (301, "", "unknown"),
        (302, "", "unknown"),
        (303, "", "unknown"),
        (303, '{"code": "NEW_RULE"}', "unknown"),
        (307, "", "not_written"),
        (308, "", "not_written"),
        # of one message, and not of the channel
        (400, "", "refused_for_now"),
        (413, "<html>", "refused_for_now"),
        (422, "", "refused_for_now"),
        (422, '{"code": "NEW_RULE"}', "refused_for_now"),
        (400, '{"code": "bad_request"}', "refused_for_now"),
        (400, '{"code": "unauthorized"}', "not_written"),
        (403, '{"code": "NEW_RULE"}', "not_written"),
        (200, '{"code": "NEW_RULE"}', "unknown"),
        (500, '{"code": "NEW_RULE"}', "unknown"),
        (500, "", "unknown"),
        (502, "bad gateway", "unknown"),
        (503, "", "unknown"),
        (504, "", "unknown"),
        (408, "", "unknown"),
        (409, "", "unknown"),
        (200, "", "unknown"),
        (200, "<html>please sign in</html>", "unknown"),
        (200, "[" * 100_000, "unknown"),
        (200, '{"code": 1}', "unknown"),
        (200, '{"code": "x y <script>"}', "unknown"),
        (200, "\ud800".encode("utf-8", "surrogatepass").decode("latin-1"), "unknown"),
        (204, "", "unknown"),
        (999, "", "unknown"),
    ],
)
def test_only_what_says_so_was_surely_not_taken(status: int, body: str, outcome: str) -> None:
    answer = judge("s1/1", status, body.encode())
    assert answer.outcome.value == outcome
    assert (answer.message_id is not None) == (outcome == "accepted")


@pytest.mark.parametrize(
    ("fault", "outcome", "taken"),
    [
        ({"fail_after_taking_every": 1}, SubmitOutcome.UNKNOWN, 1),
        ({"fail_before_taking_every": 1}, SubmitOutcome.UNKNOWN, 0),
        ({"garble_answer_every": 1}, SubmitOutcome.UNKNOWN, 1),
        ({"answer_delay_ms": 3000}, SubmitOutcome.UNKNOWN, 1),
        ({"refuse_every": 1, "refuse_code": "busy"}, SubmitOutcome.REFUSED_FOR_NOW, 0),
        ({"refuse_every": 1, "refuse_code": "template_unknown"}, SubmitOutcome.REFUSED_FOR_NOW, 0),
        ({"refuse_every": 1, "refuse_code": "unauthorized"}, SubmitOutcome.NOT_WRITTEN, 0),
        ({"refuse_every": 1, "refuse_code": "content_refused"}, SubmitOutcome.REFUSED, 0),
    ],
)
async def test_answers_of_a_provider(tmp_path: Path, fault: dict[str, Any], outcome: SubmitOutcome, taken: int) -> None:
    async with provider(tmp_path, **fault) as (simulator, url), started(transport_to(url)) as (transport, _):
        answer = await transport.submit(part_of())
        assert (answer.outcome, len(simulator.messages()), simulator.repeated) == (outcome, taken, 0)
        is_down = outcome in (SubmitOutcome.UNKNOWN, SubmitOutcome.NOT_WRITTEN)
        assert transport.connected is not is_down


async def test_what_the_provider_is_told(tmp_path: Path) -> None:
    async with provider(tmp_path) as (simulator, url), started(transport_to(url)) as (transport, _):
        await transport.submit(part_of(reference=7))
        await transport.submit(part_of(reference=8))  # a later intent of the same message
    first, second = simulator.messages()
    assert (first.key, second.key) == ("s1/1/7", "s1/1/8")
    assert (first.destination, first.reference, first.account, first.signature) == (NUMBER, 7, "kam", "大客户中心")
    assert (first.template, first.language, first.variables) == ("SMS_1", "zh", {"name": "张三"})


async def test_nobody_there_nothing_was_written_and_it_is_down_until_somebody_is(tmp_path: Path) -> None:
    port = free_port()
    async with started(transport_to(f"http://127.0.0.1:{port}")) as (transport, _):
        answer = await transport.submit(part_of())
        assert answer.outcome is SubmitOutcome.NOT_WRITTEN and transport.down_since is not None
        async with provider(tmp_path, port) as (simulator, _):
            await transport.ready()
            assert (await transport.submit(part_of())).outcome is SubmitOutcome.ACCEPTED
            assert transport.down_since is None
        assert len(simulator.messages()) == 1


async def test_while_nobody_answers_no_message_is_risked(tmp_path: Path) -> None:
    async with (
        provider(tmp_path, pause=True) as (simulator, url),
        started(transport_to(url, response_timeout=1.5, window=5)) as (transport, _),
    ):
        answers = await asyncio.gather(*(transport.submit(part_of(f"s{n}", n)) for n in range(1, 11)))
        outcomes = [answer.outcome for answer in answers]
        assert outcomes == [SubmitOutcome.UNKNOWN] * 5 + [SubmitOutcome.NOT_WRITTEN] * 5
        assert not transport.is_ready and transport.down_since is not None
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5):
                await transport.ready()
        simulator.change(simulator.faults.model_copy(update={"pause": False}))
        async with asyncio.timeout(5):
            await transport.ready()
        # Somebody is there again: one is tried, and the others can go when it has been answered.
        simulator.change(simulator.faults.model_copy(update={"pause": True}))
        trial = asyncio.create_task(transport.submit(part_of("s11", 11)))
        await eventually(lambda: transport.down_since is not None)
        assert (await transport.submit(part_of("s12", 12))).outcome is SubmitOutcome.NOT_WRITTEN
        simulator.change(simulator.faults.model_copy(update={"pause": False}))
        assert (await trial).outcome is SubmitOutcome.ACCEPTED
        assert (await transport.submit(part_of("s12", 12))).outcome is SubmitOutcome.ACCEPTED
        assert transport.connected


@pytest.mark.parametrize("status", [400, 413, 422])
async def test_what_is_wrong_with_one_message_is_in_no_other_s_way(status: int) -> None:
    async with answering(lambda: status) as url, started(transport_to(url)) as (transport, _):
        assert (await transport.submit(part_of())).outcome is SubmitOutcome.REFUSED_FOR_NOW
        assert transport.is_ready and transport.connected and transport.down_since is None


async def test_while_it_sends_orders_elsewhere_no_message_is_risked() -> None:
    """A page to sign in at, before the provider: it answers whatever is asked."""
    status = [302]
    async with answering(lambda: status[0]) as url, started(transport_to(url)) as (transport, _):
        assert (await transport.submit(part_of())).outcome is SubmitOutcome.UNKNOWN
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5):
                await transport.ready()
        status[0] = 401
        async with asyncio.timeout(5):
            await transport.ready()
        assert (await transport.submit(part_of("s2", 2))).outcome is SubmitOutcome.NOT_WRITTEN


async def test_a_permit_that_takes_long_says_nothing_of_the_provider(tmp_path: Path) -> None:
    class Slow:
        def is_valid(self) -> bool:
            return False

        async def renew(self) -> bool:
            return await asyncio.Event().wait()

    async with (
        provider(tmp_path) as (simulator, url),
        started(transport_to(url, response_timeout=0.1)) as (transport, _),
    ):
        assert (await transport.submit(part_of(), Slow())).outcome is SubmitOutcome.NOT_WRITTEN
        assert transport.connected and transport.is_ready and simulator.messages() == []


async def test_the_rate_is_kept(tmp_path: Path) -> None:
    async with provider(tmp_path) as (_, url), started(transport_to(url, rate=50.0)) as (transport, _):
        began = asyncio.get_running_loop().time()
        await asyncio.gather(*(transport.submit(part_of(f"s{n}", n)) for n in range(1, 12)))
        assert asyncio.get_running_loop().time() - began >= 10 / 50


async def test_no_secret_and_no_number_is_logged(tmp_path: Path) -> None:
    with capture_logs() as logged:
        async with (
            provider(tmp_path, lose_answer_every=2) as (_, url),
            started(transport_to(url)) as (transport, _),
        ):
            assert SECRET.decode() not in repr(transport._settings)
            for n in range(1, 5):
                await transport.submit(part_of(f"s{n}", n))
    told = repr([entry for entry in logged if entry["event"].startswith("sms_http.") and "part_id" in entry])
    assert "s2/1" in told
    assert not any(hidden in told for hidden in (NUMBER, NUMBER[2:], SECRET.decode(), "张三"))


@asynccontextmanager
async def answering(status: Callable[[], int]) -> AsyncIterator[str]:
    """Where whatever is asked is answered so, without a word."""
    app = FastAPI()

    @app.api_route("/messages", methods=["POST", "HEAD"])
    async def answer() -> Response:
        return Response(status_code=status(), headers={"Location": "/sign-in"})

    async with served(app) as url:
        yield url


# --- callbacks --------------------------------------------------------------------------------------------------------


class Heard:
    def __init__(self) -> None:
        self.receipts: list[DeliveryReceipt] = []
        self.inbounds: list[InboundSms] = []
        self.away = False

    async def on_receipt(self, receipt: DeliveryReceipt) -> None:
        if self.away:
            raise ConnectionError("no broker")
        self.receipts.append(receipt)

    async def on_inbound(self, inbound: InboundSms) -> None:
        self.inbounds.append(inbound)


@asynccontextmanager
async def started(transport: HttpTransport) -> AsyncIterator[tuple[HttpTransport, Heard]]:
    heard = Heard()
    await transport.start(heard.on_receipt, heard.on_inbound)
    try:
        yield transport, heard
    finally:
        await transport.close()


@asynccontextmanager
async def called(folder: Path) -> AsyncIterator[tuple[httpx.AsyncClient, Heard]]:
    transport = transport_to("http://127.0.0.1:1")
    async with (
        served(callbacks_of(transport, folder)) as url,
        started(transport) as (_, heard),
        httpx.AsyncClient(base_url=url, trust_env=False) as http,
    ):
        yield http, heard


def callback(*events: dict[str, Any]) -> bytes:
    return json.dumps({"events": list(events)}).encode()


RECEIPT = {"type": "receipt", "message_id": "m1", "to": NUMBER, "state": "DELIVRD", "reference": 7, "error": "000"}
TD = {"type": "inbound", "from": NUMBER, "text": "TD", "at": "2026-07-01T04:00:00+00:00"}
PATH = "/v1/sms/callbacks"


async def test_a_callback_with_the_right_signature_is_taken(tmp_path: Path) -> None:
    async with called(tmp_path) as (http, heard):
        body = callback(RECEIPT, TD)
        for secret in (b"of its callbacks 0123", b"the new secret 0123"):
            answer = await http.post(PATH, content=body, headers=signed(body, secret))
            assert (answer.status_code, answer.json()) == (200, {"taken": 2, "unreadable": 0})
        assert (heard.receipts[0].message_id, heard.receipts[0].reference) == ("m1", 7)
        assert (heard.inbounds[0].source, heard.inbounds[0].text) == (NUMBER, "TD")


@pytest.mark.parametrize(
    ("spoilt", "code"),
    [
        (lambda h, b: ({}, b), "not_signed"),
        (lambda h, b: ({"Sms-Timestamp": h["Sms-Timestamp"]}, b), "not_signed"),
        (lambda h, b: ({**h, "Sms-Timestamp": "yesterday"}, b), "not_signed"),
        (lambda h, b: ({**h, "Sms-Timestamp": "9" * 5000}, b), "not_signed"),
        (lambda h, b: (h, b + b" "), "wrong_signature"),
        (lambda h, b: ({**h, "Sms-Signature": "00" * 32}, b), "wrong_signature"),
        (lambda h, b: (signed(b, b"somebody else's secret"), b), "wrong_signature"),
        (lambda h, b: ({**h, "Sms-Timestamp": str(int(h["Sms-Timestamp"]) - 1)}, b), "wrong_signature"),
        (lambda h, b: (signed(b, at=system_now() - timedelta(seconds=305)), b), "stale_signature"),
        (lambda h, b: (signed(b, at=system_now() + timedelta(seconds=305)), b), "stale_signature"),
    ],
)
async def test_any_other_is_401_says_why_and_does_nothing(tmp_path: Path, spoilt: Any, code: str) -> None:
    async with called(tmp_path) as (http, heard):
        body = callback(RECEIPT, TD)
        headers, body = spoilt(signed(body), body)
        answer = await http.post(PATH, content=body, headers=headers)
        assert (answer.status_code, answer.json()["error"]) == (401, code)
        assert answer.json()["zh"] and answer.json()["en"] and NUMBER not in answer.text
        assert heard.receipts == heard.inbounds == []


@pytest.mark.parametrize(
    ("body", "status", "taken", "unreadable"),
    [
        (callback(), 200, 0, 0),
        (callback(RECEIPT, {"type": "price"}, {**RECEIPT, "to": 7}, {**RECEIPT, "reference": 70_000}), 200, 1, 3),
        (callback({**TD, "at": "yesterday"}, TD), 200, 1, 1),
        (callback({**RECEIPT, "state": "GONE", "message_id": "x" * 9000}), 200, 1, 0),
        (b"", 422, 0, 0),
        (b"[]", 422, 0, 0),
        (b'{"events": 1}', 422, 0, 0),
        (b"[" * 100_000, 422, 0, 0),
        (b"\xff\xfe", 422, 0, 0),
        (callback(*[RECEIPT] * 501), 422, 0, 0),
    ],
)
async def test_what_can_t_be_read_stops_nothing(
    tmp_path: Path, body: bytes, status: int, taken: int, unreadable: int
) -> None:
    async with called(tmp_path) as (http, heard):
        answer = await http.post(PATH, content=body, headers=signed(body))
        assert answer.status_code == status
        assert len(heard.receipts) + len(heard.inbounds) == taken
        if status == 200:
            assert answer.json() == {"taken": taken, "unreadable": unreadable}
        else:
            assert answer.json()["error"] == "bad_callback" and answer.json()["zh"]


@pytest.mark.parametrize(
    ("first", "again", "is_same"),
    [
        # (what is told besides the text, when it was signed)
        (({}, 0), ({}, 0), True),  # caught, and sent again
        (({}, 0), ({}, 9), False),
        (({"message_id": "m1"}, 0), ({"message_id": "m1"}, 9), True),  # our OK did not come
        (({"message_id": "m1"}, 0), ({"message_id": "m2"}, 0), False),
        (({"at": "2026-07-01T04:00:00+00:00"}, 0), ({"at": "2026-07-01T04:00:00+00:00"}, 9), True),
        (({"at": "2026-07-01T04:00:00+00:00"}, 0), ({"at": "2026-07-01T04:00:01+00:00"}, 0), False),
        (({"message_id": "m1"}, 0), ({"message_id": "m1", "text": "订阅"}, 0), False),  # who gives all the same id
        (({"message_id": "m1"}, 0), ({"message_id": "m1", "from": NUMBER[:-1] + "2"}, 0), False),
    ],
)
def test_which_words_are_the_same(
    first: tuple[dict[str, str], int], again: tuple[dict[str, str], int], is_same: bool
) -> None:
    def word(told: dict[str, str], signed: int) -> str | None:
        (found,), _ = read_callback(callback({"type": "inbound", "from": NUMBER, "text": "TD", **told}), str(signed))
        assert isinstance(found, InboundSms) and found.word
        return found.word

    assert (word(*first) == word(*again)) is is_same


def test_two_words_of_one_call_are_two() -> None:
    told, _ = read_callback(callback(*[{"type": "inbound", "from": NUMBER, "text": "TD"}] * 2), "1")
    assert len({found.word for found in told if isinstance(found, InboundSms)}) == 2


async def test_ok_is_said_only_when_it_is_durable(tmp_path: Path) -> None:
    async with called(tmp_path) as (http, heard):
        body = callback(RECEIPT)
        heard.away = True
        answer = await http.post(PATH, content=body, headers=signed(body))
        assert (answer.status_code, answer.json()["error"]) == (503, "not_taken")
        heard.away = False
        assert (await http.post(PATH, content=body, headers=signed(body))).status_code == 200
        assert len(heard.receipts) == 1


async def test_before_anybody_listens_it_is_to_come_again(tmp_path: Path) -> None:
    transport = transport_to("http://127.0.0.1:1")
    body = callback(RECEIPT)
    async with served(callbacks_of(transport, tmp_path)) as url, httpx.AsyncClient(trust_env=False) as http:
        assert (await http.post(f"{url}{PATH}", content=body, headers=signed(body))).status_code == 503
