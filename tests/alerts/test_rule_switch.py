"""A rule changes at one place of the log: what comes behind it is judged anew, an open alert by its own version."""

from typing import Any

import msgspec
import pytest
from bench.condition_rules import documents

from alerts.conditions.document import compiled
from alerts.detection import app
from alerts.rules import Rules, load
from contracts.boss import Bill, Customer
from contracts.documents import DocumentSwitched
from contracts.registry import SWITCH
from harness.detection_feed import RULES, Feed
from harness.one_processor import NOON, OneProcessor
from harness.switched_feed import ASKED, OLD, Switched, document, edition
from servicekit.documents.in_force import Edition


@pytest.fixture
def feed() -> Switched:
    """Known, with three months of 100.00 yuan."""
    made = Switched()
    made.boss("customer.changed", "2025-12-31", **OLD)
    made.bills(m202601=10000, m202602=10000, m202603=10000)
    return made


def rule_of(feed: Feed) -> list[tuple[str, int]]:
    return [(alert.rule.id, alert.rule.version) for alert in feed.alerts()]


@pytest.mark.parametrize(("amount", "warns"), [(7000, False), (6001, False), (6000, True)])
def test_the_next_record_is_judged_by_the_new_version(feed: Switched, amount: int, warns: bool) -> None:
    feed.switch(2, percent=60)
    feed.bills(m202604=amount)
    assert rule_of(feed) == ([("drop-30", 2)] if warns else [])


def test_an_open_alert_withdraws_and_recovers_by_its_own_version(feed: Switched) -> None:
    feed.bills(m202604=7000)
    feed.switch(2, percent=60)
    assert feed.bills(m202604=6900) == ["churn_warning 202604 changed"], "by version 1 it still falls"
    assert feed.bills(m202604=7001) == ["churn_warning 202604 resolved withdrawn"]
    assert feed.bills(m202604=7000) == ["churn_warning 202604 changed"], "it was raised by version 1"
    assert feed.bills(m202605=7001) == ["churn_warning 202604 resolved recovered"], "at 70 %, not at 60 %"
    assert rule_of(feed) == [("drop-30", 1)]


def test_nothing_is_judged_again_because_a_rule_changed(feed: Switched) -> None:
    feed.bills(m202604=7500)
    feed.switch(2, percent=80)
    assert feed.tick("2026-06-01") == [] and feed.boss("customer.changed", "2026-06-01", **OLD) == []
    assert feed.bills(m202603=10100) == ["churn_warning 202604 raised"], "a record of its months is news to it"


def test_a_second_reason_of_an_alert_that_a_request_raised_is_of_the_version_in_force(feed: Switched) -> None:
    feed.boss("service.requested", "2026-05-05", **{**ASKED, "requested_at": "2026-04-05T09:00:00+08:00"})
    feed.switch(2, percent=60)
    assert feed.bills(m202604=6500) == []
    assert feed.bills(m202604=5900) == ["churn_warning 202604 changed"]
    (alert,) = feed.alerts()
    assert [(r.rule.id, r.rule.version) for r in alert.reasons] == [("drop-30", 2), ("stop-request", 1)]
    feed.switch(3, percent=20)
    assert feed.bills(m202604=5800) == ["churn_warning 202604 changed"]
    assert {r.rule.version for r in feed.alerts()[0].reasons if r.rule.id == "drop-30"} == {2}


def test_a_stopped_rule_raises_nothing_new_and_what_is_open_goes_on(feed: Switched) -> None:
    feed.bills(m202604=7000)
    feed.switch(1, state="stopped")
    assert feed.bills(m202604=6000) == ["churn_warning 202604 changed"]
    assert feed.bills(m202605=3000) == [], "no new alert, and the month before is not superseded"
    assert feed.bills(m202604=10000) == ["churn_warning 202604 resolved withdrawn"]
    feed.switch(1)
    assert feed.bills(m202605=2900) == ["churn_warning 202605 raised"]


