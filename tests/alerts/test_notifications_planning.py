"""Which alerts plan which SMS, and what overtakes them before they leave."""

import pytest

from harness.detection_feed import at
from harness.notifications_feed import Story
from servicekit.ids import derive

NIGHT, MORNING = "2026-03-01 22:00", "2026-03-02 08:00"


def story(**profile: object) -> Story:
    return Story().customer(**profile)


def tell(story: Story, when: str) -> list[str]:
    story.tick(when)
    story.send()
    return story.states


@pytest.mark.parametrize(
    ("due_on", "suspended", "sent"),
    [
        (None, False, []),
        ("2026-03-10", False, []),  # not due yet: stage opened sends nothing
        ("2026-03-09", False, ["reminder sent"]),
        ("2026-02-08", False, ["second_reminder sent"]),  # a jump sends only the highest stage
        ("2026-01-09", False, ["final_notice sent"]),
        ("2025-12-10", False, ["suspension_proposed sent"]),
        ("2026-03-10", True, ["suspended sent"]),
    ],
)
def test_arrears_send_the_stage_that_was_reached(due_on: str | None, suspended: bool, sent: list[str]) -> None:
    s = story()
    s.owes(5000, "2026-03-10", due_on, suspended=suspended)
    assert tell(s, "2026-03-10") == sent


def test_a_message_is_planned_at_once_and_decided_by_the_tick() -> None:
    s = story()
    s.owes(5000, "2026-03-10", "2026-03-01")
    assert s.states == ["reminder queued"]
    assert not s.may_go, "nothing leaves before the tick has come by"
    s.tick("2026-03-10")
    assert [ready.sms_id for ready in s.may_go] == [derive("sms", s.alert_rows[0]["alert_id"], "reminder")]


def test_each_stage_goes_once_an_episode_and_a_fall_is_silent() -> None:
    s = story()
    s.owes(5000, "2026-03-10", "2026-02-01")
    assert tell(s, "2026-03-10") == ["second_reminder sent"]
    s.owes(5000, "2026-03-11", "2026-03-08")  # falls to reminder, which was never sent
    assert tell(s, "2026-03-11") == ["second_reminder sent"]
    s.owes(4000, "2026-03-12", "2026-03-08")  # another amount at the same stage
    assert tell(s, "2026-03-12") == ["second_reminder sent"]
    assert tell(s, "2026-04-08") == ["second_reminder sent"], "second_reminder went already"
    assert tell(s, "2026-05-10")[-1] == "final_notice sent"


def test_a_new_episode_sends_again() -> None:
    s = story()
    s.owes(5000, "2026-03-10", "2026-03-01")
    tell(s, "2026-03-10")
    s.owes(0, "2026-03-11")
    s.owes(700, "2026-03-20", "2026-03-15")
    assert tell(s, "2026-03-20") == ["reminder sent", "reminder sent"]


def test_a_newer_stage_cancels_the_older_one_that_waits() -> None:
    s = story()
    s.owes(5000, NIGHT, "2026-02-20")
    assert tell(s, NIGHT) == ["reminder held quiet_hours"]
    s.owes(5000, "2026-03-01 23:00", "2026-01-15")
    assert tell(s, "2026-03-01 23:00") == ["reminder cancelled superseded", "second_reminder held quiet_hours"]
    assert tell(s, MORNING) == ["reminder cancelled superseded", "second_reminder sent"]


def test_a_stage_that_falls_below_the_waiting_one_cancels_it_and_it_counts_as_sent() -> None:
    s = story()
    s.owes(5000, NIGHT, "2026-01-15")
    s.tick(NIGHT)
    s.owes(5000, "2026-03-01 23:00", "2026-02-20")
    assert tell(s, "2026-03-01 23:30") == ["second_reminder cancelled superseded"]
    assert tell(s, "2026-03-23") == ["second_reminder cancelled superseded"], "a cancelled stage counts as sent"


@pytest.mark.parametrize("decided", [True, False])
def test_what_waits_is_cancelled_when_the_alert_is_resolved(decided: bool) -> None:
    s = story()
    s.owes(5000, NIGHT, "2026-02-20")
    if decided:
        s.tick(NIGHT)
    s.owes(0, "2026-03-01 22:30")
    assert s.states[0] in ("reminder cancelled resolved", "reminder cancelled paid")
    assert tell(s, MORNING) == s.states


def test_a_complaint_sends_at_both_ends() -> None:
    s = story()
    s.complains("2026-03-10")
    assert tell(s, "2026-03-10") == ["opened sent"]
    assert tell(s, "2026-03-14") == ["opened sent"], "due_soon and overdue are the manager's business"
    s.complains("2026-03-14", "closed")
    assert tell(s, "2026-03-14") == ["opened sent", "closed sent"]


