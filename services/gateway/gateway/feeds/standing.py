"""How far the nightly files have come, by what billing-sync tells: the business day of each kind and city."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

#: where the feeds stand, as billing-sync tells it; None: it does not answer
Feeds = Callable[[], Awaitable[Mapping[str, Any] | None]]
_SECONDS = 1.0


async def standing(feeds: Feeds) -> Mapping[str, Any] | None:
    """What is told in time: nobody waits long for what stands beside their figures."""
    try:
        async with asyncio.timeout(_SECONDS):
            return await feeds()
    except TimeoutError:
        return None


def days(freshness: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """The business day of the newest file, by kind and city; of live events there is none."""
    found: dict[str, dict[str, str]] = {}
    for key, told in freshness.items():
        kind, _, city = key.replace("/", "_").partition("_")
        if city and isinstance(told, Mapping) and "business_date" in told:
            found.setdefault(kind, {})[city] = str(told["business_date"])
    return found


def of_city(freshness: Mapping[str, Any], city: str | None) -> list[dict[str, str]]:
    """Of each kind of file of a city the day that it stands at, and the day at which others of its kind stand."""
    return [
        {"kind": kind, "business_date": cities[city], "expected": max(cities.values())}
        for kind, cities in sorted(days(freshness).items())
        if city is not None and city in cities
    ]
