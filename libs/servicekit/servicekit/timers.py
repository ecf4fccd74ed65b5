"""The business clock of a processor: ticks come by, and keys whose time has come wake.

``ticked`` marks hold the last tick of each topic and the last that was acted on: ``[epoch.]number[ clock]``.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime

import msgspec

from contracts.boss import ClockTicked
from servicekit.app import App
from servicekit.clock import EPOCH, iso, to_millis
from servicekit.committer import Committer, Stopped
from servicekit.decision import Context, Invalid
from servicekit.dispatch import Dispatch
from servicekit.envelope import Message, parse_time
from servicekit.unit_of_work import UnitOfWork

_DUE_CHUNK = 500
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
    """Wakes keys of one processor. ``between`` is awaited after each chunk of them: back-pressure and signs of life."""

    def __init__(
        self, ordinal: int, committer: Committer, dispatch: Dispatch, between: Callable[[], Awaitable[None]]
    ) -> None:
        self._app: App = committer.app
        self._ordinal, self._committer, self._dispatch, self._between = ordinal, committer, dispatch, between

    async def tick(self, work: UnitOfWork, message: Message, keys: set[str]) -> UnitOfWork:
        """A tick came by on one topic. When it has on all, due keys wake at the clock reached and the tick goes on.

        What came before the tick is committed first and the tick itself last: after a crash in between it comes by
        again and wakes the rest. Returns the unit of work to go on with, ``keys`` loaded. Raises ``Invalid``.
        """
        try:
            tick = _decode_tick(message.body or b"")
        except msgspec.MsgspecError as error:
            raise Invalid(f"malformed tick: {error}") from error
        seen = {topic: tick_of(work.mark(f"tick/{topic}")) for topic in self._app.clock_topics}
        if message.topic in seen and (tick.epoch, tick.number) > seen[message.topic][0]:
            seen[message.topic] = ((tick.epoch, tick.number), tick.clock)
            place, clock = min(seen.values())
            if place > tick_of(work.mark("ticked"))[0]:
                if self._is_due(work, to_millis(clock)):
                    await self._committer.commit(work)
                    await self._wake_all(clock)
                    work = UnitOfWork(self._committer, work.last)
                    await self._committer.load(work, keys)
                work.advance(max(work.now, clock))
                work.marks["ticked"] = mark_of_tick(*place)
                if self._app.forward_clock_to is not None:
                    work.tick(self._app.forward_clock_to, self._ordinal, place, clock)
            work.marks[f"tick/{message.topic}"] = f"{mark_of_tick(tick.epoch, tick.number)} {iso(tick.clock)}"
        return work

    def _is_due(self, work: UnitOfWork, until: int) -> bool:
        soonest = min((w for w in work.wakes.values() if w is not None), default=None)
        earliest = (soonest, self._committer.next_due)
        return self._app.on_timer is not None and any(w is not None and w <= until for w in earliest)

    async def _wake_all(self, clock: datetime) -> None:
        committer, until = self._committer, to_millis(clock)
        while due := await committer.patiently(lambda: committer.store.due(until, _DUE_CHUNK)):
            work = UnitOfWork(committer)
            work.advance(max(work.now, clock))
            await committer.load(work, {key for key, _ in due})
            for key, wake in due:
                try:
                    self._wake(work, key, wake, clock)
                    await self._dispatch.forward(work)
                except Exception as error:
                    raise Stopped(f"{committer.name}: waking {key} at {iso(clock)} failed: {error!r}") from error
            await committer.commit(work)
            await self._between()
        await committer.look_for_timers()

    def _wake(self, work: UnitOfWork, key: str, wake: int, clock: datetime) -> None:
        """One key, at the clock all its inputs have reached: some of them may be further already."""
        assert self._app.on_timer is not None
        context = Context(clock, f"wake/{self._committer.name}/{key}/{wake}", "wake", f"wake/{key}")
        decision = self._app.on_timer(work.state(key), context)
        if decision.timer_at is not None and to_millis(decision.timer_at) <= to_millis(clock):
            raise ValueError(f"wants to wake at {decision.timer_at}, not after {clock}")
        work.apply(key, decision, context)
