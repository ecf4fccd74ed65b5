"""The business clock: who moves it and how far. Pure; the intake owns its state and writes its ticks.

``system``: system time. ``demo``: system time less an offset, so that it starts at 10:00 in Asia/Shanghai. ``feed``:
what files and events have reached, unset at first. Setting it by hand moves it on from where it is. Never backwards,
never past system time.
"""

from datetime import date, datetime, timedelta

import msgspec

from billing_sync.domain.fields import read_date, read_instant
from billing_sync.domain.kinds import morning_of
from servicekit.clock import at_local, from_millis, iso, local_date, to_millis
from servicekit.decision import Refused

OFFSET = "clock_offset"


class BusinessClock(msgspec.Struct, frozen=True):
    """``offset``: how far business time is behind system time (demo; else zero)."""

    mode: str
    offset: timedelta = timedelta(0)

    @property
    def offset_ms(self) -> int:
        return self.offset // timedelta(milliseconds=1)

    @property
    def is_running(self) -> bool:
        """Whether it moves by itself."""
        return self.mode != "feed"

    def reading(self, reached: datetime | None, now: datetime) -> datetime | None:
        """Business time at system time ``now``; None while unset."""
        if not self.is_running:
            return reached
        running = now - self.offset
        return running if reached is None else max(reached, running)

    def fed(self, reached: datetime | None, at: datetime, now: datetime) -> datetime | None:
        """Where an accepted record of this time puts it."""
        if self.is_running:
            return reached
        at = min(at, now)
        return at if reached is None else max(reached, at)

    def set(self, reached: datetime | None, at: datetime, now: datetime) -> "BusinessClock":
        """The clock after setting it to ``at`` by hand. Raises ``Refused``."""
        if at > now:
            raise Refused(
                "clock_ahead",
                f"业务时钟不能超过系统时间 {iso(now)}；请给更早的时间",
                f"the business clock can't pass system time {iso(now)}; give an earlier time",
            )
        if reached is not None and at < reached:
            raise Refused(
                "clock_backwards",
                f"业务时钟已到 {iso(reached)}，不能倒退；请给更晚的时间",
                f"the business clock has reached {iso(reached)} and can't go back; give a later time",
            )
        return self if not self.is_running else msgspec.structs.replace(self, offset=now - at)


def start(mode: str, stored_offset: str | None, now: datetime) -> BusinessClock:
    """The clock of this mode; a demo starts at 10:00 today (yesterday where that is still to come), once for all."""
    if mode != "demo":
        return BusinessClock(mode)
    if stored_offset is not None:
        return BusinessClock(mode, timedelta(milliseconds=int(stored_offset)))
    morning = at_local(local_date(now), 10)
    if morning > now:
        morning -= timedelta(days=1)
    return BusinessClock(mode, from_millis(to_millis(now)) - morning)


def instant_of(text: str) -> datetime:
    """A date (then 10:00 in Asia/Shanghai) or an instant with offset. Raises ``Refused``."""
    try:
        return morning_of(date.fromisoformat(read_date(text))) if len(text) == 10 else read_instant(text)
    except ValueError:
        raise Refused(
            "clock_text",
            "at 不是日期或带时区的时间；如 2026-06-30 或 2026-06-30T10:00:00+08:00",
            "at is neither a date nor a time with offset; e.g. 2026-06-30 or 2026-06-30T10:00:00+08:00",
            422,
        ) from None
