"""Routes of the pages *Overview* and *Team*."""

import asyncio
import sqlite3
from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response

from contracts.overview import OverviewView, TeamTree, TeamView
from gateway.access.scope import Scope
from gateway.access.viewer import Access, Viewer, not_found
from gateway.audit import Audit, narrowed_by
from gateway.feeds.standing import Feeds, standing
from gateway.overview import team
from gateway.overview.figures import Figures, changes, missing
from gateway.overview.periods import Compare, period_of
from gateway.projection.api import fresh, shaped_rows
from gateway.projection.follow import Projection
from gateway.projection.visible import List, Visible
from servicekit.answer import json_answer
from servicekit.clock import iso
from servicekit.query import Filter, Id
from servicekit.routes import Router

_LISTS: tuple[List, ...] = ("alerts", "work", "sms", "customers")
_MEMBERS, _MOST_MEMBERS = 100, 10_000
_DOWN = (
    "WITH RECURSIVE below (unit_id) AS (SELECT ? UNION SELECT u.unit_id FROM units u JOIN below b"
    " ON u.parent_id = b.unit_id) SELECT unit_id FROM below"
)

#: The cities of customers, each looked up behind the one before: an index gives them without reading every customer.
_CITIES = (
    "WITH RECURSIVE c (city) AS (SELECT min(city) FROM customers UNION ALL"
    " SELECT (SELECT min(n.city) FROM customers n WHERE n.city > c.city) FROM c WHERE c.city IS NOT NULL)"
    " SELECT city FROM c"
)
#: a customer's unit is their manager's, also where BOSS has not told of the unit itself
_UNITS = (
    "SELECT o.unit_id, u.name, u.city FROM (SELECT DISTINCT unit_id FROM managers WHERE unit_id IS NOT NULL) o"
    " LEFT JOIN units u ON u.unit_id = o.unit_id"
)


def overview_routes(projection: Projection, audit: Audit, access: Access, feeds: Feeds) -> APIRouter:
    """Sums are of what somebody may see in the list that they open, and of no more."""
    router = Router(prefix="/v1", tags=["overview"])
    OfTeam = Annotated[Viewer, Depends(access.may("team"))]

    async def sights(viewer: Viewer) -> dict[List, Scope]:
        found = await asyncio.gather(*(access.viewer(viewer.who, list_) for list_ in _LISTS))
        return {list_: each.scope for list_, each in zip(_LISTS, found, strict=True)}

    @router.get("/overview", name="get_overview", response_model=OverviewView)
    async def get_overview(
        viewer: Annotated[Viewer, Depends(access.may("overview"))],
        period: Annotated[str | None, Query(max_length=8, description="yyyymm or yyyymmdd; this month")] = None,
        compare: Annotated[Compare, Query(description="mom: with the one before; yoy: with last year's")] = "mom",
        city: Filter = None,
        unit: Filter = None,
    ) -> Response:
        """Figures of a period, each with the list and filter that has as many rows."""
        now = projection.clock
        chosen = period_of(period, compare, now)
        base = {name: value for name, value in (("city", city), ("unit", unit)) if value}
        scopes, files = await asyncio.gather(sights(viewer), standing(feeds))
        sight = {list_: scope.visible(list_) for list_, scope in scopes.items()}

        def read(connection: sqlite3.Connection) -> dict[str, Any]:
            found = Figures(connection, sight, base, chosen, now).all()
            rows = changes(connection, sight["alerts"], {**base, **chosen.span.filter}, now)
            found["changes"] = shaped_rows(connection, "alerts", rows, sight["alerts"], lambda list_: sight[list_])
            found |= _places(connection, sight["customers"])
            return {**found, **fresh(projection, connection)}

        found = await projection.store.read(read)
        sees = scopes["alerts"].sees_city
        found |= {
            "period": chosen.name,
            "step": chosen.step,
            "starts": [iso(at) for at in chosen.starts],
            "filter": base,
            **chosen.span.filter,
            "before_since": None if chosen.before is None else iso(chosen.before.since),
            "before_until": None if chosen.before is None else iso(chosen.before.until),
            "missing": None if files is None else missing(files, sees),
        }
        # Rows of customers are among the figures.
        await audit(viewer.who, "overview.read", narrowed_by({"period": chosen.name, **base}), "200")
        return json_answer(found)

    @router.get("/team", name="get_team_tree", response_model=TeamTree)
    async def get_team_tree(viewer: OfTeam) -> Response:
        """Units that one sees something of, with the sums of all beneath them."""
        scopes, now = await sights(viewer), projection.clock

        def read(connection: sqlite3.Connection) -> dict[str, Any]:
            units = team.tree(connection, viewer.scope, *_of_team(scopes), now)
            return {"units": units, **fresh(projection, connection)}

        return json_answer(await projection.store.read(read))

    @router.get("/team/{unit}", name="get_team", response_model=TeamView)
    async def get_team(
        viewer: OfTeam,
        unit: Id,
        sort: Annotated[team.Sort, Query(description="most first; name: as it is said")] = "overdue",
        limit: Annotated[int, Query(ge=1, le=_MOST_MEMBERS, description="so many members at most")] = _MEMBERS,
    ) -> Response:
        """A unit with who works in it and beneath it: the first ``limit`` of ``total`` members."""
        scopes, now = await sights(viewer), projection.clock

        def read(connection: sqlite3.Connection) -> dict[str, Any] | None:
            sight = _of_team(scopes)
            found = [each for each in team.tree(connection, viewer.scope, *sight, now) if each["unit_id"] == unit]
            if not found or not found[0]["mine"]:
                return None
            below = [row[0] for row in connection.execute(_DOWN, (unit,))]
            people = team.members(connection, below, *sight, now)
            return {
                "unit": found[0],
                "people": sum(person["home"] for person in people),
                "total": len(people),
                "members": team.in_order(people, sort)[:limit],
                "opens": team.opens(unit, now),
                **fresh(projection, connection),
            }

        answer = await projection.store.read(read)
        if answer is None:
            raise not_found()
        await audit(viewer.who, "team.read", unit, "200")
        return json_answer(answer)

    return router


def _of_team(scopes: Mapping[List, Scope]) -> tuple[Visible, Visible]:
    """Customers and work as they are counted for a team."""
    return scopes["customers"].visible("customers"), scopes["work"].visible("work")


def _places(connection: sqlite3.Connection, visible: Visible) -> dict[str, Any]:
    """Cities and units to narrow figures to: those with customers that are seen."""
    with_some = f"EXISTS (SELECT 1 FROM customers r WHERE {{of}} AND +r.known = 1 AND ({visible.condition}))"
    cities = connection.execute(
        f"{_CITIES} WHERE city IS NOT NULL AND {with_some.format(of='r.city = c.city')}", visible.parameters
    )
    units = connection.execute(
        f"{_UNITS} WHERE {with_some.format(of='r.unit_id = o.unit_id')} ORDER BY o.unit_id", visible.parameters
    )
    return {"cities": [city for (city,) in cities], "units": [dict(unit) for unit in units]}
