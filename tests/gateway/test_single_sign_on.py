"""Single sign-on with an identity provider in memory: what it may say, and every way it may fail us."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from gateway.identity.sessions import Sessions
from gateway.identity.sso import attempt
from gateway.settings import Settings
from harness.identity_provider import CLIENT, HOME, ISSUER, IdentityProvider, trusting, unsigned
from harness.people import PASSWORD, Gateway, gateway
from harness.people import SECRET as INSTANCE
from servicekit.settings import read_settings

Trusting = tuple[Gateway, IdentityProvider]
DISCOVERY, KEYS, TOKEN, USERINFO = "/.well-known/openid-configuration", "/keys", "/token", "/userinfo"
VOUCHED = "统一认证 / single sign-on"


@pytest.fixture
async def both(tmp_path: Path) -> AsyncIterator[Trusting]:
    async with trusting(tmp_path) as made:
        yield made


@pytest.fixture
async def forgetful(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Trusting]:
    """The same, with nothing kept of what the provider said before: for tables."""
    for name in ("KEPT_SECONDS", "KEYS_SECONDS", "ALIVE_SECONDS", "PAUSE_SECONDS"):
        monkeypatch.setattr(f"gateway.identity.sso.provider.{name}", 0.0)
    async with trusting(tmp_path) as made:
        yield made


async def begin(browser: httpx.AsyncClient, next: str | None = None) -> str:
    """Where the button leads to."""
    answer = await browser.get("/v1/session/sso", params={} if next is None else {"next": next})
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


async def come_back(browser: httpx.AsyncClient, address: str) -> httpx.Response:
    """The provider sends the browser back, from another site."""
    answer = await browser.get(address, headers={"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"})
    assert answer.status_code == 303, answer.text
    return answer


async def sign_in(house: Gateway, provider: IdentityProvider, next: str | None = None) -> httpx.AsyncClient:
    browser = house.browser()
    answer = await come_back(browser, provider.authorize(await begin(browser, next)))
    assert "sso=" not in answer.headers["location"], answer.headers["location"]
    return browser


def told(answer: httpx.Response) -> str | None:
    """What the sign-in page will say."""
    address = httpx.URL(answer.headers["location"])
    assert address.path == "/signin" and not address.host, answer.headers["location"]
    assert "kam_session" not in answer.headers.get("set-cookie", "")
    assert address.params["ref"] == answer.headers["kam-correlation-id"]
    return address.params["sso"]


async def test_the_provider_says_who_it_is_and_a_session_is_made(both: Trusting) -> None:
    house, provider = both
    browser = house.browser()
    begun = await browser.get("/v1/session/sso?next=/alerts%3Fkind%3Darrears")
    cookie = begun.headers["set-cookie"]
    assert "kam_sso=" in cookie and "HttpOnly" in cookie and "SameSite=lax" in cookie and "Max-Age=600" in cookie
    done = await come_back(browser, provider.authorize(begun.headers["location"]))
    assert done.headers["location"] == "/alerts?kind=arrears"
    cookies = done.headers.get_list("set-cookie")
    assert len(cookies) == 2 and all("HttpOnly" in c and "SameSite=lax" in c and "Path=/" in c for c in cookies)
    assert "kam_sso" not in browser.cookies

    me = (await browser.get("/v1/session")).json()
    assert (me["staff_no"], me["role"], me["must_change_password"], me["single_sign_on"]) == (
        "M0001", "manager", False, True,
    )  # fmt: skip
    assert (await browser.get("/v1/alerts")).status_code == 200
    assert house.audited[0] == ("M0001", "session.opened", "M0001", "200", VOUCHED)
    assert not (await (await house.signed_in("M0001")).get("/v1/session")).json()["single_sign_on"]


async def test_where_nothing_is_set_up_there_is_nothing(tmp_path: Path) -> None:
    async with gateway(tmp_path) as house:
        browser = house.browser()
        assert (await browser.get("/v1/session/options")).json() == {"single_sign_on": "off"}
        for path in ("", "/callback?code=c&state=s", "/leave"):
            answer = await browser.get(f"/v1/session/sso{path}")
            assert (answer.status_code, answer.json()["error"]) == (404, "not_found")


async def test_the_session_before_ends_and_no_token_is_taken_over(both: Trusting) -> None:
    house, provider = both
    browser = await house.signed_in("A0001")
    before = browser.cookies["kam_session"]
    await come_back(browser, provider.authorize(await begin(browser)))
    assert browser.cookies["kam_session"] != before
    old = house.browser()
    old.cookies.set("kam_session", before)
    assert (await old.get("/v1/session")).status_code == 401
    planted = house.browser()
    planted.cookies.set("kam_session", "A" * 43, domain="localhost.local")
    await come_back(planted, provider.authorize(await begin(planted)))
    assert planted.cookies["kam_session"] != "A" * 43


async def test_signing_out_everywhere_and_an_administrator_end_it_as_any_other(both: Trusting) -> None:
    house, provider = both
    here, there = await sign_in(house, provider), await house.signed_in("M0001")
    assert (await there.delete("/v1/sessions")).status_code == 204
    assert (await here.get("/v1/session")).status_code == 401
    again = await sign_in(house, provider)
    boss = await house.signed_in("X0001")
    account = await boss.get("/v1/admin/users/M0001")
    body = {name: account.json()[name] for name in ("name", "unit_id", "manager_id", "grants")}
    disabled = await boss.put(
        "/v1/admin/users/M0001",
        json={**body, "state": "disabled", "reason": "left"},
        headers={"if-match": account.headers["etag"]},
    )
    assert disabled.status_code == 200 and (await again.get("/v1/session")).status_code == 401
    browser = house.browser()
    refused = await come_back(browser, provider.authorize(await begin(browser)))
    assert told(refused) == "refused"
    assert ("M0001", "session.refused", "M0001", "403", VOUCHED) in house.audited


async def test_an_account_disabled_in_between_leaves_no_session_behind(
    both: Trusting, monkeypatch: pytest.MonkeyPatch
) -> None:
    house, provider = both
    browser, boss = house.browser(), await house.signed_in("X0001")
    address = provider.authorize(await begin(browser))
    account = await boss.get("/v1/admin/users/M0001")
    body = {name: account.json()[name] for name in ("name", "unit_id", "manager_id", "grants")}
    opened = Sessions.open

    async def slowly(self: Sessions, user: Any, number: int | None, **more: Any) -> Any:
        asked = {**body, "state": "disabled", "reason": "left"}
        await boss.put("/v1/admin/users/M0001", json=asked, headers={"if-match": account.headers["etag"]})
        return await opened(self, user, number, **more)

    monkeypatch.setattr(Sessions, "open", slowly)
    assert told(await come_back(browser, address)) == "refused"
    assert [told[:2] for told in house.audited if told[0] == "M0001"] == [("M0001", "session.refused")]


async def test_who_tries_passwords_keeps_nobody_out_of_single_sign_on(both: Trusting) -> None:
    house, provider = both
    for n in range(7):
        await house.browser(f"10.0.2.{n}").post("/v1/session", json={"staff_no": "M0001", "password": "wrong"})
    assert (await (await sign_in(house, provider)).get("/v1/session")).status_code == 200


async def test_a_password_that_must_be_changed_stands_in_nobodys_way(tmp_path: Path) -> None:
    async with trusting(tmp_path, people=None) as (house, provider):
        provider.person = {"sub": "1", "employee_number": "ADMIN"}
        browser = await sign_in(house, provider)
        assert (await browser.get("/v1/admin/users")).status_code == 200
        with_password = await house.signed_in("ADMIN")
        assert (await with_password.get("/v1/admin/users")).json()["error"] == "password_change_needed"


async def test_only_accounts_that_there_are_sign_in(both: Trusting) -> None:
    house, provider = both
    wrong = [
        "M9999",
        "",
        " ",
        "Ｍ０００１",
        "M0001\x00",
        "王芳",
        "M" * 65,
        17,
        None,
        True,
        ["M0001"],
        {"a": 1},
        "../M0001",
    ]
    for said in wrong:
        provider.person = {"sub": "8f2c", "employee_number": said, "preferred_username": "M0001"}
        browser = house.browser()
        assert told(await come_back(browser, provider.authorize(await begin(browser)))) == "refused", said
        assert "kam_session" not in browser.cookies
    assert set(house.audited) == {("unknown", "session.refused", "unknown", "403", VOUCHED)}


async def test_the_claim_may_stand_in_userinfo_alone(both: Trusting) -> None:
    house, provider = both
    provider.in_userinfo = True
    assert (await (await sign_in(house, provider)).get("/v1/session")).json()["staff_no"] == "M0001"
    provider.lies[USERINFO] = lambda said: {**said, "sub": "somebody else"}
    browser = house.browser()
    assert told(await come_back(browser, provider.authorize(await begin(browser)))) == "away"


OTHER = ECKey.generate_key("P-256", {"kid": "one"})
NOW = 1_782_784_800  # of harness.people.Clock


def _claim(**claims: Any) -> Callable[[IdentityProvider], None]:
    return lambda provider: provider.claims.update(claims)


def _lie(path: str, lie: Callable[[Any], Any]) -> Callable[[IdentityProvider], None]:
    return lambda provider: provider.lies.update({path: lie})


def _raises(error: Exception) -> Callable[[Any], Any]:
    def lie(_: Any) -> Any:
        raise error

    return lie


def _signed(signer: Any, algorithm: str = "ES256", **header: Any) -> Callable[[IdentityProvider], None]:
    def change(provider: IdentityProvider) -> None:
        provider.signer, provider.algorithm = signer, algorithm
        provider.header.update(header)

    return change


def _token(token: Any) -> Callable[[IdentityProvider], None]:
    return _lie(TOKEN, lambda said: {**said, "id_token": token})


TOKENS: dict[str, Callable[[IdentityProvider], None]] = {
    "another issuer": _claim(iss="https://evil.example"),
    "its issuer with a slash": _claim(iss=ISSUER + "/"),
    "no issuer": _claim(iss=None),
    "another audience": _claim(aud="another"),
    "no audience": _claim(aud=None),
    "audience of nothing": _claim(aud=[]),
    "an audience that is no text": _claim(aud={CLIENT: 1}),
    "two audiences, no azp": _claim(aud=[CLIENT, "another"]),
    "two audiences, another's azp": _claim(aud=[CLIENT, "another"], azp="another"),
    "ours with another's azp": _claim(azp="another"),
    "expired": _claim(exp=NOW - 61),
    "no end": _claim(exp=None),
    "an end that is no number": _claim(exp="tomorrow"),
    "an end that is never": _claim(exp=float("inf")),
    "issued in the future": _claim(iat=NOW + 120),
    "no time of issue": _claim(iat=None),
    "not yet good": _claim(nbf=NOW + 120),
    "another nonce": _claim(nonce="another"),
    "no nonce": _claim(nonce=None),
    "nonce of another type": _claim(nonce=[1]),
    "nobody": _claim(sub=None),
    "nobody's name": _claim(sub=""),
    "a name that is no text": _claim(sub=17),
    "of another access token": _claim(at_hash="AAAAAAAAAAAAAAAAAAAAAA"),
    "signed by somebody else": _signed(OTHER),
    "signed with a key it does not tell of": _signed(ECKey.generate_key("P-256", {"kid": "two"})),
    "signed with a key it brings along": _signed(OTHER, jwk=OTHER.as_dict(private=False)),
    "signed with our secret": _signed(OctKey.import_key(INSTANCE), "HS256", kid="one"),
    "another algorithm than the key's": _signed(RSAKey.generate_key(2048), "RS256", kid="one"),
    "not signed": _token(unsigned({"iss": ISSUER, "aud": CLIENT, "sub": "8f2c", "employee_number": "M0001"})),
    "no token": _token(None),
    "no token at all": _lie(TOKEN, lambda said: {"access_token": "at"}),
    "a number": _token(17),
    "no JWT": _token("abc"),
    "dots": _token("..."),
    "nothing readable": _token("e30.e30.e30"),
    "nested deep": _token("W1tb" * 20000 + ".W10.AA"),
}
ANSWERS: dict[str, Callable[[IdentityProvider], None]] = {
    "discovery of another issuer": _lie(DISCOVERY, lambda said: {**said, "issuer": "https://evil.example"}),
    "discovery lacks keys": _lie(DISCOVERY, lambda said: {**said, "jwks_uri": None}),
    "discovery of another type": _lie(DISCOVERY, lambda said: {**said, "token_endpoint": ["a"]}),
    "an endpoint without TLS": _lie(DISCOVERY, lambda said: {**said, "token_endpoint": "http://id.example/token"}),
    "an endpoint that is no address": _lie(DISCOVERY, lambda said: {**said, "token_endpoint": "https://["}),
    "a script for an endpoint": _lie(DISCOVERY, lambda said: {**said, "authorization_endpoint": "javascript:alert(1)"}),
    "discovery is no JSON": _lie(DISCOVERY, lambda _: b"<html>login</html>"),
    "discovery is a list": _lie(DISCOVERY, lambda _: b"[]"),
    "discovery is nested deep": _lie(DISCOVERY, lambda _: b"[" * 100_000),
    "discovery is too long": _lie(DISCOVERY, lambda _: b" " * (300 << 10)),
    "discovery fails": _lie(DISCOVERY, lambda _: httpx.Response(500)),
    "discovery leads away": _lie(
        DISCOVERY, lambda _: httpx.Response(302, headers={"location": "https://evil.example"})
    ),
    "nobody answers": _lie(DISCOVERY, _raises(httpx.ConnectError("no route"))),
    "too slow": _lie(DISCOVERY, _raises(httpx.ReadTimeout("slow"))),
    "another protocol": _lie(DISCOVERY, _raises(httpx.RemoteProtocolError("nonsense"))),
    "no keys": _lie(KEYS, lambda _: {"keys": []}),
    "keys of another type": _lie(KEYS, lambda _: {"keys": {"a": 1}}),
    "keys that can't be read": _lie(KEYS, lambda _: {"keys": [1, {"kty": "EC"}, {"kty": "XX"}, {"kty": ["EC"]}]}),
    "keys are no JSON": _lie(KEYS, lambda _: b"\xff\xfe"),
    "no answer for keys": _lie(KEYS, _raises(httpx.ConnectTimeout("slow"))),
    "no answer for the code": _lie(TOKEN, _raises(httpx.ReadError("gone"))),
    "we are unknown": _lie(TOKEN, lambda _: httpx.Response(401, json={"error": "invalid_client"})),
    "the code's answer fails": _lie(TOKEN, lambda _: httpx.Response(503, text="later")),
    "the code's answer is no JSON": _lie(TOKEN, lambda _: b"id_token=abc"),
    "an error that is none": _lie(TOKEN, lambda _: httpx.Response(400, json={"error": {"a": 1}})),
}


async def test_what_does_not_prove_who_it_is_signs_nobody_in(forgetful: Trusting) -> None:
    house, provider = forgetful
    for lie, make in (TOKENS | ANSWERS).items():
        provider.is_honest()
        make(provider)
        browser = house.browser()
        where = await browser.get("/v1/session/sso?next=/work")
        if where.headers["location"].startswith(ISSUER):
            where = await come_back(browser, provider.authorize(where.headers["location"]))
        assert told(where) == "away" and httpx.URL(where.headers["location"]).params["next"] == "/work", lie
        assert not browser.cookies.get("kam_session")
        # Passwords go on.
        assert (await browser.post("/v1/session", json={"staff_no": "M0001", "password": PASSWORD})).is_success
    assert ("M0001", "session.opened", "M0001", "200", VOUCHED) not in house.audited


async def test_what_is_a_little_off_or_unusual_and_right_signs_in(forgetful: Trusting) -> None:
    house, provider = forgetful
    rsa = RSAKey.generate_key(2048, {"kid": "r"})
    edwards = OKPKey.generate_key("Ed25519", {"kid": "e"})
    unread: list[Any] = [{"kty": "AKP"}, {"kty": "EC"}, {"kty": "oct", "k": "AA"}, 1]
    right: dict[str, Callable[[IdentityProvider], None]] = {
        "its clock is behind": _claim(exp=NOW - 59),
        "its clock is ahead": _claim(iat=NOW + 59, nbf=NOW + 59),
        "audiences as a list": _claim(aud=[CLIENT]),
        "made for several, asked for by us": _claim(aud=[CLIENT, "another"], azp=CLIENT),
        "small letters and blanks": _claim(employee_number=" m0001\n"),
        "a key without a name, the only one of its kind": _signed(None, kid=None),
        "RS256": _signed(rsa, "RS256"),
        "PS256": _signed(rsa, "PS256"),
        "EdDSA": _signed(edwards, "Ed25519"),
        "keys that nobody can read beside": _lie(KEYS, lambda said: {"keys": [*unread, *said["keys"]]}),
        "no way to leave": _lie(DISCOVERY, lambda said: {**said, "end_session_endpoint": None}),
    }
    for name, make in right.items():
        provider.is_honest()
        provider.keys += [rsa, edwards]
        make(provider)
        browser = await sign_in(house, provider)
        assert (await browser.get("/v1/session")).json()["staff_no"] == "M0001", name


async def test_keys_without_names_must_not_be_several(forgetful: Trusting) -> None:
    house, provider = forgetful
    provider.keys.append(ECKey.generate_key("P-256", {"kid": "two"}))
    provider.header["kid"] = None
    browser = house.browser()
    assert told(await come_back(browser, provider.authorize(await begin(browser)))) == "away"


@pytest.fixture
def elapsed(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Lets so many seconds pass for what is kept of the provider."""
    now = [1000.0]
    monkeypatch.setattr("gateway.identity.sso.provider.monotonic", lambda: now[0])

    def passes(seconds: float) -> None:
        now[0] += seconds

    return passes


