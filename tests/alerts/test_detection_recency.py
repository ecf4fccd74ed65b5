"""Defects 7 and 25: what is late, repeated or replayed never overwrites newer facts.

Also when the record has gone from the state; an alert that is forgotten and comes back goes on with its revisions.
"""

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.detection import bounds
from harness.detection_feed import Feed, at

CUSTOMER = {"status": "active", "opened_on": "2010-01-01", "city": "320100", "area": "urban"}
OPENED = "2026-06-02T09:00:00+08:00"


def known() -> Feed:
    feed = Feed()
    feed.boss("customer.changed", "2026-01-01", **CUSTOMER)
    return feed


def owe(feed: Feed, day: str, amount: int, due: str = "2026-05-01") -> list[str]:
    return feed.boss("arrears.changed", day, as_of=day, amount_fen=amount, oldest_due_on=due)


def complain(feed: Feed, day: str, status: str, id: str = "k1") -> list[str]:
    return feed.boss("complaint.changed", day, complaint_id=id, opened_at=OPENED, status=status)


def agree(feed: Feed, day: str, ends_on: str | None) -> list[str]:
    return feed.boss("contract.changed", day, contract_id="ct/1", ends_on=ends_on)


def replay_all(feed: Feed) -> list[str]:
    return [told for number in range(len(feed.heard)) for told in feed.replay(number)]


def test_an_old_debt_does_not_come_back_after_it_was_cleared() -> None:
    feed = known()
    owe(feed, "2026-06-29", 500)
    owe(feed, "2026-06-30", 0)
    before = feed.raw
    assert replay_all(feed) == []
    assert feed.raw == before


def test_a_debt_that_was_dead_lettered_and_replayed_after_it_was_cleared() -> None:
    feed = known()
    owe(feed, "2026-06-29", 500)
    owe(feed, "2026-06-30", 0)
    later = known()
    later.heard += feed.heard[1:]
    later.replay(2)
    assert later.replay(1) == []


@pytest.mark.parametrize(
    "story",
    [
        [("customer.changed", {**CUSTOMER, "area": "rural"}), ("customer.left", {"left_on": "2026-06-03"})],
        [("customer.left", {"left_on": "2026-06-03"}), ("customer.changed", {**CUSTOMER, "city": "320200"})],
        [
            ("complaint.changed", {"complaint_id": "k1", "opened_at": OPENED, "status": "opened"}),
            ("complaint.changed", {"complaint_id": "k1", "opened_at": OPENED, "status": "closed"}),
            ("complaint.changed", {"complaint_id": "k1", "opened_at": OPENED, "status": "reopened"}),
        ],
        [
            ("contract.changed", {"contract_id": "ct/1", "ends_on": "2026-07-01"}),
            ("contract.changed", {"contract_id": "ct/1", "ends_on": "2026-08-01"}),
            ("contract.changed", {"contract_id": "ct/1", "ends_on": None}),
        ],
        [
            ("service.requested", {"request_id": "s", "kind": "stop", "requested_at": "2026-06-05T09:00:00+08:00"}),
            ("service.requested", {"request_id": "s", "kind": "change", "requested_at": "2026-06-05T09:00:00+08:00"}),
        ],
        [
            ("bill.issued", {"period": "202605", "amount_fen": None}),
            ("bill.issued", {"period": "202605", "amount_fen": 9}),
            ("bill.issued", {"period": "202605", "amount_fen": None}),
        ],
        [
            ("usage.summarised", {"period": "202605", "voice_minutes": 10}),
            ("usage.summarised", {"period": "202605", "voice_minutes": 9}),
        ],
    ],
    ids=lambda story: story[0][0],
)
def test_a_replay_changes_nothing(story: list[tuple[str, dict[str, Any]]]) -> None:
    feed = known()
    for day, (type_, data) in enumerate(story, 10):
        feed.boss(type_, f"2026-06-{day}", **data)
    feed.tick("2026-06-20")
    before = feed.raw
    assert replay_all(feed) == []
    assert feed.raw == before


def test_the_newest_revision_wins_when_the_older_one_comes_after_it() -> None:
    feed = known()
    complain(feed, "2026-06-03", "opened")
    complain(feed, "2026-06-04", "closed")
    late = known()
    late.now = feed.now
    late.heard += feed.heard[1:]
    assert late.replay(2) == []  # first seen closed
    assert late.replay(1) == []


def test_a_contract_that_ended_long_ago_stays_ended() -> None:
    feed = known()
    agree(feed, "2026-06-03", "2028-06-30")
    agree(feed, "2026-06-04", "2026-06-20")
    feed.tick("2026-06-21")
    feed.tick("2027-12-01")
    feed.boss("customer.changed", "2028-05-01", **{**CUSTOMER, "plan_code": "p2"})
    assert feed.state is not None
    assert feed.state.terms == {}
    assert replay_all(feed) == []


