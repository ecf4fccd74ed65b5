"""HTTP of stops: what is stopped, and by whom; to stop SMS of something, and to let them go again."""

from collections.abc import Callable, Collection, Mapping
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Query
from fastapi.responses import Response

from alerts.control_topic import ControlTopic
from contracts.answers import StopView
from contracts.control import Stop
from contracts.document_orders import Readable
from contracts.documents import DOCUMENT_ID
from contracts.http import StopSms
from servicekit.answer import json_answer
from servicekit.auth import Guard, Principal
from servicekit.clock import iso
from servicekit.decision import Refused
from servicekit.routes import Router

#: channel, template, kind, rule -> what there is of it
Known = Callable[[], Mapping[str, Collection[str]]]
Sort = Annotated[Literal["channel", "template", "kind", "rule"], Path()]
Id = Annotated[str, Path(pattern=DOCUMENT_ID)]
_MOST_NAMED = 20


def stop_routes(control: ControlTopic, known: Known, guard: Guard) -> APIRouter:
    """A stop of what is not ``known`` would hold back nothing: it is refused."""
    router = Router(prefix="/v1/stops", tags=["stops"], dependencies=[Depends(guard)])
    Who = Annotated[Principal, Depends(guard)]

    @router.get("", name="list_stops", response_model=list[StopView])
    async def list_stops() -> Response:
        """What is stopped, by name."""
        return json_answer([_view(stop) for stop in control.stops.all()])

    @router.post("", name="stop_sms", response_model=StopView)
    async def stop_sms(who: Who, asked: StopSms) -> Response:
        """Nothing of it leaves after a second, in any process; what waits is held."""
        _check(asked.what, known())
        return json_answer(_view(await control.stop(asked.what, who.subject, asked.why)))

    @router.delete("/{sort}/{id}", name="release_sms", response_model=StopView)
    async def release_sms(
        who: Who, sort: Sort, id: Id, why: Annotated[Readable, Query(min_length=1, max_length=2000)]
    ) -> Response:
        """What was held goes, where it is still wanted."""
        return json_answer(_view(await control.release(f"{sort}/{id}", who.subject, why)))

    return router


def _check(what: str, known: Mapping[str, Collection[str]]) -> None:
    sort, _, id = what.partition("/")
    there = sorted(known.get(sort, ()))
    if id not in there:
        named = [f"{sort}/{other}" for other in there[:_MOST_NAMED]]
        raise Refused(
            "unknown_stop",
            f"没有 {what}；可停的有 {'、'.join(named) or '无'}",
            f"there is no {what}; what can be stopped: {', '.join(named) or 'nothing'}",
            422,
            "what",
        )


def _view(stop: Stop) -> dict[str, str]:
    return {"what": stop.what, "by": stop.by, "why": stop.why, "at": iso(stop.at)}
