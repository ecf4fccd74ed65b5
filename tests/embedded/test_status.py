"""Lag and the like, from what services say of themselves and where Kafka's partitions end."""

from __future__ import annotations

from typing import Any

from kam.embedded import status

SETTLE: dict[str, Any] = {
    "service": "alerts",
    "processors": [
        {"processor": "alerts-detect/0", "offsets": {"boss.events/0": 90}, "outbox": 2, "busy": True, "failed": None},
        {
            "processor": "alerts-desk/0",
            "offsets": {"boss.events/0": 100, "alert.events/0": 7},
            "outbox": 1,
            "failed": "Boom",
        },
    ],
    "freshness": {},
    "pending": {"sms": 3, "timers": 1},
}


def test_lag_is_summed_over_stages_that_read_the_same_partition() -> None:
    ends = {"boss.events/0": 110, "alert.events/0": 5}
    assert status.summary(SETTLE, ends) == {
        "lag": 30,
        "outbox": 3,
        "pending": 4,
        "failed": ["alerts-desk/0: Boom"],
    }


def test_what_is_not_known_is_not_zero() -> None:
    assert status.summary(SETTLE, {})["lag"] is None
    assert status.summary(None, {"boss.events/0": 1})["lag"] is None
    assert status.summary({"service": "x"}, {"boss.events/0": 1}) == {
        "lag": 0,
        "outbox": 0,
        "pending": None,
        "failed": [],
    }


def test_freshness_is_one_line_with_the_newest_file() -> None:
    freshness = {
        "behind": 7.1,
        "ARR/320100": {"sequence": 1, "at": "2026-11-22T01:31:59.348544+00:00"},
        "BILL/320100": {"sequence": 4, "at": "2026-11-22T01:31:55+00:00"},
    }
    assert status._fresh(freshness) == "behind=7.1 ARR/320100 2026-11-22T01:31:59 (+1)"
