"""Who is at the gateway's door: a person by the session of their browser, or a machine by its bearer token."""

import re
from collections.abc import Awaitable, Callable, Collection
from http import HTTPStatus
from pathlib import Path

import msgspec
from fastapi import Request

from gateway.access.grants import ROLES, Principal, granted
from gateway.identity.own_request import SAFE_METHODS, check_own
from gateway.identity.sessions import Known, Sessions
from gateway.identity.users import User, Users
from servicekit import auth
from servicekit.problem import Problem
from servicekit.versioned import Version

COOKIE = "kam_session"
_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")
#: where a request carries who sent it
_CALLER = "kam.caller"
#: (id of a token) -> whether it may still be used
IsGood = Callable[[str], Awaitable[bool]]
#: roles that have a right just now
Entitled = Callable[[], Awaitable[Collection[str]]]


class Guard(auth.Guard):
    """FastAPI dependency: lets in those with one of these roles. 401 for nobody, 403 for another role.

    ``unchanged``: also those who must change their password before anything else.
    """

    def __init__(
        self, secret_file: Path | None, sessions: Sessions, is_good: IsGood, roles: tuple[str, ...], unchanged: bool
    ) -> None:
        super().__init__(secret_file, *roles)
        self._sessions, self._is_good, self._unchanged = sessions, is_good, unchanged

    async def __call__(self, request: Request) -> Principal:
        caller = request.scope.get(_CALLER)
        if caller is None:
            caller = request.scope[_CALLER] = await self._caller(request)
        return self._let_in(caller, await self._allowed())

    async def again(self, request: Request) -> Principal:
        """The same, looked up anew: for what is sent on over a connection that lasts."""
        return self._let_in(await self._caller(request), await self._allowed())

    async def _allowed(self) -> Collection[str]:
        return self._roles

    def _let_in(self, caller: tuple[Principal, bool], roles: Collection[str]) -> Principal:
        who, must_change = caller
        if must_change and not self._unchanged:
            raise Problem(
                HTTPStatus.FORBIDDEN,
                "password_change_needed",
                "请先修改密码",
                "change your password first",
            )
        fitting = [role for role in ROLES if role in roles and role in who.roles]
        if not fitting:
            role = "、".join(who.roles), ", ".join(who.roles)
            raise Problem(HTTPStatus.FORBIDDEN, "forbidden", f"角色 {role[0]} 无权", f"role {role[1]} may not do this")
        return who.as_role(fitting[-1])

    async def _caller(self, request: Request) -> tuple[Principal, bool]:
        authorization = request.headers.get("authorization")
        if authorization is not None:
            return await self._bearer(authorization), False
        token = request.cookies.get(COOKIE)
        if token is None:
            raise auth.unauthorized(
                "请先登录，或提供令牌（kam token ROLE）", "sign in, or give a token (kam token ROLE)"
            )
        if request.method not in SAFE_METHODS:
            check_own(request.headers)
        known = await self._sessions.find(token) if _TOKEN.fullmatch(token) else None
        if known is None:
            raise session_ended()
        return principal_of(known), known.session.must_change

    async def _bearer(self, authorization: str) -> Principal:
        claims = self._claims(authorization)
        role, id = claims.get("role"), claims.get("jti")
        if id is not None and not await self._is_good(str(id)):
            raise auth.revoked()
        if role not in ROLES:
            raise Problem(HTTPStatus.FORBIDDEN, "forbidden", "这个令牌的角色不能用在这里", "not with this token's role")
        try:
            grant = granted(role, claims["sub"], claims.get("scope"))
        except msgspec.ValidationError as error:
            raise auth.unauthorized("令牌的 scope 无法读取", "the token's scope can't be read") from error
        known_as = None if id is None else str(id)
        return Principal(claims["sub"], role, (grant,), manager_id=grant.manager_id, token=known_as)


class RightGuard(Guard):
    """The same, by what roles may do at that moment: ``entitled`` gives those that have the right."""

    def __init__(self, secret_file: Path | None, sessions: Sessions, is_good: IsGood, entitled: Entitled) -> None:
        super().__init__(secret_file, sessions, is_good, (), unchanged=False)
        self._entitled = entitled

    async def _allowed(self) -> Collection[str]:
        return await self._entitled()


class Guards:
    """Makes the guards of the gateway's routes: ``guards("manager", "head")``, ``guards.right(…)``."""

    def __init__(self, secret_file: Path | None, sessions: Sessions, is_good: IsGood) -> None:
        self._secret_file, self.sessions, self._is_good = secret_file, sessions, is_good

    def right(self, entitled: Entitled) -> Guard:
        """The guard of a right (``access.viewer.Access.may``)."""
        return RightGuard(self._secret_file, self.sessions, self._is_good, entitled)

    def __call__(self, *roles: str, unchanged: bool = False) -> Guard:
        return Guard(self._secret_file, self.sessions, self._is_good, roles, unchanged)


def principal_of(known: Known) -> Principal:
    """The person of a session."""
    return _principal(known.user, known.id)


async def as_now(users: Users, who: Principal) -> Principal | None:
    """Whoever asked some time ago, with what they may do by now; None: they may not sign in any more. A machine is what
    its token says. Raises ``Transient``."""
    if who.session is None:
        return who
    user = await users.get(who.subject)
    return None if user is None or user.state != "active" else _principal(user, who.session)


async def asker_now(users: Users, is_good: IsGood, who: Principal) -> Principal | None:
    """The same, of a machine too: None for one whose token was revoked meanwhile. Raises ``Transient``."""
    if who.session is None and who.token is not None and not await is_good(who.token):
        return None
    return await as_now(users, who)


def _principal(account: Version[User], session: str) -> Principal:
    user = account.document
    role = user.grants[0].role if user.grants else ""
    return Principal(account.id, role, user.grants, name=user.name, manager_id=user.manager_id, session=session)


def session_ended() -> Problem:
    """The refusal of a session that is no more, for whatever reason."""
    return Problem(
        HTTPStatus.UNAUTHORIZED, "session_ended", "登录已过期，请重新登录", "your session has ended, sign in again"
    )
