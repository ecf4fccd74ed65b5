"""Work that waits for anybody of a unit: how much there is, and taking the most urgent of it.

A customer without a manager is in nobody's scope but their city's: a manager is told how many items wait where they
work, and of which customer one is once it is theirs.
"""

import sqlite3
from functools import partial
from http import HTTPStatus
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends
from fastapi.responses import Response

from contracts.http import ClaimWork
from contracts.lists import Unclaimed
from contracts.work_answers import WorkChanged
from gateway.access.scope import Scope
from gateway.access.viewer import Access, Viewer
from gateway.audit import Audit, audited
from gateway.peers import Peers, segment
from gateway.projection.api import fresh
from gateway.projection.follow import Projection
from gateway.repeats import Repeats
from servicekit.answer import json_answer
from servicekit.decision import Refused
from servicekit.ids import derive
from servicekit.query import IdempotencyKey
from servicekit.routes import Router

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
#: what is asked here, as it is known again
_CLAIMS = "claims"
_decode = msgspec.json.Decoder(dict[str, Any]).decode


def claim_routes(projection: Projection, peers: Peers, audit: Audit, access: Access, repeats: Repeats) -> APIRouter:
    """``/v1/claims``."""
    router = Router(prefix="/v1", tags=["actions"])

    @router.get("/claims", name="count_unclaimed", response_model=Unclaimed)
    async def count_unclaimed(viewer: Annotated[Viewer, Depends(access.may("work"))]) -> Response:
        """How many open work items of their own unit a manager could claim; others see them in their list."""
        there, parameters = _there(viewer.scope)

        def read(connection: sqlite3.Connection) -> dict[str, Any]:
            found = connection.execute(f"SELECT count(*) FROM work r WHERE {_WAITS} AND {there}", parameters).fetchone()
            return {"count": found[0], **fresh(projection, connection)}

        return json_answer(await projection.store.read(read))

    @router.post("/claims", name="claim_work", response_model=WorkChanged)
    async def claim_work(
        viewer: Annotated[Viewer, Depends(access.may("work", "change"))],
        asked: ClaimWork | None = None,
        key: IdempotencyKey = None,
    ) -> Response:
        """The most urgent of these items is accepted by who calls, and theirs from then on. 404 ``nothing_to_claim``:
        none is left."""
        body = asked or ClaimWork()
        return json_answer(await repeats.once(viewer.who, key, _CLAIMS, body, lambda: take(viewer, body, key)))

    async def take(viewer: Viewer, body: ClaimWork, key: str | None) -> dict[str, Any]:
        """Under a key the item is noted before it is taken, and taken under a key of its own: where the answer was
        lost, the repeat comes to the same item, and manager-work tells again what it did."""
        who, before = viewer.who, await repeats.noted(viewer.who, key, _CLAIMS)
        headers = None if key is None else {"Idempotency-Key": derive("claim", who.subject, key)}
        for work_id in await projection.store.read(partial(_candidates, viewer, before)):
            await repeats.note(who, key, _CLAIMS, work_id)
            accept = partial(
                peers.call,
                "manager-work",
                "POST",
                f"/v1/work/{segment(work_id)}/accept",
                actor=who.acting,
                body=body.model_dump(mode="json", exclude_none=True),
                headers=headers,
            )
            answer = await audited(audit, who, "work.claim", work_id, accept)
            said = _decode(answer.content)
            if answer.is_success:
                return said
            if said.get("error") != _TAKEN:
                await repeats.note(who, key, _CLAIMS, None)
                raise Refused(said["error"], said["zh"], said["en"], answer.status_code)
        raise Refused("nothing_to_claim", "没有待认领的工单", "no work item is unclaimed", HTTPStatus.NOT_FOUND)

    return router


def _candidates(viewer: Viewer, before: str | None, connection: sqlite3.Connection) -> list[str]:
    """What is tried, most urgent first; before all others the one that an earlier request set about, which may be
    theirs by now."""
    there, parameters = _there(viewer.scope)
    found = connection.execute(
        f"SELECT r.work_id FROM work r WHERE {_WAITS} AND {there} ORDER BY r.due_at, r.work_id LIMIT {_MOST_TRIED}",
        parameters,
    )
    ids = [work_id for (work_id,) in found]
    again = connection.execute(
        f"SELECT r.work_id FROM work r WHERE r.work_id = ? AND (r.holder_id = ? OR {there})",
        (before, viewer.who.acting.subject, *parameters),
    )
    return list(dict.fromkeys([*(work_id for (work_id,) in again), *ids]))


def _there(scope: Scope) -> tuple[str, list[Any]]:
    """Of the units where the managers of a scope work."""
    parts: list[str] = []
    parameters: list[Any] = []
    for reach in scope.reaches:
        if reach.managers:
            parts.append(_HERE + (_OF_KINDS if reach.kinds else ""))
            parameters += [_array(values) for values in (reach.managers, reach.kinds) if values]
    return f"({' OR '.join(f'({part})' for part in parts) or '0'})", parameters


def _array(values: frozenset[str]) -> str:
    return msgspec.json.encode(sorted(values)).decode()
