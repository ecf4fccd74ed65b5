"""What people do to alerts and work items: one, or several with what became of each.

An alert is acknowledged by accepting its work item, and follows it from there: there is one truth about who has what
in hand, and it is manager-work's.
"""

import asyncio
import sqlite3
from collections.abc import Sequence
from functools import partial
from http import HTTPStatus
from typing import Annotated, Any, NamedTuple

import httpx
import msgspec
from fastapi import APIRouter, Depends
from fastapi.responses import Response

from contracts.http import AcceptWork, ActOnWork, Alerts, AlertsTo, BulkWork, CloseWork, HandOverWork, ReleaseWork
from contracts.work_answers import RowResults, WorkChanged
from gateway import scoped
from gateway.access.viewer import Access, Viewer, not_found
from gateway.audit import Audit, audited
from gateway.colleagues import is_colleague
from gateway.peers import Peers, segment
from gateway.projection.store import ProjectionStore
from gateway.repeats import Repeats
from gateway.scoped import same
from servicekit.answer import json_answer
from servicekit.decision import Refused
from servicekit.ids import derive
from servicekit.query import Id, IdempotencyKey
from servicekit.routes import Router
from servicekit.versioned import IfMatch

#: So many of one request are under way at once.
_AT_ONCE = 8
#: refusals that say: it is so already
_SAME = {("accept", "work_accepted"), ("hand-over", "already_theirs")}
_Body = dict[str, Any]
_BULK_FIELDS: dict[str, tuple[str, ...]] = {
    "accept": ("note",),
    "release": (),
    "act": ("kind", "result", "follow_up_on", "note"),
    "close": ("outcome", "note"),
    "hand_over": ("to", "note"),
}
_NEEDED = {"act": "kind", "close": "outcome", "hand_over": "to"}


class _Refusal(msgspec.Struct):
    error: str
    zh: str
    en: str


class _Row(NamedTuple):
    """One of several, by the id it was named by; without ``work_id`` there is nothing to do, for this reason."""

    id: str
    work_id: str | None
    refusal: _Refusal | None = None


_decode_refusal = msgspec.json.Decoder(_Refusal).decode
_NOT_FOUND = _Refusal("not_found", not_found().zh, not_found().en)
_NO_WORK = _Refusal("no_work_item", "这条预警没有工单，不用处理", "this alert has no work item: nothing is to be done")


