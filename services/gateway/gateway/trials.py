"""Trials of rules: who may change rules may try them; alerts does it."""

from functools import partial
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query
from fastapi.responses import Response

from contracts.answers import TrialView
from contracts.document_orders import TryRule
from contracts.documents import DOCUMENT_ID
from gateway.access.viewer import Access, Viewer
from gateway.audit import Audit, audited
from gateway.peers import Peers
from gateway.scoped import same
from servicekit.query import IdempotencyKey
from servicekit.routes import Router

_Rule = Annotated[str, Path(pattern=DOCUMENT_ID)]
_Number = Annotated[int, Path(ge=1, le=10**9)]
_Trial = Annotated[str, Path(pattern=r"^[0-9a-f-]{36}$")]


def trial_routes(peers: Peers, audit: Audit, access: Access) -> APIRouter:
    """Start, watch, call off."""
    router = Router(prefix="/v1/rules", tags=["rules"])
    # A result names customers of the whole province: it is for those who change rules, not for all who see them.
    Editor = Annotated[Viewer, Depends(access.everywhere("rules", "change"))]

    @router.post(
        "/{id}/versions/{version}/try", name="try_rule", response_model=TrialView, status_code=HTTPStatus.ACCEPTED
    )
    async def try_rule(
        editor: Editor, id: _Rule, version: _Number, asked: TryRule, key: IdempotencyKey = None
    ) -> Response:
        """Try a version on the archive, against the version in force: whom would it have warned of, month by month. No
        alert, work item or SMS comes of it. ``GET /v1/rules/trials/{trial_id}`` tells how far it is, and the result."""
        begin = partial(
            peers.call,
            "alerts",
            "POST",
            f"/v1/rules/{id}/versions/{version}/try",
            actor=editor.who,
            body=asked.model_dump(mode="json", by_alias=True, exclude_none=True),
            headers=None if key is None else {"Idempotency-Key": key},
        )
        return same(await audited(audit, editor.who, "rule.tried", f"{id} v{version}", begin))

    @router.get("/{id}/trials", name="list_trials", response_model=list[TrialView])
    async def list_trials(
        editor: Editor, id: _Rule, version: Annotated[int | None, Query(ge=1, le=10**9)] = None
    ) -> Response:
        """Trials of a rule, or of one of its versions, the newest fifty first, without their results."""
        query = {"version": None if version is None else str(version)}
        return same(await peers.call("alerts", "GET", f"/v1/rules/{id}/trials", actor=editor.who, query=query))

    @router.get("/trials/{trial_id}", name="get_trial", response_model=TrialView)
    async def get_trial(editor: Editor, trial_id: _Trial) -> Response:
        """How far a trial has come; its result once ``state`` is done. Kept for 30 days."""
        answer = await peers.call("alerts", "GET", f"/v1/rules/trials/{trial_id}", actor=editor.who)
        await audit(editor.who, "rule.trial_read", trial_id, str(answer.status_code))
        return same(answer)

    @router.delete("/trials/{trial_id}", name="cancel_trial", response_model=TrialView)
    async def cancel_trial(editor: Editor, trial_id: _Trial) -> Response:
        """Call a trial off. One that has ended stays as it is."""
        cancel = partial(peers.call, "alerts", "DELETE", f"/v1/rules/trials/{trial_id}", actor=editor.who)
        return same(await audited(audit, editor.who, "rule.trial_called_off", trial_id, cancel))

    return router
