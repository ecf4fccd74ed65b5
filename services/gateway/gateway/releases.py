"""What the brake holds (ADR 0023): seen and decided by whoever may change rules in that city, with the reason in the
audit. billing-sync keeps the word on each, once.
"""

import asyncio
from functools import partial
from http import HTTPStatus
from typing import Annotated, Any

import httpx
import msgspec
from fastapi import APIRouter, Depends, Path
from fastapi.responses import Response
from pydantic import TypeAdapter, ValidationError

from contracts.brake import Verdict
from contracts.releases import RELEASE_ID, DecideRelease, DecideStep, ReleaseView, StepView, in_order, merged
from gateway.access.viewer import Access, Viewer, not_found
from gateway.audit import Audit, audited
from gateway.peers import Peers, failed
from gateway.scoped import same
from servicekit.answer import json_answer
from servicekit.decision import Refused
from servicekit.routes import Router

_PATH, _FILES, _STEPS = "/v1/releases", "billing-sync", "alerts"
#: header: services of which a list lacks something, with commas
MISSING = "Kam-Missing"
_INCOMPLETE: dict[int | str, dict[str, Any]] = {
    int(HTTPStatus.OK): {
        "headers": {
            MISSING: {
                "schema": {"type": "string"},
                "description": "services that have not answered, or not with all of their processes, with commas: rows"
                " may be missing, and counts too low; absent where the list is whole",
                "example": _STEPS,
            }
        }
    }
}
_Id = Annotated[str, Path(pattern=RELEASE_ID)]
_rows = TypeAdapter(list[StepView])


class _Word(msgspec.Struct):
    verdict: Verdict
    by: str
    why: str
    decided_at: str


_decode_word = msgspec.json.Decoder(_Word).decode
_DECIDED: dict[int | str, dict[str, Any]] = {
    int(HTTPStatus.CONFLICT): {
        "description": "somebody has decided already, the text says who; or it is more by now than was shown"
    }
}


def _read(service: str, answer: httpx.Response | Refused) -> list[StepView]:
    """Raises ``Refused``."""
    if isinstance(answer, Refused):
        raise answer
    if not answer.is_success:
        raise failed(service, f"HTTP {answer.status_code}")
    try:
        return _rows.validate_json(answer.content)
    except ValidationError as error:
        raise failed(service, "not its releases") from error


def _changed(count: int) -> Refused:
    return Refused(
        "changed",
        f"现在有 {count} 名客户在等，与所见的不同；请刷新后再决定",
        f"{count} customers wait by now, not as many as were shown: look again, then decide",
        409,
        "count",
    )


class Releases:
    """What the brake holds, as files and alerts have it."""

    def __init__(self, peers: Peers) -> None:
        self._peers = peers

    async def seen(self, viewer: Viewer) -> tuple[list[StepView], dict[str, Refused]]:
        """All of the cities that somebody sees, of all workers together: what waits first, then the newest; and which
        services it lacks something of, and why."""
        each = (self._peers.call_each(service, _PATH, actor=viewer.who) for service in (_FILES, _STEPS))
        rows, missing = dict[str, StepView](), dict[str, Refused]()
        for service, answers in zip((_FILES, _STEPS), await asyncio.gather(*each), strict=True):
            for answer in answers:
                try:
                    told = _read(service, answer)
                except Refused as refused:
                    missing.setdefault(service, refused)
                    continue
                for row in told:
                    rows[row.id] = merged(rows[row.id], row) if row.id in rows else row
        return [row for row in in_order(rows.values()) if viewer.scope.sees_city(row.city)], missing

    async def one(self, viewer: Viewer, id: str) -> StepView:
        """What waits at the file can be decided on while alerts is away, what alerts holds only as a whole. Raises
        ``Refused``."""
        rows, missing = await self.seen(viewer)
        row = next((row for row in rows if row.id == id), None)
        if row is not None and (row.source == "file" or _STEPS not in missing):
            return row
        raise next(iter(missing.values()), not_found())


def release_routes(releases: Releases, peers: Peers, audit: Audit, access: Access) -> APIRouter:
    """What waits and what waited; to let it go, and to turn it away."""
    router = Router(prefix=_PATH, tags=["releases"])
    See = Annotated[Viewer, Depends(access.may("rules"))]
    Change = Annotated[Viewer, Depends(access.may("rules", "change"))]

    async def decide(viewer: Viewer, id: str, verdict: Verdict, asked: DecideRelease) -> Response:
        release = await releases.one(viewer, id)
        if asked.count is not None and release.state == "waiting" and asked.count != release.count:
            raise _changed(release.count)
        action, verb = ("release.go", "go") if verdict == "released" else ("release.reject", "reject")
        path, body = f"{_PATH}/{id}/{verb}", DecideRelease(why=asked.why).model_dump(exclude_none=True)
        if release.source == "step":
            # The word is about what was waiting when it was said, not about what comes to wait meanwhile.
            path = f"/v1/steps/{id}/{verdict}"
            body = DecideStep(why=asked.why, parts=release.parts).model_dump(mode="json")
        say = partial(peers.call, _FILES, "POST", path, actor=viewer.who, body=body)
        answer = await audited(audit, viewer.who, action, id, say, asked.why)
        if not answer.is_success or release.source == "file":
            return same(answer)
        try:
            placed = _decode_word(answer.content)
        except msgspec.MsgspecError as error:
            raise failed(_FILES, "not a word on a release") from error
        said = {"state": placed.verdict, "by": placed.by, "why": placed.why, "decided_at": placed.decided_at}
        return json_answer(release.model_copy(update=said).plain().model_dump())

    @router.get("", name="list_releases", response_model=list[ReleaseView], responses=_INCOMPLETE)
    async def list_releases(viewer: See) -> Response:
        """What waits for a person's word, with its numbers; then what waited, newest first. Where a process does not
        answer the rest is told, and ``Kam-Missing`` says whose is missing; 503 where none answers."""
        rows, missing = await releases.seen(viewer)
        if not rows and len(missing) == 2:
            raise missing[_FILES]
        headers = {MISSING: ", ".join(sorted(missing))} if missing else {}
        return json_answer([row.plain().model_dump() for row in rows], headers=headers)

    @router.get("/{id}", name="get_release", response_model=ReleaseView)
    async def get_release(viewer: See, id: _Id) -> Response:
        """One of them."""
        return json_answer((await releases.one(viewer, id)).plain().model_dump())

    @router.post("/{id}/go", name="go_release", response_model=ReleaseView, responses=_DECIDED)
    async def go_release(viewer: Change, id: _Id, asked: DecideRelease) -> Response:
        """Let it go, as it was shown. 409: somebody has decided, and who."""
        return await decide(viewer, id, "released", asked)

    @router.post("/{id}/reject", name="reject_release", response_model=ReleaseView, responses=_DECIDED)
    async def reject_release(viewer: Change, id: _Id, asked: DecideRelease) -> Response:
        """Turn it away: nothing comes of it. 409: somebody has decided, and who."""
        return await decide(viewer, id, "rejected", asked)

    return router
