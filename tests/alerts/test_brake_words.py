"""A person's word on what the brake of alerts holds: about whom it is, once, and what comes of it."""

from datetime import timedelta

import pytest
from prometheus_client import REGISTRY

from alerts.release_routes import HeldWatch
from contracts.boss import Customer
from contracts.brake import BOOK, Part
from harness.braked_city import ARR, CITY, CUSTOMER, NIGHT, city, group_of, night
from harness.one_processor import NOON, header

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


@pytest.mark.parametrize(("verdict", "more"), [("released", 6), ("rejected", 1), ("rejected", 6)])
async def test_a_word_is_about_those_who_were_listed_and_about_nobody_else(verdict: str, more: int) -> None:
    """Who comes later on the same day has been seen by nobody: a release of their own."""
    place = await city()
    await night(place, 5)
    (first,) = await place.releases()
    await place.take(place.word(first.id, verdict), place.beat())
    told = 5 if verdict == "released" else 0
    assert len(await place.alerts()) == told
    await place.take(*(place.debt(n) for n in range(5, 5 + more)), place.beat())
    assert len(await place.alerts()) == told, "they wait"
    later, before = await place.releases()
    assert (before.id, before.state, before.count) == (first.id, verdict, 5)
    assert (later.state, later.count, later.kind, later.cause) == ("waiting", more, "arrears", ARR)
    assert later.id != first.id
    await place.take(place.word(first.id, verdict), place.beat())
    assert len(await place.alerts()) == told, "the word said again is about the same"
    await place.take(place.word(later.id), place.beat())
    assert {alert.customer_id for _, alert in (await place.alerts())[told:]} == {f"c{n}" for n in range(5, 5 + more)}


async def test_a_few_behind_those_who_were_let_go_are_no_wave() -> None:
    place = await city()
    await night(place, 5)
    (row,) = await place.releases()
    await place.take(place.word(row.id), place.beat())
    for n in range(5, 9):
        await place.take(place.debt(n), place.beat())
        assert len(await place.alerts()) == n + 1
    await place.take(place.debt(9), place.beat())
    assert len(await place.alerts()) == 9, "the fifth since then is more than a fifth of twenty"


@pytest.mark.parametrize("verdict", ["released", "rejected"])
async def test_who_came_between_looking_and_saying_goes_on_waiting(verdict: str) -> None:
    place = await city()
    await night(place, 5)
    (row,) = await place.releases()
    seen = Part(**row.parts[0].model_dump())
    # Some at a tick of its own, some with no tick between them and the word.
    await place.take(*(place.debt(n) for n in range(5, 8)), place.beat())
    assert [each.count for each in await place.releases()] == [8]
    await place.take(place.debt(8), place.debt(9), place.word(row.id, verdict, seen=seen), place.beat())
    waits, decided = await place.releases()
    assert (decided.id, decided.state, decided.count) == (row.id, verdict, 5)
    assert (waits.state, waits.count) == ("waiting", 5)
    told = [alert.customer_id for _, alert in await place.alerts()]
    assert sorted(told) == ([f"c{n}" for n in range(5)] if verdict == "released" else [])
    await place.take(place.word(waits.id, "rejected"), place.beat())
    assert len(await place.alerts()) == len(told)
    assert {each.id: each.state for each in await place.releases()} == {waits.id: "rejected", row.id: verdict}


@pytest.mark.parametrize("verdict", ["released", "rejected"])
async def test_what_waits_here_only_after_the_word_has_a_release_of_its_own(verdict: str) -> None:
    """Of another partition's part of a step a person has decided; here too few had come until then."""
    place = await city()
    step = group_of("arrears", ARR)
    await place.take(place.debt(0), place.ended(), place.beat(), place.word(step, verdict))
    assert len(await place.alerts()) == 1
    await place.take(*(place.debt(n) for n in range(1, 8)), place.beat())
    assert len(await place.alerts()) == 1
    (row,) = await place.releases()
    assert (row.state, row.count) == ("waiting", 7) and row.id != step
    await place.take(place.word(row.id), place.beat())
    assert len(await place.alerts()) == 8