def work_routes(peers: Peers, audit: Audit, access: Access, store: ProjectionStore, repeats: Repeats) -> APIRouter:
    """Accept, act, close, hand over, take an acceptance back; acknowledge alerts."""
    router = Router(prefix="/v1", tags=["actions"])
    Worker = Annotated[Viewer, Depends(access.may("work", "change"))]
    Alerted = Annotated[Viewer, Depends(access.may("alerts", "change"))]

    async def ask(
        viewer: Viewer, work_id: str, action: str, body: _Body, key: str | None, read: str | None = None
    ) -> httpx.Response:
        headers = {"Idempotency-Key": key, "If-Match": read}
        change = partial(
            peers.call,
            "manager-work",
            "POST",
            f"/v1/work/{segment(work_id)}/{action}",
            actor=viewer.who.acting,
            body=body,
            headers={name: value for name, value in headers.items() if value is not None},
        )
        return await audited(audit, viewer.who, f"work.{action}", work_id, change)

    async def one(
        viewer: Viewer, id: str, action: str, asked: Any, key: str | None, read: str | None = None
    ) -> Response:
        if not viewer.scope.is_everything:
            known = await access.work_item(id)
            if known is not None:
                (is_seen,) = await access.sees(viewer.scope, "work", known)
                if not is_seen:
                    raise not_found()
            else:  # younger than the read model
                there = await peers.call("manager-work", "GET", f"/v1/work/{segment(id)}", actor=viewer.who)
                checked = await scoped.item(access, viewer.scope, "manager-work", "work", there)
                if checked.status_code >= HTTPStatus.BAD_REQUEST:
                    return checked
        body = {} if asked is None else asked.model_dump(mode="json", exclude_none=True)
        await check_stand_in(viewer, body.get("by"))
        answer = await ask(viewer, id, action, body, key, read)
        if answer.status_code == HTTPStatus.NOT_FOUND:
            raise not_found()
        return same(answer)

    async def several(viewer: Viewer, rows: Sequence[_Row], action: str, body: _Body, key: str | None) -> Response:
        places = asyncio.Semaphore(_AT_ONCE)

        async def carry_out(row: _Row) -> dict[str, Any]:
            if row.work_id is None:
                return _result(row, "refused", row.refusal)
            async with places:
                own_key = None if key is None else derive("one of", key, row.work_id)
                try:
                    answer = await ask(viewer, row.work_id, action, body, own_key)
                except Refused as refusal:  # the service is away: others may still have been done
                    return _result(row, "refused", _Refusal(refusal.code, refusal.zh, refusal.en))
            if answer.is_success:
                return _result(row, "done", None)
            said = _decode_refusal(answer.content)
            is_same = (action, said.error) in _SAME
            return _result(row, "same" if is_same else "refused", None if is_same else said)

        results = await asyncio.gather(*map(carry_out, rows))
        done = sum(result["result"] == "done" for result in results)
        refused = sum(result["result"] == "refused" for result in results)
        return json_answer({"done": done, "refused": refused, "results": results})

    async def of_alerts(viewer: Viewer, ids: Sequence[str]) -> list[_Row]:
        """The work items of alerts that are in sight."""
        visible = viewer.scope.visible("alerts")

        def read(connection: sqlite3.Connection) -> dict[str, str | None]:
            return dict(
                connection.execute(
                    "SELECT r.alert_id, w.work_id FROM alerts r LEFT JOIN work w ON w.alert_id = r.alert_id"
                    f" WHERE r.alert_id IN (SELECT value FROM json_each(?)) AND ({visible.condition})",
                    (_array(ids), *visible.parameters),
                ).fetchall()
            )

        found = await store.read(read)
        return [_Row(id, found.get(id), _NO_WORK if id in found else _NOT_FOUND) for id in dict.fromkeys(ids)]

    async def of_work(viewer: Viewer, ids: Sequence[str]) -> list[_Row]:
        visible = viewer.scope.visible("work")

        def read(connection: sqlite3.Connection) -> set[str]:
            found = connection.execute(
                "SELECT r.work_id FROM work r WHERE r.work_id IN (SELECT value FROM json_each(?))"
                f" AND ({visible.condition})",
                (_array(ids), *visible.parameters),
            )
            return {id for (id,) in found}

        found = await store.read(read)
        return [_Row(id, id if id in found else None, _NOT_FOUND) for id in dict.fromkeys(ids)]

    async def check_receiver(viewer: Viewer, manager_id: str) -> None:
        if not await store.read(lambda connection: is_colleague(connection, viewer, manager_id)):
            raise Refused(
                "not_a_colleague",
                "只能转派给本人范围内单位的客户经理",
                "work is handed over to managers of the units within one's own scope",
                HTTPStatus.UNPROCESSABLE_ENTITY,
                "to",
            )

    async def check_stand_in(viewer: Viewer, manager_id: Any) -> None:
        """One refusal for a manager whom there is not and for one out of scope: nobody learns here who works where."""
        who = viewer.who
        if manager_id in (None, who.subject) or who.role == "manager" or viewer.scope.is_everything:
            return  # a manager acts for nobody: manager-work refuses that, whoever is named
        if not await store.read(lambda connection: is_colleague(connection, viewer, manager_id)):
            raise Refused(
                "not_a_colleague",
                "只能代本人范围内单位的客户经理操作",
                "work is done in the place of managers of the units within one's own scope",
                HTTPStatus.UNPROCESSABLE_ENTITY,
                "by",
            )

    # --- several: before the single items, whose addresses are longer -----------------------------------------------

    @router.post("/alerts/acknowledge", name="acknowledge_alerts", response_model=RowResults)
    async def acknowledge_alerts(viewer: Alerted, asked: Alerts, key: IdempotencyKey = None) -> Response:
        """Alerts are known to who calls, and the work that they ask for is theirs; `unacknowledge` takes it back."""
        await repeats.check(viewer.who, key, "alerts.acknowledge", asked)
        return await several(viewer, await of_alerts(viewer, asked.ids), "accept", {}, key)

    @router.post("/alerts/unacknowledge", name="unacknowledge_alerts", response_model=RowResults)
    async def unacknowledge_alerts(viewer: Alerted, asked: Alerts, key: IdempotencyKey = None) -> Response:
        """Takes one's own acknowledgement back, as long as nothing has happened since."""
        await repeats.check(viewer.who, key, "alerts.unacknowledge", asked)
        return await several(viewer, await of_alerts(viewer, asked.ids), "release", {}, key)

    @router.post("/alerts/hand-over", name="hand_over_alerts", response_model=RowResults)
    async def hand_over_alerts(viewer: Alerted, asked: AlertsTo, key: IdempotencyKey = None) -> Response:
        """The work of these alerts goes to another manager (`list_colleagues`), new, to accept."""
        await check_receiver(viewer, asked.to)
        await repeats.check(viewer.who, key, "alerts.hand-over", asked)
        body = asked.model_dump(mode="json", exclude_none=True, exclude={"ids"})
        return await several(viewer, await of_alerts(viewer, asked.ids), "hand-over", body, key)

    @router.post("/work/bulk", name="bulk_work", response_model=RowResults)
    async def bulk_work(viewer: Worker, asked: BulkWork, key: IdempotencyKey = None) -> Response:
        """The same done to several work items. ``act`` needs a ``kind``, ``close`` an ``outcome``, ``hand_over`` a
        ``to``."""
        needed = _NEEDED.get(asked.action)
        if needed is not None and getattr(asked, needed) is None:
            raise Refused(
                "bad_request",
                f"{asked.action} 需要 {needed}",
                f"{asked.action} needs {needed}",
                HTTPStatus.UNPROCESSABLE_ENTITY,
                f"body.{needed}",
            )
        if asked.to is not None and asked.action == "hand_over":
            await check_receiver(viewer, asked.to)
        await repeats.check(viewer.who, key, "work.bulk", asked)
        fields = set(_BULK_FIELDS[asked.action])
        body = asked.model_dump(mode="json", exclude_none=True, include=fields)
        return await several(viewer, await of_work(viewer, asked.ids), asked.action.replace("_", "-"), body, key)

    # --- one --------------------------------------------------------------------------------------------------------

    @router.post("/work/{id}/accept", name="accept_work", response_model=WorkChanged)
    async def accept_work(
        viewer: Worker, id: Id, asked: AcceptWork | None = None, key: IdempotencyKey = None, read: IfMatch = None
    ) -> Response:
        return await one(viewer, id, "accept", asked, key, read)

    @router.post("/work/{id}/release", name="release_work", response_model=WorkChanged)
    async def release_work(
        viewer: Worker, id: Id, asked: ReleaseWork | None = None, key: IdempotencyKey = None, read: IfMatch = None
    ) -> Response:
        """Takes one's own acceptance back, as long as nothing has happened since (409 ``cannot_be_undone``)."""
        return await one(viewer, id, "release", asked, key, read)

    @router.post("/work/{id}/act", name="act_on_work", response_model=WorkChanged)
    async def act_on_work(
        viewer: Worker, id: Id, asked: ActOnWork, key: IdempotencyKey = None, read: IfMatch = None
    ) -> Response:
        """What was done, and what came of it. ``If-Match``: the item's ``revision`` as it was on screen; 412 where
        another person has changed it since."""
        return await one(viewer, id, "act", asked, key, read)

    @router.post("/work/{id}/close", name="close_work", response_model=WorkChanged)
    async def close_work(
        viewer: Worker, id: Id, asked: CloseWork, key: IdempotencyKey = None, read: IfMatch = None
    ) -> Response:
        return await one(viewer, id, "close", asked, key, read)

    @router.post("/work/{id}/hand-over", name="hand_over_work", response_model=WorkChanged)
    async def hand_over_work(
        viewer: Worker, id: Id, asked: HandOverWork, key: IdempotencyKey = None, read: IfMatch = None
    ) -> Response:
        """To another manager (`list_colleagues`), new, to accept."""
        await check_receiver(viewer, asked.to)
        return await one(viewer, id, "hand-over", asked, key, read)

    return router


def _result(row: _Row, result: str, refusal: _Refusal | None) -> dict[str, Any]:
    said = {} if refusal is None else msgspec.structs.asdict(refusal)
    return {"id": row.id, "result": result, "work_id": row.work_id, **said}


def _array(ids: Sequence[str]) -> str:
    return msgspec.json.encode(list(ids)).decode()
