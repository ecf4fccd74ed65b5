"""Working time: a calendar that staff write, and what is due by it. Pure; days are those of Asia/Shanghai.

A document says the hours of each weekday, which public holidays nobody works on, on which weekends people make up for
them, and days of its own. All days are in the document (``with_days``), so that whoever reads the log again counts as
it was counted. In years that it does not know (``is_known``) the plain week counts, and what is due there, or behind
one of them, says so.

Sums are of whole microseconds. A year's days are added up once, the first time it is asked for, so that an answer is
two searches in a year.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Annotated, Any, Literal, NamedTuple, get_args

import msgspec
from msgspec import Meta, Struct

from contracts.alert import CalendarRef
from servicekit.clock import LAST, at_local, in_range, later, local_date
from servicekit.documents.in_force import Edition
from servicekit.holidays import announced

#: kind of document that a calendar is
CALENDAR_KIND = "calendar"
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS: tuple[Weekday, ...] = get_args(Weekday)
#: a part of a day that is worked; 24:00 is its end
Span = Annotated[str, Meta(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]-(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)\Z")]
#: earlier years are no clock's any more
_FIRST_YEAR = 2024
#: whose sums are kept: BOSS may say any date
_MOST_YEARS = 200
_SECOND = timedelta(seconds=1)
_MICRO = timedelta(microseconds=1)
_DAY = timedelta(days=1)


class Days(Struct, frozen=True, forbid_unknown_fields=True):
    """Public holidays (``off``) and weekends that make up for them (``work``) of some ``years``, each known as a
    whole."""

    years: tuple[int, ...]
    off: tuple[date, ...] = ()
    work: tuple[date, ...] = ()


class OwnDay(Struct, frozen=True, forbid_unknown_fields=True):
    """A day on which other hours are worked than usual; none: nobody works."""

    date: date
    hours: tuple[Span, ...] = ()
    name_zh: str = ""
    name_en: str = ""


class CalendarDocument(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A calendar as staff write it. ``kinds``: of alerts whose clocks it counts, none named: all that no other calendar
    names. ``holidays``: ``china`` stands for the days that are announced when it is saved. ``complete_through``:
    years up to this one need no other days than those that stand here."""

    id: str
    name_zh: str
    name_en: str
    kinds: tuple[str, ...] = ()
    weekdays: dict[Weekday, tuple[Span, ...]]
    make_up: tuple[Span, ...]
    holidays: Literal["china", "none"] | Days = "china"
    days: tuple[OwnDay, ...] = ()
    complete_through: int | None = None


class Due(NamedTuple):
    """When something is due. ``is_assumed``: a year until then is one of which the calendar knows only the weekdays."""

    at: datetime
    is_assumed: bool


def read_calendar(document: Mapping[str, Any]) -> CalendarDocument:
    """A calendar as it is kept, or as staff write it. Raises ``msgspec.ValidationError``."""
    return msgspec.convert(document, CalendarDocument)


def with_days(document: CalendarDocument, last_year: int) -> CalendarDocument:
    """With the holidays that are announced now, where it asks for them. ``last_year``: none later is looked for."""
    if document.holidays != "china":
        return document
    found = [year for n in range(_FIRST_YEAR, last_year + 1) if (year := announced(n)).announced]
    by_kind = {
        kind: tuple(date.fromisoformat(day.date) for year in found for day in year.days if day.kind == kind)
        for kind in ("holiday", "workday")
    }
    days = Days(tuple(year.year for year in found), by_kind["holiday"], by_kind["workday"])
    return msgspec.structs.replace(document, holidays=days)


def is_known(document: CalendarDocument, year: int) -> bool:
    """Whether all days of a year are known, and not its weekdays alone; years before the first are no clock's."""
    return document.holidays == "none" or year <= _known_anyway(document) or year in _years(document)


def known_through(document: CalendarDocument, year: int) -> int | None:
    """The last year until which, from this one on, all are known; where this one is not, the last before it that is.
    None: it asks for no holidays, so that all are."""
    if document.holidays == "none":
        return None
    years, anyway = frozenset(_years(document)), _known_anyway(document)
    if not is_known(document, year):
        return max((each for each in years if each < year), default=anyway)
    year = max(year, anyway)
    while year + 1 in years:
        year += 1
    return year


def _years(document: CalendarDocument) -> tuple[int, ...]:
    return document.holidays.years if isinstance(document.holidays, Days) else ()


def _known_anyway(document: CalendarDocument) -> int:
    """The year until which nothing need be known, or staff say that all is."""
    return max(document.complete_through or 0, min(_years(document), default=_FIRST_YEAR) - 1)


def seconds_of(span: str) -> tuple[int, int]:
    """Begin and end of a part of a day, in seconds of the day."""
    begin, _, end = span.partition("-")
    return _clock(begin), _clock(end)


