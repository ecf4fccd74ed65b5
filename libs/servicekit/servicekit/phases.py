"""Where the time of a batch goes: ``load``, ``journal``, ``store`` as they are timed, ``handle`` is the rest."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from servicekit import telemetry


class Phases:
    """Of one processor. Phases of a batch may come by several times, one after the other; ``end`` tells Prometheus."""

    def __init__(self, unit: str) -> None:
        self._spent = dict.fromkeys(("load", "journal", "store"), 0.0)
        self._shown = {phase: telemetry.BATCH_PHASE.labels(unit, phase) for phase in (*self._spent, "handle")}

    @contextmanager
    def timing(self, phase: str) -> Iterator[None]:
        """What is done within belongs to this phase, also when it fails."""
        started = time.perf_counter()
        try:
            yield
        finally:
            self._spent[phase] += time.perf_counter() - started

    def end(self, seconds: float) -> None:
        """The batch is done and took so long."""
        for phase, spent in self._spent.items():
            self._shown[phase].observe(spent)
            self._spent[phase] = 0.0
            seconds -= spent
        self._shown["handle"].observe(max(0.0, seconds))