def test_a_stopped_request_rule_gives_no_reason(feed: Switched) -> None:
    feed.switch(1, "stop-request", "stopped")
    assert feed.boss("service.requested", "2026-05-05", **ASKED) == []
    feed.switch(1, "stop-request")
    assert feed.boss("service.requested", "2026-05-05", **{**ASKED, "request_id": "s2"}) == [
        "churn_warning 202605 raised"
    ]


def test_what_waited_for_the_customer_s_record_is_let_go_where_its_rule_was_stopped_meanwhile() -> None:
    feed = Switched()
    feed.boss("service.requested", "2026-05-05", **ASKED)
    feed.switch(1, "stop-request", "stopped")
    assert feed.boss("customer.changed", "2026-05-06", **OLD) == []
    feed.switch(1, "stop-request")
    assert feed.boss("service.requested", "2026-05-07", **{**ASKED, "request_id": "s2"}) == [
        "churn_warning 202605 raised"
    ]


def test_stopped_rules_of_the_other_kinds_raise_nothing_new_either(feed: Switched) -> None:
    for id in ("arrears", "complaint-opened", "contract-expiring"):
        feed.switch(1, id, "stopped")
    complaint = {"complaint_id": "k", "opened_at": "2026-06-30T09:00:00+08:00", "status": "opened"}
    assert feed.boss("arrears.changed", "2026-06-30", amount_fen=1, oldest_due_on="2026-06-30") == []
    assert feed.boss("complaint.changed", "2026-06-30", **complaint) == []
    assert feed.boss("contract.changed", "2026-06-30", contract_id="ct", ends_on="2026-07-20") == []
    assert feed.tick("2026-07-25") == []


def test_a_debt_of_the_version_before_ages_by_that_one(feed: Switched) -> None:
    feed.boss("arrears.changed", "2026-06-30", amount_fen=1, oldest_due_on="2026-06-30")
    stages = [{**stage, "after_days": stage["after_days"] * 2} for stage in document("arrears")["stages"]]
    feed.switch(2, "arrears", stages=stages)
    assert feed.tick("2026-07-01") == ["arrears changed reminder"] and rule_of(feed) == [("arrears", 1)]


# --- windows of other widths ------------------------------------------------------------------------------------


def test_more_months_need_more_months(feed: Switched) -> None:
    feed.switch(2, months=4)
    assert feed.bills(m202604=5000) == [], "the fourth month before is not known"
    assert feed.bills(m202512=10000) == ["churn_warning 202604 raised"]


def test_an_open_alert_is_still_moved_by_a_month_that_only_its_own_version_looks_back_to(feed: Switched) -> None:
    feed.switch(2, months=5)
    feed.bills(m202512=10000, m202511=10000, m202604=5000)
    feed.switch(3, months=2)
    assert rule_of(feed) == [("drop-30", 2)]
    assert feed.bills(m202511=100) == ["churn_warning 202604 changed"], "5000 of (4 × 10000 + 100) / 5"
    assert feed.bills(m202511=None) == ["churn_warning 202604 resolved withdrawn"]


def test_a_month_further_on_than_the_version_in_force_looks_back_is_not_judged_anew(feed: Switched) -> None:
    feed.switch(2, months=5, percent=1)
    feed.bills(m202512=10000, m202604=6000)
    feed.switch(3, months=2)
    assert feed.bills(m202512=9000) == [], "April falls by version 3, but December is no month of its"
    assert feed.bills(m202602=10001) == ["churn_warning 202604 raised"]


# --- as documents -----------------------------------------------------------------------------------------------


