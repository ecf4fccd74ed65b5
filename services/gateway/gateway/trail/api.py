"""Who read or changed what, for administrators."""

import sqlite3
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response

from contracts.access import AuditPage
from gateway.access.viewer import Access, Viewer
from gateway.audit import Audit, narrowed_by
from gateway.trail.follow import Trail
from gateway.trail.store import find
from servicekit.age import moment
from servicekit.answer import json_answer
from servicekit.query import Filter
from servicekit.routes import Router

PAGE, MOST = 50, 200


def audit_routes(trail: Trail, access: Access, audit: Audit) -> APIRouter:
    """Search of the audit log."""
    router = Router(prefix="/v1/admin", tags=["administration"])
    Reader = Annotated[Viewer, Depends(access.everywhere("admin"))]

    @router.get("/audit", name="page_audit", response_model=AuditPage)
    async def page_audit(
        viewer: Reader,
        actor: Filter = None,
        action: Filter = None,
        object: Filter = None,
        role: Filter = None,
        result: Filter = None,
        correlation_id: Filter = None,
        since: Filter = None,
        until: Filter = None,
        cursor: Annotated[str | None, Query(max_length=400, description="`next` of the page before")] = None,
        limit: Annotated[int, Query(ge=1, le=MOST)] = PAGE,
    ) -> Response:
        """For whoever has the right over the whole province: who read what, by what filter, tells of everybody's
        customers. Newest first. ``actor``, ``action``, ``role``, ``result``: lists with commas; ``object`` and
        ``correlation_id``: how it begins; ``since`` (from) and ``until`` (before): days or times."""
        asked = {
            "actor": actor,
            "action": action,
            "object": object,
            "role": role,
            "result": result,
            "correlation_id": correlation_id,
            "since": since,
            "until": until,
        }
        as_of = trail.as_of()

        def read(connection: sqlite3.Connection) -> tuple[list[dict[str, Any]], str | None]:
            return find(connection, asked, cursor, limit)

        rows, following = await trail.store.read(read)
        await audit(viewer.who, "audit.read", narrowed_by(asked), "200")
        return json_answer({"rows": rows, "next": following, **moment(as_of)})

    return router
