"""Documents that staff change (rules, …): each kind behind the same routes, guarded by rights, with each change in the
audit. What they mean is the business of the service that owns them.
"""

from functools import partial
from typing import Annotated, Any, NamedTuple

import httpx
from fastapi import APIRouter, Depends, Path, Query
from fastapi.responses import Response
from pydantic import BaseModel

from contracts.answers import (
    CalendarView,
    CustomerListView,
    DocumentView,
    FigureView,
    KindView,
    RuleView,
    SentenceView,
    TemplatePreview,
    TemplateView,
)
from contracts.document_orders import (
    ActivateDocument,
    PreviewTemplate,
    Readable,
    SaveDocument,
    StopDocument,
    WhyDocument,
)
from contracts.documents import DOCUMENT_ID
from gateway.access.grants import Principal
from gateway.access.rights import Area, Verb
from gateway.access.viewer import Access, Viewer
from gateway.audit import Audit, audited
from gateway.peers import Peers
from gateway.scoped import same
from servicekit.query import IdempotencyKey
from servicekit.routes import Router
from servicekit.versioned import ETAG, IfMatch

_Id = Annotated[str, Path(pattern=DOCUMENT_ID)]
_Compared = Annotated[int, Query(ge=1, le=10**9, description="a version")]
_Number = Annotated[int, Path(ge=1, le=10**9)]


class _Documents(NamedTuple):
    """A kind: its name, the service that owns it, the area whose rights it needs, what a version looks like, what
    several are called, and their path where it is another word."""

    noun: str
    service: str
    area: Area
    view: type[BaseModel]
    several: str
    place: str | None = None
    #: the right by which it is read; who needs ``change`` for it needs it everywhere
    read_by: Verb = "see"

    @property
    def path(self) -> str:
        return self.place or self.several


KINDS = (
    _Documents("rule", "alerts", "rules", RuleView, "rules"),
    # It names customers of the whole province.
    _Documents("customer_list", "alerts", "rules", CustomerListView, "customer_lists", "customer-lists", "change"),
    _Documents("template", "alerts", "rules", TemplateView, "templates"),
    _Documents("policy", "alerts", "rules", DocumentView, "policies"),
    _Documents("work_rules", "manager-work", "rules", DocumentView, "all_work_rules", "work-rules"),
    _Documents("calendar", "manager-work", "rules", CalendarView, "calendars"),
    _Documents("brake", "alerts", "rules", DocumentView, "brakes"),
)


def document_routes(peers: Peers, audit: Audit, access: Access) -> list[APIRouter]:
    """A router for each kind, what rules may ask for, and what a text would make."""
    return [
        _figures(peers, access),
        _preview_routes(peers, access),
        *(_routes(kind, peers, audit, access) for kind in KINDS),
    ]


def _figures(peers: Peers, access: Access) -> APIRouter:
    router = Router(prefix="/v1/rules", tags=["rules"])
    Reader = Annotated[Principal, Depends(access.guard("rules", "see"))]

    @router.get("/figures", name="list_figures", response_model=list[FigureView])
    async def list_figures(who: Reader) -> Response:
        """Figures that conditions may ask for, with their names, units, operators and values."""
        return same(await peers.call("alerts", "GET", "/v1/rules/figures", actor=who))

    return router


def _preview_routes(peers: Peers, access: Access) -> APIRouter:
    router = Router(prefix="/v1/templates", tags=["templates"])

    @router.post("/preview", name="preview_template", response_model=TemplatePreview)
    async def preview_template(
        who: Annotated[Principal, Depends(access.guard("rules", "see"))], asked: PreviewTemplate
    ) -> Response:
        """What customers would get of a text that need not be saved, in both languages. 422: what is wrong with it."""
        body = asked.model_dump(mode="json")
        return same(await peers.call("alerts", "POST", "/v1/templates/preview", actor=who, body=body))

    return router


