"""What conditions ask of one customer in one month."""

from typing import Any, Protocol

from alerts.conditions.figures import FIGURES, Value

_MONTHLY = frozenset(name for name, figure in FIGURES.items() if figure.monthly)
#: a figure as it is, a monthly one in the month that is judged; or so many months before; or, below 0, the sum of so
#: many months before, None where one of them is unknown
Key = str | tuple[str, int]


class Source(Protocol):
    """Where figures come from; None is unknown."""

    def now(self, figure: str) -> Value:
        """One that is not of months."""
        ...

    def month(self, figure: str, back: int) -> int | None:
        """A monthly one, so many months before the month that is judged."""
        ...


class Facts(dict[Key, Any]):
    """The figures of a customer and month, each asked of its source once, whatever the number of rules.

    Each is a ``Value``, of a month a number or None.
    """

    __slots__ = ("_source",)

    def __init__(self, source: Source) -> None:
        super().__init__()
        self._source = source

    def __missing__(self, key: Key) -> Value:
        value: Value
        if isinstance(key, tuple):
            figure, back = key
            value = self._source.month(figure, back) if back >= 0 else self._sum(figure, -back)
        elif key in _MONTHLY:
            value = self._source.month(key, 0)
        else:
            value = self._source.now(key)
        self[key] = value
        return value

    def _sum(self, figure: str, months: int) -> int | None:
        total = 0
        for back in range(1, months + 1):
            value = self[figure, back]
            if value is None:
                return None
            total += value
        return total
