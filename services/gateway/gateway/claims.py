"""Work that waits for anybody of a unit: how much there is, and taking the most urgent of it.

A customer without a manager is in nobody's scope but their city's: a manager is told how many items wait where they
work, and of which customer one is once it is theirs.
"""

import sqlite3
from http import HTTPStatus
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends
from fastapi.responses import Response

from contracts.answers import WorkChanged
from contracts.http import AcceptWork
from contracts.lists import Unclaimed
from gateway.access.scope import Scope
from gateway.access.viewer import Access, Viewer
from gateway.audit import Audit
from gateway.peers import Peers, segment
from gateway.projection.api import fresh
from gateway.projection.follow import Projection
from gateway.repeats import Repeats
from servicekit.answer import json_answer
from servicekit.decision import Refused
from servicekit.query import IdempotencyKey

#: Others take from the same queue: so many are tried.
_MOST_TRIED = 5
_WAITS = "r.open = 1 AND r.state = 'new' AND r.holder_id IS NULL"
_HERE = (
    "EXISTS (SELECT 1 FROM managers m LEFT JOIN units u ON u.unit_id = m.unit_id"
    " WHERE m.manager_id IN (SELECT value FROM json_each(?))"
    " AND (r.unit_id = m.unit_id OR (r.manager_id IS NULL AND r.city = u.city)))"
)
_OF_KINDS = (
    " AND EXISTS (SELECT 1 FROM alerts k WHERE k.alert_id = r.alert_id AND k.kind IN (SELECT value FROM json_each(?)))"
)
_TAKEN = "work_accepted"
_decode = msgspec.json.Decoder(dict[str, Any]).decode


def claim_routes(projection: Projection, peers: Peers, audit: Audit, access: Access, repeats: Repeats) -> APIRouter:
    """``/v1/claims``."""
    router = APIRouter(prefix="/v1", tags=["actions"])

    @router.get("/claims", name="count_unclaimed", response_model=Unclaimed)
    async def count_unclaimed(viewer: Annotated[Viewer, Depends(access.may("work"))]) -> Response:
        """How many open work items of their own unit a manager could claim; others see them in their list."""
        condition, parameters = _waiting(viewer.scope)

        def read(connection: sqlite3.Connection) -> dict[str, Any]:
            found = connection.execute(f"SELECT count(*) FROM work r WHERE {condition}", parameters).fetchone()
            return {"count": found[0], **fresh(projection, connection)}

        return json_answer(await projection.store.read(read))

    @router.post("/claims", name="claim_work", response_model=WorkChanged)
    async def claim_work(
        viewer: Annotated[Viewer, Depends(access.may("work", "change"))],
        asked: AcceptWork | None = None,
        key: IdempotencyKey = None,
    ) -> Response:
        """The most urgent of these items is accepted by who calls, and theirs from then on. 404 ``nothing_to_claim``:
        none is left."""
        body = asked or AcceptWork()
        return json_answer(await repeats.once(viewer.who, key, "claims", body, lambda: take(viewer, body)))

    async def take(viewer: Viewer, body: AcceptWork) -> dict[str, Any]:
        condition, parameters = _waiting(viewer.scope)

        def read(connection: sqlite3.Connection) -> list[str]:
            found = connection.execute(
                f"SELECT r.work_id FROM work r WHERE {condition} ORDER BY r.due_at, r.work_id LIMIT {_MOST_TRIED}",
                parameters,
            )
            return [work_id for (work_id,) in found]

        for work_id in await projection.store.read(read):
            answer = await peers.call(
                "manager-work",
                "POST",
                f"/v1/work/{segment(work_id)}/accept",
                actor=viewer.who.acting,
                body=body.model_dump(mode="json", exclude_none=True),
            )
            await audit(viewer.who, "work.claim", work_id, str(answer.status_code))
            said = _decode(answer.content)
            if answer.is_success:
                return said
            if said.get("error") != _TAKEN:
                raise Refused(said["error"], said["zh"], said["en"], answer.status_code)
        raise Refused("nothing_to_claim", "没有待认领的工单", "no work item is unclaimed", HTTPStatus.NOT_FOUND)

    return router


def _waiting(scope: Scope) -> tuple[str, list[Any]]:
    """Of the units where the managers of a scope work."""
    parts: list[str] = []
    parameters: list[Any] = []
    for reach in scope.reaches:
        if reach.managers:
            parts.append(_HERE + (_OF_KINDS if reach.kinds else ""))
            parameters += [_array(values) for values in (reach.managers, reach.kinds) if values]
    return f"{_WAITS} AND ({' OR '.join(f'({part})' for part in parts) or '0'})", parameters


def _array(values: frozenset[str]) -> str:
    return msgspec.json.encode(sorted(values)).decode()
