"""Routes of single sign-on. A browser is sent from one to the next: each answers with another address, also where
something went wrong, which the sign-in page then says (``/signin?sso=…``)."""

import asyncio
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlencode

import structlog
from fastapi import APIRouter, Query, Request
from fastapi.responses import RedirectResponse, Response

from contracts.identity import SignInOptions
from gateway.identity.cookie import SessionCookie
from gateway.identity.own_request import check_line
from gateway.identity.seeds import Seeds
from gateway.identity.sessions import Known, Vouched
from gateway.identity.signin import SignIn
from gateway.identity.sso import attempt
from gateway.identity.sso.attempt import Attempt
from gateway.identity.sso.id_token import NotProven
from gateway.identity.sso.provider import Away, CodeRefused, Provider
from gateway.identity.users import staff_no_of
from servicekit import correlation
from servicekit.answer import json_answer
from servicekit.clock import SystemClock
from servicekit.problem import REFUSALS, Problem
from servicekit.query import AtMost
from servicekit.routes import Router

log = structlog.get_logger()
#: so many callbacks are asked of the provider at once
_AT_ONCE = 32
_COOKIE, _SECURE_COOKIE = "kam_sso", "__Host-kam_sso"
_PAGE = "/signin"
#: the address that the provider must know of
CALLBACK = "/v1/session/sso/callback"
#: what the sign-in page says: the provider is away · begin anew · no such account here · given up · we are away
_Outcome = Literal["away", "again", "refused", "cancelled", "trouble"]
#: what a provider says when somebody gives up, or has no right there (RFC 6749, 4.1.2.1)
_GIVEN_UP = ("access_denied", "login_required", "interaction_required", "consent_required")
_Text = Annotated[str | None, Query()]


class SingleSignOn:
    """What the routes need; ``provider`` None: it is not set up."""

    def __init__(
        self,
        provider: Provider | None,
        home: str,
        sign_in: SignIn,
        seeds: Seeds,
        secret_file: Path | None,
        clock: SystemClock,
    ) -> None:
        self.provider, self._home = provider, home
        self._sign_in, self._seeds, self._secret_file, self._clock = sign_in, seeds, secret_file, clock
        self._line = AtMost(_AT_ONCE)

    @property
    def state(self) -> str:
        """Whether the sign-in page offers it."""
        if self.provider is None:
            return "off"
        return "away" if self.provider.is_away else "on"

    def set_up(self) -> Provider:
        """The provider. Raises ``Problem`` (404)."""
        if self.provider is None:
            raise Problem(HTTPStatus.NOT_FOUND, "not_found", "没有设置统一认证", "single sign-on is not set up")
        return self.provider

    async def close_at_end(self) -> None:
        """Job: let go of the provider when the service ends."""
        try:
            await asyncio.Event().wait()
        finally:
            if self.provider is not None:
                await self.provider.close()

    async def begin(self, next: str | None) -> tuple[str, str]:
        """Where the browser goes, and the cookie it takes along. Raises ``Away``, ``Problem``."""
        begun = attempt.begun(next)
        cookie = attempt.write(begun, self._secret(), self._clock())
        return await self.set_up().address(begun), cookie

    def attempt_of(self, cookie: str, state: str) -> Attempt | None:
        """The attempt of this browser that comes back with this state."""
        return attempt.read(cookie, self._secret(), self._clock(), state)

    async def finish(self, begun: Attempt, code: str, issuer: str | None) -> tuple[str, Known] | None:
        """A session for whoever the provider names; None for nobody who may sign in here. Raises ``Away``,
        ``CodeRefused``, ``NotProven``."""
        with self._line:
            said = await self.set_up().vouched(code, begun, issuer)
        staff_no = staff_no_of(said.claim) if isinstance(said.claim, str) and said.claim.isascii() else ""
        if not staff_no:
            log.warning("sso.no_staff_number", said="nothing" if said.claim is None else "something that can be none")
        await self._seeds.are_there()
        return await self._sign_in.vouched(staff_no, Vouched(said.sub, said.sid))

    async def end(self, token: str) -> bool:
        """End here what the provider says has ended there; False: it said so before. Raises ``Away``, ``NotProven``."""
        with self._line:
            ended = await self.set_up().logged_out(token)
        return await self._sign_in.sign_out_vouched(Vouched(ended.sub, ended.sid), ended.jti, ended.until)

    async def leave(self) -> str:
        """Where a browser whose session has ended signs out at the provider too. Raises ``Away``."""
        return await self.set_up().leaving(f"{self._home}{_PAGE}") or _PAGE

    def _secret(self) -> bytes:
        try:
            secret = b"" if self._secret_file is None else self._secret_file.read_bytes().strip()
        except OSError:
            secret = b""
        if not secret:
            raise Problem(
                HTTPStatus.SERVICE_UNAVAILABLE, "no_secret", "没有可用的密钥文件", "there is no usable secret"
            )
        return secret


