"""What the brake holds of alerts, as this process's partitions have it in their books (detection/braking.py)."""

import asyncio
import time
from collections.abc import Callable, Iterable
from functools import partial

import structlog
from fastapi import APIRouter, Depends
from fastapi.responses import Response
from prometheus_client import Gauge

from alerts.detection.state import CustomerState, Group
from contracts.brake import BOOK
from contracts.releases import PartView, StepView, in_order, merged, share
from servicekit.answer import json_answer
from servicekit.auth import Guard
from servicekit.clock import iso
from servicekit.pipeline import StreamProcessor
from servicekit.routes import Router

log = structlog.get_logger()
HELD = Gauge("kam_alerts_held", "Customers of whom the brake holds what would be said, in this process")
STEPS = Gauge("kam_alerts_held_steps", "Steps of which the brake holds what would be said, in this process")
SECONDS = Gauge(
    "kam_alerts_held_seconds", "How long this process has seen the oldest of them wait; 0 where nothing does"
)
_LOOK_SECONDS = 10.0

#: the processors of detection in this process
Processors = Callable[[], Iterable[StreamProcessor]]


async def held(processors: Iterable[StreamProcessor]) -> list[StepView]:
    """Groups that wait or waited, as far as these partitions have them; first those that wait, then the newest."""
    found: dict[str, StepView] = {}
    for processor in processors:
        raw = (await processor.committer.patiently(partial(processor.store.load, [BOOK]))).get(BOOK)
        state: CustomerState | None = None if raw is None else processor.committer.decode_state(raw)
        for id, group in {} if state is None or state.brake is None else state.brake.book.groups.items():
            if (row := _row(id, group, processor.ordinal)) is not None:
                found[id] = merged(found[id], row) if id in found else row
    return in_order(found.values())


def _row(id: str, group: Group, partition: int) -> StepView | None:
    """A group; None where there is nothing to show of it (yet)."""
    at = group.decided_at
    count = (group.shown_count if group.state == "waiting" else group.count) - group.passed
    if group.state == "open" or count <= 0:
        return None
    return StepView(
        id=id,
        source="step",
        effect="raise",
        state=group.state,
        city=group.city,
        kind=group.kind,
        cause=group.cause,
        count=count,
        customers=group.customers,
        of=group.here,
        share=share(count, group.here),
        percent=group.percent,
        since=iso(group.since),
        by=group.by,
        why=group.why,
        decided_at=None if at is None else iso(at),
        parts={partition: PartView(places=group.shown, count=group.shown_count)},
    )


def release_routes(processors: Processors, guard: Guard) -> APIRouter:
    """Read only: the word on them is billing-sync's to write."""
    router = Router(prefix="/v1/releases", tags=["releases"], dependencies=[Depends(guard)])

    @router.get("", name="list_releases", response_model=list[StepView])
    async def list_releases() -> Response:
        """What waits in this process's partitions, and what waited."""
        return json_answer([row.model_dump() for row in await held(processors())])

    return router


class HeldWatch:
    """What waits here, for the gauges and for whoever asks how the service is (``told``)."""

    def __init__(self, processors: Processors, clock: Callable[[], float] = time.monotonic) -> None:
        self._processors, self._clock = processors, clock
        self._seen: dict[str, float] = {}
        self.count = 0

    @property
    def told(self) -> dict[str, int]:
        return {"alerts_held": self.count} if self.count else {}

    async def look(self) -> None:
        """How much waits now, and for how long this process has seen it wait: a business clock may stand still."""
        waiting = {row.id: row.count for row in await held(self._processors()) if row.state == "waiting"}
        now = self._clock()
        self._seen = {id: self._seen.get(id, now) for id in waiting}
        self.count = sum(waiting.values())
        HELD.set(self.count)
        STEPS.set(len(waiting))
        SECONDS.set(now - min(self._seen.values(), default=now))

    async def run(self) -> None:
        """Job: look again and again; a look that fails ends nothing."""
        while True:
            try:
                await self.look()
            except Exception as error:
                log.warning("releases.not_seen", error=repr(error)[:200])
            await asyncio.sleep(_LOOK_SECONDS)
