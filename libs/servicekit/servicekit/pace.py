"""Under load small batches cost most: what comes meanwhile is handled together."""

import time

_AT_ONCE = 8


class Pace:
    """Some batches may follow each other at once, which is all that a quiet moment brings; then the next one starts
    with the next beat. A beat comes every ``seconds``, at the same moments for all of a machine: what the processors
    of a process ask the broker then goes in one request. ``behind``: so many seconds after the beat.
    """

    def __init__(self, seconds: float, behind: float = 0.0) -> None:
        self._seconds, self._behind = seconds, behind
        self._credit, self._last = float(_AT_ONCE), time.monotonic()

    def rest(self, started: float) -> float:
        """Seconds to wait after a small batch that was started then."""
        if not self._seconds:
            return 0.0
        earned, self._last = (started - self._last) / self._seconds, started
        self._credit = min(self._credit + earned, _AT_ONCE) - 1
        return self._seconds - (time.monotonic() - self._behind) % self._seconds if self._credit < 0 else 0.0