async def test_new_keys_are_looked_for_once_and_not_for_every_forged_one(
    both: Trusting, elapsed: Callable[[float], None]
) -> None:
    house, provider = both
    for _ in range(2):
        await sign_in(house, provider)
        assert provider.asked.count(KEYS) == 1 and provider.asked.count(DISCOVERY) == 1, "they are kept"
    provider.keys = [ECKey.generate_key("P-256", {"kid": "two"})]
    elapsed(11)
    await sign_in(house, provider)
    assert provider.asked.count(KEYS) == 2
    provider.signer = ECKey.generate_key("P-256", {"kid": "three"})
    for _ in range(5):
        browser = house.browser()
        assert told(await come_back(browser, provider.authorize(await begin(browser)))) == "away"
    assert provider.asked.count(KEYS) == 2
    elapsed(3600)
    provider.signer = None
    await sign_in(house, provider)
    assert provider.asked.count(KEYS) == 3 and provider.asked.count(DISCOVERY) == 2


async def test_a_provider_that_is_away_is_left_in_peace_and_tried_again(
    both: Trusting, elapsed: Callable[[float], None]
) -> None:
    house, provider = both
    browser = house.browser()
    assert (await browser.get("/v1/session/options")).json() == {"single_sign_on": "on"}
    provider.lies[DISCOVERY] = _raises(httpx.ConnectError("no route"))
    tries = await asyncio.gather(*[browser.get("/v1/session/sso") for _ in range(20)])
    assert {told(answer) for answer in tries} == {"away"} and len(provider.asked) == 1
    assert (await browser.get("/v1/session/options")).json() == {"single_sign_on": "away"}
    del provider.lies[DISCOVERY]
    elapsed(4)
    assert (await browser.get("/v1/session/options")).json() == {"single_sign_on": "on"}
    await sign_in(house, provider)
    # What it said an hour ago at most will do for a callback, but nobody is sent to one that has gone.
    provider.lies[DISCOVERY] = _raises(httpx.ConnectError("no route"))
    address = provider.authorize(await begin(browser))
    elapsed(31)
    assert (await come_back(browser, address)).headers["location"] == "/"
    assert told(await browser.get("/v1/session/sso")) == "away"


