"""Churn warnings as tables: figures in, what the alert says out."""

import itertools
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from alerts.detection.months import month_of, months_later, period_of
from alerts.detection.rows import KEPT_MONTHS
from alerts.detection.series import with_figure
from alerts.rules import Rules, load
from harness.detection_feed import Feed

OLD = {"status": "active", "opened_on": "2010-01-01", "city": "320100", "area": "urban", "manager_id": "m7"}


def bills(feed: Feed, **amounts: int | None) -> list[str]:
    """``m202601=10000`` and so on; each comes at the end of its month."""
    return [
        told
        for name, amount in amounts.items()
        for told in feed.boss("bill.issued", f"{name[1:5]}-{name[5:]}-28", period=name[1:], amount_fen=amount)
    ]


def figure_of(**profile: Any) -> Feed:
    feed = Feed()
    feed.boss("customer.changed", "2025-12-31", **{**OLD, **profile})
    return feed


def falling(**profile: Any) -> Feed:
    """A customer whose April bill has fallen to 60 %."""
    feed = figure_of(**profile)
    bills(feed, m202601=10000, m202602=10000, m202603=10000, m202604=6000)
    return feed


@pytest.mark.parametrize(
    ("before", "now", "warns"),
    [
        ((100, 100, 100), 70, True),  # exactly 70 %
        ((100, 100, 100), 71, False),
        ((100, 100, 101), 70, True),  # 70.23 is the line: integers decide
        ((1, 1, 1), 1, False),
        ((0, 0, 1), 0, True),
        ((0, 0, 0), 0, False),  # no base, no fall
        ((-50, -50, 0), -100, False),
        ((-50, 100, 100), 30, True),  # a negative bill is known
        ((100, 100, 100), -20, True),
        ((100, None, 100), 10, False),  # all three must be known
        ((None, 100, 100), 10, False),
        ((100, 100, 100), None, False),
    ],
)
def test_line(before: tuple[int | None, ...], now: int | None, warns: bool) -> None:
    feed = figure_of()
    bills(feed, m202601=before[0], m202602=before[1], m202603=before[2], m202604=now)
    assert bool(feed.alerts()) is warns


def test_alert_says_rule_values_and_evidence() -> None:
    alert = falling().alerts()[0]
    assert (alert.rule.id, alert.rule.version, alert.severity, alert.period) == ("drop-30", 1, "major", "202604")
    assert (alert.city, alert.manager_id, alert.late, alert.revision) == ("320100", "m7", False, 1)
    assert alert.values == {"amount_fen": 6000, "amount_fen_base": 30000, "amount_fen_percent": 60}
    assert len(alert.evidence) == 4
    assert [r.code for r in alert.reasons] == ["bill_fall"]


@pytest.mark.parametrize(
    ("profile", "warns"),
    [
        ({"status": "suspended"}, False),
        ({"status": None}, True),  # not known does not exclude
        ({"opened_on": None}, True),
        ({"opened_on": "2026-01-30"}, True),  # + 3 months = 30 April: inside the period
        ({"opened_on": "2026-01-31"}, True),  # clamped to 30 April
        ({"opened_on": "2026-02-01"}, False),
        ({"plan_code": "FREE"}, False),
        ({"plan_code": "P199"}, True),
        ({"customer_id": "black"}, False),
    ],
)
def test_exclusions(profile: dict[str, Any], warns: bool) -> None:
    seeds = load()
    fall = replace(seeds.fall, excluded_plan_codes=("FREE",), excluded_customers=("black",))
    feed = Feed(profile.get("customer_id", "c1"), Rules([d for d in seeds.documents if d != seeds.fall] + [fall]))
    feed.boss("customer.changed", "2025-12-31", **{**OLD, **profile})
    bills(feed, m202601=10000, m202602=10000, m202603=10000, m202604=6000)
    assert bool(feed.alerts()) is warns


def test_exclusions_are_judged_when_raising_only() -> None:
    feed = falling()
    feed.boss("customer.changed", "2026-04-29", **{**OLD, "status": "suspended"})
    assert bills(feed, m202603=1) == ["churn_warning 202604 resolved withdrawn"]
    assert bills(feed, m202603=10000) == ["churn_warning 202604 changed"]


