"""The one writer: HTTP requests, boss.feed records and file chunks are its jobs, done in order, many a commit.

A commit holds records, outbox, positions and the business clock. Behind what it accepted goes a tick of the clock, on
every partition of boss.events; while a night's files are being loaded in feed mode, ticks wait for the last of them.
"""

import asyncio
import time
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, Protocol

import structlog
from aiokafka import TopicPartition

from billing_sync import clock, metrics
from billing_sync.domain.events import FeedEvent, Receipt, binary, event_of, structured
from billing_sync.domain.keys import identity_key
from billing_sync.domain.kinds import Kind
from billing_sync.domain.reasons import Bad
from billing_sync.domain.record import Fact, Known
from billing_sync.handlers import keys_of, take_event
from billing_sync.store import ScanStore, decode_known, encode
from servicekit import deadletter
from servicekit.clock import SystemClock, from_millis, iso, system_now, to_millis
from servicekit.decision import Invalid, Refused
from servicekit.envelope import Message, OutMessage, command, write_headers
from servicekit.fetched import UNREADABLE
from servicekit.ids import boss_event_id
from servicekit.kafka import partition_of
from servicekit.pipeline import App, Unit
from servicekit.relay import Publisher
from servicekit.store import Batch
from servicekit.work import Work

log = structlog.get_logger()
TOPIC = "boss.events"
TICK_SECONDS = 0.1
PULSE_SECONDS = 5.0
_EXPIRED_CHUNK = 2000
_iso_of_millis = lru_cache(4096)(lambda millis: iso(from_millis(millis)))


class Draft(Work):
    """A batch in the making over raw entries; what handlers see of the store."""

    def __init__(self, intake: "Intake", now: datetime) -> None:
        super().__init__(intake)
        self.intake, self.system_now = intake, now
        self.accepted = False
        self._raw: dict[str, bytes | None] = {}
        self._records: dict[str, Known] = {}
        self._entries: dict[str, tuple[bytes | None, int | None]] = {}
        self._clock = intake.clock.reading(None if self.now == intake.unset else self.now, now)
        self._prefix = f"{intake.name}.{intake.position.epoch}:"

    async def need(self, keys: Iterable[str]) -> None:
        """Load these keys, those already here excepted."""
        wanted = [key for key in dict.fromkeys(keys) if key not in self._raw]
        if wanted:
            found = await self.intake.load(wanted)
            self._raw.update(dict.fromkeys(wanted))
            self._raw.update(found)

    def get(self, key: str) -> bytes | None:
        entry = self._entries.get(key)
        return self._raw[key] if entry is None else entry[0]

    def put(self, key: str, value: bytes | None, wake: int | None = None) -> None:
        self._entries[key] = (value, wake)

    def known(self, key: str) -> Known | None:
        record = self._records.get(key)
        if record is not None:
            return record
        raw = self._raw[key]
        return None if raw is None else decode_known(raw)

    def remember(self, key: str, known: Known) -> None:
        self._records[key] = known

    @property
    def clock(self) -> datetime | None:
        """Business time reached, None while unset."""
        return self._clock

    def reach(self, at: datetime) -> None:
        self._clock = self.intake.clock.fed(self._clock, at, self.system_now)
        self.accepted = True

    def set_clock(self, at: datetime) -> None:
        self._clock = at
        self.accepted = True

    def publish(
        self,
        kind: Kind,
        type_: str,
        key: str,
        revision: int,
        body: bytes,
        fact: Fact,
        *,
        subject: str = "",
        owner_revision: int = 0,
    ) -> None:
        subject = subject or fact.subject
        headers = write_headers(
            id=boss_event_id("CUST" if kind.name == "LEFT" else kind.name, key, revision),
            type=type_,
            source="kam/billing-sync",
            subject=subject,
            time=_iso_of_millis(fact.effective),
            correlation_id=fact.correlation,
            causation_id=fact.causation,
            sequence=f"{self._prefix}{self._sequence}",
            clock=None if self._clock is None else iso(self._clock),
            revision=revision,
            owner_revision=owner_revision,
        )
        partition = partition_of(subject, self.intake.app.partitions)
        self.send(OutMessage(TOPIC, partition, subject.encode(), body, headers))

    def next_label(self) -> str:
        """``sequence`` attribute of the message that is sent next."""
        return self._label(self._sequence)

    def batch(self) -> Batch:
        states: dict[str, tuple[bytes | None, int | None]] = {k: (encode(v), None) for k, v in self._records.items()}
        states.update(self._entries)
        if self._clock is not None:
            self.now = self._clock
            self.marks["clock"] = iso(self._clock)
        return Batch(states, [], self.outbox, self.offsets, self.marks, self._sequence)

    def only_moves_on(self) -> bool:
        """Identities and effective times of events that change nothing must be stored too."""
        return not (self._records or self._entries or self.outbox or self.answers)

    def is_empty(self) -> bool:
        return not (self._records or self._entries or self.outbox or self.offsets or self.marks or self.answers)


