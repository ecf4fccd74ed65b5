"""What ages by the business clock: arrears, complaints and contracts, as tables."""

from typing import Any

import pytest

from harness.detection_feed import Feed, at

CUSTOMER = {"status": "active", "opened_on": "2010-01-01", "city": "320100", "area": "urban"}


def known(**profile: Any) -> Feed:
    feed = Feed()
    feed.boss("customer.changed", "2025-12-31", **{**CUSTOMER, **profile})
    return feed


# --- arrears ----------------------------------------------------------------------------------------------------


def owe(feed: Feed, day: str, amount: int, due: str | None = None, suspended: bool = False) -> list[str]:
    return feed.boss("arrears.changed", day, as_of=day, amount_fen=amount, oldest_due_on=due, suspended=suspended)


@pytest.mark.parametrize(
    ("due", "suspended", "stage"),
    [
        (None, False, "opened"),
        ("2026-07-10", False, "opened"),
        ("2026-06-30", False, "opened"),
        ("2026-06-29", False, "reminder"),
        ("2026-06-01", False, "reminder"),
        ("2026-05-31", False, "second_reminder"),
        ("2026-05-01", False, "final_notice"),
        ("2026-04-02", False, "final_notice"),
        ("2026-04-01", False, "suspension_proposed"),
        ("2026-06-29", True, "suspended"),
        (None, True, "suspended"),
    ],
)
def test_stage_by_days_overdue(due: str | None, suspended: bool, stage: str) -> None:
    assert owe(known(), "2026-06-30", 5000, due, suspended) == [f"arrears raised {stage}"]


def test_an_episode_ages_changes_and_ends() -> None:
    feed = known()
    owe(feed, "2026-06-30", 5000, "2026-06-30")
    assert feed.tick("2026-06-30 23:59") == []
    assert feed.tick("2026-07-01 00:00") == ["arrears changed reminder"]
    assert feed.tick("2026-07-01 12:00") == []
    assert owe(feed, "2026-07-02", 7000, "2026-06-30") == ["arrears changed reminder"]
    assert feed.tick("2026-09-01") == ["arrears changed final_notice"]  # a leap: the highest only
    assert owe(feed, "2026-09-02", 7000, "2026-08-30") == ["arrears changed reminder"]  # lower again
    assert feed.history[-1].previous_stage == "final_notice"
    assert owe(feed, "2026-09-03", 7000, "2026-08-30", suspended=True) == ["arrears changed suspended"]
    assert feed.wake is None
    assert owe(feed, "2026-09-04", 0) == ["arrears resolved suspended cleared"]
    assert owe(feed, "2026-09-05", 0, suspended=True) == []
    assert owe(feed, "2026-09-06", 1, "2026-09-06") == ["arrears raised opened"]
    assert len({a.alert_id for a in feed.alerts("arrears")}) == 2


def test_arrears_wait_for_the_customer() -> None:
    feed = Feed()
    assert owe(feed, "2026-06-30", 5000, "2026-06-01") == []
    assert owe(feed, "2026-07-01", 6000, "2026-06-01") == []
    assert feed.wake is None
    assert feed.boss("customer.changed", "2026-07-02", **CUSTOMER) == ["arrears raised second_reminder"]
    feed = Feed()
    owe(feed, "2026-06-30", 5000, "2026-06-01")
    owe(feed, "2026-07-01", 0)
    assert feed.boss("customer.changed", "2026-07-02", **CUSTOMER) == []


def test_after_a_managers_outcome_only_a_new_episode_warns() -> None:
    feed = known()
    owe(feed, "2026-06-30", 5000, "2026-06-01")
    assert feed.manager(feed.alerts()[0], "promised") == ["arrears resolved reminder promised"]
    assert owe(feed, "2026-07-01", 9000, "2026-05-01", suspended=True) == []
    assert feed.tick("2026-12-01") == []
    assert owe(feed, "2026-12-02", 0) == []
    assert owe(feed, "2026-12-03", 5, "2026-12-03") == ["arrears raised opened"]


def test_arrears_of_one_who_left() -> None:
    feed = known()
    owe(feed, "2026-06-30", 5000, "2026-06-30")
    assert feed.boss("customer.changed", "2026-07-01", **{**CUSTOMER, "status": "left"}) == [
        "arrears resolved opened left"
    ]
    assert owe(feed, "2026-07-02", 6000, "2026-06-01") == []
    assert feed.boss("customer.changed", "2026-07-03", **{**CUSTOMER, "status": "suspended"}) == []  # not back yet
    assert owe(feed, "2026-07-03", 6500, "2026-06-01") == []
    assert feed.boss("customer.changed", "2026-07-04", **CUSTOMER) == []
    assert owe(feed, "2026-07-05", 0) == []
    assert owe(feed, "2026-07-06", 10, None) == ["arrears raised opened"]


# --- complaints -------------------------------------------------------------------------------------------------

OPENED = "2026-06-30T09:00:00+08:00"


def complain(feed: Feed, when: str, status: str, id: str = "k1", **more: Any) -> list[str]:
    return feed.boss("complaint.changed", when, complaint_id=id, opened_at=OPENED, status=status, **more)


