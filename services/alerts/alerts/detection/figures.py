"""The figures of one customer that conditions ask for, out of what detection remembers."""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from functools import lru_cache
from typing import Protocol

from alerts.conditions.facts import Facts, Key
from alerts.conditions.figures import CARRIED, Value
from alerts.detection.months import last_day, months_later
from alerts.detection.rows import COLUMNS, REMEMBERED, Row, Rows, Said, has_row, rows_of, said
from alerts.detection.series import figure_of, sum_before
from alerts.detection.state import (
    ArrearsEpisode,
    Judged,
    Month,
    Profile,
    Recency,
    Series,
    TrackedComplaint,
    TrackedContract,
)
from servicekit.clock import NEVER, later, local_date, to_millis
from servicekit.envelope import parse_time

_HOT = {f"{kind.lower()}.{figure}": figure for kind, figure in CARRIED.items()}
_PLACES = {
    f"{kind.lower()}.{column}": (kind, at) for kind, columns in COLUMNS.items() for at, column in enumerate(columns)
}


class Remembered(Protocol):
    """A state, or a decision in the making."""

    @property
    def figures(self) -> dict[str, Series]: ...
    @property
    def rows(self) -> dict[str, Rows]: ...
    @property
    def said(self) -> bytes: ...
    @property
    def profile(self) -> Profile | None: ...
    @property
    def debt(self) -> ArrearsEpisode | None: ...
    @property
    def tickets(self) -> dict[str, TrackedComplaint]: ...
    @property
    def terms(self) -> dict[str, TrackedContract]: ...
    @property
    def heard(self) -> dict[str, Recency]: ...
    @property
    def judged(self) -> dict[str, dict[Month, Judged]]: ...


class StateFigures(Facts):
    """What conditions ask of a customer, of one month; ``now``: business time. Its own ``Source``.

    ``brought``: kind, month and row of the record that has just come: to open all rows for it would cost more than all
    else.
    """

    __slots__ = ("_at", "_brought", "_day", "_month", "_opened", "_said", "_state")

    def __init__(
        self, state: Remembered, month: Month, now: datetime, brought: tuple[str, Month, Row] | None = None
    ) -> None:
        self._state, self._month, self._at, self._brought = state, month, now, brought
        self._day: date | None = None
        self._said: Said | None = None
        self._opened: dict[str, list[Row | None]] | None = None

    def __missing__(self, key: Key) -> Value:
        value: Value
        if isinstance(key, tuple):
            figure, back = key
            if back >= 0:
                value = self.month(figure, back)
            elif (hot := _HOT.get(figure)) is not None:
                value = sum_before(self._state.figures.get(hot), self._month, -back)
            else:
                value = self._sum(figure, -back)
        elif (of_now := _NOW.get(key)) is not None:
            value = of_now(self)
        else:
            value = self.month(key, 0)
        self[key] = value
        return value

    def month(self, figure: str, back: int) -> int | None:
        month = self._month - back
        if (hot := _HOT.get(figure)) is not None:
            return figure_of(self._state.figures.get(hot), month)
        kind, column = _PLACES[figure]
        brought = self._brought
        if brought is not None and brought[0] == kind and brought[1] == month:
            return brought[2][column]
        rows = self._state.rows.get(kind)
        if rows is None or not has_row(rows, month):
            return None
        if self._opened is None:
            self._opened = {}
        opened = self._opened.get(kind)
        if opened is None:
            opened = self._opened[kind] = rows_of(rows)
        row = opened[month - rows.first]
        return row[column] if row is not None and column < len(row) else None

    def now(self, figure: str) -> Value:
        return _NOW[figure](self)

    @property
    def said(self) -> Said:
        """Opened once."""
        if self._said is None:
            self._said = said(self._state.said)
        return self._said

    @property
    def profile(self) -> Profile:
        return self._state.profile or _NOBODY

    @property
    def today(self) -> date:
        if self._day is None:
            self._day = _day_of(self._at)
        return self._day

    def debt(self, of: Callable[[ArrearsEpisode], Value], nothing: Value) -> Value:
        """Of what is owed; ``nothing`` where it is known that nothing is."""
        if self._state.debt is not None:
            return of(self._state.debt)
        return nothing if "ARR" in self._state.heard else None

    def days_overdue(self) -> Value:
        def overdue(debt: ArrearsEpisode) -> Value:
            return None if debt.oldest_due_on is None else max(0, (self.today - debt.oldest_due_on).days)

        return self.debt(overdue, 0)

    def days_left(self) -> Value:
        """To the soonest end of a contract that has not passed."""
        today = self.today
        ends = [term.ends_on for term in self._state.terms.values() if term.ends_on is not None]
        soonest = min((end for end in ends if today <= end != NEVER), default=None)
        return None if soonest is None else (soonest - today).days

    def complaints(self) -> int:
        since = later(self._at, -REMEMBERED)
        return sum(_opened_at(ticket) >= since for ticket in self._state.tickets.values())

    def requests(self) -> int:
        since = to_millis(later(self._at, -REMEMBERED))
        return sum(at >= since for at in self.said.requests.values())

    def days_to_month_end(self) -> int:
        today = self.today
        return (last_day(today.year * 12 + today.month - 1) - today).days

    def tenure_months(self) -> int | None:
        opened_on = self.profile.opened_on
        return None if opened_on is None else tenure_months(opened_on, self.today)


#: many records in a row are of one business time
_day_of = lru_cache(maxsize=64)(local_date)
_NOBODY = Profile()
#: figures that are not of months
_NOW: Mapping[str, Callable[[StateFigures], Value]] = {
    "balance.balance_fen": lambda of: of.said.balance_fen,
    "arrears.amount_fen": lambda of: of.debt(lambda debt: debt.amount_fen, 0),
    "arrears.days_overdue": StateFigures.days_overdue,
    "arrears.suspended": lambda of: of.debt(lambda debt: debt.suspended, False),
    "contract.days_left": StateFigures.days_left,
    "complaints.count_90_days": StateFigures.complaints,
    "requests.count_90_days": StateFigures.requests,
    "clock.days_to_month_end": StateFigures.days_to_month_end,
    "customer.kind": lambda of: of.said.kind,
    "customer.status": lambda of: of.profile.status,
    "customer.city": lambda of: of.profile.city,
    "customer.district": lambda of: of.said.district,
    "customer.area": lambda of: of.profile.area,
    "customer.brand": lambda of: of.said.brand,
    "customer.plan_code": lambda of: of.profile.plan_code,
    "customer.monthly_fee_fen": lambda of: of.said.monthly_fee_fen,
    "customer.credit_class": lambda of: of.said.credit_class,
    "customer.role": lambda of: of.said.role,
    "customer.tenure_months": StateFigures.tenure_months,
}


def newest_month(state: Remembered) -> Month:
    """The newest month of which there are figures, -1 where there are none."""
    newest = -1
    for series in state.figures.values():  # a generator costs more than what it goes through
        if (last := series.first + len(series.values) - 1) > newest:
            newest = last
    return newest


def tenure_months(opened_on: date, today: date) -> int:
    """Whole months in the network, 0 before it began."""
    months = (today.year - opened_on.year) * 12 + today.month - opened_on.month
    return max(0, months - (months_later(opened_on, months) > today) if months > 0 else 0)


def _opened_at(ticket: TrackedComplaint) -> datetime:
    opened = ticket.values["opened_at"]
    assert isinstance(opened, str)
    return parse_time(opened)
