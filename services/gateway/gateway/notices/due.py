"""What is due for whom, and what is news to them. Pure; times of day are those of Asia/Shanghai."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import Literal, NamedTuple

import msgspec

from servicekit.clock import SHANGHAI, at_local, in_range, later, later_day, local_date

Channel = Literal["mail", "wecom"]
CHANNELS: tuple[Channel, ...] = ("mail", "wecom")
Kind = Literal["digest", "urgent", "test", "baseline"]
#: a digest that could not be made by then is yesterday's news
DIGEST_LASTS = timedelta(hours=6)
#: urgent alerts of somebody are told at most so often; those that come between are one notice
URGENT_GAP = timedelta(seconds=60)
#: what was told is remembered for so long after it was seen last: another process may be that far behind
REMEMBERED = timedelta(days=2)
#: for how long a notice is tried, and how often
TRIED: Mapping[Kind, timedelta] = {
    "digest": timedelta(hours=6),
    "urgent": timedelta(hours=12),
    "test": timedelta(minutes=10),
}
MOST_ATTEMPTS = 40
_FIRST_DELAY, _LONGEST_DELAY = timedelta(seconds=15), timedelta(minutes=15)


class Quiet(msgspec.Struct, frozen=True):
    """From when until when nothing is sent."""

    begins: str
    ends: str


class Standing(NamedTuple):
    """An alert that is urgent now: its revision, and ``mark``, what of it is news when it changes."""

    alert_id: str
    revision: int
    mark: str


class Told(NamedTuple):
    """What somebody was told of an alert; ``seen``: when it was last urgent, in ms of system time."""

    alert_id: str
    revision: int
    mark: str
    seen: int


def is_quiet(quiet: Quiet | None, at: datetime) -> bool:
    """Whether nothing is sent at this (business) time."""
    if quiet is None or quiet.begins == quiet.ends:
        return False
    now = in_range(at).astimezone(SHANGHAI).strftime("%H:%M")
    if quiet.begins < quiet.ends:
        return quiet.begins <= now < quiet.ends
    return now >= quiet.begins or now < quiet.ends


def digest_day(at: str, quiet: Quiet | None, since: datetime, now: datetime) -> date | None:
    """The day whose digest is due at this business time, if one is: from its time of day on, or from the end of quiet
    hours that this falls into. ``since``: when it was asked for; of what was due before there is none."""
    today = local_date(now)
    for day in (today, later_day(today, -1)):
        due = _on(day, at)
        if due < since:
            continue
        begins = due if quiet is None or not is_quiet(quiet, due) else _end_of(quiet, due)
        if begins <= now < later(begins, DIGEST_LASTS) and not is_quiet(quiet, now):
            return day
    return None


def news(told: Iterable[Told], standing: Iterable[Standing], seen: int) -> tuple[list[str], list[Told]]:
    """Ids of alerts that are news after what was told, and what has been told with them.

    An alert is news once, and again when it has become another (``mark``) since. One that a process which is behind
    still sees as it was before is none.
    """
    known = {each.alert_id: each for each in told}
    fresh = []
    for alert in standing:
        before = known.get(alert.alert_id)
        if before is None or (alert.revision > before.revision and alert.mark != before.mark):
            fresh.append(alert.alert_id)
        if before is None or alert.revision >= before.revision:
            known[alert.alert_id] = Told(*alert, seen)
        else:
            known[alert.alert_id] = before._replace(seen=seen)
    oldest = seen - int(REMEMBERED.total_seconds() * 1000)
    return fresh, [each for each in known.values() if each.seen >= oldest]


def next_try(attempts: int, now: datetime) -> datetime:
    """When to try again after so many attempts."""
    return later(now, min(_FIRST_DELAY * 2 ** min(attempts - 1, 10), _LONGEST_DELAY))


def _on(day: date, at: str) -> datetime:
    hour, _, minute = at.partition(":")
    return at_local(day, int(hour), int(minute))


def _end_of(quiet: Quiet, at: datetime) -> datetime:
    """When the quiet hours end that are at this time."""
    ends = _on(local_date(at), quiet.ends)
    return ends if ends > at else _on(later_day(local_date(at), 1), quiet.ends)