def _routes(kind: _Documents, peers: Peers, audit: Audit, access: Access) -> APIRouter:
    noun, view = kind.noun, kind.view
    path = f"/v1/{kind.path}"
    router = Router(prefix=path, tags=[kind.path])
    # What is in force is in force everywhere.
    editor = access.everywhere(kind.area, "change")
    Editor = Annotated[Viewer, Depends(editor)]

    async def who_edits(found: Editor) -> Principal:
        return found.who

    Reader = Annotated[Principal, Depends(access.guard(kind.area, "see") if kind.read_by == "see" else who_edits)]

    async def ask(
        who: Principal,
        method: str,
        below: str,
        verb: str,
        about: str,
        asked: Any,
        key: str | None,
        if_match: str | None = None,
    ) -> Response:
        """What the owner answers to a change; it is written down, refused or not."""
        given = {"If-Match": if_match, "Idempotency-Key": key}
        change = partial(
            peers.call,
            kind.service,
            method,
            f"{path}/{below}",
            actor=who,
            body=asked.model_dump(mode="json", exclude_none=True),
            headers={name: value for name, value in given.items() if value is not None},
        )
        return _told(await audited(audit, who, f"{noun}.{verb}", about, change, asked.why))

    @router.get("", name=f"list_{kind.several}", response_model=list[view])  # type: ignore[valid-type]
    async def list_documents(who: Reader) -> Response:
        """All versions, by id and version."""
        return same(await peers.call(kind.service, "GET", path, actor=who))

    @router.get("/{id}", name=f"get_{noun}", response_model=view, responses={200: ETAG})
    async def get_document(
        who: Reader, id: _Id, version: Annotated[int | None, Query(ge=1, le=10**9)] = None
    ) -> Response:
        """A version, without a number the newest; with its number in ``ETag``."""
        query = {"version": None if version is None else str(version)}
        return _told(await peers.call(kind.service, "GET", f"{path}/{id}", actor=who, query=query))

    @router.get("/{id}/difference", name=f"compare_{noun}", response_model=list[SentenceView])
    async def compare_documents(who: Reader, id: _Id, before: _Compared, after: _Compared) -> Response:
        """What has changed from one version to another, as sentences."""
        query: dict[str, str | None] = {"before": str(before), "after": str(after)}
        return same(await peers.call(kind.service, "GET", f"{path}/{id}/difference", actor=who, query=query))

    @router.put("/{id}", name=f"save_{noun}", response_model=view, responses={200: ETAG})
    async def save_document(
        editor: Editor, id: _Id, asked: SaveDocument, if_match: IfMatch = None, key: IdempotencyKey = None
    ) -> Response:
        """The next version, a draft. ``If-Match`` names the version it was made from; a new document has none. 412:
        somebody else has saved one since. 422: ``faults`` says all that is wrong with it; nothing is kept."""
        return await ask(editor.who, "PUT", id, "saved", id, asked, key, if_match)

    @router.post("/{id}/versions/{version}/activate", name=f"activate_{noun}", response_model=view)
    async def activate_document(
        editor: Editor, id: _Id, version: _Number, asked: ActivateDocument, key: IdempotencyKey = None
    ) -> Response:
        """In force from one place of the log on, at once or from the first record of a business day. Nothing is judged
        again, and what is open keeps its version."""
        below = f"{id}/versions/{version}/activate"
        return await ask(editor.who, "POST", below, "activated", f"{id} v{version}", asked, key)

    @router.delete("/{id}/versions/{version}/schedule", name=f"take_back_{noun}", response_model=view)
    async def take_back_document(
        editor: Editor, id: _Id, version: _Number, why: Annotated[Readable, Query(min_length=1, max_length=2000)]
    ) -> Response:
        """It waits for no day any more; of one that does not wait nothing changes."""
        below = f"{path}/{id}/versions/{version}/schedule"
        change = partial(
            peers.call, kind.service, "DELETE", below, actor=editor.who, query={"why": why}, is_repeatable=True
        )
        return _told(await audited(audit, editor.who, f"{noun}.taken_back", f"{id} v{version}", change, why))

    @router.post("/{id}/rollback", name=f"roll_back_{noun}", response_model=view)
    async def roll_back_document(editor: Editor, id: _Id, asked: WhyDocument, key: IdempotencyKey = None) -> Response:
        """What was in force before, as a new version, at once."""
        return await ask(editor.who, "POST", f"{id}/rollback", "rolled_back", id, asked, key)

    @router.post("/{id}/stop", name=f"stop_{noun}", response_model=view)
    async def stop_document(editor: Editor, id: _Id, asked: StopDocument, key: IdempotencyKey = None) -> Response:
        """Nothing new comes of it; what is open goes on by its version."""
        return await ask(editor.who, "POST", f"{id}/stop", "stopped", id, asked, key)

    router.routes += _kind_routes(kind, peers, access).routes
    return router


def _kind_routes(kind: _Documents, peers: Peers, access: Access) -> APIRouter:
    router = Router(prefix="/v1/kinds", tags=["kinds"])
    Reader = Annotated[Principal, Depends(access.guard(kind.area, "see"))]

    @router.get(f"/{kind.path}", name=f"get_{kind.noun}_kind", response_model=KindView)
    async def get_kind(who: Reader) -> Response:
        """What people call the fields of these documents, and what can be done with a version."""
        return same(await peers.call(kind.service, "GET", f"/v1/kinds/{kind.path}", actor=who))

    return router


def _told(answer: httpx.Response) -> Response:
    """As the owner answered, with the version's ``ETag``."""
    response = same(answer)
    if (etag := answer.headers.get("etag")) is not None:
        response.headers["ETag"] = etag
    return response
