"""Why no alert came: it tells of each rule what the rule itself would say."""

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.detection.why_not import ASK, Ask, Condition, RuleAnswer, WhyNot
from contracts import why_not as contract
from harness.detection_feed import Feed
from servicekit.decision import Context, Refused

OLD = {"status": "active", "opened_on": "2010-01-01", "city": "320100", "area": "urban", "plan_code": "p1"}


def known(**profile: Any) -> Feed:
    feed = Feed()
    feed.boss("customer.changed", "2025-12-31", **{**OLD, **profile})
    return feed


def bills(feed: Feed, *amounts: int | None) -> Feed:
    for month, amount in enumerate(amounts, 1):
        feed.boss("bill.issued", f"2026-{month:02}-28", period=f"2026{month:02}", amount_fen=amount)
    return feed


def ask(feed: Feed, period: str | None = None) -> WhyNot:
    on, before = feed.app.handlers[ASK], feed.state
    asked = on.decode(msgspec.json.encode(Ask("c1", period)))
    decision = on.handle(before, asked, Context(feed.now, "i", ASK, "c"))
    assert (decision.state, decision.timer_at, decision.events) == (before, feed.wake, ())
    found: WhyNot = decision.answer
    contract.WhyNot.model_validate_json(msgspec.json.encode(found))
    return found


def rule(found: WhyNot, id: str) -> RuleAnswer:
    return next(rule for rule in found.rules if rule.rule == id)


def met(conditions: tuple[Condition, ...]) -> dict[str, bool | None]:
    return {condition.code: condition.met for condition in conditions}


def test_a_bill_above_the_line() -> None:
    feed = bills(known(), 10000, 10000, 10000, 8000)
    assert rule(ask(feed), "drop-30").verdict == "unknown", "of the minutes nothing is known"
    for month in range(1, 5):
        feed.boss("usage.summarised", "2026-05-01", period=f"20260{month}", voice_minutes=90)
    found = ask(feed)
    assert (found.period, found.periods) == ("202604", ("202604", "202603", "202602", "202601"))
    assert [r.rule for r in found.rules] == [
        "arrears", "complaint-opened", "contract-expiring", "drop-30", "port-query", "stop-request"
    ]  # fmt: skip
    drop = rule(found, "drop-30")
    assert (drop.verdict, drop.version, drop.kind, drop.alerts) == ("not_met", 1, "churn_warning", ())
    bill, minutes = drop.any_of
    assert (bill.met, bill.value, bill.limit, bill.values["base"]) == (False, 8000, 7000, 30000)
    assert (minutes.code, minutes.met, minutes.value, minutes.limit) == ("minutes_fall", False, 90, 63)
    assert all(met(drop.all_of).values())


def test_a_bill_below_it() -> None:
    feed = bills(known(), 10000, 10000, 10000, 6000)
    drop = rule(ask(feed), "drop-30")
    assert (drop.verdict, drop.any_of[0].met) == ("raised", True)
    assert [held.alert_id for held in drop.alerts] == [feed.alerts()[0].alert_id]
    assert rule(ask(feed, "202603"), "drop-30").verdict == "unknown", "of the months before nothing is known"
    feed.manager(feed.alerts()[0], "retained")
    drop = rule(ask(feed), "drop-30")
    assert (drop.verdict, drop.alerts[0].outcome) == ("ended", "retained")


def test_what_excluded_the_customer_when_it_was_judged_is_said_though_it_holds_no_more() -> None:
    feed = bills(known(status="suspended"), 10000, 10000, 10000, 6000)
    assert rule(ask(feed), "drop-30").verdict == "excluded"
    feed.boss("customer.changed", "2026-05-02", **OLD)
    drop = rule(ask(feed), "drop-30")
    assert (drop.verdict, drop.alerts, drop.any_of[0].met) == ("excluded", (), True)
    now, then = [each for each in drop.all_of if each.code == "status"]
    assert (now.met, now.value, then.met) == (True, "active", False)
    assert str(then.values["zh"]).startswith("2026-04-28 判定时：") and str(then.values["held_at"]).startswith(
        "2026-04-28"
    )


@pytest.mark.parametrize(
    ("profile", "code", "value"),
    [
        ({"status": "suspended"}, "status", "suspended"),
        ({"opened_on": "2026-03-02"}, "months_in_network", "2026-03-02"),
    ],
)
def test_what_excludes(profile: dict[str, Any], code: str, value: str) -> None:
    drop = rule(ask(bills(known(**profile), 10000, 10000, 10000, 6000)), "drop-30")
    assert drop.verdict == "excluded"
    assert [(c.code, c.value) for c in drop.all_of if not c.met] == [(code, value)]


def test_what_has_not_come() -> None:
    feed = bills(Feed(), 10000, 10000, 10000, 6000)
    assert {r.verdict for r in ask(feed).rules} == {"unknown"}, "the customer's record is awaited"
    with pytest.raises(Refused):
        ask(Feed())


def test_who_has_left() -> None:
    feed = bills(known(), 10000, 10000, 10000, 9000)
    feed.boss("customer.left", "2026-05-01", left_on="2026-05-01")
    assert {r.verdict for r in ask(feed).rules} == {"excluded"}


def test_what_is_judged_as_of_now() -> None:
    feed = known()
    feed.boss("arrears.changed", "2026-05-01", as_of="2026-05-01", amount_fen=0)
    feed.boss("contract.changed", "2026-05-01", contract_id="k1", ends_on="2026-12-31")
    found = ask(feed)
    owes, expiring = rule(found, "arrears").any_of[0], rule(found, "contract-expiring").any_of[0]
    assert (owes.met, owes.value) == (False, 0)
    assert (expiring.met, expiring.value, expiring.limit) == (False, 244, 90)
    assert rule(found, "complaint-opened").verdict == rule(found, "stop-request").verdict == "not_met"
    feed.boss("arrears.changed", "2026-05-02", as_of="2026-05-02", amount_fen=700, oldest_due_on="2026-05-01")
    feed.boss(
        "complaint.changed", "2026-05-02", complaint_id="p", status="opened", opened_at="2026-05-02T09:00:00+08:00"
    )
    feed.boss("service.requested", "2026-05-02", request_id="s", kind="stop", requested_at="2026-05-02T09:00:00+08:00")
    feed.tick("2026-10-02")
    found = ask(feed, "202605")
    raised = {r.rule for r in found.rules if r.verdict == "raised"}
    assert raised == {"arrears", "complaint-opened", "contract-expiring", "stop-request"}


_MONTHS = st.lists(st.one_of(st.none(), st.integers(0, 40)), min_size=1, max_size=8)


@settings(max_examples=60)
@given(_MONTHS, st.sampled_from(["active", "suspended"]))
def test_it_says_raised_where_there_is_an_alert_and_nowhere_else(amounts: list[int | None], status: str) -> None:
    feed = bills(known(status=status), *amounts)
    warned = {alert.period for alert in feed.alerts("churn_warning") if alert.state == "raised"}
    for month in range(1, len(amounts) + 1):
        period = f"2026{month:02}"
        verdict = rule(ask(feed, period), "drop-30").verdict
        assert (verdict == "raised") == (period in warned)
        assert verdict != "waiting"