async def test_a_provider_that_never_ends_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.identity.sso.provider._PATIENCE", 0.05)

    async def endless() -> AsyncIterator[bytes]:
        while True:
            await asyncio.sleep(0.01)
            yield b" "

    async with trusting(tmp_path) as (house, provider):
        provider.lies[DISCOVERY] = lambda _: httpx.Response(200, content=endless())
        assert told(await house.browser().get("/v1/session/sso")) == "away"


async def test_a_callback_that_this_browser_did_not_begin_signs_nobody_in(both: Trusting) -> None:
    house, provider = both
    browser = house.browser()
    address = provider.authorize(await begin(browser))
    for query in (
        "",
        "code=c",
        "state=s",
        "code=code-0&state=another",
        "code=code-0&state=",
        "state=%00&code=%00",
        "state=%ff&code=%ff",
        "state=1&state=2&code=a&code=b",
        "error=access_denied&state=x",
        "error=<script>&error_description=<script>&state=x",
        "code=" + "x" * 8000,
    ):
        assert told(await come_back(browser, f"{HOME}/v1/session/sso/callback?{query}")) == "again", query
    assert TOKEN not in provider.asked, "nobody is asked about a code that came from nowhere"
    assert (await come_back(browser, address)).headers["location"] == "/", "and what was begun goes on"