def test_a_managers_word_of_before_the_reopening_ends_nothing() -> None:
    feed = known()
    complain(feed, "2026-06-03", "opened")
    alert = feed.alerts()[0]
    complain(feed, "2026-06-04", "closed")
    complain(feed, "2026-06-10", "reopened")
    assert feed.manager(alert, "other", revision=2, at=at("2026-06-03 12:00").isoformat()) == []
    assert feed.manager(alert, "other", revision=4, at=at("2026-06-10 10:00").isoformat()) != []
    complain(feed, "2026-06-11", "closed")
    complain(feed, "2026-06-11 09:00", "reopened")
    complain(feed, "2026-06-11 11:00", "reopened")
    assert feed.alerts()[0].state == "raised"
    assert feed.manager(alert, "other", revision=4, at=at("2026-06-11 12:00").isoformat()) == []  # repeated
    assert feed.manager(alert, "other", revision=6, at=at("2026-06-11 12:00").isoformat()) != []


def test_a_complaint_reopened_long_after_its_end_is_the_same_alert() -> None:
    feed = known()
    complain(feed, "2026-06-03", "opened")
    complain(feed, "2026-06-04", "closed")
    first = feed.alerts()[0]
    feed.boss("customer.changed", "2027-12-01", **{**CUSTOMER, "plan_code": "p2"})
    assert feed.state is not None
    assert (feed.state.tickets, feed.state.alerts) == ({}, {})
    assert complain(feed, "2027-12-02", "in_progress") == ["complaint_opened changed reopened"]
    alert = feed.alerts()[0]
    assert len(feed.alerts()) == 1
    assert (alert.revision, alert.reopened, alert.raised_at) == (3, True, first.raised_at)
    assert alert.due_at == at("2027-12-04 10:00")
    assert replay_all(feed) == []


def test_the_memory_of_records_that_are_gone_is_bounded() -> None:
    feed = known()
    feed.boss("complaint.changed", "2026-01-02", complaint_id="open", opened_at=OPENED, status="opened")
    for number in range(1000):
        stamp = f"2026-06-{number % 28 + 1:02}T09:00:00+08:00"
        feed.boss("service.requested", None, request_id=f"s{number}", kind="change", requested_at=stamp)
    state = feed.state
    assert state is not None
    # what is followed does not count, nor do CUST and ARR
    assert len(state.heard) == bounds.TRACES + 2
    assert {"CUST", "COMP/open", "SERV/s999"} <= set(state.heard)


# --- final figures, whatever is replayed and in whatever order ---------------------------------------------------

_AMOUNTS = st.sampled_from([None, 0, 10, 60, 69, 70, 71, 100, 140])


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 7), _AMOUNTS), min_size=6, max_size=24), st.randoms(use_true_random=False))
def test_figures_replayed_in_any_order_end_as_in_order(bills: list[tuple[int, int | None]], random: Any) -> None:
    in_order, shuffled = known(), known()
    for month, amount in bills:
        in_order.boss("bill.issued", "2026-08-02", period=f"2026{month + 1:02}", amount_fen=amount)
    in_order.tick()
    shuffled.now = in_order.now
    shuffled.heard = list(in_order.heard)
    numbers = list(range(1, len(shuffled.heard)))
    for number in random.sample(numbers, len(numbers)) + random.choices(numbers or [0], k=10):
        shuffled.replay(number)
    assert _figures(shuffled) == _figures(in_order)
    assert _standing(shuffled) == _standing(in_order)


def _figures(feed: Feed) -> dict[tuple[int, int], int]:
    """Known figures; a month that was only ever not known may or may not have a place in the series."""
    assert feed.state is not None
    series = feed.state.figures.get("amount_fen")
    if series is None:
        return {}
    months = enumerate(series.values, series.first)
    return {(month, series.revisions.get(month, 1)): value for month, value in months if value is not None}


def _standing(feed: Feed) -> dict[str | None, Any]:
    return {
        a.period: (a.state, a.outcome, msgspec.to_builtins([(r.code, r.values) for r in a.reasons]))
        for a in feed.alerts()
        if a.outcome != "withdrawn"
    }


def test_revisions_that_begin_again_with_a_lost_store_are_heard() -> None:
    feed = known()
    owe(feed, "2026-06-02", 500)
    owe(feed, "2026-06-03", 600)
    feed.boss("bill.issued", "2026-06-03", period="202605", amount_fen=9)
    feed._known.clear()
    assert owe(feed, "2026-06-04", 700) == ["arrears changed second_reminder"]
    feed.boss("bill.issued", "2026-06-05", period="202605", amount_fen=8)
    assert feed.state is not None
    assert feed.state.figures["amount_fen"].values == (8,)