async def test_a_word_that_is_faster_than_the_file_here_is_not_about_it() -> None:
    """Another partition was at the file's end, and a person quick; nobody has seen what this one has of it."""
    place = await city()
    await place.take(
        *(place.debt(n) for n in range(5)), place.word(group_of("arrears", ARR)), place.ended(), place.beat()
    )
    (row,) = await place.releases()
    assert (row.state, row.count) == ("waiting", 5) and await place.alerts() == []


async def test_partitions_agree_on_the_id_of_what_comes_later() -> None:
    """One waited when the word came, the other did not: what comes then is one row for people."""
    one, other = await city(), await city()
    await night(one, 5)
    (row,) = await one.releases()
    for place in (one, other):
        await place.take(place.word(row.id), *(place.debt(n) for n in range(10, 16)), place.ended(), place.beat())
    assert (await one.releases())[0].id == (await other.releases())[0].id != row.id


async def test_the_later_ones_of_a_day_are_one_row_until_somebody_decides() -> None:
    place = await city()
    await night(place, 5)
    for n in range(5, 9):
        await place.take(place.debt(n), place.beat())
    (row,) = await place.releases()
    assert row.count == 9
    await place.take(place.word(row.id), place.beat())
    assert len(await place.alerts()) == 9


async def test_a_dead_letter_that_is_replayed_waits_for_no_end_of_its_file() -> None:
    place = await city()
    await place.take(place.ended(), place.beat(), place.debt(0, replays=b"1"), place.beat())
    assert len(await place.alerts()) == 1
    # So many of them are a wave all the same.
    await place.take(*(place.debt(n, replays=b"1") for n in range(1, 6)), place.beat())
    assert len(await place.alerts()) == 1
    assert [row.count for row in await place.releases()] == [5]


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

    people = [Customer(customer_id=f"c{n}", status="active", city=CITY) for n in range(5)]
    for status in ("open", "closed"):
        await place.take(*(place.complaint(n, f"k{n}", "feed:boss#1", status) for n in range(5)))
    await place.take(place.beat(later), *(place.row(CUSTOMER, row, "feed:boss#2", later) for row in people))
    before = len(await place.alerts())
    assert (await place.state("c0")).ended and not (await place.state("c0")).alerts
    await place.take(*(place.complaint(n, f"k{n}", "file:COMP_1#1", "reopened", later) for n in range(5)))
    await place.take(place.ended("COMP_1"), place.beat(later))
    assert len(await place.alerts()) == before
    await place.take(place.word(group_of("complaint_opened", "COMP_1"), verdict), place.beat(later))
    told = (await place.alerts())[before:]
    if verdict == "released":
        assert [(verb, a.revision, a.reopened) for verb, a in told] == [("changed", 3, True)] * 5
    else:
        assert told == [] and (await place.state("c0")).alerts["complaint/k0"].outcome == "closed"


async def test_gauges_tell_what_waits_and_how_long_it_has_been_seen_to_wait() -> None:
    """By system time: the business clock may stand still over it."""
    place, now = await city(), [1000.0]
    watch = HeldWatch(lambda: [place.processor], lambda: now[0])

    async def told() -> list[float | None]:
        await watch.look()
        names = ("kam_alerts_held", "kam_alerts_held_steps", "kam_alerts_held_seconds")
        return [REGISTRY.get_sample_value(name) for name in names]

    assert await told() == [0, 0, 0]
    await night(place, 5)
    assert await told() == [5, 1, 0] and watch.told == {"alerts_held": 5}
    now[0] += 90
    assert await told() == [5, 1, 90]
    (row,) = await place.releases()
    await place.take(place.word(row.id), place.beat())
    assert await told() == [0, 0, 0] and watch.told == {}
