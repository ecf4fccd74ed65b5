"""Lists, counts and search of the workbench: rows of the read model, each page with the moment it is of."""

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response

from contracts.alert import LEVELS
from contracts.lists import AlertPage, Asked, CustomerPageOfRows, Facets, Found, SmsPage, WorkPage
from gateway.access.viewer import Access, Viewer
from gateway.audit import Audit, narrowed_by
from gateway.projection import lists, search
from gateway.projection.follow import Projection
from gateway.projection.schema import NEVER
from gateway.projection.visible import List, Visible, subject_of
from servicekit.age import HEADER, moment
from servicekit.answer import json_answer
from servicekit.personal import shown
from servicekit.query import Filter
from servicekit.routes import Router

PAGE, MOST = 50, 200
Sort = Annotated[str | None, Query(max_length=40, description="-name: the other way round")]
Cursor = Annotated[str | None, Query(max_length=2000, description="`next` of the page before")]
Limit = Annotated[int, Query(ge=1, le=MOST)]
Flag = Annotated[bool | None, Query()]
#: what comes of a row's JSON columns and flags
_FLAGS = ("late", "do_not_disturb")
PERSONAL = ("customer_name",)
_Asked = Mapping[str, str | bool | None]
_Shape = Callable[[dict[str, Any]], dict[str, Any]]
_NOTHING_SHOWN = b'{"reasons":[],"values":{}}'
_decode_shown = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


