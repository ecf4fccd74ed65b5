"""An alert that nobody takes in hand goes up, level by level, by the rules that were in force when its clock began."""

from typing import Any

import pytest

from alerts import notifications
from harness.calendars import ESCALATION, calendar_switch, work_switch
from harness.notifications_feed import BOOK, Story
from servicekit.documents.in_force import Edition

BEGAN = "2026-09-22 10:00"


def story(*editions: Edition) -> Story:
    made = Story()
    made.desk = notifications.app(BOOK.switched(editions or [work_switch(1, escalation=ESCALATION)]))
    made.customer(city="320100", area="urban")
    made.complains(BEGAN)
    made.tick(BEGAN)
    return made


def told(made: Story) -> list[str]:
    """``level cause`` of what went up."""
    found = [e.data.escalation for e in made.desk_emits if e.type == "kam.alert.escalated.v1"]  # type: ignore[attr-defined]
    return [f"{e.level} {e.cause}" for e in found]


def alert_id(made: Story) -> str:
    return made.alerts()[0].alert_id


def test_nothing_goes_up_by_the_seeds() -> None:
    made = story(work_switch(1))
    made.tick("2026-10-22 10:00")
    assert told(made) == []


def test_step_by_step_up_the_tree() -> None:
    made = story()
    for when, level in (
        ("09-22 13:59", None),
        ("09-22 14:00", "head"),
        ("09-22 18:00", "city_head"),
        ("09-23 10:00", "province"),
    ):
        made.tick(f"2026-{when}")
        assert made.alert_rows[0]["escalated_to"] == level
    assert told(made) == ["head not_acknowledged", "city_head not_acknowledged", "province not_acknowledged"]
    made.tick("2026-12-01 10:00")
    assert len(told(made)) == 3


def test_the_event_says_why() -> None:
    made = story()
    made.tick("2026-09-22 14:00")
    (event,) = [e for e in made.desk_emits if e.type == "kam.alert.escalated.v1"]
    escalation = event.data.escalation  # type: ignore[attr-defined]
    assert (escalation.hours, escalation.calendar) == (4, None)
    assert escalation.since == made.alerts()[0].raised_at
    assert event.data.state == "raised"  # type: ignore[attr-defined]


def test_a_leap_over_several_steps_tells_the_last_alone() -> None:
    made = story()
    made.tick("2026-09-22 20:00")
    assert told(made) == ["city_head not_acknowledged"]


def test_it_stays_as_high_as_it_went_whatever_goes_up_later() -> None:
    made = story()
    made.tick("2026-09-22 18:00")
    made.work("accepted", alert_id(made))
    made.tick("2026-09-23 18:00")
    assert told(made) == ["city_head not_acknowledged", "head not_begun"]
    (row,) = made.alert_rows
    assert row["escalated_to"] == "city_head"
    assert row["escalations"] == {"not_acknowledged": "city_head", "not_begun": "head"}


def test_what_reopens_in_a_window_begins_below() -> None:
    from alerts.detection import app
    from harness.detection_feed import RULES

    window = {"from": "2026-09-23T15:00:00+08:00", "to": "2026-09-23T18:00:00+08:00", "reason": "割接"}
    edition = work_switch(1, escalation=ESCALATION, maintenance=[window])
    made = story(edition)
    made.app = app(RULES.switched([edition]))
    made.tick("2026-09-22 14:00")
    opened = {"complaint_id": "k1", "opened_at": "2026-09-22T10:00:00+08:00"}
    made.boss("complaint.changed", "2026-09-22 15:00", **opened, status="closed")
    made.boss("complaint.changed", "2026-09-23 16:00", **opened, status="reopened")
    made.tick("2026-09-23 18:00")
    assert made.alert_rows[0]["escalated_to"] is None
    made.tick("2026-09-23 22:00")
    assert told(made) == ["head not_acknowledged"] * 2 and made.alert_rows[0]["escalated_to"] == "head"


@pytest.mark.parametrize("verb", ["accepted", "acted"])
def test_whoever_takes_it_in_hand_ends_the_clock(verb: str) -> None:
    made = story(work_switch(1, escalation=ESCALATION[:1]))
    made.work(verb, alert_id(made))
    made.tick("2026-10-22 10:00")
    assert told(made) == []


