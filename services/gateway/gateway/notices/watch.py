"""Makes notices: looks at what changes in the read model, and at the clock, and writes down what is due for whom.

What somebody was told stands in the ledger, so that nothing hangs on this process: after a restart, or over a read
model that was made anew, it compares what stands now with what was told, and goes on from there.
"""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from functools import partial

import structlog

from gateway.access.scope import Scope
from gateway.live.changes import Place
from gateway.notices import due, figures
from gateway.notices.flood import FloodRule, never
from gateway.notices.ledger import Ledger
from gateway.notices.people import People, level_of
from gateway.notices.preferences import Preferences, PreferenceStore
from gateway.projection.follow import Projection
from servicekit.clock import SystemClock, later, system_now, to_millis
from servicekit.decision import Refused
from servicekit.store import Transient
from servicekit.versioned import Version

log = structlog.get_logger()
#: what comes within this time is one notice
PACE_SECONDS = 5.0
#: everybody is looked at so often: a scope may have changed
_ALL_SECONDS, _TIDY_SECONDS = 60.0, 3600.0


class Watch:
    """``run`` is the job."""

    def __init__(
        self,
        preferences: PreferenceStore,
        ledger: Ledger,
        people: People,
        projection: Projection,
        clock: SystemClock = system_now,
        flood: FloodRule = never,
    ) -> None:
        self._preferences, self._ledger, self._people = preferences, ledger, people
        self._projection, self._clock, self._flood = projection, clock, flood
        self._place: Place | None = None
        self._scopes: dict[str, Scope] = {}
        self._waiting: set[str] = set()
        self._digests: set[tuple[str, str]] = set()
        self._heads: Sequence[Scope] | None = None

    async def run(self) -> None:
        """Job: until cancelled; whatever fails is tried again."""
        loop = asyncio.get_running_loop()
        looked_at = tidied_at = loop.time()
        while True:
            try:
                await self.look()
                if loop.time() - looked_at > _ALL_SECONDS:
                    self._place, looked_at = None, loop.time()
                if loop.time() - tidied_at > _TIDY_SECONDS:
                    await self._ledger.forget_old()
                    tidied_at = loop.time()
            except (Transient, Refused) as error:
                log.warning("notices.wait", error=str(error)[:200])
            except Exception:
                log.exception("notices.failed")
            await asyncio.sleep(PACE_SECONDS)

    async def look(self) -> None:
        """Write down all that is due by now."""
        if not self._projection.is_whole:
            return  # what is not there yet would seem to be news, later
        self._heads = None
        place, changed = await self._projection.store.read(partial(figures.concerned, since=self._place))
        everybody = await self._preferences.all()
        for version in everybody:
            scope = self._scopes.get(version.id)
            if scope is None or changed is None or any(scope.allows("alerts", subject) for subject in changed):
                self._waiting.add(version.id)
        self._place = place
        for version in everybody:
            try:
                await self._digest(version)
                if version.id in self._waiting and await self.urgent(version):
                    self._waiting.discard(version.id)
            except Refused as error:  # of one: those behind them must not wait
                log.warning("notices.wait", staff_no=version.id, error=error.code)

    async def urgent(self, version: Version[Preferences]) -> bool:
        """Look at what is urgent for one person; whether they need not be looked at until something changes."""
        choice = version.document.urgent
        if not choice.channels:
            self._scopes[version.id] = Scope()
            return True
        chain = await self._ledger.newest(version.id)
        is_anew = chain is None or chain.since != choice.since
        if not is_anew and (
            due.is_quiet(version.document.quiet, self._projection.clock)
            or (chain is not None and chain.kind == "urgent" and self._clock() < later(chain.at, due.URGENT_GAP))
        ):
            return False
        who = await self._people.find(version.id)
        if who is None:
            return True
        scope = self._scopes[version.id] = await self._people.alerts(who)
        now, level = self._projection.clock, level_of(who.grants)
        standing = await self._projection.store.read(
            partial(
                figures.standing,
                scope=scope,
                severity=choice.severity,
                kinds=choice.kinds,
                now=now,
                level=level,
                below=await self._below(level),
            )
        )
        seen = to_millis(self._clock())
        if is_anew:  # whoever asks to be told from now on knows what stands
            _, told = due.news((), standing, seen)
            return await self._ledger.urgent(chain, version.id, choice.since, told)
        fresh, told = due.news(() if chain is None else chain.told, standing, seen)
        if not fresh:
            return True
        many = False
        if (flood := await self._flood()) is not None:
            since = later(self._clock(), -timedelta(minutes=flood.within_minutes))
            lately = await self._ledger.told_since(version.id, since)
            if lately and lately + len(fresh) > flood.more_than:
                return False  # looked at again until that time has passed: then what stands by then is one notice
            many = len(fresh) > flood.more_than
        return await self._ledger.urgent(chain, version.id, choice.since, told, fresh, choice.channels, many=many)

    async def _below(self, level: int | None) -> Sequence[Scope]:
        """What the levels beneath this one see; as it is at each look."""
        if level is None or level == 1:
            return ()
        if self._heads is None:
            self._heads = await self._people.heads()
        return self._heads[: level - 1]

    async def _digest(self, version: Version[Preferences]) -> None:
        choice, now = version.document.digest, self._projection.clock
        day = due.digest_day(choice.at, version.document.quiet, choice.since, now) if choice.channels else None
        if day is None or (version.id, day.isoformat()) in self._digests:
            return
        await self._ledger.digest(version.id, day.isoformat(), choice.channels)
        self._digests = {made for made in self._digests if made[0] != version.id} | {(version.id, day.isoformat())}
