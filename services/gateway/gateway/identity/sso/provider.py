"""The identity provider over HTTP: what it tells of itself, its keys, and what it says for a code."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from pathlib import Path
from time import monotonic
from typing import Any, Generic, NamedTuple, TypeVar
from urllib.parse import quote

import httpx
import msgspec
import structlog
from authlib.oauth2.auth import ClientAuth
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri, prepare_token_request
from joserfc.jwk import Key

from gateway.identity.sso.attempt import Attempt
from gateway.identity.sso.id_token import (
    Expected,
    LoggedOut,
    NotProven,
    UnknownKey,
    check,
    check_logout,
    read_keys,
)
from servicekit.clock import SystemClock
from servicekit.urls import is_safe

log = structlog.get_logger()
T = TypeVar("T")
#: it must answer within so many seconds, with so many bytes at most
_PATIENCE, _BYTES = 5.0, 256 << 10
#: what it tells of itself is believed for so long; keys are looked for anew this often at most
KEPT_SECONDS, KEYS_SECONDS = 3600.0, 10.0
#: before somebody is sent there it must have answered so recently: a page of ours says that it is away, no browser
ALIVE_SECONDS = 30.0
#: after it did not answer it is left in peace for so long
PAUSE_SECONDS = 3.0
_FORM = "application/x-www-form-urlencoded"
_CODE = re.compile(r"[a-z_]{1,40}")


class Away(Exception):
    """The provider does not answer, or what nobody can work with; the text says what, in words of ours."""


class CodeRefused(Exception):
    """The provider does not know the code any more: used, or too old."""


class Client(NamedTuple):
    """What the provider knows us by, and ``claim``: where it says a staff number. The secret is read each time it is
    needed: it may be replaced while we run."""

    issuer: str
    id: str
    secret_file: Path | None
    claim: str
    scope: str
    redirect_uri: str


class Said(NamedTuple):
    """What the provider says of somebody: what stands in our ``claim`` (None: nothing), its own name for them, and its
    own session where it says one."""

    claim: object
    sub: str
    sid: str | None


class Metadata(msgspec.Struct):
    """What the provider tells of itself (OpenID Connect Discovery 1.0)."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None = None
    end_session_endpoint: str | None = None
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)
    authorization_response_iss_parameter_supported: bool = False


class Kept(Generic[T]):
    """Something of the provider's that is asked for when it is needed, once for all who need it, and kept a while."""

    def __init__(self, ask: Callable[[], Awaitable[T]]) -> None:
        self._ask, self._lock = ask, asyncio.Lock()
        self._value: T | None = None
        self._asked_at = self._silent_until = 0.0

    @property
    def is_silent(self) -> bool:
        """Whether there was no answer just now."""
        return monotonic() < self._silent_until

    async def get(self, not_older: float) -> T:
        """It, as it was so many seconds ago at most. Raises ``Away``."""
        async with self._lock:
            if self._value is not None and monotonic() - self._asked_at < not_older:
                return self._value
            if self.is_silent:
                raise Away("left in peace")
            try:
                self._value = await self._ask()
            except Away:
                self._value, self._silent_until = None, monotonic() + PAUSE_SECONDS
                raise
            self._asked_at = monotonic()
            return self._value


