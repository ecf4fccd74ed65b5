"""HTTP of documents, the same for every kind: read, save, activate, roll back, stop."""

from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query
from fastapi.responses import Response
from pydantic import BaseModel

from contracts.answers import KindView, SentenceView
from contracts.document_orders import ActivateDocument, Readable, SaveDocument, StopDocument, WhyDocument
from contracts.documents import DOCUMENT_ID
from servicekit.answer import json_answer
from servicekit.auth import Guard, Principal
from servicekit.documents.library import TAKEN_BACK, Library, Shown
from servicekit.query import IdempotencyKey
from servicekit.routes import Router
from servicekit.versioned import ETAG, IfMatch, version_of

DocumentId = Annotated[str, Path(pattern=DOCUMENT_ID)]
Compared = Annotated[int, Query(ge=1, le=10**9, description="a version")]
Number = Annotated[int, Path(ge=1, le=10**9)]


def document_routes(
    prefix: str, noun: str, library: Library, guard: Guard, shown: type[BaseModel], *, plural: str | None = None
) -> APIRouter:
    """Routes under ``prefix``; ``noun`` (rule, …) names them, ``shown`` is what a version looks like."""
    several = plural or f"{noun}s"
    router = Router(prefix=prefix, tags=[several], dependencies=[Depends(guard)])
    Who = Annotated[Principal, Depends(guard)]
    Why = Annotated[Readable, Query(min_length=1, max_length=2000)]

    @router.get("", name=f"list_{several}", response_model=list[shown])  # type: ignore[valid-type]
    async def list_documents() -> Response:
        """All versions, by id and version."""
        return json_answer(await library.brief())

    @router.get("/{id}", name=f"get_{noun}", response_model=shown, responses={200: ETAG})
    async def get_document(id: DocumentId, version: Annotated[int | None, Query(ge=1, le=10**9)] = None) -> Response:
        """A version, without a number the newest, with its number in ``ETag``."""
        return _answer(library, await library.get(id, version))

    @router.get("/{id}/difference", name=f"compare_{noun}", response_model=list[SentenceView])
    async def compare_documents(id: DocumentId, before: Compared, after: Compared) -> Response:
        """What has changed from one version to another, as sentences."""
        return json_answer(await library.difference(id, before, after))

    @router.put("/{id}", name=f"save_{noun}", response_model=shown, responses={200: ETAG})
    async def save_document(
        who: Who, id: DocumentId, asked: SaveDocument, if_match: IfMatch = None, key: IdempotencyKey = None
    ) -> Response:
        """The next version, a draft. ``If-Match`` names the version it was made from; a new document has none. 412:
        somebody else has saved one since; 422: what is wrong with it, nothing is kept."""
        after = None if if_match is None else version_of(if_match)
        saved = await library.save(id, asked.document, after=after, author=who.subject, why=asked.why, key=key)
        return _answer(library, saved)

    @router.post("/{id}/versions/{version}/activate", name=f"activate_{noun}", response_model=shown)
    async def activate_document(
        who: Who, id: DocumentId, version: Number, asked: ActivateDocument, key: IdempotencyKey = None
    ) -> Response:
        """In force from one place of the log on, at once or from a business day on."""
        return _answer(
            library,
            await library.activate(
                id, version, by=who.subject, why=asked.why, on=asked.on, shadow=asked.shadow, key=key
            ),
        )

    @router.delete("/{id}/versions/{version}/schedule", name=f"take_back_{noun}", response_model=shown)
    async def take_back_document(who: Who, id: DocumentId, version: Number, why: Why = TAKEN_BACK) -> Response:
        """It waits for no day any more; of one that does not wait nothing changes."""
        return _answer(library, await library.take_back(id, version, by=who.subject, why=why))

    @router.post("/{id}/rollback", name=f"roll_back_{noun}", response_model=shown)
    async def roll_back_document(who: Who, id: DocumentId, asked: WhyDocument, key: IdempotencyKey = None) -> Response:
        """What was in force before, as a new version, at once."""
        return _answer(library, await library.rollback(id, by=who.subject, why=asked.why, key=key))

    @router.post("/{id}/stop", name=f"stop_{noun}", response_model=shown)
    async def stop_document(who: Who, id: DocumentId, asked: StopDocument, key: IdempotencyKey = None) -> Response:
        """Nothing new comes of it; what is open goes on."""
        return _answer(library, await library.stop(id, by=who.subject, why=asked.why, shadow=asked.shadow, key=key))

    router.routes += _kind_routes(noun, prefix.rpartition("/")[2], library, guard).routes
    return router


def _kind_routes(noun: str, place: str, library: Library, guard: Guard) -> APIRouter:
    """Beside the documents, where none of them can have its name."""
    router = Router(prefix="/v1/kinds", tags=["kinds"], dependencies=[Depends(guard)])

    @router.get(f"/{place}", name=f"get_{noun}_kind", response_model=KindView)
    async def get_kind() -> Response:
        """What people call the fields of these documents, and what can be done with a version."""
        kind = library.kind
        fields = [{"field": field, "zh": zh, "en": en} for field, (zh, en) in kind.fields.items()]
        return json_answer({"may_stop": kind.may_stop, "has_shadow": kind.has_shadow, "fields": fields})

    return router


def _answer(library: Library, version: Shown) -> Response:
    headers: dict[str, Any] = {"ETag": version.version.etag}
    return json_answer(version.plain(library.kind), HTTPStatus.OK, headers=headers)
