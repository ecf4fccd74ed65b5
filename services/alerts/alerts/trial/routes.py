"""HTTP of trials: start, watch, call off."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query
from fastapi.responses import Response

from alerts.trial.jobs import Trials
from contracts.answers import TrialView
from contracts.document_orders import TryRule
from contracts.documents import DOCUMENT_ID
from servicekit.answer import json_answer
from servicekit.auth import Guard, Principal
from servicekit.query import Id, IdempotencyKey
from servicekit.routes import Router

_Rule = Annotated[str, Path(pattern=DOCUMENT_ID)]
_Number = Annotated[int, Path(ge=1, le=10**9)]


def trial_routes(trials: Trials, guard: Guard) -> APIRouter:
    """For the gateway only."""
    router = Router(prefix="/v1/rules", tags=["rules"], dependencies=[Depends(guard)])
    Who = Annotated[Principal, Depends(guard)]

    @router.post("/{id}/versions/{version}/try", name="try_rule", response_model=TrialView, status_code=202)
    async def try_rule(who: Who, id: _Rule, version: _Number, asked: TryRule, key: IdempotencyKey = None) -> Response:
        """A trial of a version on the archive begins; nothing else comes of it. The same key gives the same one."""
        begun = await trials.start(id, version, asked.from_, asked.to, who.subject, key)
        return json_answer(begun, HTTPStatus.ACCEPTED)

    @router.get("/{id}/trials", name="list_trials", response_model=list[TrialView])
    async def list_trials(id: _Rule, version: Annotated[int | None, Query(ge=1, le=10**9)] = None) -> Response:
        """Of a rule, or of one of its versions, newest first, without their results."""
        return json_answer(await trials.of(id, version))

    @router.get("/trials/{trial_id}", name="get_trial", response_model=TrialView)
    async def get_trial(trial_id: Id) -> Response:
        """How far it has come, and its result."""
        return json_answer(await trials.get(trial_id))

    @router.delete("/trials/{trial_id}", name="cancel_trial", response_model=TrialView)
    async def cancel_trial(trial_id: Id) -> Response:
        """It is called off; what has ended stays as it is."""
        return json_answer(await trials.cancel(trial_id))

    return router
