"""HTTP: single, batch, structured and binary CloudEvents, tokens, limits; poison on boss.feed."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiokafka import TopicPartition

from billing_sync.bootstrap import build
from billing_sync.domain.events import rejection
from billing_sync.domain.reasons import Bad
from billing_sync.intake import Events, Intake
from billing_sync.settings import Settings
from harness.intake import Producer, event, running, until
from harness.typed_answers import TypedAnswers
from servicekit.auth import issue_token
from servicekit.envelope import Message

SECRET = "0123456789abcdef0123456789abcdef"
BILL = {"customer_id": "1", "period": "202605", "amount_fen": 100}
STRUCTURED = {"content-type": "application/cloudevents+json; charset=utf-8"}
BATCH = {"content-type": "application/cloudevents-batch+json"}


class Api:
    """The service's HTTP side over an intake in memory."""

    def __init__(self, http: httpx.AsyncClient, intake: Intake, producer: Producer) -> None:
        self.http, self.intake, self.producer = http, intake, producer

    async def post(self, body: Any, headers: dict[str, str], role: str | None = "integrator") -> httpx.Response:
        content = body if isinstance(body, bytes | str) else json.dumps(body, ensure_ascii=False)
        return await self.http.post("/v1/events", content=content, headers={**headers, **bearer(role)})


def bearer(role: str | None) -> dict[str, str]:
    return {} if role is None else {"authorization": f"Bearer {issue_token(SECRET, 'test', role)}"}


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[Api]:
    (tmp_path / "secret").write_text(SECRET)
    settings = Settings(service_data=tmp_path, kafka="-", boss_dir=tmp_path, secret_file=tmp_path / "secret")
    async with running() as (intake, producer):
        service = build(settings)
        service.processors.append(intake)
        transport = TypedAnswers(service.asgi())
        async with httpx.AsyncClient(transport=transport, base_url="http://billing") as http:
            yield Api(http, intake, producer)


async def test_a_single_structured_event(api: Api) -> None:
    answer = await api.post(event("bill.issued", BILL, id="a"), STRUCTURED)
    assert answer.status_code == 202
    assert answer.json() == {
        "source": "boss/320100", "id": "a", "status": "accepted", "field": None, "reason": None
    }  # fmt: skip
    await until(lambda: api.producer.of("boss.events"))
    assert api.producer.of("boss.events")[0]["correlationid"] == "feed:boss/320100#a"


async def test_a_single_binary_event(api: Api) -> None:
    made = event("bill.issued", BILL, source="boss/%E5%8D%97%E4%BA%AC")
    headers = {f"ce-{name}": value for name, value in made.items() if name != "data"}
    answer = await api.post(made["data"], {**headers, "content-type": "application/json"})
    assert (answer.status_code, answer.json()["status"], answer.json()["source"]) == (202, "accepted", "boss/南京")


async def test_one_bad_event_never_spoils_its_batch(api: Api) -> None:
    batch = [
        event("bill.issued", BILL, id="a"),
        event("bill.issued", {**BILL, "amount_fen": 1.5}, id="b"),
        7,
        event("bill.issued", BILL, id="a", source="boss/320100", time="2026-05-31T11:00:00+08:00"),
        event("usage.summarised", {"customer_id": "1", "period": "202605"}, id="c"),
        event("usage.summarised", {"customer_id": "1", "period": "202605"}, id="c"),
    ]
    answer = await api.post(batch, BATCH)
    receipts = answer.json()
    assert answer.status_code == 202
    assert [r["status"] for r in receipts] == ["accepted", "rejected", "rejected", "rejected", "accepted", "duplicate"]
    assert [r["field"] for r in receipts] == [None, "amount_fen", None, "id", None, None]
    assert [r["id"] for r in receipts] == ["a", "b", None, "a", "c", "c"]
    await until(lambda: not api.intake.settle()["outbox"])
    assert [e["revision"] for e in api.producer.of("boss.events")] == ["1", "1"]


async def test_an_empty_batch_is_a_batch(api: Api) -> None:
    answer = await api.post([], BATCH)
    assert (answer.status_code, answer.json()) == (202, [])


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"{", STRUCTURED, 400),
        (b"\xff\xfe", STRUCTURED, 400),
        (b"[", BATCH, 400),
        (b"{}", BATCH, 400),
        (b"{}", {"content-type": "text/plain"}, 415),
        (b" " * (6 << 20), STRUCTURED, 413),
        (b"[" + b"1," * 60_000 + b"1]", BATCH, 413),
    ],
)
async def test_bodies_that_are_no_events(api: Api, body: bytes, headers: dict[str, str], status: int) -> None:
    answer = await api.post(body, headers)
    assert answer.status_code == status
    assert answer.json()["zh"] and answer.json()["en"]


async def test_six_mebibytes_without_a_length_are_not_read_to_the_end(api: Api) -> None:
    read = 0

    async def body() -> AsyncIterator[bytes]:
        nonlocal read
        for _ in range(100):
            read += 1
            yield b"x" * (1 << 20)

    headers = {**STRUCTURED, **bearer("integrator")}
    assert (await api.http.post("/v1/events", content=body(), headers=headers)).status_code == 413


@pytest.mark.parametrize(("role", "status"), [(None, 401), ("manager", 403), ("integrator", 202), ("service", 202)])
async def test_tokens(api: Api, role: str | None, status: int) -> None:
    assert (await api.post(event("bill.issued", BILL), STRUCTURED, role)).status_code == status


async def test_too_much_is_answered_429(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api.intake, "is_behind", lambda jobs, events: True)
    answer = await api.post(event("bill.issued", BILL), STRUCTURED)
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "1")


