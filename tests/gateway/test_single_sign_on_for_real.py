"""Single sign-on with a real identity provider (npm ``oidc-provider``): the whole round, its keys changed, gone."""

import contextlib
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

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

    def __init__(self, house: Gateway) -> None:
        self.here, self._there = house.browser(), httpx.Client(trust_env=False)

    async def led_to(self, address: str) -> str:
        answer = await self.here.get(address)
        assert answer.status_code == 303, answer.text
        return answer.headers["location"]

    async def signs_in(self, name: str) -> str:
        """Where they are led to in the end."""
        begun = await self.led_to("/v1/session/sso?next=/work%3Ftype%3Dcomplaint")
        return begun if begun.startswith("/") else await self.led_to(sign_in_there(self._there, begun, name))

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
