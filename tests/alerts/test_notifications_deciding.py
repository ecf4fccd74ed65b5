"""May it leave now? Debt, do-not-disturb, quiet hours and the daily cap, as tables."""

from typing import Any

import pytest

from alerts.notifications.send_policy import seeded
from harness.detection_feed import at
from harness.notifications_feed import PHONE, Story


def owing(when: str = "2026-03-10 10:00", **profile: Any) -> Story:
    s = Story().customer(**profile)
    s.owes(5000, when, "2026-03-01")
    return s


@pytest.mark.parametrize(
    ("profile", "state"),
    [
        ({}, "reminder queued"),
        ({"do_not_disturb": True}, "reminder suppressed do_not_disturb"),
        ({"phone": None}, "reminder suppressed no_phone"),
        ({"phone": "025-84000000"}, "reminder suppressed no_phone"),
        ({"phone": "+" + "86" + PHONE}, "reminder queued"),
        ({"phone": "86" + PHONE}, "reminder queued"),
    ],
)
@pytest.mark.parametrize("hour", ["10:00", "22:00"])
def test_who_gets_it(profile: dict[str, Any], state: str, hour: str) -> None:
    s = owing(f"2026-03-10 {hour}", **profile)
    s.tick()
    quiet = hour == "22:00" and state.endswith("queued")
    assert s.states == ["reminder held quiet_hours" if quiet else state], "suppression does not wait for the morning"


def test_a_blocked_number_stays_blocked_for_whoever_has_it_next() -> None:
    s = Story(send_policy=seeded(blocked=lambda phone: phone == "86" + PHONE)).customer()
    s.complains("2026-03-10")
    s.tick()
    assert s.states == ["opened suppressed opted_out"]


def test_td_stops_what_has_not_left() -> None:
    s = owing()
    s.tick()
    s.opts_out()
    assert s.send() == []
    assert s.states == ["reminder suppressed opted_out"]
    assert "td:86" + PHONE in s.documents["blocked_numbers"]
    s.customer("2026-03-11", phone="13900000002")
    s.complains("2026-03-11")
    s.tick()
    assert s.states[-1] == "opened queued", "another number of the same customer is not blocked"


@pytest.mark.parametrize(
    ("paid", "when", "state"),
    [
        (5000, "2026-03-10 11:00", "cancelled paid"),
        (6000, "2026-03-10 11:00", "cancelled paid"),
        (4999, "2026-03-10 11:00", "queued"),
        (5000, "2026-03-10 10:00", "queued"),  # not later than the ARR: already in it
        (5000, "2026-03-09 11:00", "queued"),
        (-100, "2026-03-10 11:00", "queued"),
    ],
)
@pytest.mark.parametrize("decided", [True, False])
def test_a_later_payment_lowers_the_debt(paid: int, when: str, state: str, decided: bool) -> None:
    s = owing()
    if decided:
        s.tick()
    s.pays(paid, when)
    s.tick("2026-03-10 11:00")
    assert s.states == [f"reminder {state}"]
    assert s.alert_rows[0]["state"] == "raised", "only ARR resolves"


def test_a_payment_cancels_right_away_what_was_decided() -> None:
    s = owing("2026-03-10 22:00")
    s.tick()
    s.pays(5000, "2026-03-10 23:00")
    assert s.states == ["reminder cancelled paid"]


def test_a_payment_of_an_old_debt_does_not_touch_the_new_one_whatever_comes_first() -> None:
    s = Story(alerts_first=True).customer()
    s.owes(0, "2026-03-01")
    s.pays(5000, "2026-03-05")
    s.owes(5000, "2026-03-10", "2026-03-01")  # the alert reaches the desk before this record does
    s.tick()
    assert s.states == ["reminder queued"]


def test_a_reversed_or_corrected_payment_counts_as_it_stands() -> None:
    s = owing("2026-03-10 22:00")
    s.pays(5000, "2026-03-10 22:30")
    s.pays(1000, "2026-03-10 22:30")  # the same payment, corrected
    s.tick()
    assert s.states == ["reminder held quiet_hours"]
    assert "40.00" in s.sms[0]["text"]
    s.pays(-500, "2026-03-10 22:40", "p2")
    s.tick("2026-03-11 08:00")
    assert "45.00" in s.sms[0]["text"]


def test_a_confirmed_debt_has_the_payments_before_it() -> None:
    s = owing("2026-03-10 22:00")
    s.pays(1000, "2026-03-10 22:30")
    s.pays(500, "2026-03-10 23:30", "p2")
    type_ = "kam.boss.arrears.confirmed.v1"
    data = {"customer_id": "c1", "confirmed_at": at("2026-03-10 23:00").isoformat()}
    s._handle(type_, data, s_context(s, type_))
    assert s.customer_state is not None and s.customer_state.debt.due_fen == 4500


def s_context(s: Story, type_: str) -> Any:
    from servicekit.decision import Context

    return Context(s.now, "e1", type_, "file:x#1")


