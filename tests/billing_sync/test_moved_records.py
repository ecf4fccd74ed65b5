"""Defect 14/31: a record with an id of its own whose customer changes leaves the old one before it comes to the new."""

import json
from datetime import date
from typing import Any

import msgspec
import pytest
from aiokafka import TopicPartition

from alerts.detection import app as detect
from alerts.rules import load
from billing_sync.domain.keys import index_key, record_key
from billing_sync.domain.kinds import KINDS
from billing_sync.domain.record import Known
from billing_sync.domain.rows import FactMaker
from billing_sync.handlers import keys_of, take
from billing_sync.intake import Draft
from billing_sync.store import decode_known
from contracts.boss import RecordMoved
from harness.intake import Producer, event, feed, running, until
from harness.one_processor import OneProcessor
from servicekit.envelope import Message
from servicekit.kafka import partition_of
from servicekit.memory_store import MemoryStore

AT = "2026-06-01T10:00:00+08:00"
RECORDS: dict[str, tuple[str, dict[str, Any]]] = {
    "CONT": ("contract.changed", {"contract_id": "r1", "ends_on": "2026-08-15"}),
    "COMP": ("complaint.changed", {"complaint_id": "r1", "opened_at": AT, "status": "opened"}),
    "SERV": ("service.requested", {"request_id": "r1", "requested_at": AT, "kind": "stop"}),
    "PAY": ("payment.received", {"payment_id": "r1", "paid_at": AT, "amount_fen": 100}),
}


def told(producer: Producer) -> list[tuple[str, str, str, str | None]]:
    """Type, key, revision and owner's revision of what stands on boss.events, each on its key's own partition."""
    found = []
    for e in producer.of("boss.events"):
        assert e["key"] == e["subject"] == e["data"]["customer_id"]
        assert e["partition"] == partition_of(e["key"], 4)
        found.append((e["type"].split(".", 2)[2], e["key"], e["revision"], e.get("ownerrevision")))
    return found


async def handed_over(*customers: str, kind: str = "CONT", store: Any = None) -> Producer:
    """The record fed once a day, each time with this customer."""
    type_, data = RECORDS[kind]
    async with running(store) as (intake, producer):
        for day, customer in enumerate(customers, 1):
            receipt = await feed(intake, type_, {**data, "customer_id": customer}, time=f"2026-06-{day:02}T10:00:00Z")
            assert receipt.status == "accepted"
        await until(lambda: not intake.settle()["outbox"])
        return producer


@pytest.mark.parametrize("kind", RECORDS)
async def test_the_old_customer_is_told_before_the_new_one(kind: str) -> None:
    producer = await handed_over("A", "B", kind=kind)
    changed = f"{RECORDS[kind][0]}.v1"
    assert told(producer) == [
        (changed, "A", "1", None),
        ("record.moved.v1", "A", "2", None),
        (changed, "B", "2", "2"),
    ]
    _, moved, came = producer.of("boss.events")
    assert moved["data"] == {
        "kind": kind,
        "record_id": "r1",
        "customer_id": "A",
        "moved_to": "B",
        "moved_at": "2026-06-02T10:00:00Z",
    }
    msgspec.convert(moved["data"], RecordMoved, strict=False)
    assert moved["correlationid"] == came["correlationid"]
    assert moved["id"] != came["id"]


async def test_there_and_back_each_owner_has_a_revision_of_its_own() -> None:
    producer = await handed_over("A", "B", "A")
    assert told(producer)[3:] == [
        # Which of the customer's ownerships ends, stands with its end too.
        ("record.moved.v1", "B", "3", "2"),
        ("contract.changed.v1", "A", "3", "3"),
    ]
    ids = [e["id"] for e in producer.of("boss.events")]
    assert len(set(ids)) == len(ids)


async def test_the_owners_revision_stays_on_later_events_and_over_a_restart() -> None:
    store = MemoryStore()
    await handed_over("A", "B", store=store)
    async with running(store) as (intake, producer):
        data = {**RECORDS["CONT"][1], "customer_id": "B", "ends_on": "2026-09-15"}
        await feed(intake, "contract.changed", data, time="2026-06-05T10:00:00Z")
        await until(lambda: not intake.settle()["outbox"])
    assert told(producer)[-1] == ("contract.changed.v1", "B", "3", "2")


async def test_an_older_record_moves_nothing() -> None:
    type_, data = RECORDS["CONT"]
    async with running() as (intake, producer):
        await feed(intake, type_, {**data, "customer_id": "A"}, time="2026-06-02T10:00:00Z")
        await feed(intake, type_, {**data, "customer_id": "B"}, time="2026-06-01T10:00:00Z")
        await until(lambda: not intake.settle()["outbox"])
    assert told(producer) == [("contract.changed.v1", "A", "1", None)]


