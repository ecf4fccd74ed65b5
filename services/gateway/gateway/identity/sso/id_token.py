"""What an identity provider says about somebody (id token), and of the end of their session there (logout token), and
whether it is to be believed. Pure.

Signatures and claims are checked by joserfc and Authlib; here is which of them must be there, and with what value.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, NamedTuple

from authlib.oauth2.claims import JWTClaims
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, JWKRegistry, Key, OKPKey, RSAKey

#: signatures that only the provider can make, by the kind of key; never ``none``, nor one by a secret both sides know
_KINDS: dict[str, type[Key]] = {
    "RS256": RSAKey, "RS384": RSAKey, "RS512": RSAKey, "PS256": RSAKey, "PS384": RSAKey, "PS512": RSAKey,
    "ES256": ECKey, "ES384": ECKey, "ES512": ECKey, "Ed25519": OKPKey, "EdDSA": OKPKey,
}  # fmt: skip
#: clocks of two machines may differ by so many seconds
SKEW = 60
_LOGOUT_EVENT, _LOGOUT_TYPE = "http://schemas.openid.net/event/backchannel-logout", "logout+jwt"
#: seconds; for so long it is remembered at most that one was brought
_LONGEST = 86_400
_WRONG = (JoseError, ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError)


class NotProven(Exception):
    """What came back does not prove who somebody is; the text says why, in words of ours."""


class UnknownKey(NotProven):
    """It was signed with none of the keys that we know of."""


class Expected(NamedTuple):
    """Whom it must come from, for whom and for what it must have been made."""

    issuer: str
    client_id: str
    nonce: str
    access_token: str | None


class LoggedOut(NamedTuple):
    """What has ended there: the session ``sid``, or all of ``sub``. ``jti``: of this telling, good until ``until``."""

    sub: str | None
    sid: str | None
    jti: str
    until: datetime


def read_keys(content: Any) -> list[Key]:
    """The keys of a JWK set with which tokens are signed; one that can't be read is left out. Raises ``ValueError`` for
    what is no JWK set."""
    if not isinstance(content, dict) or not isinstance(found := content.get("keys"), list):
        raise ValueError("no JWK set")
    return [key for each in found if isinstance(each, dict) for key in _key(each)]


def check(token: object, keys: Iterable[Key], expected: Expected, now: datetime) -> Mapping[str, Any]:
    """The claims of an id token. Raises ``NotProven``, ``UnknownKey`` where another look at the keys may help."""
    options: dict[str, Any] = {
        "iss": {"essential": True, "value": expected.issuer},
        "aud": {"essential": True, "value": expected.client_id},
        "sub": {"essential": True},
        "nonce": {"essential": True, "value": expected.nonce},
    }
    params = {"client_id": expected.client_id, "nonce": expected.nonce, "access_token": expected.access_token}
    with _in_words():
        read = _read(token, keys)
        claims = CodeIDToken(read.claims, read.header, options, params)
        claims.validate(int(now.timestamp()), SKEW)
        return dict(claims)


def check_logout(token: object, keys: Iterable[Key], issuer: str, client_id: str, now: datetime) -> LoggedOut:
    """What a logout token says has ended (OpenID Connect Back-Channel Logout 1.0, 2.6). Raises as ``check``."""
    options: dict[str, Any] = {
        "iss": {"essential": True, "value": issuer},
        "aud": {"essential": True, "value": client_id},
        "iat": {"essential": True},
        "exp": {"essential": True},
        "jti": {"essential": True},
    }
    with _in_words():
        read = _read(token, keys)
        claims = JWTClaims(read.claims, read.header, options)
        claims.validate(int(now.timestamp()), SKEW)
        if str(read.header.get("typ", _LOGOUT_TYPE)).lower().removeprefix("application/") not in (_LOGOUT_TYPE, "jwt"):
            raise NotProven("typ")
        events = claims.get("events")
        if not isinstance(events, dict) or not isinstance(events.get(_LOGOUT_EVENT), dict):
            raise NotProven("events")
        if "nonce" in claims:
            raise NotProven("nonce: it is an id token")
        sub, sid, jti = (claims.get(name) for name in ("sub", "sid", "jti"))
        if not all(text is None or isinstance(text, str) for text in (sub, sid)) or not (sub or sid):
            raise NotProven("neither sub nor sid")
        if not isinstance(jti, str) or not jti:
            raise NotProven("jti")
        if claims["exp"] > now.timestamp() + _LONGEST:
            raise NotProven("exp: good for too long")
        return LoggedOut(sub, sid, jti, datetime.fromtimestamp(claims["exp"] + SKEW, UTC))


@contextmanager
def _in_words() -> Iterator[None]:
    try:
        yield
    except _WRONG as error:
        # Of its text nothing: it may repeat what the token says.
        claim = getattr(error, "claim", None)
        raise NotProven(f"{type(error).__name__}{f' {claim}' if claim else ''}") from None


def _read(token: object, keys: Iterable[Key]) -> jwt.Token:
    if not isinstance(token, str):
        raise NotProven("no token")
    known = list(keys)
    return jwt.decode(token, lambda signed: _signer(signed.headers(), known), list(_KINDS))


def _signer(header: Mapping[str, Any], keys: Iterable[Key]) -> Key:
    kid, kind = header.get("kid"), _KINDS.get(header["alg"])
    if kind is None:
        raise NotProven("alg")
    fitting = [key for key in keys if isinstance(key, kind) and kid in (None, key.kid)]
    if len(fitting) != 1:
        raise UnknownKey("kid")
    return fitting[0]


def _key(found: dict[str, Any]) -> list[Key]:
    if found.get("use", "sig") != "sig" or found.get("kty") == "oct":
        return []
    try:
        return [JWKRegistry.import_key(found)]
    except _WRONG:
        return []
