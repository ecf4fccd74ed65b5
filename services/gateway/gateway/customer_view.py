"""The screen of one customer: the head, open alerts and the newest of the time line in one answer; the rest by routes
of their own. A service that is away leaves out what it knows, and is named."""

import asyncio
import sqlite3
from collections.abc import Awaitable
from http import HTTPStatus
from typing import Annotated, Any, NamedTuple

import httpx
import msgspec
from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response

from contracts.customers import CustomerAccount, CustomerHistory, CustomerView, Timeline
from gateway import scoped, timeline
from gateway.access.viewer import Access, Viewer, not_found
from gateway.arrears_ages import ages_of
from gateway.audit import Audit
from gateway.contacts import contacts_of
from gateway.customers import profile_of
from gateway.feeds.standing import of_city, standing
from gateway.peers import Peers
from gateway.projection import lists
from gateway.projection.api import SHAPES, fresh, shape
from gateway.projection.follow import Projection
from gateway.projection.specs import LISTS
from gateway.projection.visible import List, Subject, Visible
from gateway.scoped import age, same
from gateway.told import Contact, Page, WorkItem, page_of, work_items_of
from gateway.told import contacts_of as logged_of
from servicekit.age import HEADER
from servicekit.answer import json_answer
from servicekit.clock import at_local, iso, local_date
from servicekit.decision import Refused
from servicekit.personal import FIELDS, FieldClass
from servicekit.query import Filter, Id
from servicekit.routes import Router

ENTRIES, MOST_ENTRIES, _MOST_ALERTS, _MEAN_OF = 20, 100, 20, 6
_ACCOUNT = ("bills", "usages", "payments", "arrears", "balance", "contracts", "complaints", "requests")
_Json = dict[str, Any]


class _Sight(NamedTuple):
    """What somebody sees of this customer, area by area."""

    viewer: Viewer
    subject: Subject
    clear: frozenset[FieldClass]
    work: Viewer
    rows: dict[List, Visible]


class _Work(NamedTuple):
    """What manager-work knows of a customer, in scope."""

    items: list[WorkItem]
    contacts: list[Contact]


