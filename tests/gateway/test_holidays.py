"""Public holidays: the days as they were announced, who may ask for them, and a year of which nothing is known yet."""

from collections.abc import AsyncIterator
from datetime import date, timedelta
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from contracts.holidays import Holiday, HolidayYear
from gateway.holidays import holiday_routes
from harness.people import Gateway, gateway
from servicekit.holidays import announced


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[Gateway]:
    async with gateway(tmp_path) as made:
        yield made


async def test_a_year_as_it_was_announced(house: Gateway) -> None:
    browser = await house.signed_in("M0001")
    answer = await browser.get("/v1/holidays/2026")
    found = answer.json()
    days = {day["date"]: (day["kind"], day["name_zh"], day["name_en"]) for day in found["days"]}
    assert (found["year"], found["announced"]) == (2026, True)
    assert list(days) == sorted(days) and answer.headers["cache-control"] == "no-store"
    # Notice of the State Council for 2026: 15 to 23 February, 14 and 28 February are worked.
    spring = [date(2026, 2, 15) + timedelta(days) for days in range(9)]
    assert {days[day.isoformat()] for day in spring} == {("holiday", "春节", "Spring Festival")}
    assert days["2026-02-14"] == days["2026-02-28"] == ("workday", "春节", "Spring Festival")
    assert "2026-02-24" not in days and days["2026-10-01"][1] == "国庆节"


async def test_of_a_year_that_is_not_announced_nothing_is_said(house: Gateway) -> None:
    browser = await house.signed_in("A0001")
    assert (await browser.get("/v1/holidays/2199")).json() == {"year": 2199, "announced": False, "days": []}


async def test_everybody_who_is_signed_in_may_ask_and_nobody_else(house: Gateway) -> None:
    for role in ("manager", "head", "city_head", "analyst", "operations", "administrator", "integrator"):
        assert (await house.machine(role).get("/v1/holidays/2026")).status_code == 200, role
    assert (await house.machine("service").get("/v1/holidays/2026")).status_code == 403
    assert (await house.browser().get("/v1/holidays/2026")).status_code == 401


@pytest.mark.parametrize("year", ["1899", "2201", "next", "2026.5"])
async def test_what_is_no_year_is_refused(house: Gateway, year: str) -> None:
    browser = await house.signed_in("M0001")
    assert (await browser.get(f"/v1/holidays/{year}")).status_code == 422


async def test_a_calendar_of_an_operators_own_takes_their_place() -> None:
    own = Holiday(date="2199-05-17", kind="holiday", name_zh="电信日", name_en="Telecom Day")
    app = FastAPI()
    app.include_router(
        holiday_routes(
            lambda *roles: lambda: None,  # type: ignore[arg-type, return-value]
            lambda year: HolidayYear(year=year, announced=True, days=[own]),
        )
    )
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://gateway") as client:
        assert (await client.get("/v1/holidays/2199")).json()["days"] == [own.model_dump()]


def test_every_announced_year_has_its_seven_holidays() -> None:
    seven = {"元旦", "春节", "清明", "劳动节", "端午", "中秋", "国庆节"}
    for year in range(2008, 2027):
        days = announced(year).days
        missing = seven - {day.name_zh for day in days if day.kind == "holiday"}
        assert missing == ({"中秋"} if year == 2020 else set()), "in 2020 it was the first day of National Day"
        assert all(date.fromisoformat(day.date).weekday() >= 5 for day in days if day.kind == "workday"), year
