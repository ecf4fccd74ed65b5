"""How many parts the rate allows now; what long messages used beyond it is owed."""

from collections.abc import Callable
from time import monotonic


class Allowance:
    """``per_second``: the rate of now. A second's worth is there at most. ``left`` may be below zero."""

    def __init__(self, per_second: Callable[[], float]) -> None:
        self._per_second = per_second
        self.left, self._at = per_second(), monotonic()

    def now(self) -> float:
        now, rate = monotonic(), self._per_second()
        self.left = min(rate, self.left + (now - self._at) * rate)
        self._at = now
        return self.left

    def use(self, parts: int) -> None:
        self.left -= parts

    def seconds(self) -> float:
        """Until there is one."""
        return (1 - self.left) / self._per_second()
