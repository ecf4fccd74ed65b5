"""Rules in shadow: their alerts are told apart from all others, and change nothing of them."""

import itertools
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alerts.detection import app
from alerts.detection.state import CustomerState
from contracts.alert import Alert, ShadowAlert
from harness.detection_feed import RULES, Feed
from harness.switched_feed import ASKED, OLD, Switched
from servicekit.documents.in_force import Edition

SILENT = {
    "id": "silent", "type": "condition", "alert": "attention", "name_zh": "静", "name_en": "silent",
    "severity": "minor", "on": ["USAGE"], "when": {"figure": "usage.active_days", "op": "<=", "value": 3},
}  # fmt: skip
#: a bill of April that is 30 % below, with other words than those heard so far
APRIL = b'{"customer_id":"c1","period":"202604","amount_fen":7000}'


class Looked(Switched):
    """A customer's road on which rules run in shadow, too."""

    def condition(self, version: int, state: str, **changes: Any) -> None:
        plain = {**SILENT, **changes}
        self._switched("silent", version, state, plain)

    def stop(self, id: str, version: int) -> None:
        (document,) = {e.version: e.document for e in self.editions if (e.id, e.version) == (id, version)}.values()
        self._switched(id, version, "stopped", document)

    def _switched(self, id: str, version: int, state: str, document: Any) -> None:
        self.editions = (*self.editions, Edition(len(self.editions) + 1, "rule", id, version, state, document))
        self.app = app(RULES.switched(self.editions))

    def used(self, period: str, days: int | None) -> list[str]:
        return self.boss("usage.summarised", period=period, active_days=days)


@pytest.fixture
def feed() -> Looked:
    made = Looked()
    made.boss("customer.changed", "2025-12-31", **OLD)
    made.bills(m202601=10000, m202602=10000, m202603=10000)
    return made


def counted(feed: Feed) -> list[Alert]:
    return [alert for alert in feed.alerts() if not isinstance(alert, ShadowAlert)]


def looked_at(feed: Feed) -> list[ShadowAlert]:
    return [alert for alert in feed.alerts() if isinstance(alert, ShadowAlert)]


def test_a_version_stands_beside_the_one_in_force(feed: Looked) -> None:
    feed.switch(2, percent=90, state="shadow")
    assert feed.bills(m202604=8900) == ["churn_warning 202604 shadow.raised"]
    assert feed.bills(m202604=7000) == ["churn_warning 202604 raised", "churn_warning 202604 shadow.changed"]
    assert feed.bills(m202604=9100) == [
        "churn_warning 202604 resolved withdrawn",
        "churn_warning 202604 shadow.resolved withdrawn",
    ]
    (alert,), (shadow,) = counted(feed), looked_at(feed)
    assert alert.alert_id != shadow.alert_id and (alert.rule.version, shadow.rule.version) == (1, 2)


def test_what_people_query_of_it_is_a_document_of_its_own(feed: Looked) -> None:
    feed.switch(2, percent=90, state="shadow")
    on, context = feed.app.handlers["kam.boss.bill.issued.v1"], feed.heard[-1][2]
    decision = on.handle(feed.state, on.decode(APRIL), context)
    (write,) = decision.writes
    assert write.collection == "shadow_alerts" and write.doc is not None and write.doc["shadow"] is True
    assert write.doc["rule"] == {"id": "drop-30", "version": 2} and write.doc["customer_id"] == "c1"
    assert [event.type for event in decision.events] == ["kam.alert.raised.v1", "kam.alert.shadow.raised.v1"]


def test_its_alerts_end_as_others_do(feed: Looked) -> None:
    feed.switch(2, percent=90, state="shadow")
    feed.bills(m202604=8900)
    assert feed.bills(m202605=9500) == ["churn_warning 202604 shadow.resolved recovered"]
    feed.bills(m202606=8000)
    assert feed.boss("customer.left", "2026-07-01") == ["churn_warning 202606 shadow.resolved left"]


def test_nobody_closes_it_and_a_manager_s_outcome_is_of_the_other(feed: Looked) -> None:
    feed.switch(2, percent=90, state="shadow")
    feed.bills(m202604=7000)
    assert feed.manager(counted(feed)[0], "false_alarm") == ["churn_warning 202604 resolved false_alarm"]
    assert feed.manager(looked_at(feed)[0], "false_alarm") == []
    assert feed.bills(m202604=6900) == ["churn_warning 202604 shadow.changed"], "what was closed stays so"


def test_once_it_is_in_force_new_records_count_and_what_was_looked_at_goes_on_in_shadow(feed: Looked) -> None:
    feed.condition(1, "shadow")
    assert feed.used("202604", 2) == ["attention 202604 shadow.raised"]
    feed.condition(1, "active")
    assert counted(feed) == [], "nothing is judged again"
    assert feed.used("202605", 3) == ["attention 202605 raised"]
    assert feed.used("202604", 9) == ["attention 202604 shadow.resolved withdrawn"]
    assert feed.used("202604", 1) == ["attention 202604 raised"], "a record of that month judges it"


