"""Refusals over HTTP in one shape, whoever refuses: problem details (RFC 9457) with a stable code (``error``), the
reason in two languages (``zh``, ``en``), where it helps ``field``, and the number by which the request is found again.

What a caller sent is never repeated: it may hold personal data.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException as AnyHTTPException

from servicekit import correlation
from servicekit.clock import iso
from servicekit.decision import Refused
from servicekit.request_words import reason
from servicekit.store import Transient

log = structlog.get_logger()
MEDIA_TYPE = "application/problem+json"
#: what every problem has of its own
_COMMON = frozenset({"type", "title", "status", "detail", "error", "zh", "en", "correlation_id"})
_KNOWN = {
    400: ("bad_request", "请求体无法读取", "the body of the request can't be read"),
    404: ("not_found", "没有此地址", "there is nothing at this address"),
    405: ("method_not_allowed", "此地址不支持该方法", "this address does not take that method"),
}

#: What every route may answer besides, as routers declare it: of a model FastAPI would make two fields for each route.
REFUSED: dict[int | str, dict[str, Any]] = {
    "4XX": {"description": "Client Error"},
    "5XX": {"description": "Server Error"},
}

#: errors that say what the answer is
REFUSALS = (Refused, AnyHTTPException, Transient)


class FaultBody(BaseModel):
    """One thing that is wrong with a document; `field` is its path, empty: the document as a whole."""

    field: str
    zh: str
    en: str


class ProblemBody(BaseModel):
    """Body of every answer that is not a success: a stable code and a reason in two languages."""

    type: str = Field(description="urn:kam:problem: and the code", examples=["urn:kam:problem:not_found"])
    title: str = Field(description="what the status means", examples=["Not Found"])
    status: int
    detail: str = Field(description="the reason in English, as `en`")
    error: str = Field(description="a code that stays", examples=["not_found"])
    zh: str
    en: str
    correlation_id: str = Field(description="by which the request is found in logs and in the audit")
    field: str | None = Field(default=None, description="what of the request is at fault, e.g. body.outcome")
    faults: list[FaultBody] | None = Field(default=None, description="of a document: all that is wrong with it")


class Problem(HTTPException):
    """A refusal of the HTTP layer itself, before a handler was asked."""

    def __init__(self, status: int, code: str, zh: str, en: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(status, {"error": code, "zh": zh, "en": en}, headers)


def problem(
    status: int, code: str, zh: str, en: str, *, headers: Mapping[str, str] | None = None, **more: Any
) -> JSONResponse:
    """The answer of a refusal."""
    content = {
        "type": f"urn:kam:problem:{code}",
        "title": _phrase(status),
        "status": status,
        "detail": en,
        "error": code,
        "zh": zh,
        "en": en,
        **more,
        "correlation_id": correlation.current(),
    }
    return JSONResponse(content, status, headers, MEDIA_TYPE)


def passed_on(status: int, told: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> JSONResponse:
    """The answer of a refusal that somebody else has given, whatever else it tells of."""
    more = {name: value for name, value in told.items() if name not in _COMMON}
    return problem(status, str(told["error"]), str(told["zh"]), str(told["en"]), headers=headers, **more)


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Refused"


def of_http_exception(error: AnyHTTPException) -> JSONResponse:
    """The answer for an exception with a status; its text may be ``zh / en``."""
    detail: Any = error.detail
    if isinstance(detail, dict):
        return passed_on(error.status_code, detail, error.headers)
    zh, slash, en = str(detail).partition(" / ")
    phrase = _phrase(error.status_code)
    code, known_zh, known_en = _KNOWN.get(error.status_code, (phrase.lower().replace(" ", "_"), phrase, phrase))
    return problem(error.status_code, code, *((zh, en) if slash else (known_zh, known_en)), headers=error.headers)


def answer_to(error: Exception, path: str) -> JSONResponse:
    """The answer for one of ``REFUSALS``; ``path``: of the request."""
    if isinstance(error, AnyHTTPException):
        return of_http_exception(error)
    if isinstance(error, Refused):
        return problem(error.status, error.code, error.zh, error.en, **error.more)
    assert isinstance(error, Transient)
    log.warning("http.store_away", path=path, error=str(error)[:200])
    since = None if error.since is None else iso(error.since)
    zh, en = ("", "") if since is None else (f"（自 {since} 起）", f" (since {since})")
    return problem(
        503,
        "store_away",
        f"数据库暂时无法访问{zh}；其余一切照常进行，请稍后再查",
        f"the database can't be reached just now{en}; all else goes on, look again soon",
        headers={"Retry-After": "5"},
    )


def install(app: FastAPI) -> None:
    """Let every error of this app be answered in the one shape."""

    async def refused(request: Request, error: Exception) -> JSONResponse:
        return answer_to(error, request.scope["path"])

    for kind in REFUSALS:
        app.add_exception_handler(kind, refused)

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        field = _safe(".".join(str(step) for step in first["loc"]))
        zh, en = (_safe(said) for said in reason(first))
        return problem(
            422,
            "bad_request",
            f"请求的 {field} 有误：{zh}",
            f"{field} of the request is not as it should be: {en}",
            field=field,
        )

    @app.exception_handler(Exception)
    async def failed(request: Request, error: Exception) -> JSONResponse:
        number = correlation.current()
        log.error("http.failed", path=request.scope["path"], error=repr(error)[:500], correlation_id=number)
        return problem(500, "internal", "服务内部出错，请查看它的日志", "the service failed, see its log")


def documented(document: dict[str, Any]) -> dict[str, Any]:
    """An OpenAPI document in which ``REFUSED`` have their body, and problems their media type: FastAPI takes every
    model for plain JSON."""
    schemas = document.get("components", {}).get("schemas", {})
    body = {MEDIA_TYPE: {"schema": {"$ref": f"#/components/schemas/{ProblemBody.__name__}"}}}
    for path in document["paths"].values():
        for operation in path.values():
            for status, answer in operation["responses"].items():
                if status in REFUSED:
                    answer["content"] = body
                elif _is_of_problem(answer, schemas):
                    answer["content"] = {MEDIA_TYPE: answer["content"]["application/json"]}
    return document


def _is_of_problem(answer: dict[str, Any], schemas: Mapping[str, Any]) -> bool:
    schema = answer.get("content", {}).get("application/json", {}).get("schema", {})
    needed = schemas.get(schema.get("$ref", "").rpartition("/")[2], {}).get("required", ())
    return {"correlation_id", "error"} <= {*needed}


def _safe(text: str) -> str:
    return text.encode("utf-8", "replace").decode()[:300]
