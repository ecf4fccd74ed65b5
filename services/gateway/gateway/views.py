"""Saved views: a list's filter, order, columns and density under a name, one's own or shared with a unit.

A view is a document in versions, changed and removed by its owner alone. It holds no personal data: the filter is in
wire values, and what was typed as free text is no part of it.
"""

import sqlite3
from http import HTTPStatus
from typing import Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, Depends, Path, Query
from fastapi.responses import Response

from contracts.views import SavedView, ViewBody
from gateway.access.grants import Principal
from gateway.access.viewer import Access, Viewer, not_found
from gateway.identity.guard import Guards
from gateway.identity.users import Users
from gateway.projection.store import ProjectionStore
from servicekit.answer import json_answer
from servicekit.clock import SystemClock, iso, system_now
from servicekit.decision import Refused
from servicekit.query import IdempotencyKey
from servicekit.routes import Router
from servicekit.store import Documents
from servicekit.versioned import ETAG, IfMatch, Version, VersionedDocuments, version_of

VIEWS = "views"
#: by what views are looked for: whoever opens a list reads their own and their unit's, not everybody's
OWNER, UNIT = "document.owner", "document.unit_id"
#: of one person
MOST = 100
_READERS = ("manager", "head", "city_head", "analyst", "operations", "administrator")
_ACTIVE, _REMOVED = "active", "removed"
ViewPage = Literal["alerts", "work", "sms", "customers"]
ViewId = Annotated[str, Path(pattern=r"^[0-9A-Za-z-]{8,64}$")]
_UNIT_OF = "SELECT unit_id FROM managers WHERE manager_id = ? AND unit_id IS NOT NULL"
_ABOVE = (
    "WITH RECURSIVE above (unit_id) AS (SELECT value FROM json_each(?)"
    # UNION, not UNION ALL: a tree that BOSS has tied into a ring ends too.
    " UNION SELECT u.parent_id FROM units u JOIN above a ON u.unit_id = a.unit_id WHERE u.parent_id IS NOT NULL)"
    " SELECT unit_id FROM above"
)


class View(msgspec.Struct, frozen=True):
    """A view as its owner left it. ``query``: the filter as the page's address has it."""

    page: ViewPage
    name: str
    owner: str
    query: str = ""
    columns: tuple[str, ...] = ()
    density: Literal["normal", "compact"] | None = None
    unit_id: str | None = None


def view_routes(
    rows: Documents,
    access: Access,
    guards: Guards,
    users: Users,
    store: ProjectionStore,
    clock: SystemClock = system_now,
) -> APIRouter:
    """List, save and remove views."""
    router = Router(prefix="/v1/views", tags=["views"])
    Reader = Annotated[Principal, Depends(guards(*_READERS))]
    documents: VersionedDocuments[View] = VersionedDocuments(rows, VIEWS, View, clock)

    async def units_of(who: Principal) -> frozenset[str]:
        """Units whose shared views somebody sees: their own with those above it, and all within their scope."""
        user = None if who.session is None else await users.get(who.subject)
        own = None if user is None else user.document.unit_id
        viewer: Viewer = await access.viewer(who, "alerts")

        def read(connection: sqlite3.Connection) -> frozenset[str]:
            units = {unit for (unit,) in connection.execute(_UNIT_OF, (who.manager_id or who.owner,))}
            if own is not None:
                units.add(own)
            above = connection.execute(_ABOVE, (msgspec.json.encode(sorted(units)).decode(),))
            return frozenset(unit for (unit,) in above)

        within = (reach.units for reach in viewer.scope.reaches)
        return (await store.read(read)).union(*within)

    async def reaches(who: Principal, unit_id: str) -> bool:
        viewer = await access.viewer(who, "alerts")
        return any(reach.is_whole for reach in viewer.scope.reaches) or unit_id in await units_of(who)

    @router.get("", name="list_views", response_model=list[SavedView])
    async def list_views(
        who: Reader, page: Annotated[ViewPage | None, Query(description="of which list")] = None
    ) -> Response:
        """One's own and those shared with one's unit, by name."""
        units = await units_of(who)
        theirs = await documents.find({OWNER: who.owner}), await documents.find({UNIT: {"$in": sorted(units)}})
        known = {view.id: view for found in theirs for view in found}.values()
        found = [view for view in known if view.state == _ACTIVE and page in (None, view.document.page)]
        found.sort(key=lambda view: (view.document.owner != who.owner, view.document.name))
        return json_answer([_shown(view, who) for view in found])

    @router.put("/{id}", name="save_view", response_model=SavedView, responses={200: ETAG})
    async def save_view(
        who: Reader, id: ViewId, asked: ViewBody, if_match: IfMatch = None, key: IdempotencyKey = None
    ) -> Response:
        """A new view under an id that the caller makes (a UUID), or with ``If-Match`` the next version of one's own."""
        there = await documents.get(id)
        if there is not None and there.document.owner != who.owner:
            raise not_found()
        if there is None and len([v for v in await documents.find({OWNER: who.owner}) if v.state == _ACTIVE]) >= MOST:
            raise Refused("too_many_views", f"最多保存 {MOST} 个视图", f"at most {MOST} views are kept")
        if asked.unit_id is not None and not await reaches(who, asked.unit_id):
            raise Refused(
                "not_your_unit",
                "只能共享给自己所在或负责的单位",
                "views are shared with one's own unit, or one within one's scope",
                HTTPStatus.UNPROCESSABLE_ENTITY,
                "unit_id",
            )
        view = msgspec.convert({**asked.model_dump(), "owner": who.owner}, View)
        after = 0 if if_match is None else version_of(if_match)
        saved = await documents.save(id, view, after=after, author=who.owner, reason="saved", key=key)
        return json_answer(_shown(saved, who), headers={"ETag": saved.etag})

    @router.delete("/{id}", name="remove_view", status_code=HTTPStatus.NO_CONTENT)
    async def remove_view(who: Reader, id: ViewId) -> Response:
        """One's own; what is removed already stays so."""
        there = await documents.get(id)
        if there is None or there.document.owner != who.owner:
            raise not_found()
        if there.state != _REMOVED:
            await documents.save(
                id, there.document, after=there.version, author=who.owner, reason="removed", state=_REMOVED
            )
        return Response(status_code=HTTPStatus.NO_CONTENT)

    return router


def _shown(view: Version[View], who: Principal) -> dict[str, Any]:
    document = view.document
    return {
        "id": view.id,
        "version": view.version,
        "page": document.page,
        "name": document.name,
        "query": document.query,
        "columns": document.columns,
        "density": document.density,
        "unit_id": document.unit_id,
        "owner": document.owner,
        "is_own": document.owner == who.owner,
        "at": iso(view.at),
    }
