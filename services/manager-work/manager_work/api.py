"""HTTP API of manager-work."""

import uuid
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any, TypeVar

import msgspec
from fastapi import APIRouter, Body, Depends, Header

from contracts.alert import ManagerOutcome
from manager_work.domain import Command
from manager_work.store import find_work
from servicekit.auth import Guard, Principal
from servicekit.decision import Refused
from servicekit.envelope import Message, command
from servicekit.query import since_instant
from servicekit.store import Rows

Send = Callable[[Message], Awaitable[Any]]
T = TypeVar("T")
Text = Annotated[str, msgspec.Meta(max_length=4000)]


class Accept(msgspec.Struct, forbid_unknown_fields=True):
    """Body of accept. ``by`` counts only from a service that speaks for a person."""

    by: str | None = None
    note: Text | None = None


class Act(msgspec.Struct, forbid_unknown_fields=True):
    """Body of act."""

    kind: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    note: Text | None = None
    by: str | None = None


class Close(msgspec.Struct, forbid_unknown_fields=True):
    """Body of close."""

    outcome: ManagerOutcome
    note: Text | None = None
    by: str | None = None


def _read(fields: dict[str, Any] | None, body: type[T]) -> T:
    try:
        return msgspec.convert(fields or {}, body)
    except msgspec.ValidationError as error:
        raise Refused(
            "bad_request", f"请求内容有误：{error}", f"the request is not as it should be: {error}", 422
        ) from error


def router(rows: Rows, send: Send, secret_file: Path | None) -> APIRouter:
    """Work items to read, and what managers do with them. ``send`` passes a command to the unit."""
    api = APIRouter(prefix="/v1", tags=["work"])
    Reader = Annotated[
        Principal,
        Depends(Guard(secret_file, "service", "manager", "head", "analyst", "operations", "administrator")),
    ]
    Worker = Annotated[Principal, Depends(Guard(secret_file, "service", "manager", "head"))]
    Key = Annotated[str | None, Header(alias="Idempotency-Key", max_length=200)]
    Fields = Annotated[dict[str, Any] | None, Body()]

    @api.get("/work", name="list_work")
    async def list_work(
        who: Reader,
        customer: str | None = None,
        kind: str | None = None,
        since: str | None = None,
        state: str | None = None,
        manager: str | None = None,
    ) -> list[dict[str, Any]]:
        earliest = since_instant(since)
        return await find_work(rows, since=earliest, customer_id=customer, kind=kind, state=state, manager_id=manager)

    async def carry_out(
        work_id: str, who: Principal, type_: str, asked: Accept | Act | Close, key: str | None
    ) -> dict[str, Any]:
        by = asked.by if who.role == "service" and asked.by else who.subject
        order = Command(**{**msgspec.structs.asdict(asked), "by": by, "key": key})
        work = await send(command(type_, work_id, order, id=f"command/{uuid.uuid4()}"))
        answer: dict[str, Any] = msgspec.to_builtins(work)
        return answer

    @api.post("/work/{work_id}/accept", name="accept_work")
    async def accept_work(who: Worker, work_id: str, fields: Fields = None, key: Key = None) -> dict[str, Any]:
        return await carry_out(work_id, who, "accept", _read(fields, Accept), key)

    @api.post("/work/{work_id}/act", name="act_on_work")
    async def act_on_work(who: Worker, work_id: str, fields: Fields = None, key: Key = None) -> dict[str, Any]:
        return await carry_out(work_id, who, "act", _read(fields, Act), key)

    @api.post("/work/{work_id}/close", name="close_work")
    async def close_work(who: Worker, work_id: str, fields: Fields = None, key: Key = None) -> dict[str, Any]:
        return await carry_out(work_id, who, "close", _read(fields, Close), key)

    return api
