"""Live rate of alerts per city: a Faust agent with a tumbling window; a process, ``python -m analytics.rates``.

Faust is used for windows only, never for what must be exact, and fed what the lineage processors have counted already
(``raised``): a message of theirs costs as much as an event. Concurrency 1 (more commits past unfinished messages), at
least once, raw bytes, its web server and with it ``/table`` off, nothing on disk (its changelog brings the table back).
A repeat after a crash may count an alert of the last moment twice; the exact figures are ``/v1/counts``. When it stalls
or crashes the process ends, and the supervisor starts it again; archive and lineage don't notice.
"""

import asyncio
import time
from collections import Counter
from datetime import UTC, datetime
from typing import Any

import faust
import structlog
from fastapi import Depends
from fastapi.responses import Response
from faust.types import TP

from analytics.raised import MINUTE, read
from analytics.settings import Settings
from contracts.analytics_answers import RateView
from contracts.apps import LIVE_COUNTS
from servicekit import record_batches
from servicekit.answer import json_answer
from servicekit.auth import Guard
from servicekit.clock import iso
from servicekit.routes import Router
from servicekit.service import Service, serve
from servicekit.settings import read_settings

log = structlog.get_logger()
WINDOW_SECONDS = float(MINUTE)
KEPT_SECONDS = 3600.0
_STALLED_SECONDS = 60.0
#: the end of the year 9998
_LAST_SECOND = 253_370_764_800.0


def windows(items: dict[tuple[str, tuple[float, float]], int]) -> list[dict[str, Any]]:
    """Rates per city and window, newest first, from the table's ``(city/partition, (start, end)) -> count``.

    A count belongs to one partition, so that every partition's changelog brings back what it wrote.
    """
    total: Counter[tuple[float, str]] = Counter()
    for (key, (start, _)), count in items.items():
        if not 0 <= start < _LAST_SECOND:
            continue  # a producer may write any time
        total[start, key.rpartition("/")[0]] += count
    return [
        {
            "city": None if city == "-" else city,
            "from": iso(datetime.fromtimestamp(start, UTC)),
            "seconds": WINDOW_SECONDS,
            "alerts": count,
            "per_minute": round(count * 60 / WINDOW_SECONDS, 3),
        }
        for (start, city), count in sorted(total.items(), key=lambda item: (-item[0][0], item[0][1]))
    ]


class Rates:
    """The agent, its table, and a watch over its progress."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._table: Any = None
        self._handled: dict[TP, int] = {}

    def current(self) -> list[dict[str, Any]]:
        """Rates of the last hour."""
        return [] if self._table is None else windows(dict(self._table.table.items()))

    def app(self) -> faust.App:
        """The Faust app; made inside the running loop."""
        settings = self._settings
        record_batches.install()
        app = faust.App(
            "analytics-rates",
            broker=f"kafka://{settings.kafka}",
            store="memory://",
            datadir=str(settings.service_data / "faust"),
            web_enabled=False,
            topic_partitions=settings.partitions,
            topic_replication_factor=1,
            topic_disable_leader=True,
            processing_guarantee="at_least_once",
            consumer_auto_offset_reset="earliest",
        )
        self._table = app.Table("alerts_per_city", default=int, partitions=settings.partitions).tumbling(
            WINDOW_SECONDS, expires=KEPT_SECONDS
        )
        topic = app.topic(LIVE_COUNTS, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw")

        @app.agent(topic, concurrency=1)
        async def count(stream: Any) -> None:
            async for event in stream.events():
                message = event.message
                for raised in read(event.value):
                    window = self._table.relative_to(float(raised.since))
                    window[f"{raised.city or '-'}/{message.partition}"] += raised.alerts
                self._handled[message.tp] = message.offset + 1

        return app

    async def run(self) -> None:
        """Job: until cancelled; raises when the agent crashed or stands still with messages before it."""
        self._settings.service_data.mkdir(parents=True, exist_ok=True)
        app = self.app()
        try:
            await app.start()
            async with asyncio.TaskGroup() as together:
                together.create_task(_until_crashed(app))
                together.create_task(self._watch(app))
        finally:
            await app.stop()

    async def _watch(self, app: faust.App) -> None:
        seen: dict[TP, int] = {}
        moved = time.monotonic()
        while True:
            await asyncio.sleep(5)
            handled = dict(self._handled)
            behind = [tp for tp, offset in handled.items() if (app.consumer.highwater(tp) or 0) > offset]
            if handled != seen or not behind:
                seen, moved = handled, time.monotonic()
            elif time.monotonic() - moved > _STALLED_SECONDS:
                raise RuntimeError(f"the agent of live rates has not moved for {_STALLED_SECONDS:.0f} s")


async def _until_crashed(app: faust.App) -> None:
    await app.wait_until_stopped()
    raise RuntimeError("the agent of live rates has ended") from app.crash_reason


def build(settings: Settings) -> Service:
    """The process of live rates: health, metrics and ``GET /rates`` on its own port."""
    service = Service("analytics-rates", settings)
    rates = Rates(settings)
    router, reader = Router(), Depends(Guard(settings.secret_file, "service"))

    @router.get("/rates", name="get_rates", response_model=list[RateView], dependencies=[reader])
    async def get_rates() -> Response:
        return json_answer(rates.current())

    service.routers.append(router)
    service.jobs.append(rates.run)
    return service


if __name__ == "__main__":
    serve(build(read_settings(Settings)))
