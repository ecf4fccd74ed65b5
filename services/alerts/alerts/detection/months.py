"""Calendar months, in Asia/Shanghai, as numbers that can be counted with. Pure."""

from calendar import monthrange
from datetime import date, datetime
from functools import lru_cache

from alerts.detection.state import Month
from servicekit.clock import SHANGHAI, in_range


@lru_cache(maxsize=4096)
def month_of(period: str) -> Month:
    """Month of a period ``yyyymm``."""
    return int(period[:4]) * 12 + int(period[4:]) - 1


@lru_cache(maxsize=4096)
def period_of(month: Month) -> str:
    return f"{month // 12:04}{month % 12 + 1:02}"


@lru_cache(maxsize=4096)
def last_day(month: Month) -> date:
    """Last day of a month; of one outside the calendar, the calendar's own end."""
    year, index = divmod(month, 12)
    if not date.min.year <= year <= date.max.year:
        return date.min if year < date.min.year else date.max
    return date(year, index + 1, monthrange(year, index + 1)[1])


def month_of_instant(at: datetime) -> Month:
    """Month in Asia/Shanghai."""
    local = in_range(at).astimezone(SHANGHAI)
    return local.year * 12 + local.month - 1


def months_later(day: date, months: int) -> date:
    """The same day some months later, or the last day of a shorter month."""
    month = day.year * 12 + day.month - 1 + months
    end = last_day(month)
    return end if month // 12 > date.max.year else end.replace(day=min(day.day, end.day))
