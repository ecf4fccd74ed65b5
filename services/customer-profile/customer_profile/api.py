"""HTTP API of customer-profile."""

from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.responses import Response

from contracts.answers import CustomerPage
from customer_profile.store import Pages
from servicekit.answer import json_answer
from servicekit.auth import Guard, Principal
from servicekit.decision import Refused
from servicekit.query import Id

_MAY_UNMASK = ("service", "head")


def router(pages: Pages, secret_file: Path | None) -> APIRouter:
    """The customer page. Personal fields are masked unless a head or service asks for them with ``unmask=1``."""
    api = APIRouter(prefix="/v1", tags=["customers"])
    reader = Guard(secret_file, "service", "head", "manager", "operations", "administrator")

    @api.get(
        "/customers/{customer_id}",
        name="get_customer",
        response_model=CustomerPage,
    )
    async def get_customer(
        who: Annotated[Principal, Depends(reader)], customer_id: Id, unmask: bool = False
    ) -> Response:
        if unmask and who.role not in _MAY_UNMASK:
            raise Refused(
                "may_not_unmask",
                f"角色 {who.role} 不能查看未脱敏的个人信息，请去掉 unmask",
                f"role {who.role} may not see personal data in clear: leave out unmask",
                403,
            )
        page = await pages.page(customer_id, personal=unmask)
        if page is None:
            raise Refused(
                "unknown_customer",
                f"没有客户 {customer_id}：BOSS 尚未送来该客户的任何记录",
                f"no customer {customer_id}: BOSS has not sent any record of theirs yet",
                404,
            )
        return json_answer(page)

    return api
