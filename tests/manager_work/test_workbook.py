"""Work rules and calendars as staff write them: what is wrong with one is said, where and what to do, in two
languages."""

from datetime import UTC, datetime
from typing import Any

import pytest

from harness.calendars import CALENDAR, ESCALATION, WORK
from manager_work.workbook import WORK_RULES, calendar_kind
from servicekit.documents.difference import sentences
from servicekit.documents.fault import Faulty

NOW = datetime(2026, 11, 27, tzinfo=UTC)
KIND = calendar_kind(lambda: NOW)
WINDOW = {"from": "2026-12-05T22:00:00+08:00", "to": "2026-12-06T04:00:00+08:00", "reason": "割接"}


def faults(kind: Any, document: dict[str, Any], others: Any = ()) -> list[tuple[str, str]]:
    with pytest.raises(Faulty) as refused:
        kind.checked(document, others)
    for fault in refused.value.faults:
        assert fault.zh and fault.en and fault.zh != fault.en
    return [(fault.field, fault.en) for fault in refused.value.faults]


# --- calendars ------------------------------------------------------------------------------------------------------


def test_a_calendar_is_kept_with_the_holidays_of_its_day() -> None:
    kept = KIND.checked({**CALENDAR, "holidays": "china"}, [])
    assert "2026-10-01" in kept["holidays"]["off"] and kept["holidays"]["years"][-1] >= 2026
    assert KIND.checked(kept, []) == kept, "activated, it is what was saved"


@pytest.mark.parametrize(
    ("changes", "field", "said"),
    [
        ({"weekdays": {"mon": ["9-18"]}}, "weekdays", "must match"),
        ({"weekdays": {"mon": ["09:00-24:30"]}}, "weekdays", "must match"),
        ({"weekdays": {"monday": ["09:00-18:00"]}}, "weekdays", "is not known here"),
        ({"weekdays": {"mon": ["18:00-09:00"]}}, "weekdays.mon[0]", "must end after it begins"),
        ({"weekdays": {"mon": ["09:00-12:00", "11:00-18:00"]}}, "weekdays.mon", "do not overlap"),
        ({"weekdays": {}}, "weekdays", "an hour of work"),
        ({"weekdays": {"mon": ["09:00-09:59"]}}, "weekdays", "an hour of work"),
        ({"make_up": []}, "make_up", "say the hours"),
        ({"holidays": "usa"}, "holidays", ""),
        ({"days": [{"date": "2026-02-30", "hours": []}]}, "days", ""),
        ({"days": [{"date": "2026-12-31"}, {"date": "2026-12-31"}]}, "days[1]", "twice"),
        ({"complete_through": 2099}, "complete_through", "between"),
        ({"name_en": ""}, "name_en", "give it an English name"),
        ({"kinds": ["arrears", "arrears"]}, "kinds[1]", "twice"),
        ({"colour": "red"}, "colour", "is no field"),
        ({"holidays": {"years": [2024]}}, "days", "ends 2024-12-31: add the holidays"),
        ({"holidays": {"years": []}}, "days", "ends 2023-12-31"),
        ({"holidays": {"years": [2026], "off": ["2027-01-01"]}}, "holidays.off[0]", "in none of the years"),
        ({"holidays": {"years": [2026], "off": ["2026-05-09"], "work": ["2026-05-09"]}}, "holidays.work[0]", "off as"),
        ({"holidays": {"years": [2026, 9999]}}, "holidays.years[1]", "must be between"),
        ({"holidays": {"years": [2026], "off": ["2026-05-01", "2026-05-01"]}}, "holidays.off[1]", "twice"),
    ],
)
def test_what_is_wrong_with_a_calendar(changes: dict[str, Any], field: str, said: str) -> None:
    found = faults(KIND, {**CALENDAR, **changes})
    assert found[0][0].startswith(field) and any(said in en for _, en in found)


def test_a_clock_is_counted_by_one_calendar() -> None:
    others = [
        KIND.checked({**CALENDAR, "id": "all"}, []),
        KIND.checked({**CALENDAR, "id": "care", "kinds": ["arrears"]}, []),
    ]
    assert "counts for all other alerts already" in faults(KIND, CALENDAR, others)[0][1]
    assert "arrears is counted by care already" in faults(KIND, {**CALENDAR, "kinds": ["arrears"]}, others)[0][1]
    assert KIND.checked({**CALENDAR, "kinds": ["complaint_opened"]}, others)
    assert KIND.checked({**CALENDAR, "id": "all"}, others), "its own next version"