def test_editions_say_what_is_in_force() -> None:
    rules = RULES.switched(
        [edition(1, 2, percent=60), edition(2, 3, state="shadow"), edition(3, 1, "arrears", "stopped")]
    )
    assert rules.fall.version == 2 and rules.fall.percent == 60 and rules.stopped == {"arrears"}
    assert set(rules.in_force) == {d.id for d in RULES.documents} - {"arrears"}
    assert rules.of("drop-30", 1) == RULES.fall and rules.of("drop-30", 3).version == 3
    assert rules.has_shadow and rules.shadow.fall.version == 3 and set(rules.shadow.in_force) == {"drop-30"}
    back = RULES.switched([edition(1, 2, percent=60), edition(2, 2, state="stopped"), edition(3, 1)])
    assert back.fall.version == 1 and not back.stopped


def test_a_condition_is_compiled_once_however_many_switches_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """With hundreds of them each switch would else take as long as reading them all anew, on every partition."""
    seen: list[str] = []

    def counting(plain: dict[str, Any]) -> Any:
        seen.append(plain["id"])
        return compiled(plain)

    monkeypatch.setattr("alerts.rules.compiled", counting)
    base, editions = (
        load(),
        [Edition(n, "rule", each["id"], 1, "active", each) for n, each in enumerate(documents(), 1)],
    )
    for many in range(1, len(editions) + 1):
        switched = base.switched(editions[:many])
    assert seen == [edition.id for edition in editions]
    first = editions[0]
    second = Edition(99, "rule", first.id, 2, "active", {**first.document, "severity": "critical"})
    again = base.switched([*editions, second])
    assert seen[len(editions) :] == [first.id], "the new version alone"
    assert again.watches[first.id, 1] is switched.watches[first.id, 1]
    # A version is known by its content: what another place of the log makes of its number is nobody else's.
    other = msgspec.structs.replace(second, version=1)
    assert base.switched([other]).watches[first.id, 1].rule.severity == "critical"


@pytest.mark.parametrize("broken", [{"percent": "many"}, {"type": "request", "request": "stop"}])
def test_what_can_t_be_worked_with_is_said(broken: dict[str, Any]) -> None:
    with pytest.raises((ValueError, msgspec.ValidationError)):
        RULES.switched([edition(1, 2, **broken)])


async def test_detection_takes_the_switch_at_its_place_and_passes_it_on() -> None:
    detect = OneProcessor(app(load(), 1), "boss.events", "work.events")
    await detect.open()

    def bill(period: str, amount: int) -> Any:
        data = Bill(customer_id="c1", period=period, amount_fen=amount)
        return detect.record("boss.events", "kam.boss.bill.issued.v1", data)

    def switch(number: int, version: int, **changes: Any) -> Any:
        switched = DocumentSwitched(
            number=number, kind="rule", document_id="drop-30", version=version, state="active",
            document=document(**changes), by="A1", why="why", switched_at=NOON,
        )  # fmt: skip
        return detect.record("boss.events", SWITCH, switched, key="document/rule/drop-30", correlation="switch:o1")

    customer = Customer(customer_id="c1", status="active", opened_on=None)
    known = detect.record("boss.events", "kam.boss.customer.changed.v1", customer)
    await detect.take(
        known, *(bill(f"20260{month}", 10000) for month in (1, 2, 3)), bill("202604", 6500),
        switch(1, 2, percent=50), bill("202605", 5000), switch(2, 3, type="poem"), bill("202606", 3500),
    )  # fmt: skip
    told = [(type_, event) for type_, event in await detect.events("alert.events")]
    assert [type_ for type_, _ in told if type_ == SWITCH] == [SWITCH]
    raised = [event for type_, event in told if type_ == "kam.alert.raised.v1"]
    assert [(alert.period, alert.rule.version) for alert in raised] == [("202604", 1), ("202606", 2)]
    assert [m.topic for m in await detect.outbox() if m.topic.endswith(".dlq")] == ["boss.events.alerts-detect.dlq"]


def test_rules_without_switches_are_what_they_were() -> None:
    assert Rules(load().documents).in_force == load().in_force and not load().stopped