def single_sign_on_routes(sso: SingleSignOn, cookie: SessionCookie) -> APIRouter:
    """What the sign-in page offers; begin, come back, leave."""
    router = Router(prefix="/v1/session", tags=["session"])

    @router.get("/options", name="sign_in_options", response_model=SignInOptions)
    async def get_options() -> Response:
        """How people may sign in here. ``single_sign_on``: ``off``, ``on``, or ``away`` while the provider does not
        answer."""
        return json_answer({"single_sign_on": sso.state})

    @router.get("/sso", name="begin_single_sign_on", status_code=HTTPStatus.SEE_OTHER, response_class=RedirectResponse)
    async def begin(request: Request, next: _Text = None) -> Response:
        """Leads the browser to the identity provider; ``next``: the page of ours to go to afterwards."""
        sso.set_up()
        if request.headers.get("sec-fetch-site") not in (None, "same-origin", "none"):
            # Nobody is signed in behind their back: a link of another site leads to our button.
            return _to(_page_of(next))
        secure = check_line(request.scope["scheme"], request.headers)
        try:
            address, begun = await sso.begin(next)
        except Away as error:
            log.warning("sso.away", why=str(error))
            return _told("away", next)
        except REFUSALS:
            return _told("trouble", next)
        answer = _to(address)
        answer.set_cookie(
            _SECURE_COOKIE if secure else _COOKIE,
            begun,
            max_age=int(attempt.LASTS.total_seconds()),
            secure=secure,
            httponly=True,
            samesite="lax",
        )
        return answer

    @router.get(
        "/sso/callback",
        name="finish_single_sign_on",
        status_code=HTTPStatus.SEE_OTHER,
        response_class=RedirectResponse,
    )
    async def callback(
        request: Request, state: _Text = None, code: _Text = None, error: _Text = None, iss: _Text = None
    ) -> Response:
        """Where the identity provider leads the browser back to."""
        sso.set_up()
        secure = check_line(request.scope["scheme"], request.headers)
        name = _SECURE_COOKIE if secure else _COOKIE
        try:
            begun = sso.attempt_of(request.cookies.get(name, ""), state or "")
            if begun is None:
                return _told("again", None)
            answer = await finished(request, begun, code, error, iss)
        except REFUSALS:
            return _told("trouble", None)
        answer.delete_cookie(name, secure=secure, httponly=True, samesite="lax")
        return answer

    async def finished(
        request: Request, begun: Attempt, code: str | None, error: str | None, issuer: str | None
    ) -> Response:
        if error in _GIVEN_UP:
            return _told("cancelled", begun.next)
        if error or not code:
            log.warning("sso.away", why="the callback brings an error" if error else "the callback brings no code")
            return _told("away", begun.next)
        try:
            signed_in = await sso.finish(begun, code, issuer)
        except CodeRefused:
            return _told("again", begun.next)
        except (Away, NotProven) as refusal:
            log.warning("sso.not_proven" if isinstance(refusal, NotProven) else "sso.away", why=str(refusal))
            return _told("away", begun.next)
        if signed_in is None:
            return _told("refused", begun.next)
        await cookie.close_before(request)
        return cookie.give(request, _to(begun.next), signed_in[0])

    @router.get(
        "/sso/leave", name="leave_single_sign_on", status_code=HTTPStatus.SEE_OTHER, response_class=RedirectResponse
    )
    async def leave() -> Response:
        """Leads a browser whose session here has ended to where it signs out at the identity provider."""
        try:
            return _to(await sso.leave())
        except Away:
            return _to(_PAGE)

    return router


def _to(address: str) -> RedirectResponse:
    return RedirectResponse(address, HTTPStatus.SEE_OTHER)


def _page_of(next: str | None, **more: str) -> str:
    page = attempt.own_page(next)
    query = urlencode({**more, **({} if page == "/" else {"next": page})})
    return f"{_PAGE}?{query}" if query else _PAGE


def _told(outcome: _Outcome, next: str | None) -> Response:
    return _to(_page_of(next, sso=outcome, ref=correlation.current()))
