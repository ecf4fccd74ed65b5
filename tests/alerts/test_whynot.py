"""Why no warning: each rule in force answers for a customer and month, in words; what excludes wins."""

from typing import Any

import pytest

from alerts.detection.whynot import Answer, whynot
from alerts.rules import Rules, load
from harness.detection_feed import Feed, at
from servicekit.clock import iso
from servicekit.documents.in_force import Edition

SILENT = {
    "id": "silent",
    "type": "condition",
    "alert": "churn_warning",
    "name_zh": "近乎静默",
    "name_en": "Nearly silent",
    "severity": "major",
    "on": ["USAGE"],
    "when": {
        "all": [
            {"figure": "usage.active_days", "op": "<=", "value": 3},
            {"not": {"figure": "customer.plan_code", "op": "in", "value": ["FREE01"]}},
        ]
    },
}


def rules(state: str = "active") -> Rules:
    return load().switched([Edition(1, "rule", "silent", 2, state, SILENT)])  # type: ignore[arg-type]


def known(**customer: Any) -> Feed:
    feed = Feed(rules=rules())
    feed.boss("customer.changed", "2026-01-01", **{"status": "active", "plan_code": "P1", **customer})
    return feed


def asked(feed: Feed, rule: str, period: str | None = None) -> Answer:
    assert feed.state is not None
    found = whynot(rules(), feed.state, feed.now, rule, period)
    assert len(found) == 1
    return found[0]


def test_each_condition_with_its_value_and_limit() -> None:
    feed = known()
    feed.boss("usage.summarised", "2026-03-05", period="202602", active_days=9, voice_minutes=50)
    told = asked(feed, "silent")
    assert (told.customer_id, told.rule, told.version, told.period) == ("c1", "silent", 2, "202602")
    assert (told.result, told.alert_id, told.exclusions) == ("not_met", None, ())
    assert [(c.text_zh, c.text_en, c.value, c.limit, c.met) for c in told.conditions] == [
        ("活跃天数 ≤ 3 天", "active days ≤ 3", 9, 3, False),
        ("套餐属于：FREE01", "plan: one of FREE01", "P1", "FREE01", False),
    ]


def test_what_has_warned_names_its_alert() -> None:
    feed = known()
    feed.boss("usage.summarised", "2026-03-05", period="202602", active_days=2)
    told = asked(feed, "silent", "202602")
    assert (told.result, told.alert_id) == ("met", feed.alerts()[0].alert_id)
    assert (asked(feed, "silent", "202601").result, asked(feed, "drop-30").alert_id) == ("unknown", None)


@pytest.mark.parametrize(
    ("customer", "code"),
    [
        ({"status": "suspended"}, "status"),
        ({"opened_on": "2026-01-15"}, "months_in_network"),
        ({"status": "left"}, "left"),
    ],
)
def test_what_excludes_wins(customer: dict[str, Any], code: str) -> None:
    feed = known(**customer)
    feed.boss("usage.summarised", "2026-03-05", period="202602", active_days=2)
    told = asked(feed, "silent")
    assert (told.result, [e.code for e in told.exclusions]) == ("excluded", [code])
    assert all(e.zh and e.en for e in told.exclusions)


def test_exclusions_are_those_last_judged() -> None:
    feed = known()
    feed.boss("usage.summarised", "2026-03-05", period="202602", active_days=2)
    feed.boss("customer.changed", "2026-03-06", status="suspended", plan_code="P1")
    assert asked(feed, "silent", "202602").result == "met"
    assert asked(feed, "silent", "202603").result == "excluded"


def test_what_was_excluded_when_it_was_judged_says_by_what_it_was_then() -> None:
    feed = known(status="suspended")
    feed.boss("usage.summarised", "2026-03-05", period="202602", active_days=2)
    feed.boss("customer.changed", "2026-03-06", status="active", plan_code="P1")
    told = asked(feed, "silent", "202602")
    assert (told.result, told.alert_id, told.conditions[0].met) == ("excluded", None, True)
    (held,) = told.exclusions
    assert (held.code, held.held_at) == ("status", iso(at("2026-03-05")))
    assert held.zh == "2026-03-05 判定时：客户状态不在预警范围；现已不再"
    assert held.en.startswith("when it was judged on 2026-03-05: the customer's status")
    assert asked(feed, "silent", "202601").result == "unknown"