def customer_view_routes(projection: Projection, peers: Peers, audit: Audit, access: Access) -> APIRouter:
    """``/v1/customers/{id}/view``, ``timeline``, ``account`` and ``history``."""
    router = Router(prefix="/v1/customers/{id}", tags=["customers"])
    Reader = Annotated[Viewer, Depends(access.may("customers"))]

    async def sight(viewer: Viewer, id: str, action: str) -> _Sight:
        subject = await access.customer(viewer.scope, id)
        if subject is None:
            await audit(viewer.who, action, id, str(HTTPStatus.NOT_FOUND.value))
            raise not_found()
        alerts, work, sms = [await access.viewer(viewer.who, area) for area in ("alerts", "work", "sms")]
        rows: dict[List, Visible] = {
            "customers": viewer.scope.visible("customers"),
            "alerts": alerts.scope.visible("alerts"),
            "work": work.scope.visible("work"),
            "sms": sms.scope.visible("sms"),
        }
        return _Sight(viewer, subject, frozenset(viewer.scope.clear(subject)), work, rows)

    async def profile(seen: _Sight, id: str, *, history: bool = False) -> httpx.Response:
        return await profile_of(peers, id, seen.viewer.who, in_clear=bool(seen.clear), history=history)

    async def work_of(seen: _Sight, id: str) -> _Work | None:
        """None: manager-work is away."""
        query: dict[str, str | None] = {"customer": id}
        who = seen.viewer.who
        items, contacts = await asyncio.gather(
            _unless_away(peers.call("manager-work", "GET", "/v1/work", actor=who, query=query)),
            _unless_away(peers.call("manager-work", "GET", "/v1/contacts", actor=who, query=query)),
        )
        if items is None or contacts is None:
            return None
        rows = work_items_of(items)
        seen_items = await access.sees(seen.work.scope, "work", *(row.about for row in rows))
        return _Work([row for row, is_seen in zip(rows, seen_items, strict=True) if is_seen], logged_of(contacts))

    def told(work: _Work | None, page: Page | None) -> tuple[list[_Json], list[str]]:
        """Entries of what services said, and who did not answer."""
        missing = [*([] if page else ["customer-profile"]), *([] if work else ["manager-work"])]
        entries = [] if page is None else [*timeline.of_complaints(page.complaints)]
        if work is not None:
            entries += [*timeline.of_work(work.items), *timeline.of_contacts(work.contacts)]
        return entries, missing

    async def both(seen: _Sight, id: str) -> tuple[Page | None, _Work | None]:
        answer, work = await asyncio.gather(_unless_away(profile(seen, id)), work_of(seen, id))
        if answer is None:
            return None, work
        return (None if answer.status_code == HTTPStatus.NOT_FOUND else _page(answer, seen)[0]), work

    @router.get("/view", name="view_customer", response_model=CustomerView)
    async def view_customer(viewer: Reader, id: Id) -> Response:
        """What the page of a customer begins with."""
        seen = await sight(viewer, id, "customer.read")
        page, work = await both(seen, id)
        entries, missing = told(work, page)
        today = iso(at_local(local_date(projection.clock)))
        open_alerts = lists.where("alerts", seen.rows["alerts"], {"customer": id, "open": "1"}, projection.clock)

        def read(connection: sqlite3.Connection) -> _Json | None:
            row = _row(connection, id, seen.rows)
            if row is None and page is None:
                return None
            alerts, _, _ = lists.page(connection, open_alerts, "severity", None, _MOST_ALERTS)
            found = timeline.of_rows(connection, id, seen.rows, timeline.OF, None, ENTRIES)
            shown, following = timeline.page([*entries, *found], None, ENTRIES)
            timeline.name_people(connection, shown)
            return {
                "customer": row or _unknown_row(id),
                "manager": _manager(connection, id),
                "contacts": contacts_of(connection, seen.rows.__getitem__, id, today),
                "alerts": [shape(SHAPES["alerts"], alert, seen.rows["alerts"]) for alert in alerts],
                "entries": shown,
                "next": following,
                **fresh(projection, connection),
            }

        found = await projection.store.read(read)
        status = HTTPStatus.NOT_FOUND if found is None else HTTPStatus.OK
        await audit(viewer.who, "customer.read", id, str(status.value))
        if found is None:
            raise not_found()
        revealing = await access.viewer(viewer.who, "customers", "reveal")
        classes = {*revealing.scope.reveals(seen.subject)} - seen.clear
        found |= {
            "profile": None if page is None else page.customer,
            "figures": None if page is None else _figures(page),
            "reveals": sorted(field for field, of in FIELDS.items() if of in classes and field != "customer_name"),
            "missing": missing,
        }
        behind = found["seconds_behind"]
        return json_answer(found, headers={} if behind is None else {HEADER: f"{behind:.3f}"})

    @router.get("/timeline", name="page_timeline", response_model=Timeline)
    async def page_timeline(
        viewer: Reader,
        id: Id,
        of: Filter = None,
        cursor: Annotated[str | None, Query(max_length=400, description="`next` of the page before")] = None,
        limit: Annotated[int, Query(ge=1, le=MOST_ENTRIES)] = ENTRIES,
    ) -> Response:
        """``of``: alert, sms, complaint, contact, step; several with commas."""
        asked, before = timeline.kinds_of(of), timeline.cursor_of(cursor)
        seen = await sight(viewer, id, "customer.timeline")
        page, work = await both(seen, id)
        entries, missing = told(work, page)
        entries = [entry for entry in entries if entry["of"] in asked]

        def read(connection: sqlite3.Connection) -> _Json:
            found = timeline.of_rows(connection, id, seen.rows, asked, before, limit)
            shown, following = timeline.page([*entries, *found], before, limit)
            timeline.name_people(connection, shown)
            return {"entries": shown, "next": following, "missing": missing, **fresh(projection, connection)}

        content = await projection.store.read(read)
        await audit(viewer.who, "customer.timeline", id, "200")
        return json_answer(content)

    @router.get("/account", name="get_account", response_model=CustomerAccount)
    async def get_account(viewer: Reader, id: Id) -> Response:
        """Bills and usage of two years, payments, debt by its age, contracts, complaints, requests."""
        seen = await sight(viewer, id, "customer.account")
        answer, come = await asyncio.gather(profile(seen, id), standing(peers.feeds))
        await audit(viewer.who, "customer.account", id, str(answer.status_code))
        if answer.status_code == HTTPStatus.NOT_FOUND:
            raise not_found()
        if not answer.is_success:
            return same(answer)
        _, page = _page(answer, seen)
        city = (page["customer"] or {}).get("city")
        content = {name: page[name] for name in _ACCOUNT} | {
            "ages": ages_of(page["arrears"], page["bills"]),
            "files": None if come is None else of_city(come, city),
        }
        return json_answer(content, headers=age(answer))

    @router.get("/history", name="get_history", response_model=CustomerHistory)
    async def get_history(viewer: Reader, id: Id) -> Response:
        """Which field changed when, from what to what, by which record."""
        seen = await sight(viewer, id, "customer.history")
        answer = await profile(seen, id, history=True)
        await audit(viewer.who, "customer.history", id, str(answer.status_code))
        if answer.status_code == HTTPStatus.NOT_FOUND:
            raise not_found()
        if not answer.is_success:
            return same(answer)
        return json_answer({"changes": _page(answer, seen)[0].history}, headers=age(answer))

    return router