async def test_another_browser_can_not_finish_what_this_one_began(both: Trusting) -> None:
    house, provider = both
    here, there = house.browser(), house.browser()
    address = provider.authorize(await begin(here))
    assert told(await come_back(there, address)) == "again"
    await begin(there)
    assert told(await come_back(there, address)) == "again"
    # Nor does a code of somebody else fit what was begun here.
    stolen = httpx.URL(provider.authorize(await begin(there))).params["code"]
    mixed = httpx.URL(address).copy_set_param("code", stolen)
    assert told(await come_back(here, str(mixed))) == "again"


async def test_a_callback_is_good_once_and_for_ten_minutes(both: Trusting) -> None:
    house, provider = both
    browser = house.browser()
    address = provider.authorize(await begin(browser))
    kept = browser.cookies["kam_sso"]
    await come_back(browser, address)
    assert told(await come_back(browser, address)) == "again"
    browser.cookies.set("kam_sso", kept)
    assert told(await come_back(browser, address)) == "again", "the provider knows the code no more"
    late = provider.authorize(await begin(browser))
    house.clock.passes(minutes=10)
    assert told(await come_back(browser, late)) == "again"


async def test_the_cookie_of_an_attempt_can_not_be_forged(both: Trusting) -> None:
    house, provider = both
    browser = house.browser()
    address = provider.authorize(await begin(browser))
    good = browser.cookies["kam_sso"]
    for forged in (good[:-2] + "AA", "", "x", good.rpartition(".")[0] + ".", unsigned({"secret": "s", "next": "/"})):
        browser.cookies.clear()
        browser.cookies.set("kam_sso", forged)
        assert told(await come_back(browser, address)) == "again"


