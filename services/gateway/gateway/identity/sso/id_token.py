"""What an identity provider says about somebody, and whether it is to be believed. Pure.

Signatures and claims are checked by joserfc and Authlib; here is which of them must be there, and with what value.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

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


def read_keys(content: Any) -> list[Key]:
    """The keys of a JWK set with which tokens are signed; one that can't be read is left out. Raises ``ValueError`` for
    what is no JWK set."""
    if not isinstance(content, dict) or not isinstance(found := content.get("keys"), list):
        raise ValueError("no JWK set")
    return [key for each in found if isinstance(each, dict) for key in _key(each)]


def check(token: object, keys: Iterable[Key], expected: Expected, now: datetime) -> Mapping[str, Any]:
    """The claims of an id token. Raises ``NotProven``, ``UnknownKey`` where another look at the keys may help."""
    if not isinstance(token, str):
        raise NotProven("no id token")
    known = list(keys)
    options: dict[str, Any] = {
        "iss": {"essential": True, "value": expected.issuer},
        "aud": {"essential": True, "value": expected.client_id},
        "sub": {"essential": True},
        "nonce": {"essential": True, "value": expected.nonce},
    }
    try:
        read = jwt.decode(token, lambda signed: _signer(signed.headers(), known), list(_KINDS))
        params = {"client_id": expected.client_id, "nonce": expected.nonce, "access_token": expected.access_token}
        claims = CodeIDToken(read.claims, read.header, options, params)
        claims.validate(int(now.timestamp()), SKEW)
        return dict(claims)
    except NotProven:
        raise
    except _WRONG as error:
        # Of its text nothing: it may repeat what the token says.
        claim = getattr(error, "claim", None)
        raise NotProven(f"{type(error).__name__}{f' {claim}' if claim else ''}") from None


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
