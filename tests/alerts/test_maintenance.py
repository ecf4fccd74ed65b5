"""What is raised in a maintenance window makes no SMS and no work before it is over, and then only what is still
open."""

from datetime import timedelta
from typing import Any

import pytest

from alerts import notifications
from alerts.detection import app
from contracts.alert import Alert
from contracts.boss import Complaint, Customer
from contracts.registry import TICK
from harness.calendars import work_switch
from harness.detection_feed import RULES
from harness.notifications_feed import BOOK, Story
from harness.one_processor import NOON, OneProcessor
from servicekit.clock import iso

NIGHT = {
    "from": "2026-06-30T09:00:00+08:00", "to": "2026-06-30T12:00:00+08:00", "kinds": ["complaint_opened"],
    "cities": ["320100"], "reason": "核心网割接",
}  # fmt: skip


def story(*windows: dict[str, Any], **profile: Any) -> Story:
    made = Story()
    edition = work_switch(1, maintenance=list(windows))
    made.app, made.desk = app(RULES.switched([edition])), notifications.app(BOOK.switched([edition]))
    return made.customer(city="320100", area="urban", **profile)


def held(story: Story) -> list[str | None]:
    return [None if a.suppressed is None else a.suppressed.reason for a in story.alerts()]


def test_an_alert_of_the_window_is_held_and_sends_nothing() -> None:
    made = story(NIGHT)
    made.complains("2026-06-30 10:00")
    made.tick("2026-06-30 10:01")
    assert held(made) == ["核心网割接"] and made.sms == []
    (row,) = made.alert_rows
    assert row["suppressed"] == {"reason": "核心网割接", "until": "2026-06-30T12:00:00+08:00"} or row["suppressed"][
        "until"
    ].startswith("2026-06-30T04:00:00")


def test_what_is_still_open_when_it_is_over_is_told_then() -> None:
    made = story(NIGHT)
    made.complains("2026-06-30 10:00")
    assert made.tick("2026-06-30 11:59") == []
    assert made.tick("2026-06-30 12:00") == ["complaint_opened changed opened"]
    assert held(made) == [None]
    made.tick("2026-06-30 12:01")
    assert [m["step"] for m in made.sms] == ["opened"]


def test_what_is_over_before_is_never_told() -> None:
    made = story(NIGHT)
    made.complains("2026-06-30 10:00")
    made.boss(
        "complaint.changed",
        "2026-06-30 11:00",
        complaint_id="k1",
        opened_at="2026-06-30T10:00:00+08:00",
        status="closed",
    )
    made.tick("2026-06-30 13:00")
    assert made.sms == [] and made.alerts()[0].outcome == "closed"


@pytest.mark.parametrize(
    ("window", "when", "is_held"),
    [
        ({}, "2026-06-30 09:00", True),
        ({}, "2026-06-30 08:59", False),
        ({}, "2026-06-30 12:00", False),  # the end is no longer within
        ({"cities": []}, "2026-06-30 10:00", True),
        ({"cities": ["320200"]}, "2026-06-30 10:00", False),
        ({"kinds": []}, "2026-06-30 10:00", True),
        ({"kinds": ["arrears"]}, "2026-06-30 10:00", False),
    ],
)
def test_which_alerts_it_is_about(window: dict[str, Any], when: str, is_held: bool) -> None:
    made = story({**NIGHT, **window})
    made.complains(when)
    assert (made.alerts()[0].suppressed is not None) is is_held


def test_of_two_windows_the_later_end_counts() -> None:
    made = story(NIGHT, {**NIGHT, "to": "2026-06-30T18:00:00+08:00", "reason": "机房搬迁"})
    made.complains("2026-06-30 10:00")
    assert made.tick("2026-06-30 12:00") == [] and held(made) == ["机房搬迁"]
    assert made.tick("2026-06-30 18:00") == ["complaint_opened changed opened"]


NEXT = {**NIGHT, "from": NIGHT["to"], "to": "2026-06-30T18:00:00+08:00", "reason": "机房搬迁"}


@pytest.mark.parametrize("begins", ["2026-06-30T12:00:00+08:00", "2026-06-30T11:00:00+08:00"])
def test_what_one_window_holds_the_next_one_holds_on(begins: str) -> None:
    made = story(NIGHT, {**NEXT, "from": begins})
    made.complains("2026-06-30 10:00")
    assert held(made) == ["核心网割接"]
    assert made.tick("2026-06-30 12:00") == ["complaint_opened changed opened"]
    latest: Alert = made.history[-1]
    assert latest.suppressed is not None
    assert (latest.suppressed.reason, iso(latest.suppressed.until)) == ("机房搬迁", "2026-06-30T10:00:00+00:00")
    made.tick("2026-06-30 17:59")
    assert made.sms == [] and held(made) == ["机房搬迁"]
    assert made.tick("2026-06-30 18:00") == ["complaint_opened changed opened"]
    made.tick("2026-06-30 18:01")
    assert held(made) == [None] and [m["step"] for m in made.sms] == ["opened"]