async def test_an_attempt_is_no_bearer_token(both: Trusting) -> None:
    house, _ = both
    browser = house.browser()
    await begin(browser)
    answer = await browser.get("/v1/alerts", headers={"authorization": f"Bearer {browser.cookies['kam_sso']}"})
    assert answer.status_code == 401


async def test_what_the_provider_says_at_the_callback(both: Trusting) -> None:
    house, _ = both
    cases: list[tuple[dict[str, str], str]] = [
        ({"error": "access_denied"}, "cancelled"),
        ({"error": "login_required"}, "cancelled"),
        ({"error": "server_error", "error_description": "<b>M0001</b>"}, "away"),
        ({"error": "temporarily_unavailable"}, "away"),
        ({}, "away"),
        ({"code": "code-0"}, "away"),
        ({"code": "code-0", "iss": "https://evil.example"}, "away"),
        ({"code": "never given", "iss": ISSUER}, "again"),
    ]
    for said, outcome in cases:
        browser = house.browser()
        state = httpx.URL(await begin(browser)).params["state"]
        back = httpx.URL(f"{HOME}/v1/session/sso/callback", params={"state": state, **said})
        assert told(await come_back(browser, str(back))) == outcome, said
        assert "kam_sso" not in browser.cookies


PLACES: list[tuple[str | None, str]] = [
    ("/alerts?kind=arrears,churn_warning&sort=-due", "/alerts?kind=arrears,churn_warning&sort=-due"),
    ("/customers?tier=6#q=13800000000", "/customers?tier=6"),
    ("/why/file:BILL_1.dat.gz%2317", "/why/file:BILL_1.dat.gz%2317"),
    ("/team/单位", "/team/%E5%8D%95%E4%BD%8D"),
    ("//evil.example", "/"),
    ("///evil.example", "/"),
    ("/\\evil.example", "/"),
    ("/%5Cevil.example", "/%5Cevil.example"),
    ("\\\\evil.example", "/"),
    ("https://evil.example/", "/"),
    ("https:/evil.example/", "/"),
    ("javascript:alert(1)", "/"),
    ("alerts", "/"),
    ("", "/"),
    ("/\t/evil.example", "/"),
    ("/ /evil.example", "/"),
    ("/\r\nSet-Cookie: a=b", "/"),
    ("/signin?sso=refused", "/"),
    ("/v1/session/sso", "/"),
    ("/" + "a" * 2000, "/"),
    (None, "/"),
]


