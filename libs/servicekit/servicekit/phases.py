"""Where the time of a batch goes: ``load``, ``journal``, ``store`` as they are timed, ``handle`` is the rest."""

import time

from servicekit import telemetry


class Phase:
    """A context manager: what is done within belongs to this phase, also when it fails."""

    def __init__(self) -> None:
        self.spent = self._started = 0.0

    def __enter__(self) -> None:
        self._started = time.perf_counter()

    def __exit__(self, *_: object) -> None:
        self.spent += time.perf_counter() - self._started


class Phases:
    """Of one processor. Phases of a batch may come by several times, one after the other; ``end`` tells Prometheus."""

    def __init__(self, unit: str) -> None:
        self._phases = {name: Phase() for name in ("load", "journal", "store")}
        self._shown = {name: telemetry.BATCH_PHASE.labels(unit, name) for name in (*self._phases, "handle")}

    def timing(self, phase: str) -> Phase:
        """For a ``with`` statement around the phase."""
        return self._phases[phase]

    def end(self, seconds: float) -> None:
        """The batch is done and took so long."""
        for name, phase in self._phases.items():
            self._shown[name].observe(phase.spent)
            seconds -= phase.spent
            phase.spent = 0.0
        self._shown["handle"].observe(max(0.0, seconds))
