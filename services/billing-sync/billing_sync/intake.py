"""The one writer: HTTP requests, boss.feed records and file chunks are its jobs, done in order, many a commit.

A commit holds records, outbox, positions and the business clock. Behind what it accepted goes a tick of the clock, on
every partition of boss.events: at once where none went for a while, and one for all that came meanwhile after a pause;
while a night's files are being loaded in feed mode, ticks wait for the last of them.
"""

import asyncio
import time
from collections.abc import Sequence
from datetime import datetime
from math import ceil, inf
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition

from billing_sync import clock
from billing_sync.domain.keys import segment_key
from billing_sync.domain.record import Known
from billing_sync.domain.segment import Segments
from billing_sync.downstream import Downstream
from billing_sync.draft import TOPIC, Draft, Job
from billing_sync.feed import Events, need, take_records
from billing_sync.forgetting import forget_old_records
from billing_sync.heard import Heard
from billing_sync.store import ScanStore, decode_segment
from billing_sync.switches import NUMBER, Order, waiting_of
from servicekit.app import App
from servicekit.clock import SystemClock, iso, system_now, to_millis
from servicekit.commands import Command, fail
from servicekit.decision import Refused
from servicekit.envelope import Message, command
from servicekit.pipeline import StreamProcessor
from servicekit.relay import Publisher

__all__ = ["Draft", "Events", "Intake", "Job", "Pulse", "SetClock"]
log = structlog.get_logger()
#: Seconds between two ticks: short where events come singly, longer with each event since the tick before.
SHORTEST_PAUSE, LONGEST_PAUSE, _PAUSE_AN_EVENT = 0.05, 0.2, 0.002
#: The beat of those who act on ticks, in ours: a tick between two of them would wait for the later anyhow.
_TICK_BEATS = 2
#: How long a tick that may go waits for a commit to go along with: while events flow it needs none of its own.
_RIDE_SECONDS = 0.02
PULSE_SECONDS = 5.0
_EXPIRED_CHUNK = 2000
_REVISIONS = "revisions_from"


class SetClock:
    """Set the business clock by hand. Answers where it stands."""

    def __init__(self, at: datetime) -> None:
        self._at = at

    async def carry_out(self, draft: Draft) -> datetime:
        draft.set_clock(self._at)
        draft.marks[clock.OFFSET] = str(draft.clock_rule.offset_ms)
        return self._at


class Pulse:
    """A tick although nothing was accepted, and an occasion to forget what has been remembered long enough. Answers
    whether more of that is at hand.

    A clock that runs by itself moves on; one that follows the feed says again where it stands, for what came to wait
    for a tick in other ways than through us (a replayed dead letter, a reopened alert).
    """

    async def carry_out(self, draft: Draft) -> bool:
        draft.accepted = True
        intake, until = draft.intake, to_millis(draft.system_now)
        expired = await intake.committer.patiently(lambda: intake.store.due(until, _EXPIRED_CHUNK))
        for key, _ in expired:
            draft.expire(key)
        await forget_old_records(draft)
        return len(expired) == _EXPIRED_CHUNK


class Nudge:
    """A tick that was held back may go now."""

    async def carry_out(self, draft: Draft) -> None:
        draft.is_nudged = True