class WorkingCalendar:
    """A version of a calendar, to count by."""

    def __init__(self, document: CalendarDocument, version: int = 0) -> None:
        self.document, self.version = document, version
        spans = {day: _spans(document.weekdays.get(day, ())) for day in WEEKDAYS}
        self._week = [spans[day] for day in WEEKDAYS]
        make_up = _spans(document.make_up)
        days = document.holidays if isinstance(document.holidays, Days) else Days(())
        self._special: dict[date, tuple[tuple[int, int], ...]] = {
            **dict.fromkeys(days.off, ()),
            **dict.fromkeys(days.work, make_up),
            **{own.date: _spans(own.hours) for own in document.days},
        }
        #: by year: working microseconds before each of its days, and at the end all of it
        self._sums: dict[int, list[int]] = {}

    def ref(self, is_assumed: bool) -> CalendarRef:
        """As what is due by it names it."""
        d = self.document
        return CalendarRef(id=d.id, version=self.version, name_zh=d.name_zh, name_en=d.name_en, assumed=is_assumed)

    def is_working(self, at: datetime) -> bool:
        """Whether people work at this instant."""
        at = in_range(at)
        within = (at - at_local(local_date(at))) // _MICRO
        return any(begin <= within < end for begin, end in self._spans_of(local_date(at)))

    def due_at(self, start: datetime, seconds: int) -> Due:
        """The first instant by which so many working seconds have passed since ``start``; of 0 seconds ``start``
        itself. Where nobody ever works, the end of time."""
        start = in_range(start)
        if seconds <= 0:
            return Due(start, False)
        target = self._before(start) + seconds * (_SECOND // _MICRO)
        first = year = local_date(start).year
        sums = self._year(year)
        while target > sums[-1]:
            target, year = target - sums[-1], year + 1
            if year > LAST.year - 1 or (sums[-1] == 0 and not any(self._week)):
                return Due(LAST, True)
            sums = self._year(year)
        # The day that has less before it than is asked for, and as much at its end: rest days have nothing to reach.
        found = date(year, 1, 1) + timedelta(days=bisect_right(sums, target - 1) - 1)
        left = target - sums[(found - date(year, 1, 1)).days]
        for begin, end in self._spans_of(found):
            if left <= end - begin:
                is_assumed = not all(is_known(self.document, each) for each in range(first, found.year + 1))
                return Due(in_range(at_local(found) + (begin + left) * _MICRO), is_assumed)
            left -= end - begin
        raise AssertionError("a day's parts are its sum")

    def worked(self, start: datetime, end: datetime) -> timedelta:
        """Working time from one instant to a later one; none where the end comes first."""
        start, end = in_range(start), in_range(end)
        if end <= start:
            return timedelta()
        first, last = local_date(start).year, local_date(end).year
        between = sum(self._year(year)[-1] for year in range(first, last))
        return (between + self._before(end) - self._before(start)) * _MICRO

    def _before(self, at: datetime) -> int:
        """Working microseconds of its year until an instant."""
        day = local_date(at)
        within = (at - at_local(day)) // _MICRO
        today = sum(min(max(within - begin, 0), end - begin) for begin, end in self._spans_of(day))
        return self._year(day.year)[day.timetuple().tm_yday - 1] + today

    def _year(self, year: int) -> list[int]:
        if year not in self._sums:
            if len(self._sums) >= _MOST_YEARS:
                self._sums.clear()
            sums, day = [0], date(year, 1, 1)
            for _ in range((date(year, 12, 31) - day).days + 1):
                sums.append(sums[-1] + sum(end - begin for begin, end in self._spans_of(day)))
                day = day + _DAY if day < date.max else day
            self._sums[year] = sums
        return self._sums[year]

    def _spans_of(self, day: date) -> Sequence[tuple[int, int]]:
        special = self._special.get(day)
        return self._week[day.weekday()] if special is None else special


class Calendars:
    """The calendars in force, by the kinds of alerts whose clocks they count."""

    def __init__(self, calendars: Sequence[WorkingCalendar] = ()) -> None:
        self._all = tuple(calendars)
        self._by_kind = {kind: each for each in self._all for kind in each.document.kinds}
        self._others = next((each for each in self._all if not each.document.kinds), None)

    @classmethod
    def of_editions(cls, editions: Sequence[Edition]) -> "Calendars":
        """What switches make, in the order of their numbers; those of other kinds are passed over. Raises
        ``msgspec.ValidationError``."""
        found: dict[str, WorkingCalendar] = {}
        for edition in editions:
            if edition.kind == CALENDAR_KIND and edition.state != "shadow":
                found.pop(edition.id, None)
                if edition.state == "active":
                    found[edition.id] = WorkingCalendar(read_calendar(edition.document), edition.version)
        return cls(list(found.values()))

    def of(self, kind: str) -> WorkingCalendar | None:
        """By which the clocks of a kind of alert are counted; None: by plain hours."""
        return self._by_kind.get(kind, self._others)

    def due(self, kind: str, start: datetime, seconds: int) -> tuple[datetime, CalendarRef | None]:
        """When so many seconds have passed for an alert of this kind, and the calendar that counts them; None: all
        seconds count."""
        calendar = self.of(kind)
        if calendar is None:
            return later(start, timedelta(seconds=seconds)), None
        due = calendar.due_at(start, seconds)
        return due.at, calendar.ref(due.is_assumed)


def overlap(spans: Sequence[str]) -> bool:
    """Whether parts of a day begin before those before them end."""
    return any(seconds_of(one)[1] > seconds_of(next_)[0] for one, next_ in pairwise(spans))


def _spans(spans: Sequence[str]) -> tuple[tuple[int, int], ...]:
    """In microseconds of the day."""
    unit = _SECOND // _MICRO
    return tuple((begin * unit, end * unit) for begin, end in map(seconds_of, spans))


def _clock(text: str) -> int:
    hour, _, minute = text.partition(":")
    return int(hour) * 3600 + int(minute) * 60
