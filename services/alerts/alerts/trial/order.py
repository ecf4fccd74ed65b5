"""What a trial is told, what it tells while it runs, and how it ends: lines of JSON between it and who started it."""

from typing import Any

from msgspec import Struct

from alerts.detection.months import month_of, period_of
from alerts.detection.state import Month

#: months that a trial may span: with those before them that a rule looks back on they are within what detection keeps
MOST_MONTHS = 24
USUAL_MONTHS = 12


class Ruled(Struct, frozen=True):
    """A version of a rule, as it is kept."""

    version: int
    document: dict[str, Any]


class Order(Struct, frozen=True, rename={"from_": "from"}):
    """``rule`` is tried against the version in force (None: there is none). ``fall``: the fall rule in force, whose
    exclusions hold for conditions; ``lists`` of customers are those in force. ``from_`` and ``to`` are periods; without
    them the newest months there are. ``scratch`` is an empty folder or none yet; whoever gives the order removes it."""

    archive: str
    scratch: str
    rule: Ruled
    against: Ruled | None = None
    fall: Ruled | None = None
    from_: str | None = None
    to: str | None = None
    lists: tuple[Ruled, ...] = ()


class Progress(Struct, frozen=True, tag="progress"):
    """``done`` of ``of`` rows; each is read once and judged once, so ``of`` counts them twice."""

    done: int
    of: int


class Warned(Struct, frozen=True):
    """A customer and month that a version warns of; ``reasons`` are codes."""

    customer_id: str
    period: str
    reasons: tuple[str, ...]


class MonthTold(Struct, frozen=True):
    """A month of a trial: warnings of the version, those of them that both give, what it adds and what goes."""

    period: str
    alerts: int
    same: int
    added: int
    gone: int


class Outcome(Struct, frozen=True):
    """What became of warnings, where BOSS has told who left: of ``left`` customers so many were ``caught`` by a warning
    of the month they left in or of the three before, the others ``missed``. ``days_early``: median of days from the
    first of these warnings; None where nobody was caught. ``by_month``: of leaving, [left, caught]."""

    left: int
    caught: int
    missed: int
    days_early: int | None
    by_month: dict[str, tuple[int, int]]


class Found(Struct, frozen=True, kw_only=True, rename={"from_": "from"}, tag="found"):
    """The result. ``customers``: of whom there was anything to judge in these months. ``by_period``: warnings of each
    month. Of ``added`` and ``gone`` the first 10,000 by month and customer, ``added_count`` and ``gone_count`` say how
    many there are. ``as_of``: the newest record that was looked at; ``unreadable``: rows passed over."""

    rule: str
    version: int
    against: int | None
    from_: str
    to: str
    customers: int
    alerts: int
    same: int
    added: tuple[Warned, ...]
    gone: tuple[Warned, ...]
    added_count: int
    gone_count: int
    by_period: dict[str, int]
    months: tuple[MonthTold, ...]
    outcome: Outcome
    outcome_against: Outcome | None
    as_of: str | None
    unreadable: int
    seconds: float


class Failed(Struct, frozen=True, tag="failed"):
    """It could not be done; both texts are for people."""

    zh: str
    en: str


def span(from_: str | None, to: str | None, newest: Month) -> tuple[Month, Month]:
    """First and last month: as asked, at most ``MOST_MONTHS``; what is not said is the newest year there is."""
    if from_ is None:
        last = newest if to is None else month_of(to)
        return last - USUAL_MONTHS + 1, last
    first = month_of(from_)
    last = max(first, newest) if to is None else month_of(to)
    return first, min(last, first + MOST_MONTHS - 1)


def periods(first: Month, last: Month) -> list[str]:
    return [period_of(month) for month in range(first, last + 1)]
