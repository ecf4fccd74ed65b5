"""Working time: tables of what is due when, and what must hold for any calendar."""

from datetime import UTC, date, datetime, timedelta
from time import perf_counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.calendars import CALENDAR, calendar, calendar_switch
from servicekit.calendar import WEEKDAYS, Calendars, WorkingCalendar, known_through, read_calendar, with_days
from servicekit.clock import FIRST, LAST, SHANGHAI, iso

HOUR = 3600


def at(text: str) -> datetime:
    """Local time, ``2026-09-30 10:00``."""
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI).astimezone(UTC)


def said(instant: datetime) -> str:
    return instant.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M:%S.%f").removesuffix(".000000").removesuffix(":00")


@pytest.mark.parametrize(
    ("start", "hours", "due"),
    [
        ("2026-09-22 10:00", 1, "2026-09-22 11:00"),  # within a part of a day
        ("2026-09-22 10:00", 2, "2026-09-22 12:00"),  # its very end, not the begin of the next
        ("2026-09-22 10:00", 3, "2026-09-22 15:00"),  # over noon
        ("2026-09-22 20:00", 1, "2026-09-23 10:00"),  # begins in the evening
        ("2026-09-22 06:00", 8, "2026-09-22 19:00"),  # before work
        ("2026-09-18 18:00", 2, "2026-09-20 10:00"),  # Friday: Sunday the 20th is worked
        ("2026-09-25 18:00", 2, "2026-09-28 10:00"),  # Friday: over a weekend
        ("2026-09-30 18:00", 2, "2026-10-08 10:00"),  # over the National Day
        ("2026-10-03 12:00", 8, "2026-10-08 19:00"),  # begins within it
        ("2026-10-09 18:00", 2, "2026-10-10 10:00"),  # Saturday the 10th is worked
        ("2026-09-22 10:00", 48, "2026-09-30 10:00"),  # six days of eight hours
        ("2026-09-22 10:00", 0, "2026-09-22 10:00"),
        ("2026-09-26 10:00", 0, "2026-09-26 10:00"),  # nothing is due at once, also when nobody works
    ],
)
def test_what_is_due_when(start: str, hours: int, due: str) -> None:
    found = calendar().due_at(at(start), hours * HOUR)
    assert (said(found.at), found.is_assumed) == (due, False)


def test_days_of_its_own_go_before_all_others() -> None:
    own = calendar(
        days=[
            {"date": "2026-10-02", "hours": ["10:00-11:00"]},  # a holiday on which somebody is there
            {"date": "2026-10-10", "hours": []},  # the make-up day is none here
            {"date": "2026-10-08", "hours": ["00:00-24:00"]},
        ]
    )
    assert said(own.due_at(at("2026-09-30 19:00"), HOUR).at) == "2026-10-02 11:00"
    assert said(own.due_at(at("2026-10-07 10:00"), 24 * HOUR).at) == "2026-10-09 00:00"
    assert said(own.due_at(at("2026-10-09 19:00"), HOUR).at) == "2026-10-12 10:00"
    assert own.is_working(at("2026-10-02 10:30")) and not own.is_working(at("2026-10-02 11:00"))


def test_it_is_exact_to_the_microsecond_and_to_the_second() -> None:
    start = at("2026-09-22 11:59") + timedelta(seconds=59, microseconds=250_000)
    assert said(calendar().due_at(start, 1).at) == "2026-09-22 14:00:00.250000"
    assert calendar().worked(start, at("2026-09-22 14:00")) == timedelta(microseconds=750_000)