@pytest.mark.parametrize(
    ("now", "years", "warned"),
    [
        ("2026-09-30", [2025, 2026], False),  # nobody can know the next year yet
        ("2026-10-02", [2025, 2026], True),
        ("2026-10-02", [2026, 2027], False),
        ("2027-01-02", [2025, 2026], True),
    ],
)
def test_a_calendar_without_the_next_year_is_said_to_end(now: str, years: list[int], warned: bool) -> None:
    kind = calendar_kind(lambda: datetime.fromisoformat(f"{now}T00:00:00+00:00"))
    shown = kind.shows({**CALENDAR, "holidays": {"years": years}})
    assert shown["known_through"] == f"{years[-1]}-12-31" and bool(shown["warnings"]) is warned
    for warning in shown["warnings"]:
        assert f"the calendar ends {years[-1]}-12-31" in warning["en"] and "complete_through" in warning["zh"]


def test_what_has_changed_between_two_calendars() -> None:
    after = {**CALENDAR, "weekdays": {**CALENDAR["weekdays"], "sat": ["09:00-12:00"]}}
    (sentence,) = sentences(KIND, CALENDAR, after)
    assert (sentence.field, sentence.en) == ("weekdays.sat", "hours of the week · Saturday: nothing → 09:00-12:00")


# --- work rules -----------------------------------------------------------------------------------------------------


def test_work_rules_are_kept_whole() -> None:
    kept = WORK_RULES.checked({**WORK, "escalation": ESCALATION, "maintenance": [WINDOW]}, [])
    assert WORK_RULES.checked(kept, []) == kept and kept["maintenance"][0]["reason"] == "割接"
    assert kept["escalation"][0]["steps"][0] == {"after_hours": 4, "to": "head"}


def step(hours: int, to: str) -> dict[str, Any]:
    return {"after_hours": hours, "to": to}


@pytest.mark.parametrize(
    ("changes", "field", "said"),
    [
        ({"id": "mine"}, "id", "there is one of these"),
        ({"kinds": {}}, "kinds", "must not be empty"),
        ({"other": {"work": "x", "due_hours": {"critical": 1, "major": 1, "minor": 1}}}, "other.work", "add it to"),
        ({"other": {"work": "renewal", "due_hours": {"critical": 1}}}, "other.due_hours", "has no major, minor"),
        ({"other": {"work": "renewal", "due_hours": {"critical": 9999}}}, "other.due_hours", "<= 8760"),
        ({"escalation": [{"cause": "x", "steps": []}]}, "escalation", "is not known here"),
        ({"escalation": [{"cause": "not_begun", "steps": []}]}, "escalation[0].steps", "must not be empty"),
        (
            {"escalation": [{"cause": "not_begun", "steps": [step(4, "head"), step(4, "city_head")]}]},
            "escalation[0].steps[1].after_hours", "must be more than the 4 hours",
        ),
        (
            {"escalation": [{"cause": "not_begun", "steps": [step(4, "city_head"), step(8, "head")]}]},
            "escalation[0].steps[1].to", "must be above city_head",
        ),
        (
            {"escalation": [{"cause": "not_begun", "steps": [step(0, "head")]}]},
            "escalation[0].steps[0].after_hours", "1 hour or more",
        ),
        ({"maintenance": [{**WINDOW, "to": WINDOW["from"]}]}, "maintenance[0].to", "must be later than from"),
        ({"maintenance": [{**WINDOW, "to": "2027-01-01T00:00:00+08:00"}]}, "maintenance[0].to", "14 days at most"),
        ({"maintenance": [{**WINDOW, "from": "2026-12-05T22:00:00"}]}, "maintenance", ""),
        ({"maintenance": [{**WINDOW, "reason": " "}]}, "maintenance[0].reason", "say why"),
        ({"maintenance": [{**WINDOW, "cities": ["南京"]}]}, "maintenance[0].cities[0]", "must be a code"),
        ({"flood": {"more_than": 0, "within_minutes": 60}}, "flood.more_than", ">= 1"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_work_rules(changes: dict[str, Any], field: str, said: str) -> None:
    found = faults(WORK_RULES, {**WORK, **changes})
    assert found[0][0].startswith(field) and any(said in en for _, en in found)


def test_what_has_changed_between_two_work_rules() -> None:
    (sentence,) = sentences(WORK_RULES, WORK, {**WORK, "flood": {"more_than": 10, "within_minutes": 60}})
    assert sentence.zh.startswith("合并通知由")
