"""How quick the machine is meanwhile. On a virtual machine whose neighbours come and go the same work takes twice the
CPU time from one second to the next: a figure of CPU time says little without the time of a fixed loop beside it.

``python -m bench.pulse`` prints ``seconds loop_ms`` several times a second, each core in turn, until it is ended.
"""

import os
import subprocess
import sys
import time
from itertools import cycle
from statistics import mean
from types import TracebackType

from bench.figures import percentile

_TURNS, _EVERY = 20_000, 0.15


def loop_ms() -> float:
    """CPU time of a fixed loop, scaled to a million turns."""
    counts: dict[int, int] = {}
    start = time.process_time()
    for i in range(_TURNS):
        counts[i % 1000] = counts.get(i % 1000, 0) + i
    return (time.process_time() - start) * 1000 * 1_000_000 / _TURNS


class Pulse:
    """Measures from a process of its own while it is open: one hundredth of a core."""

    def __enter__(self) -> "Pulse":
        self._child = subprocess.Popen([sys.executable, "-m", "bench.pulse"], stdout=subprocess.PIPE, text=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._child.terminate()
        lines, _ = self._child.communicate()
        whole = [line.split() for line in lines.splitlines(keepends=True) if line.endswith("\n")]
        self._beats = [(float(at), float(ms)) for at, ms in whole]

    def of(self, start: float, end: float) -> float | None:
        """Mean of a time; None where nothing was measured. After it is closed."""
        found = [ms for at, ms in self._beats if start <= at < end]
        return mean(found) if found else None

    def quickest(self) -> float:
        """What only a twentieth of the times is below."""
        return percentile([ms for _, ms in self._beats], 0.05)


def main() -> None:
    for core in cycle(sorted(os.sched_getaffinity(0))):
        os.sched_setaffinity(0, {core})
        print(time.time(), loop_ms(), flush=True)
        time.sleep(_EVERY)


if __name__ == "__main__":
    main()
