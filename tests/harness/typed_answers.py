"""Routes encode what they answer without checking it on its way out: here every answer a test gets is checked against
what its route declares."""

from collections.abc import Container
from functools import cache
from typing import Any

import httpx
from fastapi import FastAPI
from fastapi.routing import APIRoute
from pydantic import TypeAdapter
from starlette.routing import Match

from servicekit.problem import ProblemBody


class TypedAnswers(httpx.ASGITransport):
    """An app that is asked in memory; an answer that is not what its route declares is an ``AssertionError``.

    ``own``: routes whose successes are checked; None: all. Refusals always are. ``client``: whoever asks.
    """

    def __init__(
        self, app: FastAPI, own: Container[str] | None = None, client: tuple[str, int] = ("127.0.0.1", 123)
    ) -> None:
        super().__init__(app, raise_app_exceptions=False, client=client)
        self._routes, self._own = list(routes_of(app)), own

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        answer = await super().handle_async_request(request)
        await answer.aread()
        scope = {"type": "http", "path": request.url.path, "method": request.method, "root_path": ""}
        route = next((r for r in self._routes if r.matches(scope)[0] is Match.FULL), None)
        if route is None or answer.is_error or self._own is None or route.path in self._own:
            check(route, answer)
        return answer


def routes_of(app: FastAPI) -> list[APIRoute]:
    """All routes, with those of routers within routers."""
    found: list[APIRoute] = []
    left: list[Any] = list(app.routes)
    while left:
        route = left.pop(0)
        if isinstance(route, APIRoute):
            found.append(route)
        elif hasattr(route, "original_router"):
            left += route.original_router.routes
    return found


def check(route: APIRoute | None, answer: httpx.Response) -> None:
    """Raises ``AssertionError`` where the answer has a field that its model does not know, misses one, or is of another
    type."""
    model: Any = ProblemBody
    where = "no route" if route is None else route.path
    if answer.has_redirect_location:
        assert route is not None and route.status_code == answer.status_code and not answer.content, where
        return
    if route is not None:
        declared = route.responses.get(answer.status_code, {}).get("model")
        model = declared or (route.response_model if answer.is_success else ProblemBody)
        if model is None:
            is_text = answer.headers.get("content-type", "").startswith("text/plain")
            is_file = answer.is_success and "content-disposition" in answer.headers
            assert is_text or is_file or not answer.content, f"{where} answers nothing declared"
            return
    reader = _reader(model)
    read = reader.validate_json(answer.content, strict=True)
    told = reader.dump_python(read, mode="json", exclude_unset=True, by_alias=True)
    assert told == answer.json(), f"{where} answers {answer.json()}, declared is {told}"


@cache
def _reader(model: Any) -> TypeAdapter[Any]:
    return TypeAdapter(model)
