"""The identity provider tells that a session there has ended: those that it vouched for end here, and no others."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from joserfc.jwk import ECKey

from gateway.identity.sessions import LOGOUTS, SESSIONS
from gateway.identity.signin import VOUCHED
from harness.identity_provider import ISSUER, IdentityProvider, trusting, unsigned
from harness.people import Gateway, gateway
from servicekit.memory_store import MemoryDocuments, MemoryStore

Trusting = tuple[Gateway, IdentityProvider, MemoryDocuments]
#: claims of a telling that ends nothing, and why
WRONG: list[dict[str, Any]] = [
    {"iss": "https://other.example"},
    {"iss": None},
    {"aud": "another-client"},
    {"aud": None},
    {"iat": None},
    {"iat": 4102444800},
    {"exp": None},
    {"exp": 1},
    {"exp": 4102444800},
    {"events": None},
    {"events": {}},
    {"events": {"http://schemas.openid.net/event/backchannel-logout": None}},
    {"events": ["http://schemas.openid.net/event/backchannel-logout"]},
    {"nonce": "of an id token"},
    {"sub": None, "sid": None},
    {"sub": 7},
    {"jti": None},
    {"jti": ""},
    {"jti": 7},
]


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[Trusting]:
    documents = MemoryDocuments(MemoryStore())
    async with trusting(tmp_path, documents=documents) as (made, provider):
        yield made, provider, documents


async def vouched(house: Trusting, sub: str = "8f2c", sid: str | None = "s-1") -> httpx.AsyncClient:
    """A browser that the provider let in."""
    made, provider, _ = house
    provider.person, provider.claims = {"sub": sub, "employee_number": "m0001"}, {"sid": sid}
    browser = made.browser()
    begun = await browser.get("/v1/session/sso")
    assert (await browser.get(provider.authorize(begun.headers["location"]))).headers["location"] == "/"
    return browser


async def tell(house: Trusting, token: str) -> httpx.Response:
    made, _, _ = house
    machine = httpx.AsyncClient(transport=httpx.ASGITransport(made.app), base_url="http://localhost:22000")
    return await machine.post("/v1/backchannel-logout", data={"logout_token": token})


async def is_in(browser: httpx.AsyncClient) -> bool:
    return (await browser.get("/v1/session")).status_code == 200


async def test_one_session_ends_and_no_other(house: Trusting) -> None:
    made, provider, documents = house
    here, there = await vouched(house), await vouched(house, sid="s-2")
    with_password = await made.signed_in("M0001")
    answer = await tell(house, provider.logout_token())
    assert (answer.status_code, answer.content, answer.headers["cache-control"]) == (204, b"", "no-store")
    assert [await is_in(browser) for browser in (here, there, with_password)] == [False, True, True]
    assert made.audited[-1] == ("M0001", "session.closed", "M0001", "200", VOUCHED)
    assert not {"8f2c", "s-2"} & {value for row in await documents.find(SESSIONS) for value in row.values()}


async def test_without_a_session_all_of_somebody_end(house: Trusting) -> None:
    _, provider, _ = house
    browsers = [await vouched(house), await vouched(house, sid=None), await vouched(house, sub="another")]
    assert (await tell(house, provider.logout_token(sub="8f2c", sid=None))).status_code == 204
    assert [await is_in(browser) for browser in browsers] == [False, False, True]


async def test_a_session_is_of_whom_it_is_told(house: Trusting) -> None:
    _, provider, _ = house
    browser = await vouched(house)
    assert (await tell(house, provider.logout_token(sub="another"))).status_code == 204
    assert await is_in(browser)
    assert (await tell(house, provider.logout_token(sub=None, jti="telling-2"))).status_code == 204
    assert not await is_in(browser)


async def test_a_telling_is_good_once_and_forgotten_when_it_is_too_old(house: Trusting) -> None:
    made, provider, documents = house
    token = provider.logout_token(sub="8f2c", sid=None)
    assert (await tell(house, token)).status_code == 204, "of nobody who is here"
    browser = await vouched(house)
    again = await tell(house, token)
    assert (again.status_code, again.json()["error"]) == (400, "logout_not_proven")
    assert await is_in(browser)
    (row,) = await documents.find(LOGOUTS)
    assert row["until"] == "2026-06-30T02:03:00Z", "two minutes, and one of skew"
    made.clock.passes(minutes=4)
    assert (await tell(house, token)).status_code == 400


@pytest.mark.parametrize("claims", WRONG, ids=str)
async def test_what_proves_nothing_ends_nothing(house: Trusting, claims: dict[str, Any]) -> None:
    _, provider, documents = house
    browser = await vouched(house)
    answer = await tell(house, provider.logout_token(**claims))
    assert (answer.status_code, answer.json()["error"]) == (400, "logout_not_proven")
    assert await is_in(browser) and not await documents.find(LOGOUTS)


async def test_another_signature_or_type_ends_nothing(house: Trusting, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.identity.sso.provider.KEYS_SECONDS", 0.0)
    _, provider, _ = house
    browser = await vouched(house)
    provider.signer = ECKey.generate_key("P-256", {"kid": "stranger"})
    stranger = provider.logout_token()
    provider.signer, provider.header = None, {"typ": "at+jwt"}
    of_another_type = provider.logout_token()
    for token in (stranger, of_another_type, unsigned({"iss": ISSUER, "sid": "s-1"}), "no token", ""):
        assert (await tell(house, token)).status_code == 400
    assert await is_in(browser)
    provider.keys = [ECKey.generate_key("P-256", {"kid": "two", "use": "sig"})]
    provider.header = {}
    assert (await tell(house, provider.logout_token())).status_code == 204, "keys that we did not know"
    assert not await is_in(browser)


async def test_while_its_keys_cannot_be_had_it_is_asked_to_come_again(house: Trusting) -> None:
    made, provider, _ = house
    provider.lies["/keys"] = lambda _: httpx.Response(503)
    answer = await tell(house, provider.logout_token())
    assert (answer.status_code, answer.json()["error"]) == (503, "provider_away")
    assert not [entry for entry in made.audited if entry[1] == "session.closed"]


@pytest.mark.parametrize("body", [b"", b"x=1", b"logout_token=a&logout_token=b", b"\xff\xfe", b"a=1&" * 50])
async def test_a_form_without_one_token(house: Trusting, body: bytes) -> None:
    made, _, _ = house
    machine = httpx.AsyncClient(transport=httpx.ASGITransport(made.app), base_url="http://localhost:22000")
    assert (await machine.post("/v1/backchannel-logout", content=body)).status_code == 400


async def test_where_nothing_is_set_up_there_is_nothing(tmp_path: Path) -> None:
    async with gateway(tmp_path) as made:
        answer = await made.browser().post("/v1/backchannel-logout", data={"logout_token": "x"})
        assert (answer.status_code, answer.json()["error"]) == (404, "not_found")