def test_a_complaint_closed_in_the_night_sends_only_the_end() -> None:
    s = story()
    s.complains(NIGHT)
    s.tick(NIGHT)
    s.complains("2026-03-01 23:00", "closed")
    assert tell(s, "2026-03-01 23:00") == ["opened cancelled resolved", "closed held quiet_hours"]
    assert tell(s, MORNING) == ["opened cancelled resolved", "closed sent"]


def test_a_closing_message_that_a_reopening_cancelled_goes_with_the_next_closing_once() -> None:
    s = story()
    s.complains("2026-03-01 20:00")
    tell(s, "2026-03-01 20:00")
    s.complains(NIGHT, "closed")
    s.tick(NIGHT)
    s.complains("2026-03-01 22:30", "reopened")
    assert tell(s, MORNING) == ["opened sent", "closed cancelled reopened"]
    assert s.alert_rows[0]["state"] == "raised"
    for day in (2, 3):
        s.complains(f"2026-03-0{day} 10:00", "closed")
        assert tell(s, f"2026-03-0{day} 10:00") == ["opened sent", "closed cancelled reopened", "closed sent"]
        s.complains(f"2026-03-0{day} 12:00", "reopened")
        tell(s, f"2026-03-0{day} 12:00")
    ids = [event.data.sms_id for event in s.desk_emits if event.type == "kam.sms.planned.v1"]  # type: ignore[attr-defined]
    assert len(ids) == len(set(ids)) == 3


def test_a_closing_message_that_comes_back_unwritten_after_a_reopening_goes_with_the_next_closing() -> None:
    s = story()
    s.complains("2026-03-10 10:00")
    tell(s, "2026-03-10 10:00")
    s.complains("2026-03-10 11:00", "closed")
    s.tick("2026-03-10 11:00")
    (closing,) = s.intend()
    s.complains("2026-03-10 11:01", "reopened")
    s.answer(closing, "not_written")
    assert tell(s, "2026-03-10 11:02")[1:] == ["closed cancelled superseded"]
    s.complains("2026-03-10 12:00", "closed")
    assert tell(s, "2026-03-10 12:00")[1:] == ["closed cancelled superseded", "closed sent"]


def test_a_manager_who_ends_a_complaint_sends_nothing() -> None:
    s = story()
    s.complains("2026-03-10")
    tell(s, "2026-03-10")
    s.manager(s.alerts()[0], "other")
    assert tell(s, "2026-03-11") == ["opened sent"]
    assert s.alert_rows[0]["outcome"] == "other"


def contract(s: Story, when: str, ends_on: str | None) -> None:
    s.boss("contract.changed", when, contract_id="t1", product_code="B24", ends_on=ends_on)


def test_a_contract_sends_each_step_and_a_leap_only_the_last() -> None:
    s = story(language="en")
    contract(s, "2026-01-02", "2026-03-31")
    assert tell(s, "2026-01-02") == ["90 sent"]
    assert tell(s, "2026-01-30") == ["90 sent", "60 sent"]
    assert tell(s, "2026-03-30") == ["90 sent", "60 sent", "1 sent"]
    assert tell(s, "2026-04-01") == ["90 sent", "60 sent", "1 sent"]
    assert "B24" in s.sms[0]["text"] and "2026-03-31" in s.sms[0]["text"]


def test_a_contract_that_comes_back_to_its_end_repeats_no_step() -> None:
    s = story()
    contract(s, "2026-03-10", "2026-03-31")
    tell(s, "2026-03-10")
    contract(s, "2026-03-11", "2027-03-31")
    contract(s, "2026-03-12", "2026-03-31")
    assert tell(s, "2026-03-12") == ["30 sent"]
    assert tell(s, "2026-03-24") == ["30 sent", "7 sent"]


def test_churn_warnings_tell_only_the_manager() -> None:
    s = story()
    s.boss("service.requested", "2026-03-10", request_id="r1", kind="stop", requested_at=at("2026-03-10").isoformat())
    assert [row["kind"] for row in s.alert_rows] == ["churn_warning"]
    assert tell(s, "2026-03-10") == []


def test_everything_said_twice_changes_nothing() -> None:
    s = story()
    s.complains("2026-03-10")
    tell(s, "2026-03-10")
    before = (s.customer_state, list(s.told_sms))
    s._desk_hears(s.emits)
    assert tell(s, "2026-03-10") == ["opened sent"]
    assert (s.customer_state, s.told_sms) == before
