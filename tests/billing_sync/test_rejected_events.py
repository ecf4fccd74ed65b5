"""Defect 27: events of the feed that were refused are told on feed.events, whatever road they came by."""

import json
from typing import Any

import msgspec
import pytest
from aiokafka import TopicPartition

from contracts.misc import EventRejected
from harness.intake import event, feed, running, until
from servicekit.envelope import Message

FEED = TopicPartition("boss.feed", 0)
BILL = {"customer_id": "1", "period": "202605", "amount_fen": 100}
REJECTED = "kam.feed.event.rejected.v1"


def record(offset: int, value: Any) -> Message:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    headers = (("content-type", b"application/cloudevents+json"),)
    return Message("boss.feed", 0, offset, b"k", dict(headers), raw)


async def test_over_http() -> None:
    async with running() as (intake, producer):
        await feed(intake, "bill.issued", BILL, id="a", time="2026-05-31T10:00:00+08:00")
        refused = [
            await feed(intake, "bill.issued", {**BILL, "amount_fen": 1.5}, id="b"),
            await feed(intake, "bill.issued", {**BILL, "amount_fen": 7}, id="a"),
        ]
        await until(lambda: not intake.settle()["outbox"])
    wrong, other = producer.of("feed.events")
    assert (wrong["type"], wrong["key"], wrong["correlationid"]) == (REJECTED, "http", "feed:boss/320100#b")
    assert wrong["businessclock"] == "2026-05-31T02:00:00+00:00"
    for told, receipt in zip((wrong, other), refused, strict=True):
        data = msgspec.convert(told["data"], EventRejected, strict=False)
        assert (data.road, data.source, data.id, data.field) == ("http", "boss/320100", receipt.id, receipt.field)
        assert (data.type, data.record) == ("kam.boss.bill.issued.v1", None)
        assert receipt.reason == f"{data.reason_zh} / {data.reason_en}"
    assert wrong["id"] != other["id"]


async def test_over_kafka_beside_its_dead_letter() -> None:
    async with running() as (intake, producer):
        intake.inputs = [FEED]
        good = event("bill.issued", BILL, id="good")
        await intake.process({FEED: [record(0, b"\x00"), record(1, [1]), record(2, good)]})
        await intake.process({FEED: [record(3, {**good, "data": {**BILL, "amount_fen": 7}})]})
        await until(lambda: not intake.settle()["outbox"])
    told = producer.of("feed.events")
    assert [(e["type"], e["key"]) for e in told] == [(REJECTED, "kafka")] * 3
    assert [e["data"]["record"] for e in told] == [f"boss.feed/0@{n}" for n in (0, 1, 3)]
    assert [e["data"]["field"] for e in told] == [None, None, "id"]
    assert len([m for m in producer.messages if m.topic == "boss.feed.billing-sync.dlq"]) == 3


async def test_what_a_stranger_writes_is_cut() -> None:
    long = "x" * 100_000
    async with running() as (intake, producer):
        for more in ({"source": long}, {"id": long}, {"type": f"kam.boss.{long}.v1"}):
            await feed(intake, "bill.issued", BILL, **more)
        await feed(intake, "bill.issued", {**BILL, long: 1})
        await until(lambda: not intake.settle()["outbox"])
    told = [m for m in producer.messages if m.topic == "feed.events"]
    assert len(told) == 4
    assert all(len(m.value or b"") + sum(len(v) for _, v in m.headers) < 4000 for m in told)


@pytest.mark.parametrize("place", ["data", "event", "phone"])
async def test_no_reason_repeats_personal_data(place: str) -> None:
    personal = {"name": "王芳", "phone": "13900001111"}
    made: Any = event("customer.changed", {"customer_id": "1"})
    if place == "phone":
        made["data"] |= {"phone": 13900001111}
    else:
        made = [personal] if place == "event" else {**made, "data": [personal]}
    async with running() as (intake, producer):
        intake.inputs = [FEED]
        await intake.process({FEED: [record(0, made)]})
        await until(lambda: not intake.settle()["outbox"])
    (told,) = producer.of("feed.events")
    assert "1390000" not in json.dumps(told) and "王芳" not in json.dumps(told, ensure_ascii=False)
    (letter,) = [m for m in producer.messages if m.topic.endswith(".dlq")]
    assert b"1390000" not in dict(letter.headers)["dlq_reason"]
