"""Work rules and working calendars as documents that staff change: what is checked of one before it is kept, and what
people call its fields.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import msgspec

from contracts.work_rules import WORK_RULES_KIND
from manager_work.rules import WorkRules, check
from servicekit.calendar import (
    CALENDAR_KIND,
    WEEKDAYS,
    CalendarDocument,
    Days,
    known_through,
    overlap,
    read_calendar,
    seconds_of,
    with_days,
)
from servicekit.clock import SystemClock, local_date, system_now
from servicekit.documents.fault import Checker, Fault
from servicekit.documents.kinds import Kind, Others
from servicekit.words import said

_LONGEST_NAME, _MOST_SPANS, _MOST_DAYS, _MOST_KINDS, _MOST_YEARS = 60, 6, 2000, 50, 50
#: a week that is worked less makes hours of a rule into years
_LEAST_WEEK_SECONDS = 3600
#: the State Council announces a year in the autumn before: from then on its days may be asked for
_ANNOUNCED_FROM_MONTH = 10


def _read_rules(document: dict[str, Any]) -> WorkRules:
    return msgspec.convert({**document, "version": 0}, WorkRules)


WORK_RULES = Kind(
    name=WORK_RULES_KIND,
    may_stop=False,
    read=_read_rules,
    check=lambda rules, others: check(rules),
    fields={
        "kinds": ("工单种类", "kinds of work"),
        "alerts": ("预警对应的工单", "work that alerts mean"),
        "work": ("工单种类", "kind of work"),
        "due_hours": ("时限（小时）", "hours until due"),
        **{code: said(code) for code in ("critical", "major", "minor", "other")},
        "away": ("不在岗的状态", "statuses of managers who are away"),
        "escalation": ("上报规则", "escalation"),
        "cause": ("上报原因", "cause"),
        "severities": ("级别", "severities"),
        "steps": ("各级", "steps"),
        "after_hours": ("多少小时后", "after hours"),
        "to": ("到", "to"),
        "maintenance": ("维护窗口", "maintenance windows"),
        "from": ("从", "from"),
        "cities": ("地市", "cities"),
        "reason": ("原因", "reason"),
        "flood": ("合并通知", "many notices in one"),
        "more_than": ("超过条数", "more than"),
        "within_minutes": ("多少分钟内", "within minutes"),
    },
)


def calendar_kind(clock: SystemClock = system_now) -> Kind:
    """Calendars. ``clock``: by it a year that nobody has announced yet is told from one that is missing; nothing of
    what is kept but the announced holidays hangs on it."""

    def read(document: dict[str, Any]) -> CalendarDocument:
        return with_days(read_calendar(document), local_date(clock()).year + 1)

    return Kind(
        name=CALENDAR_KIND,
        read=read,
        check=lambda calendar, others: check_calendar(calendar, others, local_date(clock())),
        shows=lambda document: shown(document, local_date(clock())),
        fields={
            "name_zh": ("中文名称", "Chinese name"),
            "name_en": ("英文名称", "English name"),
            "kinds": ("预警种类", "kinds of alerts"),
            "weekdays": ("每周工作时间", "hours of the week"),
            "mon": ("周一", "Monday"),
            "tue": ("周二", "Tuesday"),
            "wed": ("周三", "Wednesday"),
            "thu": ("周四", "Thursday"),
            "fri": ("周五", "Friday"),
            "sat": ("周六", "Saturday"),
            "sun": ("周日", "Sunday"),
            "make_up": ("调休上班时间", "hours of days that make up for holidays"),
            "holidays": ("公众假期", "public holidays"),
            "years": ("年份", "years"),
            "off": ("放假日", "days off"),
            "work": ("调休上班日", "weekends that are worked"),
            "days": ("特别日", "days of its own"),
            "date": ("日期", "date"),
            "hours": ("时间", "hours"),
            "complete_through": ("完整到哪一年", "complete through"),
        },
    )


def check_calendar(calendar: CalendarDocument, others: Others, today: date) -> Sequence[Fault]:
    """What is wrong with the meaning of a calendar."""
    checker = Checker()
    checker.under("name_zh").called(calendar.name_zh, _LONGEST_NAME, "中文", "a Chinese")
    checker.under("name_en").called(calendar.name_en, _LONGEST_NAME, "英文", "an English")
    _kinds(checker.under("kinds"), calendar, others)
    week = 0
    for day in WEEKDAYS:
        spans = calendar.weekdays.get(day, ())
        week += _spans(checker.under("weekdays").under(day), spans)
    if week < _LEAST_WEEK_SECONDS and not checker.faults:
        checker.under("weekdays").say("一周至少工作 1 小时", "a week has an hour of work at least")
    if not calendar.make_up:
        checker.under("make_up").say("请写调休上班日的时间", "say the hours of weekends that are worked")
    _spans(checker.under("make_up"), calendar.make_up)
    days = checker.under("days")
    if days.few(calendar.days, _MOST_DAYS):
        days.distinct([own.date for own in calendar.days])
        for n, own in enumerate(calendar.days):
            _spans(days.under(n).under("hours"), own.hours)
    if isinstance(calendar.holidays, Days):
        _holidays(checker.under("holidays"), calendar.holidays, today)
    if calendar.complete_through is not None:
        checker.under("complete_through").between(calendar.complete_through, today.year - 1, today.year + 10)
    ends = known_through(calendar, today.year)
    if ends is not None and ends < today.year:
        zh, en = _ends(ends)
        checker.under("days").say(zh, en)
    return checker.faults


def shown(document: Mapping[str, Any], today: date) -> dict[str, Any]:
    """What a list says of a calendar besides: until when its days are known, and what staff should do about it."""
    try:
        ends = known_through(read_calendar(document), today.year)
    except msgspec.ValidationError:
        return {"known_through": None, "warnings": []}
    is_short = ends is not None and ends < today.year + (today.month >= _ANNOUNCED_FROM_MONTH)
    warnings = [] if ends is None or not is_short else [{"field": "days", "zh": _ends(ends)[0], "en": _ends(ends)[1]}]
    return {"known_through": None if ends is None else f"{ends}-12-31", "warnings": warnings}


def _ends(year: int) -> tuple[str, str]:
    """Until then it is known; what comes later is counted by the plain week, which is not refused and not right."""
    return (
        f"日历只到 {year}-12-31；请补上 {year + 1} 年的放假日和调休日（days），并写 complete_through: {year + 1}；"
        "若国务院已公布且软件已更新，写 holidays: china 再存即可",
        f"the calendar ends {year}-12-31: add the holidays and worked weekends of {year + 1} to days, and write "
        f"complete_through: {year + 1}; where a newer release has them announced, write holidays: china and save",
    )


def _kinds(checker: Checker, calendar: CalendarDocument, others: Others) -> None:
    """A clock is counted by one calendar."""
    if not checker.few(calendar.kinds, _MOST_KINDS):
        return
    checker.distinct(calendar.kinds)
    for other in others:
        there = other["id"]
        if there == calendar.id:
            continue
        if not calendar.kinds and not other["kinds"]:
            checker.say(
                f"{there} 已管其余所有预警，请写明种类或改 {there}",
                f"{there} counts for all other alerts already: name kinds, or change that one",
            )
        for kind in sorted({*calendar.kinds} & {*other["kinds"]}):
            checker.say(f"{kind} 已由 {there} 计时", f"{kind} is counted by {there} already")


def _holidays(checker: Checker, holidays: Days, today: date) -> None:
    """Each day is of a year that is known as a whole, and either off or worked."""
    years = checker.under("years")
    if not years.few(holidays.years, _MOST_YEARS):
        return
    years.distinct(holidays.years)
    for n, year in enumerate(holidays.years):
        years.under(n).between(year, today.year - _MOST_YEARS, today.year + 10)
    off = frozenset(holidays.off)
    for field, days in (("off", holidays.off), ("work", holidays.work)):
        named = checker.under(field)
        if not named.few(days, _MOST_DAYS):
            continue
        named.distinct(days)
        for n, day in enumerate(days):
            if day.year not in holidays.years:
                named.under(n).say(
                    f"{day} 不在 years 所列的年份里，请补上该年的全部日子和年份，或删去",
                    f"{day} is in none of the years: add all days of that year and the year, or leave it out",
                )
            elif field == "work" and day in off:
                named.under(n).say(f"{day} 也在 off 里，请只留一处", f"{day} is off as well: leave one of them out")


def _spans(checker: Checker, spans: Sequence[str]) -> int:
    """Checked; how many seconds they are."""
    checker.few(spans, _MOST_SPANS)
    for n, (begin, end) in enumerate(map(seconds_of, spans)):
        if end <= begin:
            checker.under(n).say(f"{spans[n]} 的结束应晚于开始", f"{spans[n]} must end after it begins")
    if overlap(spans):
        checker.say("各段应按先后写，且不重叠", "its parts come one after another and do not overlap")
    return sum(end - begin for begin, end in map(seconds_of, spans))
