"""Business time and system time. The core never asks for ``now()``: it is handed in.

Business days, periods and quiet hours are those of Asia/Shanghai (UTC+8, no summer time since 1991).
"""

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

SHANGHAI = ZoneInfo("Asia/Shanghai")
SystemClock = Callable[[], datetime]


def system_now() -> datetime:
    """System time, UTC."""
    return datetime.now(UTC)


def local_date(at: datetime) -> date:
    """Calendar day of an instant in Asia/Shanghai."""
    return at.astimezone(SHANGHAI).date()


def at_local(day: date, hour: int = 0, minute: int = 0) -> datetime:
    """Instant of a local time of day, Asia/Shanghai, as UTC."""
    return datetime.combine(day, time(hour, minute), SHANGHAI).astimezone(UTC)


def end_of(day: date) -> datetime:
    """End of a business day: 24:00 in Asia/Shanghai, as UTC."""
    return at_local(day + timedelta(days=1))


def to_millis(at: datetime) -> int:
    """Milliseconds since the epoch, rounded down."""
    return int(at.timestamp() * 1000)


def from_millis(millis: int) -> datetime:
    """Instant of milliseconds since the epoch, UTC."""
    return datetime.fromtimestamp(millis / 1000, UTC)


def iso(at: datetime) -> str:
    """ISO 8601 with offset, UTC, as it goes on the wire and into documents."""
    return at.astimezone(UTC).isoformat()