def test_beyond_the_years_it_knows_the_plain_week_counts_and_that_is_said() -> None:
    short = calendar()
    assert known_through(short.document, 2026) == 2026
    known = short.due_at(at("2026-12-30 18:00"), 9 * HOUR)
    assert (said(known.at), known.is_assumed) == ("2026-12-31 19:00", False)
    assumed = short.due_at(at("2026-12-31 18:00"), 2 * HOUR)
    assert (said(assumed.at), assumed.is_assumed) == ("2027-01-01 10:00", True), (
        "New Year's Day, which it does not know"
    )
    assert short.ref(True).assumed
    complete = calendar(complete_through=2027, days=[{"date": "2027-01-01", "hours": []}])
    found = complete.due_at(at("2026-12-31 18:00"), 2 * HOUR)
    assert (said(found.at), found.is_assumed) == ("2027-01-04 10:00", False)
    assert not calendar(holidays="none").due_at(at("2031-12-31 18:00"), 2 * HOUR).is_assumed


@pytest.mark.parametrize(
    ("years", "complete", "today", "through"),
    [
        ([2026], None, 2026, 2026),
        ([2025, 2026, 2027], None, 2025, 2027),
        ([2026, 2028], None, 2026, 2026),  # 2027 is missing
        ([2026, 2028], None, 2027, 2026),
        ([2026, 2028], None, 2028, 2028),
        ([2026], 2028, 2026, 2028),
        ([2026, 2028], 2027, 2026, 2028),
        ([2026], None, 2030, 2026),
        ([], None, 2026, 2023),
        ([], 2026, 2026, 2026),
    ],
)
def test_it_is_known_until_the_first_year_that_is_missing(
    years: list[int], complete: int | None, today: int, through: int
) -> None:
    made = calendar(holidays={"years": years}, complete_through=complete)
    assert known_through(made.document, today) == through


def test_a_clock_that_passes_a_year_it_does_not_know_says_so_though_it_ends_in_one_it_knows() -> None:
    made = calendar(holidays={"years": [2026, 2028]})
    start = at("2026-12-31 18:00")
    inside, through = made.due_at(start, 100 * HOUR), made.due_at(start, 2200 * HOUR)
    assert (inside.at.year, inside.is_assumed) == (2027, True)
    assert (through.at.year, through.is_assumed) == (2028, True)
    assert not made.due_at(at("2028-01-03 10:00"), HOUR).is_assumed


def test_holidays_are_copied_into_the_document_when_it_is_read_to_be_kept() -> None:
    read = with_days(read_calendar({**CALENDAR, "holidays": "china"}), 2026)
    assert date(2026, 10, 1) in read.holidays.off and date(2026, 10, 10) in read.holidays.work  # type: ignore[union-attr]
    assert with_days(read, 2040) == read, "what is kept stays as it was announced then"
    assert known_through(read, 2026) == 2026
    found = WorkingCalendar(read).due_at(at("2026-02-13 18:30"), 2 * HOUR)
    assert said(found.at) == "2026-02-14 10:30", "Saturday 14 February makes up for the Spring Festival"


def test_the_edges_of_the_calendar_and_a_week_without_work_end_too() -> None:
    assert calendar().due_at(LAST - timedelta(hours=1), 100 * HOUR).at == LAST
    assert calendar().due_at(FIRST, HOUR).at > FIRST
    idle = calendar(weekdays={}, holidays="none")
    assert idle.due_at(at("2026-09-22 10:00"), 1).at == LAST
    assert calendar().worked(at("2026-01-01 00:00"), at("9000-01-01 00:00")) > timedelta(days=500_000)


# --- what must hold for any -------------------------------------------------------------------------------------------

_minutes = st.lists(st.integers(0, 1440), min_size=2, max_size=6, unique=True).map(sorted)


def _spans(minutes: list[int]) -> list[str]:
    pairs = list(zip(minutes[::2], minutes[1::2], strict=False))
    return [f"{_clock(begin)}-{_clock(end)}" for begin, end in pairs]


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


_hours = _minutes.map(_spans)
_days = st.dates(date(2025, 12, 1), date(2027, 2, 28))


