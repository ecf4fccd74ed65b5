"""Single sign-on with a real identity provider (npm ``oidc-provider``): the whole round, its keys changed, gone."""

import asyncio
import contextlib
import re
import socket
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
import uvicorn

from gateway.identity.sso import provider as provider_module
from harness.people import Clock, Gateway, gateway
from harness.real_identity_provider import identity_provider, sign_in_there

pytestmark = pytest.mark.embedded
HOME = "http://localhost:22000"


def now() -> Clock:
    clock = Clock()
    clock.now = datetime.now(UTC)
    return clock


class Person:
    """A browser of its own: one part of it knows the gateway, the other the provider."""

    def __init__(self, house: Gateway, issuer: str = "") -> None:
        self.here, self._there, self._issuer = house.browser(), httpx.Client(trust_env=False), issuer

    async def led_to(self, address: str) -> str:
        answer = await self.here.get(address)
        assert answer.status_code == 303, answer.text
        return answer.headers["location"]

    async def signs_in(self, name: str) -> str:
        """Where they are led to in the end."""
        begun = await self.led_to("/v1/session/sso?next=/work%3Ftype%3Dcomplaint")
        return begun if begun.startswith("/") else await self.led_to(sign_in_there(self._there, begun, name))

    def leaves_there(self) -> None:
        """Signs out at the provider, without a word to us."""
        page = self._there.get(f"{self._issuer}/session/end").text
        xsrf = re.search(r'name="xsrf" value="([^"]+)"', page)
        assert xsrf, page
        done = self._there.post(f"{self._issuer}/session/end/confirm", data={"xsrf": xsrf[1], "logout": "yes"})
        assert done.status_code == 303, done.text

    async def leaves(self) -> str:
        """Signs out here, and reads what the provider asks."""
        await self.here.delete("/v1/session")
        return self._there.get(await self.led_to("/v1/session/sso/leave")).text


async def test_the_whole_round(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provider_module, "KEYS_SECONDS", 0.0)
    secret = tmp_path / "client"
    with contextlib.ExitStack() as first_days:
        first = first_days.enter_context(identity_provider(HOME, secret))
        async with gateway(tmp_path / "gateway", clock=now(), **first.settings) as house:
            person = Person(house)
            assert await person.signs_in("h0001") == "/work?type=complaint"
            me = (await person.here.get("/v1/session")).json()
            assert (me["staff_no"], me["single_sign_on"]) == ("H0001", True)
            assert await person.signs_in("nobody asks") == "/work?type=complaint", "they are signed in there already"
            assert "Do you want to sign-out" in await person.leaves()

            assert (await Person(house).signs_in("Z9999")).startswith("/signin?sso=refused&ref=")

            first_days.close()
            with identity_provider(HOME, secret, first.port, kid="two"):
                assert await Person(house).signs_in("m0001") == "/work?type=complaint", "with keys we did not know"

            monkeypatch.setattr(provider_module, "ALIVE_SECONDS", 0.0)
            assert (await Person(house).signs_in("m0001")).startswith("/signin?sso=away&ref=")
            assert (await (await house.signed_in("M0001")).get("/v1/session")).status_code == 200


@contextlib.asynccontextmanager
async def served(house: Gateway, door: socket.socket) -> AsyncIterator[None]:
    """The gateway where the provider's process can reach it."""
    server = uvicorn.Server(uvicorn.Config(house.app, log_config=None, lifespan="off", timeout_graceful_shutdown=1))
    serving = asyncio.create_task(server.serve(sockets=[door]))
    try:
        yield
    finally:
        server.should_exit = True
        await serving


async def test_who_leaves_there_is_out_here(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as door:
        logout = f"http://127.0.0.1:{door.getsockname()[1]}/v1/backchannel-logout"
        with identity_provider(HOME, tmp_path / "client", logout=logout) as provider:
            async with gateway(tmp_path / "gateway", clock=now(), **provider.settings) as house, served(house, door):
                issuer = provider.settings["oidc_issuer"]
                one, other, elsewhere = (Person(house, issuer) for _ in range(3))
                await one.signs_in("h0001")
                await other.signs_in("m0001")
                await elsewhere.signs_in("h0001")
                await asyncio.to_thread(one.leaves_there)
                found = [(await person.here.get("/v1/session")).status_code for person in (one, other, elsewhere)]
                assert found == [401, 200, 200], "one session has ended there, and no other"
                assert house.audited[-1][:4] == ("H0001", "session.closed", "H0001", "200")