async def test_it_leads_back_to_our_own_pages_alone(both: Trusting) -> None:
    house, provider = both
    for next, to in PLACES:
        browser = house.browser()
        address = provider.authorize(await begin(browser, next))
        assert (await come_back(browser, address)).headers["location"] == to
        assert attempt.own_page(to) == to


async def test_a_link_of_another_site_leads_to_the_button(both: Trusting) -> None:
    house, provider = both
    answer = await house.browser().get("/v1/session/sso?next=/work", headers={"sec-fetch-site": "cross-site"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/signin?next=%2Fwork")
    assert "set-cookie" not in answer.headers and not provider.asked


async def test_over_a_network_it_takes_https_and_a_cookie_of_this_host(tmp_path: Path) -> None:
    async with trusting(tmp_path, public_url="https://kam.example/") as (house, provider):
        plain = await house.browser(base_url="http://kam.example").get("/v1/session/sso")
        assert (plain.status_code, plain.json()["error"]) == (403, "tls_needed")
        browser = house.browser(base_url="https://kam.example")
        begun = await browser.get("/v1/session/sso")
        assert begun.headers["set-cookie"].startswith("__Host-kam_sso=") and "; Secure" in begun.headers["set-cookie"]
        address = provider.authorize(begun.headers["location"])
        assert address.startswith("https://kam.example/v1/session/sso/callback?")
        done = await come_back(browser, address)
        assert all("; Secure" in cookie for cookie in done.headers.get_list("set-cookie"))
        left = await browser.get("/v1/session/sso/leave")
        assert dict(httpx.URL(left.headers["location"]).params) == {
            "client_id": CLIENT, "post_logout_redirect_uri": "https://kam.example/signin",
        }  # fmt: skip


async def test_one_may_leave_the_provider_too(both: Trusting) -> None:
    house, provider = both
    browser = await sign_in(house, provider)
    await browser.delete("/v1/session")
    assert (await browser.get("/v1/session/sso/leave")).headers["location"].startswith(f"{ISSUER}/leave?")


async def test_where_one_can_not_leave_the_provider_the_sign_in_page_comes(forgetful: Trusting) -> None:
    house, provider = forgetful
    lies: list[Callable[[Any], Any]] = [lambda said: {**said, "end_session_endpoint": None}, lambda _: b"nonsense"]
    for lie in lies:
        provider.lies[DISCOVERY] = lie
        assert (await house.browser().get("/v1/session/sso/leave")).headers["location"] == "/signin"


async def test_without_audit_or_secret_nobody_is_let_in_and_a_page_says_so(tmp_path: Path) -> None:
    async with trusting(tmp_path) as (house, provider):
        browser = house.browser()
        address = provider.authorize(await begin(browser))
        house.audit_works = False
        assert told(await come_back(browser, address)) == "trouble"
        house.audit_works = True
        (tmp_path / "client_secret").unlink()
        assert told(await come_back(browser, provider.authorize(await begin(browser)))) == "away"
        (tmp_path / "secret").unlink()
        assert told(await browser.get("/v1/session/sso")) == "trouble"


async def test_no_code_secret_token_or_state_is_ever_logged(both: Trusting, capfd: Any, caplog: Any) -> None:
    house, provider = both
    caplog.set_level(logging.DEBUG)
    logging.getLogger("httpx").disabled = True  # the browser's own
    browser = house.browser()
    address = provider.authorize(await begin(browser))
    await come_back(browser, address)
    provider.claims["aud"] = "another-audience"
    address = provider.authorize(await begin(browser))
    await come_back(browser, address)
    logged = caplog.text + "".join(capfd.readouterr())
    state = httpx.URL(address).params["state"]
    for secret in ("code-0", "code-1", state, "s3cret", "another-audience", browser.cookies["kam_session"]):
        assert secret not in logged, secret
    assert "sso.not_proven" in logged


@pytest.mark.parametrize(
    ("more", "named"),
    [
        ({}, "KAM_OIDC_CLIENT_ID, KAM_OIDC_CLAIM, KAM_PUBLIC_URL"),
        ({"KAM_OIDC_CLIENT_ID": "k", "KAM_PUBLIC_URL": "https://kam.example"}, "KAM_OIDC_CLAIM"),
        ({"KAM_OIDC_ISSUER": "http://id.example"}, "KAM_OIDC_ISSUER"),
        ({"KAM_OIDC_ISSUER": "id.example"}, "KAM_OIDC_ISSUER"),
        ({"KAM_PUBLIC_URL": "https://kam.example/?a=b"}, "KAM_PUBLIC_URL"),
        ({"KAM_OIDC_SCOPE": "profile"}, "KAM_OIDC_SCOPE"),
    ],
)
def test_half_a_setting_ends_the_start_and_says_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any, more: dict[str, str], named: str
) -> None:
    given = {
        "KAM_SERVICE_DATA": str(tmp_path),
        "KAM_KAFKA": "k:1",
        "KAM_PEERS": "{}",
        "KAM_OIDC_ISSUER": ISSUER,
        **more,
    }
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit):
        read_settings(Settings)
    assert named in capsys.readouterr().err
