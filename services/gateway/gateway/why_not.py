"""Why no alert came to a customer: what each rule says of them, of the kinds of alerts that one sees."""

from http import HTTPStatus
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends
from fastapi.responses import Response

from contracts.why_not import WhyNot
from gateway.access.viewer import Access, Viewer, not_found
from gateway.audit import Audit
from gateway.peers import Peers, failed, segment
from gateway.projection.visible import About
from gateway.scoped import same
from servicekit.answer import json_answer
from servicekit.query import Id, Period

_decode = msgspec.json.Decoder(dict[str, Any]).decode


def why_not_routes(peers: Peers, audit: Audit, access: Access) -> APIRouter:
    """``/v1/customers/{id}/why-not``."""
    router = APIRouter(prefix="/v1", tags=["customers"])

    @router.get("/customers/{id}/why-not", name="why_not", response_model=WhyNot)
    async def why_not(
        viewer: Annotated[Viewer, Depends(access.may("customers"))], id: Id, period: Period = None
    ) -> Response:
        """Of every rule each condition with its value and limit, of a month or the newest with figures."""
        who, scope = viewer
        if await access.customer(scope, id) is None:
            await audit(who, "customer.why_not", id, str(HTTPStatus.NOT_FOUND.value))
            raise not_found()
        answer = await peers.call(
            "alerts",
            "GET",
            f"/v1/customers/{segment(id)}/why-not",
            actor=who,
            query={"period": period},
            customer=id,
            owner_only=True,
        )
        await audit(who, "customer.why_not", id, str(answer.status_code))
        if answer.status_code == HTTPStatus.NOT_FOUND:
            raise not_found()
        if not answer.is_success:
            return same(answer)
        try:
            content = _decode(answer.content)
            kinds = [About(id, str(rule["kind"])) for rule in content["rules"]]
        except (msgspec.MsgspecError, KeyError, TypeError) as error:
            raise failed("alerts", "not what rules say") from error
        alerts = await access.viewer(who, "alerts")
        seen = await access.sees(alerts.scope, "alerts", *kinds)
        content["rules"] = [rule for rule, is_seen in zip(content["rules"], seen, strict=True) if is_seen]
        return json_answer(content)

    return router
