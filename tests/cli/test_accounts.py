"""`kam accounts` and `kam token`: how people and machines get into a local instance."""

import json
import stat
from datetime import date
from pathlib import Path
from typing import Any

import jwt
import msgspec
import pytest

from cli.conftest import FakeInstance, Kam
from contracts.identity import DemoAccount
from gateway.identity.passwords import check
from gateway.identity.seeds import SeededAccount
from kam.client import issue_token
from kam.embedded.accounts import make
from kam.instance import Layout
from kam.sim.boss.province import EXAMPLE, Province, Shape

ROLES = ("manager", "head", "city_head", "analyst", "operations", "administrator", "integrator")


@pytest.fixture
def demo(fake: FakeInstance) -> list[dict[str, Any]]:
    make(Layout(fake.data), 1, 300)
    found: list[dict[str, Any]] = json.loads((fake.data / "accounts.json").read_text())
    return found


def claims_of(fake: FakeInstance, token: str) -> dict[str, Any]:
    secret = (fake.data / "secret").read_text()
    return jwt.decode(token, secret, ["HS256"], issuer="kam", options={"require": ["exp", "sub"]})


def test_there_is_an_account_of_each_role_in_the_simulated_province(demo: list[dict[str, Any]], kam: Kam) -> None:
    accounts = kam("accounts", "--json").json
    assert {account["role"] for account in accounts} == set(ROLES)
    assert all(DemoAccount.model_validate(account) for account in accounts) and "city" not in accounts[0]
    province = Province(Shape(1, 300, date(2026, 6, 30)))
    managers = {manager.manager_id: manager for manager in province.managers}
    for account in accounts:
        assert account["unit_id"] in {unit.unit_id for unit in province.units}
        if account["role"] in ("manager", "head"):
            known = managers[account["manager_id"]]
            assert (known.name, known.unit_id) == (account["name"], account["unit_id"])
    (head,) = (a for a in accounts if a["role"] == "head")
    assert [u.unit_id for u in province.units if u.head_id == head["staff_no"]] == [head["unit_id"]]
    example = province.customers[EXAMPLE]
    (city_head,) = (a for a in demo if a["role"] == "city_head")
    assert example.manager_id == accounts[0]["manager_id"], "the documentation's example is the first manager's"
    assert managers[example.manager_id or ""].unit_id == head["unit_id"] and example.city == city_head["city"]
    told = kam("accounts").out
    assert accounts[0]["password"] in told and "客户经理" in told


def test_passwords_are_random_good_and_for_the_owner_alone(tmp_path: Path) -> None:
    found = []
    for name in ("a", "b"):
        place = Layout(tmp_path / name)
        place.create()
        make(place, 1, 5000)
        make(place, 2, 100)
        assert stat.S_IMODE(place.accounts.stat().st_mode) == 0o600
        found.append(json.loads(place.accounts.read_text()))
    passwords = {account["password"] for accounts in found for account in accounts}
    assert len(passwords) == 2 * len(found[0])
    names = [[account["name"] for account in accounts] for accounts in found]
    assert names[0] == names[1], "written once, whatever was asked for later"


def test_the_gateway_takes_what_is_written(demo: list[dict[str, Any]]) -> None:
    for account in msgspec.convert(demo, list[SeededAccount]):
        check(account.password, account.staff_no)
        assert account.user().grants[0].role == account.role


def test_what_is_no_demo_has_no_accounts(fake: FakeInstance, kam: Kam) -> None:
    done = kam("accounts", "--json")
    assert (done.status, done.json["error"]) == (1, "failed")


def test_token_is_one_that_the_services_take(fake: FakeInstance, kam: Kam) -> None:
    claims = claims_of(fake, kam("token", "manager", "--subject", "M0001").out.strip())
    assert (claims["sub"], claims["role"], "scope" in claims) == ("M0001", "manager", False)
    assert kam("token", "king").status == 2


@pytest.mark.parametrize("role", [*ROLES, "integrator"])
def test_a_token_of_each_role_has_the_scope_of_its_account(
    fake: FakeInstance, demo: list[dict[str, Any]], kam: Kam, role: str
) -> None:
    said = kam("token", role, "--json").json
    claims = claims_of(fake, said["token"])
    assert (claims["role"], claims.get("scope")) == (role, said["scope"])
    expected = {"head": {"units": ["U3201001"]}, "city_head": {"cities": ["320100"]}}
    assert said["scope"] == expected.get(role)
    assert said["subject"] == {"manager": "M0001", "head": "M0010", "city_head": "C0001"}.get(role, said["subject"])


def test_a_token_may_be_of_another_part_of_the_province(demo: list[dict[str, Any]], kam: Kam) -> None:
    said = kam("token", "head", "--unit", "U1", "--unit", "U2", "--subject", "h", "--json").json
    assert (said["subject"], said["scope"]) == ("h", {"units": ["U1", "U2"], "cities": []})
    assert kam("token", "analyst", "--city", "320500", "--json").json["scope"] == {"units": [], "cities": ["320500"]}


def test_token_expires() -> None:
    with pytest.raises(jwt.ExpiredSignatureError):
        jwt.decode(issue_token("s" * 64, "x", "manager", hours=-1), "s" * 64, ["HS256"])
