"""A trial from its order to its result."""

import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

from alerts.customer_lists import listed
from alerts.detection.state import Month
from alerts.trial.archive import Archive
from alerts.trial.history import TYPES, Reader
from alerts.trial.judge import by_month, judge_of
from alerts.trial.order import Failed, Found, Order, periods, span
from alerts.trial.tally import Tally

_TELL_SECONDS = 0.2
Tell = Callable[[int, int], None]


def run(order: Order, tell: Tell) -> Found | Failed:
    """The result; ``tell`` is given rows done and of how many, now and then."""
    started = time.perf_counter()
    archive = Archive(Path(order.archive), Path(order.scratch))
    newest = archive.newest_day(TYPES.values())
    if newest is None:
        return Failed(
            "归档里还没有 BOSS 的记录，无从试算；稍候归档写入后再试",
            "the archive holds no records of BOSS yet, so there is nothing to try on: try again once it does",
        )
    first, last = span(order.from_, order.to, _month(newest))
    lists = {each.document["id"]: listed(each.document, each.version) for each in order.lists}
    ours = judge_of(order.rule, order.fall, lists, first, last)
    theirs = None if order.against is None else judge_of(order.against, order.fall, lists, first, last)
    reader = Reader(ours.needs if theirs is None else ours.needs.and_(theirs.needs))
    tally, progress = Tally(first, last), _Progress(2 * archive.rows, tell)
    for pile in archive.piles(reader.types, progress):
        for customer in reader.read(pile):
            found = by_month(ours.warns(customer))
            against = {} if theirs is None else by_month(theirs.warns(customer))
            if found or against or ours.months(customer):
                tally.count(customer, found, against)
            if customer.left:
                tally.left(customer, found, against)
    months = tally.months
    return Found(
        rule=str(order.rule.document["id"]),
        version=order.rule.version,
        against=None if order.against is None else order.against.version,
        from_=months[0].period,
        to=months[-1].period,
        customers=tally.customers,
        alerts=tally.alerts.total(),
        same=tally.same.total(),
        added=tally.added.kept,
        gone=tally.gone.kept,
        added_count=tally.added.months.total(),
        gone_count=tally.gone.months.total(),
        by_period={period: month.alerts for period, month in zip(periods(first, last), months, strict=True)},
        months=months,
        outcome=tally.leavers.outcome,
        outcome_against=None if theirs is None else tally.leavers_against.outcome,
        as_of=archive.as_of,
        unreadable=reader.unreadable,
        seconds=round(time.perf_counter() - started, 3),
    )


class _Progress:
    def __init__(self, of: int, tell: Tell) -> None:
        self._of, self._tell, self._done, self._told = of, tell, 0, 0.0

    def __call__(self, rows: int) -> None:
        self._done += rows
        now = time.monotonic()
        if now - self._told >= _TELL_SECONDS:
            self._told = now
            self._tell(min(self._done, self._of), self._of)


def _month(day: str) -> Month:
    found = date.fromisoformat(day)
    return found.year * 12 + found.month - 1
