"""Alerts of rules that run in shadow: for those who may change rules, of the customers whom that right reaches."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from contracts.alert_answers import ShadowAlertView
from gateway import scoped
from gateway.access.viewer import Access, Viewer
from gateway.audit import Audit, narrowed_by
from gateway.peers import Peers
from servicekit.query import AtMost, Filter
from servicekit.routes import Router

#: lists at once, of all and of one person, as of other alerts
_LISTS, _LISTS_EACH = 8, 2


def shadow_routes(peers: Peers, audit: Audit, access: Access) -> APIRouter:
    """``/v1/shadow-alerts``."""
    router = Router(prefix="/v1", tags=["rules"])
    lists = AtMost(_LISTS, _LISTS_EACH)

    @router.get("/shadow-alerts", name="list_shadow_alerts", response_model=list[ShadowAlertView])
    async def list_shadow_alerts(
        request: Request,
        viewer: Annotated[Viewer, Depends(access.may("rules", "change"))],
        customer: Filter = None,
        kind: Filter = None,
        since: Filter = None,
        state: Filter = None,
    ) -> Response:
        """What versions in shadow would have warned of; in no other list, count or figure."""
        query = {"customer": customer, "kind": kind, "since": since, "state": state}
        who, path = viewer.who, "/v1/shadow-alerts"
        ask = partial(peers.call, "alerts", "GET", path, actor=who, query=query, customer=customer)
        place, gone = lists.of(who.subject), request.is_disconnected
        found = await scoped.listed(access, viewer.scope, "alerts", "alerts", ask, place, gone)
        await audit(who, "rule.shadow", narrowed_by(query), str(found.status_code))
        return found

    return router
