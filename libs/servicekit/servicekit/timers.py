"""The business clock of a processor: ticks come by, and keys whose time has come wake.

``ticked`` marks hold the last tick of each topic and the last that was acted on: ``[epoch.]number[ clock]``.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import msgspec
from msgspec.structs import replace

from contracts.boss import ClockTicked
from servicekit.app import App
from servicekit.clock import EPOCH, iso, later, to_millis
from servicekit.committer import Committer, Stopped
from servicekit.decision import Context, Invalid
from servicekit.dispatch import Dispatch
from servicekit.envelope import UNDECODABLE, Message, parse_time
from servicekit.unit_of_work import UnitOfWork

_DUE_CHUNK = 250
_MILLISECOND = timedelta(milliseconds=1)
_decode_tick = msgspec.json.Decoder(ClockTicked).decode


def tick_of(mark: str | None) -> tuple[tuple[int, int], datetime]:
    """(epoch, number) and clock of the last tick of a topic, as its mark holds them."""
    place, _, clock = (mark or "0").partition(" ")
    epoch, _, number = place.rpartition(".")
    return (int(epoch or 0), int(number)), parse_time(clock) if clock else EPOCH


def mark_of_tick(epoch: int, number: int) -> str:
    """How a mark begins; without an epoch as it always did."""
    return f"{epoch}.{number}" if epoch else str(number)


class Timers:
    """Wakes keys of one processor. ``between`` is awaited after each chunk of many: back-pressure, signs of life, and
    whoever else waits.
    """

    def __init__(
        self, ordinal: int, committer: Committer, dispatch: Dispatch, between: Callable[[], Awaitable[None]]
    ) -> None:
        self._app: App = committer.app
        self._ordinal, self._committer, self._dispatch, self._between = ordinal, committer, dispatch, between

    def pass_on_again(self, work: UnitOfWork) -> None:
        """The last tick that was acted on once more: one that woke nobody is passed on without being stored."""
        place, clock = self._reached(work)
        if self._app.forward_clock_to is not None and place > (0, 0):
            work.pass_on((self._app.forward_clock_to, self._ordinal, place, clock))

    async def tick(self, work: UnitOfWork, message: Message, keys: set[str]) -> UnitOfWork:
        """A tick came by on one topic. When it has on all, due keys wake at the clock reached and the tick goes on.

        Ticks that wake a few are part of the batch, however many they are: one commit. Before more than a chunk is
        woken, what came before the tick is committed, then chunk by chunk, and the tick itself last: after a crash in
        between it comes by again and wakes the rest. Returns the unit of work to go on with, ``keys`` loaded. Raises
        ``Invalid``.
        """
        if message.topic not in self._app.clock_topics:
            return work
        tick, mark = _read(message, self._committer.believed)
        if (tick.epoch, tick.number) <= tick_of(work.mark(f"tick/{message.topic}"))[0]:
            return work
        before = work.mark("ticked")
        work.marks[f"tick/{message.topic}"] = mark
        place, clock = self._reached(work)
        if place > tick_of(before)[0]:
            work = await self._wake_due(work, message, clock, keys)
            work.advance(max(work.now, clock))
            work.marks[f"tick/{message.topic}"] = mark
            work.marks["ticked"] = mark_of_tick(*place)
            if self._app.forward_clock_to is not None:
                work.pass_on((self._app.forward_clock_to, self._ordinal, place, clock))
        return work

    def _reached(self, work: UnitOfWork) -> tuple[tuple[int, int], datetime]:
        """Place and clock of the last tick that has come by on all topics."""
        return min((tick_of(work.mark(f"tick/{topic}")) for topic in self._app.clock_topics), default=tick_of(None))

    async def _wake_due(self, work: UnitOfWork, message: Message, clock: datetime, keys: set[str]) -> UnitOfWork:
        """Wake whoever is due; gives back the unit of work to go on with."""
        committer, until = self._committer, to_millis(clock)
        if self._app.on_timer is None:
            return work
        due = [(key, wake) for key, wake in work.wakes.items() if wake is not None and wake <= until]
        if committer.next_due is not None and committer.next_due <= until:
            stored = await committer.patiently(lambda: committer.store.due(until, _DUE_CHUNK))
            if len(stored) == _DUE_CHUNK:
                return await self._wake_by_chunks(work, message, clock, keys)
            if not stored:
                await committer.look_for_timers()
            due += [(key, wake) for key, wake in stored if key not in work.wakes]
        while due:
            await self._wake(work, sorted(due, key=lambda entry: entry[::-1]), clock)
            # Whom a wake-up has told to look at once does so at the same tick, in whatever batches it comes.
            due = [(key, wake) for key, wake in work.wakes.items() if wake is not None and wake <= until]
            if len(due) >= _DUE_CHUNK:
                return await self._wake_by_chunks(work, message, clock, keys)
        return work

    async def _wake_by_chunks(self, work: UnitOfWork, message: Message, clock: datetime, keys: set[str]) -> UnitOfWork:
        """What there is so far is committed, then chunk after chunk of those who are due."""
        # The tick itself comes behind: it is seen again should the rest not be woken.
        del work.marks[f"tick/{message.topic}"]
        await self._committer.commit(work)
        await self._wake_all(clock)
        work = UnitOfWork(self._committer, work.last)
        await self._committer.load(work, keys)
        return work

    async def _wake_all(self, clock: datetime) -> None:
        committer, until = self._committer, to_millis(clock)
        while due := await committer.patiently(lambda: committer.store.due(until, _DUE_CHUNK)):
            work = UnitOfWork(committer)
            await self._wake(work, due, clock)
            await committer.commit(work)
            await self._between()
        await committer.look_for_timers()

    async def _wake(self, work: UnitOfWork, due: list[tuple[str, int]], clock: datetime) -> None:
        """Keys, at the clock all their inputs have reached: some of them may be further already."""
        work.advance(max(work.now, clock))
        await self._committer.load(work, {key for key, _ in due})
        for key, wake in due:
            try:
                self._wake_one(work, key, wake, clock)
                await self._dispatch.forward(work)
            except Exception as error:
                raise Stopped(f"{self._committer.name}: waking {key} at {iso(clock)} failed: {error!r}") from error

    def _wake_one(self, work: UnitOfWork, key: str, wake: int, clock: datetime) -> None:
        assert self._app.on_timer is not None
        cause = f"wake/{self._committer.name}/{key}/{wake}"
        context = Context(clock, cause, "wake", f"wake/{key}", in_force=work.shelf.least())
        decision = self._app.on_timer(work.state(key), context)
        if decision.timer_at is not None and to_millis(decision.timer_at) <= to_millis(clock):
            if decision.timer_at <= clock:
                raise ValueError(f"wants to wake at {decision.timer_at}, not after {clock}")
            # Later within the millisecond, of which wake-ups know no parts.
            decision = replace(decision, timer_at=later(clock, _MILLISECOND))
        work.apply(key, decision, context)


def _read(message: Message, believed: Callable[[datetime], datetime]) -> tuple[ClockTicked, str]:
    """A tick and how its topic's mark holds it, its clock as far as it is believed. Raises ``Invalid``."""
    try:
        tick = _decode_tick(message.body or b"")
        return tick, f"{mark_of_tick(tick.epoch, tick.number)} {iso(believed(tick.clock))}"
    except (*UNDECODABLE, OverflowError) as error:
        raise Invalid(f"malformed tick: {error}") from error
