"""A rule changes while everything runs: saved, in force at one place of the log, kept over a lost disk, stopped."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from integration.house import House, Month, Row, opened
from integration.test_workers import paused

pytestmark = [pytest.mark.embedded, pytest.mark.timeout(400)]


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with opened(tmp_path / "data", "--partitions", "4") as made:
        yield made


def bills(month: Month, number: int, *amounts: int, day: int = 2) -> list[Row]:
    """Of as many months as there are amounts, the last one this month's."""
    return [
        month.event("bill.issued", month.bill(number, amount, back, day), day)
        for back, amount in zip(range(len(amounts) - 1, -1, -1), amounts, strict=True)
    ]


def with_a_new_disk(house: House, service: str) -> House:
    """The same instance, whose service has lost what it kept on its disk."""
    port_base = str(json.loads((house.data / "instance.json").read_text())["port_base"])
    assert house.kam("down")["stopped"]
    shutil.rmtree(house.data / "services" / service)
    house.kam("up", "--detach", "--no-sim", "--clock", "feed", "--port-base", port_base)
    return House(house.data)


def version_of(alert: Row) -> Row:
    return {"id": alert["rule"]["id"], "version": alert["rule"]["version"], "state": alert["state"]}


def test_the_life_of_a_rule(house: House, tmp_path: Path) -> None:
    month, numbers = house.month(), range(1, 9)
    known = [month.newcomer(n) for n in numbers]
    house.accept(*known, *(bill for n in (1, 2) for bill in bills(month, n, 10000, 10000, 10000, 6500)))
    first = house.alert(month.customer(1))
    assert version_of(first) == {"id": "drop-30", "version": 1, "state": "raised"}

    # Saved from what is shown, made worse, mended.
    document = {**house.kam("rule", "show", "drop-30")["document"], "percent": 600}
    file = tmp_path / "drop-30.yaml"
    file.write_text(yaml.safe_dump(document, allow_unicode=True))
    refused = house.run("rule", "save", file, "--why", "误报偏多")
    assert refused.returncode == 1 and '"field": "percent"' in refused.stdout, refused
    file.write_text(yaml.safe_dump({**document, "percent": 60}, allow_unicode=True))
    saved = house.kam("rule", "save", file, "--why", "误报偏多")
    assert (saved["version"], saved["state"]) == (2, "draft")
    house.accept(*bills(month, 3, 10000, 10000, 10000, 6500))
    assert version_of(house.alert(month.customer(3)))["version"] == 1, "a draft decides nothing"

    # In force on every partition for what comes behind it; what is open keeps its version.
    active = house.kam("rule", "activate", "drop-30", 2, "--why", "误报偏多")
    assert active["state"] == "active" and active["active_from"]
    house.accept(*(b for n in (4, 5, 6, 7) for b in bills(month, n, 10000, 10000, 10000, 6500 if n < 6 else 5900)))
    assert not house.alerts(month.customer(4)) and not house.alerts(month.customer(5))
    for n in (6, 7):
        alert = house.alert(month.customer(n))
        assert version_of(alert) == {"id": "drop-30", "version": 2, "state": "raised"}
    raised = next(link for link in house.why(alert["alert_id"]) if link["type"] == "kam.alert.raised.v1")
    assert raised["detail"]["rule"] == {"id": "drop-30", "version": 2}
    house.accept(month.event("bill.issued", month.bill(1, 6900, 0, 3), 3))
    again = house.alert(month.customer(1))
    assert version_of(again) == version_of(first) and again["values"]["amount_fen"] == 6900

    # Another disk: what is in force comes back with it.
    before = house.kam("alerts")
    house = with_a_new_disk(house, "alerts")
    house.settle()
    assert house.kam("alerts") == before
    assert [rule["state"] for rule in house.kam("rule", "list") if rule["id"] == "drop-30"] == ["retired", "active"]
    house.accept(*bills(month, 8, 10000, 10000, 10000, 6500, day=4))
    assert not house.alerts(month.customer(8))

    # Back to what was before, and nothing at all.
    assert house.kam("rule", "rollback", "drop-30", "--why", "漏报")["version"] == 3
    house.accept(month.event("bill.issued", month.bill(8, 6400, 0, 5), 5))
    assert version_of(house.alert(month.customer(8)))["version"] == 3
    assert house.kam("rule", "stop", "drop-30", "--why", "暂停")["state"] == "stopped"
    house.accept(month.event("bill.issued", month.bill(4, 100, 0, 5), 5))
    assert not house.alerts(month.customer(4)) and house.alert(month.customer(1))["state"] == "raised"


def test_two_workers_switch_at_the_same_place_and_one_that_was_down_when_it_gets_there(tmp_path: Path) -> None:
    with opened(tmp_path / "data", "--partitions", "4", "--workers", "2") as house:
        month = house.month()
        file = tmp_path / "drop-30.yaml"
        document = {**house.kam("rule", "show", "drop-30")["document"], "percent": 60}
        file.write_text(yaml.safe_dump(document, allow_unicode=True))
        house.accept(*(month.newcomer(n) for n in range(1, 13)))
        house.kam("rule", "save", file, "--why", "x")
        with paused(house, "alerts-2"):
            assert house.kam("rule", "activate", "drop-30", 2, "--why", "x")["state"] == "active"
        house.accept(*(b for n in range(1, 13) for b in bills(month, n, 10000, 10000, 10000, 6000)))
        found = house.kam("alerts")
        assert len(found) == 12 and {alert["rule"]["version"] for alert in found} == {2}
