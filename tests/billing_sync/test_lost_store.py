"""billing-sync's store is lost, the log is not: revisions go on above those of the lost store, and ids with them."""

import asyncio
import json
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiokafka.errors import KafkaConnectionError

from alerts.detection import app as detect
from alerts.rules import load
from billing_sync import intake as intake_module
from billing_sync.intake import Intake
from harness.intake import APP, NOW, Producer, feed, until
from harness.one_processor import OneProcessor
from servicekit import log_reader
from servicekit.envelope import Message
from servicekit.memory_store import MemoryStore
from servicekit.store import Position


class Log:
    """A consumer of a broker that holds what was sent before."""

    def __init__(self, events: int) -> None:
        self.events, self.fails = events, 1

    async def getmany(self, *_: Any, **__: Any) -> dict[Any, Any]:
        await asyncio.sleep(3600)
        return {}

    async def end_offsets(self, places: list[Any]) -> dict[Any, int]:
        if self.fails:
            self.fails -= 1
            raise KafkaConnectionError("away")
        return dict.fromkeys(places, self.events)


@asynccontextmanager
async def life(store: MemoryStore, producer: Producer) -> Any:
    """A process of billing-sync, from its start to its end."""
    intake = Intake(APP, 0, [], store, producer, clock_mode="feed", system_clock=lambda: NOW)
    await intake.open()
    intake.held = False
    running = asyncio.create_task(intake.run(Log(len(producer.messages))))
    yield intake
    await until(lambda: not intake.settle()["outbox"])
    intake.stop()
    await running


async def owes(intake: Intake, day: int, fen: int) -> None:
    data = {"customer_id": "A", "as_of": f"2026-06-{day:02}", "amount_fen": fen, "oldest_due_on": "2026-05-01"}
    await feed(intake, "arrears.changed", data, time=f"2026-06-{day:02}T10:00:00Z")


async def test_no_event_has_the_id_of_one_before_the_store_was_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    """A new debt was the old alert once more: its SMS had been sent, so nobody was reminded."""
    monkeypatch.setattr(log_reader, "_PAUSE_SECONDS", 0.0)
    monkeypatch.setattr(intake_module, "LONGEST_PAUSE", 0.0)
    producer, store = Producer(), MemoryStore()
    store._kept.position = Position(epoch="second")
    async with life(MemoryStore(), producer) as intake:
        await feed(intake, "customer.changed", {"customer_id": "A", "status": "active"}, time="2026-05-01T10:00:00Z")
        await owes(intake, 1, 500)
        await owes(intake, 2, 0)
    assert {e["revision"] for e in producer.of("boss.events")} == {"1", "2"}
    async with life(store, producer) as intake:
        await owes(intake, 3, 700)
    async with life(store, producer) as intake:
        assert intake.revisions_from == int(NOW.timestamp())
        await owes(intake, 4, 800)
    events = producer.of("boss.events")
    assert len({e["id"] for e in events}) == len(events) == 5
    assert int(events[-1]["revision"]) == int(events[-2]["revision"]) + 1 == int(NOW.timestamp()) + 2

    detector = await OneProcessor(detect(load())).open()
    sent = [m for m in producer.messages if m.topic == "boss.events" and m.key != b"clock"]
    await detector.take(*(Message("boss.events", 0, n, m.key, dict(m.headers), m.value) for n, m in enumerate(sent)))
    alerts = [json.loads(m.value or b"") for m in await detector.outbox() if m.topic == "alert.events"]
    assert len({a["alert_id"] for a in alerts if a["kind"] == "arrears"}) == 2
