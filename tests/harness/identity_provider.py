"""An identity provider in memory, honest until a test makes it lie, and a gateway that trusts it."""

import base64
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
from joserfc import jwt
from joserfc.jwk import ECKey, Key

from harness.people import Clock, Gateway, gateway

ISSUER, CLIENT, SECRET = "https://id.example/realm", "kam-gateway", "s3cret+/%:ü"
HOME = "http://localhost:22000"
Answer = dict[str, Any]
#: changes an answer of one of its addresses; what it gives back is answered, or what it raises happens
Lie = Callable[[Any], Any]


class IdentityProvider:
    """Gives a code for whoever is ``person``, and says for it who that is. ``lies``: by address, what it says instead;
    ``claims``, ``header``: what an id token says instead."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.asked: list[str] = []
        self._codes: dict[str, Answer] = {}
        self.is_honest()

    def is_honest(self) -> None:
        """As it is at first."""
        self.keys: list[Key] = [ECKey.generate_key("P-256", {"kid": "one", "use": "sig"})]
        self.person: Answer = {"sub": "8f2c", "employee_number": "m0001"}
        self.lies: dict[str, Lie] = {}
        self.claims: dict[str, Any] = {}
        self.header: dict[str, Any] = {}
        self.algorithm = "ES256"
        self.signer: Key | None = None
        self.in_userinfo = False

    def authorize(self, address: str) -> str:
        """What happens when somebody signs in there: where their browser is led to."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        assert address.startswith(f"{ISSUER}/authorize?") and asked["response_type"] == "code"
        assert (asked["client_id"], asked["scope"]) == (CLIENT, "openid profile")
        assert asked["code_challenge_method"] == "S256"
        code = f"code-{len(self._codes)}"
        self._codes[code] = asked
        return str(httpx.URL(asked["redirect_uri"], params={"code": code, "state": asked["state"], "iss": ISSUER}))

    def __call__(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path.removeprefix("/realm")
        self.asked.append(path)
        answers = {
            "/.well-known/openid-configuration": self._metadata,
            "/keys": lambda _: {"keys": [key.as_dict(private=False) for key in self.keys]},
            "/token": self._token,
            "/userinfo": lambda _: self.person,
        }
        answer = answers[path](request)
        if path in self.lies:
            answer = self.lies[path](answer)
        if isinstance(answer, httpx.Response):
            return answer
        return httpx.Response(200, content=answer) if isinstance(answer, bytes) else httpx.Response(200, json=answer)

    def logout_token(self, **claims: Any) -> str:
        """What it tells when the session ``s-1`` of its person has ended; a claim that is None is not there."""
        now = int(self.clock().timestamp())
        told = {
            "iss": ISSUER,
            "aud": CLIENT,
            "iat": now,
            "exp": now + 120,
            "jti": "telling-1",
            "events": {"http://schemas.openid.net/event/backchannel-logout": {}},
            "sub": self.person["sub"],
            "sid": "s-1",
            **claims,
        }
        signer = self.signer or self.keys[0]
        header = {"alg": self.algorithm, "kid": signer.kid, "typ": "logout+jwt", **self.header}
        return jwt.encode(header, {name: v for name, v in told.items() if v is not None}, signer, [self.algorithm])

    def _metadata(self, _: httpx.Request) -> Answer:
        return {
            "issuer": ISSUER,
            "authorization_endpoint": f"{ISSUER}/authorize",
            "token_endpoint": f"{ISSUER}/token",
            "jwks_uri": f"{ISSUER}/keys",
            "userinfo_endpoint": f"{ISSUER}/userinfo",
            "end_session_endpoint": f"{ISSUER}/leave",
            "authorization_response_iss_parameter_supported": True,
        }

    def _token(self, request: httpx.Request) -> Answer | httpx.Response:
        form = {name: values[0] for name, values in parse_qs(request.content.decode()).items()}
        assert request.headers["authorization"].startswith("Basic ")
        asked = self._codes.pop(form["code"], None)
        challenge = base64.urlsafe_b64encode(sha256(form["code_verifier"].encode()).digest()).decode().rstrip("=")
        if asked is None or challenge != asked["code_challenge"] or form["redirect_uri"] != asked["redirect_uri"]:
            return httpx.Response(400, json={"error": "invalid_grant"})
        now = int(self.clock().timestamp())
        claims = {
            "iss": ISSUER,
            "aud": CLIENT,
            "iat": now,
            "exp": now + 300,
            "nonce": asked["nonce"],
            **({"sub": self.person["sub"]} if self.in_userinfo else self.person),
            **self.claims,
        }
        claims = {name: value for name, value in claims.items() if value is not None}
        signer = self.signer or self.keys[0]
        header = {"alg": self.algorithm, "kid": signer.kid, **self.header}
        header = {name: value for name, value in header.items() if value is not None}
        token = jwt.encode(header, claims, signer, [self.algorithm])
        return {"access_token": "at", "token_type": "Bearer", "id_token": token}


def unsigned(claims: Answer) -> str:
    """An id token with ``alg: none``."""
    parts = ({"alg": "none"}, claims)
    text = ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts)
    return f"{text}."


def _secret_file(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "client_secret").write_text(SECRET, encoding="utf-8")
    return folder / "client_secret"


@contextlib.asynccontextmanager
async def trusting(folder: Path, **more: Any) -> AsyncIterator[tuple[Gateway, IdentityProvider]]:
    """A gateway that trusts this provider."""
    clock = Clock()
    provider = IdentityProvider(clock)
    asked = {
        "public_url": HOME,
        "oidc_issuer": ISSUER,
        "oidc_client_id": CLIENT,
        "oidc_secret_file": _secret_file(folder),
        "oidc_claim": "employee_number",
        **more,
    }
    async with gateway(folder, clock=clock, provider=httpx.MockTransport(provider), **asked) as house:
        yield house, provider
