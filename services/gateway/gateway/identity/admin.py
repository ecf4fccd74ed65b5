"""Routes of administrators: accounts of people and tokens of machines."""

import uuid
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from datetime import timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response

from contracts.identity import (
    ChangedUser,
    GrantBody,
    IssuedToken,
    NewToken,
    NewUser,
    ResetLink,
    RevokedTokens,
    TokenView,
    UserBody,
    UserPage,
    UserView,
    Why,
)
from gateway.access.grants import Grant
from gateway.access.viewer import Access, Viewer
from gateway.audit import Audit
from gateway.identity import tokens as machine
from gateway.identity import users as people
from gateway.identity.secret import new_secret, secret_of
from gateway.identity.signin import SignIn
from gateway.identity.tokens import MachineToken, Tokens
from gateway.identity.users import User, Users, check_grant, check_own, check_user, is_administrator, staff_no_of
from gateway.repeats import Repeats
from servicekit import auth
from servicekit.answer import json_answer
from servicekit.clock import SystemClock, iso, system_now
from servicekit.decision import Refused
from servicekit.ids import derive
from servicekit.query import Filter, Id, IdempotencyKey
from servicekit.revocations import REVOKED_TOKENS
from servicekit.routes import Router
from servicekit.versioned import ETAG, Clash, IfMatch, Version, version_of

PAGE, MOST = 100, 500
#: what stands behind it never reaches a server's log
_RESET_PAGE = "/signin#reset="
_Shown = Callable[[Version[Any]], dict[str, Any]]


