"""Defects 24 and 26: what happened while a customer was away waits for its own record; a city once known stays."""

from harness.detection_feed import Feed

CUSTOMER = {"status": "active", "opened_on": "2010-01-01", "city": "320100", "area": "urban"}


def complain(feed: Feed, day: str, status: str) -> list[str]:
    return feed.boss("complaint.changed", day, complaint_id="k1", opened_at="2026-01-05T10:00:00+08:00", status=status)


def test_a_complaint_reopened_while_the_customer_was_away_is_not_raised_by_a_step_of_a_contract() -> None:
    feed = Feed()
    feed.boss("customer.changed", "2026-01-01", **CUSTOMER)
    assert complain(feed, "2026-01-06", "closed") == []
    feed.boss("customer.left", "2026-01-10", left_on="2026-01-10")
    assert complain(feed, "2026-01-12", "reopened") == []
    assert feed.boss("customer.changed", "2026-02-01", **CUSTOMER) == []
    assert feed.boss("contract.changed", "2026-02-02", contract_id="x", ends_on="2026-06-10") == []
    assert feed.tick("2026-03-12 10:00") == ["contract_expiring raised 90"]
    assert complain(feed, "2026-03-13", "in_progress") == ["complaint_opened raised overdue"]
    assert complain(feed, "2026-03-14", "closed") == ["complaint_opened resolved overdue closed"]


def test_an_alert_that_leaving_ended_is_reopened_by_the_next_record_after_the_win_back() -> None:
    feed = Feed()
    feed.boss("customer.changed", "2026-01-01", **CUSTOMER)
    assert complain(feed, "2026-01-06", "opened") != []
    assert feed.boss("customer.left", "2026-01-10", left_on="2026-01-10") == ["complaint_opened resolved opened left"]
    feed.boss("customer.changed", "2026-02-01", **CUSTOMER)
    assert feed.tick("2026-02-02") == []
    assert complain(feed, "2026-02-03", "in_progress") == ["complaint_opened changed overdue"]
    assert len(feed.alerts()) == 1
    assert feed.alerts()[0].revision == 3


def test_a_record_that_says_no_city_leaves_the_customer_in_his() -> None:
    feed = Feed()
    feed.boss("customer.changed", "2026-01-01", **CUSTOMER)
    feed.boss("customer.changed", "2026-01-02", **{**CUSTOMER, "city": None})
    complain(feed, "2026-01-06", "opened")
    assert feed.alerts()[0].city == "320100"


def test_an_alert_older_than_the_word_of_the_city_learns_it_with_its_next_step() -> None:
    feed = Feed()
    feed.boss("customer.changed", "2026-01-01", **{**CUSTOMER, "city": None})
    complain(feed, "2026-01-06", "opened")
    assert feed.alerts()[0].city is None
    feed.boss("customer.changed", "2026-01-07", **CUSTOMER)
    complain(feed, "2026-01-08", "closed")
    assert feed.alerts()[0].city == "320100"