class Provider:
    """The provider that ``client`` is registered with. ``transport`` is another one in tests."""

    def __init__(
        self,
        client: Client,
        clock: SystemClock,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._client, self._clock = client, clock
        self._http = httpx.AsyncClient(transport=transport, timeout=_PATIENCE, follow_redirects=False)
        self._metadata = Kept(self._read_metadata)
        self._keys = Kept(self._read_keys)

    @property
    def is_away(self) -> bool:
        """Whether it did not answer just now."""
        return self._metadata.is_silent

    async def close(self) -> None:
        """Let go of its connections."""
        await self._http.aclose()

    async def address(self, attempt: Attempt) -> str:
        """Where somebody signs in. Raises ``Away``."""
        metadata = await self._metadata.get(ALIVE_SECONDS)
        address: str = prepare_grant_uri(
            metadata.authorization_endpoint,
            self._client.id,
            "code",
            redirect_uri=self._client.redirect_uri,
            scope=self._client.scope,
            state=attempt.state,
            nonce=attempt.nonce,
            code_challenge=attempt.challenge,
            code_challenge_method="S256",
        )
        return address

    async def leaving(self, afterwards: str) -> str | None:
        """Where somebody signs out, and comes to ``afterwards``; None: they can't (RP-initiated logout). Raises
        ``Away``."""
        metadata = await self._metadata.get(KEPT_SECONDS)
        if metadata.end_session_endpoint is None:
            return None
        back = httpx.QueryParams(client_id=self._client.id, post_logout_redirect_uri=afterwards)
        return str(httpx.URL(metadata.end_session_endpoint).copy_merge_params(back))

    async def vouched(self, code: str, attempt: Attempt, issuer: str | None) -> Said:
        """What the provider says of whoever brings this code. ``issuer``: who gave it, as the callback says. Raises
        ``Away``, ``CodeRefused``, ``NotProven``."""
        metadata = await self._metadata.get(KEPT_SECONDS)
        if issuer != metadata.issuer and (issuer or metadata.authorization_response_iss_parameter_supported):
            raise NotProven("iss of the callback")
        answer = await self._exchange(metadata, code, attempt)
        access_token = answer.get("access_token")
        expected = Expected(
            metadata.issuer, self._client.id, attempt.nonce, access_token if isinstance(access_token, str) else None
        )
        claims = await self._check(answer.get("id_token"), expected)
        sub, sid = claims["sub"], claims.get("sid")
        if self._client.claim not in claims and metadata.userinfo_endpoint and expected.access_token:
            claims = await self._userinfo(metadata.userinfo_endpoint, expected.access_token, sub)
        return Said(claims.get(self._client.claim), sub, sid if isinstance(sid, str) else None)

    async def logged_out(self, token: str) -> LoggedOut:
        """What it says has ended there. Raises ``Away``, ``NotProven``."""
        metadata = await self._metadata.get(KEPT_SECONDS)
        return await self._proven(
            lambda keys: check_logout(token, keys, metadata.issuer, self._client.id, self._clock())
        )

    async def _check(self, id_token: object, expected: Expected) -> Mapping[str, Any]:
        return await self._proven(lambda keys: check(id_token, keys, expected, self._clock()))

    async def _proven(self, look: Callable[[list[Key]], T]) -> T:
        try:
            return look(await self._keys.get(KEPT_SECONDS))
        except UnknownKey:
            return look(await self._keys.get(KEYS_SECONDS))

    async def _exchange(self, metadata: Metadata, code: str, attempt: Attempt) -> dict[str, Any]:
        body = prepare_token_request(
            "authorization_code",
            redirect_uri=self._client.redirect_uri,
            code=code,
            code_verifier=attempt.verifier,
        )
        _, headers, body = self._as_ourselves(metadata).prepare(
            "POST", metadata.token_endpoint, {"Content-Type": _FORM}, body
        )
        status, content = await self._ask("POST", metadata.token_endpoint, headers, body)
        answer = _object(content)
        if status == HTTPStatus.OK:
            return answer
        error = answer.get("error")
        if error == "invalid_grant":
            raise CodeRefused
        told = error if isinstance(error, str) and _CODE.fullmatch(error) else ""
        raise Away(f"token endpoint answers {status} {told}".strip())

    def _as_ourselves(self, metadata: Metadata) -> ClientAuth:
        id, file = self._client.id, self._client.secret_file
        if file is None:
            return ClientAuth(id, None, "none")
        try:
            secret = file.read_text(encoding="utf-8").strip()
        except (OSError, ValueError):
            raise Away("our own secret can't be read") from None
        methods = metadata.token_endpoint_auth_methods_supported
        if "client_secret_basic" not in methods and "client_secret_post" in methods:
            return ClientAuth(id, secret, "client_secret_post")
        # RFC 6749, 2.3.1: each is encoded before both are joined
        return ClientAuth(quote(id, safe=""), quote(secret, safe=""), "client_secret_basic")

    async def _userinfo(self, endpoint: str, access_token: str, subject: str) -> Mapping[str, Any]:
        status, content = await self._ask("GET", endpoint, {"Authorization": f"Bearer {access_token}"})
        if status != HTTPStatus.OK:
            raise Away(f"userinfo answers {status}")
        claims = _object(content)
        if claims.get("sub") != subject:
            raise NotProven("sub of userinfo")
        return claims

    async def _read_metadata(self) -> Metadata:
        address = f"{self._client.issuer.rstrip('/')}/.well-known/openid-configuration"
        try:
            metadata = msgspec.convert(await self._get(address), Metadata)
        except msgspec.ValidationError:
            raise Away("discovery lacks something, or it is of another type") from None
        if metadata.issuer != self._client.issuer:
            raise Away("discovery names another issuer")
        endpoints = (
            metadata.authorization_endpoint, metadata.token_endpoint, metadata.jwks_uri, metadata.userinfo_endpoint,
            metadata.end_session_endpoint,
        )  # fmt: skip
        if not all(endpoint is None or is_safe(endpoint) for endpoint in endpoints):
            raise Away("discovery names an endpoint without TLS")
        return metadata

    async def _read_keys(self) -> list[Key]:
        try:
            return read_keys(await self._get((await self._metadata.get(KEPT_SECONDS)).jwks_uri))
        except ValueError:
            raise Away("no JWK set") from None

    async def _get(self, address: str) -> dict[str, Any]:
        status, content = await self._ask("GET", address, {})
        if status != HTTPStatus.OK:
            raise Away(f"answers {status}")
        return _object(content)

    async def _ask(
        self, method: str, url: str, headers: Mapping[str, str], body: str | None = None
    ) -> tuple[int, bytes]:
        content, wanted = bytearray(), {"Accept": "application/json", **headers}
        try:
            async with (
                asyncio.timeout(_PATIENCE),
                self._http.stream(method, url, headers=wanted, content=body) as answer,
            ):
                async for piece in answer.aiter_bytes():
                    content += piece
                    if len(content) > _BYTES:
                        raise Away("the answer is too long")
                return answer.status_code, bytes(content)
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, OSError, UnicodeError) as error:
            raise Away(type(error).__name__) from None


def _object(content: bytes) -> dict[str, Any]:
    try:
        read = msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        raise Away("the answer is no JSON") from None
    if not isinstance(read, dict):
        raise Away("the answer is no JSON object")
    return read
