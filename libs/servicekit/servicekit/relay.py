"""Outbox relay: sends what a processor has committed, in order, and forgets it after the broker's answer.

At-least-once: after a crash or a failure the rest of the outbox is sent again from its oldest message, with the same
bytes; consumers drop the repeats by their ``sequence``. A message that the broker will never take must not hold up
those behind it: it is kept on disk and said.
"""

import asyncio
import time
from collections import Counter, deque
from collections.abc import Callable
from hashlib import sha256
from operator import itemgetter
from pathlib import Path
from typing import Protocol

import structlog
from aiokafka.errors import (
    InvalidMessageError,
    KafkaError,
    MessageSizeTooLargeError,
    RecordListTooLargeError,
    UnsupportedForMessageFormatError,
)

from servicekit import dead_letter, fault_injection, telemetry
from servicekit.envelope import OutgoingMessage, encode_data
from servicekit.store import Store, Transient

log = structlog.get_logger()
_CHUNK = 2000
_VALUE = itemgetter(1)
#: what may wait in memory before the processor waits too
_MOST, _MOST_BYTES = 10 * _CHUNK, 64 << 20
_FIRST_DELAY, _LONGEST_DELAY = 0.1, 5.0
#: errors of the message itself: another attempt would end the same way
_PERMANENT = (
    MessageSizeTooLargeError,
    RecordListTooLargeError,
    InvalidMessageError,
    UnsupportedForMessageFormatError,
    AssertionError,
    TypeError,
    ValueError,
)


class Publisher(Protocol):
    """What a relay sends by (``servicekit.kafka.Publisher``)."""

    async def publish(self, messages: list[OutgoingMessage]) -> None:
        """Returns when the broker has all of them. When it raises, what the broker has is out of the list."""


class Relay:
    """One a processor: ``offer`` takes what was just committed, ``run`` sends until cancelled, ``pending`` is the rest,
    ``sent`` the sequence up to which everything has gone.

    ``failing_since``: monotonic time of the first failure after the last success. ``undeliverable`` counts the messages
    that no broker will take; they lie in ``keep``. ``on_empty`` is called when nothing is left to send.
    """

    def __init__(
        self, processor: str, service: str, store: Store, publisher: Publisher, keep: Path | None = None
    ) -> None:
        self._processor, self._service, self._store, self._publisher, self._keep = (
            processor,
            service,
            store,
            publisher,
            keep,
        )
        self._waiting: deque[tuple[int, OutgoingMessage]] = deque()
        self._sizes: deque[int] = deque()
        self._bytes = 0
        # How many had been offered when, of those that still wait.
        self._offered: deque[tuple[int, float]] = deque()
        self._offered_count = self._acknowledged = 0
        self._more = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._gauge = telemetry.OUTBOX.labels(processor)
        self.failing_since: float | None = None
        self.undeliverable = 0
        self.sent = 0
        self.on_empty: Callable[[], None] = lambda: None

    async def recover(self) -> None:
        """Take up what a crash left behind."""
        after = 0
        while rows := await self._store.outbox(after, _CHUNK):
            self.offer(rows)
            after = rows[-1][0]

    def offer(self, rows: list[tuple[int, OutgoingMessage]]) -> None:
        """Messages just committed, in order."""
        if rows:
            sizes = [_size(message) for _, message in rows]
            self._waiting.extend(rows)
            self._sizes.extend(sizes)
            self._offered_count += len(rows)
            self._offered.append((self._offered_count, time.monotonic()))
            self._bytes += sum(sizes)
            self._more.set()
            if len(self._waiting) > _MOST or self._bytes > _MOST_BYTES:
                self._room.clear()

    @property
    def has_room(self) -> bool:
        """Whether the broker keeps up."""
        return self._room.is_set()

    async def room(self) -> None:
        """Back-pressure: wait until the broker has caught up."""
        await self._room.wait()

    @property
    def pending(self) -> int:
        return len(self._waiting)

    @property
    def age(self) -> float:
        """Seconds that the oldest of them has waited for the broker; 0 when there is none."""
        return time.monotonic() - self._offered[0][1] if self._offered else 0.0

    async def run(self) -> None:
        delay = _FIRST_DELAY
        chunk: list[tuple[int, OutgoingMessage]] = []
        left: list[OutgoingMessage] = []
        while True:
            await self._more.wait()
            if not self._waiting:
                self._more.clear()
                continue
            if not chunk:
                chunk = [self._waiting[i] for i in range(min(_CHUNK, len(self._waiting)))]
                left = [message for _, message in chunk]
            try:
                await self._send(left)
                left.clear()
                fault_injection.hit(self._service, "after_send")
                await self._store.sent(chunk[-1][0])
                self.sent = chunk[-1][0]
            except (KafkaError, Transient, OSError) as error:
                self.failing_since = self.failing_since or time.monotonic()
                telemetry.RETRIES.labels(self._processor).inc()
                log.warning("relay.retry", processor=self._processor, error=repr(error), delay=delay)
                await asyncio.sleep(delay)
                delay = min(delay * 2, _LONGEST_DELAY)
                continue
            delay, self.failing_since = _FIRST_DELAY, None
            for _ in chunk:
                self._waiting.popleft()
                self._bytes -= self._sizes.popleft()
            self._acknowledged += len(chunk)
            while self._offered and self._offered[0][0] <= self._acknowledged:
                self._offered.popleft()
            for topic, n in Counter([message.topic for _, message in chunk]).items():
                telemetry.of(telemetry.EVENTS, self._processor, topic).inc(n)
            chunk = []
            self._gauge.set(len(self._waiting))
            if len(self._waiting) <= _MOST // 2 and self._bytes <= _MOST_BYTES // 2:
                self._room.set()
            if not self._waiting:
                self.on_empty()

    async def drain(self) -> None:
        """Wait until everything offered has been answered (used at shutdown, bounded by the caller)."""
        while self._waiting:
            await asyncio.sleep(0.01)

    async def _send(self, messages: list[OutgoingMessage]) -> None:
        """Also when it fails, what the broker has is out of the list: the next attempt repeats none of it."""
        try:
            await self._publisher.publish(messages)
        except _PERMANENT:
            # One of them will never be taken: find it, and send the others in their order.
            while messages:
                await self._send_alone(messages[0])
                del messages[0]

    async def _send_alone(self, message: OutgoingMessage) -> None:
        try:
            await self._publisher.publish([message])
        except _PERMANENT as error:
            await asyncio.to_thread(self._put_aside, message)
            self.undeliverable += 1
            telemetry.UNDELIVERABLE.labels(self._processor, message.topic).inc()
            log.error(
                "message.undeliverable", processor=self._processor, topic=message.topic, partition=message.partition,
                bytes=len(message.value or b""), kept=str(self._keep), error=repr(error),
            )  # fmt: skip

    def _put_aside(self, message: OutgoingMessage) -> None:
        if self._keep is None:
            return
        whole = encode_data(message)
        dead_letter.write_whole(self._keep, f"{sha256(whole).hexdigest()}.json", whole)


def _size(message: OutgoingMessage) -> int:
    return len(message.value or b"") + sum(map(len, map(_VALUE, message.headers)))
