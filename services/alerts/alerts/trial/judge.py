"""Which months of a customer a version warns of: on final figures, all else as it was with the month's last record."""

from collections.abc import Iterator, Mapping
from typing import Protocol

from alerts import rules
from alerts.conditions.compile import Compiled
from alerts.conditions.document import compiled
from alerts.conditions.facts import Facts
from alerts.conditions.figures import CARRIED, FIGURES, RECORDS
from alerts.customer_lists import Lists
from alerts.detection.exclusions import excluded_by
from alerts.detection.figures import StateFigures
from alerts.detection.series import falls, figure_of
from alerts.detection.state import Month
from alerts.rules import Condition, Fall, Request
from alerts.trial.history import OF_MONTHS, Customer, Mark, Needs
from alerts.trial.order import Ruled


class Warning_(Protocol):
    """A version that can be asked."""

    needs: Needs

    def months(self, customer: Customer) -> bool:
        """Whether there is anything to judge of this customer."""
        ...

    def warns(self, customer: Customer) -> Iterator[tuple[Month, tuple[str, ...], Mark]]:
        """Months that it warns of, the codes of its reasons and the record with which it does."""
        ...


def judge_of(ruled: Ruled, fall: Ruled | None, lists: Lists, first: Month, last: Month) -> Warning_:
    """A version as it judges these months. Raises ``ValueError`` for a type that can't be tried."""
    rule = rules.read(ruled.document, ruled.version)
    if isinstance(rule, Condition):
        if fall is None:
            raise ValueError("no fall rule is in force, whose exclusions would hold")
        exclusions = rules.read(fall.document, fall.version)
        assert isinstance(exclusions, Fall)
        return ConditionWarning(compiled(ruled.document), rule, exclusions, lists, first, last)
    if isinstance(rule, Fall):
        return FallWarning(rule, lists, first, last)
    if isinstance(rule, Request):
        return RequestWarning(rule, first, last)
    raise ValueError(f"a rule of type {ruled.document.get('type')} can't be tried")


class FallWarning:
    """Of a figure that falls."""

    def __init__(self, rule: Fall, lists: Lists, first: Month, last: Month) -> None:
        self._rule, self._lists, self._first, self._last = rule, lists, first, last
        self._metrics = [(f"{metric.record.lower()}.{metric.figure}", metric.code) for metric in rule.metrics]
        figures: dict[str, frozenset[str]] = {
            kind: frozenset(metric.figure for metric in rule.metrics if metric.record == kind) for kind in OF_MONTHS
        }
        self.needs = Needs(first - rule.months, last, figures)

    def months(self, customer: Customer) -> bool:
        return any(self._first <= month for kind in OF_MONTHS for month in customer.marks.get(kind, ()))

    def warns(self, customer: Customer) -> Iterator[tuple[Month, tuple[str, ...], Mark]]:
        rule = self._rule
        codes: dict[Month, tuple[str, ...]] = {}
        for figure, code in self._metrics:
            series = customer.figures.get(figure)
            if series is None:
                continue
            end = min(self._last, series.first + len(series.values) - 1)
            for month in range(max(self._first, series.first + rule.months), end + 1):
                if falls(series, month, rule) is not None:
                    codes[month] = (*codes.get(month, ()), code)
        for month, found in codes.items():
            mark = _latest([customer.marks.get(kind, {}).get(month) for kind in OF_MONTHS])
            profile = None if mark is None else customer.profile_at(mark)
            if mark is None or profile is None:
                continue
            if not excluded_by(rule, self._lists, customer.id, profile, month):
                yield month, found, mark


