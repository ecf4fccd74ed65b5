"""HTTP API of customer-profile."""

from pathlib import Path

from fastapi import APIRouter, Depends
from fastapi.responses import Response

from contracts.customer_answers import CustomerPage
from customer_profile.store import Pages
from servicekit.answer import json_answer
from servicekit.auth import Guard
from servicekit.decision import Refused
from servicekit.query import Id
from servicekit.routes import Router


def router(pages: Pages, secret_file: Path | None) -> APIRouter:
    """The customer page. Personal fields are masked unless ``unmask=1`` asks for them: who may, the gateway says."""
    api = Router(prefix="/v1", tags=["customers"], dependencies=[Depends(Guard(secret_file, "service"))])

    @api.get(
        "/customers/{customer_id}",
        name="get_customer",
        response_model=CustomerPage,
    )
    async def get_customer(customer_id: Id, unmask: bool = False, history: bool = True) -> Response:
        """``history=0`` leaves out what changed when."""
        page = await pages.page(customer_id, personal=unmask, history=history)
        if page is None:
            raise Refused(
                "unknown_customer",
                f"没有客户 {customer_id}：BOSS 尚未送来该客户的任何记录",
                f"no customer {customer_id}: BOSS has not sent any record of theirs yet",
                404,
            )
        return json_answer(page)

    return api
