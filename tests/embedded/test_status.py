"""Lag and the like, from what services say of themselves and where Kafka's partitions end."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from kam.embedded import status

SETTLE: dict[str, Any] = {
    "service": "alerts",
    "processors": [
        {
            "processor": "alerts-detect/0",
            "offsets": {"boss.events/0": 90},
            "outbox": 2,
            "outbox_seconds": 0.5,
            "seconds_behind": 3.5,
            "documents": 2,
            "busy": True,
            "gaps": {"boss.events/0": 12},
            "failed": None,
            "switch": 3,
        },
        {
            "processor": "alerts-desk/0",
            "offsets": {"boss.events/0": 100, "alert.events/0": 7},
            "outbox": 1,
            "outbox_seconds": 1.5,
            "documents": 5,
            "documents_seconds": 9.0,
            "failed": "Boom",
            "switch": None,
        },
    ],
    "freshness": {},
    "pending": {"sms": 3, "timers": 1},
    "delays": {"event_to_sms": 0.4},
}


def test_lag_is_summed_over_stages_that_read_the_same_partition() -> None:
    ends = {"boss.events/0": 110, "alert.events/0": 5}
    assert status.summary(SETTLE, ends) == {
        "lag": 30,
        "seconds_behind": 3.5,
        "outbox": 3,
        "outbox_seconds": 1.5,
        "documents": 7,
        "documents_seconds": 9.0,
        "pending": 4,
        "switch": 3,
        "delays": {"event_to_sms": 0.4},
        "failed": ["alerts-desk/0: Boom"],
        "gaps": {"alerts-detect/0 boss.events/0": 12},
    }


def test_who_has_not_come_to_the_last_switch_is_named() -> None:
    rows = {
        "billing-sync": {"switch": 5},
        "alerts": {"switch": 5},
        "alerts-2": {"switch": 3},
        "gateway": {"switch": None},
    }
    assert status.unreached({"processes": rows}) == {"alerts-2": (3, 5)}
    assert status.unreached({"processes": {"alerts": {"switch": 0}, "kafka": {}}}) == {}


def test_what_is_not_known_is_not_zero() -> None:
    assert status.summary(SETTLE, {})["lag"] is None
    unknown = status.summary(None, {"boss.events/0": 1})
    assert {unknown[name] for name in ("lag", "seconds_behind", "outbox", "documents_seconds", "pending")} == {None}
    assert status.summary({"service": "x"}, {"boss.events/0": 1}) == {
        "lag": 0,
        "seconds_behind": 0.0,
        "outbox": 0,
        "outbox_seconds": 0.0,
        "documents": 0,
        "documents_seconds": 0.0,
        "pending": None,
        "switch": None,
        "delays": {},
        "failed": [],
        "gaps": {},
    }


def test_freshness_is_one_line_with_the_newest_file() -> None:
    freshness = {
        "behind": 7.1,
        "ARR/320100": {"sequence": 1, "at": "2026-11-22T01:31:59.348544+00:00"},
        "BILL/320100": {"sequence": 4, "at": "2026-11-22T01:31:55+00:00"},
    }
    assert status._fresh(freshness) == "behind=7.1 ARR/320100 2026-11-22T01:31:59 (+1)"


def test_what_waits_is_said_with_its_age_only_when_it_has_for_long() -> None:
    row = {"seconds_behind": 3.21, "outbox_seconds": 0.02, "documents": 7, "documents_seconds": 9.04}
    assert status._waiting(row) == "落后 / behind 3.2 s · 待写 / documents 7 (9.0 s)"
    assert status._waiting(status.summary({"service": "x"}, {})) == ""
    assert status._waiting(status.summary(None, {})) == ""


def test_delays_are_those_of_the_worst_process() -> None:
    delays: list[dict[str, float | None]] = [{}, {"event_to_sms": 0.4, "event_to_alert": None}, {"event_to_sms": 1.25}]
    report = {"processes": {n: {"delays": row} for n, row in enumerate(delays)}}
    assert status._delays(report) == "事件到短信 / event to SMS p99 1.25 s"


def test_cpu_is_of_the_time_it_was_looked_at() -> None:
    assert (status._percent(1.0, 1.25, 0.5), status._percent(None, 1.0, 0.5)) == (50, None)


def test_what_comes_while_the_ends_are_learnt_is_no_lag(monkeypatch: pytest.MonkeyPatch) -> None:
    """An instance with nothing to do, but a few events a second and the ticks of every partition, seemed to be dozens
    of messages behind."""
    log_end, asked = 10, 0

    def ask(url: str) -> dict[str, Any]:
        nonlocal asked
        asked += 1
        under_way = 9 if asked == 2 else 0
        units = [{"offsets": {"boss.events/0": log_end - under_way}}]
        return {"ready": True, "detail": "ready", "settle": {"processors": units}}

    def ends(kafka: str, partitions: Iterable[str]) -> dict[str, int]:
        nonlocal log_end
        log_end += 40
        return dict.fromkeys(partitions, log_end)

    about = _about(monkeypatch, ask, ends)
    assert status.collect(about)["processes"]["a"]["lag"] == 0


def test_a_broker_that_does_not_answer_is_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    about = _about(
        monkeypatch, lambda _: {"ready": True, "detail": "ready", "settle": SETTLE}, lambda kafka, partitions: {}
    )
    monkeypatch.setenv("COLUMNS", "200")
    status.show(status.collect(about))
    shown = capsys.readouterr().out
    assert "Kafka does not answer" in shown and "a: 落后 / behind 3.5 s" in shown
    assert "alerts-detect/0 boss.events/0: 有 12 条记录" in shown


def _about(monkeypatch: pytest.MonkeyPatch, ask: Any, ends: Any) -> dict[str, Any]:
    monkeypatch.setattr(status, "_ask", ask)
    monkeypatch.setattr(status, "end_offsets", ends)
    monkeypatch.setattr(status, "_CPU_SECONDS", 0.0)
    process = {"pid": None, "ready": True, "restarts": 0, "ports": {"http": 1}, "log": ""}
    return {"state": "running", "data": "", "gateway": "", "clock": "feed", "kafka": "", "processes": {"a": process}}


def test_what_did_not_leave_outside_production_is_counted_once() -> None:
    rows = {"alerts": {"freshness": {"sms_not_allowed": 7}}, "alerts-2": {"freshness": {"sms_not_allowed": 7}}}
    assert status.not_allowed({"processes": {**rows, "kafka": {"freshness": None}, "gateway": {"freshness": {}}}}) == 7
    assert status.not_allowed({"processes": {"kafka": {"freshness": None}}}) == 0
