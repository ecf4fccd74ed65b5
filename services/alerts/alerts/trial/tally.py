"""The counts of a trial: warnings of a version beside those of the one in force, by month, and what became of them."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date
from statistics import median_low
from typing import NamedTuple

from alerts.detection.months import period_of
from alerts.detection.state import Month
from alerts.trial.history import Customer, Mark
from alerts.trial.order import MonthTold, Outcome, Warned

#: rows of ``added`` and of ``gone`` that a result holds
MOST_ROWS = 10_000
#: months before leaving (and that of leaving itself) in which a warning counts as having seen it come
EARLIER_MONTHS = 3
Warnings = Mapping[Month, tuple[tuple[str, ...], Mark]]


class Rows:
    """Customers and months, counted all and kept as far as a result holds them: the first by month and customer."""

    def __init__(self) -> None:
        self.months: Counter[Month] = Counter()
        self._kept: list[tuple[Month, str, tuple[str, ...]]] = []

    def add(self, month: Month, customer: str, codes: tuple[str, ...]) -> None:
        self.months[month] += 1
        self._kept.append((month, customer, codes))
        if len(self._kept) >= 2 * MOST_ROWS:
            self._kept = sorted(self._kept)[:MOST_ROWS]

    @property
    def kept(self) -> tuple[Warned, ...]:
        return tuple(Warned(customer, period_of(m), codes) for m, customer, codes in sorted(self._kept)[:MOST_ROWS])


class Tally:
    """Of the months ``first`` to ``last``."""

    def __init__(self, first: Month, last: Month) -> None:
        self._first, self._last = first, last
        self.customers = 0
        self.alerts: Counter[Month] = Counter()
        self.same: Counter[Month] = Counter()
        self.added, self.gone = Rows(), Rows()
        self.leavers, self.leavers_against = Leavers(first, last), Leavers(first, last)

    def count(self, customer: Customer, ours: Warnings, theirs: Warnings) -> None:
        """A customer of whom there was something to judge."""
        self.customers += 1
        for month, (codes, _) in ours.items():
            self.alerts[month] += 1
            if month in theirs:
                self.same[month] += 1
            else:
                self.added.add(month, customer.id, codes)
        for month, (codes, _) in theirs.items():
            if month not in ours:
                self.gone.add(month, customer.id, codes)

    def left(self, customer: Customer, ours: Warnings, theirs: Warnings) -> None:
        """A customer who left, whether there was anything to judge or not."""
        self.leavers.count(customer.left, ours)
        self.leavers_against.count(customer.left, theirs)

    @property
    def months(self) -> tuple[MonthTold, ...]:
        return tuple(
            MonthTold(period_of(m), self.alerts[m], self.same[m], self.added.months[m], self.gone.months[m])
            for m in range(self._first, self._last + 1)
        )


class _Leaving(NamedTuple):
    month: Month
    days_early: int | None


class Leavers:
    """Who left in the span and the months after it in which a warning of it would still be one of theirs."""

    def __init__(self, first: Month, last: Month) -> None:
        self._first, self._last = first, last + EARLIER_MONTHS
        self._left: Counter[Month] = Counter()
        self._caught: Counter[Month] = Counter()
        self._early: Counter[int] = Counter()

    def count(self, days: Iterable[date], warnings: Warnings) -> None:
        for day in days:
            month = day.year * 12 + day.month - 1
            if not self._first <= month <= self._last:
                continue
            self._left[month] += 1
            early = [
                (day - mark.day).days
                for warned, (_, mark) in warnings.items()
                if month - EARLIER_MONTHS <= warned <= month and mark.day <= day
            ]
            if early:
                self._caught[month] += 1
                self._early[max(early)] += 1

    @property
    def outcome(self) -> Outcome:
        left, caught = self._left.total(), self._caught.total()
        return Outcome(
            left,
            caught,
            left - caught,
            median_low(self._early.elements()) if caught else None,
            {period_of(month): (n, self._caught[month]) for month, n in sorted(self._left.items())},
        )
