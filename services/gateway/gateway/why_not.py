"""Why no alert came to a customer: what each rule says of them, of the kinds of alerts that one sees. ``why-not`` is
the page's, ``whynot`` that of the command line."""

from http import HTTPStatus
from typing import Annotated, Any, TypeVar

import httpx
import msgspec
from fastapi import APIRouter, Depends
from fastapi.responses import Response

from contracts.why_not import RuleStands, WhyNot
from gateway.access.viewer import Access, Viewer, not_found
from gateway.audit import Audit
from gateway.peers import Peers, failed, segment
from gateway.projection.visible import About
from gateway.scoped import same
from servicekit.answer import json_answer
from servicekit.query import Filter, Id, Period
from servicekit.routes import Router

Rows = list[dict[str, Any]]
T = TypeVar("T")


def why_not_routes(peers: Peers, audit: Audit, access: Access) -> APIRouter:
    """``/v1/customers/{id}/why-not`` and ``/v1/customers/{id}/whynot``."""
    router = Router(prefix="/v1", tags=["customers"])
    Seer = Annotated[Viewer, Depends(access.may("customers"))]

    async def ask(viewer: Viewer, id: str, noun: str, query: dict[str, str | None]) -> httpx.Response:
        """What detection answers of a customer in scope; it is written down. Raises ``Refused``."""
        who, scope = viewer
        if await access.customer(scope, id) is None:
            await audit(who, "customer.why_not", id, str(HTTPStatus.NOT_FOUND.value))
            raise not_found()
        path = f"/v1/customers/{segment(id)}/{noun}"
        answer = await peers.call("alerts", "GET", path, actor=who, query=query, customer=id, owner_only=True)
        await audit(who, "customer.why_not", id, str(answer.status_code))
        return answer

    async def seen(viewer: Viewer, id: str, rules: Any) -> Rows:
        """Those that raise alerts of kinds that one sees."""
        try:
            kinds = [About(id, str(rule["kind"])) for rule in rules]
        except (KeyError, TypeError) as error:
            raise failed("alerts", "not what rules say") from error
        alerts = await access.viewer(viewer.who, "alerts")
        sees = await access.sees(alerts.scope, "alerts", *kinds)
        return [rule for rule, is_seen in zip(rules, sees, strict=True) if is_seen]

    @router.get("/customers/{id}/why-not", name="why_not", response_model=WhyNot)
    async def why_not(viewer: Seer, id: Id, period: Period = None) -> Response:
        """Of every rule each condition with its value and limit, of a month or the newest with figures."""
        answer = await ask(viewer, id, "why-not", {"period": period})
        if answer.status_code == HTTPStatus.NOT_FOUND:
            raise not_found()
        if not answer.is_success:
            return same(answer)
        content = _content(answer, dict[str, Any])
        return json_answer({**content, "rules": await seen(viewer, id, content.get("rules"))})

    @router.get("/customers/{id}/whynot", name="how_rules_stand", response_model=list[RuleStands])
    async def how_rules_stand(viewer: Seer, id: Id, rule: Filter = None, period: Period = None) -> Response:
        """How one rule in force stands, or each: of a month or the newest with figures, in words, exclusions first.
        404 where this rule is not in force, too."""
        answer = await ask(viewer, id, "whynot", {"rule": rule, "period": period})
        if not answer.is_success:
            return same(answer)
        return json_answer(await seen(viewer, id, _content(answer, Rows)))

    return router


def _content(answer: httpx.Response, shape: type[T]) -> T:
    """Raises ``Refused`` where it is not of this shape."""
    try:
        return msgspec.json.decode(answer.content, type=shape)
    except msgspec.MsgspecError as error:
        raise failed("alerts", "not what rules say") from error