class RequestWarning:
    """Of a service request."""

    def __init__(self, rule: Request, first: Month, last: Month) -> None:
        self._rule, self._first, self._last = rule, first, last
        self.needs = Needs(first, last, requests=True)

    def months(self, customer: Customer) -> bool:
        return any(self._first <= request.month <= self._last for request in customer.requests.values())

    def warns(self, customer: Customer) -> Iterator[tuple[Month, tuple[str, ...], Mark]]:
        found: dict[Month, Mark] = {}
        for request in customer.requests.values():
            if request.kind != self._rule.request or not self._first <= request.month <= self._last:
                continue
            before = found.get(request.month)
            if customer.profile_at(request.mark) is not None and (before is None or request.mark.at < before.at):
                found[request.month] = request.mark
        for month, mark in found.items():
            yield month, (self._rule.code,), mark


class ConditionWarning:
    """Of what staff wrote: judged where a record of its kinds looked, by final figures of months and by what was known
    of all else when the last such record came."""

    def __init__(
        self, asked: Compiled, named: Condition, exclusions: Fall, lists: Lists, first: Month, last: Month
    ) -> None:
        rule = asked.rule
        self._compiled, self._exclusions, self._first, self._last = asked, exclusions, first, last
        self._named, self._lists = named, lists
        self._of_months = [kind for kind in rule.on if kind in CARRIED]
        self._others = [kind for kind in rule.on if kind not in CARRIED]
        figures: dict[str, set[str]] = {kind: {CARRIED[kind]} for kind in self._of_months}
        for name in asked.monthly:
            family, _, field = name.partition(".")
            figures.setdefault(family.upper(), set()).add(field)
        told = {RECORDS[FIGURES[name].family] for name in asked.of_now}
        self.needs = Needs(
            first - asked.reach,
            last,
            {kind: frozenset(fields) for kind, fields in figures.items()},
            told=frozenset(kind for kind in told if kind is not None),
            looks=frozenset(self._others),
        )

    def months(self, customer: Customer) -> bool:
        return any(
            self._first <= month <= self._last
            for kind in self._compiled.rule.on
            for month in customer.marks.get(kind, ())
        )

    def warns(self, customer: Customer) -> Iterator[tuple[Month, tuple[str, ...], Mark]]:
        asked, codes = self._compiled, (self._compiled.rule.id,)
        of_months = [marks for kind in self._of_months if (marks := customer.marks.get(kind))]
        others = [marks for kind in self._others if (marks := customer.marks.get(kind))]
        if not of_months and not others:
            return
        newest = max((series.first + len(series.values) - 1 for series in customer.figures.values()), default=-1)
        for month in range(self._first, self._last + 1):
            own = _latest([marks.get(month) for marks in (*of_months, *others)])
            looked = own
            if month <= newest and asked.reach:
                window = range(month - asked.reach, month)
                looked = _latest([own, *(marks.get(each) for marks in of_months for each in window)])
            if looked is None:
                continue
            judged = customer.judged_at(looked)
            if judged is None or judged.state is None or customer.profile_at(own or looked) is None:
                continue
            if asked.judge(Facts(_Figures(customer, month, judged))) is not True:
                continue
            profile = customer.profile_at(own or looked)
            if profile is not None and not excluded_by(
                self._exclusions, self._lists, customer.id, profile, month, self._named
            ):
                yield month, codes, judged


class _Figures:
    """Final figures of months, the others as they were known with a record."""

    __slots__ = ("_figures", "_month", "now")

    def __init__(self, customer: Customer, month: Month, mark: Mark) -> None:
        assert mark.state is not None
        self._figures, self._month = customer.figures, month
        self.now = StateFigures(mark.state, month, mark.now).now

    def month(self, figure: str, back: int) -> int | None:
        return figure_of(self._figures.get(figure), self._month - back)


def _latest(marks: list[Mark | None]) -> Mark | None:
    return max((mark for mark in marks if mark is not None), key=lambda mark: mark.at, default=None)


def by_month(warnings: Iterator[tuple[Month, tuple[str, ...], Mark]]) -> Mapping[Month, tuple[tuple[str, ...], Mark]]:
    return {month: (codes, mark) for month, codes, mark in warnings}
