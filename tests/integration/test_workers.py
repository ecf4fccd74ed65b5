"""Two processes of each partitioned service, as their users see them: nothing is missing, nothing comes twice."""

import json
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from harness.waiting import until
from integration.house import House, Month, Row, opened
from servicekit.kafka import partition_of

pytestmark = [pytest.mark.embedded, pytest.mark.timeout(400)]

PARTITIONS = 6


def described(house: House) -> Row:
    found: Row = json.loads((house.data / "instance.json").read_text())
    return found


@contextmanager
def paused(house: House, *names: str) -> Iterator[None]:
    pids = [described(house)["pids"][name] for name in names]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


def a_number_of(month: Month, worker: int, workers: int, first: int) -> int:
    """Number of a customer, from ``first`` on, whose partition this worker has."""
    numbers = range(first, first + 200)
    return next(n for n in numbers if partition_of(month.customer(n), PARTITIONS) % workers == worker)


def debtors(month: Month, numbers: list[int], day: int) -> list[Row]:
    debts = [month.event("arrears.changed", month.debt(n, 12_345, day, days_overdue=5), day) for n in numbers]
    return [*(month.newcomer(n) for n in numbers), *debts]


def check(house: House, month: Month, numbers: list[int]) -> None:
    """Every customer has one alert, one SMS that arrived, one work item, a page, and a chain back to BOSS."""
    sent = {n: house.delivered(month.customer(n)) for n in numbers}
    house.settle()
    for n in numbers:
        one, (sms,) = month.customer(n), sent[n]
        assert [alert["kind"] for alert in house.alerts(one)] == ["arrears"]
        assert len(house.work(one)) == 1
        assert len(house.smsc_took(str(month.profile(n)["phone"]))) == 1
        page = house.get(f"customers/{one}", role="administrator")
        assert page["customer"]["customer_id"] == one and page["arrears"]["amount_fen"] == 12_345, page
        chain = house.why(sms["sms_id"])
        assert chain[0]["type"] == "boss.record"
        assert {"kam.alert.raised.v1", "kam.sms.submitted.v1"} <= {link["type"] for link in chain}


def restarted(house: House, *options: str) -> House:
    """The same data, started again with other options."""
    port_base = str(described(house)["port_base"])
    assert house.kam("down")["stopped"]
    more = ["--no-sim", "--clock", "feed", "--port-base", port_base, *options]
    house.kam("up", "--detach", *more)
    return House(house.data)


def test_two_workers_then_three_then_one(tmp_path: Path) -> None:
    with opened(tmp_path / "data", "--partitions", str(PARTITIONS), "--workers", "2") as house:
        month = house.month()
        assert {"alerts", "alerts-2", "analytics-2", "customer-profile-2"} <= set(described(house)["pids"])
        first = list(range(1, 13))
        assert {partition_of(month.customer(n), PARTITIONS) for n in first} == set(range(PARTITIONS))
        house.accept(*debtors(month, first, 2))
        check(house, month, first)
        assert house.get("recount")["agree"]
        raised = house.get("counts", kind="alert.raised:arrears")
        assert sum(cell["count"] for cell in raised) == len(first)
        assert house.kam("status")["ready"] and house.kam("topics")

        _a_chain_crosses_workers(house, month)
        second = _one_worker_is_held_up(house, month)
        check(house, month, second)

        for workers in (3, 1):
            house = restarted(house, "--workers", str(workers))
            more = [a_number_of(month, 0, 1, 500 + workers * 100) + n for n in range(4)]
            house.accept(*debtors(month, more, 6 + workers))
            check(house, month, [*first, *second, *more])

        refused = house.run("up", "--partitions", "4")
        assert refused.returncode == 0  # it runs already: nothing is asked of it
        assert house.kam("down")["stopped"]
        refused = house.run("up", "--detach", "--partitions", "4")
        assert refused.returncode == 2 and "6 partitions" in refused.stdout + refused.stderr


def _a_chain_crosses_workers(house: House, month: Month) -> None:
    """A contract goes to a customer of the other worker; the alert's chain tells how."""
    old, new = a_number_of(month, 0, 2, 100), a_number_of(month, 1, 2, 100)
    house.accept(month.newcomer(old, day=2, clock="11:00"), month.newcomer(new, day=2, clock="11:00"))
    contract: dict[str, Any] = {"contract_id": f"{month}-k", "product_code": "B24", "ends_on": str(month.day(9))}
    for number, clock in ((old, "12:00"), (new, "13:00")):
        owned = {**contract, "customer_id": month.customer(number)}
        house.accept(month.event("contract.changed", owned, 2, clock))
    (alert,) = house.alerts(month.customer(new), kind="contract_expiring")
    told = {link["type"] for link in house.why(alert["alert_id"])}
    assert {"boss.record", "kam.boss.record.moved.v1", "kam.boss.contract.changed.v1"} <= told


def _one_worker_is_held_up(house: House, month: Month) -> list[int]:
    """What the other one owns goes on; ``kam wait`` waits for both."""
    held, free = a_number_of(month, 1, 2, 300), a_number_of(month, 0, 2, 300)
    with paused(house, "alerts-2"):
        events = debtors(month, [held, free], 3)
        answer = house.post_events(json.dumps(events).encode(), "application/cloudevents-batch+json")
        assert answer.status_code == 202, answer.text
        phone = str(month.profile(free)["phone"])
        until(lambda: house.smsc_took(phone), timeout=30, every=0.1)
        waited = house.run("wait", "--timeout", "1")
        assert waited.returncode == 1 and "alerts-2" in waited.stdout
        assert house.smsc_took(str(month.profile(held)["phone"])) == []
    house.settle()
    return [held, free]
