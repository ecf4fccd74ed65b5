"""Bearer tokens of an instance: HS256 JWTs signed with its own secret. Roles are the platform's, least first."""

from collections.abc import Container
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import Any

import jwt
from fastapi import Request

from servicekit.problem import Problem

ROLES = ("integrator", "manager", "head", "city_head", "analyst", "operations", "administrator", "service")
_REALM = "kam"
_TOKEN_MAX = 4096
_SUBJECT_MAX = 200
#: A verified token is believed for so long, so that a feeder of hundreds of events a second costs no signature each.
_BELIEVED_SECONDS, _MOST_BELIEVED = 5.0, 1000
#: where a request carries what its valid token says
CLAIMS = "kam.claims"


def issue_token(
    secret: str,
    subject: str,
    role: str,
    *,
    hours: int = 24 * 30,
    person_role: str | None = None,
    issued: datetime | None = None,
    until: datetime | None = None,
    **more: Any,
) -> str:
    """A token for ``subject`` in ``role``, ``issued`` now and good for some ``hours``, or ``until`` then; with ``more``
    claims. Raises ``ValueError`` for a role that does not exist.

    ``person_role``: of a ``service`` that passes a person's request on, the role this person has.
    """
    for each in (role, person_role or role):
        if each not in ROLES:
            raise ValueError(f"unknown role {each!r}; one of {', '.join(ROLES)}")
    now = issued or datetime.now(UTC)
    end = until or now + timedelta(hours=hours)
    claims = {"sub": subject, "role": role, "iss": _REALM, "iat": now, "exp": end, **more}
    if person_role is not None:
        claims["person_role"] = person_role
    return jwt.encode(claims, secret, "HS256")


class Principal:
    """Who calls: subject and role. ``person_role`` is the role of the person, also when a service passes it on."""

    def __init__(self, subject: str, role: str, person_role: str | None = None) -> None:
        self.subject, self.role = subject, role
        self.person_role = person_role if role == "service" and person_role else role


class Guard:
    """FastAPI dependency: lets in the bearers of these roles (401 without a valid token, 403 for another role).

    ``servicekit.http_guard`` asks it before the body is read; the token is then decoded once a request. ``revoked``:
    ids of tokens that are good no more.
    """

    def __init__(self, secret_file: Path | None, *roles: str, revoked: Container[object] = ()) -> None:
        self._secret_file, self._roles, self._revoked = secret_file, roles, revoked
        self._believed: dict[str, tuple[float, dict[str, Any]]] = {}

    async def __call__(self, request: Request) -> Principal:
        claims = request.scope.get(CLAIMS)
        if claims is None:
            claims = request.scope[CLAIMS] = self._claims(request.headers.get("authorization", ""))
        if "jti" in claims and claims["jti"] in self._revoked:
            raise revoked()
        role = claims.get("role")
        if role not in self._roles:
            raise Problem(403, "forbidden", f"角色 {role} 无权", f"role {role} may not do this")
        return Principal(claims["sub"], role, claims.get("person_role"))

    def _claims(self, authorization: str) -> dict[str, Any]:
        until, claims = self._believed.get(authorization, (0.0, {}))
        if until <= monotonic():
            claims = self._verified(authorization)
            if len(self._believed) >= _MOST_BELIEVED:
                self._believed.clear()
            left = claims["exp"] - datetime.now(UTC).timestamp()
            self._believed[authorization] = monotonic() + min(_BELIEVED_SECONDS, left), claims
        return claims

    def _verified(self, authorization: str) -> dict[str, Any]:
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise unauthorized("需要令牌：kam token ROLE", "bearer token needed: kam token ROLE")
        if len(token) > _TOKEN_MAX:
            raise unauthorized("令牌过长", "the token is too long")
        secret = self._secret()
        try:
            # Not when it was issued: a clock that was set back would turn away every token of just before.
            claims: dict[str, Any] = jwt.decode(
                token, secret, ["HS256"], issuer=_REALM, options={"require": ["exp", "sub"], "verify_iat": False}
            )
        except jwt.PyJWTError as error:
            raise unauthorized(f"令牌无效：{error}", f"invalid token: {error}") from error
        except (ValueError, TypeError, RecursionError) as error:
            # A header nested a thousand deep and the like: what can't be read is no token.
            raise unauthorized("令牌无法读取", "the token can't be read") from error
        if not claims["sub"].isprintable() or not 0 < len(claims["sub"]) <= _SUBJECT_MAX:
            raise unauthorized("令牌的 sub 不能用作名字", "the token's sub can't be anybody's name")
        return claims

    def _secret(self) -> str:
        try:
            secret = "" if self._secret_file is None else self._secret_file.read_text().strip()
        except (OSError, ValueError):
            secret = ""
        if not secret:
            raise Problem(
                503,
                "no_secret",
                "本服务没有可用的密钥文件，无法核对令牌",
                "this service has no usable secret file to check tokens with",
            )
        return secret


def revoked() -> Problem:
    """The refusal of a token that an administrator has taken back."""
    return unauthorized("令牌已吊销", "the token was revoked")


def unauthorized(zh: str, en: str) -> Problem:
    """The refusal of somebody who has not shown who they are."""
    return Problem(401, "unauthorized", zh, en, {"WWW-Authenticate": "Bearer"})