def test_profile_change_re_evaluates_nothing_but_the_next_figure_does() -> None:
    feed = falling(status="suspended")
    assert feed.boss("customer.changed", "2026-05-01", **OLD) == []
    assert bills(feed, m202601=11000) == ["churn_warning 202604 raised"]


@pytest.mark.parametrize(
    ("story", "told"),
    [
        ({"m202604": 10000}, ["churn_warning 202604 resolved withdrawn"]),
        ({"m202604": None}, ["churn_warning 202604 resolved withdrawn"]),  # no longer known
        ({"m202605": 7001}, ["churn_warning 202604 resolved recovered"]),
        ({"m202605": 7000}, []),  # at the line of the stored baseline, and itself no fall
        (
            {"m202605": 6000},
            ["churn_warning 202605 raised", "churn_warning 202604 resolved superseded"],
        ),
        (
            {"m202605": 6000, "m202606": 100, "m202607": 100},
            [
                "churn_warning 202605 raised",
                "churn_warning 202604 resolved superseded",
                "churn_warning 202606 raised",
                "churn_warning 202605 resolved superseded",
                "churn_warning 202607 raised",
                "churn_warning 202606 resolved superseded",
            ],
        ),
        ({"m202603": 9000}, ["churn_warning 202604 changed"]),  # still falls, from another baseline
    ],
)
def test_what_figures_do_to_an_alert(story: dict[str, int | None], told: list[str]) -> None:
    assert bills(falling(), **story) == told


def test_an_alert_moves_between_outcomes_and_back() -> None:
    feed = falling()
    assert bills(feed, m202605=8000) == ["churn_warning 202604 resolved recovered"]
    assert bills(feed, m202605=5000) == ["churn_warning 202605 raised", "churn_warning 202604 resolved superseded"]
    assert bills(feed, m202605=9000) == [
        "churn_warning 202605 resolved withdrawn",
        "churn_warning 202604 resolved recovered",
    ]
    assert bills(feed, m202605=None) == ["churn_warning 202604 changed"]
    reopened = feed.alerts()[0]
    assert (reopened.state, reopened.outcome, reopened.reopened, reopened.revision) == ("raised", None, True, 5)


def test_two_metrics_are_two_reasons_of_one_alert() -> None:
    feed = falling()
    for period, minutes in (("202601", 100), ("202602", 100), ("202603", 100), ("202604", 10)):
        feed.boss("usage.summarised", None, period=period, voice_minutes=minutes)
    alert = feed.alerts()[0]
    assert [r.code for r in alert.reasons] == ["bill_fall", "minutes_fall"]
    assert alert.values["voice_minutes_base"] == 300
    assert bills(feed, m202605=10000) == []  # minutes are not known in May: not recovered
    feed.boss("usage.summarised", None, period="202605", voice_minutes=100)
    assert feed.alerts()[0].outcome == "recovered"
    feed.boss("usage.summarised", None, period="202604", voice_minutes=90)
    assert [r.code for r in feed.alerts()[0].reasons] == ["bill_fall"]


def test_late_period() -> None:
    feed = figure_of()
    bills(feed, m202601=10000, m202602=10000, m202603=10000)
    feed.boss("bill.issued", "2026-06-30", period="202604", amount_fen=1)  # ended 60.4 days ago
    assert feed.alerts()[0].late
    feed = figure_of()
    bills(feed, m202601=10000, m202602=10000, m202603=10000)
    feed.boss("bill.issued", "2026-06-29 23:59", period="202604", amount_fen=1)
    assert not feed.alerts()[0].late


def test_unknown_clock_is_not_late() -> None:
    feed = Feed()
    feed.boss("customer.changed", None, **OLD)
    for period, amount in (("202601", 9), ("202602", 9), ("202603", 9), ("202604", 1)):
        feed.boss("bill.issued", None, period=period, amount_fen=amount)
    assert not feed.alerts()[0].late


# --- requests ---------------------------------------------------------------------------------------------------


def serv(feed: Feed, when: str, kind: str = "stop", id: str = "s1") -> list[str]:
    return feed.boss("service.requested", when, request_id=id, kind=kind, requested_at=f"{when}T09:00:00+08:00")


