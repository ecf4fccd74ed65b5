"""Working calendars and work rules of tests, as switches bring them."""

from typing import Any

import msgspec

from contracts.work_rules import WORK_RULES_KIND
from harness.work_items import RULES
from servicekit.calendar import CALENDAR_KIND, WorkingCalendar, read_calendar
from servicekit.documents.in_force import Edition

#: Monday to Friday, 9 to 12 and 14 to 19, and the National Day of 2026 as it was announced
CALENDAR: dict[str, Any] = {
    "id": "office",
    "name_zh": "办公时间",
    "name_en": "Office hours",
    "weekdays": {day: ["09:00-12:00", "14:00-19:00"] for day in ("mon", "tue", "wed", "thu", "fri")},
    "make_up": ["09:00-12:00", "14:00-19:00"],
    "holidays": {
        "years": [2026],
        "off": [f"2026-10-0{n}" for n in range(1, 8)],
        "work": ["2026-09-20", "2026-10-10"],
    },
}
WORK: dict[str, Any] = {name: value for name, value in msgspec.to_builtins(RULES).items() if name != "version"}
#: whom to tell of an alert that nobody takes in hand, or that nobody acts on
ESCALATION: list[dict[str, Any]] = [
    {
        "cause": "not_acknowledged",
        "steps": [
            {"after_hours": 4, "to": "head"},
            {"after_hours": 8, "to": "city_head"},
            {"after_hours": 24, "to": "province"},
        ],
    },
    {"cause": "not_begun", "kinds": ["complaint_opened"], "steps": [{"after_hours": 24, "to": "head"}]},
]


def calendar(**changes: Any) -> WorkingCalendar:
    return WorkingCalendar(read_calendar({**CALENDAR, **changes}), 1)


def calendar_switch(number: int, version: int = 1, state: str = "active", **changes: Any) -> Edition:
    document = {**CALENDAR, **changes}
    return Edition(number, CALENDAR_KIND, document["id"], version, state, document)


def work_switch(number: int, version: int = 3, **changes: Any) -> Edition:
    return Edition(number, WORK_RULES_KIND, "work", version, "active", {**WORK, **changes})
