"""Public holidays over HTTP, as the page's calendars show them (``servicekit.holidays``). A calendar of an operator's
own goes in as another ``Holidays``.
"""

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Depends, Path
from fastapi.responses import Response

from contracts.holidays import HolidayYear
from gateway.access.grants import Principal
from gateway.identity.guard import Guards
from servicekit.answer import json_answer
from servicekit.holidays import announced
from servicekit.routes import Router

#: whoever may sign in chooses days
_ROLES = ("manager", "head", "city_head", "analyst", "operations", "administrator", "integrator")
#: the days of a year
Holidays = Callable[[int], HolidayYear]


def holiday_routes(guards: Guards, holidays: Holidays = announced) -> APIRouter:
    """The days of a year, for everybody who is signed in."""
    router = Router(prefix="/v1", tags=["read"])

    @router.get("/holidays/{year}", name="get_holidays", response_model=HolidayYear)
    async def get_holidays(
        who: Annotated[Principal, Depends(guards(*_ROLES))], year: Annotated[int, Path(ge=1900, le=2200)]
    ) -> Response:
        """Public holidays and the working days that make up for them. They change once a year: a page may keep them
        as long as it is open."""
        return json_answer(holidays(year).model_dump())

    return router
