"""Bearer tokens of an instance: HS256 JWTs signed with its own secret. Roles are the platform's, least first."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import jwt
from fastapi import HTTPException, Request

ROLES = ("integrator", "manager", "head", "analyst", "operations", "administrator", "service")
_REALM = "kam"


def issue_token(secret: str, subject: str, role: str, *, hours: int = 24 * 30) -> str:
    """A token for ``subject`` in ``role``. Raises ``ValueError`` for a role that does not exist."""
    if role not in ROLES:
        raise ValueError(f"unknown role {role!r}; one of {', '.join(ROLES)}")
    now = datetime.now(UTC)
    return jwt.encode(
        {"sub": subject, "role": role, "iss": _REALM, "iat": now, "exp": now + timedelta(hours=hours)}, secret, "HS256"
    )


class Principal:
    """Who calls: subject and role."""

    def __init__(self, subject: str, role: str) -> None:
        self.subject, self.role = subject, role


class Guard:
    """FastAPI dependency: lets in the bearers of these roles (401 without a valid token, 403 for another role)."""

    def __init__(self, secret_file: Path | None, *roles: str) -> None:
        self._secret_file, self._roles = secret_file, roles

    def __call__(self, request: Request) -> Principal:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if self._secret_file is None or scheme.lower() != "bearer":
            raise HTTPException(
                401, "需要令牌：kam token ROLE / bearer token needed: kam token ROLE", {"WWW-Authenticate": "Bearer"}
            )
        try:
            claims = jwt.decode(
                token,
                self._secret_file.read_text().strip(),
                ["HS256"],
                issuer=_REALM,
                options={"require": ["exp", "sub"]},
            )
        except jwt.PyJWTError as error:
            raise HTTPException(
                401, f"令牌无效：{error} / invalid token: {error}", {"WWW-Authenticate": "Bearer"}
            ) from error
        if claims.get("role") not in self._roles:
            raise HTTPException(403, f"角色 {claims.get('role')} 无权 / role {claims.get('role')} may not do this")
        return Principal(claims["sub"], claims["role"])
