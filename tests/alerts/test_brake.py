"""The brake where alerts are made: what a step says of too many of a city waits for a word; single events never."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest

from alerts.detection import app
from alerts.detection.state import CustomerState
from alerts.release_routes import held
from contracts.alert import Alert
from contracts.boss import Arrears, Complaint, Customer
from contracts.brake import BOOK, Brake, LoadEnded, ReleaseDecided
from contracts.documents import DocumentSwitched
from contracts.registry import LOAD_ENDED, RELEASE_DECIDED, SWITCH
from contracts.releases import ReleaseView
from harness.detection_feed import RULES
from harness.one_processor import NOON, OneProcessor, header
from servicekit.envelope import Message
from servicekit.ids import derive

CITY, PEOPLE = "320100", 20
CUST, ARR, NIGHT = "CUST_320100_20260701_0001.dat.gz", "ARR_320100_20260701_0001.dat.gz", NOON.date()
CUSTOMER, ARREARS = "kam.boss.customer.changed.v1", "kam.boss.arrears.changed.v1"
COMPLAINT = "kam.boss.complaint.changed.v1"


class City(OneProcessor):
    """Detection of one partition, in a city of twenty, all of them here."""

    ticks = 0
    revisions = 0
    baseline = b""

    def switch(self, number: int = 1, enabled: bool = True, least: int = 10, percent: int = 20) -> Message:
        document = {"id": "brake", "enabled": enabled, "percent": percent, "min_customers": least}
        made = DocumentSwitched(
            number=number,
            kind="brake",
            document_id="brake",
            version=number + 1,
            state="active",
            document=document,
            by="X1",
            why="try",
            switched_at=NOON,
        )
        return self.record("boss.events", SWITCH, made, key="document/brake/brake")

    def row(self, type_: str, data: Any, correlation: str, clock: datetime = NOON) -> Message:
        self.revisions += 1
        more = [("ce_revision", b"%d" % self.revisions)]
        more += [("ce_baseline", self.baseline)] if self.baseline else []
        return self.record(
            "boss.events",
            type_,
            data,
            key=data.customer_id,
            id=f"e{self.revisions}",
            correlation=correlation,
            clock=clock,
            time=clock,
            headers=more,
        )

    def people(self) -> list[Message]:
        rows = [Customer(customer_id=f"c{n}", status="active", city=CITY) for n in range(PEOPLE)]
        return [self.row(CUSTOMER, row, f"file:{CUST}#{n}") for n, row in enumerate(rows)] + [self.ended(CUST)]

    def ended(self, file: str = ARR, customers: int = PEOPLE, here: int = PEOPLE) -> Message:
        data = LoadEnded(file=file, city=CITY, customers=customers, here=here)
        return self.record("boss.events", LOAD_ENDED, data, key=BOOK, correlation=f"file:{file}")

    def debt(self, n: int, correlation: str = "", **more: Any) -> Message:
        made = {"customer_id": f"c{n}", "as_of": NIGHT, "amount_fen": 500, "oldest_due_on": NIGHT - timedelta(days=2)}
        return self.row(ARREARS, Arrears(**{**made, **more}), correlation or f"file:{ARR}#{n}")

    def word(self, id: str, verdict: Any = "released", by: str = "li") -> Message:
        data = ReleaseDecided(release_id=id, verdict=verdict, by=by, why="已核对", decided_at=NOON)
        return self.record("boss.events", RELEASE_DECIDED, data, key=BOOK)

    def beat(self, clock: datetime = NOON) -> Message:
        self.ticks += 1
        return self.tick("boss.events", self.ticks, clock)

    async def alerts(self) -> list[tuple[str, Alert]]:
        return [(type_.split(".")[2], data) for type_, data in await self.events("alert.events") if "alert" in type_]

    async def releases(self) -> list[ReleaseView]:
        return await held([self.processor])

    async def state(self, key: str) -> CustomerState:
        found: CustomerState = self.processor.committer.decode_state((await self.store.load([key]))[key])
        return found


async def city(store: Any = None, **brake: Any) -> City:
    made = City(app(RULES), store=store)
    await made.open()
    await made.take(made.switch(**brake), *made.people(), made.beat())
    return made


async def night(place: City, count: int, first: int = 0) -> None:
    """A file of so many new debts, to its end, and the tick behind it."""
    await place.take(*(place.debt(n) for n in range(first, first + count)))
    assert await place.alerts() == [], "nothing is said before the file is at its end"
    await place.take(place.ended(), place.beat())


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


# --- a word ---------------------------------------------------------------------------------------------------------


async def test_released_all_are_told_once_with_their_cause() -> None:
    place = await city()
    await night(place, 12)
    (row,) = await place.releases()
    await place.take(place.word(row.id), place.word(row.id, "rejected", "wang"), place.beat())
    await place.take(place.word(row.id), place.beat())
    told = await place.alerts()
    assert sorted(alert.customer_id for _, alert in told) == sorted(f"c{n}" for n in range(12))
    assert {(verb, alert.state, alert.stage) for verb, alert in told} == {("raised", "raised", "reminder")}
    sent = [m for m in await place.outbox() if header(m, "ce_type") == "kam.alert.raised.v1"]
    assert {header(m, "ce_correlationid").partition("#")[0] for m in sent} == {f"file:{ARR}"}
    assert all(header(m, "ce_causationid").startswith("e") for m in sent), "the record of BOSS"
    (after,) = await place.releases()
    assert (after.state, after.by, after.why) == ("released", "li", "已核对")
    keys = [key for key in await place.store.keys(BOOK, "", 100) if key != BOOK]
    assert keys == [], "lists that were told are gone"


async def test_what_a_first_load_raised_is_still_of_it_when_it_is_released() -> None:
    place = await city()
    place.baseline = NIGHT.isoformat().encode()
    await night(place, 5)
    place.baseline = b""
    (row,) = await place.releases()
    await place.take(place.word(row.id), place.beat())
    assert [alert.baseline for _, alert in await place.alerts()] == [True] * 5


async def test_rejected_nothing_is_said_of_that_debt_any_more() -> None:
    place = await city()
    await night(place, 5)
    (row,) = await place.releases()
    await place.take(place.word(row.id, "rejected"), place.beat())
    later = NOON + timedelta(days=40)
    await place.take(place.debt(0, "feed:boss#1", amount_fen=900), place.beat(later))
    assert await place.alerts() == []
    # The debt's end and a new one begin anew.
    await place.take(place.debt(0, "feed:boss#2", amount_fen=0), place.debt(0, "feed:boss#3"))
    assert [verb for verb, _ in await place.alerts()] == ["raised"]


async def test_what_ended_while_it_waited_was_never_said() -> None:
    place = await city()
    await night(place, 5)
    (row,) = await place.releases()
    await place.take(place.debt(0, f"file:ARR_2#{0}", amount_fen=0), place.word(row.id), place.beat())
    assert sorted(alert.customer_id for _, alert in await place.alerts()) == ["c1", "c2", "c3", "c4"]


async def test_a_stage_that_waits_and_is_rejected_is_not_told_the_next_is() -> None:
    place = await city(percent=50)
    await place.take(*(place.debt(n, f"feed:boss#{n}", oldest_due_on=NIGHT) for n in range(12)))
    await place.take(place.beat(NOON + timedelta(days=1)))
    (row,) = await place.releases()
    await place.take(place.word(row.id, "rejected"), place.beat(NOON + timedelta(days=1)))
    assert len(await place.alerts()) == 12
    await place.take(place.switch(2, enabled=False), place.beat(NOON + timedelta(days=30)))
    assert [alert.stage for _, alert in (await place.alerts())[12:]] == ["second_reminder"] * 12


async def test_of_a_resolved_alert_its_end_waits_for_nobody() -> None:
    place = await city(percent=50)
    await place.take(*(place.debt(n, f"feed:boss#{n}", oldest_due_on=NIGHT) for n in range(12)))
    await place.take(place.beat(NOON + timedelta(days=1)))
    await place.take(*(place.debt(n, f"file:{ARR}#{n}", amount_fen=0, oldest_due_on=None) for n in range(12)))
    assert [verb for verb, _ in (await place.alerts())[12:]] == ["resolved"] * 12


async def test_what_waits_goes_on_waiting_with_the_brake_off() -> None:
    place = await city()
    await night(place, 5)
    (row,) = await place.releases()
    await place.take(place.switch(2, enabled=False))
    await place.take(*(place.debt(n, f"file:ARR_2#{n}", amount_fen=700) for n in range(5)), place.ended("ARR_2"))
    await place.take(place.beat())
    assert await place.alerts() == []
    await place.take(place.word(row.id), place.beat())
    assert [alert.values["amount_fen"] for _, alert in await place.alerts()] == [700] * 5


@pytest.mark.parametrize("verdict", ["released", "rejected"])
async def test_a_word_counts_where_its_step_waits_only_later(verdict: str) -> None:
    """Of another partition's part of a step a person has decided; here too few had come until then."""
    place = await city()
    await place.take(place.debt(0), place.ended(), place.beat(), place.word(_group("arrears", ARR), verdict))
    await place.take(*(place.debt(n) for n in range(1, 8)), place.beat())
    assert len(await place.alerts()) == (8 if verdict == "released" else 1)
    (row,) = await place.releases()
    assert (row.state, row.by, row.count) == (verdict, "li", 7)


