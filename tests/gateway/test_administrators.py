"""Who administrates, how far, and that somebody always does."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from harness.people import Gateway, change_account, gateway
from servicekit.memory_store import MemoryDocuments, MemoryStore

NEW = "another horse 充电"
USER: dict[str, Any] = {
    "name": "何晓燕", "unit_id": "U11", "grants": [{"role": "head", "units": ["U11"]}], "reason": "新同事"
}  # fmt: skip
WHOLE = {"role": "administrator", "cities": [], "units": [], "manager_id": None, "kinds": []}
ROUTES = [
    ("GET", "/v1/admin/users"), ("POST", "/v1/admin/users"), ("GET", "/v1/admin/users/M0001"),
    ("PUT", "/v1/admin/users/M0001"), ("GET", "/v1/admin/users/M0001/history"),
    ("POST", "/v1/admin/users/M0001/reset"), ("POST", "/v1/admin/users/M0001/sign-out"),
    ("GET", "/v1/admin/tokens"), ("POST", "/v1/admin/tokens"), ("GET", "/v1/admin/tokens/x"),
    ("POST", "/v1/admin/tokens/x/revoke"),
]  # fmt: skip
BODIES: dict[tuple[str, str], Any] = {
    ("POST", "/v1/admin/users"): {**USER, "staff_no": "H0777"},
    ("PUT", "/v1/admin/users/M0001"): {**USER, "state": "active"},
    ("POST", "/v1/admin/tokens"): {"name": "robot", "grant": {"role": "analyst"}, "reason": "x"},
}


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[Gateway]:
    async with gateway(tmp_path) as made:
        yield made


@pytest.fixture
async def admin(house: Gateway) -> httpx.AsyncClient:
    return await house.signed_in("X0001")


async def test_only_administrators_administrate(house: Gateway) -> None:
    for role in ("manager", "head", "city_head", "analyst", "operations", "integrator", "service"):
        for method, path in ROUTES:
            answer = await house.machine(role).request(method, path, json={})
            assert (answer.status_code, answer.json()["error"]) == (403, "forbidden"), (role, path)
    for method, path in ROUTES:
        assert (await house.browser().request(method, path, json={})).status_code == 401


async def test_one_administrator_is_left(house: Gateway, admin: httpx.AsyncClient) -> None:
    for fields in ({"state": "disabled"}, {"grants": [{**WHOLE, "cities": ["320100"]}]}):
        last = await change_account(admin, "X0001", 1, **fields)
        assert (last.status_code, last.json()["error"]) == (409, "last_administrator")
    assert (await change_account(admin, "X0001", 1, name="吴小静")).is_success
    await change_account(admin, "M0001", 1, grants=[{"role": "administrator"}])
    assert (await change_account(admin, "X0001", 2, state="disabled")).is_success
    assert (await admin.get("/v1/admin/users")).status_code == 401


async def administrates(house: Gateway, admin: httpx.AsyncClient, staff_no: str, grant: Any) -> httpx.AsyncClient:
    """A new administrator, signed in."""
    made = await admin.post("/v1/admin/users", json={**USER, "staff_no": staff_no, "grants": [grant]})
    assert made.status_code == 201, made.text
    link = (await admin.post(f"/v1/admin/users/{staff_no}/reset", json={"reason": "新账号"})).json()["link"]
    asked = {"secret": link.partition("#reset=")[2], "new": NEW}
    assert (await house.browser().post("/v1/session/reset", json=asked)).status_code == 204
    return await house.signed_in(staff_no, NEW)


PARTS = [{"cities": ["320100"]}, {"units": ["U1"]}, {"kinds": ["arrears"]}]


@pytest.mark.parametrize("part", PARTS)
async def test_over_a_part_of_the_province_nobody_administrates(
    house: Gateway, admin: httpx.AsyncClient, part: dict[str, Any]
) -> None:
    browser = await administrates(house, admin, "X0009", {**WHOLE, **part})
    for client in (browser, house.machine("administrator", scope=part)):
        for method, path in ROUTES:
            answer = await client.request(method, path, json=BODIES.get((method, path), {"reason": "x"}))
            assert (answer.status_code, answer.json()["error"]) == (403, "whole_province_only"), path
    assert (await admin.get("/v1/admin/users/M0001")).json()["version"] == 1


@pytest.mark.parametrize("part", PARTS)
async def test_who_administrates_nothing_whole_is_no_administrator_who_is_left(
    house: Gateway, admin: httpx.AsyncClient, part: dict[str, Any]
) -> None:
    await administrates(house, admin, "X0009", {**WHOLE, **part})
    for fields in ({"state": "disabled"}, {"grants": [{**WHOLE, **part}]}):
        last = await change_account(admin, "X0001", 1, **fields)
        assert (last.status_code, last.json()["error"]) == (409, "last_administrator")


async def test_nobody_widens_their_own_rights(house: Gateway, admin: httpx.AsyncClient) -> None:
    city = {"role": "city_head", "cities": ["320100"], "kinds": ["arrears"]}
    other = await administrates(house, admin, "X0009", WHOLE)
    assert (await change_account(admin, "X0009", 1, grants=[WHOLE, city])).is_success, "another one gives it"
    for grant in (
        {"role": "analyst"}, {**city, "kinds": []}, {**city, "kinds": ["churn_warning"]},
        {**city, "cities": ["320100", "320500"]}, {"role": "manager", "manager_id": "M0001"},
    ):  # fmt: skip
        refused = await change_account(other, "X0009", 2, grants=[WHOLE, grant])
        told = refused.json()
        assert (refused.status_code, told["error"], told["field"]) == (403, "own_grant", "grants.1"), grant
    assert (await change_account(other, "X0009", 2, name="何", grants=[WHOLE, city])).is_success, "all else is theirs"
    assert (await change_account(other, "X0009", 3, grants=[{**WHOLE, "units": ["U1"]}])).is_success, "less is no more"
    assert (await other.get("/v1/admin/users")).status_code == 403


async def test_who_never_set_a_password_is_no_administrator_who_is_left(
    house: Gateway, admin: httpx.AsyncClient
) -> None:
    made = {**USER, "staff_no": "X0002", "grants": [{"role": "administrator"}]}
    assert (await admin.post("/v1/admin/users", json=made)).status_code == 201
    last = await change_account(admin, "X0001", 1, state="disabled")
    assert (last.status_code, last.json()["error"]) == (409, "last_administrator")
    link = (await admin.post("/v1/admin/users/X0002/reset", json={"reason": "新账号"})).json()["link"]
    assert (await change_account(admin, "X0001", 1, state="disabled")).status_code == 409, "a link is no password"
    asked = {"secret": link.partition("#reset=")[2], "new": "a long new 密码"}
    assert (await house.browser().post("/v1/session/reset", json=asked)).status_code == 204
    assert (await change_account(admin, "X0001", 1, state="disabled")).is_success


class Meeting(MemoryDocuments):
    """Documents at which two requests meet when they have read the accounts."""

    both: asyncio.Barrier | None = None

    async def find(self, collection: str, *narrowed: Any, **how: Any) -> list[dict[str, Any]]:
        found = await super().find(collection, *narrowed, **how)
        if collection == "users" and self.both is not None:
            async with asyncio.timeout(10):
                await self.both.wait()
        return found


async def test_of_two_administrators_who_remove_each_other_one_is_left(tmp_path: Path) -> None:
    rows = Meeting(MemoryStore())
    async with gateway(tmp_path / "1", rows) as one, gateway(tmp_path / "2", rows) as two:
        first = await one.signed_in("X0001")
        assert (await change_account(first, "M0001", 1, grants=[{"role": "administrator"}])).is_success
        second = await two.signed_in("M0001")
        rows.both = asyncio.Barrier(2)
        answers = await asyncio.gather(
            change_account(first, "M0001", 2, state="disabled"),
            change_account(second, "X0001", 1, grants=[{"role": "analyst"}]),
        )
        rows.both = None
        assert "last_administrator" in [answer.json().get("error") for answer in answers]
        left = [await browser.get("/v1/admin/users") for browser in (first, second)]
        assert 200 in [answer.status_code for answer in left]
        # and nothing of it stands in the way of the next
        assert await rows.count("leaving_administrators") == 0