def submitted_when(api: Api, monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
    """No request is taken in, and so none is answered, before this is set."""
    answers = asyncio.Event()
    submit = api.intake.submit

    async def slowly(job: Any) -> Any:
        await answers.wait()
        return await submit(job)

    monkeypatch.setattr(api.intake, "submit", slowly)
    return answers


async def test_bodies_at_hand_are_bounded_together(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """A thousand senders of 5 MiB at once would be 5 GiB, before any of them waits in the queue."""
    answers = submitted_when(api, monkeypatch)
    large = json.dumps([event("bill.issued", BILL)]) + " " * (5 << 20)
    sent = [asyncio.create_task(api.post(large[: 5 << 20], BATCH)) for _ in range(20)]
    await until(lambda: sum(task.done() for task in sent) >= 8)
    refused = [task.result() for task in sent if task.done()]
    assert {(a.status_code, a.headers["retry-after"]) for a in refused} == {(429, "1")}
    answers.set()
    assert [a.status_code for a in await asyncio.gather(*sent)].count(202) == 12
    assert (await api.post(large[: 5 << 20], BATCH)).status_code == 202, "there is room again"


async def test_events_at_hand_are_bounded_whatever_requests_they_came_in(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twelve requests of 15,000 events each were one commit, handled a minute later."""
    answers = submitted_when(api, monkeypatch)
    many = json.dumps([event("bill.issued", BILL)] * 8000)
    sent = [asyncio.create_task(api.post(many, BATCH)) for _ in range(4)]
    await until(lambda: sum(task.done() for task in sent) >= 2)
    refused = [task.result() for task in sent if task.done()]
    assert {(a.status_code, a.headers["retry-after"]) for a in refused} == {(429, "1")}
    answers.set()
    assert [a.status_code for a in await asyncio.gather(*sent)].count(202) == 2
    assert (await api.post(json.dumps([event("bill.issued", BILL)] * 20_500), BATCH)).status_code == 202, "one alone"


async def test_a_large_batch_leaves_others_their_turn(api: Api) -> None:
    """50,000 events held up health checks for seconds."""
    sent = asyncio.create_task(api.intake.submit(Events([rejection(None, Bad(None, "坏", "bad"))] * 2000)))
    turns = 0
    while not sent.done():
        turns += 1
        await asyncio.sleep(0)
    assert len(await sent) == 2000 and turns > 10


async def test_the_clock_over_http(api: Api) -> None:
    assert (await api.http.get("/v1/clock", headers=bearer("service"))).json() == {"mode": "feed", "clock": None}
    put = await api.http.put("/v1/clock", json={"at": "2026-06-20"}, headers=bearer("service"))
    assert put.json() == {"mode": "feed", "clock": "2026-06-20T02:00:00+00:00"}
    put = await api.http.put("/v1/clock", json={"at": "2026-06-19"}, headers=bearer("service"))
    assert (put.status_code, put.json()["error"]) == (409, "clock_backwards")


def record(offset: int, value: bytes | None, headers: dict[str, Any]) -> Message:
    return Message("boss.feed", 0, offset, b"1", {name: text.encode() for name, text in headers.items()}, value)


def binary(made: dict[str, Any]) -> dict[str, str]:
    return {f"ce_{name}": value for name, value in made.items() if name != "data"}


async def test_poison_on_boss_feed_goes_to_the_dead_letters_and_the_rest_passes() -> None:
    tp = TopicPartition("boss.feed", 0)
    async with running() as (intake, producer):
        intake.inputs = [tp]
        good = event("bill.issued", BILL, id="good")
        later = event("usage.summarised", {"customer_id": "1", "period": "202605"})
        wrong = event("bill.issued", {**BILL, "amount_fen": "1.5"})
        replayed = {**binary(wrong), "kam-replay-for": "somebody-else"}
        records = [
            record(0, b"\x00\x01", {}),
            record(1, None, {}),
            record(2, json.dumps(good["data"]).encode(), binary(good)),
            record(3, json.dumps(wrong["data"]).encode(), binary(wrong)),
            record(4, json.dumps({**BILL, "amount_fen": 7}).encode(), binary(good)),
            record(5, json.dumps(wrong["data"]).encode(), replayed),
            record(6, json.dumps(later).encode(), STRUCTURED),
        ]
        await intake.process({tp: records})
        await until(lambda: not intake.settle()["outbox"])
        assert intake.position.offsets == {"boss.feed/0": 7}
        assert [e["type"] for e in producer.of("boss.events")] == [
            "kam.boss.bill.issued.v1",
            "kam.boss.usage.summarised.v1",
        ]
        dead = [m for m in producer.messages if m.topic == "boss.feed.billing-sync.dlq"]
        assert [m.value for m in dead] == [records[n].body for n in (0, 1, 3, 4)]
        reasons = [dict(m.headers)["dlq_reason"].decode() for m in dead]
        assert reasons[2].startswith("amount_fen: ") and "integer fen" in reasons[2]
        assert "other content" in reasons[3]
        assert all(dict(m.headers)["dlq_service"] == b"billing-sync" for m in dead)

        # Mended by its sender or not: a replay meant for us is looked at again.
        again = {**binary(good), "kam-replay-for": "billing-sync", "ce_id": "new"}
        await intake.process({tp: [record(7, json.dumps({**BILL, "amount_fen": 7}).encode(), again)]})
        await until(lambda: not intake.settle()["outbox"])
        assert producer.of("boss.events")[-1]["data"]["amount_fen"] == 7