def list_routes(projection: Projection, audit: Audit, access: Access) -> APIRouter:
    """``access`` says what somebody sees of a list; nothing here gives out a row, a count or an id without it."""
    router = Router(prefix="/v1", tags=["lists"])
    OfAlerts = Annotated[Viewer, Depends(access.may("alerts"))]
    OfWork = Annotated[Viewer, Depends(access.may("work"))]
    OfSms = Annotated[Viewer, Depends(access.may("sms"))]
    OfCustomers = Annotated[Viewer, Depends(access.may("customers"))]

    def answer(content: dict[str, Any]) -> Response:
        behind = content["seconds_behind"]
        return json_answer(content, headers={} if behind is None else {HEADER: f"{behind:.3f}"})

    async def page(
        viewer: Viewer, list_: List, asked: _Asked, sort: str | None, cursor: str | None, limit: int
    ) -> Response:
        visible = viewer.scope.visible(list_)
        where = lists.where(list_, visible, _texts(asked), projection.clock)

        def read(connection: sqlite3.Connection) -> dict[str, Any]:
            found, total, following = lists.page(connection, where, sort, cursor, limit)
            found_rows = shaped_rows(connection, list_, found, visible, viewer.scope.visible)
            return {"rows": found_rows, "total": total, "next": following, **fresh(projection, connection)}

        content = await projection.store.read(read)
        which = {"sort": sort, "limit": None if limit == PAGE else str(limit), "page": cursor and _digest(cursor)}
        await audit(viewer.who, f"{list_}.list", narrowed_by(_texts({**asked, **which})), "200")
        return answer(content)

    async def count(viewer: Viewer, list_: List, asked: _Asked) -> Response:
        now = projection.clock
        where = lists.where(list_, viewer.scope.visible(list_), _texts(asked), now)

        def read(connection: sqlite3.Connection) -> dict[str, Any]:
            return {**lists.facets(connection, where, now), **fresh(projection, connection)}

        return answer(await projection.store.read(read))

    def alert_filters(
        kind: Filter = None, state: Filter = None, stage: Filter = None, severity: Filter = None, rule: Filter = None,
        outcome: Filter = None, period: Filter = None, city: Filter = None, unit: Filter = None, manager: Filter = None,
        customer: Filter = None, due: Filter = None, since: Filter = None, until: Filter = None, open: Flag = None,
        age: Filter = None, ended_since: Filter = None, ended_until: Filter = None, changed_since: Filter = None,
        escalated: Flag = None, suppressed: Flag = None, id: Filter = None,
    ) -> _Asked:  # fmt: skip
        return dict(locals())

    def work_filters(
        type: Filter = None, state: Filter = None, outcome: Filter = None, queue: Filter = None, alert: Filter = None,
        city: Filter = None, unit: Filter = None, manager: Filter = None, customer: Filter = None, due: Filter = None,
        holder: Filter = None, since: Filter = None, until: Filter = None, changed_since: Filter = None,
        first_since: Filter = None, open: Flag = None, unattended: Flag = None, id: Filter = None,
    ) -> _Asked:  # fmt: skip
        return dict(locals())

    def sms_filters(
        state: Filter = None, reason: Filter = None, template: Filter = None, alert: Filter = None, city: Filter = None,
        unit: Filter = None, manager: Filter = None, customer: Filter = None, since: Filter = None,
        until: Filter = None, id: Filter = None,
    ) -> _Asked:  # fmt: skip
        return dict(locals())

    def customer_filters(
        kind: Filter = None, status: Filter = None, area: Filter = None, brand: Filter = None, plan: Filter = None,
        credit: Filter = None, corporate: Filter = None, role: Filter = None, city: Filter = None, unit: Filter = None,
        manager: Filter = None, customer: Filter = None,
    ) -> _Asked:  # fmt: skip
        return dict(locals())

    @router.get("/lists/alerts", name="page_alerts", response_model=AlertPage)
    async def page_alerts(
        viewer: OfAlerts, asked: Annotated[_Asked, Depends(alert_filters)],
        sort: Sort = None, cursor: Cursor = None, limit: Limit = PAGE,
    ) -> Response:  # fmt: skip
        """Sorts: due, severity, raised, amount. ``due``: overdue, today, tomorrow, week, later, none."""
        return await page(viewer, "alerts", asked, sort, cursor, limit)

    @router.get("/lists/work", name="page_work", response_model=WorkPage)
    async def page_work(
        viewer: OfWork, asked: Annotated[_Asked, Depends(work_filters)],
        sort: Sort = None, cursor: Cursor = None, limit: Limit = PAGE,
    ) -> Response:  # fmt: skip
        """Sorts: due, opened. ``holder``: who has the item in hand; ``none``: nobody, it waits in a queue.
        ``unattended``: open, and overdue or in nobody's hand; ``first_since``: taken on then or later."""
        return await page(viewer, "work", asked, sort, cursor, limit)

    @router.get("/lists/sms", name="page_sms", response_model=SmsPage)
    async def page_sms(
        viewer: OfSms, asked: Annotated[_Asked, Depends(sms_filters)],
        sort: Sort = None, cursor: Cursor = None, limit: Limit = PAGE,
    ) -> Response:  # fmt: skip
        """Sort: planned, newest first unless asked otherwise."""
        return await page(viewer, "sms", asked, sort, cursor, limit)

    @router.get("/lists/customers", name="page_customers", response_model=CustomerPageOfRows)
    async def page_customers(
        viewer: OfCustomers, asked: Annotated[_Asked, Depends(customer_filters)],
        sort: Sort = None, cursor: Cursor = None, limit: Limit = PAGE,
    ) -> Response:  # fmt: skip
        """Sorts: name (as it is said), id, fee, opened."""
        return await page(viewer, "customers", asked, sort, cursor, limit)

    @router.get("/lists/alerts/facets", name="count_alerts", response_model=Facets)
    async def count_alerts(viewer: OfAlerts, asked: Annotated[_Asked, Depends(alert_filters)]) -> Response:
        return await count(viewer, "alerts", asked)

    @router.get("/lists/work/facets", name="count_work", response_model=Facets)
    async def count_work(viewer: OfWork, asked: Annotated[_Asked, Depends(work_filters)]) -> Response:
        return await count(viewer, "work", asked)

    @router.get("/lists/sms/facets", name="count_sms", response_model=Facets)
    async def count_sms(viewer: OfSms, asked: Annotated[_Asked, Depends(sms_filters)]) -> Response:
        return await count(viewer, "sms", asked)

    @router.get("/lists/customers/facets", name="count_customers", response_model=Facets)
    async def count_customers(viewer: OfCustomers, asked: Annotated[_Asked, Depends(customer_filters)]) -> Response:
        return await count(viewer, "customers", asked)

    @router.post("/search", name="search", response_model=Found)
    async def find(viewer: OfCustomers, asked: Asked) -> Response:
        """Customers by number, name, pinyin (in full or by initials), phone or its last four digits; items by id, of
        the areas that one may see."""
        visible, key = viewer.scope.visible("customers"), projection.rows.phone_key(asked.text)
        sights: dict[List, Visible] = {
            "alerts": (await access.viewer(viewer.who, "alerts")).scope.visible("alerts"),
            "work": (await access.viewer(viewer.who, "work")).scope.visible("work"),
            "sms": (await access.viewer(viewer.who, "sms")).scope.visible("sms"),
        }

        def read(connection: sqlite3.Connection) -> dict[str, Any]:
            found = search.find_customers(connection, visible, asked.text, key, asked.limit)
            customers = [shape(_customer, row, visible) for row in found]
            lists.count_open(connection, customers, viewer.scope.visible)
            items = search.find_items(connection, sights, asked.text)
            return {"customers": customers, "items": items, **fresh(projection, connection)}

        content = await projection.store.read(read)
        # Not what was typed: it may be a number. How many were seen is what counts.
        await audit(viewer.who, "search", f"customers={len(content['customers'])}", "200")
        return answer(content)

    return router


