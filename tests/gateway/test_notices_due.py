"""When a notice is due, and what is news: tables of decisions."""

from datetime import UTC, date, datetime, timedelta

import pytest

from gateway.notices.due import (
    MOST_ATTEMPTS,
    REMEMBERED,
    TRIED,
    Quiet,
    Standing,
    Told,
    digest_day,
    is_quiet,
    news,
    next_try,
)
from servicekit.clock import EPOCH, FIRST, LAST, at_local

NIGHT, NOON = Quiet("21:00", "08:00"), Quiet("12:00", "13:30")
DAY = date(2026, 6, 30)


def local(text: str, day: int = 30) -> datetime:
    hour, minute = text.split(":")
    return at_local(date(2026, 6, day), int(hour), int(minute))


@pytest.mark.parametrize(
    ("quiet", "at", "is_so"),
    [
        (None, "03:00", False),
        (NIGHT, "20:59", False),
        (NIGHT, "21:00", True),
        (NIGHT, "00:00", True),
        (NIGHT, "07:59", True),
        (NIGHT, "08:00", False),
        (NOON, "11:59", False),
        (NOON, "12:00", True),
        (NOON, "13:30", False),
        (Quiet("08:00", "08:00"), "08:00", False),
    ],
)
def test_quiet_hours_hold_from_their_begin_to_before_their_end(quiet: Quiet | None, at: str, is_so: bool) -> None:
    assert is_quiet(quiet, local(at)) is is_so


@pytest.mark.parametrize("at", [FIRST, EPOCH, LAST, datetime.max.replace(tzinfo=UTC), datetime.min.replace(tzinfo=UTC)])
def test_no_time_of_the_calendar_is_beyond_it(at: datetime) -> None:
    is_quiet(NIGHT, at)
    digest_day("08:30", NIGHT, EPOCH, at)


@pytest.mark.parametrize(
    ("at", "quiet", "since", "now", "day"),
    [
        ("08:30", None, EPOCH, local("08:29"), None),
        ("08:30", None, EPOCH, local("08:30"), DAY),
        ("08:30", None, EPOCH, local("14:29"), DAY),
        ("08:30", None, EPOCH, local("14:30"), None),  # yesterday's news
        ("08:30", None, local("08:31"), local("09:00"), None),  # asked for after it was due
        ("08:30", None, local("08:30"), local("09:00"), DAY),
        ("07:00", NIGHT, EPOCH, local("07:30"), None),  # held
        ("07:00", NIGHT, EPOCH, local("08:00"), DAY),
        ("22:00", NIGHT, EPOCH, local("22:30"), None),  # held until the next day
        ("22:00", NIGHT, EPOCH, local("08:00", 1) + timedelta(days=30), date(2026, 6, 30)),
        ("00:30", NIGHT, EPOCH, local("08:10"), DAY),  # held for longer than it would have lasted
        ("23:00", None, EPOCH, local("01:00"), date(2026, 6, 29)),
    ],
)
def test_a_digest_is_due_from_its_time_on_for_a_while(
    at: str, quiet: Quiet | None, since: datetime, now: datetime, day: date | None
) -> None:
    assert digest_day(at, quiet, since, now) == day


def test_an_alert_is_news_once() -> None:
    fresh, told = news((), [Standing("a1", 1, "critical/"), Standing("a2", 1, "major/")], 1)
    assert fresh == ["a1", "a2"]
    fresh, told = news(told, [Standing("a1", 2, "critical/"), Standing("a2", 1, "major/")], 2)
    assert fresh == [] and told[0] == Told("a1", 2, "critical/", 2)


def test_it_is_news_again_when_it_has_become_another() -> None:
    _, told = news((), [Standing("a1", 1, "major/overdue")], 1)
    fresh, told = news(told, [Standing("a1", 2, "critical/overdue")], 2)
    assert fresh == ["a1"]
    assert news(told, [Standing("a1", 2, "critical/overdue")], 3)[0] == []


def test_what_a_process_that_is_behind_sees_is_no_news() -> None:
    _, told = news((), [Standing("a1", 3, "critical/")], 1)
    fresh, told = news(told, [Standing("a1", 2, "major/")], 2)
    assert fresh == [] and told == [Told("a1", 3, "critical/", 2)]


def test_what_is_no_longer_urgent_is_remembered_for_a_while() -> None:
    _, told = news((), [Standing("a1", 1, "critical/")], 0)
    lasts = int(REMEMBERED.total_seconds() * 1000)
    assert news(told, [], lasts)[1] == told
    assert news(told, [], lasts + 1)[1] == []


def test_tries_become_rarer_and_end() -> None:
    now = EPOCH
    waits = [(next_try(n, now) - now).total_seconds() for n in range(1, 10)]
    assert waits[:3] == [15, 30, 60] and waits == sorted(waits) and waits[-1] == 900
    longest = sum((next_try(n, now) - now for n in range(1, MOST_ATTEMPTS)), timedelta())
    assert max(TRIED.values()) > timedelta(hours=6) and longest > timedelta(hours=6)
