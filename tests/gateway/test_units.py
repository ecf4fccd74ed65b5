"""The tree of units and its managers, as each role sees them."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from harness.people import Gateway, gateway
from harness.read_model import alert, at, customer, manager, unit, work

TOLD = {
    "boss.events": [
        unit("U0", None, city=None),
        unit("U1", "U0", head_id="M0009"),
        unit("U11", "U1", head_id="M0001"),
        unit("U12", "U1"),
        unit("U2", "U0", city="320200"),
        manager("M0001", name="王芳", unit_id="U11"),
        manager("M0003", name="钱七", unit_id="U11"),
        manager("M0002", name="李强", unit_id="U12"),
        customer("c1", manager_id="M0001"),
        customer("c2", manager_id="M0003"),
        customer("c3", manager_id="M0002"),
        customer("c4", city="320200", manager_id=None),
    ],
    "alert.events": [alert("raised", "a1"), alert("raised", "a3", customer_id="c3")],
    "work.events": [
        work("opened", "w1", due_at=at(-60 * 24 * 365)),
        work("opened", "w3", alert_id="a3", customer_id="c3", due_at="2099-01-01T00:00:00+00:00"),
    ],
}


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[Gateway]:
    async with gateway(tmp_path, told=TOLD) as made:
        yield made


@pytest.mark.parametrize(
    ("who", "seen"),
    [
        ("A0001", "U0:- U1:U0 U11:U1 U12:U1 U2:U0"),
        ("C0001", "U1:- U11:U1 U12:U1"),
        ("H0001", "U11:-"),
        ("M0002", "U12:-"),
    ],
)
async def test_who_sees_which_units(house: Gateway, who: str, seen: str) -> None:
    browser = await house.signed_in(who)
    found = (await browser.get("/v1/units")).json()
    assert " ".join(f"{u['unit_id']}:{u['parent_id'] or '-'}" for u in found) == seen


async def test_a_unit_has_its_own_figures(house: Gateway) -> None:
    browser = await house.signed_in("A0001")
    found = {unit["unit_id"]: unit for unit in (await browser.get("/v1/units")).json()}
    assert {name: found["U11"][name] for name in ("customers", "open_alerts", "open_work", "overdue", "managers")} == {
        "customers": 2,
        "open_alerts": 1,
        "open_work": 1,
        "overdue": 1,
        "managers": 2,
    }
    assert (found["U12"]["overdue"], found["U12"]["open_work"]) == (0, 1)
    assert found["U11"]["head_name"] == "王芳" and found["U1"]["head_id"] == "M0009" and not found["U1"]["head_name"]


async def test_members_and_what_they_have_in_hand(house: Gateway) -> None:
    head = await house.signed_in("H0001")
    found = (await head.get("/v1/units/U11/managers")).json()
    assert [(m["manager_id"], m["customers"], m["open_work"], m["overdue"]) for m in found] == [
        ("M0001", 1, 1, 1),
        ("M0003", 1, 0, 0),
    ]


async def test_a_manager_sees_themselves_alone(house: Gateway) -> None:
    browser = await house.signed_in("M0001")
    assert [m["manager_id"] for m in (await browser.get("/v1/units/U11/managers")).json()] == ["M0001"]


async def test_a_unit_out_of_sight_is_one_that_there_is_not(house: Gateway) -> None:
    browser = await house.signed_in("H0001")
    answers = [await browser.get(f"/v1/units/{id_}/managers") for id_ in ("U12", "nowhere")]
    assert [a.status_code for a in answers] == [404, 404] and answers[0].json()["zh"] == answers[1].json()["zh"]