def test_what_is_acknowledged_and_not_begun_goes_up_by_a_clock_of_its_own() -> None:
    made = story()
    made.tick("2026-09-22 12:00")
    made.work("accepted", alert_id(made))
    made.tick("2026-09-23 11:59")
    assert told(made) == []
    made.tick("2026-09-23 12:00")
    assert told(made) == ["head not_begun"]
    made.work("acted", alert_id(made))
    made.tick("2026-10-23 12:00")
    assert len(told(made)) == 1


def test_who_gives_it_back_begins_it_anew() -> None:
    made = story()
    made.work("accepted", alert_id(made))
    made.tick("2026-09-22 13:00")
    made.work("released", alert_id(made))
    made.tick("2026-09-22 16:59")
    assert told(made) == []
    made.tick("2026-09-22 17:00")
    assert told(made) == ["head not_acknowledged"]


def test_an_alert_that_has_ended_goes_nowhere_and_a_reopened_one_begins_anew() -> None:
    made = story()
    made.tick("2026-09-22 14:00")
    opened = {"complaint_id": "k1", "opened_at": "2026-09-22T10:00:00+08:00"}
    made.boss("complaint.changed", "2026-09-22 15:00", **opened, status="closed")
    made.tick("2026-09-23 15:00")
    assert told(made) == ["head not_acknowledged"]
    made.boss("complaint.changed", "2026-09-23 16:00", **opened, status="reopened")
    assert made.alert_rows[0]["escalated_to"] is None
    made.tick("2026-09-23 20:00")
    assert told(made)[1:] == ["head not_acknowledged"]


def test_hours_are_counted_by_the_calendar_of_the_alert_s_kind() -> None:
    made = story(calendar_switch(1), work_switch(2, escalation=ESCALATION))
    made.tick("2026-09-22 15:59")
    assert told(made) == []
    made.tick("2026-09-22 16:00")  # over noon
    assert told(made) == ["head not_acknowledged"]
    escalation = made.desk_emits[-1].data.escalation  # type: ignore[attr-defined]
    assert escalation.calendar.name_en == "Office hours"


def test_a_switch_moves_no_clock_that_runs() -> None:
    made = story()
    editions = [work_switch(1, escalation=ESCALATION), work_switch(2, 4, escalation=[])]
    made.desk = notifications.app(BOOK.switched(editions))
    made.complains("2026-09-22 11:00", complaint_id="k2")
    made.tick("2026-09-22 14:00")
    assert told(made) == ["head not_acknowledged"], "of the one whose clock began before"
    made.tick("2026-09-23 14:00")
    assert len(told(made)) == 2


@pytest.mark.parametrize(
    ("rule", "goes_up"),
    [
        ({}, True),
        ({"kinds": ["complaint_opened"]}, True),
        ({"kinds": ["arrears"]}, False),
        ({"severities": ["critical"]}, False),
        ({"severities": ["major", "critical"]}, True),
    ],
)
def test_which_alerts_a_rule_is_about(rule: dict[str, Any], goes_up: bool) -> None:
    made = story(work_switch(1, escalation=[{**ESCALATION[0], **rule}]))
    made.tick("2026-09-22 14:00")
    assert bool(told(made)) is goes_up


def test_what_maintenance_holds_goes_nowhere_until_it_is_told() -> None:
    from alerts.detection import app
    from harness.detection_feed import RULES

    window = {"from": "2026-09-22T09:00:00+08:00", "to": "2026-09-22T12:00:00+08:00", "reason": "割接"}
    edition = work_switch(1, escalation=ESCALATION, maintenance=[window])
    made = Story()
    made.app, made.desk = app(RULES.switched([edition])), notifications.app(BOOK.switched([edition]))
    made.customer(city="320100", area="urban")
    made.complains(BEGAN)
    made.tick("2026-09-22 12:00")
    made.tick("2026-09-22 15:59")
    assert told(made) == []
    made.tick("2026-09-22 16:00")
    assert told(made) == ["head not_acknowledged"], "four hours after it was told"