def test_what_is_judged_again_without_being_excluded_is_not_excluded_any_more() -> None:
    feed = known(status="suspended")
    feed.boss("usage.summarised", "2026-03-05", period="202602", active_days=2)
    feed.boss("customer.changed", "2026-03-06", status="active", plan_code="P1")
    feed.boss("usage.summarised", "2026-03-07", period="202602", active_days=1)
    told = asked(feed, "silent", "202602")
    assert (told.result, told.exclusions) == ("met", ()) and told.alert_id is not None
    assert feed.state is not None and feed.state.barred == {}


def test_what_is_not_met_any_more_was_kept_from_nothing() -> None:
    feed = known(status="suspended")
    feed.boss("usage.summarised", "2026-03-05", period="202602", active_days=2)
    feed.boss("customer.changed", "2026-03-06", status="active", plan_code="P1")
    feed.boss("usage.summarised", "2026-03-07", period="202602", active_days=20)
    told = asked(feed, "silent", "202602")
    assert (told.result, told.exclusions) == ("not_met", ())


def test_the_fall_rule_says_by_what_it_was_excluded_then() -> None:
    feed = known(status="suspended")
    for month, amount in (("202601", 1000), ("202602", 1000), ("202603", 1000), ("202604", 1)):
        feed.boss("bill.issued", "2026-05-05", period=month, amount_fen=amount)
    feed.boss("customer.changed", "2026-05-06", status="active", plan_code="P1")
    told = asked(feed, "drop-30", "202604")
    assert (told.result, [(e.code, e.held_at is not None) for e in told.exclusions]) == ("excluded", [("status", True)])


def test_the_version_in_force_is_told_of_figures_that_another_did_not_ask_for() -> None:
    """A month that an earlier version has judged."""
    feed = known()
    feed.boss("balance.changed", "2026-02-02", at="2026-02-02T10:00:00+08:00", balance_fen=5)
    feed.boss("usage.summarised", "2026-03-05", period="202602", active_days=2)
    poor = {**SILENT, "when": {"figure": "balance.balance_fen", "op": "<", "value": 1000}}
    after = load().switched(
        [Edition(1, "rule", "silent", 2, "active", SILENT), Edition(2, "rule", "silent", 3, "active", poor)]
    )
    assert feed.state is not None
    (told,) = whynot(after, feed.state, feed.now, "silent", "202602")
    assert (told.version, told.result, told.conditions[0].value) == (3, "met", 5)


def test_before_the_customer_is_known_nothing_is() -> None:
    feed = Feed(rules=rules())
    feed.boss("usage.summarised", "2026-03-05", period="202602", active_days=2)
    assert asked(feed, "silent").result == "unknown"


def test_every_rule_in_force_answers() -> None:
    feed = known()
    for month, amount in (("202601", 1000), ("202602", 1000), ("202603", 1000), ("202604", 701)):
        feed.boss("bill.issued", "2026-05-05", period=month, amount_fen=amount)
    feed.boss("arrears.changed", "2026-05-05", as_of="2026-05-05", amount_fen=100, oldest_due_on="2026-05-01")
    feed.boss("contract.changed", "2026-05-05", contract_id="k", ends_on="2026-12-31")
    assert feed.state is not None
    told = {each.rule: each for each in whynot(rules(), feed.state, feed.now)}
    assert {rule: each.result for rule, each in told.items()} == {
        "arrears": "met",
        "complaint-opened": "not_met",
        "contract-expiring": "not_met",
        "drop-30": "unknown",
        "port-query": "not_met",
        "silent": "unknown",
        "stop-request": "not_met",
    }
    bill, minutes = told["drop-30"].conditions
    assert (bill.text_zh, bill.text_en) == (
        "账单金额 ≤ 前 3 个月均值的 70%",
        "bill ≤ 70 % of the mean of 3 months before",
    )
    assert (bill.value, bill.limit, bill.met, minutes.met) == (701, 700, False, None)
    assert told["contract-expiring"].conditions[0].value == 240
    stopped = whynot(rules("stopped"), feed.state, feed.now)
    assert "silent" not in {each.rule for each in stopped}