@pytest.mark.parametrize(
    ("area", "soon", "due"),
    [
        ("urban", "2026-07-01 23:24", "2026-07-02 09:00"),
        (None, "2026-07-01 23:24", "2026-07-02 09:00"),
        ("rural", "2026-07-02 18:36", "2026-07-03 09:00"),
    ],
)
def test_complaint_clock(area: str | None, soon: str, due: str) -> None:
    feed = known(area=area)
    assert complain(feed, "2026-06-30 09:05", "opened", category="network", severity=2) == [
        "complaint_opened raised opened"
    ]
    assert (feed.alerts()[0].due_at, feed.wake) == (at(due), at(soon))
    assert complain(feed, "2026-06-30 10:00", "in_progress") == []
    assert feed.tick(soon) == ["complaint_opened changed due_soon"]
    assert feed.tick(due) == ["complaint_opened changed overdue"]
    assert feed.wake is None
    assert complain(feed, due, "closed") == ["complaint_opened resolved overdue closed"]


def test_a_leap_gives_the_last_step_only() -> None:
    feed = known()
    complain(feed, "2026-06-30 09:05", "opened")
    assert feed.tick("2026-07-30") == ["complaint_opened changed overdue"]


@pytest.mark.parametrize(
    ("seen", "status", "told"),
    [
        ("2026-06-30 10:00", "opened", ["complaint_opened raised opened"]),
        ("2026-06-30 10:00", "in_progress", ["complaint_opened raised opened"]),
        ("2026-07-02 08:59", "opened", ["complaint_opened raised due_soon"]),
        ("2026-07-02 09:00", "opened", ["complaint_opened raised overdue"]),
        ("2026-07-09 09:00", "reopened", ["complaint_opened raised reopened"]),  # its clock runs from here
        ("2026-06-30 10:00", "closed", []),
    ],
)
def test_complaint_first_seen(seen: str, status: str, told: list[str]) -> None:
    assert complain(known(), seen, status) == told


def test_reopening_restarts_the_clock() -> None:
    feed = known()
    complain(feed, "2026-06-30 09:05", "opened")
    complain(feed, "2026-06-30 15:00", "closed")
    assert feed.tick("2026-07-10") == []
    assert complain(feed, "2026-07-10 11:00", "in_progress") == ["complaint_opened changed reopened"]
    alert = feed.alerts()[0]
    assert (alert.reopened, alert.state, alert.due_at) == (True, "raised", at("2026-07-12 11:00"))
    assert complain(feed, "2026-07-10 12:00", "reopened") == ["complaint_opened changed reopened"]  # turned while open
    assert (feed.alerts()[0].reopened, feed.alerts()[0].due_at) == (False, at("2026-07-12 12:00"))
    assert complain(feed, "2026-07-10 13:00", "reopened", category="price") == []
    assert feed.tick("2026-07-12 12:00") == ["complaint_opened changed overdue"]


def test_first_seen_closed_then_not() -> None:
    feed = known()
    complain(feed, "2026-06-30 10:00", "closed")
    assert complain(feed, "2026-07-09 09:00", "in_progress") == ["complaint_opened raised reopened"]


def test_a_managers_word_on_a_complaint_lasts_until_boss_closed_it() -> None:
    feed = known()
    complain(feed, "2026-06-30 10:00", "opened")
    assert feed.manager(feed.alerts()[0], "other") == ["complaint_opened resolved opened other"]
    assert complain(feed, "2026-06-30 11:00", "reopened") == []
    assert feed.tick("2026-07-30") == []
    assert complain(feed, "2026-07-30 11:00", "closed") == []
    assert complain(feed, "2026-07-31 11:00", "reopened") == ["complaint_opened changed reopened"]


def test_closed_complaints_are_forgotten_in_the_end() -> None:
    feed = known()
    complain(feed, "2025-12-31 10:00", "opened")
    complain(feed, "2025-12-31 11:00", "closed")
    complain(feed, "2027-06-30 10:00", "opened", id="k2")
    assert feed.state is not None
    assert list(feed.state.tickets) == ["k2"]
    assert list(feed.state.alerts) == ["complaint/k2"]


# --- contracts --------------------------------------------------------------------------------------------------


def agree(feed: Feed, day: str, ends_on: str | None, id: str = "ct/1", **more: Any) -> list[str]:
    return feed.boss("contract.changed", day, contract_id=id, ends_on=ends_on, product_code="B24", **more)


@pytest.mark.parametrize(
    ("ends_on", "told"),
    [
        ("2026-09-29", []),  # 91 days
        ("2026-09-28", ["contract_expiring raised 90"]),
        ("2026-08-30", ["contract_expiring raised 90"]),  # 61
        ("2026-08-29", ["contract_expiring raised 60"]),
        ("2026-07-05", ["contract_expiring raised 7"]),
        ("2026-07-01", ["contract_expiring raised 1"]),
        ("2026-06-30", ["contract_expiring raised 1"]),  # the last day
        ("2026-06-29", []),  # first seen after its end
        (None, []),
    ],
)
def test_step_by_days_left(ends_on: str | None, told: list[str]) -> None:
    assert agree(known(), "2026-06-30", ends_on) == told