async def test_a_record_stored_before_owners_had_revisions_is_read_as_always_theirs() -> None:
    store = MemoryStore()
    await handed_over("A", store=store)
    key = record_key("CONT", "r1")
    kept = msgspec.msgpack.decode(store.states[key])
    store.states[key] = msgspec.msgpack.encode(kept[:7])  # as it was stored: no owner_revision at its end
    assert decode_known(store.states[key]) == Known(*kept[:4], kept[4], kept[5], kept[6], 0)
    async with running(store) as (intake, producer):
        await feed(intake, "contract.changed", {**RECORDS["CONT"][1], "customer_id": "B"}, time="2026-06-05T10:00:00Z")
        await until(lambda: not intake.settle()["outbox"])
    assert told(producer)[-2:] == [("record.moved.v1", "A", "2", None), ("contract.changed.v1", "B", "2", "2")]


async def test_over_kafka_too() -> None:
    type_, data = RECORDS["PAY"]
    async with running() as (intake, producer):
        for day, customer in ((1, "A"), (2, "B")):
            made = event(type_, {**data, "customer_id": customer}, time=f"2026-06-{day:02}T10:00:00Z")
            value = json.dumps(made).encode()
            headers = (("content-type", b"application/cloudevents+json"),)
            record = Message("boss.feed", 0, day, b"k", dict(headers), value)
            intake.inputs = [TopicPartition("boss.feed", 0)]
            await intake.process({intake.inputs[0]: [record]})
        await until(lambda: not intake.settle()["outbox"])
    assert [t[:2] for t in told(producer)][-2:] == [("record.moved.v1", "A"), ("payment.received.v1", "B")]


class Row:
    """A row of a city's nightly file of contracts, loaded."""

    def __init__(self, city: str, day: int, customer: str) -> None:
        maker = FactMaker(KINDS["CONT"], f"CONT_{city}_202606{day:02}_0001.dat.gz", city, date(2026, 6, day), day)
        self._fact = maker.make(("r1", customer, None, None, "2026-08-15", None, None), 2)

    async def carry_out(self, draft: Draft) -> str:
        await draft.need(keys_of(self._fact))
        return take(draft, self._fact)


async def test_by_a_nightly_file_too_and_the_other_city_is_expected_to_name_it() -> None:
    store = MemoryStore()
    async with running(store) as (intake, producer):
        for row in (Row("320100", 1, "A"), Row("320200", 2, "B")):
            assert await intake.submit(row) == "changed"
        # The old city's next file, loaded late: nothing moves back.
        assert await intake.submit(Row("320100", 1, "A")) == "stale"
        await until(lambda: not intake.settle()["outbox"])
    assert told(producer) == [
        ("contract.changed.v1", "A", "1", None),
        ("record.moved.v1", "A", "2", None),
        ("contract.changed.v1", "B", "2", "2"),
    ]
    assert producer.of("boss.events")[1]["correlationid"] == "file:CONT_320200_20260602_0001.dat.gz#2"
    assert [key for key in store.states if key.startswith("I/")] == [index_key("CONT", "320200", "r1")]


async def test_a_contract_that_moves_by_an_event_is_no_drift_of_the_old_city() -> None:
    store = MemoryStore()
    async with running(store) as (intake, _):
        await intake.submit(Row("320100", 1, "A"))
        await feed(intake, "contract.changed", {**RECORDS["CONT"][1], "customer_id": "B"}, time="2026-06-05T10:00:00Z")
        assert not [key for key in store.states if key.startswith("I/")]
        await intake.submit(Row("320200", 6, "B"))
        assert [key for key in store.states if key.startswith("I/")] == [index_key("CONT", "320200", "r1")]


async def test_there_and_back_gives_three_alerts_each_ended_before_the_next() -> None:
    """What billing-sync publishes, taken by the detector of alerts."""
    async with running() as (intake, producer):
        for customer in ("A", "B"):
            data = {"customer_id": customer, "status": "active", "city": "320100"}
            await feed(intake, "customer.changed", data, time="2026-06-01T00:00:00Z")
        for day, customer in enumerate(("A", "B", "A"), 2):
            data = {**RECORDS["CONT"][1], "customer_id": customer}
            await feed(intake, "contract.changed", data, time=f"2026-06-{day:02}T10:00:00Z")
        await until(lambda: not intake.settle()["outbox"])
    detector = await OneProcessor(detect(load()), "boss.events", "work.events").open()
    sent = [m for m in producer.messages if m.topic == "boss.events" and m.key != b"clock"]
    await detector.take(*(Message("boss.events", 0, n, m.key, dict(m.headers), m.value) for n, m in enumerate(sent)))
    alerts = [json.loads(m.value or b"") for m in await detector.outbox() if m.topic == "alert.events"]
    lives = [(a["customer_id"], a["state"], a["outcome"]) for a in alerts]
    assert lives == [
        ("A", "raised", None),
        ("A", "resolved", "withdrawn"),
        ("B", "raised", None),
        ("B", "resolved", "withdrawn"),
        ("A", "raised", None),
    ]
    assert len({a["alert_id"] for a in alerts}) == 3
