"""Business time and system time. The core never asks for ``now()``: it is handed in.

Business days, periods and quiet hours are those of Asia/Shanghai (UTC+8, no summer time since 1991). BOSS may say any
date of the years 0001 to 9999, so arithmetic on days and instants stops at the ends of the calendar, it never fails.
"""

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

SHANGHAI = ZoneInfo("Asia/Shanghai")
#: BOSS's way to say "no end": never comes near, whatever the clock.
NEVER = date.max
#: Where a clock stands that was never set.
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
#: The first and the last instant that UTC and Asia/Shanghai can both write.
FIRST, LAST = datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC)
#: No business clock stands behind it: there would be no tomorrow to wait for.
LAST_CLOCK = datetime(9999, 1, 1, tzinfo=UTC)
#: No business clock passes system time, simulated ones neither, and what it wakes can't be undone: so much further than
#: this machine's clock one is believed.
CLOCK_MARGIN = timedelta(days=1)
SystemClock = Callable[[], datetime]


def system_now() -> datetime:
    """System time, UTC."""
    return datetime.now(UTC)


@lru_cache(maxsize=1000)
def local_date(at: datetime) -> date:
    """Calendar day of an instant in Asia/Shanghai."""
    return in_range(at).astimezone(SHANGHAI).date()


def at_local(day: date, hour: int = 0, minute: int = 0) -> datetime:
    """Instant of a local time of day, Asia/Shanghai, as UTC."""
    return in_range(datetime.combine(day, time(hour, minute), SHANGHAI))


@lru_cache(maxsize=1000)
def end_of(day: date) -> datetime:
    """End of a business day: 24:00 in Asia/Shanghai, as UTC."""
    return LAST if day == date.max else at_local(later_day(day, 1))


def in_range(at: datetime) -> datetime:
    """The instant as UTC, not before ``FIRST`` and not after ``LAST``."""
    try:
        return min(max(at.astimezone(UTC), FIRST), LAST)
    except OverflowError:
        return FIRST if at.year == 1 else LAST


def later(at: datetime, by: timedelta) -> datetime:
    """The instant some time later (or earlier), as UTC within ``FIRST`` and ``LAST``."""
    try:
        return in_range(at + by)
    except OverflowError:
        return LAST if by > timedelta() else FIRST


def later_day(day: date, days: int) -> date:
    """The day some days later (or earlier), not before 0001-01-01 and not after 9999-12-31."""
    try:
        return day + timedelta(days=days)
    except OverflowError:
        return date.max if days > 0 else date.min


def believed(clock: datetime, system: datetime) -> datetime:
    """A business clock as far as it is believed (``CLOCK_MARGIN``), by a system time."""
    return min(clock, later(system, CLOCK_MARGIN))


def to_millis(at: datetime) -> int:
    """Milliseconds since the epoch, rounded down."""
    return int(at.timestamp() * 1000)


def from_millis(millis: int) -> datetime:
    """Instant of milliseconds since the epoch, UTC."""
    return datetime.fromtimestamp(millis / 1000, UTC)


def iso(at: datetime) -> str:
    """ISO 8601 with offset, UTC, as it goes on the wire and into documents."""
    return (at if at.tzinfo is UTC else at.astimezone(UTC)).isoformat()