def test_countdown() -> None:
    feed = known()
    agree(feed, "2026-06-30", "2026-12-31")
    told = []
    for day in ("10-01", "10-02", "10-03", "11-01", "11-30", "12-01", "12-24", "12-30", "12-31"):
        told += feed.tick(f"2026-{day}")
    told += feed.tick("2027-01-01")
    assert told == [
        "contract_expiring raised 90",
        "contract_expiring changed 60",
        "contract_expiring changed 30",
        "contract_expiring changed 7",
        "contract_expiring changed 1",
        "contract_expiring resolved 1 expired",
    ]
    assert feed.wake is None


@pytest.mark.parametrize(
    ("moved", "told"),
    [
        ("2027-07-20", ["contract_expiring resolved 30 renewed"]),
        ("2026-08-20", ["contract_expiring resolved 30 renewed", "contract_expiring raised 60"]),
        ("2026-07-04", ["contract_expiring resolved 30 withdrawn", "contract_expiring raised 7"]),
        ("2026-06-01", ["contract_expiring resolved 30 withdrawn"]),
        (None, ["contract_expiring resolved 30 withdrawn"]),
    ],
)
def test_the_end_moves(moved: str | None, told: list[str]) -> None:
    feed = known()
    assert agree(feed, "2026-06-30", "2026-07-20") == ["contract_expiring raised 30"]
    assert agree(feed, "2026-06-30", "2026-07-20", auto_renew=True) == []
    assert agree(feed, "2026-07-01", moved) == told


def test_an_end_that_returns_reopens_its_alert() -> None:
    feed = known()
    agree(feed, "2026-06-30", "2026-07-20")
    agree(feed, "2026-07-01", "2027-07-20")
    assert agree(feed, "2026-07-02", "2026-07-20") == ["contract_expiring changed 30"]
    alert = feed.alerts()[0]
    assert (alert.reopened, alert.previous_stage, alert.state) == (True, "30", "raised")
    assert feed.tick("2026-07-13") == ["contract_expiring changed 7"]


def test_a_managers_word_on_a_contract_lasts_for_this_end() -> None:
    feed = known()
    agree(feed, "2026-06-30", "2026-07-20")
    feed.manager(feed.alerts()[0], "retained")
    assert feed.tick("2026-07-21") == []
    assert agree(feed, "2026-07-22", "2026-08-01") == ["contract_expiring raised 30"]


def test_contracts_wait_for_the_customer_and_outlive_a_win_back() -> None:
    feed = Feed()
    agree(feed, "2026-06-30", "2026-08-29")
    assert feed.tick("2026-07-01") == []
    assert feed.boss("customer.changed", "2026-07-02", **CUSTOMER) == ["contract_expiring raised 60"]
    agree(feed, "2026-07-02", "2026-10-02", id="ct/2")
    assert feed.boss("customer.left", "2026-07-03", left_on="2026-07-03") == ["contract_expiring resolved 60 left"]
    assert feed.tick("2026-07-10") == []
    assert feed.boss("customer.changed", "2026-07-11", **CUSTOMER) == []
    assert feed.tick("2026-07-29") == []
    assert feed.tick("2026-07-31") == ["contract_expiring changed 30"]  # its next step
    assert feed.tick("2026-08-03") == ["contract_expiring raised 60"]  # ct/2: step 90 went by while away


def test_long_past_ends_are_forgotten() -> None:
    feed = known()
    agree(feed, "2026-06-30", "2026-07-20")
    feed.tick("2026-07-21")
    agree(feed, "2028-06-30", "2030-01-01", id="ct/2")
    assert feed.state is not None
    assert (list(feed.state.terms), feed.state.alerts) == (["ct/2"], {})


# --- the clock and the records ----------------------------------------------------------------------------------


def test_a_due_step_waits_for_its_tick_and_is_not_lost_to_a_later_record() -> None:
    feed = known()
    complain(feed, "2026-06-30 09:05", "opened")
    owe(feed, "2026-07-05", 5000, "2026-07-05")  # accepted at a later clock, before any tick
    assert "due_soon" not in str(feed.told)
    assert "overdue" not in str(feed.told)
    assert feed.tick() == ["complaint_opened changed overdue"]
    assert feed.tick("2026-07-06") == ["arrears changed reminder"]


def test_a_bill_keeps_the_wish_to_wake() -> None:
    feed = known()
    complain(feed, "2026-06-30 09:05", "opened")
    wake = feed.wake
    feed.boss("bill.issued", "2026-06-30 11:00", period="202606", amount_fen=1)
    assert feed.wake == wake


def test_a_clock_behind_what_was_already_judged_takes_nothing_back() -> None:
    feed = known()
    owe(feed, "2026-06-30", 5000, "2026-06-30")
    owe(feed, "2026-08-01", 6000, "2026-06-30")
    assert feed.alerts()[0].stage == "second_reminder"
    feed.now = at("2026-07-05")  # another topic has not come further
    assert feed.tick() == []
    assert feed.tick("2026-08-29") == ["arrears changed final_notice"]
