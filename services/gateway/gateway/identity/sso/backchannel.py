"""Where the identity provider tells, machine to machine, that a session there has ended (OpenID Connect Back-Channel
Logout 1.0): those that it vouched for here end too."""

from http import HTTPStatus
from urllib.parse import parse_qs

import structlog
from fastapi import APIRouter, Request
from fastapi.responses import Response

from gateway.identity.sso.api import SingleSignOn
from gateway.identity.sso.id_token import NotProven
from gateway.identity.sso.provider import Away
from servicekit.problem import Problem
from servicekit.routes import Router

log = structlog.get_logger()
_MOST_FIELDS = 20
#: as FastAPI would describe it with a parser of forms of its own
_FORM = {
    "requestBody": {
        "required": True,
        "content": {
            "application/x-www-form-urlencoded": {
                "schema": {
                    "type": "object",
                    "required": ["logout_token"],
                    "properties": {"logout_token": {"type": "string", "description": "a signed JWT"}},
                }
            }
        },
    }
}


def backchannel_routes(sso: SingleSignOn) -> APIRouter:
    """The one route. No cookie and no bearer token: what it is told is proven by the provider's signature."""
    router = Router(prefix="/v1", tags=["session"])

    @router.post(
        "/backchannel-logout",
        name="end_vouched_sessions",
        status_code=HTTPStatus.NO_CONTENT,
        openapi_extra=_FORM,
    )
    async def end_vouched_sessions(request: Request) -> Response:
        """End what the identity provider says has ended there: one session (``sid``), or all of somebody (``sub``).
        400: the token proves nothing, or was brought before; 503: its keys can't be had just now."""
        sso.set_up()
        try:
            if not await sso.end(_token(await request.body())):
                raise NotProven("brought before")
        except NotProven as refusal:
            log.warning("sso.logout_not_proven", why=str(refusal))
            raise Problem(
                HTTPStatus.BAD_REQUEST,
                "logout_not_proven",
                "注销令牌无效，或已用过",
                "the logout token proves nothing, or was brought before",
            ) from None
        except Away as error:
            log.warning("sso.away", why=str(error))
            raise Problem(
                HTTPStatus.SERVICE_UNAVAILABLE,
                "provider_away",
                "统一认证的密钥暂时取不到，请稍后再发",
                "the provider's keys can't be had just now; send it again later",
            ) from None
        return Response(status_code=HTTPStatus.NO_CONTENT, headers={"Cache-Control": "no-store"})

    return router


def _token(body: bytes) -> str:
    try:
        (token,) = parse_qs(body.decode("ascii"), max_num_fields=_MOST_FIELDS)["logout_token"]
    except (KeyError, ValueError):
        raise NotProven("no logout_token in the form, or several") from None
    return token
