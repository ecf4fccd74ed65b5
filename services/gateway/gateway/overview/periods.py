"""Periods of sums: a month or a day in Asia/Shanghai, and what it is compared with. Pure."""

import re
from datetime import date, datetime, timedelta
from typing import Literal, NamedTuple

from servicekit.clock import at_local, iso, local_date
from servicekit.decision import Refused

Compare = Literal["mom", "yoy", "none"]
Step = Literal["hour", "day"]
_NAME = re.compile(r"(\d{4})(\d{2})(\d{2})?")


class Span(NamedTuple):
    """From and until."""

    since: datetime
    until: datetime

    @property
    def filter(self) -> dict[str, str]:
        """As lists are narrowed to it."""
        return {"since": iso(self.since), "until": iso(self.until)}

    @property
    def ended(self) -> dict[str, str]:
        """As lists are narrowed to what ended in it."""
        return {"ended_since": iso(self.since), "ended_until": iso(self.until)}


class Period(NamedTuple):
    """``name``: yyyymm or yyyymmdd. ``starts``: of its hours or days. ``before``: what it is compared with, as much of
    it as has gone by of the period itself."""

    name: str
    step: Step
    span: Span
    starts: tuple[datetime, ...]
    before: Span | None


def period_of(text: str | None, compare: Compare, now: datetime) -> Period:
    """The period of this name; without one the month of ``now``. Raises ``Refused`` 422."""
    name = text or f"{local_date(now):%Y%m}"
    try:
        match = _NAME.fullmatch(name)
        if match is None:
            raise ValueError("no period")
        year, month, day = (int(part or 1) for part in match.groups())
        first, is_day = date(year, month, day), match[3] is not None
        after = first + timedelta(days=1) if is_day else _months_later(first, 1)
        before = None if compare == "none" else _before(first, is_day, compare)
        span = Span(at_local(first), at_local(after))
    except (ValueError, OverflowError) as error:
        raise Refused(
            "bad_period", "period 应为 yyyymm 或 yyyymmdd", "period is yyyymm or yyyymmdd", 422, "period"
        ) from error
    step = timedelta(hours=1) if is_day else timedelta(days=1)
    starts = tuple(span.since + n * step for n in range((span.until - span.since) // step))
    return Period(
        name, "hour" if is_day else "day", span, starts, None if before is None else _as_far(before, span, now)
    )


def _before(first: date, is_day: bool, compare: Compare) -> Span:
    if compare == "mom":
        since = first - timedelta(days=1) if is_day else _months_later(first, -1)
        return Span(at_local(since), at_local(first))
    last_year = _months_later(first, -12)
    if not is_day:
        return Span(at_local(last_year), at_local(_months_later(first, -11)))
    # The 29th of February is compared with the 28th.
    end = _months_later(first, -11) - timedelta(days=1)
    same = last_year.replace(day=min(first.day, end.day))
    return Span(at_local(same), at_local(same + timedelta(days=1)))


def _as_far(before: Span, span: Span, now: datetime) -> Span:
    gone = min(max(now, span.since), span.until) - span.since
    return Span(before.since, min(before.until, before.since + gone) if now < span.until else before.until)


def _months_later(first: date, months: int) -> date:
    """The first of another month."""
    month = first.year * 12 + first.month - 1 + months
    return date(month // 12, month % 12 + 1, 1)
