"""Who listens to what changes. One reading of the read model serves them all; each gets what they see of it, masked as
for them, and a row that many see alike is made up once.

Memory is bounded: whoever takes too little of what comes is told to read everything anew (``reset``).
"""

import asyncio
from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import partial

import msgspec
from fastapi.sse import format_sse_event
from prometheus_client import Counter, Gauge

from gateway.access.scope import Scope
from gateway.live.changes import Change, Move, Place, changes, here, name_of
from gateway.projection.follow import Projection
from gateway.projection.visible import List
from servicekit.decision import Refused
from servicekit.personal import FieldClass

LISTENERS = Gauge("kam_live_listeners", "Connections that listen to what changes")
RESETS = Counter("kam_live_resets_total", "Listeners told to read everything anew", ["why"])
#: changes read at once, and messages that wait for one listener; with more they read the lists anew
MOST, MOST_WAITING = 1000, 500
#: at most so often the read model is asked what changed, and at least
_PACE_SECONDS, _IDLE_SECONDS = 0.1, 1.0
Scopes = Mapping[List, Scope]
_encode = msgspec.json.Encoder().encode


class Listener:
    """A connection: what it may see, and what waits for it."""

    def __init__(self, scopes: Scopes) -> None:
        self.scopes = scopes
        self._waiting: deque[bytes] = deque()
        self._some = asyncio.Event()
        self.ended = False

    def offer(self, messages: Iterable[bytes], place: Place) -> None:
        """What came; with too much waiting all of it is given up for one ``reset``."""
        self._waiting.extend(messages)
        if len(self._waiting) > MOST_WAITING:
            self.reset(place, "slow")
        elif self._waiting:
            self._some.set()

    def reset(self, place: Place, why: str) -> None:
        """Whatever waited is part of what is read anew now."""
        RESETS.labels(why).inc()
        self._waiting.clear()
        self._waiting.append(format_sse_event(event="reset", data_str="null", id=str(place)))
        self._some.set()

    def end(self) -> None:
        """Nothing more will come."""
        self.ended = True
        self._some.set()

    async def take(self, seconds: float) -> bytes:
        """All that waits, once there is something; nothing after so long."""
        try:
            async with asyncio.timeout(seconds):
                await self._some.wait()
        except TimeoutError:
            return b""
        self._some.clear()
        found = b"".join(self._waiting)
        self._waiting.clear()
        return found


class Streams:
    """``run`` is the job that reads and tells; ``join`` and ``leave`` are for connections."""

    def __init__(self, projection: Projection) -> None:
        self._projection = projection
        self._listeners: set[Listener] = set()
        self._place: Place | None = None
        self._someone = asyncio.Event()
        self._reading = asyncio.Lock()

    async def join(self, scopes: Scopes, since: Place | None) -> Listener:
        """A listener to what changes from now on, or from where somebody stood. Raises ``Refused`` 503 while nothing
        can be read."""
        listener = Listener(scopes)
        async with self._reading:
            if self._place is None:
                self._place = await self._projection.store.read(here)
            if since is None:
                since = self._place
            # Up to the place of all others: what comes behind it is told to everybody.
            place, missed = await self._projection.store.read(partial(changes, since=since, most=MOST))
            self._listeners.add(listener)
            self._someone.set()
            if missed is None:
                listener.reset(self._place if place.epoch == self._place.epoch else place, "place")
            else:
                ours = (change for change in missed if change.seq <= self._place.seq)
                listener.offer(_Telling(place.epoch).to(listener.scopes, ours), self._place)
        LISTENERS.set(len(self._listeners))
        return listener

    async def narrow(self, listener: Listener, scopes: Scopes) -> None:
        """They see something else from now on: what they have read is no longer it."""
        listener.scopes = scopes
        if self._place is not None:
            listener.reset(self._place, "scope")

    def leave(self, listener: Listener) -> None:
        """The connection is gone."""
        self._listeners.discard(listener)
        LISTENERS.set(len(self._listeners))

    async def run(self) -> None:
        """Job: tell everybody what changes, until cancelled."""
        try:
            while True:
                if not self._listeners:
                    self._place = None
                    self._someone.clear()
                    await self._someone.wait()
                await self._projection.moved(_IDLE_SECONDS)
                await self._tell()
                await asyncio.sleep(_PACE_SECONDS)
        finally:
            for listener in self._listeners:
                listener.end()

    async def _tell(self) -> None:
        async with self._reading:
            # While it is made anew every row changes: they are told to read anew once that is done.
            if self._place is None or not self._projection.is_whole:
                return
            try:
                place, found = await self._projection.store.read(partial(changes, since=self._place, most=MOST))
            except Refused:
                return  # asked again soon
            self._place, telling = place, _Telling(place.epoch)
            for listener in self._listeners:
                if found is None:
                    listener.reset(place, "many")
                else:
                    listener.offer(telling.to(listener.scopes, found), place)


class _Telling:
    """Changes as messages; those who see a row alike get the same one."""

    def __init__(self, epoch: str) -> None:
        self._epoch = epoch
        self._made: dict[tuple[str, frozenset[FieldClass]], bytes] = {}

    def to(self, scopes: Scopes, found: Iterable[Change | Move]) -> Iterator[bytes]:
        """Messages of the changes that are in scope, and of the customers who have left it."""
        for change in found:
            if isinstance(change, Move):
                if any(scope.loses(change.before, change.of) for scope in scopes.values()):
                    yield self._gone(change)
                continue
            scope = scopes.get(change.list)
            if scope is not None and scope.allows(change.list, change.of):
                yield self._message(change, scope, scope.clear(change.of))

    def _gone(self, move: Move) -> bytes:
        """Nothing but the id, which they saw: where the customer is now is not theirs to know."""
        told = _encode({"customer_id": move.of.customer_id}).decode()
        return format_sse_event(event="gone", data_str=told, id=f"{self._epoch}-{name_of(move)}")

    def _message(self, change: Change, scope: Scope, clear: Collection[FieldClass]) -> bytes:
        key = name_of(change), frozenset(clear)
        if (made := self._made.get(key)) is None:
            row = _encode(change.shown(scope.visible(change.list))).decode()
            made = self._made[key] = format_sse_event(
                event=change.list, data_str=row, id=f"{self._epoch}-{name_of(change)}"
            )
        return made
