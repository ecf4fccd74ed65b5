"""Conditions in detection: which months a record judges, how reasons come and go, and by which version."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from alerts.detection import app
from alerts.detection.rows import Rows, packed, rows_of, said, with_request, with_row
from alerts.detection.state import CustomerState
from alerts.rules import Rules, load, read
from harness.detection_feed import Feed, at
from servicekit.documents.in_force import Edition

DAYS = {"figure": "usage.active_days", "op": "<=", "value": 3}
FALLS = {"figure": "usage.voice_minutes", "falls_percent": 50, "months": 3}
POOR = {"figure": "balance.balance_fen", "op": "<", "value": 1000}


def document(id: str, when: dict[str, Any], on: tuple[str, ...] = ("USAGE",), **more: Any) -> dict[str, Any]:
    head = {
        "id": id,
        "type": "condition",
        "alert": "churn_warning",
        "name_zh": "测",
        "name_en": "x",
        "severity": "minor",
    }
    return {**head, "on": list(on), "when": when, **more}


def ruled(*documents: dict[str, Any], state: str = "active", version: int = 1) -> Rules:
    """The seeds, and these brought into force by staff."""
    editions = [Edition(n, "rule", d["id"], version, state, d) for n, d in enumerate(documents, 1)]  # type: ignore[arg-type]
    return load().switched(editions)


def known(*documents: dict[str, Any], **customer: Any) -> Feed:
    feed = Feed(rules=ruled(*documents))
    feed.boss("customer.changed", "2026-01-01", **{"status": "active", "opened_on": "2020-01-01", **customer})
    return feed


def used(feed: Feed, period: str, when: str | None = None, **figures: Any) -> list[str]:
    month = at(f"{period[:4]}-{period[4:]}-01") + timedelta(days=32)
    return feed.boss("usage.summarised", when or f"{month:%Y-%m}-05", period=period, **figures)


def codes(feed: Feed, kind: str = "churn_warning") -> dict[str, list[str]]:
    return {a.period or "": [r.code for r in a.reasons] for a in feed.alerts(kind)}


# --- coming and going ---------------------------------------------------------------------------------------------


def test_a_condition_warns_and_follows_the_final_figures() -> None:
    feed = known(document("silent", DAYS))
    assert used(feed, "202601", active_days=4) == []
    assert used(feed, "202602", active_days=3) == ["churn_warning 202602 raised"]
    alert = feed.alerts()[0]
    assert (alert.rule.id, alert.rule.version, alert.severity) == ("silent", 1, "minor")
    assert [(r.code, r.values) for r in alert.reasons] == [
        ("silent", {"usage_active_days": 3, "usage_active_days_limit": 3})
    ]
    assert used(feed, "202602", "2026-03-09", active_days=20) == ["churn_warning 202602 resolved withdrawn"]
    assert used(feed, "202602", "2026-03-10", active_days=2) == ["churn_warning 202602 changed"]
    assert used(feed, "202602", "2026-03-11", active_days=None) == ["churn_warning 202602 resolved withdrawn"]


def test_the_same_figures_again_say_nothing() -> None:
    feed = known(document("silent", DAYS))
    used(feed, "202602", active_days=3)
    assert used(feed, "202602", "2026-03-20", active_days=3, sms_count=5) == []
    assert feed.replay(1) == []


def test_a_reason_joins_what_has_fallen_and_keeps_it_open() -> None:
    feed = known(document("silent", DAYS))
    for period in ("202601", "202602", "202603"):
        used(feed, period, voice_minutes=100, active_days=20)
    assert used(feed, "202604", voice_minutes=40, active_days=3)[0] == "churn_warning 202604 raised"
    assert codes(feed) == {"202604": ["minutes_fall", "silent"]}
    assert (feed.alerts()[0].rule.id, feed.alerts()[0].severity) == ("drop-30", "major")
    # recovered by drop-30, but the condition's reason stands
    assert used(feed, "202605", voice_minutes=100, active_days=20) == []
    assert used(feed, "202604", "2026-06-10", voice_minutes=100, active_days=3) == ["churn_warning 202604 changed"]
    assert codes(feed) == {"202604": ["silent"]}
    assert used(feed, "202604", "2026-06-11", voice_minutes=100, active_days=9)[-1].endswith("resolved withdrawn")


def test_a_stop_and_a_condition_stand_beside_each_other() -> None:
    feed = known(document("silent", DAYS))
    feed.boss("service.requested", "2026-02-10", request_id="r1", kind="stop", requested_at="2026-02-10T10:00:00+08:00")
    assert used(feed, "202602", active_days=1) == ["churn_warning 202602 changed"]
    assert codes(feed) == {"202602": ["stop_request", "silent"]} and feed.alerts()[0].severity == "critical"
    assert used(feed, "202602", "2026-03-10", active_days=9) == ["churn_warning 202602 changed"]
    assert codes(feed) == {"202602": ["stop_request"]}


def test_what_a_manager_has_closed_stays_so() -> None:
    feed = known(document("silent", DAYS))
    used(feed, "202602", active_days=3)
    feed.manager(feed.alerts()[0], "retained")
    assert used(feed, "202602", "2026-03-10", active_days=9) == []
    assert used(feed, "202602", "2026-03-11", active_days=2) == []
    assert used(feed, "202603", active_days=2) == ["churn_warning 202603 raised"]


def test_attention_is_an_alert_of_its_own() -> None:
    poor = document("poor", POOR, ("BAL",), alert="attention")
    feed = known(poor, document("silent", DAYS, alert="attention"))
    assert feed.boss("balance.changed", "2026-02-20", at="2026-02-20T10:00:00+08:00", balance_fen=999) == [
        "attention 202602 raised"
    ]
    assert used(feed, "202602", active_days=1) == ["attention 202602 raised"]
    # another balance judges the month of the clock, which is March by now
    assert feed.boss("balance.changed", "2026-03-06", at="2026-03-06T10:00:00+08:00", balance_fen=5000) == []
    assert [a.rule.id for a in feed.alerts("attention")] == ["poor", "silent"]
    assert feed.boss("balance.changed", "2026-03-20", at="2026-03-20T10:00:00+08:00", balance_fen=5000) == []
    assert feed.boss("balance.changed", "2026-03-21", at="2026-03-21T10:00:00+08:00", balance_fen=1) == [
        "attention 202603 raised"
    ]
    assert feed.boss("balance.changed", "2026-03-22", at="2026-03-22T10:00:00+08:00", balance_fen=2000) == [
        "attention 202603 resolved withdrawn"
    ]
    assert feed.boss("balance.changed", "2026-03-23", at="2026-03-23T10:00:00+08:00", balance_fen=7) == [
        "attention 202603 changed"
    ]
    assert feed.boss("customer.left", "2026-03-24", left_on="2026-03-24") == ["attention 202602 resolved left"] * 2 + [
        "attention 202603 resolved left"
    ]


def test_late() -> None:
    feed = known(document("silent", DAYS, late_after_days=30))
    used(feed, "202601", "2026-03-03", active_days=1)
    used(feed, "202602", "2026-03-30", active_days=1)
    assert {a.period: a.late for a in feed.alerts()} == {"202601": True, "202602": False}


# --- which months, when -------------------------------------------------------------------------------------------


def test_a_month_whose_window_reaches_a_late_figure_is_judged() -> None:
    feed = known(document("half", FALLS))
    for period, minutes in (("202601", 100), ("202603", 100), ("202604", 50)):
        assert used(feed, period, voice_minutes=minutes) == []
    told = used(feed, "202602", "2026-05-10", voice_minutes=100)
    assert told[0] == "churn_warning 202604 raised" and codes(feed) == {"202604": ["minutes_fall", "half"]}


def test_a_rule_looks_on_its_own_records_only() -> None:
    both = {"all": [POOR, {"figure": "bill.amount_fen", "op": ">", "value": 5000}]}
    feed = known(document("both", both, ("BILL",)))
    feed.boss("bill.issued", "2026-02-05", period="202601", amount_fen=9000)
    assert feed.boss("balance.changed", "2026-02-06", at="2026-02-06T10:00:00+08:00", balance_fen=1) == []
    assert feed.boss("bill.issued", "2026-03-05", period="202602", amount_fen=9000) == ["churn_warning 202602 raised"]
    # as known when the rule last looked: the balance of then, until a bill comes
    assert feed.boss("balance.changed", "2026-03-06", at="2026-03-06T10:00:00+08:00", balance_fen=9000) == []
    assert feed.boss("bill.issued", "2026-03-07", period="202602", amount_fen=9001) == [
        "churn_warning 202602 resolved withdrawn"
    ]


def test_another_record_of_a_month_corrects_what_stands_by_what_was_known_then() -> None:
    both = {"all": [POOR, DAYS]}
    feed = known(document("both", both, ("BILL",)))
    feed.boss("balance.changed", "2026-03-01", at="2026-03-01T10:00:00+08:00", balance_fen=1)
    assert used(feed, "202602", active_days=3) == []  # not its record
    assert feed.boss("bill.issued", "2026-03-06", period="202602", amount_fen=1) == ["churn_warning 202602 raised"]
    feed.boss("balance.changed", "2026-03-07", at="2026-03-07T10:00:00+08:00", balance_fen=9000)
    assert used(feed, "202602", "2026-03-08", active_days=4) == ["churn_warning 202602 resolved withdrawn"]
    assert used(feed, "202602", "2026-03-09", active_days=3) == ["churn_warning 202602 changed"]


def test_months_without_figures_are_not_judged() -> None:
    either = {"any": [POOR, FALLS]}
    feed = known(document("either", either))
    feed.boss("balance.changed", "2026-02-01", at="2026-02-01T10:00:00+08:00", balance_fen=1)
    assert used(feed, "202601", voice_minutes=100) == ["churn_warning 202601 raised"]


def test_rules_look_on_any_kind_of_record() -> None:
    for kind, type_, data in (
        ("PAY", "payment.received", {"payment_id": "p1", "paid_at": "2026-02-10T10:00:00+08:00", "amount_fen": 1}),
        ("CUST", "customer.changed", {"status": "active", "plan_code": "P2", "opened_on": "2020-01-01"}),
        ("ARR", "arrears.changed", {"as_of": "2026-02-10", "amount_fen": 0}),
        ("CONT", "contract.changed", {"contract_id": "k1", "ends_on": None}),
        (
            "COMP",
            "complaint.changed",
            {"complaint_id": "q1", "status": "closed", "opened_at": "2026-02-10T10:00:00+08:00"},
        ),
        (
            "SERV",
            "service.requested",
            {"request_id": "r1", "kind": "change", "requested_at": "2026-02-10T10:00:00+08:00"},
        ),
    ):
        feed = known(document("x", POOR, (kind,)))
        feed.boss("balance.changed", "2026-02-01", at="2026-02-01T10:00:00+08:00", balance_fen=1)
        assert feed.boss(type_, "2026-02-10", **data) == ["churn_warning 202602 raised"], kind


def test_attention_follows_figures_that_another_record_brings() -> None:
    beside = {"all": [DAYS, {"figure": "bill.amount_fen", "op": ">", "value": 4}]}
    feed = known(document("beside", beside, ("BILL",), alert="attention"))
    used(feed, "202602", active_days=1)
    assert feed.boss("bill.issued", "2026-03-06", period="202602", amount_fen=5) == ["attention 202602 raised"]
    assert used(feed, "202602", "2026-03-07", active_days=8) == ["attention 202602 resolved withdrawn"]


def test_a_month_whose_figures_are_let_go_stays_as_it_is() -> None:
    feed = known(document("half", FALLS))
    for n in range(4):
        used(feed, f"20220{n + 3}", "2026-01-02", voice_minutes=100 if n < 3 else 10)
    assert codes(feed) == {"202206": ["minutes_fall", "half"]}
    used(feed, "202503", "2026-01-03", voice_minutes=100)  # of months from 202204 on figures are kept
    assert used(feed, "202206", "2026-01-04", voice_minutes=90) == []
    assert codes(feed) == {"202206": ["minutes_fall", "half"]}


def test_a_month_before_the_floor_is_not_judged() -> None:
    feed = known(document("silent", DAYS))
    assert feed.state is not None
    feed.raw = msgspec.msgpack.encode(replace(feed.state, floor=2026 * 12 + 1))
    assert used(feed, "202601", active_days=1) == []
    assert used(feed, "202602", active_days=1) == ["churn_warning 202602 raised"]


def test_a_request_that_is_another_s_now_is_not_counted() -> None:
    feed, other = known(document("asks", {"figure": "requests.count_90_days", "op": ">=", "value": 1})), Feed("c2")
    asked: dict[str, Any] = {"request_id": "r1", "kind": "change", "requested_at": "2026-02-10T10:00:00+08:00"}
    feed.boss("service.requested", "2026-02-10", **asked)
    feed.hand_over(other, "service.requested", "2026-02-11", **asked)
    assert used(feed, "202601", "2026-02-12") == []


def test_a_month_between_others_is_heard_of_though_its_minutes_are_not_known() -> None:
    feed = known(document("silent", DAYS))
    used(feed, "202601", voice_minutes=10, active_days=9)
    used(feed, "202603", "2026-04-05", voice_minutes=10, active_days=9)
    assert used(feed, "202602", "2026-04-06", active_days=1) == ["churn_warning 202602 raised"]
    assert feed.replay(-1) == []


def test_time_alone_judges_nothing() -> None:
    near = {"figure": "clock.days_to_month_end", "op": "<=", "value": 5}
    feed = known(document("near", near, ("BAL",)))
    feed.boss("balance.changed", "2026-02-01", at="2026-02-01T10:00:00+08:00", balance_fen=1)
    assert feed.tick("2026-02-27") == []
    assert feed.boss("balance.changed", "2026-02-27", at="2026-02-27T10:00:00+08:00", balance_fen=2) == [
        "churn_warning 202602 raised"
    ]


def test_nothing_before_the_customer_is_known_then_all() -> None:
    feed = Feed(rules=ruled(document("silent", DAYS), document("poor", POOR, ("BAL",), alert="attention")))
    assert used(feed, "202601", "2026-02-05", active_days=1) == []
    assert used(feed, "202602", "2026-03-05", active_days=1) == []
    assert feed.boss("balance.changed", "2026-03-06", at="2026-03-06T10:00:00+08:00", balance_fen=1) == []
    told = feed.boss("customer.changed", "2026-03-07", status="active")
    assert sorted(told) == ["attention 202603 raised", "churn_warning 202601 raised", "churn_warning 202602 raised"]


PAID: dict[str, Any] = {"payment_id": "p1", "paid_at": "2026-02-10T10:00:00+08:00", "amount_fen": 1}


def test_a_payment_before_the_customer_is_known_looks_when_he_is() -> None:
    feed = Feed(rules=ruled(document("poor", POOR, ("PAY",))))
    feed.boss("balance.changed", "2026-02-01", at="2026-02-01T10:00:00+08:00", balance_fen=1)
    assert feed.boss("payment.received", "2026-02-10", **PAID) == []
    assert feed.boss("customer.changed", "2026-02-11", status="active") == ["churn_warning 202602 raised"]
    other = Feed(rules=ruled(document("poor", POOR, ("PAY",))))
    other.boss("balance.changed", "2026-02-01", at="2026-02-01T10:00:00+08:00", balance_fen=1)
    assert other.boss("customer.changed", "2026-02-11", status="active") == []


def test_all_that_is_remembered_is_judged_though_bills_are_of_long_ago() -> None:
    feed = Feed(rules=ruled(document("silent", DAYS)))
    feed.boss("bill.issued", "2026-01-02", period="201901", amount_fen=1)
    used(feed, "202601", "2026-02-05", active_days=1)
    assert feed.boss("customer.changed", "2026-02-06", status="active") == ["churn_warning 202601 raised"]


def test_a_month_without_a_record_of_the_rule_is_judged_no_more_when_the_customer_comes_late() -> None:
    unknown = document("unknown", {"not": {"figure": "usage.active_days", "op": "known"}})
    feed = Feed(rules=ruled(unknown))
    feed.boss("bill.issued", "2026-02-02", period="202601", amount_fen=1)
    used(feed, "202602", "2026-03-05", out_calls=1)
    assert feed.boss("customer.changed", "2026-03-06", status="active") == ["churn_warning 202602 raised"]


@pytest.mark.parametrize("alert", ["attention", "churn_warning"])
def test_what_a_rule_has_raised_follows_its_records_when_it_is_stopped_or_looks_on_others(alert: str) -> None:
    poor = document("poor", POOR, ("BAL",), alert=alert)
    stopped = Edition(2, "rule", "poor", 1, "stopped", poor)
    changed = Edition(2, "rule", "poor", 2, "active", {**poor, "on": ["PAY"]})
    for later in (stopped, changed):
        feed = known(poor)
        feed.boss("balance.changed", "2026-02-02", at="2026-02-02T10:00:00+08:00", balance_fen=1)
        feed.app = app(load().switched([Edition(1, "rule", "poor", 1, "active", poor), later]))
        told = feed.boss("balance.changed", "2026-02-03", at="2026-02-03T10:00:00+08:00", balance_fen=9000)
        assert told == [f"{alert} 202602 resolved withdrawn"]
    debt = document("debt", {"figure": "arrears.amount_fen", "op": "=", "value": 0}, ("ARR",), alert=alert)
    feed = known(debt)
    assert feed.boss("arrears.changed", "2026-02-02", as_of="2026-02-02", amount_fen=0) == [f"{alert} 202602 raised"]
    editions = [Edition(n, "rule", "debt", 1, state, debt) for n, state in enumerate(("active", "stopped"), 1)]
    feed.app = app(load().switched(editions))
    told = feed.boss("arrears.changed", "2026-02-03", as_of="2026-02-03", amount_fen=5)
    assert f"{alert} 202602 resolved withdrawn" in told


def test_an_alert_s_rule_is_that_of_its_first_reason() -> None:
    feed = known(document("silent", DAYS))

    def leads() -> tuple[str, list[str]]:
        (alert,) = feed.alerts("churn_warning")
        assert alert.outcome is not None or alert.rule == alert.reasons[0].rule
        return alert.rule.id, [reason.code for reason in alert.reasons]

    for period in ("202601", "202602", "202603"):
        used(feed, period, voice_minutes=100, active_days=20)
    used(feed, "202604", active_days=3)
    assert leads() == ("silent", ["silent"])
    used(feed, "202604", "2026-05-06", voice_minutes=40, active_days=3)
    assert leads() == ("silent", ["silent", "minutes_fall"])
    used(feed, "202604", "2026-05-07", voice_minutes=40, active_days=30)
    assert leads() == ("drop-30", ["minutes_fall"])
    used(feed, "202604", "2026-05-08", voice_minutes=40, active_days=3)
    assert leads() == ("drop-30", ["minutes_fall", "silent"])
    used(feed, "202604", "2026-05-09", voice_minutes=100, active_days=3)
    assert leads() == ("silent", ["silent"])
    used(feed, "202604", "2026-05-10", voice_minutes=100, active_days=30)
    assert leads() == ("silent", [])


RECORDS = st.tuples(
    st.integers(0, 4),
    st.sampled_from([None, 3, 4]),
    st.sampled_from([None, 1, 9, 10]),
    st.sampled_from([None, 4, 5]),
)


@settings(deadline=None, max_examples=60)
@given(st.lists(RECORDS, min_size=8, max_size=24))
def test_final_figures_decide_whatever_the_order(records: list[tuple[int, int | None, int | None, int | None]]) -> None:
    """Of two rules: of a window of usage, and of usage and bills beside each other."""
    half = document("half", FALLS, alert="attention")
    beside = document(
        "beside", {"all": [DAYS, {"figure": "bill.amount_fen", "op": ">", "value": 4}]}, ("BILL", "USAGE")
    )
    feed = known(half, {**beside, "alert": "attention"})
    usage: dict[int, tuple[int | None, int | None]] = {}
    bills: dict[int, int | None] = {}
    for n, (month, days, minutes, amount) in enumerate(records):
        when = f"{at('2026-10-01') + timedelta(hours=n):%Y-%m-%d %H:%M}"
        period = f"2026{month + 1:02}"
        if n % 3 == 2:
            feed.boss("bill.issued", when, period=period, amount_fen=amount)
            bills[month] = amount
        else:
            used(feed, period, when, active_days=days, voice_minutes=minutes)
            usage[month] = (days, minutes)
    fallen, both = set(), set()
    for month in range(5):
        before = [usage.get(month - back, (None, None))[1] for back in (1, 2, 3)]
        days, now = usage.get(month, (None, None))
        if (
            now is not None
            and None not in before
            and sum(b or 0 for b in before) > 0
            and 300 * now <= 50 * sum(b or 0 for b in before)
        ):
            fallen.add(f"2026{month + 1:02}")
        if days is not None and days <= 3 and (bills.get(month) or 0) > 4:
            both.add(f"2026{month + 1:02}")
    standing = [a for a in feed.alerts("attention") if a.outcome is None]
    assert {a.period for a in standing if a.rule.id == "half"} == fallen
    assert {a.period for a in standing if a.rule.id == "beside"} == both


# --- exclusions ---------------------------------------------------------------------------------------------------


def test_the_exclusions_of_the_fall_rule_hold_when_a_reason_comes() -> None:
    for excluded in ({"status": "suspended"}, {"opened_on": "2026-01-20"}):
        assert used(known(document("silent", DAYS), **excluded), "202602", active_days=1) == []
    feed = known(document("silent", DAYS))
    used(feed, "202602", active_days=1)
    feed.boss("customer.changed", "2026-03-10", status="suspended")
    assert used(feed, "202602", "2026-03-11", active_days=2) == ["churn_warning 202602 changed"]
    assert used(feed, "202603", active_days=2) == []


def test_who_has_left_is_left_alone() -> None:
    feed = known(document("silent", DAYS))
    feed.boss("customer.left", "2026-02-01", left_on="2026-02-01")
    assert used(feed, "202601", active_days=1) == []
    feed.boss("customer.changed", "2026-02-10", status="active")
    assert used(feed, "202601", "2026-02-11", active_days=2) == ["churn_warning 202601 raised"]


# --- versions -----------------------------------------------------------------------------------------------------


def test_an_open_alert_keeps_its_version_and_a_switch_judges_nothing() -> None:
    first, second = document("silent", DAYS), document("silent", {**DAYS, "value": 10})
    feed = known(first)
    used(feed, "202601", active_days=2)
    used(feed, "202602", active_days=9)
    editions = [Edition(1, "rule", "silent", 1, "active", first), Edition(2, "rule", "silent", 2, "active", second)]
    feed.app = app(load().switched(editions))
    assert used(feed, "202601", "2026-03-09", active_days=9) == ["churn_warning 202601 resolved withdrawn"]
    assert used(feed, "202602", "2026-03-10", active_days=8) == ["churn_warning 202602 raised"]
    assert [a.rule.version for a in feed.alerts()] == [1, 2]
    stopped = Edition(3, "rule", "silent", 2, "stopped", second)
    feed.app = app(load().switched([*editions, stopped]))
    assert used(feed, "202603", active_days=1) == []
    assert used(feed, "202602", "2026-04-10", active_days=11) == ["churn_warning 202602 resolved withdrawn"]


def test_a_version_looks_on_its_own_kinds_wherever_its_reason_stands() -> None:
    of_usage, of_balance = document("x", {"any": [DAYS, POOR]}), document("x", {"any": [DAYS, POOR]}, ("BAL",))
    feed = known(of_usage)
    used(feed, "202602", "2026-02-20", active_days=1)
    editions = [Edition(1, "rule", "x", 1, "active", of_usage), Edition(2, "rule", "x", 2, "active", of_balance)]
    feed.app = app(load().switched(editions))
    assert feed.boss("balance.changed", "2026-02-21", at="2026-02-21T10:00:00+08:00", balance_fen=1) == []
    assert feed.boss("balance.changed", "2026-03-01", at="2026-03-01T10:00:00+08:00", balance_fen=2) == [
        "churn_warning 202603 raised"
    ]


def test_a_document_that_can_t_be_read_is_refused() -> None:
    with pytest.raises(ValueError, match="when"):
        Rules([*load().documents, read(document("x", {"figure": "usage.active_days", "op": "~", "value": 1}), 1)])


# --- every figure -------------------------------------------------------------------------------------------------

FIGURES = [
    ("bill.sms_fen", "=", 7),
    ("usage.care_calls", "=", 4),
    ("balance.balance_fen", "=", -5),
    ("arrears.amount_fen", "=", 100),
    ("arrears.days_overdue", "=", 9),
    ("arrears.suspended", "=", True),
    ("contract.days_left", "=", 21),
    ("complaints.count_90_days", "=", 1),
    ("requests.count_90_days", "=", 2),
    ("clock.days_to_month_end", "=", 21),
    ("customer.kind", "=", "corporate"),
    ("customer.status", "=", "active"),
    ("customer.city", "=", "440100"),
    ("customer.district", "=", "天河"),
    ("customer.area", "=", "urban"),
    ("customer.brand", "=", "B"),
    ("customer.plan_code", "=", "P1"),
    ("customer.monthly_fee_fen", "=", 5900),
    ("customer.credit_class", "=", "A"),
    ("customer.role", "=", "member"),
    ("customer.tenure_months", "=", 49),
]


@pytest.mark.parametrize(("figure", "op", "value"), FIGURES)
def test_every_figure_is_known_of_a_customer(figure: str, op: str, value: Any) -> None:
    feed = known(
        document("x", {"figure": figure, "op": op, "value": value}),
        opened_on="2022-02-10", kind="corporate", city="440100", district="天河", area="urban", brand="B",
        plan_code="P1", monthly_fee_fen=5900, credit_class="A", role="member",
    )  # fmt: skip
    feed.boss("balance.changed", "2026-02-01", at="2026-02-01T10:00:00+08:00", balance_fen=-5)
    feed.boss(
        "arrears.changed", "2026-02-01", as_of="2026-02-01", amount_fen=100, oldest_due_on="2026-03-01", suspended=True
    )
    for id, opened in (("k1", "2026-02-01"), ("k2", "2025-10-01")):
        feed.boss(
            "complaint.changed", "2026-02-01", complaint_id=id, status="closed", opened_at=f"{opened}T10:00:00+08:00"
        )
    for n, kind in enumerate(("change", "suspend"), 1):
        feed.boss(
            "service.requested", "2026-02-02", request_id=f"r{n}", kind=kind, requested_at="2026-02-02T10:00:00+08:00"
        )
    for id, ends in (("c1", "2026-03-31"), ("c2", "2026-02-20"), ("c3", "9999-12-31")):
        feed.boss("contract.changed", "2026-02-03", contract_id=id, ends_on=ends)
    feed.boss("bill.issued", "2026-03-05", period="202602", amount_fen=100, sms_fen=7)
    told = used(feed, "202602", "2026-03-10", care_calls=4)
    assert [text for text in told if text.startswith("churn")] == ["churn_warning 202602 raised"]


@pytest.mark.parametrize("figure", [figure for figure, _, _ in FIGURES if figure not in (
    "complaints.count_90_days", "requests.count_90_days", "clock.days_to_month_end",
    "customer.status", "customer.tenure_months",
)])  # fmt: skip
def test_what_no_record_has_said_is_unknown(figure: str) -> None:
    unknown = {"not": {"figure": figure, "op": "known"}}
    feed = known(document("x", unknown))
    assert used(feed, "202602") == ["churn_warning 202602 raised"]


def test_no_debt_is_known_to_be_none() -> None:
    none = {
        "all": [
            {"figure": f"arrears.{name}", "op": "=", "value": v}
            for name, v in (("amount_fen", 0), ("days_overdue", 0), ("suspended", False))
        ]
    }
    feed = known(document("x", none))
    feed.boss("arrears.changed", "2026-02-01", as_of="2026-02-01", amount_fen=0)
    assert used(feed, "202602") == ["churn_warning 202602 raised"]


# --- what is kept -------------------------------------------------------------------------------------------------


def test_rows_of_months_are_those_that_count() -> None:
    rows: Rows | None = None
    order = [*range(60), 59, 30, 70, 20, 65, 71]
    newest, told = -1, {}
    for n, month in enumerate(order):
        newest = max(newest, month)
        if month > newest - 36:
            told[month] = (n, None)
        rows = with_row(rows, month, (n, None))
    assert rows is not None and rows.months <= 48
    kept = {rows.first + n: row for n, row in enumerate(rows_of(rows)) if row is not None}
    assert {m: r for m, r in kept.items() if m > newest - 36} == {m: r for m, r in told.items() if m > newest - 36}
    assert with_row(None, 5, (None, None)) is None


def test_a_state_without_conditions_costs_nothing_more() -> None:
    feed = Feed()
    feed.boss("customer.changed", "2026-01-01", status="active")
    feed.boss("bill.issued", "2026-02-05", period="202601", amount_fen=9000)
    assert feed.state is not None
    assert (feed.state.rows, feed.state.said, feed.state.judged) == ({}, b"", {})
    assert msgspec.msgpack.decode(feed.raw or b"", type=CustomerState) == feed.state


def test_requests_are_remembered_for_ninety_days() -> None:
    now, kept = at("2026-06-30"), said(b"")
    for n in range(400):
        kept = with_request(kept, f"r{n}", now - timedelta(days=100) + timedelta(hours=n), now)
    assert len(kept.requests) == 160 and said(packed(kept)) == kept
    for n in range(400):
        kept = with_request(kept, f"s{n}", now, now)
    assert len(kept.requests) == 256 and set(kept.requests) == {f"s{n}" for n in range(144, 400)}


def test_what_is_remembered_of_conditions_is_bounded() -> None:
    feed = Feed(rules=ruled(document("silent", DAYS, alert="attention")))
    feed.boss("customer.changed", "2020-01-01", status="active")
    for n in range(300):
        period = f"{2000 + n // 12}{n % 12 + 1:02}"
        used(feed, period, active_days=1)
    assert feed.state is not None
    assert len(feed.state.judged["silent"]) == 36
    assert len([key for key in feed.state.alerts if key.startswith("attention/")]) == 200
