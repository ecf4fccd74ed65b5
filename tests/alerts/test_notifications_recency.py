"""Older facts never overwrite newer ones (defect 7), and a record that moves to another customer is gone (14, 31).

What is replayed of the dead letters is what came before: each test tells the story, then tells an early part again.
"""

from typing import Any

import pytest
from msgspec.structs import replace

from alerts.notifications.state import Recency
from contracts.alert import Alert
from harness.detection_feed import at
from harness.notifications_feed import Story
from servicekit.clock import iso
from servicekit.decision import Context


def replay(s: Story, index: int) -> None:
    """An alert event that the desk has heard already, once more."""
    emit = s.emits[index]
    s._desk_hears([emit])


def record(s: Story, type_: str, when: str, revision: int, **data: Any) -> None:
    """A BOSS record for the desk alone."""
    context = Context(s.now, f"{type_}-{revision}", type_, "feed:test#r", revision, at(when).isoformat())
    s._desk(f"kam.boss.{type_}.v1", {"customer_id": s.customer_id, **data}, context)


def test_an_older_alert_event_reopens_nothing_and_queues_nothing() -> None:
    s = Story().customer()
    s.complains("2026-03-10")
    s.tick()
    s.send()
    s.complains("2026-03-11", "closed")
    s.tick()
    s.send()
    told, rows = list(s.told_sms), [dict(row) for row in s.alert_rows]
    replay(s, 0)
    s.tick("2026-03-12")
    assert (s.told_sms, s.alert_rows, s.intend()) == (told, rows, [])
    assert [row["state"] for row in s.alert_rows] == ["resolved"]


def test_the_final_event_replayed_before_the_first_stays_final() -> None:
    """A dead letter may be the newer one, too: what comes late of what was before changes nothing."""
    s = Story().customer()
    alert = Alert(
        alert_id="a1", kind="complaint_opened", customer_id="c1", revision=2, state="resolved", outcome="retained",
        severity="major", rule={"id": "complaint-opened", "version": 1}, raised_at=at("2026-03-10"),
        at=at("2026-03-11"),
    )  # fmt: skip
    early = replace(alert, revision=1, state="raised", outcome=None, stage="opened", at=at("2026-03-10"))
    for event in (alert, early):
        verb = "resolved" if event.outcome else "raised"
        s._desk(f"kam.alert.{verb}.v1", event, Context(s.now, verb, f"kam.alert.{verb}.v1", "feed:test#r"))
    assert [row["state"] for row in s.alert_rows] == ["resolved"]
    assert s.told_sms == []


def test_an_older_stage_sends_nothing_again() -> None:
    s = Story().customer()
    s.owes(10_000, "2026-06-01", "2026-05-20")
    s.tick()
    s.send()
    s.tick("2026-06-25")
    s.send()
    told = list(s.told_sms)
    for index in range(len(s.emits) - 1):
        replay(s, index)
    s.tick("2026-06-26")
    assert s.told_sms == told


def test_an_alert_that_begins_anew_is_heard() -> None:
    last, again = Recency(at("2026-03-10"), 5), Recency(at("2027-05-01"), 1)
    assert not again.is_passed_by(last)
    assert Recency(at("2026-03-09"), 4).is_passed_by(last)
    assert not Recency(at("2026-03-09"), 6).is_passed_by(last), "a wake-up behind a fact that ran ahead"


def test_an_older_cust_record_changes_neither_number_nor_do_not_disturb() -> None:
    s = Story()
    record(s, "customer.changed", "2026-03-01", 1, phone="13900000009", status="active")
    record(s, "customer.changed", "2026-03-02", 2, phone="13900000001", status="active", do_not_disturb=True)
    record(s, "customer.changed", "2026-03-01", 1, phone="13900000009", status="active")
    record(s, "customer.left", "2026-03-01", 1)
    assert s.customer_state is not None
    contact = s.customer_state.contact
    assert (contact.phone, contact.do_not_disturb, contact.left) == ("8613900000001", True, False)
    record(s, "customer.changed", "2026-03-03", 1, phone="13900000009", status="active")
    assert s.customer_state is not None and s.customer_state.contact.phone == "8613900000009", "a store begun anew"


def test_an_older_arr_record_and_an_older_confirmation_change_no_debt() -> None:
    s = Story()
    record(s, "arrears.changed", "2026-03-01", 1, as_of="2026-03-01", amount_fen=900)
    record(s, "arrears.changed", "2026-03-03", 2, as_of="2026-03-03", amount_fen=0)
    record(s, "arrears.changed", "2026-03-01", 1, as_of="2026-03-01", amount_fen=900)
    assert s.customer_state is not None
    assert (s.customer_state.debt.due_fen, s.customer_state.debt.effective) == (0, at("2026-03-03"))
    record(s, "arrears.confirmed", "2026-03-02", 1, confirmed_at=iso(at("2026-03-02")))
    assert s.customer_state.debt.effective == at("2026-03-03")


def pay(s: Story, revision: int, fen: int, when: str = "2026-03-05") -> None:
    record(s, "payment.received", when, revision, payment_id="p1", paid_at=iso(at("2026-03-05")), amount_fen=fen)


def test_an_older_payment_does_not_undo_its_correction() -> None:
    s = Story()
    record(s, "arrears.changed", "2026-03-01", 1, as_of="2026-03-01", amount_fen=900)
    pay(s, 1, 900)
    pay(s, 2, 100, "2026-03-06")
    pay(s, 1, 900)
    assert s.customer_state is not None and s.customer_state.debt.due_fen == 800


