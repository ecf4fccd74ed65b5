"""Defects 14 and 31: a record that changes its customer moves whole.

Withdrawn here, first seen there, with ids of its own.
"""

from typing import Any

import pytest

from harness.detection_feed import Feed

CUSTOMER = {"status": "active", "opened_on": "2010-01-01", "city": "320100", "area": "urban"}
CONTRACT = {"contract_id": "k1", "ends_on": "2026-08-15"}
COMPLAINT = {"complaint_id": "k1", "opened_at": "2026-06-01T09:00:00+08:00", "status": "opened"}
REQUEST = {"request_id": "s1", "kind": "stop", "requested_at": "2026-06-01T09:00:00+08:00"}


def pair() -> tuple[Feed, Feed]:
    a, b = Feed("A"), Feed("B")
    for feed in (a, b):
        feed.boss("customer.changed", "2026-01-01", **CUSTOMER)
    return a, b


@pytest.mark.parametrize(
    ("type_", "data", "kind"),
    [
        ("contract.changed", CONTRACT, "contract_expiring"),
        ("complaint.changed", COMPLAINT, "complaint_opened"),
        ("service.requested", REQUEST, "churn_warning"),
    ],
)
def test_there_and_back(type_: str, data: dict[str, Any], kind: str) -> None:
    a, b = pair()
    a.boss(type_, "2026-06-02", **data)
    here, there = a.hand_over(b, type_, "2026-06-10", **data)
    assert [told.split()[-1] for told in here] == ["withdrawn"]
    assert "raised" in there[0]
    assert (a.alerts()[0].state, b.alerts()[0].state) == ("resolved", "raised")
    assert a.alerts()[0].alert_id != b.alerts()[0].alert_id
    assert a.tick("2026-08-20") == []
    assert a.wake is None
    for number in range(len(a.heard)):
        assert a.replay(number) == []

    there, here = b.hand_over(a, type_, "2026-07-01", **data)
    assert [told.split()[-1] for told in there] == ["withdrawn"]
    alerts = a.alerts()
    if kind == "churn_warning":  # one a customer and month
        assert (len(alerts), alerts[0].reopened, alerts[0].revision) == (1, True, 3)
    elif kind == "complaint_opened":
        assert [alert.state for alert in alerts] == ["resolved", "raised"]
        assert len({alert.alert_id for alert in (*alerts, *b.alerts())}) == 3
    for feed in (a, b):
        for number in range(len(feed.heard)):
            assert feed.replay(number) == []


def test_the_old_countdown_ends_and_the_new_one_goes_on() -> None:
    a, b = pair()
    a.boss("contract.changed", "2026-06-02", **CONTRACT)
    a.hand_over(b, "contract.changed", "2026-06-10", **CONTRACT)
    assert a.tick("2026-07-16") == []
    assert b.tick("2026-07-16") == ["contract_expiring changed 30"]
    assert b.boss("contract.changed", "2026-07-17", contract_id="k1", ends_on="2027-08-15") == [
        "contract_expiring resolved 30 renewed"
    ]


def test_a_move_whose_word_comes_late_or_never_ends_the_old_alert_when_the_record_is_back() -> None:
    a, b = pair()
    a.boss("complaint.changed", "2026-06-02", **COMPLAINT)
    a.hand_over(b, "complaint.changed", "2026-06-10", **COMPLAINT)
    b.hand_over(a, "complaint.changed", "2026-06-11", **COMPLAINT)
    late = Feed("A")
    late.now, late.heard = a.now, a.heard
    late.replay(0)
    late.replay(1)
    assert late.replay(3) == ["complaint_opened resolved overdue withdrawn", "complaint_opened raised overdue"]
    assert late.replay(2) == []


def test_a_move_of_what_was_never_heard_of() -> None:
    feed = Feed("A")
    other = Feed("B")
    feed._known["COMP", "k1"] = (1, feed.now, None)
    assert feed.hand_over(other, "complaint.changed", "2026-06-10", **COMPLAINT) == ([], [])
    assert other.boss("customer.changed", "2026-06-11", **CUSTOMER) == ["complaint_opened raised overdue"]


def test_a_closed_complaint_moves_without_a_word() -> None:
    a, b = pair()
    a.boss("complaint.changed", "2026-06-02", **COMPLAINT)
    a.boss("complaint.changed", "2026-06-03", **{**COMPLAINT, "status": "closed"})
    assert a.hand_over(b, "complaint.changed", "2026-06-10", **{**COMPLAINT, "status": "closed"}) == ([], [])
    assert b.boss("complaint.changed", "2026-06-11", **{**COMPLAINT, "status": "reopened"}) == [
        "complaint_opened raised reopened"
    ]
    assert b.alerts()[0].alert_id != a.alerts()[0].alert_id


def test_only_the_reason_that_moved_leaves_and_the_next_of_its_kind_takes_its_place() -> None:
    a, b = pair()
    for period, amount in (("202603", 100), ("202604", 100), ("202605", 100), ("202606", 10)):
        a.boss("bill.issued", "2026-06-30", period=period, amount_fen=amount)
    a.boss("service.requested", "2026-06-30", **REQUEST)
    a.boss("service.requested", "2026-06-30 11:00", **{**REQUEST, "request_id": "s2"})
    here, _ = a.hand_over(b, "service.requested", "2026-07-01", **REQUEST)
    assert here == ["churn_warning 202606 changed"]
    alert = a.alerts()[0]
    assert [r.code for r in alert.reasons] == ["bill_fall", "stop_request"]
    assert alert.values["stop_request_id"] == "s2"
    a.hand_over(b, "service.requested", "2026-07-02", **{**REQUEST, "request_id": "s2"})
    assert [r.code for r in a.alerts()[0].reasons] == ["bill_fall"]
    assert a.alerts()[0].state == "raised"


def test_requests_that_wait_for_the_customer_move_too() -> None:
    a, b = Feed("A"), Feed("B")
    a.boss("service.requested", "2026-06-02", **REQUEST)
    a.hand_over(b, "service.requested", "2026-06-03", **REQUEST)
    assert a.boss("customer.changed", "2026-06-04", **CUSTOMER) == []
    assert b.boss("customer.changed", "2026-06-04", **CUSTOMER) == ["churn_warning 202606 raised"]


def test_what_a_manager_or_leaving_has_ended_stays_so_when_its_record_moves() -> None:
    a, b = pair()
    a.boss("complaint.changed", "2026-06-02", **COMPLAINT)
    a.boss("service.requested", "2026-06-02", **REQUEST)
    for alert in a.alerts():
        a.manager(alert, "retained")
    assert a.hand_over(b, "complaint.changed", "2026-06-10", **COMPLAINT)[0] == []
    assert a.hand_over(b, "service.requested", "2026-06-10", **REQUEST)[0] == []


def test_a_payment_that_moves_is_nothing_to_the_detector() -> None:
    a, b = pair()
    data = {"kind": "PAY", "record_id": "p1", "customer_id": "A", "moved_to": "B", "moved_at": "2026-06-02T00:00:00Z"}
    context = a.heard[0][2]
    assert a._hear("kam.boss.record.moved.v1", data, context) == []
    assert b.alerts() == []