async def _unless_away(asked: Awaitable[httpx.Response]) -> httpx.Response | None:
    """The answer; None where the service can't give one just now."""
    try:
        answer = await asked
    except Refused as refusal:
        if refusal.status < HTTPStatus.INTERNAL_SERVER_ERROR:
            raise
        return None
    return answer if answer.is_success or answer.status_code == HTTPStatus.NOT_FOUND else None


def _page(answer: httpx.Response, seen: _Sight) -> tuple[Page, _Json]:
    """customer-profile's page, masked as they may see it: what we rely on, and all of it."""
    return page_of(msgspec.json.encode(scoped.page_of(answer, seen.clear)))


def _row(connection: sqlite3.Connection, id: str, visible: dict[List, Visible]) -> _Json | None:
    spec = LISTS["customers"]
    found = connection.execute(
        f"SELECT {spec.columns} FROM customers r {spec.decorations} WHERE r.customer_id = ? AND r.known = 1", (id,)
    ).fetchone()
    if found is None:
        return None
    row = shape(SHAPES["customers"], found, visible["customers"])
    lists.count_open(connection, [row], visible.__getitem__)
    return row


def _unknown_row(id: str) -> _Json:
    """Of whom only bills and the like have come."""
    names = (
        "phone status district area brand plan_code monthly_fee_fen opened_on credit_class corporate_id role"
        " customer_name customer_kind city unit_id manager_id manager_name do_not_disturb"
    )
    return {**dict.fromkeys(names.split()), "customer_id": id, "open_alerts": 0, "open_work": 0}


def _manager(connection: sqlite3.Connection, id: str) -> _Json | None:
    found = connection.execute(
        "SELECT c.manager_id, m.name, m.extension, c.unit_id, u.name AS unit_name FROM customers c"
        " LEFT JOIN managers m ON m.manager_id = c.manager_id LEFT JOIN units u ON u.unit_id = c.unit_id"
        " WHERE c.customer_id = ? AND c.manager_id IS NOT NULL",
        (id,),
    ).fetchone()
    return None if found is None else dict(found)


def _figures(page: Page) -> _Json:
    amounts = [bill.amount_fen for bill in page.bills[:_MEAN_OF] if bill.amount_fen is not None]
    arrears, balance = page.arrears, page.balance
    return {
        "arrears_fen": None if arrears is None else arrears.amount_fen,
        "arrears_as_of": None if arrears is None else arrears.as_of,
        "oldest_due_on": None if arrears is None else arrears.oldest_due_on,
        "suspended": None if arrears is None else arrears.suspended,
        "balance_fen": None if balance is None else balance.balance_fen,
        "mean_fen": round(sum(amounts) / len(amounts)) if amounts else None,
        "months": len(amounts),
    }
