"""Working time, escalation and maintenance, changed while everything runs, and the same again from another disk."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from integration.house import House, Month, Row, opened
from integration.test_rule_life import with_a_new_disk
from servicekit.clock import SHANGHAI

pytestmark = [pytest.mark.embedded, pytest.mark.timeout(400)]
WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def complaint(month: Month, number: int, day: int, clock: str = "10:00") -> Row:
    data = {
        "complaint_id": f"{month}k{number}", "customer_id": month.customer(number), "opened_at": month.at(day, clock),
        "category": "network", "channel": "10086", "severity": 2, "status": "opened",
    }  # fmt: skip
    return month.event("complaint.changed", data, day, clock)


def due(row: Row) -> datetime:
    return datetime.fromisoformat(row["due_at"]).astimezone(SHANGHAI)


def save(house: House, file: Path, group: str, document: dict[str, Any]) -> Row:
    file.write_text(yaml.safe_dump(document, allow_unicode=True))
    saved: Row = house.kam(group, "save", file, "--why", "试行")
    return saved


def test_a_month_by_a_working_calendar(tmp_path: Path) -> None:
    with opened(tmp_path / "data", "--partitions", "4") as house:
        month, file = house.month(), tmp_path / "document.yaml"
        house.accept(*(month.newcomer(n) for n in range(1, 8)), complaint(month, 1, 2))
        plain = house.alert(month.customer(1))
        assert due(plain) == datetime.fromisoformat(month.at(4)) and plain["calendar"] is None

        # A calendar that is worked in the mornings of all days: what is wrong is told, what is right is in force.
        office = {**house.kam("calendar", "show", "working-days")["document"], "holidays": "none"}
        office["weekdays"] = {day: ["12:00-00:00"] for day in WEEK}
        file.write_text(yaml.safe_dump(office, allow_unicode=True))
        refused = house.run("calendar", "save", file, "--why", "试行")
        assert refused.returncode == 1 and "weekdays.mon[0]" in refused.stdout, refused
        office["weekdays"] = {day: ["00:00-12:00"] for day in WEEK}
        assert save(house, file, "calendar", office)["version"] == 2
        assert house.kam("calendar", "diff", "working-days", 1, 2)
        assert house.kam("calendar", "activate", "working-days", 2, "--why", "试行")["state"] == "active"
        house.accept(complaint(month, 2, 2))
        alert, (item,) = house.alert(month.customer(2)), house.work(month.customer(2))
        # 2 hours of that morning, three mornings, and 10 of the next.
        assert due(alert) == due(item) == datetime.fromisoformat(month.at(6))
        assert alert["calendar"]["name_en"] == item["calendar"]["name_en"] == "Working calendar"
        assert due(house.alert(month.customer(1))) == due(plain)

        # Nobody takes them in hand: to the unit's head after two working hours.
        rules = house.kam("workrules", "show", "work")["document"]
        steps = [{"after_hours": 2, "to": "head"}, {"after_hours": 14, "to": "province"}]
        window = {
            "from": month.at(4, "09:00"),
            "to": month.at(4, "11:00"),
            "kinds": ["complaint_opened"],
            "reason": "割接",
        }
        rules |= {"escalation": [{"cause": "not_acknowledged", "steps": steps}], "maintenance": [window]}
        saved = save(house, file, "workrules", rules)
        assert house.kam("workrules", "activate", "work", saved["version"], "--why", "试行")["state"] == "active"
        house.accept(complaint(month, 3, 3, "08:00"))
        house.accept(complaint(month, 4, 3, "09:59"))
        assert house.alert(month.customer(3))["escalated_to"] is None
        house.accept(complaint(month, 5, 3, "10:01"))
        up = house.alert(month.customer(3))
        assert (up["escalated_to"], up["state"]) == ("head", "raised")
        assert house.alert(month.customer(4))["escalated_to"] is None
        assert house.alert(month.customer(2))["escalated_to"] is None, "its clock began before the rule"
        told = next(link for link in house.why(up["alert_id"]) if link["type"] == "kam.alert.escalated.v1")
        assert "2 working hours" in told["summary_en"] and "上报单位负责人" in told["summary_zh"]

        # Maintenance: no work and no SMS before it is over.
        house.accept(complaint(month, 6, 4, "09:30"))
        held = house.alert(month.customer(6))
        assert held["suppressed"]["reason"] == "割接"
        assert not house.work(month.customer(6)) and not house.sms(month.customer(6))
        house.accept(complaint(month, 7, 4, "11:30"))
        assert house.alert(month.customer(6))["suppressed"] is None
        assert len(house.work(month.customer(6))) == 1 and len(house.sms(month.customer(6))) == 1

        # Other disks come to the same.
        before = house.kam("alerts"), house.kam("work")
        for service in ("manager-work", "alerts"):
            house = with_a_new_disk(house, service)
        house.settle()
        assert (house.kam("alerts"), house.kam("work")) == before
        assert house.kam("calendar", "stop", "working-days", "--why", "试行结束")["state"] == "stopped"
        house.accept(month.newcomer(8, 5), complaint(month, 8, 5))
        assert due(house.alert(month.customer(8))) - datetime.fromisoformat(month.at(5)) == timedelta(hours=48)
