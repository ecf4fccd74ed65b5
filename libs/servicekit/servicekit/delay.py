"""How long it takes from a BOSS record's acceptance to what follows from it: for Prometheus, and lately, for people."""

import time
from bisect import bisect_left
from collections import deque
from collections.abc import Callable

from prometheus_client import Histogram

#: seconds, from one batch to an outage
BUCKETS = (0.01, 0.02, 0.035, 0.05, 0.075, 0.1, 0.15, 0.2, 0.35, 0.5, 0.75, 1, 1.5, 2, 3, 5, 10, 20, 30, 60, 120, 300)
LATELY_MINUTES = 5


class Delay:
    """A histogram since the start, and the counts of the last minutes beside it. ``clock``: epoch seconds."""

    def __init__(self, name: str, help: str, clock: Callable[[], float] = time.time) -> None:
        self._histogram, self._clock = Histogram(name, help, buckets=BUCKETS), clock
        self._minutes: deque[tuple[int, list[int]]] = deque(maxlen=LATELY_MINUTES)

    def observe_since(self, accepted: bytes) -> None:
        """Something happened now that goes back to a record accepted then (``Context.accepted``); where nothing is
        known of that, nothing is counted.
        """
        now = self._clock()
        try:
            seconds = max(0.0, now - int(accepted) / 1000)
        except ValueError:
            return
        self._histogram.observe(seconds)
        minute = int(now // 60)
        if not self._minutes or self._minutes[-1][0] != minute:
            self._minutes.append((minute, [0] * (len(BUCKETS) + 1)))
        self._minutes[-1][1][bisect_left(BUCKETS, seconds)] += 1

    def p99(self) -> float | None:
        """Seconds, of the last minutes, as exact as the buckets are; the last bound where it lies beyond; None of
        nothing.
        """
        since = int(self._clock() // 60) - LATELY_MINUTES
        counts = [sum(column) for column in zip(*(c for minute, c in self._minutes if minute > since), strict=True)]
        rank, below = 0.99 * sum(counts), 0
        for n, count in enumerate(counts[:-1]):
            if count and below + count >= rank:
                lower = BUCKETS[n - 1] if n else 0.0
                return round(float(lower + (BUCKETS[n] - lower) * (rank - below) / count), 4)
            below += count
        return float(BUCKETS[-1]) if counts and counts[-1] else None