def test_stop_and_port_join_and_figures_do_not_close_them() -> None:
    feed = falling()
    assert serv(feed, "2026-04-30") == ["churn_warning 202604 changed"]
    assert serv(feed, "2026-04-30", "port_query", "s2") == ["churn_warning 202604 changed"]
    assert serv(feed, "2026-04-30", "stop", "s3") == []  # one reason of a kind
    assert feed.alerts()[0].severity == "critical"
    assert feed.alerts()[0].rule.id == "drop-30"
    assert bills(feed, m202605=20000) == []
    assert bills(feed, m202604=10000) == ["churn_warning 202604 changed"]
    assert [r.code for r in feed.alerts()[0].reasons] == ["stop_request", "port_query"]


def test_a_request_reopens_what_figures_had_resolved() -> None:
    feed = falling()
    bills(feed, m202605=10000)
    assert serv(feed, "2026-04-30") == ["churn_warning 202604 changed"]
    assert feed.alerts()[0].reopened


@pytest.mark.parametrize("kind", ["suspend", "resume", "change"])
def test_other_requests_warn_nobody(kind: str) -> None:
    assert serv(figure_of(), "2026-04-30", kind) == []


def test_requests_wait_for_the_customer() -> None:
    feed = Feed()
    serv(feed, "2026-04-30")
    serv(feed, "2026-04-30", "port_query", "s2")
    serv(feed, "2026-03-30", "stop", "s3")
    assert feed.boss("customer.changed", "2026-05-01", **OLD) == [
        "churn_warning 202604 raised",
        "churn_warning 202603 raised",
    ]
    assert [len(a.reasons) for a in feed.alerts()] == [2, 1]


# --- ends -------------------------------------------------------------------------------------------------------


def test_a_managers_outcome_lasts() -> None:
    feed = falling()
    assert feed.manager(feed.alerts()[0], "recovered", by=None) == []  # closed because the alert had ended
    assert feed.manager(feed.alerts()[0], "cleared") == []  # not a manager's word
    assert feed.manager(feed.alerts()[0], "retained") == ["churn_warning 202604 resolved retained"]
    assert feed.alerts()[0].by == "m1"
    assert bills(feed, m202604=10000, m202603=9000) == []
    assert serv(feed, "2026-04-30") == []


def test_leaving_ends_and_win_back_counts_new_facts_only() -> None:
    feed = falling()
    feed.boss("complaint.changed", None, complaint_id="k", status="opened", opened_at="2026-04-28T09:00:00+08:00")
    told = feed.boss("customer.left", "2026-05-02", left_on="2026-05-02")
    assert told == ["churn_warning 202604 resolved left", "complaint_opened resolved opened left"]
    assert serv(feed, "2026-05-03") == []
    assert bills(feed, m202605=1) == []
    assert feed.boss("customer.changed", "2026-05-10", **OLD) == []
    assert bills(feed, m202606=1) == ["churn_warning 202606 raised"]


def test_first_seen_as_left_raises_nothing() -> None:
    feed = Feed()
    bills(feed, m202601=10000, m202602=10000, m202603=10000, m202604=6000)
    serv(feed, "2026-04-28")
    feed.boss("arrears.changed", None, as_of="2026-04-28", amount_fen=5, oldest_due_on="2026-01-01")
    assert feed.boss("customer.changed", "2026-05-01", **{**OLD, "status": "left"}) == []
    assert feed.boss("customer.changed", "2026-05-02", **OLD) == []
    assert feed.tick("2026-12-31") == []


# --- whatever the order -----------------------------------------------------------------------------------------

_FIGURES = st.lists(
    st.one_of(st.none(), st.sampled_from([0, 10, 40, 60, 69, 70, 71, 100, 140])), min_size=6, max_size=8
)


def _standing(records: list[tuple[str, str, dict[str, Any]]]) -> dict[str | None, Any]:
    """Period -> state, outcome and reasons, without what a figure that was corrected later had raised."""
    feed = Feed()
    for when, type_, data in records:
        feed.boss(type_, when, **data)
    return {
        a.period: (a.state, a.outcome, sorted((r.code, sorted(r.values.items())) for r in a.reasons))
        for a in feed.alerts()
        if a.outcome != "withdrawn"
    }