def user_routes(
    sign_in: SignIn, tokens: Tokens, access: Access, audit: Audit, repeats: Repeats, secret_file: Path | None
) -> APIRouter:
    """Accounts: list, read, make, change, their history, and one-time links for passwords."""
    router = Router(prefix="/v1/admin/users", tags=["administration"])
    # Whoever makes an account, or a way into one, can have all that there is.
    Administrator = Annotated[Viewer, Depends(access.everywhere("admin", "change"))]
    users, sessions = sign_in.users, sign_in.sessions

    @router.get("", name="page_users", response_model=UserPage)
    async def page_users(
        admin: Administrator,
        text: Annotated[str | None, Query(max_length=100, description="part of a name or staff number")] = None,
        state: Filter = None,
        role: Filter = None,
        unit: Filter = None,
        cursor: Annotated[str | None, Query(max_length=64, description="`next` of the page before")] = None,
        limit: Annotated[int, Query(ge=1, le=MOST)] = PAGE,
    ) -> Response:
        """By staff number."""
        found = [user for user in await users.documents.all() if _fits(user, text, state, role, unit)]
        rest = [user for user in found if cursor is None or user.id > cursor]
        following = rest[limit - 1].id if len(rest) > limit else None
        rows = [people.shown(user) for user in rest[:limit]]
        return json_answer({"rows": rows, "total": len(found), "next": following})

    @router.post("", name="create_user", response_model=UserView, status_code=201, responses={201: ETAG})
    async def create_user(admin: Administrator, asked: NewUser, key: IdempotencyKey = None) -> Response:
        """A new account. Its person sets the password by a one-time link (`reset_user`)."""
        staff_no = staff_no_of(asked.staff_no)
        if not staff_no:
            raise Refused(
                "bad_staff_no",
                "工号只能用字母、数字、点、横线与下划线，且以字母或数字开头",
                "a staff number is made of letters, digits, dots, dashes and underscores, a letter or digit first",
                HTTPStatus.UNPROCESSABLE_ENTITY,
                "staff_no",
            )
        document = check_user(_user(asked))
        if any(
            staff_no_of(token.document.name) == staff_no and token.state == machine.ACTIVE
            for token in await tokens.documents.all()
        ):
            raise Refused(
                "name_of_a_token",
                f"有一个在用的令牌名为 {staff_no}：请先吊销它，否则审计分不清是谁",
                f"a token in use has the name {staff_no}: revoke it first, or the audit could not tell who is who",
                field="staff_no",
            )
        try:
            made = await users.documents.save(
                staff_no, document, after=0, author=admin.who.subject, reason=asked.reason, key=key
            )
        except Clash as clash:
            name = clash.current.document.name if clash.current else staff_no
            raise Refused(
                "staff_no_taken", f"工号已存在：{name}", f"Staff number already in use: {name}", field="staff_no"
            ) from clash
        await audit(admin.who, "user.created", staff_no, "201", asked.reason)
        return _answer(made, people.shown, HTTPStatus.CREATED, f"/v1/admin/users/{staff_no}")

    @router.get("/{id}", name="get_user", response_model=UserView, responses={200: ETAG})
    async def get_user(admin: Administrator, id: Id) -> Response:
        """With its version in ``ETag``."""
        return _answer(await _user_of(users, id), people.shown)

    @router.get("/{id}/history", name="list_user_versions", response_model=list[UserView])
    async def list_user_versions(admin: Administrator, id: Id) -> Response:
        """All versions, newest first."""
        user = await _user_of(users, id)
        return json_answer([people.shown(version) for version in await users.documents.history(user.id)])

    @router.put("/{id}", name="change_user", response_model=UserView, responses={200: ETAG})
    async def change_user(
        admin: Administrator, id: Id, asked: ChangedUser, if_match: IfMatch = None, key: IdempotencyKey = None
    ) -> Response:
        """In force at the person's next click. 412: somebody else has changed the account since it was read; 409
        ``last_administrator``: nobody with a password would be left to administrate; 403 ``own_grant``: nobody gives
        themselves more."""
        after, user = version_of(if_match), await _user_of(users, id)
        document = check_user(_user(asked, user.document.phone))
        if user.id == admin.who.subject:
            check_own(user.document.grants, document.grants)
        stays = asked.state == "active" and is_administrator(document.grants)
        leaves = is_administrator(user.document.grants) and not stays
        async with users.without_administrator(user.id) if leaves else nullcontext():
            changed = await users.documents.save(
                user.id,
                document,
                after=after,
                author=admin.who.subject,
                reason=asked.reason,
                state=asked.state,
                key=key,
            )
        if asked.state == "active":
            sessions.look_again(user.id)
        else:
            await sessions.close_all(user.id)
        await audit(admin.who, "user.changed", user.id, "200", asked.reason)
        return _answer(changed, people.shown)

    @router.post("/{id}/reset", name="reset_user", response_model=ResetLink, status_code=HTTPStatus.CREATED)
    async def reset_user(admin: Administrator, id: Id, asked: Why, key: IdempotencyKey = None) -> Response:
        """A one-time link with which this person sets a password. It is shown this once; a repeat with its
        ``Idempotency-Key`` shows it again, another request makes another, and the first that is used makes all of them
        void."""
        user = await _user_of(users, id)
        if user.state != "active":
            raise Refused("not_active", "账号已停用", "the account is disabled")
        # Never kept, it is made of the key again.
        secret = new_secret() if key is None else secret_of(secret_file, "reset", admin.who.subject, user.id, key)

        async def reset() -> str:
            until = await users.link(user.id, secret)
            sign_in.lockout.free(user.id)
            await audit(admin.who, "user.reset", user.id, "201", asked.reason)
            return iso(until)

        until = await repeats.once(admin.who, key, f"user.reset {user.id}", asked, reset)
        return json_answer({"link": _RESET_PAGE + secret, "expires_at": until}, HTTPStatus.CREATED)

    @router.post("/{id}/sign-out", name="sign_out_user", status_code=HTTPStatus.NO_CONTENT)
    async def sign_out_user(admin: Administrator, id: Id, asked: Why, key: IdempotencyKey = None) -> Response:
        """Ends all sessions of this person; a repeat with its ``Idempotency-Key`` leaves those that began since."""
        user = await _user_of(users, id)

        async def sign_out() -> None:
            await sessions.close_all(user.id)
            await audit(admin.who, "user.signed_out", user.id, "204", asked.reason)

        await repeats.once(admin.who, key, f"user.sign-out {user.id}", asked, sign_out)
        return Response(status_code=HTTPStatus.NO_CONTENT)

    return router