@st.composite
def calendars(draw: st.DrawFn) -> WorkingCalendar:
    document: dict[str, Any] = {
        **CALENDAR,
        "weekdays": draw(st.dictionaries(st.sampled_from(WEEKDAYS), _hours, min_size=1)),
        "make_up": draw(_hours),
        "holidays": {"years": [2026], "off": draw(st.lists(_days.map(str))), "work": draw(st.lists(_days.map(str)))},
        "days": [
            {"date": str(day), "hours": hours}
            for day, hours in draw(st.dictionaries(_days, _hours, max_size=5)).items()
        ],
    }
    return WorkingCalendar(read_calendar(document))


_instants = st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31), timezones=st.just(UTC))
_seconds = st.integers(0, 30 * 24 * HOUR)


@given(calendars(), _instants, _seconds)
def test_the_time_worked_until_it_is_due_is_what_was_asked_for(
    made: WorkingCalendar, start: datetime, seconds: int
) -> None:
    due = made.due_at(start, seconds).at
    assert made.worked(start, due) == timedelta(seconds=seconds)
    if seconds:
        assert made.worked(start, due - timedelta(microseconds=1)) < timedelta(seconds=seconds), "and not before"


@given(calendars(), _instants, _instants, _seconds, _seconds)
def test_later_and_longer_is_never_due_earlier(
    made: WorkingCalendar, one: datetime, other: datetime, few: int, more: int
) -> None:
    early, late = sorted((one, other))
    assert made.due_at(early, few or 1).at <= made.due_at(late, few or 1).at
    assert made.due_at(one, min(few, more)).at <= made.due_at(one, max(few, more)).at


@given(calendars(), _instants, st.integers(1, 10 * HOUR), st.integers(1, 10 * HOUR))
def test_in_two_steps_it_is_due_as_in_one(made: WorkingCalendar, start: datetime, first: int, then: int) -> None:
    assert made.due_at(made.due_at(start, first).at, then).at == made.due_at(start, first + then).at


@given(calendars(), _instants, st.integers(0, 2000))
def test_time_worked_is_that_of_its_minutes(made: WorkingCalendar, start: datetime, minutes: int) -> None:
    start = start.replace(second=0, microsecond=0)
    counted = sum(made.is_working(start + timedelta(minutes=n)) for n in range(minutes))
    assert made.worked(start, start + timedelta(minutes=minutes)) == timedelta(minutes=counted)


def test_an_answer_takes_no_longer_for_many_hours_than_for_few() -> None:
    made, start = calendar(), at("2026-01-05 10:00")
    made.due_at(start, 8760 * HOUR)  # the years are added up once
    began = perf_counter()
    for n in range(2000):
        made.due_at(start, (8000 + n % 700) * HOUR)
    assert perf_counter() - began < 2, "a millisecond each on a machine that does much else"


# --- which calendar ---------------------------------------------------------------------------------------------------


def test_a_kind_has_its_own_calendar_or_that_of_all_others() -> None:
    made = Calendars.of_editions(
        [
            calendar_switch(1),
            calendar_switch(2, id="care", kinds=["complaint_opened"], weekdays={"mon": ["00:00-24:00"]}),
        ]
    )
    assert made.of("complaint_opened").document.id == "care"  # type: ignore[union-attr]
    assert made.of("arrears").document.id == "office"  # type: ignore[union-attr]


def test_versions_replace_each_other_and_a_stopped_one_counts_no_more() -> None:
    editions = [calendar_switch(1), calendar_switch(2, 2, weekdays={"sun": ["10:00-11:00"]})]
    due, ref = Calendars.of_editions(editions).due("arrears", at("2026-09-22 10:00"), HOUR)
    assert ref is not None and (ref.id, ref.version, said(due)) == ("office", 2, "2026-09-27 11:00")
    stopped = [*editions, calendar_switch(3, 2, "stopped")]
    start = at("2026-09-22 10:00")
    assert Calendars.of_editions(stopped).due("arrears", start, 48 * HOUR) == (start + timedelta(hours=48), None)
    back = [*stopped, calendar_switch(4, 1)]
    assert iso(Calendars.of_editions(back).due("arrears", start, HOUR)[0]) == iso(at("2026-09-22 11:00"))
