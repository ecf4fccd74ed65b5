"""Answers of HTTP routes. What a route answers is declared with ``response_model``, for OpenAPI; it is encoded once and
not checked again on its way out (``tests/harness/typed_answers.py`` checks every answer the tests get)."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

import msgspec
from fastapi.responses import Response, StreamingResponse

#: between two rows of an array that is written as it is read; within a row no line ends
BETWEEN = b",\n"
_CHUNK = 500
encode = msgspec.json.Encoder().encode


def json_answer(content: Any, status: int = 200, *, headers: Mapping[str, str] | None = None) -> Response:
    """``content`` (plain values, structs, ``msgspec.Raw``) as JSON; what is not finite is null."""
    return Response(encode(content), status, headers, "application/json")


async def array_answer(rows: AsyncIterator[Any], *, headers: Mapping[str, str] | None = None) -> Response:
    """An array of any length, written as it is read: memory does not grow with it. What fails before the first rows
    are read is a refusal, later the answer breaks off."""
    return await streamed(_array(rows), "application/json", headers=headers)


async def streamed(
    chunks: AsyncIterator[bytes], media_type: str, *, headers: Mapping[str, str] | None = None
) -> Response:
    """A stream of which the first piece is asked for before anything is answered: a database that is away is a refusal,
    and not a stream that breaks."""
    first = await anext(chunks)
    return StreamingResponse(_behind(first, chunks), headers=headers, media_type=media_type)


async def _array(rows: AsyncIterator[Any]) -> AsyncIterator[bytes]:
    before, group = b"[", list[bytes]()
    async for row in rows:
        group.append(encode(row))
        if len(group) >= _CHUNK:
            yield before + BETWEEN.join(group)
            before, group = BETWEEN, []
    yield (before if group or before == b"[" else b"") + BETWEEN.join(group) + b"]"


async def _behind(first: bytes, others: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for chunk in others:
        yield chunk
