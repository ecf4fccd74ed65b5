"""All documents of a collection as one stream of JSON lines, for whoever makes a view of several services anew.

One cursor from the first to the last: pages by id would each read the whole collection on the embedded server.
"""

from collections.abc import AsyncIterator, Collection
from pathlib import Path
from typing import Any

import msgspec
from fastapi import APIRouter, Depends
from fastapi.responses import Response, StreamingResponse

from servicekit.answer import streamed
from servicekit.auth import Guard
from servicekit.decision import Refused
from servicekit.query import Id
from servicekit.routes import Router
from servicekit.store import Documents

#: the last line of a stream that did not break off
END = b'"end"'
_CHUNK = 500
_LINES: dict[int | str, dict[str, Any]] = {200: {"content": {"application/x-ndjson": {"schema": {"type": "string"}}}}}
_encode = msgspec.json.Encoder(enc_hook=str).encode


def export_routes(documents: Documents, collections: Collection[str], secret_file: Path | None) -> APIRouter:
    """``GET /internal/export/{collection}``, for services only."""
    api = Router(prefix="/internal", tags=["operations"], dependencies=[Depends(Guard(secret_file, "service"))])

    @api.get("/export/{collection}", name="export_documents", response_class=StreamingResponse, responses=_LINES)
    async def export(collection: Id) -> Response:
        """Every document once, those that change meanwhile as they were or as they are; behind the last ``END``."""
        if collection not in collections:
            raise Refused("not_found", "没有此集合", "there is no such collection", 404)
        return await streamed(_chunks(documents.each(collection)), "application/x-ndjson")

    return api


async def _chunks(documents: AsyncIterator[dict[str, Any]]) -> AsyncIterator[bytes]:
    lines: list[bytes] = []
    async for document in documents:
        document.pop("_id", None)
        lines.append(_encode(document))
        if len(lines) >= _CHUNK:
            yield b"\n".join(lines) + b"\n"
            lines = []
    yield b"\n".join([*lines, END]) + b"\n"
