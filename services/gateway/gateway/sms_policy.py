"""What the SMS policy comes to: how budgets stand, and texts that people send to themselves."""

from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.responses import Response

from contracts.alert_answers import BudgetView, SmsWritten
from contracts.http import SendTest
from gateway.access.grants import Principal
from gateway.access.viewer import Access, Viewer
from gateway.audit import Audit
from gateway.identity.users import Users
from gateway.merging import budgets
from gateway.peers import Peers
from gateway.scoped import same, whole
from servicekit.query import IdempotencyKey
from servicekit.routes import Router


def sms_policy_routes(peers: Peers, audit: Audit, access: Access, users: Users) -> APIRouter:
    """``GET /v1/sms/budget`` and ``POST /v1/sms/test``. ``users``: whose account has which number."""
    router = Router(prefix="/v1/sms", tags=["sms"])

    @router.get("/budget", name="list_budgets", response_model=list[BudgetView])
    async def list_budgets(who: Annotated[Principal, Depends(access.guard("rules", "see"))]) -> Response:
        """What SMS of the business day have taken of each budget, in all processes."""
        return same(whole("alerts", budgets, await peers.call_all("alerts", "/v1/sms/budget", actor=who)))

    @router.post("/test", name="send_test", response_model=SmsWritten)
    async def send_test(
        editor: Annotated[Viewer, Depends(access.everywhere("rules", "change"))],
        asked: SendTest,
        key: IdempotencyKey = None,
    ) -> Response:
        """A text in force, to oneself: it takes the road of all SMS, is marked as a test and counts in no customer's
        limits. 403: the number is neither one's own nor allowed by the SMS policy; 429: so many a day; under the same
        Idempotency-Key it is sent once."""
        who = editor.who
        account = await users.get(who.subject)
        own = None if account is None else account.document.phone
        answer = await peers.call(
            "alerts",
            "POST",
            "/v1/sms/test",
            actor=who,
            body={**asked.model_dump(mode="json"), "own": own},
            headers={} if key is None else {"Idempotency-Key": key},
            customer=f"test|{who.subject}",
        )
        await audit(who, "sms.test", asked.template, str(answer.status_code))
        return same(answer)

    return router
