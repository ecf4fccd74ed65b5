"""Staff stop SMS while thousands wait, on two workers: nothing leaves after a second, and released all leave once."""

import json
import time
from collections import Counter
from pathlib import Path

import pytest

from harness.waiting import until
from integration.house import House, Month, opened
from integration.test_workers import debtors, paused, restarted

pytestmark = [pytest.mark.embedded, pytest.mark.timeout(500)]

CUSTOMERS = 2000
TEMPLATE, KIND, CHANNEL, RULE = "template/arrears-reminder", "kind/arrears", "channel/smpp", "rule/arrears"


def taken(house: House) -> Counter[str]:
    """How often the SMSC took a message for each number."""
    found = house._http.get(f"{house.urls['smsc_control']}/messages", params={"limit": 10_000}).json()
    return Counter(message["destination"] for message in found)


def nothing_leaves(house: House, seconds: float) -> int:
    """How many the SMSC has; a second after a stop that does not change."""
    time.sleep(1)
    before = taken(house).total()
    time.sleep(seconds)
    assert taken(house).total() == before
    return before


def held(house: House) -> int:
    return len([sms for sms in house.kam("sms", "--state", "held") if sms["reason"] == "stopped"])


def post(house: House, month: Month, numbers: range) -> None:
    answer = house.post_events(
        json.dumps(debtors(month, list(numbers), 2)).encode(), "application/cloudevents-batch+json"
    )
    assert answer.status_code == 202, answer.text


def test_thousands_wait_for_the_release_of_a_stop(tmp_path: Path) -> None:
    with opened(tmp_path / "data", "--partitions", "6", "--workers", "2") as house:
        month = house.month()
        for wrong in ("template/arrears-remainder", "channel/pigeon", "kind/nothing"):
            refused = house.run("sms", "stop", wrong, "--why", "x")
            assert (
                refused.returncode == 2 and "unknown" not in refused.stderr and wrong in refused.stdout + refused.stderr
            )
        assert house.run("sms", "go", TEMPLATE, "--why", "x").returncode == 1, "it is not stopped"

        # The channel is stopped before anything comes: all of it waits, and nothing else does.
        stopped = house.kam("sms", "stop", CHANNEL, "--why", "演练")
        assert stopped["what"] == CHANNEL and stopped["why"] == "演练"
        post(house, month, range(1, CUSTOMERS + 1))
        until(lambda: held(house) == CUSTOMERS, timeout=120, every=1)
        house.settle()
        assert nothing_leaves(house, 1) == 0

        # Released, and stopped again by its template while it leaves, both workers at it.
        house.kam("sms", "go", CHANNEL, "--why", "完毕")
        until(lambda: taken(house).total() > 100, timeout=30, every=0.02)
        house.kam("sms", "stop", TEMPLATE, "--why", "金额写错")
        left = nothing_leaves(house, 2)
        assert 100 < left < CUSTOMERS
        assert [stop["what"] for stop in house.kam("sms", "stops")] == [TEMPLATE]

        # A restart finds the stop and what it holds; so does one that was killed.
        house = restarted(house, "--workers", "2")
        house.settle()
        assert nothing_leaves(house, 1) == left and held(house) == CUSTOMERS - left

        # The broker is away: what is asked can't be written down, so nothing is done, and nothing leaves.
        with paused(house, "kafka"):
            refused = house.run("sms", "stop", KIND, "--why", "x")
            assert refused.returncode == 1 and "nothing was done" in refused.stdout + refused.stderr
        house.kam("sms", "stop", KIND, "--why", "再试")
        house.kam("sms", "go", TEMPLATE, "--why", "已更正")
        assert nothing_leaves(house, 1) == left, "another stop stands"
        house.kam("sms", "go", KIND, "--why", "已更正")
        house.settle()
        found = taken(house)
        assert len(found) == CUSTOMERS and set(found.values()) == {1}
        assert {sms["state"] for sms in house.kam("sms")} == {"delivered"}

        # A rule that is stopped raises no more, and what it has raised tells nobody; in force again it does.
        house.kam("sms", "stop", CHANNEL, "--why", "准备")
        post(house, month, range(5000, 5010))
        until(lambda: held(house) == 10, timeout=60, every=0.5)
        assert house.kam("rule", "stop", "arrears", "--why", "错了")["state"] == "stopped"
        house.kam("sms", "go", CHANNEL, "--why", "好了")
        assert [stop["what"] for stop in house.kam("sms", "stops")] == [RULE]
        assert nothing_leaves(house, 1) == CUSTOMERS and held(house) == 10
        assert house.kam("rule", "activate", "arrears", 1, "--why", "好了")["state"] == "active"
        assert house.kam("sms", "stops") == []
        house.settle()
        assert taken(house).total() == len(taken(house)) == CUSTOMERS + 10
