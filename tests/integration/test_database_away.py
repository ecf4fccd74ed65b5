"""The query database is away: what is decided goes on, reads say so, and afterwards everything is there once."""

import time

import httpx
import pytest

from harness.waiting import until
from integration.house import BATCH, House, Month, Row
from integration.test_workers import paused

pytestmark = [pytest.mark.embedded, pytest.mark.timeout(240)]


def send(house: House, *events: Row) -> None:
    """Over HTTP, without waiting for what follows."""
    answer = house.post_events(list(events), media=BATCH)
    assert answer.status_code == 202, answer.text


def in_arrears(month: Month, number: int, day: int) -> list[Row]:
    debt = month.debt(number, 12_345, day, days_overdue=5)
    return [month.newcomer(number, day), month.event("arrears.changed", debt, day)]


def work_is(house: House, work_id: str, action: str) -> httpx.Response:
    headers = {"Authorization": f"Bearer {house.token('administrator')}"}
    return httpx.post(f"{house.urls['gateway']}/v1/work/{work_id}/{action}", headers=headers, json={}, timeout=60)


def ask(house: House, path: str) -> httpx.Response:
    headers = {"Authorization": f"Bearer {house.token('analyst')}"}
    return httpx.get(f"{house.urls['gateway']}/v1/{path}", headers=headers, timeout=60)


def test_alerts_work_and_sms_go_on_while_the_database_is_away(house: House, month: Month) -> None:
    house.smsc()
    first, second = month.customer(1), month.customer(2)
    phones = [str(month.profile(number)["phone"]) for number in (1, 2, 3)]
    house.accept(*in_arrears(month, 1, 1))
    house.delivered(first)
    (work,) = house.work(first)
    assert float(ask(house, "alerts").headers["kam-seconds-behind"]) < 5
    tokens = [house.token(role) for role in ("administrator", "analyst", "operations", "integrator")]
    assert all(tokens)
    with paused(house, "mongodb"):
        send(house, *in_arrears(month, 2, 2))
        until(lambda: house.smsc_took(phones[1]), timeout=30)
        house.text_us(phones[2], "TD")
        send(house, *in_arrears(month, 3, 3))
        started = time.monotonic()
        answer = work_is(house, work["work_id"], "accept")
        assert answer.status_code == 200 and answer.json()["state"] == "accepted", answer.text
        assert time.monotonic() - started < 10
        refused = ask(house, f"alerts?customer={second}")
        assert refused.status_code == 503 and refused.json()["error"] == "store_away"
        assert "since 20" in refused.json()["en"] and "自 20" in refused.json()["zh"]
        status = house.get("status", role="operations")
        waiting = {name: said.get("documents", 0) for name, said in status["services"].items()}
        assert waiting["alerts"] and waiting["manager-work"] and waiting["customer-profile"]
        assert all(said["ready"] for said in status["services"].values()), status
    house.settle()
    assert [a["state"] for a in house.alerts(second)] == ["raised"] and len(house.work(second)) == 1
    assert [s["state"] for s in house.delivered(second)] == ["delivered"]
    assert len(house.smsc_took(phones[1])) == 1
    assert [s["state"] for s in house.sms(month.customer(3))] == ["suppressed"] and not house.smsc_took(phones[2])
    assert [w["state"] for w in house.work(first)] == ["accepted"]
    assert house.get("customers/" + second, role="administrator")["customer"]["customer_id"] == second


def test_a_manager_s_next_list_shows_what_he_has_just_done(house: House, month: Month) -> None:
    house.accept(*(event for number in range(1, 6) for event in in_arrears(month, number, 1)))
    for number in range(1, 6):
        (work,) = house.work(month.customer(number))
        assert work_is(house, work["work_id"], "accept").status_code == 200
        assert [w["state"] for w in house.work(month.customer(number))] == ["accepted"]
