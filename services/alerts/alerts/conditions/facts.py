"""What conditions ask of one customer in one month."""

from typing import Any, Protocol

from alerts.conditions.figures import FIGURES, Value

_MONTHLY = frozenset(name for name, figure in FIGURES.items() if figure.monthly)
#: a figure as it is, a monthly one in the month that is judged; or so many months before
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
        if isinstance(key, tuple):
            value: Value = self._source.month(*key)
        elif key in _MONTHLY:
            value = self._source.month(key, 0)
        else:
            value = self._source.now(key)
        self[key] = value
        return value
