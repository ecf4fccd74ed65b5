"""What the brake holds of alerts, as this process's partitions have it in their books (detection/braking.py)."""

import asyncio
from collections.abc import Callable, Iterable
from functools import partial

import structlog
from fastapi import APIRouter, Depends
from fastapi.responses import Response
from prometheus_client import Gauge

from alerts.detection.state import CustomerState, Group
from contracts.brake import BOOK
from contracts.releases import ReleaseView, in_order, merged, share
from servicekit.answer import json_answer
from servicekit.auth import Guard
from servicekit.clock import iso
from servicekit.pipeline import StreamProcessor
from servicekit.routes import Router

log = structlog.get_logger()
HELD = Gauge("kam_alerts_held", "Customers of whom the brake holds what would be said, in this process")
_LOOK_SECONDS = 10.0

#: the processors of detection in this process
Processors = Callable[[], Iterable[StreamProcessor]]


async def held(processors: Iterable[StreamProcessor]) -> list[ReleaseView]:
    """Groups that wait or waited, as far as these partitions have them; first those that wait, then the newest."""
    found: dict[str, ReleaseView] = {}
    for processor in processors:
        raw = (await processor.committer.patiently(partial(processor.store.load, [BOOK]))).get(BOOK)
        state: CustomerState | None = None if raw is None else processor.committer.decode_state(raw)
        for id, group in {} if state is None or state.brake is None else state.brake.book.groups.items():
            if group.state != "open":
                row = _row(id, group)
                found[id] = merged(found[id], row) if id in found else row
    return in_order(found.values())


def _row(id: str, group: Group) -> ReleaseView:
    at = group.decided_at
    assert group.state != "open"
    return ReleaseView(
        id=id,
        source="step",
        effect="raise",
        state=group.state,
        city=group.city,
        kind=group.kind,
        cause=group.cause,
        count=group.count - group.passed,
        customers=group.customers,
        of=group.here,
        share=share(group.count - group.passed, group.here),
        percent=group.percent,
        since=iso(group.since),
        by=group.by,
        why=group.why,
        decided_at=None if at is None else iso(at),
    )


def release_routes(processors: Processors, guard: Guard) -> APIRouter:
    """Read only: the word on them is billing-sync's to write."""
    router = Router(prefix="/v1/releases", tags=["releases"], dependencies=[Depends(guard)])

    @router.get("", name="list_releases", response_model=list[ReleaseView])
    async def list_releases() -> Response:
        """What waits in this process's partitions, and what waited."""
        return json_answer([row.model_dump() for row in await held(processors())])

    return router


class HeldWatch:
    """How many customers wait here, for the gauge and for whoever asks how the service is (``told``)."""

    def __init__(self, processors: Processors) -> None:
        self._processors = processors
        self.count = 0

    @property
    def told(self) -> dict[str, int]:
        return {"alerts_held": self.count} if self.count else {}

    async def run(self) -> None:
        """Job: look again and again; a look that fails ends nothing."""
        while True:
            try:
                found = await held(self._processors())
                self.count = sum(row.count for row in found if row.state == "waiting")
                HELD.set(self.count)
            except Exception as error:
                log.warning("releases.not_seen", error=repr(error)[:200])
            await asyncio.sleep(_LOOK_SECONDS)
