"""Public holidays, and the weekends on which people work to make up for them: the one place that knows the days.

The State Council announces them year by year, in the autumn before; a package that is pinned with all others has them,
so that no day of a customer's is looked up elsewhere. A calendar of an operator's own goes in as another ``Holidays``.
"""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Annotated

from chinese_calendar import constants
from fastapi import APIRouter, Depends, Path
from fastapi.responses import Response

from contracts.holidays import Holiday, HolidayYear
from gateway.access.grants import Principal
from gateway.identity.guard import Guards
from servicekit.answer import json_answer
from servicekit.routes import Router

#: whoever may sign in chooses days
_ROLES = ("manager", "head", "city_head", "analyst", "operations", "administrator", "integrator")
#: the days of a year
Holidays = Callable[[int], HolidayYear]
_CHINESE: Mapping[str, str] = {holiday.value: holiday.chinese for holiday in constants.Holiday}


def announced(year: int) -> HolidayYear:
    """The days as the State Council announced them. A year is announced as a whole: with its National Day."""
    if date(year, 10, 1) not in constants.holidays:
        return HolidayYear(year=year, announced=False, days=[])
    days = [
        Holiday(date=day.isoformat(), kind=kind, name_zh=_CHINESE[name], name_en=name)
        for kind, named in (("holiday", constants.holidays), ("workday", constants.workdays))
        for day, name in named.items()
        if day.year == year
    ]
    return HolidayYear(year=year, announced=True, days=sorted(days, key=lambda day: day.date))


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
