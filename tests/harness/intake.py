"""An intake on the in-memory store with a producer that only collects: everything but Kafka is real."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from billing_sync.domain.events import FeedEvent, Receipt, Rejection, event_of, rejection
from billing_sync.domain.reasons import Bad
from billing_sync.domain.record import Known
from billing_sync.intake import Events, Intake
from servicekit.app import App
from servicekit.envelope import OutgoingMessage
from servicekit.journal import Journal
from servicekit.memory_store import MemoryStore

NOW = datetime.fromisoformat("2026-06-30T12:00:00+08:00").astimezone(UTC)
#: As the service has it, but that jobs which come one after another are not made to wait for each other.
APP = App(name="billing-sync", service="billing-sync", state=Known, handlers={}, open_door=True, pace=0.0)


class Producer:
    """Keeps what is sent, in order."""

    def __init__(self) -> None:
        self.messages: list[OutgoingMessage] = []

    async def publish(self, messages: list[OutgoingMessage]) -> None:
        self.messages += messages

    async def stop(self) -> None:
        return None

    def of(self, topic: str) -> list[dict[str, Any]]:
        """Messages of a topic as ``{attributes…, "data": body}``, ticks left out."""
        found = [plain(m) for m in self.messages if m.topic == topic]
        return [m for m in found if m.get("type") != "kam.clock.ticked.v1"]

    @property
    def ticks(self) -> list[dict[str, Any]]:
        return [m for m in map(plain, self.messages) if m.get("type") == "kam.clock.ticked.v1"]


def plain(message: OutgoingMessage) -> dict[str, Any]:
    headers = {k.removeprefix("ce_"): v.decode("utf-8", "replace") for k, v in message.headers}
    try:
        data = json.loads(message.value or b"null")
    except ValueError:
        data = message.value
    return {**headers, "data": data, "partition": message.partition, "key": (message.key or b"").decode()}


@asynccontextmanager
async def running(
    store: Any = None,
    *,
    clock: str = "feed",
    now: datetime = NOW,
    producer: Producer | None = None,
    held: bool = False,
    keep: Path | None = None,
    journal: Journal | None = None,
    consumer: Any = None,
) -> AsyncIterator[tuple[Intake, Producer]]:
    """An intake at work; ``held`` as when a loader will look into the inbox. ``consumer``: of a broker, where there is
    one to ask what was written before."""
    producer = producer or Producer()
    make = partial(Intake, clock_mode=clock, system_clock=lambda: now, keep=keep, journal=journal)
    intake = make(APP, 0, [], store if store is not None else MemoryStore(), producer)
    await intake.open()
    intake.held = held
    task = asyncio.create_task(intake.run(consumer))
    try:
        yield intake, producer
    finally:
        intake.stop()
        await task


async def until(condition: Any, seconds: float = 5.0) -> None:
    """Wait for a condition."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.005)


def event(type_: str, data: dict[str, Any], /, time: str = "2026-05-31T10:00:00+08:00", **more: Any) -> dict[str, Any]:
    """A structured CloudEvent; ids count up."""
    event.count = getattr(event, "count", 0) + 1  # type: ignore[attr-defined]
    found = {
        "specversion": "1.0",
        "source": "boss/320100",
        "id": f"e{event.count}",  # type: ignore[attr-defined]
        "type": f"kam.boss.{type_}.v1",
        "time": time,
        "data": data,
    }
    return {k: v for k, v in {**found, **more}.items() if v is not ...}


async def feed(intake: Intake, type_: str, data: dict[str, Any], **more: Any) -> Receipt:
    """Feed one event as HTTP does; its receipt."""
    made = event(type_, data, **more)
    try:
        item: FeedEvent | Rejection = event_of(made, intake.system_clock())
    except Bad as bad:
        item = rejection(made, bad)
    receipts: list[Receipt] = await intake.submit(Events([item]))
    return receipts[0]
