"""Sessions of browsers at the gateway's door: one suite over the fake and over the real database."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
from motor.motor_asyncio import AsyncIOMotorClient

from gateway.identity import sessions as sessions_module
from harness.people import PASSWORD, SECRET, Clock, Gateway, gateway
from harness.read_model import customer, work_data
from servicekit.auth import issue_token
from servicekit.memory_store import MemoryDocuments, MemoryStore
from servicekit.mongo import MongoDocuments
from servicekit.store import Documents, Transient

FOR_REAL = pytest.param("real", marks=pytest.mark.embedded)
NEW = "another horse 充电"


@pytest.fixture(params=["fake", FOR_REAL])
async def documents(request: pytest.FixtureRequest) -> AsyncIterator[Documents]:
    if request.param == "fake":
        yield MemoryDocuments(MemoryStore())
        return
    client: Any = AsyncIOMotorClient(request.getfixturevalue("mongodb"), tz_aware=True)
    database = request.getfixturevalue("mongo_database")
    yield MongoDocuments(client[database])
    await client.drop_database(database)
    client.close()


@pytest.fixture
async def house(documents: Documents, tmp_path: Path) -> AsyncIterator[Gateway]:
    async with gateway(tmp_path, documents) as made:
        yield made


@pytest.fixture
async def quick(tmp_path: Path) -> AsyncIterator[Gateway]:
    """Over the fake alone, where the database makes no difference."""
    async with gateway(tmp_path) as made:
        yield made


async def test_who_signs_in_is_known_from_then_on(house: Gateway) -> None:
    browser = house.browser()
    answer = await browser.post("/v1/session", json={"staff_no": " h0001 ", "password": PASSWORD})

    me = answer.json()
    assert (me["staff_no"], me["name"], me["role"], me["roles"], me["unit_id"]) == (
        "H0001", "陈磊", "head", ["head"], "U11",
    )  # fmt: skip
    assert me["grants"] == [{"role": "head", "cities": [], "units": ["U11"], "manager_id": None, "kinds": []}]
    assert me["scope"] == {"zh": "单位 U11 及下级", "en": "units U11 and those beneath"} and me["kinds"] == []
    assert (me["landing"], me["must_change_password"], me["expires_at"]) == (
        "/team/U11", False, "2026-06-30T14:00:00+00:00",
    )  # fmt: skip
    assert (await browser.get("/v1/session")).json() == me
    assert (await browser.get("/v1/alerts")).status_code == 200
    assert house.audited[0] == ("H0001", "session.opened", "H0001", "200", None)


@pytest.mark.parametrize(
    ("staff_no", "landing"),
    [("M0001", "/today"), ("C0001", "/overview"), ("A0001", "/overview"), ("O0001", "/feeds"), ("X0001", "/admin")],
)
async def test_everybody_begins_the_day_on_their_page(quick: Gateway, staff_no: str, landing: str) -> None:
    browser = await quick.signed_in(staff_no)
    assert (await browser.get("/v1/session")).json()["landing"] == landing


async def test_the_cookie_is_for_the_browser_alone_and_the_database_keeps_no_token(
    house: Gateway, documents: Documents
) -> None:
    answer = await house.browser().post("/v1/session", json={"staff_no": "M0001", "password": PASSWORD})
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie and "SameSite=lax" in cookie and "Path=/" in cookie and "Secure" not in cookie
    secure = await house.browser(base_url="https://kam.example").post(
        "/v1/session", json={"staff_no": "M0001", "password": PASSWORD}
    )
    assert "; Secure" in secure.headers["set-cookie"]
    kept = str([await documents.find(name) for name in ("sessions", "users", "credentials")])
    assert answer.cookies["kam_session"] not in kept and PASSWORD not in kept and "argon2id" in kept


@pytest.mark.parametrize(
    ("staff_no", "password"),
    [
        ("M0001", PASSWORD + " "),
        ("M0001", ""),
        ("M9999", PASSWORD),
        ("", PASSWORD),
        ("M0001\x00", PASSWORD),
        ("$ne", PASSWORD),
        ("' or 1=1", PASSWORD),
        ("王芳", PASSWORD),
        ("M0001", "x" * 1024),
        ("M" * 200, "\x00"),
    ],
)
async def test_a_wrong_password_and_no_account_read_the_same(quick: Gateway, staff_no: str, password: str) -> None:
    answer = await quick.browser().post("/v1/session", json={"staff_no": staff_no, "password": password})
    assert (answer.status_code, answer.json()["zh"]) == (401, "工号或密码不对。")
    assert "set-cookie" not in answer.headers
    (told,) = quick.audited
    assert told[1] == "session.refused" and told[0] in ("M0001", "unknown"), "what was typed may be a password"


async def test_whoever_tried_too_often_waits_account_or_not(quick: Gateway) -> None:
    for name in ("M0001", "M9999"):
        tries = [
            await quick.browser(f"10.0.1.{n}").post("/v1/session", json={"staff_no": name, "password": "wrong"})
            for n in range(7)
        ]
        assert [t.status_code for t in tries] == [401] * 5 + [429] * 2
        assert 0 < int(tries[-1].headers["retry-after"]) <= 30 and "分钟后再试" in tries[-1].json()["zh"]
    right = await quick.browser().post("/v1/session", json={"staff_no": "M0001", "password": PASSWORD})
    assert right.status_code == 429, "nor does the right password tell that it is the right one"
    assert (await quick.browser().post("/v1/session", json={"staff_no": "M0002", "password": PASSWORD})).is_success


async def test_many_tries_at_once_are_no_way_around(quick: Gateway) -> None:
    browser = quick.browser()
    tries = [browser.post("/v1/session", json={"staff_no": "M0001", "password": f"wrong {n}"}) for n in range(30)]
    answered = [answer.status_code for answer in await asyncio.gather(*tries)]
    assert answered.count(401) == 5 and answered.count(429) == 25


async def test_an_address_that_tries_everybody_waits(quick: Gateway) -> None:
    browser = quick.browser("10.9.9.9")
    asked = [{"staff_no": f"M{n}", "password": "wrong"} for n in range(55)]
    answered = [(await browser.post("/v1/session", json=body)).status_code for body in asked]
    assert answered == [401] * 50 + [429] * 5
    assert (await quick.browser("10.9.9.8").post("/v1/session", json=asked[0])).status_code == 401


async def test_signing_out_ends_this_session_and_everywhere_all(house: Gateway) -> None:
    here, there, other = [await house.signed_in(name) for name in ("M0001", "M0001", "M0002")]
    copied = dict(here.cookies)
    assert (await here.delete("/v1/session")).status_code == 204 and not here.cookies
    here.cookies.update(copied)
    replayed = await here.get("/v1/alerts")
    assert (replayed.status_code, replayed.json()["error"]) == (401, "session_ended")
    assert (await here.delete("/v1/session")).status_code == 204, "again: it has ended already"

    here = await house.signed_in("M0001")
    assert (await there.delete("/v1/sessions")).status_code == 204
    assert [(await b.get("/v1/session")).status_code for b in (here, there, other)] == [401, 401, 200]


async def test_signing_in_again_ends_the_session_before(quick: Gateway) -> None:
    browser = await quick.signed_in("M0001")
    before = dict(browser.cookies)
    assert (await browser.post("/v1/session", json={"staff_no": "M0002", "password": PASSWORD})).is_success
    assert browser.cookies["kam_session"] != before["kam_session"]
    assert (await browser.get("/v1/session")).json()["staff_no"] == "M0002"
    browser.cookies.update(before)
    assert (await browser.get("/v1/session")).status_code == 401


async def test_a_session_ends_by_itself(house: Gateway) -> None:
    idle, busy = await house.signed_in("M0001"), await house.signed_in("M0002")
    for _ in range(24):
        house.clock.passes(minutes=29)
        assert (await busy.get("/v1/session")).is_success
    assert (await idle.get("/v1/session")).status_code == 401
    house.clock.passes(minutes=25)
    ended = await busy.post("/v1/work/w1/close", json={"outcome": "paid"})
    assert (ended.status_code, ended.json()["error"]) == (401, "session_ended"), "in the middle of an edit"


async def test_ended_sessions_are_forgotten(documents: Documents, tmp_path: Path) -> None:
    clock = Clock()
    async with gateway(tmp_path / "a", documents, clock=clock) as house:
        await house.signed_in("M0001")
        assert await documents.count("sessions") == 1
    clock.passes(hours=1)
    async with gateway(tmp_path / "b", documents, clock=clock):
        async with asyncio.timeout(10):
            while await documents.count("sessions"):
                await asyncio.sleep(0.01)


async def test_a_change_at_another_process_is_in_force_at_once(
    documents: Documents, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions_module, "BELIEVED_SECONDS", 0.0)
    async with gateway(tmp_path / "a", documents) as one, gateway(tmp_path / "b", documents) as other:
        browser = await one.signed_in("M0001")
        elsewhere = other.browser()
        elsewhere.cookies.update(browser.cookies)
        assert (await elsewhere.get("/v1/session")).json()["staff_no"] == "M0001"
        await elsewhere.delete("/v1/session")
        assert (await browser.get("/v1/session")).status_code == 401


async def test_a_new_password_ends_every_other_session(house: Gateway) -> None:
    browser, other = await house.signed_in("M0001"), await house.signed_in("M0001")
    before = dict(browser.cookies)
    wrong = await browser.put("/v1/session/password", json={"current": "wrong", "new": NEW})
    assert (wrong.status_code, wrong.json()["error"]) == (403, "wrong_password")
    weak = await browser.put("/v1/session/password", json={"current": PASSWORD, "new": "1234567890"})
    assert (weak.status_code, weak.json()["error"], weak.json()["field"]) == (422, "weak_password", "new")
    changed = await browser.put("/v1/session/password", json={"current": PASSWORD, "new": NEW})
    assert changed.json()["staff_no"] == "M0001" and dict(browser.cookies) != before
    assert (await browser.get("/v1/session")).is_success and (await other.get("/v1/session")).status_code == 401
    browser.cookies.update(before)
    assert (await browser.get("/v1/session")).status_code == 401
    tries = [{"staff_no": "M0001", "password": password} for password in (PASSWORD, NEW)]
    assert [(await house.browser().post("/v1/session", json=t)).status_code for t in tries] == [401, 200]


async def test_the_password_of_the_first_account_must_be_changed_outside_of_the_demo(tmp_path: Path) -> None:
    async with gateway(tmp_path, people=None) as house:
        browser = await house.signed_in("ADMIN")
        assert (await browser.get("/v1/session")).json()["must_change_password"]
        refused = await browser.get("/v1/alerts")
        assert (refused.status_code, refused.json()["error"]) == (403, "password_change_needed")
        assert (await browser.get("/v1/admin/users")).status_code == 403
        changed = await browser.put("/v1/session/password", json={"current": PASSWORD, "new": NEW})
        assert not changed.json()["must_change_password"] and (await browser.get("/v1/alerts")).is_success
        assert (await browser.get("/v1/session/demo-accounts")).status_code == 404
        assert (await house.machine("analyst").get("/v1/alerts")).is_success


async def test_seeded_accounts_are_made_once(documents: Documents, tmp_path: Path) -> None:
    async with gateway(tmp_path / "a", documents) as house:
        browser = await house.signed_in("M0001")
        await browser.put("/v1/session/password", json={"current": PASSWORD, "new": NEW})
    async with gateway(tmp_path / "b", documents) as house:
        await house.signed_in("M0001", NEW)
        await house.signed_in("M0002")
        shown = (await house.browser().get("/v1/session/demo-accounts")).json()
        assert {account["role"] for account in shown} >= {"manager", "head", "city_head", "analyst", "operations"}
        assert shown[0] == {
            "staff_no": "M0001", "password": PASSWORD, "role": "manager", "name": "王芳", "unit_id": "U11",
            "manager_id": "M0001",
        }  # fmt: skip


FOREIGN: list[dict[str, str | None]] = [
    {"origin": "https://evil.example"},
    {"origin": "null"},
    {"origin": "http://localhost:22001"},
    {"origin": "http://localhost:22000.evil.example"},
    {"origin": "http://localhost:22000@evil.example"},
    {"origin": "http://["},
    {"origin": "file://localhost:22000"},
    {"origin": ""},
    {"sec-fetch-site": "cross-site"},
    {"sec-fetch-site": "same-site"},
    {"sec-fetch-site": "none"},
    {"host": "evil.example"},
]


@pytest.mark.parametrize("headers", [*FOREIGN, {"kam-request": None}, {"kam-request": "2"}])
async def test_a_request_that_another_site_made_changes_nothing(quick: Gateway, headers: dict[str, str | None]) -> None:
    browser = await quick.signed_in("M0001")
    for name, value in headers.items():
        if value is None:
            del browser.headers[name]
        else:
            browser.headers[name] = value
    for method, path in (
        ("POST", "/v1/work/w1/accept"), ("PUT", "/v1/clock"), ("PUT", "/v1/session/password"),
        ("DELETE", "/v1/session"), ("DELETE", "/v1/sessions"), ("POST", "/v1/admin/users"), ("POST", "/v1/search"),
    ):  # fmt: skip
        answer = await browser.request(method, path, json={})
        assert (answer.status_code, answer.json()["error"]) == (403, "foreign_request"), (method, path)
    assert (await browser.get("/v1/session")).is_success


@pytest.mark.parametrize("headers", [h for h in FOREIGN if "host" not in h])
async def test_nor_does_it_sign_anybody_in(quick: Gateway, headers: dict[str, str]) -> None:
    for path, body in (
        ("/v1/session", {"staff_no": "M0001", "password": PASSWORD}),
        ("/v1/session/reset", {"secret": "x", "new": NEW}),
    ):
        answer = await quick.browser().post(path, json=body, headers=headers)
        assert (answer.status_code, answer.json()["error"]) == (403, "foreign_request")


async def test_what_a_form_can_send_signs_nobody_in_even_where_a_browser_says_nothing_of_its_origin(
    quick: Gateway,
) -> None:
    browser = quick.browser()
    for name in ("origin", "sec-fetch-site", "kam-request"):
        del browser.headers[name]
    body = '{"staff_no": "M0001", "password": "' + PASSWORD + '"}'
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
        answer = await browser.post("/v1/session", content=body, headers={"content-type": kind})
        assert answer.status_code == 422 and "set-cookie" not in answer.headers, kind


async def test_a_program_without_a_browser_may_sign_in_too(quick: Gateway) -> None:
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(quick.app), base_url="http://127.0.0.1:22000"
    ) as program:
        body = {"staff_no": "X0001", "password": PASSWORD}
        assert (await program.post("/v1/session", json=body)).is_success
        assert (await program.get("/v1/alerts")).is_success
        assert (await program.post("/v1/work/w1/accept")).status_code == 403, "but not change anything unasked"
        assert (await program.post("/v1/work/w1/accept", headers={"kam-request": "1"})).is_success


async def test_no_password_comes_in_over_a_network_in_the_clear(quick: Gateway) -> None:
    browser = quick.browser(base_url="http://kam.example")
    answer = await browser.post("/v1/session", json={"staff_no": "M0001", "password": PASSWORD})
    assert (answer.status_code, answer.json()["error"]) == (403, "tls_needed")


@pytest.mark.parametrize(
    "cookie",
    ["", "x", "x" * 5000, "A" * 43, "\xff\xfe", "a; kam_session=" + "B" * 43, '"', "../../x", "{$ne:1}", "\x01" * 43],
)
async def test_a_cookie_that_is_none_of_ours_is_nobody(quick: Gateway, cookie: str) -> None:
    headers = {"cookie": f"kam_session={cookie}".encode("latin-1")}
    for method, path in (("GET", "/v1/alerts"), ("GET", "/v1/session"), ("POST", "/v1/work/w1/accept")):
        answer = await quick.browser().request(method, path, headers=headers)
        assert answer.status_code == 401, (method, path)
    assert (await quick.browser().request("DELETE", "/v1/session", headers=headers)).status_code == 204
    signed_in = await quick.browser().post(
        "/v1/session", json={"staff_no": "M0001", "password": PASSWORD}, headers=headers
    )
    assert signed_in.is_success


async def test_a_token_comes_before_a_cookie(quick: Gateway) -> None:
    browser = await quick.signed_in("M0001")
    browser.headers["authorization"] = f"Bearer {issue_token(SECRET, 'li', 'analyst')}"
    me = (await browser.get("/v1/session")).json()
    assert (me["staff_no"], me["role"], me["expires_at"]) == ("li", "analyst", None)
    assert (await browser.post("/v1/work/w1/accept")).status_code == 403, "an analyst's, not the manager's"
    browser.headers["authorization"] = "Bearer nonsense"
    assert (await browser.get("/v1/session")).status_code == 401
    for method, path in (("DELETE", "/v1/sessions"), ("PUT", "/v1/session/password")):
        answer = await quick.machine("analyst").request(method, path, json={"current": "x", "new": NEW})
        assert (answer.status_code, answer.json()["error"]) == (403, "people_only")


@pytest.mark.parametrize(
    "body",
    [
        b"", b"null", b"[]", b"{", b"\xff\xfe", b"[" * 50_000, b'{"staff_no":' * 5000, b"{" + b" " * (2 << 20),
        b'{"staff_no": "\\ud800", "password": "x"}', b'{"staff_no": 7, "password": "x"}',
        b'{"staff_no": "M0001", "password": "' + b"x" * 5000 + b'"}', b'{"staff_no": "M0001"}',
        b'{"staff_no": "M0001", "password": "x", "role": "administrator"}', b'{"staff_no": ["M0001"], "password": {}}',
    ],
)  # fmt: skip
async def test_a_body_that_is_none_is_refused_and_never_repeated(quick: Gateway, body: bytes) -> None:
    browser = await quick.signed_in("X0001")
    for method, path in (
        ("POST", "/v1/session"), ("PUT", "/v1/session/password"), ("POST", "/v1/session/reset"),
        ("POST", "/v1/admin/users"), ("PUT", "/v1/admin/users/M0001"), ("POST", "/v1/admin/users/M0001/reset"),
        ("POST", "/v1/admin/tokens"),
    ):  # fmt: skip
        answer = await browser.request(method, path, content=body, headers={"content-type": "application/json"})
        assert answer.status_code in (400, 413, 422, 428), (method, path, answer.text)
        assert "M0001" not in answer.text and "xxxxx" not in answer.text
    assert (await browser.get("/v1/session")).is_success


async def test_a_database_that_is_away_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    documents = MemoryDocuments(MemoryStore())
    async with gateway(tmp_path, documents) as house:
        browser = await house.signed_in("M0001")
        assert (await house.machine("analyst").get("/v1/alerts")).is_success

        async def away(*_: Any, **__: Any) -> Any:
            raise Transient("away")

        monkeypatch.setattr(sessions_module, "BELIEVED_SECONDS", 0.0)
        for name in ("get", "put", "patch", "find", "forget"):
            monkeypatch.setattr(documents, name, away)
        body = {"staff_no": "M0002", "password": PASSWORD}
        for answer in (await browser.get("/v1/alerts"), await house.browser().post("/v1/session", json=body)):
            assert (answer.status_code, answer.json()["error"]) == (503, "store_away")
        assert (await house.machine("analyst").get("/v1/alerts")).is_success, "a token needs none once roles were read"


async def test_no_audit_no_session(quick: Gateway) -> None:
    quick.audit_works = False
    answer = await quick.browser().post("/v1/session", json={"staff_no": "M0001", "password": PASSWORD})
    assert answer.status_code == 503 and "set-cookie" not in answer.headers


async def test_a_manager_acts_by_the_id_that_boss_gives_them(tmp_path: Path) -> None:
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200, json=work_data("w1"))

    told = {"boss.events": [customer(manager_id="M0007")]}
    person = {"staff_no": "10023", "role": "manager", "name": "王芳", "manager_id": "M0007"}
    async with gateway(tmp_path, answer=answer, people=[person], told=told) as house:
        browser = await house.signed_in("10023")
        await browser.post("/v1/work/w1/accept")
    claims = jwt.decode(asked[-1].headers["authorization"].split()[1], SECRET, ["HS256"], issuer="kam")
    assert (claims["sub"], claims["role"], claims["person_role"]) == ("M0007", "service", "manager")