def shaped_rows(
    connection: sqlite3.Connection,
    list_: List,
    found: Sequence[sqlite3.Row],
    visible: Visible,
    sight: Callable[[List], Visible],
) -> list[dict[str, Any]]:
    """Rows of a list as people get them; ``sight``: what they see of the others, some of which is counted beside."""
    shaped = [shape(SHAPES[list_], row, visible) for row in found]
    if list_ == "customers":
        lists.count_open(connection, shaped, sight)
    return shaped


def shape(shaped: _Shape, row: sqlite3.Row, visible: Visible) -> dict[str, Any]:
    """A row as people get it: personal fields as they may be seen, what only sorts and joins left out."""
    found = {name: row[name] for name in row.keys() if name not in _INNER}  # noqa: SIM118
    clear = visible.clear(subject_of(found))
    for name in PERSONAL:
        found[name] = shown(name, found[name], clear)
    for name in _FLAGS:
        if found.get(name) is not None:
            found[name] = bool(found[name])
    return shaped(found)


_INNER = frozenset(("place", "k0", "k1", "k2", "number", "name_sort"))


def _alert(row: dict[str, Any]) -> dict[str, Any]:
    rule = {"id": row.pop("rule_id"), "version": row.pop("rule_version")}
    due = None if row["due_at"] == NEVER else row["due_at"]
    shown = _decode_shown(row.pop("shown"))
    level, of_work = row["escalated"], row.pop("work_calendar")
    if row["work_id"] is not None:  # it is due when its work is
        shown["calendar"] = msgspec.Raw(of_work or b"null")
    row["escalated"] = level > 0
    row["escalated_to"] = LEVELS[min(level, len(LEVELS)) - 1] if level else None
    return {**row, "rule": rule, "due_at": due, **shown}


def _work(row: dict[str, Any]) -> dict[str, Any]:
    shown = row.pop("shown")
    told = _decode_shown(_NOTHING_SHOWN if shown is None else shown)
    calendar = msgspec.Raw(row["calendar"] or b"null")
    return {**row, "calendar": calendar, "reasons": told["reasons"], "values": told["values"]}


def _sms(row: dict[str, Any]) -> dict[str, Any]:
    return row


def _customer(row: dict[str, Any]) -> dict[str, Any]:
    return row


#: how rows of a list are given
SHAPES: dict[List, _Shape] = {"alerts": _alert, "work": _work, "sms": _sms, "customers": _customer}


def fresh(projection: Projection, connection: sqlite3.Connection) -> dict[str, Any]:
    """Of which moment an answer is (``Freshness``)."""
    return {
        **moment(projection.as_of()),
        "position": _position(connection),
        "rebuilding": not projection.is_whole,
    }


def _position(connection: sqlite3.Connection) -> int:
    found = connection.execute("SELECT value FROM meta WHERE name = 'seq'").fetchone()
    return 0 if found is None else int(found[0])


def _texts(asked: _Asked) -> dict[str, str | None]:
    return {name: str(int(value)) if isinstance(value, bool) else value for name, value in asked.items()}


def _digest(cursor: str) -> str:
    """Tells pages apart; a cursor itself may hold a name."""
    return sha256(cursor.encode()).hexdigest()[:8]
