"""What should be seen before a customer is contacted, and to whom their work may go."""

import asyncio
import sqlite3
from collections.abc import Callable
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response

from contracts.lists import Colleague, Contacts
from gateway.access.viewer import Access, Viewer, not_found
from gateway.audit import Audit
from gateway.colleagues import colleagues
from gateway.projection.follow import Projection
from gateway.projection.lists import MOST_VALUES, values_of
from gateway.projection.visible import About, List, Visible
from servicekit.answer import json_answer
from servicekit.clock import at_local, iso, local_date
from servicekit.query import Id
from servicekit.routes import Router

#: SMS to a customer on one day; the sender keeps to it, here it is only told
MOST_SMS_A_DAY = 3
_SENT = "('sending', 'sent', 'delivered', 'unknown')"


def contact_routes(projection: Projection, audit: Audit, access: Access) -> APIRouter:
    """The last contact with a customer, and colleagues."""
    router = Router(prefix="/v1")

    @router.get("/contacts/{customer_id}", name="get_contacts", response_model=Contacts, tags=["customers"])
    async def get_contacts(viewer: Annotated[Viewer, Depends(access.may("customers"))], customer_id: Id) -> Response:
        """When somebody last had to do with this customer, SMS of today, and whether they want to be left alone."""
        if await access.customer(viewer.scope, customer_id) is None:
            raise not_found()
        today = iso(at_local(local_date(projection.clock)))
        sight = viewer.scope.visible
        found = await projection.store.read(lambda connection: contacts_of(connection, sight, customer_id, today))
        if found is None:
            raise not_found()
        await audit(viewer.who, "contacts.read", customer_id, str(HTTPStatus.OK.value))
        return json_answer(found)

    @router.get("/contacts", name="list_contacts", response_model=list[Contacts], tags=["customers"])
    async def list_contacts(
        viewer: Annotated[Viewer, Depends(access.may("customers"))],
        customer: Annotated[str, Query(max_length=10_000, description=f"ids with commas, at most {MOST_VALUES}")],
    ) -> Response:
        """The same of several customers, in the order asked for; who is not known or out of scope is not among them."""
        ids = values_of("customer", customer)
        seen = await access.sees(viewer.scope, "customers", *map(About, ids))
        today = iso(at_local(local_date(projection.clock)))
        sight = viewer.scope.visible

        def read(connection: sqlite3.Connection) -> list[dict[str, Any]]:
            found = (
                contacts_of(connection, sight, id_, today) for id_, is_seen in zip(ids, seen, strict=True) if is_seen
            )
            return [each for each in found if each is not None]

        content = await projection.store.read(read)
        # One record for each of them: by a customer is asked who saw what is theirs.
        await asyncio.gather(*(audit(viewer.who, "contacts.read", each["customer_id"], "200") for each in content))
        return json_answer(content)

    @router.get("/colleagues", name="list_colleagues", response_model=list[Colleague], tags=["actions"])
    async def list_colleagues(viewer: Annotated[Viewer, Depends(access.may("work", "change"))]) -> Response:
        """Managers to whom work may be handed over, with how much they have in hand; at most 500."""
        return json_answer(await projection.store.read(lambda connection: colleagues(connection, viewer)))

    return router


def contacts_of(
    connection: sqlite3.Connection, sight: Callable[[List], Visible], customer_id: str, today: str
) -> dict[str, Any] | None:
    """What should be seen before they are contacted, of what ``sight`` says that somebody sees; ``today``: when it
    began. None: not known yet."""

    def first(list_: List, rest: str, *parameters: str) -> sqlite3.Row | None:
        """Of what is in scope of this customer."""
        select, _, tail = rest.partition(" WHERE ")
        visible = sight(list_)
        found: sqlite3.Row | None = connection.execute(
            f"SELECT {select} WHERE r.customer_id = ? AND ({visible.condition}) AND {tail}",
            (customer_id, *visible.parameters, *parameters),
        ).fetchone()
        return found

    customer = connection.execute(
        "SELECT customer_id, do_not_disturb, language FROM customers WHERE customer_id = ?", (customer_id,)
    ).fetchone()
    if customer is None:
        return None
    last = first(
        "work",
        "r.contact_at AS at, r.contact_kind AS kind, r.contact_result AS result, r.contact_by AS by, m.name AS by_name,"
        " r.work_id FROM work r LEFT JOIN managers m ON m.manager_id = r.contact_by"
        " WHERE r.contact_at IS NOT NULL ORDER BY r.contact_at DESC LIMIT 1",
    )
    logged = connection.execute(
        "SELECT c.at, c.kind, c.result, c.by, m.name AS by_name, NULL AS work_id FROM contacts c"
        " LEFT JOIN managers m ON m.manager_id = c.by WHERE c.customer_id = ? ORDER BY c.at DESC LIMIT 1",
        (customer_id,),
    ).fetchone()
    if logged is not None and (last is None or logged["at"] > last["at"]):
        last = logged
    sms = first("sms", f"r.at, r.state, r.template FROM sms r WHERE r.state IN {_SENT} ORDER BY r.at DESC LIMIT 1")
    sent = first("sms", f"count(*) FROM sms r WHERE r.state IN {_SENT} AND r.at >= ?", today)
    complaints = first("alerts", "count(*) FROM alerts r WHERE r.kind = 'complaint_opened' AND r.open = 1")
    wish = customer["do_not_disturb"]
    return {
        "customer_id": customer_id,
        "do_not_disturb": None if wish is None else bool(wish),
        "language": customer["language"],
        "last": None if last is None else dict(last),
        "last_sms": None if sms is None else dict(sms),
        "sms_today": 0 if sent is None else sent[0],
        "sms_limit": MOST_SMS_A_DAY,
        "open_complaints": 0 if complaints is None else complaints[0],
    }
