"""Accounts and tokens in the hands of an administrator."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from argon2 import PasswordHasher

from gateway.identity import tokens as tokens_module
from gateway.identity.passwords import Passwords
from gateway.identity.users import User, Users
from harness.people import PASSWORD, QUICK, Gateway, change_account, gateway
from servicekit.memory_store import MemoryDocuments, MemoryStore

NEW = "another horse 充电"
GRANT = {"role": "head", "units": ["U11"], "cities": [], "manager_id": None, "kinds": []}
USER: dict[str, Any] = {"name": "何晓燕", "unit_id": "U11", "manager_id": None, "grants": [GRANT], "reason": "新同事"}


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[Gateway]:
    async with gateway(tmp_path) as made:
        yield made


@pytest.fixture
async def admin(house: Gateway) -> httpx.AsyncClient:
    return await house.signed_in("X0001")


async def test_a_new_account_signs_in_by_a_one_time_link(house: Gateway, admin: httpx.AsyncClient) -> None:
    made = await admin.post("/v1/admin/users", json={**USER, "staff_no": " h0777"})
    assert (made.status_code, made.headers["etag"], made.headers["location"]) == (201, '"1"', "/v1/admin/users/H0777")
    assert made.json()["author"] == "X0001" and made.json()["reason"] == "新同事"
    wrong = await house.browser().post("/v1/session", json={"staff_no": "H0777", "password": ""})
    assert wrong.status_code == 401, "nobody has a password yet"

    link = (await admin.post("/v1/admin/users/H0777/reset", json={"reason": "入职"})).json()
    page, _, secret = link["link"].partition("#reset=")
    assert page == "/signin" and link["expires_at"] == "2026-07-01T02:00:00+00:00"
    browser = house.browser()
    weak = await browser.post("/v1/session/reset", json={"secret": secret, "new": "password123"})
    assert (weak.status_code, weak.json()["error"]) == (422, "weak_password")
    assert (await browser.post("/v1/session/reset", json={"secret": secret, "new": NEW})).status_code == 204
    again = await browser.post("/v1/session/reset", json={"secret": secret, "new": NEW + "!"})
    assert (again.status_code, again.json()["error"]) == (410, "link_used_up")
    await house.signed_in("H0777", NEW)
    assert [told[1:3] for told in house.audited if told[0] == "X0001"][1:] == [
        ("user.created", "H0777"),
        ("user.reset", "H0777"),
    ]


async def test_a_link_is_good_once_and_for_a_day(house: Gateway, admin: httpx.AsyncClient) -> None:
    async def link() -> str:
        answer = await admin.post("/v1/admin/users/M0001/reset", json={"reason": "忘了密码"})
        return str(answer.json()["link"]).partition("=")[2]

    async def use(secret: str, password: str = NEW) -> int:
        answer = await house.browser().post("/v1/session/reset", json={"secret": secret, "new": password})
        return answer.status_code

    there = await house.signed_in("M0001")
    first, second, old = await link(), await link(), await link()
    assert (await there.get("/v1/session")).is_success, "asking for a link ends nothing"
    assert sorted(await asyncio.gather(*(use(first) for _ in range(5)))) == [204, 410, 410, 410, 410]
    assert (await there.get("/v1/session")).status_code == 401
    assert await use(second) == 410, "the password was changed since"
    assert await use("x") == await use("") == await use("\x00" * 100) == 410
    old = await link()
    house.clock.passes(hours=24)
    assert await use(old) == 410


async def test_a_strangers_wrong_links_keep_nobody_from_theirs(house: Gateway, admin: httpx.AsyncClient) -> None:
    link = (await admin.post("/v1/admin/users/M0001/reset", json={"reason": "忘了密码"})).json()["link"]
    stranger = house.browser("10.6.6.6")
    wrong = [await stranger.post("/v1/session/reset", json={"secret": f"x{n}", "new": NEW}) for n in range(51)]
    assert [answer.status_code for answer in wrong] == [410] * 50 + [429]
    for n in range(6):
        await stranger.post("/v1/session", json={"staff_no": "", "password": f"wrong {n}"})
    used = await house.browser().post("/v1/session/reset", json={"secret": link.partition("=")[2], "new": NEW})
    assert used.status_code == 204


async def test_of_two_gateways_one_takes_a_link(tmp_path: Path) -> None:
    documents = MemoryDocuments(MemoryStore())
    async with gateway(tmp_path / "one", documents) as one, gateway(tmp_path / "two", documents) as two:
        boss = await one.signed_in("X0001")
        for _ in range(3):
            link = (await boss.post("/v1/admin/users/M0001/reset", json={"reason": "忘了密码"})).json()["link"]
            body = {"secret": link.partition("=")[2], "new": NEW}
            used = [house.browser().post("/v1/session/reset", json=body) for house in (one, two, one, two)]
            assert sorted(answer.status_code for answer in await asyncio.gather(*used)) == [204, 410, 410, 410]


async def test_of_two_links_at_two_gateways_one_sets_the_password() -> None:
    documents = MemoryDocuments(MemoryStore())
    users = [Users(documents, Passwords(QUICK)) for _ in range(2)]
    await users[0].seed("M9", User("王"), PASSWORD, reason="r", must_change=False)
    for secret in ("first", "second"):
        await users[0].link("M9", secret)
    passwords = ["one horse 充电 1", "two horse 充电 2"]
    used = await asyncio.gather(*(
        house.redeem(secret, password)
        for house, secret, password in zip(users, ("first", "second"), passwords, strict=True)
    ))  # fmt: skip
    assert sorted(used, key=str) == ["M9", None]
    assert await users[0].proven("M9", passwords[used.index("M9")]) is not None
    assert await users[0].proven("M9", passwords[used.index(None)]) is None


async def test_a_hash_made_anew_brings_no_old_password_back() -> None:
    """A sign-in under way when the password is changed elsewhere, after the parameters of hashes were raised."""
    documents = MemoryDocuments(MemoryStore())
    old = Users(documents, Passwords(QUICK))
    await old.seed("M9", User("王"), PASSWORD, reason="r", must_change=False)
    before = await old.credential("M9")
    passwords = Passwords(PasswordHasher(time_cost=2, memory_cost=8, parallelism=1))
    new, hash = Users(documents, passwords), passwords.hash

    async def meanwhile(password: str) -> str:
        passwords.hash = hash  # type: ignore[method-assign]
        assert await old.set_password("M9", NEW, before) is not None
        return await hash(password)

    passwords.hash = meanwhile  # type: ignore[method-assign]
    assert await new.proven("M9", PASSWORD) is None
    assert await new.proven("M9", NEW) is not None
    signed_in = await asyncio.gather(*(new.proven("M9", NEW) for _ in range(3)))
    assert all(signed_in), "and many at once are all right"


async def test_a_lock_is_lifted_by_a_link(house: Gateway, admin: httpx.AsyncClient) -> None:
    for _ in range(6):
        answer = await house.browser().post("/v1/session", json={"staff_no": "M0001", "password": "wrong"})
    assert answer.status_code == 429
    link = (await admin.post("/v1/admin/users/M0001/reset", json={"reason": "锁了"})).json()["link"]
    await house.browser().post("/v1/session/reset", json={"secret": link.partition("=")[2], "new": NEW})
    await house.signed_in("M0001", NEW)


async def test_rights_are_in_force_at_the_next_click(house: Gateway, admin: httpx.AsyncClient) -> None:
    manager = await house.signed_in("M0001")
    assert (await manager.get("/v1/admin/users")).status_code == 403
    both = [{"role": "administrator"}, {"role": "manager"}]
    changed = await change_account(admin, "M0001", 1, grants=both)
    assert changed.headers["etag"] == '"2"' and changed.json()["grants"][1]["manager_id"] == "M0001"
    assert (await manager.get("/v1/admin/users")).is_success
    assert (await manager.get("/v1/session")).json()["roles"] == ["administrator", "manager"]
    await change_account(admin, "M0001", 2, grants=[{"role": "analyst"}])
    assert (await manager.get("/v1/admin/users")).status_code == 403
    assert (await manager.post("/v1/work/w1/accept")).status_code == 403
    assert (await manager.get("/v1/session")).json()["scope"]["zh"] == "全省"
    await change_account(admin, "M0001", 3, state="disabled")
    assert (await manager.get("/v1/session")).status_code == 401
    refused = await house.browser().post("/v1/session", json={"staff_no": "M0001", "password": PASSWORD})
    assert (refused.status_code, refused.json()["zh"]) == (401, "工号或密码不对。")
    history = (await admin.get("/v1/admin/users/m0001/history")).json()
    assert [(v["version"], v["state"], v["author"]) for v in history] == [
        (4, "disabled", "X0001"), (3, "active", "X0001"), (2, "active", "X0001"), (1, "active", "kam"),
    ]  # fmt: skip


async def test_two_who_change_the_same_account_learn_of_each_other(house: Gateway, admin: httpx.AsyncClient) -> None:
    assert (await change_account(admin, "M0001", 1, name="王芳芳")).is_success
    clash = await change_account(admin, "M0001", 1, name="王小芳")
    assert (clash.status_code, clash.json()["error"]) == (412, "changed_meanwhile")
    assert "X0001" in clash.json()["zh"]
    body = {**USER, "state": "active"}
    for headers, status in (({}, 428), ({"if-match": "1"}, 412), ({"if-match": '"7"'}, 412), ({"if-match": "*"}, 412)):
        assert (await admin.put("/v1/admin/users/M0001", json=body, headers=headers)).status_code == status
    assert (await admin.get("/v1/admin/users/M0001")).json()["name"] == "王芳芳"
    assert (await admin.put("/v1/admin/users/NOBODY", json=body, headers={"if-match": '"1"'})).status_code == 404


async def test_a_repeat_with_its_key_changes_nothing(house: Gateway, admin: httpx.AsyncClient) -> None:
    body, key = {**USER, "staff_no": "H0777"}, {"idempotency-key": "k1"}
    first = await admin.post("/v1/admin/users", json=body, headers=key)
    again = await admin.post("/v1/admin/users", json=body, headers=key)
    assert again.status_code == 201 and again.json() == first.json()
    taken = await admin.post("/v1/admin/users", json=body, headers={"idempotency-key": "k2"})
    assert (taken.status_code, taken.json()["zh"], taken.json()["field"]) == (409, "工号已存在：何晓燕", "staff_no")
    edit = {**USER, "name": "何燕", "state": "active"}
    for _ in range(2):
        changed = await admin.put("/v1/admin/users/H0777", json=edit, headers={"if-match": '"1"', **key})
        assert changed.json()["version"] == 2

    issue = {"name": "boss", "grant": {"role": "integrator"}, "reason": "接口"}
    tokens = [(await admin.post("/v1/admin/tokens", json=issue, headers=key)).json() for _ in range(2)]
    assert tokens[0] == tokens[1] and len((await admin.get("/v1/admin/tokens")).json()) == 1


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"grants": [{"role": "head"}]}, "grants.0.units"),
        ({"grants": [{"role": "analyst"}, {"role": "head", "units": ["U1"], "cities": ["1"]}]}, "grants.1.units"),
        ({"grants": [{"role": "city_head", "units": ["U1"]}]}, "grants.0.cities"),
        ({"grants": [{"role": "manager"}]}, "grants.0.manager_id"),
        ({"grants": [{"role": "manager", "manager_id": "M1", "units": ["U1"]}]}, "grants.0.manager_id"),
        ({"grants": [{"role": "operations", "manager_id": "M1"}]}, "grants.0.manager_id"),
        ({"grants": []}, "body.grants"),
        ({"grants": [{"role": "service"}]}, "body.grants.0.role"),
        ({"grants": [{"role": "head", "units": ["U 1"]}]}, "body.grants.0.units.0"),
        ({"name": ""}, "body.name"),
        ({"reason": ""}, "body.reason"),
        ({"state": "gone"}, "body.state"),
        ({"password": "x"}, "body.password"),
    ],
)
async def test_what_makes_no_account_is_refused_with_its_place(
    admin: httpx.AsyncClient, fields: dict[str, Any], field: str
) -> None:
    answer = await admin.put("/v1/admin/users/H0001", json={**USER, **fields}, headers={"if-match": '"1"'})
    assert (answer.status_code, answer.json()["field"]) == (422, field)
    assert (await admin.get("/v1/admin/users/H0001")).json()["version"] == 1


@pytest.mark.parametrize("staff_no", ["", " ", "a b", "..", "../x", "M/1", "工号", "x" * 65, "M\u0000", "$ne"])
async def test_a_staff_number_can_be_typed_and_stand_in_an_address(admin: httpx.AsyncClient, staff_no: str) -> None:
    answer = await admin.post("/v1/admin/users", json={**USER, "staff_no": staff_no})
    assert answer.status_code == 422 and answer.json()["field"] in ("staff_no", "body.staff_no")


async def test_accounts_are_found_and_come_in_pages(admin: httpx.AsyncClient) -> None:
    async def page(**query: Any) -> Any:
        return (await admin.get("/v1/admin/users", params=query)).json()

    whole = await page()
    assert whole["total"] == 7 and whole["next"] is None
    assert [row["staff_no"] for row in whole["rows"]] == sorted(row["staff_no"] for row in whole["rows"])
    assert "hash" not in str(whole) and "argon" not in str(whole)
    seen, cursor = [], ""
    while cursor is not None:
        part = await page(limit=3, **({"cursor": cursor} if cursor else {}))
        seen, cursor = [*seen, *part["rows"]], part["next"]
    assert seen == whole["rows"]
    assert [r["staff_no"] for r in (await page(role="manager,head"))["rows"]] == ["H0001", "M0001", "M0002"]
    assert [r["staff_no"] for r in (await page(text="芳"))["rows"]] == ["M0001"]
    assert (await page(unit="U11"))["total"] == 2 and (await page(state="disabled"))["total"] == 0
    assert (await page(text="m000"))["total"] == 2


async def test_an_administrator_ends_the_sessions_of_somebody(house: Gateway, admin: httpx.AsyncClient) -> None:
    manager = await house.signed_in("M0001")
    answer = await admin.post("/v1/admin/users/M0001/sign-out", json={"reason": "笔记本丢了"})
    assert answer.status_code == 204 and (await manager.get("/v1/session")).status_code == 401
    assert house.audited[-1] == ("X0001", "user.signed_out", "M0001", "204", "笔记本丢了")


async def test_a_machine_works_with_its_token_until_it_is_revoked_or_ends(
    house: Gateway, admin: httpx.AsyncClient
) -> None:
    grant = {"role": "analyst", "cities": ["320100"], "units": [], "manager_id": None, "kinds": ["arrears"]}
    body = {"name": "report-robot", "grant": grant, "days": 30, "reason": "日报"}
    issued = await admin.post("/v1/admin/tokens", json=body)
    token = issued.json()
    assert issued.status_code == 201 and token["grant"] == grant and token["state"] == "active"
    issued_at, expires_at = (datetime.fromisoformat(token[name]) for name in ("issued_at", "expires_at"))
    assert expires_at - issued_at == timedelta(days=30)
    robot = house.machine("analyst")
    robot.headers["authorization"] = f"Bearer {token['token']}"
    me = (await robot.get("/v1/session")).json()
    assert (me["staff_no"], me["grants"], me["kinds"], me["scope"]["en"]) == (
        "report-robot", [grant], ["arrears"], "cities 320100",
    )  # fmt: skip
    listed = (await admin.get("/v1/admin/tokens", params={"state": "active"})).json()
    assert [t["token_id"] for t in listed] == [token["token_id"]] and token["token"] not in str(listed)

    path = f"/v1/admin/tokens/{token['token_id']}"
    etag = {"if-match": (await admin.get(path)).headers["etag"]}
    assert (await admin.post(f"{path}/revoke", json={"reason": "停用"})).status_code == 428
    revoked = await admin.post(f"{path}/revoke", json={"reason": "停用"}, headers=etag)
    assert (revoked.json()["state"], revoked.json()["version"]) == ("revoked", 2)
    assert (await robot.get("/v1/session")).status_code == 401
    assert (await admin.post(f"{path}/revoke", json={"reason": "停用"}, headers=etag)).status_code == 412
    assert (await admin.post("/v1/admin/tokens/none/revoke", json={"reason": "x"}, headers=etag)).status_code == 404
    heard = await house.machine("service", "billing-sync").get("/internal/revoked-tokens")
    assert heard.json() == {"ids": [token["token_id"]]}
    assert (await admin.get("/internal/revoked-tokens")).status_code == 401, "nobody's but the services'"
    assert [told[1] for told in house.audited if told[2] == token["token_id"]] == ["token.issued", "token.revoked"]


async def test_a_machine_and_a_person_never_have_one_name(house: Gateway, admin: httpx.AsyncClient) -> None:
    issue = {"name": "m0001", "grant": {"role": "analyst"}, "reason": "x"}
    refused = await admin.post("/v1/admin/tokens", json=issue)
    assert (refused.status_code, refused.json()["error"]) == (422, "name_of_a_person")
    assert (await admin.post("/v1/admin/tokens", json={**issue, "name": "H0777"})).status_code == 201
    taken = await admin.post("/v1/admin/users", json={**USER, "staff_no": "h0777"})
    assert (taken.status_code, taken.json()["error"]) == (409, "name_of_a_token")


async def test_a_revocation_elsewhere_is_heard_soon(house: Gateway, admin: httpx.AsyncClient) -> None:
    assert tokens_module.BELIEVED_SECONDS <= 2
    unknown = house.machine("analyst", jti="never-issued")
    assert (await unknown.get("/v1/session")).status_code == 401


@pytest.mark.parametrize("scope", [7, "x", [], {"cities": "320100"}, {"units": [1]}, {"role": "x", "y": 1}])
async def test_a_scope_that_can_not_be_read_lets_nobody_in(house: Gateway, scope: Any) -> None:
    answer = await house.machine("analyst", scope=scope).get("/v1/alerts")
    assert answer.status_code == 401


async def test_a_role_in_a_scope_is_not_the_tokens(house: Gateway) -> None:
    machine = house.machine("analyst", scope={"role": "administrator", "cities": ["320100"]})
    assert (await machine.get("/v1/session")).json()["roles"] == ["analyst"]
    assert (await machine.get("/v1/admin/users")).status_code == 403


async def test_a_machine_that_is_a_managers_reaches_their_customers(house: Gateway) -> None:
    me = (await house.machine("manager", "M0001").get("/v1/session")).json()
    assert me["grants"] == [{"role": "manager", "cities": [], "units": [], "manager_id": "M0001", "kinds": []}]


async def test_an_account_has_a_number_that_is_shown_masked_and_stays_unsaid(admin: httpx.AsyncClient) -> None:
    made = await admin.post("/v1/admin/users", json={**USER, "staff_no": "H9", "phone": "13900000123"})
    assert (made.status_code, made.json()["phone"]) == (201, "139****0123")
    kept = await admin.put("/v1/admin/users/H9", json=USER, headers={"If-Match": made.headers["etag"]})
    assert kept.json()["phone"] == "139****0123"
    gone = await admin.put("/v1/admin/users/H9", json={**USER, "phone": ""}, headers={"If-Match": kept.headers["etag"]})
    assert gone.json()["phone"] is None
    masked = {**USER, "staff_no": "H8", "phone": "139****0123"}
    assert (await admin.post("/v1/admin/users", json=masked)).status_code == 422