@pytest.mark.long
@settings(max_examples=120, deadline=None)
@given(_FIGURES, _FIGURES, st.booleans(), st.booleans(), st.randoms(use_true_random=False))
def test_any_order_of_arrival_gives_the_same_alerts(
    amounts: list[int | None], minutes: list[int | None], stops: bool, corrected: bool, random: Any
) -> None:
    request = {"request_id": "s1", "kind": "stop", "requested_at": "2026-05-09T09:00:00+08:00"}
    final: list[tuple[str, str, dict[str, Any]]] = [("2026-08-02", "customer.changed", OLD)]
    if stops:
        final.append(("2026-08-02", "service.requested", request))
    for type_, figure, values in (
        ("bill.issued", "amount_fen", amounts),
        ("usage.summarised", "voice_minutes", minutes),
    ):
        final += [
            ("2026-08-02", type_, {"period": f"2026{month:02}", figure: value}) for month, value in enumerate(values, 1)
        ]
    expected = _standing(final)
    mistaken = [("2026-08-01", type_, {**data, "amount_fen": 50}) for _, type_, data in final if type_ == "bill.issued"]
    records = final + random.sample(mistaken, 4) if corrected else final
    for _ in range(3):
        shuffled = random.sample(records, len(records))
        assert _standing(shuffled) == expected, shuffled


def test_memory_is_bounded_and_what_is_forgotten_stays_as_it_was() -> None:
    feed = figure_of()
    for month in range(200):
        period = period_of(month_of("202601") + month)
        feed.boss("bill.issued", None, period=period, amount_fen=100 if month % 4 else 10)
    state = feed.state
    assert state is not None
    assert len(state.figures["amount_fen"].values) == len(state.alerts) == KEPT_MONTHS
    assert feed.boss("bill.issued", None, period="202601", amount_fen=77) == []
    first = state.figures["amount_fen"].first
    for month in range(first, first + 4):  # withdraws nothing only because its base is forgotten
        told = feed.boss("bill.issued", None, period=period_of(month), amount_fen=100)
        assert all(month_of(t.split()[1]) >= first + 3 for t in told)


@pytest.mark.parametrize(
    ("months", "first", "values"),
    [
        ((5,), 5, (105,)),
        ((5, 6), 5, (105, 106)),
        ((6, 5), 5, (105, 106)),
        ((5, 8), 5, (105, None, None, 108)),
        ((8, 5), 5, (105, None, None, 108)),
        ((5, 6, 5), 5, (105, 106)),
        ((5, 5000), 4965, (*(None,) * 35, 5100)),
        ((5000, 5), 4965, (*(None,) * 35, 5100)),
        ((5, 40), 5, (105, *(None,) * 34, 140)),
        ((5, 41), 6, (*(None,) * 35, 141)),
    ],
)
def test_series(months: tuple[int, ...], first: int, values: tuple[int | None, ...]) -> None:
    series = None
    for month in months:
        series = with_figure(series, month, 100 + month, 1)
    assert series is not None
    assert (series.first, series.values) == (first, values)


def test_series_remembers_revisions_as_long_as_the_figure() -> None:
    series = with_figure(None, 5, 1, 3)
    assert series.revisions == {5: 3}
    series = with_figure(series, 6, 1, 1)
    series = with_figure(series, 6, 2, 2)
    assert series.revisions == {5: 3, 6: 2}
    assert with_figure(series, 41, 1, 1).revisions == {6: 2}


@pytest.mark.parametrize(
    ("day", "later"), [("2025-11-30", "2026-02-28"), ("2025-12-31", "2026-03-31"), ("2025-10-15", "2026-01-15")]
)
def test_months_later(day: str, later: str) -> None:
    assert months_later(date.fromisoformat(day), 3) == date.fromisoformat(later)


def test_periods_and_months_are_each_others_inverse() -> None:
    for year, month in itertools.product((1970, 1999, 2026), range(1, 13)):
        assert period_of(month_of(f"{year}{month:02}")) == f"{year}{month:02}"
