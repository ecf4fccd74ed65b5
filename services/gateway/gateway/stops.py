"""Stops of SMS, for those who may change rules, with the reason in the audit. Any worker of alerts may be asked: all
follow the same control topic.
"""

from functools import partial
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Query
from fastapi.responses import Response

from contracts.answers import StopView
from contracts.document_orders import Readable
from contracts.documents import DOCUMENT_ID
from contracts.http import StopSms
from gateway.access.grants import Principal
from gateway.access.viewer import Access, Viewer
from gateway.audit import Audit, audited
from gateway.peers import Peers
from gateway.scoped import same
from servicekit.routes import Router

_PATH = "/v1/stops"


def stop_routes(peers: Peers, audit: Audit, access: Access) -> APIRouter:
    """What is stopped; to stop, and to release."""
    router = Router(prefix=_PATH, tags=["stops"])
    Reader = Annotated[Principal, Depends(access.guard("rules", "see"))]
    Editor = Annotated[Viewer, Depends(access.everywhere("rules", "change"))]

    @router.get("", name="list_stops", response_model=list[StopView])
    async def list_stops(who: Reader) -> Response:
        """What is stopped, by name."""
        return same(await peers.call("alerts", "GET", _PATH, actor=who))

    @router.post("", name="stop_sms", response_model=StopView)
    async def stop_sms(editor: Editor, asked: StopSms) -> Response:
        """No SMS of a channel, a template, a kind of alert or a rule's alerts leaves after a second, whatever the log
        is at; what waits is held. 422: there is no such thing; 503: the log has not confirmed it."""
        body = asked.model_dump(mode="json")
        stop = partial(peers.call, "alerts", "POST", _PATH, actor=editor.who, body=body, is_repeatable=True)
        return same(await audited(audit, editor.who, "sms.stopped", asked.what, stop, asked.why))

    @router.delete("/{sort}/{id}", name="release_sms", response_model=StopView)
    async def release_sms(
        editor: Editor,
        sort: Annotated[Literal["channel", "template", "kind", "rule"], Path()],
        id: Annotated[str, Path(pattern=DOCUMENT_ID)],
        why: Annotated[Readable, Query(min_length=1, max_length=2000)],
    ) -> Response:
        """What was held goes, where it is still wanted. 404: it is not stopped."""
        what = f"{sort}/{id}"
        release = partial(
            peers.call, "alerts", "DELETE", f"{_PATH}/{what}", actor=editor.who, query={"why": why}, is_repeatable=True
        )
        return same(await audited(audit, editor.who, "sms.released", what, release, why))

    return router