def test_a_payment_that_is_another_customer_s_counts_no_more() -> None:
    """Defect 31: a payment corrected to another customer still cancelled the first one's dunning."""
    s = Story()
    record(s, "arrears.changed", "2026-03-01", 1, as_of="2026-03-01", amount_fen=900)
    pay(s, 1, 900)
    moved = {"kind": "PAY", "record_id": "p1", "moved_to": "c2", "moved_at": iso(at("2026-03-06"))}
    record(s, "record.moved", "2026-03-06", 2, **moved)
    assert s.customer_state is not None and s.customer_state.debt.due_fen == 900
    pay(s, 1, 900)
    assert s.customer_state.debt.due_fen == 900, "a dead letter of before"
    pay(s, 3, 900, "2026-03-07")
    record(s, "record.moved", "2026-03-06", 2, **moved)
    assert s.customer_state is not None and s.customer_state.debt.due_fen == 0, "it has come back since"


@pytest.mark.parametrize("kind", ["CONT", "COMP", "SERV"])
def test_any_other_record_that_moves_is_left_to_its_alert(kind: str) -> None:
    s = Story().customer()
    before = s.desk_raw
    record(s, "record.moved", "2026-03-06", 2, kind=kind, record_id="k1", moved_to="c2", moved_at=iso(at("2026-03-06")))
    assert s.desk_raw == before


def test_an_older_work_event_takes_nothing_back() -> None:
    s = Story().customer()
    s.complains("2026-03-10")
    (alert,) = s.alerts()

    def work(state: str, revision: int, when: str) -> None:
        type_ = f"kam.work.{state}.v1"
        data = {"customer_id": "c1", "alert_id": alert.alert_id, "work_id": "w1", "state": state}
        data |= {"revision": revision, "at": iso(at(when))}
        s._desk(type_, data, Context(s.now, f"w{revision}", type_, "feed:test#w"))

    work("accepted", 2, "2026-03-10 11:00")
    work("acted", 3, "2026-03-10 12:00")
    work("accepted", 2, "2026-03-10 11:00")
    assert [row["state"] for row in s.alert_rows] == ["acted"]


def warned(customer: str, alert_id: str, revision: int = 1, **changes: Any) -> Alert:
    alert = Alert(
        alert_id=alert_id, kind="contract_expiring", customer_id=customer, revision=1, state="raised", stage="60",
        severity="minor", rule={"id": "contract-expiring", "version": 1}, raised_at=at("2026-06-10"),
        at=at("2026-06-10"), values={"ends_on": "2026-08-15"},
    )  # fmt: skip
    return replace(alert, revision=revision, **changes)


def test_a_contract_that_moves_takes_its_queued_sms_back_and_the_new_customer_has_his_own() -> None:
    """Defects 14 and 31: both had the same alert and SMS ids, and ``kam sms`` listed half of what the SMSC took."""
    a, b = Story("c1").customer("2026-06-01"), Story("c2").customer("2026-06-01")
    for s, alert in ((a, warned("c1", "a1")), (b, warned("c2", "a1-of-c2"))):
        s._desk("kam.alert.raised.v1", alert, Context(at("2026-06-10"), "e", "kam.alert.raised.v1", "feed:test#k"))
    gone = warned("c1", "a1", 2, state="resolved", outcome="withdrawn", at=at("2026-06-10 11:00"))
    a._desk("kam.alert.resolved.v1", gone, Context(a.now, "e2", "kam.alert.resolved.v1", "feed:test#k"))
    for s in (a, b):
        s.tick("2026-06-10 12:00")
        s.send()
    assert (a.states, b.states) == (["60 cancelled resolved"], ["60 sent"])
    assert a.sms[0]["sms_id"] != b.sms[0]["sms_id"]
    replay_of_before = warned("c1", "a1")
    a._desk("kam.alert.raised.v1", replay_of_before, Context(a.now, "e", "kam.alert.raised.v1", "feed:test#k"))
    a.tick("2026-06-11")
    assert a.intend() == []


def test_every_contract_sms_that_the_smsc_took_is_listed_when_a_contract_goes_there_and_back() -> None:
    """Defect 31, from the records on: A's, then B's, then A's again; what waits at a handover is never sent."""
    a, b = (Story(customer).customer("2026-06-01") for customer in ("A", "B"))
    term = {"contract_id": "k1", "ends_on": "2026-08-15"}
    taken: list[str] = []

    def send(s: Story, when: str) -> None:
        s.tick(when)
        taken.extend(intent.sms_id for intent in s.send())

    a.boss("contract.changed", "2026-06-02", **term)
    send(a, "2026-06-20 10:00")  # 60 days
    a.hand_over(b, "contract.changed", "2026-06-21", **term)
    send(b, "2026-06-21 10:00")
    b.tick("2026-07-16 23:00")  # 30 days, in the night: it waits
    b.hand_over(a, "contract.changed", "2026-07-16 23:30", **term)
    for s in (a, b):
        send(s, "2026-07-17 10:00")
    rows = [*a.sms, *b.sms]
    assert len(taken) == len(set(taken))
    assert sorted(row["sms_id"] for row in rows if row["state"] == "sent") == sorted(taken)
    assert len(rows) == len({row["sms_id"] for row in rows})
    assert (b.states[-1], a.states[-1]) == ("30 cancelled resolved", "30 sent")
