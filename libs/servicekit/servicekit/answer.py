"""Answers of HTTP routes. What a route answers is declared with ``response_model``, for OpenAPI; it is encoded once and
not checked again on its way out (``tests/harness/typed_answers.py`` checks every answer the tests get)."""

from collections.abc import Mapping
from typing import Any

import msgspec
from fastapi.responses import Response

encode = msgspec.json.Encoder().encode


def json_answer(content: Any, status: int = 200, *, headers: Mapping[str, str] | None = None) -> Response:
    """``content`` (plain values, structs, ``msgspec.Raw``) as JSON; what is not finite is null."""
    return Response(encode(content), status, headers, "application/json")