def token_routes(
    tokens: Tokens,
    users: Users,
    access: Access,
    audit: Audit,
    secret_file: Path | None,
    clock: SystemClock = system_now,
) -> APIRouter:
    """Tokens of machines: list, issue, revoke."""
    router = Router(prefix="/v1/admin/tokens", tags=["administration"])
    Administrator = Annotated[Viewer, Depends(access.everywhere("admin", "change"))]

    @router.get("", name="list_tokens", response_model=list[TokenView])
    async def list_tokens(admin: Administrator, state: Filter = None) -> Response:
        """Those that were issued here, newest first."""
        found = [token for token in await tokens.documents.all() if state in (None, token.state)]
        return json_answer([machine.shown(t) for t in sorted(found, key=lambda t: t.document.issued_at, reverse=True)])

    @router.post("", name="issue_token", response_model=IssuedToken, status_code=201, responses={201: ETAG})
    async def issue_token(admin: Administrator, asked: NewToken, key: IdempotencyKey = None) -> Response:
        """A new token. It is shown this once; a repeat with its ``Idempotency-Key`` shows it again."""
        now = clock().replace(microsecond=0)
        grant = check_grant(_grant(asked.grant), "grant")
        document = MachineToken(asked.name, grant, now, now + timedelta(days=asked.days))
        id = str(uuid.uuid4()) if key is None else derive("token", admin.who.subject, key)
        staff_no = staff_no_of(asked.name)
        if staff_no and await users.get(staff_no) is not None:
            raise Refused(
                "name_of_a_person",
                f"{staff_no} 是一位员工的工号：请给令牌另取名字，否则审计分不清是谁",
                f"{staff_no} is somebody's staff number: give the token another name, for the audit's sake",
                HTTPStatus.UNPROCESSABLE_ENTITY,
                "name",
            )
        made = await tokens.documents.save(
            id,
            document,
            after=0,
            author=admin.who.subject,
            reason=asked.reason,
            state=machine.ACTIVE,
            key=key,
            is_same=machine.is_same,
        )
        await audit(admin.who, "token.issued", id, "201", asked.reason)
        content = {**machine.shown(made), "token": machine.signed(secret_file, made)}
        return json_answer(content, HTTPStatus.CREATED, headers={"ETag": made.etag})

    @router.get("/{id}", name="get_token", response_model=TokenView, responses={200: ETAG})
    async def get_token(admin: Administrator, id: Id) -> Response:
        """With its version in ``ETag``."""
        return _answer(await _token_of(tokens, id), machine.shown)

    @router.post("/{id}/revoke", name="revoke_token", response_model=TokenView, responses={200: ETAG})
    async def revoke_token(
        admin: Administrator, id: Id, asked: Why, if_match: IfMatch = None, key: IdempotencyKey = None
    ) -> Response:
        """Nobody may use it any more."""
        after, token = version_of(if_match), await _token_of(tokens, id)
        revoked = await tokens.revoke(
            token.id, token.document, after=after, author=admin.who.subject, reason=asked.reason, key=key
        )
        await audit(admin.who, "token.revoked", token.id, "200", asked.reason)
        return _answer(revoked, machine.shown)

    return router


def revocation_routes(tokens: Tokens, secret_file: Path | None) -> APIRouter:
    """For services that machines come to directly."""
    router = Router(tags=["operations"], dependencies=[Depends(auth.Guard(secret_file, "service"))])

    @router.get(REVOKED_TOKENS, name="list_revoked_tokens", response_model=RevokedTokens)
    async def list_revoked_tokens() -> Response:
        """Ids of tokens that were revoked before their end."""
        return json_answer({"ids": await tokens.revoked()})

    return router


def _answer(version: Version[Any], shown: _Shown, status: int = HTTPStatus.OK, location: str | None = None) -> Response:
    place = {} if location is None else {"Location": location}
    return json_answer(shown(version), status, headers={"ETag": version.etag, **place})


def _user(asked: UserBody, phone: str | None = None) -> User:
    """``phone``: the number so far, which stays where nothing is said of it."""
    phone = phone if asked.phone is None else asked.phone or None
    return User(asked.name.strip(), asked.unit_id, asked.manager_id, tuple(map(_grant, asked.grants)), phone)


def _grant(asked: GrantBody) -> Grant:
    return msgspec.convert(asked.model_dump(), Grant)


async def _user_of(users: Users, id: str) -> Version[User]:
    staff_no = staff_no_of(id)
    user = await users.get(staff_no) if staff_no else None
    if user is None:
        raise _not_found("没有这个工号", "there is no such staff number")
    return user


async def _token_of(tokens: Tokens, id: str) -> Version[MachineToken]:
    token = await tokens.documents.get(id)
    if token is None:
        raise _not_found("没有这个令牌", "there is no such token")
    return token


def _not_found(zh: str, en: str) -> Refused:
    return Refused("not_found", zh, en, HTTPStatus.NOT_FOUND)


def _fits(user: Version[User], text: str | None, state: str | None, role: str | None, unit: str | None) -> bool:
    """Whether an account is one of those that were asked for; lists with commas."""
    document = user.document
    return (
        (text is None or text.casefold() in f"{user.id} {document.name}".casefold())
        and _among(state, (user.state,))
        and _among(role, (grant.role for grant in document.grants))
        and _among(unit, (document.unit_id,))
    )


def _among(asked: str | None, have: Iterable[str | None]) -> bool:
    return asked is None or not set(asked.split(",")).isdisjoint(have)