class Job(Protocol):
    """Something to carry out within a batch; its answer is given after the commit."""

    async def carry_out(self, draft: Draft) -> Any:
        """Change the draft; raises ``Refused`` before it changed anything."""


class Events:
    """Events of an HTTP request, with the receipts of those that could not even be read. Answers all receipts."""

    def __init__(self, items: list[FeedEvent | Receipt], road: str = "http") -> None:
        self._items, self._road = items, road

    async def carry_out(self, draft: Draft) -> list[Receipt]:
        await draft.need(key for item in self._items if isinstance(item, FeedEvent) for key in _keys(item))
        now = to_millis(draft.system_now)
        receipts = []
        for item in self._items:
            receipt = take_event(draft, item, now) if isinstance(item, FeedEvent) else item
            receipts.append(receipt)
            _count(self._road, item, receipt)
        if any(receipt.status == "accepted" for receipt in receipts):
            draft.marks["fed"] = iso(draft.system_now)
        return receipts


class SetClock:
    """Set the business clock by hand. Answers where it stands."""

    def __init__(self, at: datetime) -> None:
        self._at = at

    async def carry_out(self, draft: Draft) -> datetime:
        intake = draft.intake
        intake.clock = intake.clock.set(draft.clock, self._at, draft.system_now)
        draft.marks[clock.OFFSET] = str(intake.clock.offset_ms)
        draft.set_clock(self._at)
        return self._at


class Pulse:
    """A tick although nothing was accepted, and an occasion to forget what is remembered too long.

    A clock that runs by itself moves on; one that follows the feed says again where it stands, for what came to wait
    for a tick in other ways than through us (a replayed dead letter, a reopened alert).
    """

    async def carry_out(self, draft: Draft) -> None:
        intake = draft.intake
        draft.accepted = True
        for key, _ in await intake.store.due(to_millis(draft.system_now), _EXPIRED_CHUNK):
            draft.put(key, None)


class Nudge:
    """A tick that was held back may go now."""

    async def carry_out(self, draft: Draft) -> None:
        return None


