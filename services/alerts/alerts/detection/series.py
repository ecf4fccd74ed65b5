"""A monthly figure, month after month: what is known of it, and whether it has fallen. Pure."""

from alerts.detection.rows import KEPT_MONTHS
from alerts.detection.state import Month, Series
from alerts.rules import Fall


def with_figure(series: Series | None, month: Month, value: int | None, revision: int) -> Series:
    """The series with one figure more, or another; a month too old for the newest ``KEPT_MONTHS`` changes nothing."""
    if series is None:
        return Series(month, (value,), {} if revision == 1 else {month: revision})
    first, values = series.first, series.values
    at, size = month - first, len(values)
    if at == size:
        values = (*values, value)
    elif 0 <= at < size:
        values = (*values[:at], value, *values[at + 1 :])
    elif at < 0:
        first, values = month, (value, *(None,) * (-at - 1), *values)
    else:
        gap = min(at - size, KEPT_MONTHS)
        values = (*values, *(None,) * gap, value)
        first = month + 1 - len(values)
    if len(values) > KEPT_MONTHS:
        first, values = first + len(values) - KEPT_MONTHS, values[-KEPT_MONTHS:]
    revisions = series.revisions
    if revision != 1 or revisions:
        revisions = {m: r for m, r in {**revisions, month: revision}.items() if m >= first and r != 1}
    return Series(first, values, revisions)


def falls(series: Series, month: Month, rule: Fall) -> int | None:
    """Sum of the months before when the figure has fallen to the line or below, else None.

    In integers: ``100·n·x ≤ percent·sum`` and ``sum > 0``, all of them known; for 70 % of 3 months ``30·x ≤ 7·sum``.
    """
    values, at, months = series.values, month - series.first, rule.months
    if not months <= at < len(values):
        return None
    figure, before = values[at], values[at - months : at]
    if figure is None or None in before:
        return None
    base: int = sum(before)  # type: ignore[arg-type]
    return base if base > 0 and 100 * months * figure <= rule.percent * base else None


def is_old(series: Series, month: Month, value: int | None, revision: int) -> bool:
    """Whether a figure is one that was heard before, or was overtaken. A revision of 0 is not known.

    The same revision with another value is news: revisions begin again where billing-sync's store was lost.
    """
    at = month - series.first
    if not 0 <= at < len(series.values):
        return False
    heard = series.revisions.get(month, 1)
    return 0 < revision < heard or (revision == heard and value == series.values[at])


def figure_of(series: Series | None, month: Month) -> int | None:
    """The figure of a month."""
    if series is None or not 0 <= month - series.first < len(series.values):
        return None
    return series.values[month - series.first]


def sum_before(series: Series | None, month: Month, months: int) -> int | None:
    """Sum of so many months before one, None where one of them is not known."""
    if series is None:
        return None
    values, at = series.values, month - series.first
    if not months <= at <= len(values):
        return None
    before = values[at - months : at]
    return None if None in before else sum(before)  # type: ignore[arg-type]