@pytest.mark.parametrize(
    "other", [{"kinds": ["arrears"]}, {"cities": ["320200"]}, {"from": "2026-06-30T12:00:01+08:00"}]
)
def test_a_window_of_others_or_of_later_holds_nothing_on(other: dict[str, Any]) -> None:
    made = story(NIGHT, {**NEXT, **other})
    made.complains("2026-06-30 10:00")
    made.tick("2026-06-30 12:00")
    assert held(made) == [None]


def test_a_window_that_was_written_while_it_was_held_holds_it_on() -> None:
    made = story(NIGHT)
    made.complains("2026-06-30 10:00")
    made.app = app(RULES.switched([work_switch(2, 4, maintenance=[NIGHT, NEXT])]))
    made.tick("2026-06-30 12:00")
    assert held(made) == ["机房搬迁"]


def test_a_leap_over_both_windows_tells_it() -> None:
    made = story(NIGHT, NEXT)
    made.complains("2026-06-30 10:00")
    assert made.tick("2026-06-30 18:00") == ["complaint_opened changed opened"] and held(made) == [None]


def test_the_next_window_does_not_hold_what_was_told_before_it() -> None:
    made = story(NEXT)
    made.complains("2026-06-30 10:00")
    made.tick("2026-06-30 12:00")
    assert held(made) == [None]


def test_a_debt_that_is_held_sends_the_stage_it_has_reached_by_then() -> None:
    window = {**NIGHT, "kinds": ["arrears"], "to": "2026-07-02T10:00:00+08:00"}
    made = story(window)
    made.owes(12900, "2026-06-30", "2026-06-30")
    made.tick("2026-07-01 12:00")
    assert made.alerts()[0].stage == "reminder" and made.sms == []
    made.tick("2026-07-02 10:00")
    made.tick("2026-07-02 10:01")
    assert [m["step"] for m in made.sms] == ["reminder"]


def test_an_alert_from_before_the_window_goes_on_as_ever() -> None:
    made = story(NIGHT)
    made.complains("2026-06-29 10:00")
    made.tick("2026-06-30 10:00")
    assert held(made) == [None] and [m["step"] for m in made.sms] == ["opened"]


def test_what_reopens_in_a_window_is_held_as_what_is_raised_in_it() -> None:
    made = story(NIGHT)
    made.complains("2026-06-28 10:00")
    opened = {"complaint_id": "k1", "opened_at": "2026-06-28T10:00:00+08:00"}
    made.boss("complaint.changed", "2026-06-29 10:00", **opened, status="closed")
    made.boss("complaint.changed", "2026-06-30 10:00", **opened, status="reopened")
    assert held(made) == ["核心网割接"]
    assert made.tick("2026-06-30 12:00") == ["complaint_opened changed reopened"]
    latest: Alert = made.history[-1]
    assert latest.suppressed is None and not latest.reopened


async def test_a_clock_in_the_very_millisecond_of_its_end_stops_nothing() -> None:
    until = NOON + timedelta(microseconds=900)
    window = {**NIGHT, "from": iso(NOON - timedelta(hours=1)), "to": iso(until)}
    place = await OneProcessor(app(RULES.switched([work_switch(1, maintenance=[window])]))).open()
    customer = Customer(customer_id="c1", status="active", city="320100")
    opened = NOON - timedelta(minutes=1)
    complaint = Complaint(customer_id="c1", complaint_id="k1", status="open", opened_at=opened)
    await place.take(
        place.record("boss.events", "kam.boss.customer.changed.v1", customer, clock=opened),
        place.record("boss.events", "kam.boss.complaint.changed.v1", complaint, clock=opened),
        place.tick("boss.events", 1, NOON + timedelta(microseconds=200)),
    )
    assert [data.suppressed is not None for _, data in await place.events("alert.events") if _ != TICK] == [True]
    await place.take(place.tick("boss.events", 2, NOON + timedelta(seconds=1)))
    assert [data.suppressed is not None for _, data in await place.events("alert.events") if _ != TICK] == [True, False]
