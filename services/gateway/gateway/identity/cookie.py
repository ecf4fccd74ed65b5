"""The cookie that holds a browser's session."""

from fastapi import Request
from fastapi.responses import Response

from gateway.identity.guard import COOKIE
from gateway.identity.own_request import check_line
from gateway.identity.sessions import Limits, Sessions


class SessionCookie:
    """Given when a session begins, by whatever way; taken when it ends."""

    def __init__(self, sessions: Sessions, limits: Limits) -> None:
        self._sessions, self._limits = sessions, limits

    def give(self, request: Request, answer: Response, token: str) -> Response:
        """The answer, which brings the browser the token of its session."""
        answer.set_cookie(
            COOKIE,
            token,
            max_age=int(self._limits.at_most.total_seconds()),
            secure=check_line(request.scope["scheme"], request.headers),
            httponly=True,
            samesite="lax",
        )
        return answer

    def take(self, answer: Response) -> Response:
        """The answer, after which the browser has none."""
        answer.delete_cookie(COOKIE, httponly=True, samesite="lax")
        return answer

    async def close_before(self, request: Request) -> None:
        """End the session that this browser had: nobody goes on under it."""
        if (before := request.cookies.get(COOKIE)) and (known := await self._sessions.find(before)):
            await self._sessions.close(known.id)
