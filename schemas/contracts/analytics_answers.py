"""What the routes of analytics answer."""

from typing import Any

from contracts.answer import Answer


class LinkView(Answer):
    """One fact of a chain of causes."""

    id: str
    type: str
    at: str
    service: str
    caused_by: str | None
    summary_zh: str
    summary_en: str
    detail: dict[str, Any]


class Chain(Answer):
    """The chain of facts behind an id, from the BOSS record to the outcome."""

    id: str
    chain: list[LinkView]


class LineageView(Answer):
    """What a worker of analytics keeps under a name: the event of this id, events it caused, events that tell of it."""

    node: dict[str, Any] | None = None
    children: list[str] = []
    telling_of: list[str] = []


class LineageOfNames(Answer):
    """What a worker of analytics keeps, by name; names of which it has nothing are left out."""

    names: dict[str, LineageView]


class CountView(Answer):
    """Events of a kind in a city on a day."""

    day: str
    city: str | None
    kind: str
    count: int


class CountDifference(Answer):
    """A count on which the live counts and the archive do not agree."""

    day: str
    city: str | None
    kind: str
    live: int
    archive: int


class RecountView(Answer):
    """Whether the counts agree with a count from the archive alone; ``cells`` of several workers are added up."""

    agree: bool
    events: int
    cells: int
    differences: list[CountDifference]


class RateView(Answer):
    """Alerts of a city in a window."""

    city: str | None
    seconds: float
    alerts: int
    per_minute: float
