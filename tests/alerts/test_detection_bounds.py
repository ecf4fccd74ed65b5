"""What a customer's state holds is bounded, however long and however much BOSS says of him."""

import msgspec
import pytest

from alerts.detection import bounds
from alerts.detection.rows import KEPT_MONTHS
from harness.detection_feed import Feed

pytestmark = pytest.mark.long

CUSTOMER = {"status": "active", "opened_on": "2010-01-01", "city": "320100", "area": "urban"}
SMALL = 64 * 1024  # bytes of a stored state


def known() -> Feed:
    feed = Feed()
    feed.boss("customer.changed", "2016-01-01", **CUSTOMER)
    return feed


def a_month(feed: Feed, number: int) -> None:
    """Of a busy customer: every figure falls now and then, complaints, a debt, a contract, requests, all of it new."""
    month, stamp = f"{2016 + number // 12}{number % 12 + 1:02}", f"{2016 + number // 12}-{number % 12 + 1:02}"
    feed.boss("bill.issued", f"{stamp}-02", period=month, amount_fen=100 if number % 4 else 10)
    feed.boss("usage.summarised", f"{stamp}-02", period=month, voice_minutes=100 if number % 5 else 10)
    for day in range(3, 7):
        id_ = f"k{number}-{day}"
        opened = f"{stamp}-{day:02}"
        complaint = {"complaint_id": id_, "opened_at": f"{opened}T09:00:00+08:00", "category": "x" * 4000}
        feed.boss("complaint.changed", opened, **complaint, status="opened")
        feed.boss("complaint.changed", f"{stamp}-{day + 5:02}", **complaint, status="closed")
        feed.boss("service.requested", opened, request_id=id_, kind="stop", requested_at=f"{opened}T09:00:00+08:00")
    feed.boss("arrears.changed", f"{stamp}-15", as_of=f"{stamp}-15", amount_fen=5000, oldest_due_on=f"{stamp}-01")
    feed.boss("arrears.changed", f"{stamp}-20", as_of=f"{stamp}-20", amount_fen=0)
    feed.boss("contract.changed", f"{stamp}-20", contract_id=f"x{number}", ends_on=f"{stamp}-27", product_code="p1")
    feed.tick(f"{stamp}-28")


def test_ten_years_of_a_busy_customer_stay_small() -> None:
    feed, sizes = known(), []
    for number in range(120):
        a_month(feed, number)
        assert feed.raw is not None
        sizes.append(len(feed.raw))
    state = feed.state
    assert state is not None
    assert len(feed.emits) > 1500
    assert sizes[-1] < SMALL * 2
    assert max(sizes) < 1.2 * max(sizes[:60]), "the second five years add nothing"
    assert len(state.heard) <= bounds.TRACES + 2 + 2 * bounds.FOLLOWED
    assert len(state.ended) <= bounds.TRACES
    assert max(len(series.values) for series in state.figures.values()) == KEPT_MONTHS
    assert sum(key.startswith("churn/") for key in state.alerts) <= 2 * KEPT_MONTHS


def test_hundreds_of_complaints_contracts_and_requests_at_once_stay_small() -> None:
    feed = known()
    for number in range(bounds.FOLLOWED + 60):
        opened_at = f"2016-02-{number % 28 + 1:02}T09:00:00+08:00"
        feed.boss("complaint.changed", "2016-03-01", complaint_id=f"k{number}", opened_at=opened_at, status="opened")
        feed.boss("contract.changed", "2016-03-01", contract_id=f"x{number}", ends_on="2016-04-01")
        feed.boss("service.requested", None, request_id=f"s{number}", kind="stop", requested_at=opened_at)
    state = feed.state
    assert state is not None
    assert len(state.tickets) == bounds.FOLLOWED
    assert len(state.terms) == bounds.FOLLOWED
    assert len(state.asked) <= 2 * KEPT_MONTHS
    assert len(state.alerts) <= 3 * bounds.FOLLOWED
    assert len(state.ended) <= bounds.TRACES
    assert feed.raw is not None
    assert len(feed.raw) < 8 * SMALL
    outcomes = {alert.outcome for alert in feed.alerts() if alert.state == "resolved"}
    assert outcomes == {"superseded"}, "what gives way to newer ones is told, too"


def test_texts_are_kept_as_far_as_they_matter() -> None:
    feed = known()
    feed.boss(
        "complaint.changed", "2016-03-01", complaint_id="k", opened_at="2016-03-01T09:00:00+08:00", status="opened",
        category="类" * 4000,
    )  # fmt: skip
    state = feed.state
    assert state is not None
    assert state.tickets["k"].values["category"] == "类" * bounds.TEXT
    assert len(msgspec.msgpack.encode(state)) < 5000
