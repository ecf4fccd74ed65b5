"""A first load raises alerts as ever, and no SMS comes of it; what happens later counts as ever."""

import pytest

from harness.notifications_feed import Story


def loaded(until: str = "2026-03-10") -> Story:
    """A customer in the middle of a first load."""
    story = Story()
    story.baseline = until
    return story.customer("2026-03-10")


def test_a_debt_of_the_first_load_is_an_alert_without_sms() -> None:
    s = loaded()
    s.owes(5000, "2026-03-10", "2026-01-01")
    assert s.tick("2026-03-10 10:01") == []
    (alert,) = s.alerts()
    assert (alert.stage, alert.baseline) == ("final_notice", True)
    assert s.states == ["final_notice suppressed baseline"]
    assert s.told_sms == ["suppressed final_notice baseline"]


def test_its_next_stage_counts_as_ever() -> None:
    s = loaded()
    s.owes(5000, "2026-03-10", "2026-01-01")
    s.baseline = ""
    s.owes(6000, "2026-03-20", "2026-01-01")  # more of the same debt: no new stage
    s.tick("2026-04-02")
    assert s.states == ["final_notice suppressed baseline", "suspension_proposed queued"]
    assert [alert.baseline for alert in s.history] == [True, True, False], "the second stage is what the load told"


def test_stages_that_the_clock_reaches_within_the_load_are_part_of_it() -> None:
    s = loaded(until="2026-03-31")
    s.owes(5000, "2026-03-10", "2026-03-09")
    s.tick("2026-03-31 23:00")
    s.baseline = ""
    s.tick("2026-04-08")
    assert s.states == ["reminder suppressed baseline", "second_reminder queued"]


def test_a_contract_whose_step_comes_within_the_load_warns_without_sms() -> None:
    s = loaded(until="2026-03-31")
    s.boss("contract.changed", "2026-03-10", contract_id="k1", ends_on="2026-06-15", product_code="P")
    s.tick("2026-03-31")
    assert s.states == ["90 suppressed baseline"]
    s.tick("2026-04-20")
    assert s.states == ["90 suppressed baseline", "60 queued"]


def test_what_happens_on_the_day_of_the_load_by_another_road_counts_as_ever() -> None:
    s = loaded()
    s.owes(5000, "2026-03-10", "2026-03-09")
    s.baseline = ""
    s.complains("2026-03-10 12:00")
    s.tick("2026-03-10 12:01")
    assert s.states == ["reminder suppressed baseline", "opened queued"]


@pytest.mark.parametrize("by_feed", [True, False])
def test_facts_that_waited_for_their_customer_stay_part_of_the_load(by_feed: bool) -> None:
    s = Story()
    s.baseline = "2026-03-10"
    s.owes(5000, "2026-03-10", "2026-03-01")
    s.baseline = "" if by_feed else "2026-03-10"
    s.customer("2026-03-10 12:00")
    s.tick("2026-03-10 12:01")
    assert s.states == ["reminder suppressed baseline"]


def test_a_closing_sms_of_a_complaint_that_was_loaded_goes() -> None:
    s = loaded()
    s.complains("2026-03-10")
    s.baseline = ""
    s.complains("2026-03-12", "closed")
    s.tick("2026-03-12 10:01")
    assert s.states == ["opened suppressed baseline", "closed queued"]


def test_a_dead_letter_of_the_load_that_is_replayed_later_is_still_of_it() -> None:
    s = loaded()
    s.owes(5000, "2026-03-10", "2026-03-01")
    first, state = list(s.states), s.raw
    s.replay(1)
    assert (s.states, s.raw) == (first, state)


def test_told_again_from_the_beginning_it_comes_to_the_same() -> None:
    s = loaded()
    s.owes(5000, "2026-03-10", "2026-01-01")
    s.complains("2026-03-10")
    again = Story()
    for type_, data, context in s.heard:
        again.now = context.now
        again._handle(type_, data, context)
    assert (again.raw, again.states) == (s.raw, s.states)


def test_a_header_that_says_no_date_is_passed_over() -> None:
    s = Story()
    s.baseline = "someday"
    s.customer("2026-03-10")
    s.owes(5000, "2026-03-10", "2026-03-01")
    s.tick()
    assert s.states == ["reminder queued"]
