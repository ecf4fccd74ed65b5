"""Routes of people who sign in."""

from collections.abc import Callable
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from contracts.identity import DemoAccount, Me, PasswordChange, PasswordReset
from contracts.identity import SignIn as SignInBody
from gateway.access.grants import ROLES, Principal, landing, summary
from gateway.identity.cookie import SessionCookie
from gateway.identity.guard import COOKIE, Guards, principal_of
from gateway.identity.own_request import check_line, check_origin, check_own
from gateway.identity.seeds import Seeds
from gateway.identity.sessions import Known
from gateway.identity.signin import SignIn
from servicekit.answer import json_answer
from servicekit.clock import iso, local_date
from servicekit.decision import Refused
from servicekit.problem import Problem
from servicekit.routes import Router

#: business time of now
BusinessClock = Callable[[], datetime]


def session_routes(
    sign_in: SignIn, guards: Guards, cookie: SessionCookie, seeds: Seeds, business: BusinessClock
) -> APIRouter:
    """Sign-in, who am I, sign-out, passwords."""
    router = Router(prefix="/v1", tags=["session"])
    Anybody = Annotated[Principal, Depends(guards(*ROLES, unchanged=True))]

    def me(who: Principal, known: Known | None = None) -> dict[str, Any]:
        unit = None if known is None else known.user.document.unit_id
        kinds = {kind for grant in who.grants for kind in grant.kinds} if all(g.kinds for g in who.grants) else ()
        zh, en = summary(who.grants)
        return {
            "staff_no": who.subject,
            "name": who.name,
            "role": who.roles[0],
            "roles": who.roles,
            "unit_id": unit,
            "manager_id": who.manager_id,
            "grants": who.grants,
            "scope": {"zh": zh, "en": en},
            "kinds": sorted(kinds),
            "landing": landing(who.grants[0], unit),
            "business_date": local_date(business()).isoformat(),
            "must_change_password": known is not None and known.session.must_change,
            "single_sign_on": known is not None and known.session.number is None,
            "expires_at": None if known is None else iso(known.session.until),
        }

    def opened(request: Request, token: str, known: Known) -> Response:
        return cookie.give(request, json_answer(me(principal_of(known), known)), token)

    @router.post("/session", name="sign_in", response_model=Me)
    async def post_session(request: Request, asked: SignInBody) -> Response:
        """Opens a session; its cookie then serves every route as a token does. 401: wrong staff number or password
        (never which), 429: too many tries, with ``Retry-After``."""
        check_origin(request.headers)
        check_line(request.scope["scheme"], request.headers)
        await seeds.are_there()
        await cookie.close_before(request)
        return opened(request, *await sign_in.sign_in(asked.staff_no, asked.password, _address(request)))

    @router.get("/session", name="who_am_i", response_model=Me)
    async def get_session(request: Request, who: Anybody) -> Response:
        known = None if who.session is None else await sign_in.sessions.find(request.cookies[COOKIE])
        return json_answer(me(who, known))

    @router.delete("/session", name="sign_out", status_code=HTTPStatus.NO_CONTENT)
    async def delete_session(request: Request) -> Response:
        """Ends this browser's session; 204 also where it has ended already."""
        check_own(request.headers)
        token = request.cookies.get(COOKIE)
        if token and (known := await sign_in.sessions.find(token)):
            await sign_in.sign_out(known)
        return cookie.take(Response(status_code=HTTPStatus.NO_CONTENT))

    @router.delete("/sessions", name="sign_out_everywhere", status_code=HTTPStatus.NO_CONTENT)
    async def delete_sessions(who: Anybody) -> Response:
        """Ends all sessions of this person, on whatever machine."""
        await sign_in.sign_out_everywhere(_person(who))
        return cookie.take(Response(status_code=HTTPStatus.NO_CONTENT))

    @router.put("/session/password", name="change_password", response_model=Me)
    async def put_password(request: Request, who: Anybody, asked: PasswordChange) -> Response:
        """Changes one's own password; every other session of this person ends. 403 ``wrong_password``: the current one
        is not right, 422 ``weak_password``."""
        _person(who)
        check_line(request.scope["scheme"], request.headers)
        return opened(request, *await sign_in.change_password(who, asked.current, asked.new, _address(request)))

    @router.post("/session/reset", name="reset_password", status_code=HTTPStatus.NO_CONTENT)
    async def post_reset(request: Request, asked: PasswordReset) -> Response:
        """Sets a password by a one-time link; then sign in with it. 410: the link was used or is too old."""
        check_origin(request.headers)
        check_line(request.scope["scheme"], request.headers)
        await sign_in.redeem(asked.secret, asked.new, _address(request))
        return Response(status_code=HTTPStatus.NO_CONTENT)

    @router.get("/session/demo-accounts", name="list_demo_accounts", response_model=list[DemoAccount])
    async def get_demo_accounts() -> Response:
        """Accounts to try, in the embedded demo; 404 everywhere else."""
        accounts = seeds.shown()
        if accounts is None:
            raise Problem(HTTPStatus.NOT_FOUND, "not_found", "没有此地址", "there is nothing at this address")
        return json_answer(accounts)

    return router


def _person(who: Principal) -> Principal:
    if who.session is None:
        raise Refused(
            "people_only", "令牌没有会话与密码", "a token has neither sessions nor a password", HTTPStatus.FORBIDDEN
        )
    return who


def _address(request: Request) -> str:
    return "" if request.client is None else request.client.host
