"""Outbox relay: sends what a unit has committed, in order, and forgets it after the broker's answer.

At-least-once: after a crash the rest of the outbox is sent again with the same bytes; consumers drop the repeats by
their ``sequence``.
"""

import asyncio
from collections import deque

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from servicekit import faults, telemetry
from servicekit.envelope import OutMessage
from servicekit.store import Store, Transient

log = structlog.get_logger()
_CHUNK = 2000


class Relay:
    """One a unit: ``offer`` takes what was just committed, ``run`` sends until cancelled, ``pending`` is the rest."""

    def __init__(self, unit: str, service: str, store: Store, producer: AIOKafkaProducer) -> None:
        self._unit, self._service, self._store, self._producer = unit, service, store, producer
        self._waiting: deque[tuple[int, OutMessage]] = deque()
        self._more = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._gauge = telemetry.OUTBOX.labels(unit)

    async def recover(self) -> None:
        """Take up what a crash left behind."""
        after = 0
        while rows := await self._store.outbox(after, _CHUNK):
            self._waiting.extend(rows)
            after = rows[-1][0]
        self._more.set()

    def offer(self, rows: list[tuple[int, OutMessage]]) -> None:
        """Messages just committed, in order."""
        if rows:
            self._waiting.extend(rows)
            self._more.set()
            if len(self._waiting) > 10 * _CHUNK:
                self._room.clear()

    async def room(self) -> None:
        """Back-pressure: wait until the broker has caught up."""
        await self._room.wait()

    @property
    def pending(self) -> int:
        return len(self._waiting)

    async def run(self) -> None:
        delay = 0.1
        while True:
            await self._more.wait()
            if not self._waiting:
                self._more.clear()
                continue
            chunk = [self._waiting[i] for i in range(min(_CHUNK, len(self._waiting)))]
            try:
                await self._send(chunk)
                faults.hit(self._service, "after_send")
                await self._store.sent(chunk[-1][0])
            except (KafkaError, Transient, OSError) as error:
                telemetry.RETRIES.labels(self._unit).inc()
                log.warning("relay.retry", unit=self._unit, error=repr(error), delay=delay)
                await asyncio.sleep(delay)
                delay = min(delay * 2, 5.0)
                continue
            delay = 0.1
            for _ in chunk:
                self._waiting.popleft()
            self._gauge.set(len(self._waiting))
            if len(self._waiting) <= 5 * _CHUNK:
                self._room.set()

    async def drain(self) -> None:
        """Wait until everything offered has been answered (used at shutdown, bounded by the caller)."""
        while self._waiting:
            await asyncio.sleep(0.01)

    async def _send(self, chunk: list[tuple[int, OutMessage]]) -> None:
        send = self._producer.send
        futures = [await send(m.topic, m.value, key=m.key, partition=m.partition, headers=m.headers) for _, m in chunk]
        await asyncio.gather(*futures)
        for topic in {m.topic for _, m in chunk}:
            telemetry.EVENTS.labels(self._unit, topic).inc(sum(1 for _, m in chunk if m.topic == topic))
