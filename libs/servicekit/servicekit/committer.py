"""load and write: what a processor has committed, and the one atomic write that moves it on."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

import msgspec
import structlog

from servicekit import fault_injection, telemetry
from servicekit.app import App
from servicekit.clock import EPOCH, SystemClock, believed, iso, system_now
from servicekit.commands import answer
from servicekit.documents.in_force import KEY, Shelf
from servicekit.envelope import parse_time
from servicekit.journal import Journal
from servicekit.phases import Phases
from servicekit.relay import Relay
from servicekit.store import Batch, Position, Store, patiently
from servicekit.unit_of_work import Tick, UnitOfWork

log = structlog.get_logger()
_WRITE_POSITION_SECONDS = 10.0
T = TypeVar("T")


class Stopped(Exception):
    """An error that belongs to no message: a timer or an effect failed. The processor stops; its supervisor starts
    it.
    """


class Committer:
    """Where a processor stands (``position``), what time it is there (``now``) and its earliest timer (``next_due``).

    A store or journal that is away is waited for. Outbox, answers and effects leave behind the commit, in this order:
    when Kafka has it (``journal``), and the disk. ``earlier`` brings to a new store what an earlier version kept
    elsewhere. ``places``: those of its inputs on which switches of documents come by; ``shelf``: what they have made.
    """

    def __init__(
        self,
        name: str,
        app: App,
        store: Store,
        relay: Relay,
        journal: Journal | None = None,
        clock_bound: SystemClock | None = None,
        places: Iterable[str] = (),
    ) -> None:
        self._clock_bound, self._has_told_of_clock = clock_bound, False
        self.name, self.app, self.store, self._relay, self.journal = name, app, store, relay, journal
        self.decode_state: Callable[[bytes], Any] = msgspec.msgpack.Decoder(app.state).decode
        self.phases = Phases(name)
        self.position = Position()
        self.now = EPOCH
        self.next_due: int | None = None
        self.shelf = Shelf(app.documents, places)
        self._passed: Tick | None = None
        self.earlier: Callable[[Committer], Awaitable[None]] | None = None
        self._unwritten, self._written_at = Position(), 0.0

    async def open(self) -> None:
        """Take the store over; position and clock are the store's."""
        self.position = await self.patiently(self.store.open)
        if self.journal is not None:
            store: Any = self.store
            self.position = await self.patiently(partial(self.journal.take_over, store))
        if self.earlier is not None:
            await self.earlier(self)
        if self.app.takes_switches:
            found = await self.patiently(partial(self.store.load, [KEY]))
            self.shelf = self.shelf.restored(found.get(KEY))
            for edition, why in self.shelf.unreadable:
                about = f"{edition.kind}/{edition.id}"
                log.error("switch.left_out", processor=self.name, document=about, version=edition.version, reason=why)
        marks = self.position.marks
        self.now = parse_time(marks["clock"]) if "clock" in marks else EPOCH
        await self.look_for_timers()

    def believed(self, clock: datetime) -> datetime:
        """A business clock, cut where it is further ahead of system time than machines may differ."""
        if self._clock_bound is None:
            return clock
        found = believed(clock, self._clock_bound())
        if found != clock and not self._has_told_of_clock:
            self._has_told_of_clock = True
            log.error("clock.ahead", processor=self.name, clock=str(clock), believed=iso(found))
        return found

    async def look_for_timers(self) -> None:
        """Ask the store for the earliest timer anew."""
        self.next_due = await self.patiently(self.store.next_due)

    async def load(self, work: UnitOfWork, keys: set[str]) -> None:
        """States of these keys, those the unit of work has excepted."""
        if wanted := [key for key in keys if key not in work.loaded]:
            with self.phases.timing("load"):
                found = await self.patiently(lambda: self.store.load(wanted))
            if len(found) < len(wanted):
                work.loaded.update(dict.fromkeys(wanted))
            work.loaded.update(found)

    async def commit(self, work: UnitOfWork) -> None:
        """Write it, durably, then let out what waited for that. Raises ``Fenced`` and ``Stopped``."""
        if work.is_empty():
            return
        if work.writes and self.app.summary is not None:
            for message in self.app.summary(work.writes):
                work.send(message)
        batch = work.batch()
        if work.only_moves_on() and time.monotonic() - self._written_at < _WRITE_POSITION_SECONDS:
            # Nothing but skipped messages and ticks that woke nobody: the position is written with the next change.
            # After a crash they come by again and are skipped again.
            self._unwritten = self._unwritten.passing(batch)
            self.position = self.position.passing(batch)
        else:
            await self.write(batch)
        self.now, self.shelf = work.now, work.shelf
        wakes = [wake for _, wake in batch.states.values() if wake is not None]
        if self.next_due is not None:
            wakes.append(self.next_due)
        self.next_due = min(wakes, default=None)
        self.let_out(work)
        for switch in work.switches:
            telemetry.SWITCHES.labels(self.name, switch.kind).inc()
            telemetry.SWITCH_SECONDS.labels(self.name).observe((system_now() - switch.switched_at).total_seconds())
        for future, result in work.answers:
            answer(future, result)
        if work.effects and self.app.effects is not None:
            try:
                await self.app.effects(work.effects)
            except Exception as error:
                raise Stopped(f"{self.name}: effects after the commit failed: {error!r}") from error

    def let_out(self, work: UnitOfWork) -> None:
        """What goes to the broker, now that it may."""
        self._relay.offer([*work.outbox, *work.unstored()])
        if work.passing is not None or work.outbox:
            self._passed = work.passing

    @property
    def unsent_tick(self) -> Tick | None:
        """The tick that was passed on last, if it was not stored and may not have been sent."""
        return self._passed if self._relay.pending else None

    async def write(self, batch: Batch) -> None:
        """Write a batch, durably."""
        await self._write(batch)
        self.position = self.position.after(batch)

    async def _write(self, batch: Batch) -> None:
        batch.offsets = {**self._unwritten.offsets, **batch.offsets}
        batch.marks = {**self._unwritten.marks, **batch.marks}
        batch.sent = self._relay.sent
        fault_injection.hit(self.app.service, "before_commit")
        if self.journal is None:
            await self._store(batch)
        else:
            with self.phases.timing("journal"):
                await self.patiently(partial(self.journal.append, batch, self.position.commits + 1))
            fault_injection.hit(self.app.service, "after_journal")
            try:
                await self._store(batch)
            except Exception as error:
                # It stands in the journal: what a new start finds there must not be tried otherwise now.
                raise Stopped(f"{self.name}: what is in the journal can't be stored: {error!r}") from error
        fault_injection.hit(self.app.service, "after_commit")
        self._unwritten, self._written_at = Position(), time.monotonic()

    async def _store(self, batch: Batch) -> None:
        with self.phases.timing("store"):
            await self.patiently(partial(self.store.commit, batch))

    async def patiently(self, call: Callable[[], Awaitable[T]]) -> T:
        """A call of the store, again until the store can be reached."""
        return await patiently(call, self.name)
