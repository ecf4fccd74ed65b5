"""A province goes live: nobody is texted for what was there before, a budget holds over two workers, a test reaches
an allowed number."""

from pathlib import Path

import pytest
import yaml

from harness.boss_files import write_pair
from harness.waiting import until
from integration.house import House, Month, Row, opened
from integration.test_sms_stops import taken
from integration.test_workers import debtors, restarted

pytestmark = [pytest.mark.embedded, pytest.mark.timeout(300)]
CUSTOMERS = range(1, 25)
ALLOWED = "13912345678"


def snapshot(house: House, month: Month, day: int, days_overdue: int) -> Path:
    """Customers, and the debt of each, as one night's files."""
    folder = house.folder(month, f"night{day}")
    customers = [month.profile(number) for number in CUSTOMERS]
    debts = [month.debt(number, 10_000 + number, day, days_overdue=days_overdue) for number in CUSTOMERS]
    write_pair(folder, "CUST", month.city(), month.day(day), day, customers)
    write_pair(folder, "ARR", month.city(), month.day(day), day, debts)
    return folder


def in_force(house: House, file: Path, **changes: object) -> None:
    document: Row = house.kam("policy", "show", "sms")["document"]
    file.write_text(yaml.safe_dump({**document, **changes}, allow_unicode=True))
    version = house.kam("policy", "save", file, "--why", "预算")["version"]
    assert house.kam("policy", "activate", "sms", version, "--why", "预算")["state"] == "active"


def test_a_province_goes_live(tmp_path: Path) -> None:
    with opened(tmp_path / "data", "--partitions", "4", "--workers", "2") as house:
        month = house.month()
        files = sorted(snapshot(house, month, 2, 35).glob("*.dat.gz"))
        receipts = house.kam("file", "deliver", "--baseline", *files)
        assert {receipt["result"] for receipt in receipts} == {"accepted"}
        assert all("baseline" in receipt["notes"][0] for receipt in receipts)
        alerts = [alert for alert in house.kam("alerts") if alert["customer_id"].startswith(f"{month}")]
        assert len(alerts) == len(CUSTOMERS) and {alert["stage"] for alert in alerts} == {"second_reminder"}
        assert all(alert["work_id"] for alert in alerts), "managers have their work"
        sms = [row for row in house.kam("sms") if row["customer_id"].startswith(f"{month}")]
        assert [(row["state"], row["reason"]) for row in sms] == [("suppressed", "baseline")] * len(CUSTOMERS)
        assert taken(house).total() == 0

        # The next stage counts as ever, within the budget: shares of both workers are the whole.
        in_force(house, tmp_path / "policy.yaml", budget={"parts": 8}, allowed=[ALLOWED])
        house.deliver(snapshot(house, month, 27, 61))
        until(lambda: held(house) == len(CUSTOMERS) - 8, timeout=30)
        house.settle()
        assert taken(house).total() == 8
        (used,) = house.kam("sms", "budget")
        assert (used["parts"], used["parts_limit"], used["is_near"]) == (8, 8, True)
        house = restarted(house, "--workers", "2")
        assert house.kam("sms", "budget") == [used], "what was counted is found again"
        assert (taken(house).total(), held(house)) == (8, len(CUSTOMERS) - 8)
        in_force(house, tmp_path / "policy.yaml", budget={"parts": 1000})
        until(lambda: held(house) == 0, timeout=30)
        house.settle()
        assert taken(house).total() == len(CUSTOMERS) and set(taken(house).values()) == {1}

        sent = house.kam("sms", "test", "arrears-reminder", "--to", ALLOWED, "--value", "name=李")
        assert sent["state"] == "queued" and "李" in sent["text"]
        house.accept(*debtors(month, [99], 28))  # the clock moves on: the next tick decides
        until(lambda: taken(house)["86" + ALLOWED] == 1, timeout=30)
        refused = house.run("sms", "test", "arrears-reminder", "--to", "13900000000")
        assert refused.returncode == 1 and "your own account" in refused.stdout
        assert house.kam("sms", "budget")[0]["parts"] == 2, "another day"


def held(house: House) -> int:
    return len([row for row in house.kam("sms", "--state", "held") if row["reason"] == "budget"])
