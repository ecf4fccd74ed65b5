"""What the intake stores of events that come over Kafka, news or not, and how its ticks are numbered."""

import json
from datetime import timedelta
from typing import Any

import pytest
from aiokafka import TopicPartition

from billing_sync.intake import Intake
from harness.intake import APP, NOW, Producer, event, plain
from servicekit.envelope import Message
from servicekit.memory_store import MemoryStore

FEED = TopicPartition("boss.feed", 0)


async def intake(store: MemoryStore, *, held: bool = False, now: Any = NOW) -> Intake:
    made = Intake(APP, 0, [FEED], store, Producer(), clock_mode="feed", system_clock=lambda: now)
    await made.open()
    made.held = held
    return made


def record(offset: int, made: dict[str, Any] | bytes, *more: tuple[str, bytes | None]) -> Message:
    value = made if isinstance(made, bytes) else json.dumps(made).encode()
    headers = (("content-type", b"application/cloudevents+json"), *more)
    return Message("boss.feed", 0, offset, b"k", dict(headers), value)


def named(name: str, id_: str, time: str) -> dict[str, Any]:
    return event("customer.changed", {"customer_id": "c1", "name": name}, id=id_, time=time)


@pytest.mark.parametrize("held", [True, False])
async def test_an_accepted_event_that_changes_nothing_is_stored_all_the_same(held: bool) -> None:
    store = MemoryStore()
    boss = await intake(store, held=held)
    await boss.process({FEED: [record(0, named("X", "e1", "2026-06-30T10:00:00+08:00"))]})
    await boss.process({FEED: [record(1, named("X", "e2", "2026-06-30T11:00:00+08:00"))]})
    boss = await intake(store, held=held)  # as after a kill
    older = record(2, named("Y", "e3", "2026-06-30T10:30:00+08:00"))
    other_content = record(3, named("Z", "e2", "2026-06-30T11:00:00+08:00"))
    await boss.process({FEED: [older]})
    await boss.process({FEED: [other_content]})
    sent = [plain(m) for _, m in await store.outbox(0, 99)]
    told = [m["data"]["name"] for m in sent if m.get("type") == "kam.boss.customer.changed.v1"]
    assert told == ["X"], "Y is older than what was confirmed"
    (letter,) = [m for m in sent if "dlq_reason" in m]
    assert letter["dlq_reason"].startswith("id:")


async def test_a_null_header_spoils_no_event_and_bad_records_in_a_row_stop_nothing() -> None:
    store = MemoryStore()
    boss = await intake(store)
    for offset in range(150):
        await boss.process({FEED: [record(offset, b"nonsense", ("traceparent", None))]})
    await boss.process({FEED: [record(150, named("X", "e1", "2026-06-30T10:00:00+08:00"), ("traceparent", None))]})
    assert "CUST/c1" in store.states


async def test_a_store_made_anew_numbers_its_ticks_in_a_later_epoch() -> None:
    epochs = []
    for day in (0, 1):
        store = MemoryStore()
        boss = await intake(store, now=NOW + timedelta(days=day))
        await boss.process({FEED: [record(0, named("X", "e1", "2026-06-30T10:00:00+08:00"))]})
        again = await intake(store, now=NOW + timedelta(days=9))
        await again.process({FEED: [record(1, named("Y", "e2", "2026-06-30T10:00:00+08:00"))]})
        ticks = [m["data"] for _, o in await store.outbox(0, 99) if (m := plain(o))["type"] == "kam.clock.ticked.v1"]
        assert {t["number"] for t in ticks} == {1, 2} and len({t["epoch"] for t in ticks}) == 1
        epochs.append(ticks[0]["epoch"])
    assert 0 < epochs[0] < epochs[1]
