"""Under load small batches cost most: what comes meanwhile is handled together. While there is little to do they cost
nobody anything, and what comes need not wait as long.
"""

import time

_AT_ONCE = 8
#: Shares of a core: below the first a process has time for small batches, above the second none. Twice as many batches
#: make it at most twice as busy, so that it does not go to and fro.
_LIGHT, _BUSY = 0.07, 0.15
#: Seconds: how often the share is looked at, and how long it takes to believe a change.
_LOOK_SECONDS, _SMOOTH_SECONDS = 0.5, 1.0


class Load:
    """How busy this process is, by its CPU time: one for all that keeps a pace in it."""

    def __init__(self) -> None:
        self.share = 0.0
        self._is_light = True
        self._looked_at, self._spent = time.monotonic(), time.process_time()

    @property
    def is_light(self) -> bool:
        """Whether there is time for small batches."""
        now = time.monotonic()
        if (seconds := now - self._looked_at) >= _LOOK_SECONDS:
            spent = time.process_time()
            share = (spent - self._spent) / seconds
            self.share += min(1.0, seconds / _SMOOTH_SECONDS) * (share - self.share)
            self._looked_at, self._spent = now, spent
            self._is_light = self.share < (_BUSY if self._is_light else _LIGHT)
        return self._is_light


#: This process's.
LOAD = Load()


class Pace:
    """Some batches may follow each other at once, which is all that a quiet moment brings; then the next one starts
    with the next beat. A beat comes every ``seconds``, at the same moments for all of a machine: what the processors
    of a process ask the broker then goes in one request. ``behind``: so many seconds after the beat. ``light_seconds``:
    the beat while the process has little to do (``Load``), ``seconds`` divided by a whole number: then its moments are
    among those of whoever is as light, and those of the busy among them. ``apart``: of a beat, so much at least lies
    between two starts; for whoever may start before the beat.
    """

    def __init__(
        self,
        seconds: float,
        behind: float = 0.0,
        *,
        light_seconds: float | None = None,
        apart: float = 0.0,
        load: Load = LOAD,
    ) -> None:
        self._seconds, self._behind, self._apart = seconds, behind, apart
        self._light_seconds, self._load = light_seconds, load
        self._credit, self._last = float(_AT_ONCE), time.monotonic()

    def rest(self, started: float) -> float:
        """Seconds to wait after a small batch that was started then."""
        if not self._seconds:
            return 0.0
        beat = self.beat
        earned, self._last = (started - self._last) / beat, started
        self._credit = min(self._credit + earned, _AT_ONCE) - 1
        if self._credit >= 0:
            return 0.0
        now = time.monotonic()
        after = max(now, started + self._apart * beat)
        return after - now + beat - (after - self._behind) % beat

    @property
    def beat(self) -> float:
        """Seconds between two beats now."""
        return self._light_seconds if self._light_seconds and self._load.is_light else self._seconds