def test_a_shadow_is_stopped_and_what_is_in_force_goes_on(feed: Looked) -> None:
    feed.switch(2, percent=90, state="shadow")
    feed.bills(m202604=7000)
    feed.stop("drop-30", 2)
    assert feed.bills(m202605=5000) == ["churn_warning 202605 raised", "churn_warning 202604 resolved superseded"]
    assert feed.bills(m202604=10000)[-1] == "churn_warning 202604 shadow.resolved withdrawn", "by its own version"
    state = feed.state
    assert state is not None and state.shadow is not None and not state.shadow.alerts, "traces alone are kept"
    feed.switch(3, percent=90, state="shadow")
    assert "churn_warning 202604 shadow.changed" in feed.bills(m202604=7000), "its revisions go on"


def test_to_stop_a_rule_stops_its_shadow_too(feed: Looked) -> None:
    feed.switch(2, percent=90, state="shadow")
    feed.switch(1, state="stopped")
    assert feed.bills(m202604=100) == []


def test_a_request_in_shadow(feed: Looked) -> None:
    feed.switch(2, "stop-request", "shadow")
    assert feed.boss("service.requested", "2026-05-05", **ASKED) == [
        "churn_warning 202605 raised",
        "churn_warning 202605 shadow.raised",
    ]


def test_reasons_of_two_rules_in_shadow_join_each_other_and_none_that_counts(feed: Looked) -> None:
    feed.switch(2, percent=90, state="shadow")
    feed.condition(1, "shadow", alert="churn_warning")
    feed.bills(m202604=8900)
    assert feed.used("202604", 1) == ["churn_warning 202604 shadow.changed"]
    (shadow,) = looked_at(feed)
    assert [reason.rule.id for reason in shadow.reasons] == ["drop-30", "silent"] and counted(feed) == []


def test_while_nothing_runs_in_shadow_a_state_holds_nothing_of_it(feed: Looked) -> None:
    feed.bills(m202604=7000)
    assert feed.state is not None and feed.state.shadow is None


_PERIODS = st.integers(202601, 202606)
_STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("bill"), _PERIODS, st.sampled_from([0, 5000, 8900, 10000, None])),
        st.tuples(st.just("usage"), _PERIODS, st.sampled_from([0, 2, 5, None])),
        st.tuples(st.just("ask"), st.integers(1, 3), st.none()),
        st.tuples(st.just("left"), st.none(), st.none()),
        st.tuples(st.just("back"), st.none(), st.none()),
        st.tuples(st.just("owes"), st.sampled_from([0, 100]), st.none()),
        st.tuples(st.just("complains"), st.sampled_from(["opened", "closed"]), st.none()),
        st.tuples(st.just("close"), st.none(), st.none()),
        st.tuples(st.just("tick"), st.none(), st.none()),
        st.tuples(st.just("shadow"), st.integers(0, 5), st.none()),
    ),
    max_size=25,
)


@given(_STEPS)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_whatever_runs_in_shadow_nothing_else_is_different(steps: list[tuple[str, Any, Any]]) -> None:
    """Property: of two worlds that differ by shadows alone, alerts that count agree, and the state."""
    whole, without, days = Looked(), Looked(), itertools.count()
    for what, one, other in steps:
        day = next(days)
        when = f"2026-{7 + day // 28:02}-{1 + day % 28:02}"
        if what == "shadow":
            _shadow(whole, one)
        else:
            assert [told for told in _step(whole, what, one, other, when) if " shadow." not in told] == _step(
                without, what, one, other, when
            )
    assert counted(whole) == without.alerts() and _without_shadow(whole.state) == without.state


def _without_shadow(state: CustomerState | None) -> CustomerState | None:
    return None if state is None else msgspec.structs.replace(state, shadow=None)


def _step(feed: Looked, what: str, one: Any, other: Any, when: str) -> list[str]:
    match what:
        case "bill":
            return feed.boss("bill.issued", when, period=str(one), amount_fen=other)
        case "usage":
            return feed.boss("usage.summarised", when, period=str(one), active_days=other)
        case "ask":
            at = f"{when}T09:00:00+08:00"
            return feed.boss("service.requested", when, request_id=f"s{one}", kind="stop", requested_at=at)
        case "left":
            return feed.boss("customer.left", when)
        case "back":
            return feed.boss("customer.changed", when, **OLD)
        case "owes":
            return feed.boss("arrears.changed", when, amount_fen=one, oldest_due_on="2026-06-01")
        case "complains":
            at = f"{when}T09:00:00+08:00"
            return feed.boss("complaint.changed", when, complaint_id="k", opened_at=at, status=one)
        case "close":
            open_ = [alert for alert in counted(feed) if alert.outcome is None]
            return feed.manager(open_[0], "false_alarm") if open_ else []
        case _:
            return feed.tick(when)


def _shadow(feed: Looked, choice: int) -> None:
    match choice:
        case 0:
            feed.switch(2, percent=90, state="shadow")
        case 1:
            feed.switch(2, "stop-request", "shadow")
        case 2:
            feed.condition(1, "shadow", alert="churn_warning")
        case 3:
            feed.condition(2, "shadow", on=["USAGE", "ARR", "COMP", "SERV", "CUST", "BILL"])
        case _:
            # What only ran in shadow is stopped: nothing that counts is.
            for id in {e.id for e in feed.editions if e.state == "shadow"}:
                feed.stop(id, [e.version for e in feed.editions if e.id == id][-1])