class Intake(StreamProcessor):
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
        downstream: Downstream | None = None,
        **more: Any,
    ) -> None:
        super().__init__(app, ordinal, inputs, store, publisher, **more)
        self.downstream = downstream or Downstream(inf)
        self._reader.holds_back = lambda: self.downstream.fills_up
        self.system_clock = system_clock
        self.clock = clock.BusinessClock(clock_mode)
        self.heard = Heard()
        self.held = False
        self.owed = False
        self.revisions_from = 0
        #: orders for switches of documents whose day has not come
        self.waiting: dict[str, Order] = {}
        self._ticked_at, self._since_tick = 0.0, 0
        self._timer: asyncio.TimerHandle | None = None

    async def open(self) -> None:
        await super().open()
        self.clock = clock.start(self.clock.mode, self.position.marks.get(clock.OFFSET), self.system_clock())
        self._number = int(self.position.marks.get("tick", "0"))
        # A store made anew counts from one again: its ticks must not look old to those who saw the earlier store's.
        fresh = to_millis(self.system_clock()) if self._number == 0 else 0
        self._tick_epoch = int(self.position.marks.get("tick_epoch", fresh))
        self.revisions_from = int(self.position.marks.get(_REVISIONS, 0))
        self.waiting = await waiting_of(self)
        self.owed = self.reading() is not None
        # Until the loader has looked whether a file was interrupted, or more of the night's files wait.
        self.hold()

    async def run(self, consumer: AIOKafkaConsumer | None) -> None:
        if consumer is not None and self.position.next_sequence == 1:
            await self._look_for_earlier_events(consumer)
        await super().run(consumer)

    async def _look_for_earlier_events(self, consumer: AIOKafkaConsumer) -> None:
        """Events without a store to them: it was lost. Revisions must not be those of other events once more, from
        which the ids of events, alerts and SMS come; so they go on above whatever the lost store can have counted to.
        """
        written = await self._reader.ends(consumer, [TopicPartition(TOPIC, p) for p in range(self.app.partitions)])
        if any(written.values()):
            self.revisions_from = int(self.system_clock().timestamp())
            log.error("store.lost", events=sum(written.values()), revisions_from=self.revisions_from)

    @property
    def reached(self) -> datetime | None:
        """Business time of the last commit; None while unset."""
        return self.now if "clock" in self.position.marks else None

    def reading(self) -> datetime | None:
        """Business time now; None while unset."""
        return self.clock.reading(self.reached, self.system_clock())

    async def load(self, keys: list[str]) -> dict[str, bytes]:
        """Raw entries."""
        with self.committer.phases.timing("load"):
            return await self.committer.patiently(lambda: self.store.load(keys))

    async def submit(self, job: Job) -> Any:
        """Carry out a job in its turn; its answer comes after the commit. Raises ``Refused``."""
        return await self.command(command("job", "", job, id=""))

    def is_behind(self, jobs: int, events: int) -> bool:
        """Whether more than this waits to be taken in, or to be sent, or those behind us don't keep up."""
        return self.downstream.is_slow or self.commands.waiting > jobs or self.relay.pending > events

    def settle(self) -> dict[str, Any]:
        found = super().settle()
        reached = self.reading()
        found["busy"] = found["busy"] or self.owed
        found["clock"] = None if reached is None else iso(reached)
        found["switch"] = int(self.position.marks.get(NUMBER, 0))
        return found

    async def entry(self, key: str) -> bytes | None:
        """One raw entry as it is committed."""
        return (await self.load([key])).get(key)

    async def known(self, keys: list[str]) -> dict[str, Known]:
        """Records as they are committed; unknown keys are absent."""
        draft = Draft(self, self.system_clock())
        await draft.need(keys)
        return {key: known for key in keys if (known := draft.known(key)) is not None}

    async def confirmable(self, digests: list[bytes], effective: int, sequence: int) -> set[bytes]:
        """Which of these segments a file of this recency confirms, as they are committed."""
        segments = Segments()
        found = await self.load([segment_key(digest) for digest in digests])
        for digest in digests:
            raw = found.get(segment_key(digest))
            segments.found(digest, None if raw is None else decode_segment(raw))
        return {digest for digest in digests if segments.confirm(digest, effective, sequence, 0)}

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
        """Wait until no more than this waits to be sent and those behind us keep up, so that a long file leaves room
        for the other roads."""
        while self.relay.pending > events or self.downstream.fills_up:
            await asyncio.sleep(0.005)

    async def pulse(self) -> None:
        """A job of the service: ticks of a clock that runs by itself, and old identities forgotten."""
        while True:
            if not await self.submit(Pulse()):
                await asyncio.sleep(PULSE_SECONDS)

    # --- a batch ------------------------------------------------------------------------------------------------

    async def transact(self, messages: Sequence[Message], commands: Sequence[Command]) -> None:
        """Records and jobs in one commit, and a tick of the clock behind them."""
        draft = Draft(self, self.system_clock())
        if clock.OFFSET not in self.position.marks and self.clock.mode == "demo":
            draft.marks[clock.OFFSET] = str(self.clock.offset_ms)
        if self.revisions_from and _REVISIONS not in self.position.marks:
            draft.marks[_REVISIONS] = str(self.revisions_from)
        await take_records(draft, messages)
        # Single events are a request each: what is known of all of them is looked up at once.
        requests = (message.data for message, _ in commands if isinstance(message.data, Events))
        await need(draft, [event for request in requests for event in request.readable])
        for message, future in commands:
            try:
                draft.answers.append((future, await message.data.carry_out(draft)))
            except Refused as refusal:
                fail(future, refusal)
        # The intake itself changes only behind the commit: one that fails leaves clock, numbers and debts as they were.
        owed = draft.clock is not None if draft.accepted else self.owed
        number, started = self._number + self._may_tick(owed, draft.is_nudged), time.monotonic()
        if number > self._number:
            assert draft.clock is not None
            draft.marks.update(tick=str(number), tick_epoch=str(self._tick_epoch))
            for partition in range(self.app.partitions):
                draft.tick(TOPIC, partition, (self._tick_epoch, number), draft.clock)
        await self.committer.commit(draft)
        self.clock, self.waiting = draft.clock_rule, draft.waiting
        if number > self._number:
            self._number, self.owed, self._ticked_at, self._since_tick = number, False, started, 0
            return
        self.owed = owed
        self._since_tick += len(draft.outbox)
        if owed and not self.held and self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._until_tick() + _RIDE_SECONDS, self._nudge)

    def _may_tick(self, owed: bool, is_nudged: bool) -> bool:
        return owed and not self.held and (is_nudged or self._until_tick() <= 0)

    def _until_tick(self) -> float:
        """Seconds until a tick may follow the last one, with a beat."""
        pause = min(SHORTEST_PAUSE + self._since_tick * _PAUSE_AN_EVENT, LONGEST_PAUSE)
        beat = max(self._pace.beat * _TICK_BEATS, SHORTEST_PAUSE)
        return (self._ticked_at // beat + ceil(pause / beat)) * beat - time.monotonic()

    def _nudge(self) -> None:
        self._timer = None
        if self.owed and not (self.held or self.commands.waiting):
            self.commands.post(command("job", "", Nudge(), id=""))