def test_an_alert_whose_debt_was_paid_before_it_is_listed_as_cancelled() -> None:
    s = Story().customer()
    s.owes(5000, "2026-03-01 10:00", "2026-03-09")
    s.pays(5000, "2026-03-02 10:00")
    s.tick("2026-03-10")
    assert s.states == ["reminder cancelled paid"]
    s.owes(5000, "2026-03-11", "2026-03-09")
    s.tick()
    assert s.states == ["reminder cancelled paid"], "a cancelled stage counts as sent"


@pytest.mark.parametrize("road", ["customer.left", "status"])
def test_leaving_cancels_what_waits(road: str) -> None:
    s = owing("2026-03-10 22:00")
    s.tick()
    if road == "status":
        s.customer("2026-03-10 23:00", status="left")
    else:
        s.boss("customer.left", "2026-03-10 23:00", left_on="2026-03-10")
    assert s.states[0] in ("reminder cancelled left", "reminder cancelled resolved")
    s.tick("2026-03-11 09:00")
    assert not s.may_go


@pytest.mark.parametrize(
    ("now", "until"),
    [
        ("2026-03-10 20:59", None),
        ("2026-03-10 21:00", "2026-03-11 08:00"),
        ("2026-03-10 23:59", "2026-03-11 08:00"),
        ("2026-03-11 00:00", "2026-03-11 08:00"),
        ("2026-03-11 07:59", "2026-03-11 08:00"),
        ("2026-03-11 08:00", None),
    ],
)
def test_quiet_hours(now: str, until: str | None) -> None:
    s = owing(now)
    s.tick()
    (message,) = s.sms
    if until is None:
        assert message["state"] == "queued" and s.may_go
        return
    assert (message["state"], message["reason"]) == ("held", "quiet_hours")
    assert s.desk_wake == at(until)
    s.tick(until)
    assert s.states == ["reminder queued"] and len(s.may_go) == 1


def test_the_fourth_of_a_day_waits_for_the_morning_lowest_priority_last() -> None:
    s = Story().customer()
    s.boss("contract.changed", "2026-03-10 09:00", contract_id="t1", ends_on="2026-06-01")  # priority 10
    for number in range(3):
        s.complains(f"2026-03-10 09:0{number}", complaint_id=f"k{number}")  # 50
    s.tick("2026-03-10 10:00")
    assert s.states == ["90 held daily_cap", *["opened queued"] * 3]
    s.send()
    s.tick("2026-03-11 07:59")
    assert not s.may_go
    s.tick("2026-03-11 08:00")
    s.send()
    assert s.states == ["90 sent", *["opened sent"] * 3]


def test_one_of_higher_priority_goes_before_those_not_yet_taken() -> None:
    s = Story().customer()
    for number in range(3):
        s.complains(f"2026-03-10 09:0{number}", complaint_id=f"k{number}")
    s.tick()
    s.owes(5000, "2026-03-10 10:00", "2025-11-01", suspended=True)  # priority 80
    s.tick()
    assert sorted(s.states) == ["opened held daily_cap", "opened queued", "opened queued", "suspended queued"]
    assert len(s.send()) == 3
    assert sorted(s.states) == ["opened held daily_cap", "opened sent", "opened sent", "suspended sent"]


def test_the_day_counts_what_has_left_not_what_the_smsc_refused_to_take() -> None:
    s = Story().customer()
    for number in range(3):
        s.complains(f"2026-03-10 09:0{number}", complaint_id=f"k{number}")
    s.tick()
    s.send("throttled")
    assert len(s.send()) == 3, "they may go again on the same day"
    s.complains("2026-03-10 12:00", complaint_id="k9")
    s.tick()
    assert s.states[-1] == "opened held daily_cap"


@pytest.mark.parametrize(
    ("change", "state"),
    [
        (lambda s: s.customer("2026-03-10 11:00", do_not_disturb=True), "suppressed do_not_disturb"),
        (lambda s: s.customer("2026-03-10 11:00", phone=""), "suppressed no_phone"),
        (lambda s: s.customer("2026-03-10 11:00", status="left"), "cancelled left"),
        (lambda s: s.pays(5000, "2026-03-10 11:00"), "cancelled paid"),
        (lambda s: setattr(s, "now", at("2026-03-10 21:30")), "held quiet_hours"),
    ],
)
def test_everything_is_read_again_when_it_leaves(change: Any, state: str) -> None:
    s = owing()
    s.tick()
    change(s)
    assert s.send() == []
    assert s.states == [f"reminder {state}"] or s.states == ["reminder cancelled resolved"]


def test_text_number_and_language_are_those_of_the_submit() -> None:
    s = owing()
    s.tick()
    assert "50.00" in s.sms[0]["text"] and s.sms[0]["language"] == "zh"
    s.customer("2026-03-10 11:00", language="en", phone="13911112222", name="张三")
    s.pays(1234, "2026-03-10 11:30")
    (intent,) = s.send()
    assert intent.phone == "8613911112222"
    text = "".join(part.text for part in intent.parts)
    assert "37.66" in text and text.isascii() and intent.parts[0].encoding == "gsm7"
    s.customer("2026-03-10 12:00", language="zh")
    assert s.sms[0]["text"] == text, "what has left stays as it was"
