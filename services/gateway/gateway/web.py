"""The pages people open: the built files of ``services/gateway/web``, and the headers that keep them ours.

Every address that is no API and no file is a page's and gets ``index.html``; the page itself says what is not there.
"""

import re
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from fastapi import Request
from fastapi.responses import HTMLResponse, Response
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from servicekit import correlation

#: first segments of addresses that are never a page's
NO_PAGE = frozenset({"v1", "internal", "health", "metrics", "docs", "redoc", "openapi.json"})
_CORRELATION: Final = correlation.HEADER.lower().encode()
#: what the build writes where each copy of the page gets a nonce of its own
_NONCE: Final = "__KAM_NONCE__"
#: files that may be asked for: one name, no folders but ``assets``; their content never changes under ``assets``
_FILE: Final = re.compile(r"/(?P<path>(?P<hashed>assets/)?[A-Za-z0-9_-][A-Za-z0-9._-]*\.[a-z0-9]+)")
_TYPES: Final[Mapping[str, str]] = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
}
#: for everything that the gateway answers, pages and API alike
SECURITY_HEADERS: Final[Mapping[str, str]] = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
_HTTPS_ONLY: Final = ("Strict-Transport-Security", "max-age=31536000")
_UNBUILT: Final = """<!doctype html>
<html lang="zh-CN"><meta charset="utf-8"><title>kam</title>
<h1>网页还没有构建 / The page is not built yet</h1>
<p>请运行 <code>make setup</code>，然后刷新。其余一切照常：接口与 <code>kam</code> 命令不受影响。</p>
<p lang="en">Run <code>make setup</code>, then reload. All else works: the API and the <code>kam</code> commands.</p>
"""


def content_security_policy(nonce: str) -> str:
    """Scripts from our own files alone; style sheets from files, or with the nonce of this copy of the page."""
    return "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            f"style-src 'self' 'nonce-{nonce}'",
            "img-src 'self' data:",
            "font-src 'self'",
            "connect-src 'self'",
            "form-action 'self'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
        )
    )


class Pages:
    """ASGI app for what no route of the API takes. ``dist`` is looked at anew for every request: it may be built, or
    built again, while the gateway runs.
    """

    def __init__(self, dist: Path) -> None:
        self._dist = dist

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await send({"type": "websocket.close", "code": 1000})
        answer = self._answer(Request(scope))
        await answer(scope, receive, send)

    def _answer(self, request: Request) -> Response:
        path = request.scope["path"]
        if path.removeprefix("/").partition("/")[0] in NO_PAGE:
            raise HTTPException(404)
        if request.method not in ("GET", "HEAD"):
            raise HTTPException(405, headers={"Allow": "GET, HEAD"})
        found = _FILE.fullmatch(path)
        if found and (file := self._file(request, found)):
            return file
        if path.startswith("/assets/"):
            raise HTTPException(404)
        return self._page()

    def _file(self, request: Request, found: re.Match[str]) -> Response | None:
        path = self._dist / found["path"]
        media_type = _TYPES.get(path.suffix)
        if media_type is None:
            return None
        headers = {
            "Cache-Control": "public, max-age=31536000, immutable" if found["hashed"] else "no-cache",
            "Vary": "Accept-Encoding",
        }
        takes_gzip = "gzip" in request.headers.get("accept-encoding", "")
        if takes_gzip and (small := _read(path.with_name(f"{path.name}.gz"))):
            return Response(small, headers={**headers, "Content-Encoding": "gzip"}, media_type=media_type)
        content = _read(path)
        return None if content is None else Response(content, headers=headers, media_type=media_type)

    def _page(self) -> Response:
        template = _read(self._dist / "index.html")
        nonce = secrets.token_urlsafe(16)
        headers = {"Cache-Control": "no-store", "Content-Security-Policy": content_security_policy(nonce)}
        if template is None:
            return HTMLResponse(_UNBUILT, 503, headers)
        return HTMLResponse(template.replace(_NONCE.encode(), nonce.encode()), headers=headers)


def _read(path: Path) -> bytes | None:
    # A few hundred kilobytes that the operating system has in memory: quicker than a turn of another thread.
    try:
        return path.read_bytes()
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        return None


class SecurityHeaders:
    """ASGI middleware: the headers of ``SECURITY_HEADERS`` on every answer, and the number by which its request is
    found again; nobody keeps a copy of the API's."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        wanted = dict(SECURITY_HEADERS)
        if scope["path"].startswith("/v1/"):
            wanted["Cache-Control"] = "no-store"
        if scope.get("scheme") == "https":
            wanted |= [_HTTPS_ONLY]

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = [*message.get("headers", ()), (_CORRELATION, correlation.current().encode())]
                names = {name.lower() for name, _ in given}
                given += [
                    (name.lower().encode(), value.encode())
                    for name, value in wanted.items()
                    if name.lower().encode() not in names
                ]
                message["headers"] = given
            await send(message)

        await self._app(scope, receive, guarded)