class Intake(Unit):
    """The writer. ``submit`` carries out a job in its turn and returns its answer after the commit."""

    store: ScanStore

    def __init__(
        self,
        app: App,
        ordinal: int,
        inputs: list[TopicPartition],
        store: ScanStore,
        publisher: Publisher,
        *,
        clock_mode: str,
        system_clock: SystemClock = system_now,
        **more: Any,
    ) -> None:
        super().__init__(app, ordinal, inputs, store, publisher, **more)
        self.unset = self.now
        self.system_clock = system_clock
        self.clock = clock.BusinessClock(clock_mode)
        self.held = False
        self.owed = False
        self._ticked_at = 0.0
        self._timer: asyncio.TimerHandle | None = None

    async def open(self) -> None:
        await super().open()
        self.clock = clock.start(self.clock.mode, self.position.marks.get(clock.OFFSET), self.system_clock())
        self._number = int(self.position.marks.get("tick", "0"))
        # A store made anew counts from one again: its ticks must not look old to those who saw the earlier store's.
        fresh = to_millis(self.system_clock()) if self._number == 0 else 0
        self._tick_epoch = int(self.position.marks.get("tick_epoch", fresh))
        self.owed = self.reading() is not None
        # Until the loader has looked whether a file was interrupted, or more of the night's files wait.
        self.hold()

    def reading(self) -> datetime | None:
        """Business time now; None while unset."""
        return self.clock.reading(None if self.now == self.unset else self.now, self.system_clock())

    async def load(self, keys: list[str]) -> dict[str, bytes]:
        """Raw entries."""
        return await self._patiently(lambda: self.store.load(keys))

    async def submit(self, job: Job) -> Any:
        """Carry out a job in its turn; its answer comes after the commit. Raises ``Refused``."""
        return await self.command(command("job", "", job, id=""))

    def is_behind(self, jobs: int, events: int) -> bool:
        """Whether more than this waits to be taken in, or to be sent."""
        return self._commands.qsize() > jobs or self.relay.pending > events

    def settle(self) -> dict[str, Any]:
        found = super().settle()
        reached = self.reading()
        found["busy"] = found["busy"] or self.owed
        found["clock"] = None if reached is None else iso(reached)
        return found

    async def entry(self, key: str) -> bytes | None:
        """One raw entry as it is committed."""
        return (await self.load([key])).get(key)

    async def known(self, keys: list[str]) -> dict[str, Known]:
        """Records as they are committed; unknown keys are absent."""
        return {key: decode_known(raw) for key, raw in (await self.load(keys)).items()}

    def hold(self) -> None:
        """A clock that follows the feed must not tick before the files at hand are loaded."""
        self.held = not self.clock.is_running

    async def release(self) -> None:
        """Ticks are no longer held back; returns when the one that was due is written."""
        if self.held:
            self.held = False
            if self.owed:
                await self.submit(Nudge())

    async def caught_up(self, events: int) -> None:
        """Wait until no more than this waits to be sent, so that a long file leaves room for the other roads."""
        while self.relay.pending > events:
            await asyncio.sleep(0.005)

    async def pulse(self) -> None:
        """A job of the service: ticks of a clock that runs by itself, and old identities forgotten."""
        while True:
            await self.submit(Pulse())
            await asyncio.sleep(PULSE_SECONDS)

    # --- a batch ------------------------------------------------------------------------------------------------

    async def _process(
        self, messages: list[Message], commands: Sequence[tuple[Message, "asyncio.Future[Any]"]]
    ) -> None:
        draft = Draft(self, self.system_clock())
        if clock.OFFSET not in self.position.marks and self.clock.mode == "demo":
            draft.marks[clock.OFFSET] = str(self.clock.offset_ms)
        await self._feed(draft, messages)
        for message, future in commands:
            try:
                draft.answers.append((future, await message.data.carry_out(draft)))
            except Refused as refusal:
                if not future.done():
                    future.set_exception(refusal)
        if draft.accepted:
            self.owed = draft.clock is not None
        ticks = self._may_tick()
        if ticks:
            assert draft.clock is not None
            self._number += 1
            draft.marks.update(tick=str(self._number), tick_epoch=str(self._tick_epoch))
            for partition in range(self.app.partitions):
                draft.tick(TOPIC, partition, (self._tick_epoch, self._number), draft.clock)
        await self._commit(draft)
        if ticks:
            self.owed, self._ticked_at = False, time.monotonic()
        elif self.owed and not self.held and self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(TICK_SECONDS, self._nudge)

    async def _feed(self, draft: Draft, messages: list[Message]) -> None:
        """Records of boss.feed; what can't be taken goes to the dead letters as it came."""
        read: list[tuple[Message, FeedEvent]] = []
        for message in messages:
            draft.offsets[f"{message.topic}/{message.partition}"] = message.offset + 1
            replay_for = message.headers.get(deadletter.REPLAY_FOR)
            if replay_for is not None and replay_for != self.app.name.encode():
                continue
            try:
                read.append((message, event_of(_event(message), draft.system_now)))
            except Bad as bad:
                self._reject(draft, message, bad)
        await draft.need(key for _, event in read for key in _keys(event))
        now = to_millis(draft.system_now)
        for message, event in read:
            receipt = take_event(draft, event, now)
            if receipt.status == "rejected":
                self._reject(draft, message, Bad(receipt.field, *str(receipt.reason).split(" / ", 1)))
            else:
                draft.marks["fed"] = iso(draft.system_now)
                _count("kafka", event, receipt)

    def _reject(self, draft: Draft, message: Message, bad: Bad) -> None:
        # Not counted towards "too many in a row": bad input is the sender's, and must not stop the other roads.
        reason = f"{bad.field}: {bad}" if bad.field else str(bad)
        self.keep_whole(message)
        draft.send(deadletter.letter(message, self.app.name, Invalid(reason)))
        metrics.RECORDS.labels("kafka", "unknown", "rejected").inc()
        log.warning(
            "event.rejected", topic=message.topic, partition=message.partition, offset=message.offset, field=bad.field
        )

    def _may_tick(self) -> bool:
        if not self.owed or self.held:
            return False
        if time.monotonic() - self._ticked_at >= TICK_SECONDS:
            return True
        # Whoever feeds step by step and waits for the outcome need not wait for the pause.
        return self.clock.mode == "feed" and self._commands.empty()

    def _nudge(self) -> None:
        self._timer = None
        if self.owed and not self.held and self._commands.empty():
            future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
            self._commands.put_nowait((command("job", "", Nudge(), id=""), future))


def _keys(event: FeedEvent) -> tuple[str, ...]:
    return (identity_key(event.source, event.id), *keys_of(event.fact))


def _count(road: str, item: FeedEvent | Receipt, receipt: Receipt) -> None:
    kind = item.fact.kind.name if isinstance(item, FeedEvent) else "unknown"
    metrics.RECORDS.labels(road, kind, receipt.status).inc()


def _event(message: Message) -> Any:
    if UNREADABLE in message.headers:
        reason = message.headers[UNREADABLE].decode("utf-8", "replace")
        raise Bad(None, f"记录无法读取：{reason}", f"the record can't be read: {reason}")
    headers = {name: value.decode("utf-8", "replace") for name, value in message.headers.items()}
    if headers.get("content-type", "").startswith("application/cloudevents+json"):
        return structured(message.body or b"")
    return binary(headers, "ce_", message.body or b"")
