"""A sign-in that is under way at the provider, bound to the browser it was begun in. Pure.

All of it is one random secret in a cookie, signed with where to go afterwards and until when it is good. What the
provider sees of it (state, nonce, challenge) is made of the secret by a hash (OpenID Connect Core 15.5.2), so that
nothing need be kept here, any gateway can finish what another began, and a callback fits this browser alone.
"""

import hmac
from base64 import urlsafe_b64encode
from datetime import datetime, timedelta
from hashlib import sha256
from typing import NamedTuple
from urllib.parse import quote, urlsplit

import jwt
from authlib.oauth2.rfc7636 import create_s256_code_challenge

from gateway.identity.secret import new_secret

#: time to sign in at the provider
LASTS = timedelta(minutes=10)
_NEXT_MOST = 1000
#: first segments of addresses that are no page to go to: the API's, and the sign-in itself
_NO_PLACE = frozenset({"v1", "internal", "health", "metrics", "docs", "redoc", "openapi.json", "signin"})


class Attempt(NamedTuple):
    """``next``: the page to go to when it is done."""

    secret: str
    next: str

    @property
    def state(self) -> str:
        """What the provider gives back in the address of the callback."""
        return self._made("state")

    @property
    def nonce(self) -> str:
        """What the provider writes into the id token."""
        return self._made("nonce")

    @property
    def verifier(self) -> str:
        """What proves to the provider that the code is brought by whoever began (PKCE)."""
        return self._made("verifier")

    @property
    def challenge(self) -> str:
        """What the provider learns of the verifier beforehand."""
        challenge: str = create_s256_code_challenge(self.verifier)
        return challenge

    def _made(self, of: str) -> str:
        return urlsafe_b64encode(sha256(f"{of} {self.secret}".encode()).digest()).decode().rstrip("=")


def begun(next: str | None) -> Attempt:
    """A new one."""
    return Attempt(new_secret(), own_page(next))


def write(attempt: Attempt, secret: bytes, now: datetime) -> str:
    """The value of its cookie; ``secret``: the instance's."""
    claims = {"secret": attempt.secret, "next": attempt.next, "exp": (now + LASTS).timestamp()}
    return jwt.encode(claims, _key(secret), "HS256")


def read(cookie: str, secret: bytes, now: datetime, state: str) -> Attempt | None:
    """The one of a cookie, to which this ``state`` came back; None for none of ours, one that is too old, or another's
    state."""
    try:
        claims = jwt.decode(cookie, _key(secret), ["HS256"], options={"verify_exp": False})
    except jwt.PyJWTError:
        return None
    attempt = Attempt(claims["secret"], claims["next"])
    is_its_own = hmac.compare_digest(attempt.state.encode(), state.encode("utf-8", "replace"))
    return attempt if is_its_own and now.timestamp() < claims["exp"] else None


def own_page(next: str | None) -> str:
    """``next`` where it is the path of one of our pages, else the first page. What stands behind ``#`` is left out: it
    is what somebody searched for, and no server is to learn of that."""
    if not next or not next.startswith("/") or len(next) > _NEXT_MOST or "\\" in next or not next.isprintable():
        return "/"
    if next.startswith("//") or " " in next:
        return "/"
    parts = urlsplit(next)
    if parts.scheme or parts.netloc or parts.path.strip("/").partition("/")[0] in _NO_PLACE:
        return "/"
    query = f"?{parts.query}" if parts.query else ""
    return quote(f"{parts.path}{query}", safe="/?&=%:;,+@!$'()*~-._[]")


def _key(secret: bytes) -> bytes:
    # Not the instance's secret itself: an attempt must never be taken for a bearer token.
    return hmac.new(secret, b"kam single sign-on", sha256).digest()