@pytest.mark.parametrize("count", [3, 12])
async def test_a_file_whose_end_never_comes_is_judged_after_a_day(count: int) -> None:
    """A dead letter of an old file, a store of billing-sync that was lost: nothing waits unseen for ever."""
    place = await city()
    await place.take(*(place.debt(n) for n in range(count)), place.beat(NOON + timedelta(hours=23)))
    assert (await place.alerts(), await place.releases()) == ([], [])
    await place.take(place.beat(NOON + timedelta(hours=24)))
    assert len(await place.alerts()) == (3 if count == 3 else 0)
    assert [row.count for row in await place.releases()] == ([] if count == 3 else [12])


@pytest.mark.parametrize("verdict", ["released", "rejected"])
async def test_an_alert_that_people_knew_long_ago_goes_on_where_it_was(verdict: str) -> None:
    place = await city()
    later = NOON + timedelta(days=401)

    def complaint(n: int, status: str, road: str, clock: datetime) -> Message:
        made = Complaint(customer_id=f"c{n}", complaint_id=f"k{n}", status=status, opened_at=NOON)
        return place.row(COMPLAINT, made, road, clock)

    await place.take(*(complaint(n, status, "feed:boss#1", NOON) for status in ("open", "closed") for n in range(5)))
    await place.take(place.beat(later), *(place.row(CUSTOMER, Customer(customer_id=f"c{n}", status="active", city=CITY),
        "feed:boss#2", later) for n in range(5)))  # fmt: skip
    before = len(await place.alerts())
    assert (await place.state("c0")).ended and not (await place.state("c0")).alerts
    await place.take(*(complaint(n, "reopened", "file:COMP_1#1", later) for n in range(5)))
    await place.take(place.ended("COMP_1"), place.beat(later))
    assert len(await place.alerts()) == before
    await place.take(place.word(_group("complaint_opened", "COMP_1"), verdict), place.beat(later))
    told = (await place.alerts())[before:]
    if verdict == "released":
        assert [(verb, a.revision, a.reopened) for verb, a in told] == [("changed", 3, True)] * 5
    else:
        assert told == [] and (await place.state("c0")).alerts["complaint/k0"].outcome == "closed"


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
        place.word(_group("arrears", ARR)),
        place.beat(later),
        place.beat(later + timedelta(days=29)),
    ]


def _group(kind: str, cause: str) -> str:
    return derive("release", "step", CITY, kind, cause)


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
