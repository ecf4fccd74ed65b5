"""HTTP API of manager-work."""

import uuid
from collections.abc import Awaitable, Callable
from pathlib import Path as File
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response

from contracts.http import AcceptWork, ActOnWork, CloseWork, HandOverWork, LogContact, ReleaseWork
from contracts.work_answers import ContactView, WorkChanged, WorkView
from manager_work.contacts import Log, contacts_key
from manager_work.domain import Command
from manager_work.handlers import IsKnown, manager_key
from manager_work.store import each_work, find_contacts, get_work
from servicekit.answer import array_answer, json_answer
from servicekit.auth import Guard, Principal
from servicekit.decision import Refused
from servicekit.envelope import Message, command
from servicekit.query import Filter, Id, IdempotencyKey, since_instant
from servicekit.routes import Router
from servicekit.store import Documents
from servicekit.versioned import IfMatch, version_of

Send = Callable[[Message], Awaitable[Any]]
_Asked = AcceptWork | ReleaseWork | ActOnWork | CloseWork | HandOverWork
Shown = Callable[[str, str], Awaitable[None]]
_ACT_FOR_OTHERS = ("head", "city_head", "administrator")


def router(rows: Documents, send: Send, shown: Shown, secret_file: File | None) -> APIRouter:
    """Work items to read, and what managers do with them. ``send`` passes a command to the processor, ``shown`` waits,
    for a moment, until ``rows`` have the item as it is by then: whoever changed it sees it in the next list.
    """
    api = Router(prefix="/v1", tags=["work"])
    Caller = Annotated[Principal, Depends(Guard(secret_file, "service"))]

    @api.get("/work", name="list_work", response_model=list[WorkView])
    async def list_work(
        who: Caller,
        customer: Filter = None,
        kind: Filter = None,
        since: Filter = None,
        state: Filter = None,
        manager: Filter = None,
    ) -> Response:
        earliest = since_instant(since)
        equal = {"customer_id": customer, "kind": kind, "state": state, "manager_id": manager}
        return await array_answer(each_work(rows, since=earliest, **equal))

    @api.get("/work/{work_id}", name="get_work", response_model=WorkView)
    async def get_one(who: Caller, work_id: Id) -> Response:
        item = await get_work(rows, work_id)
        if item is None:
            raise Refused("not_found", "没有此编号", "there is nothing of this id", 404)
        return json_answer(item)

    @api.get("/contacts", name="list_contacts", response_model=list[ContactView])
    async def list_contacts(
        who: Caller, customer: Annotated[str, Query(min_length=1, max_length=200)],
        limit: Annotated[int, Query(ge=1, le=1000)] = 200,
    ) -> Response:  # fmt: skip
        """A customer's contacts that belong to no work item, newest first."""
        return json_answer(await find_contacts(rows, customer, limit))

    @api.post("/customers/{customer_id}/contacts", name="log_contact", response_model=ContactView)
    async def log_contact(who: Caller, customer_id: Id, asked: LogContact, key: IdempotencyKey = None) -> Response:
        order = Log(customer_id, who.subject, key=key, **asked.model_dump())
        contact = await send(command("log_contact", contacts_key(customer_id), order, id=f"command/{uuid.uuid4()}"))
        await shown("contacts", contact.contact_id)
        return json_answer(contact)

    async def is_known(manager_id: str) -> bool:
        return bool(await send(command("is_known", manager_key(manager_id), IsKnown(), id=f"command/{uuid.uuid4()}")))

    async def carry_out(
        work_id: str, who: Principal, type_: str, asked: _Asked | None, key: str | None, read: str | None
    ) -> Response:
        fields = {} if asked is None else asked.model_dump()
        named = fields.pop("by", None)
        other = None if named == who.subject else named
        if other is not None and who.person_role not in _ACT_FOR_OTHERS:
            raise Refused(
                "may_not_act_for_another",
                "只能以自己的名义操作工单；主管或管理员才可代他人操作，请去掉 by",
                "work is done in one's own name; only a head or an administrator may act for another: leave out by",
                403,
            )
        taker = other or who.subject
        takes = taker if await is_known(taker) else None
        if other is not None and takes is None:
            raise Refused(
                "unknown_manager",
                "by 所指的客户经理不在 MGR 名单中或不在岗，不能代其操作",
                "by names nobody whom MGR lists as a manager at work: nothing can be done in their place",
                422,
            )
        if isinstance(asked, HandOverWork) and not await is_known(asked.to):
            raise Refused(
                "unknown_manager",
                "接手人不在 MGR 名单中或不在岗",
                "this is nobody whom MGR lists as a manager at work",
                422,
                "body.to",
            )
        after = None if read is None else version_of(read)
        order = Command(by=who.subject, on_behalf_of=other, taker=takes, key=key, after=after, **fields)
        changed = await send(command(type_, work_id, order, id=f"command/{uuid.uuid4()}"))
        await shown("work", work_id)
        return json_answer(changed)

    @api.post("/work/{work_id}/accept", name="accept_work", response_model=WorkChanged)
    async def accept_work(
        who: Caller, work_id: Id, asked: AcceptWork | None = None, key: IdempotencyKey = None, read: IfMatch = None
    ) -> Response:
        return await carry_out(work_id, who, "accept", asked, key, read)

    @api.post("/work/{work_id}/release", name="release_work", response_model=WorkChanged)
    async def release_work(
        who: Caller, work_id: Id, asked: ReleaseWork | None = None, key: IdempotencyKey = None, read: IfMatch = None
    ) -> Response:
        return await carry_out(work_id, who, "release", asked, key, read)

    @api.post("/work/{work_id}/act", name="act_on_work", response_model=WorkChanged)
    async def act_on_work(
        who: Caller, work_id: Id, asked: ActOnWork, key: IdempotencyKey = None, read: IfMatch = None
    ) -> Response:
        return await carry_out(work_id, who, "act", asked, key, read)

    @api.post("/work/{work_id}/close", name="close_work", response_model=WorkChanged)
    async def close_work(
        who: Caller, work_id: Id, asked: CloseWork, key: IdempotencyKey = None, read: IfMatch = None
    ) -> Response:
        return await carry_out(work_id, who, "close", asked, key, read)

    @api.post("/work/{work_id}/hand-over", name="hand_over_work", response_model=WorkChanged)
    async def hand_over_work(
        who: Caller, work_id: Id, asked: HandOverWork, key: IdempotencyKey = None, read: IfMatch = None
    ) -> Response:
        return await carry_out(work_id, who, "hand_over", asked, key, read)

    return api
