"""The brake where alerts are made: what a step says of too many of a city waits for a word; single events never."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest

from alerts.detection import app
from contracts.alert import Alert
from contracts.boss import Customer
from contracts.brake import BOOK, Brake
from harness.braked_city import ARR, CITY, CUST, CUSTOMER, NIGHT, PEOPLE, City, city, group_of, night
from harness.detection_feed import RULES
from harness.one_processor import NOON, header
from servicekit.envelope import Message

# --- what waits -----------------------------------------------------------------------------------------------------


async def test_a_file_that_warns_of_a_quarter_waits_with_its_numbers() -> None:
    place = await city()
    await night(place, 5)
    assert await place.alerts() == []
    (row,) = await place.releases()
    assert (row.source, row.effect, row.state, row.city, row.kind, row.cause) == (
        "step",
        "raise",
        "waiting",
        CITY,
        "arrears",
        ARR,
    )
    assert (row.count, row.customers, row.of, row.share, row.percent) == (5, 20, 20, 25.0, 20)


@pytest.mark.parametrize(
    ("brake", "count"),
    [({"enabled": False}, 20), ({}, 4), ({"percent": 100}, 20), ({"least": 21}, 20)],
    ids=["off", "a fifth", "all may", "a small city"],
)
async def test_what_does_not_wait(brake: dict[str, Any], count: int) -> None:
    place = await city(**brake)
    await place.take(*(place.debt(n) for n in range(count)), place.ended(), place.beat())
    assert [verb for verb, _ in await place.alerts()] == ["raised"] * count
    assert await place.releases() == []
    states = [await place.state(f"c{n}") for n in range(count)]
    assert all(state.alerts["arrears"].waits is None for state in states)


async def test_without_a_brake_nothing_is_kept_of_it() -> None:
    place = await City(app(RULES)).open()
    await place.take(*place.people()[:-1], *(place.debt(n) for n in range(20)))  # type: ignore[attr-defined]
    assert len(await place.alerts()) == 20  # type: ignore[attr-defined]
    assert await place.store.load([BOOK]) == {}


async def test_single_events_never_wait() -> None:
    place = await city()
    await place.take(*(place.debt(n, f"feed:boss#{n}") for n in range(20)))
    assert [verb for verb, _ in await place.alerts()] == ["raised"] * 20


async def test_who_is_spoken_of_singly_waits_no_more() -> None:
    place = await city()
    await night(place, 5)
    await place.take(place.debt(0, "feed:boss#1", amount_fen=700))
    ((verb, alert),) = await place.alerts()
    assert (verb, alert.customer_id, alert.previous_stage, alert.reopened) == ("raised", "c0", None, False)
    await place.take(place.word((await place.releases())[0].id), place.beat())
    assert [verb for verb, _ in await place.alerts()] == ["raised"] * 5, "once each"


async def test_a_day_of_the_clock_is_a_step_too() -> None:
    """Debts that open together come to their next stage together: that would be an SMS to all of them."""
    place = await city(percent=50)
    due = {"oldest_due_on": NIGHT}
    await place.take(*(place.debt(n, f"feed:boss#{n}", **due) for n in range(12)))
    before = len(await place.alerts())
    await place.take(place.beat(NOON + timedelta(days=1)))
    assert len(await place.alerts()) == before == 12
    (row,) = await place.releases()
    assert (row.count, row.cause, row.kind) == (12, "2026-07-02", "arrears")
    await place.take(place.word(row.id), place.beat(NOON + timedelta(days=1)))
    told = (await place.alerts())[before:]
    assert [(verb, a.stage, a.previous_stage) for verb, a in told] == [("changed", "reminder", "opened")] * 12


async def test_few_of_a_day_are_told_with_the_very_tick() -> None:
    place = await city(percent=50)
    await place.take(*(place.debt(n, f"feed:boss#{n}", oldest_due_on=NIGHT) for n in range(3)))
    await place.take(place.beat(NOON + timedelta(days=1)))
    assert [alert.stage for _, alert in await place.alerts()] == ["opened"] * 3 + ["reminder"] * 3


# --- the same whatever the batches and the process ------------------------------------------------------------------


def road(place: City) -> list[Message]:
    """A night that waits, a word, a night that passes, a day of the clock."""
    first = [place.debt(n) for n in range(5)]
    later = NOON + timedelta(days=1)
    return [
        place.switch(),
        *place.people(),
        place.beat(),
        *first,
        place.ended(),
        place.beat(),
        *(place.debt(n, f"file:ARR_2#{n}") for n in range(10, 13)),
        place.ended("ARR_2"),
        place.beat(),
        place.word(group_of("arrears", ARR)),
        place.beat(later),
        place.beat(later + timedelta(days=29)),
    ]


async def _run(batches: Sequence[int], restarts: bool = False) -> tuple[list[Any], dict[str, bytes]]:
    place = await City(app(RULES)).open()
    assert isinstance(place, City)
    messages, sizes = road(place), list(batches)
    while messages:
        size = sizes.pop(0) if sizes else len(messages)
        batch, messages = messages[:size], messages[size:]
        await place.take(*batch)
        if restarts:
            await place.open()
    said = [(verb, alert.customer_id, alert.stage) for verb, alert in await place.alerts()]
    keys = [f"c{n}" for n in range(PEOPLE)] + [BOOK]
    return said, await place.store.load(keys)


@pytest.mark.parametrize("size", [1, 2, 3, 7])
async def test_batches_and_restarts_come_to_the_same(size: int) -> None:
    whole = await _run([])
    assert whole[0], "something was said"
    assert await _run([size] * 100) == whole
    assert await _run([size] * 100, restarts=True) == whole


@pytest.mark.parametrize("size", [1, 100, 305])
async def test_a_file_and_a_day_at_one_tick_are_judged_at_it_whatever_the_batches(size: int) -> None:
    """The book is woken for the file, and again for the day, which those have joined who were woken with it."""

    async def run(sizes: int) -> list[tuple[str, str, str | None, datetime]]:
        place = await City(app(RULES)).open()
        assert isinstance(place, City)
        many, day = 300, NOON + timedelta(days=1)
        rows = [Customer(customer_id=f"c{n}", status="active", city=CITY) for n in range(many)]
        messages = [
            place.switch(percent=100),
            *(place.row(CUSTOMER, row, f"file:{CUST}#1") for row in rows),
            place.ended(CUST, many, many),
            place.beat(),
            *(place.debt(n, f"feed:boss#{n}", oldest_due_on=NIGHT) for n in range(260)),
            *(place.debt(n) for n in range(260, 300)),
            place.ended(ARR, many, many),
            place.beat(day),
            place.beat(day + timedelta(hours=1)),
        ]
        while messages:
            batch, messages = messages[:sizes], messages[sizes:]
            await place.take(*batch)
        return sorted((verb, a.customer_id, a.stage, a.at) for verb, a in await place.alerts())

    assert await run(size) == await run(10_000)


async def test_many_are_woken_piece_by_piece() -> None:
    """More than a chunk of keys: what came before is committed, and each is told once all the same."""
    place = await City(app(RULES)).open()
    assert isinstance(place, City)
    many = 3000
    rows = [Customer(customer_id=f"c{n}", status="active", city=CITY) for n in range(many)]
    await place.take(place.switch(), *(place.row(CUSTOMER, row, f"file:{CUST}#1") for row in rows))
    await place.take(place.ended(CUST, many, many), place.beat())
    await place.take(*(place.debt(n) for n in range(many)), place.ended(ARR, many, many), place.beat())
    (row,) = await place.releases()
    assert row.count == many and await place.alerts() == []
    await place.take(place.word(row.id), place.beat())
    await place.take(place.beat())
    found = [alert.customer_id for _, alert in await _all(place)]
    assert len(found) == many == len(set(found))


async def _all(place: City) -> list[tuple[str, Alert]]:
    sent = [m for _, m in await place.store.outbox(0, 100_000) if header(m, "ce_type") == "kam.alert.raised.v1"]
    return [("raised", msgspec.json.decode(m.value or b"", type=Alert)) for m in sent]


def test_the_limit_itself_passes() -> None:
    brake = Brake(enabled=True, percent=20, min_customers=1000)
    table = [(200, 1000, False), (201, 1000, True), (999, 999, False), (0, 0, False), (1000, 1000, True)]
    assert [brake.holds(count, customers) for count, customers, _ in table] == [held for *_, held in table]
    assert not Brake(percent=20).holds(1000, 1000), "off as delivered"


@pytest.mark.parametrize(
    ("here", "most"),
    [(1000, 200), (999, 199), (250, 50), (83, 16), (10, 2), (9, 1), (4, 1), (1, 1), (0, 1)],
)
def test_the_share_of_a_partition_is_of_its_own_customers_rounded_down(here: int, most: int) -> None:
    """One customer alone is no wave: else a partition with four of them would hold each."""
    brake = Brake(enabled=True, percent=20, min_customers=1000)
    assert not brake.holds_here(most, here, 1000) and brake.holds_here(most + 1, here, 1000)
    assert not brake.holds_here(here, here, 999) and not Brake(percent=20).holds_here(here, here, 1000)


@pytest.mark.parametrize("percent", [1, 7, 20, 33, 50, 99, 100])
@pytest.mark.parametrize(
    "shares", [(1000,), (250, 250, 250, 250), (400, 300, 200, 100), (997, 1, 1, 1), (334, 333, 333), (50,) * 20]
)
def test_of_a_city_never_more_than_the_limit_passes_however_it_is_spread(shares: tuple[int, ...], percent: int) -> None:
    """What all partitions let pass together is at most ``percent`` of the city, or one customer each."""
    brake = Brake(enabled=True, percent=percent, min_customers=1000)
    most = [max(n for n in range(here + 2) if not brake.holds_here(n, here, sum(shares))) for here in shares]
    assert sum(m for m in most if m > 1) * 100 <= percent * sum(shares)
    if percent < 100:
        # Whoever speaks of more than the limit of the city is held in one partition at least.
        assert any(brake.holds_here(here, here, sum(shares)) for here in shares)


async def test_customers_are_counted_not_their_alerts() -> None:
    """Four customers with three complaints each are four of twenty: just as many as may be."""
    place = await city()
    await place.take(*(place.complaint(n, f"k{n}.{i}", f"file:COMP_1#{n}") for n in range(4) for i in range(3)))
    await place.take(place.ended("COMP_1"), place.beat())
    assert len(await place.alerts()) == 12 and await place.releases() == []
    # Of five with two each ten alerts wait, and all are told.
    await place.take(*(place.complaint(n, f"m{n}.{i}", f"file:COMP_2#{n}") for n in range(5) for i in range(2)))
    await place.take(place.ended("COMP_2"), place.beat())
    (row,) = await place.releases()
    assert (row.count, row.share) == (5, 25.0) and len(await place.alerts()) == 12
    await place.take(place.word(row.id), place.beat())
    assert len(await place.alerts()) == 22


# --- before the first file has ended --------------------------------------------------------------------------------


async def a_day_of_many(count: int = 12) -> City:
    """Debts that open together at a time when the brake is off and nobody has counted the city; then it is switched
    on, and the day comes on which all of them are reminded."""
    place = await City(app(RULES)).open()
    assert isinstance(place, City)
    await place.take(
        *place.people()[:-1], *(place.debt(n, f"feed:boss#{n}", oldest_due_on=NIGHT) for n in range(count))
    )
    await place.take(place.beat(), place.switch())
    return place


@pytest.mark.parametrize("counted", ["before the day", "after it"])
async def test_the_first_day_of_a_brake_is_braked(counted: str) -> None:
    place = await a_day_of_many()
    before, day = len(await place.alerts()), NOON + timedelta(days=1)
    if counted == "before the day":
        await place.take(place.counted())
    await place.take(place.beat(day))
    assert len(await place.alerts()) == before, "nothing is said while nobody knows of how many it is"
    if counted == "after it":
        assert await place.releases() == []
        await place.take(place.counted(), place.beat(day))
    (row,) = await place.releases()
    assert (row.count, row.customers, row.of) == (12, PEOPLE, PEOPLE) and len(await place.alerts()) == before


@pytest.mark.parametrize("customers", [0, 9], ids=["no city of ours", "a small city"])
async def test_what_needs_no_brake_goes_as_soon_as_all_are_counted(customers: int) -> None:
    place = await a_day_of_many()
    before, day = len(await place.alerts()), NOON + timedelta(days=1)
    await place.take(place.beat(day), place.counted(customers, customers), place.beat(day))
    assert len(await place.alerts()) == before + 12 and await place.releases() == []


async def test_the_city_s_first_file_says_how_many_there_are_too() -> None:
    place = await a_day_of_many()
    before, day = len(await place.alerts()), NOON + timedelta(days=1)
    await place.take(place.beat(day), place.ended("PAY_320100_20260702_0001.dat.gz"), place.beat(day))
    assert [row.count for row in await place.releases()] == [12] and len(await place.alerts()) == before


async def test_where_nobody_ever_counts_people_decide() -> None:
    place = await a_day_of_many(3)
    before, day = len(await place.alerts()), NOON + timedelta(days=1)
    await place.take(place.beat(day), place.beat(day + timedelta(hours=23)))
    assert await place.releases() == []
    await place.take(place.beat(day + timedelta(days=1)))
    (row,) = await place.releases()
    assert (row.count, row.customers) == (3, 0) and len(await place.alerts()) == before


async def test_switched_off_meanwhile_it_goes() -> None:
    place = await a_day_of_many()
    before, day = len(await place.alerts()), NOON + timedelta(days=1)
    await place.take(place.beat(day), place.switch(2, enabled=False), place.counted(), place.beat(day))
    assert len(await place.alerts()) == before + 12
