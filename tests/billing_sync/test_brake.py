"""The brake at the file: what would clear too much of a city waits, whole; a person lets it go or turns it away."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from billing_sync.nightly.held import held_of
from billing_sync.nightly.weighing import weigh
from harness.boss_files import write_pair
from harness.held_files import NEXT, OTHER, PEOPLE, a_city, brake, debts, decide, owed, people, waiting
from harness.intake import Producer
from harness.nightly import CITY, Night, customer, night
from harness.waiting import eventually
from servicekit.decision import Refused
from servicekit.memory_store import MemoryStore

# --- what is held ---------------------------------------------------------------------------------------------------


async def test_a_file_that_clears_a_quarter_waits_with_its_numbers(boss: Night) -> None:
    await a_city(boss)
    receipt = await boss.put("ARR", debts(0, 1, 2, 3, 4), NEXT, 2)
    (found,) = await waiting(boss)
    assert (receipt["result"], receipt["release_id"], receipt["loaded"], receipt["cleared"]) == (
        "held",
        found["id"],
        0,
        0,
    )
    assert "5 of 20 customers of 320100 (25.0 %, the limit is 20 %)" in receipt["reason_en"]
    assert "25.0%" in receipt["reason_zh"]
    assert (found["count"], found["customers"], found["share"], found["percent"]) == (5, 20, 25.0, 20)
    assert (found["source"], found["kind"], found["city"], found["cause"]) == (
        "file",
        "ARR",
        CITY,
        "ARR_320100_20260601_0002.dat.gz",
    )
    beside = sorted(path.suffix for path in boss.path("held", "").iterdir())
    assert beside == [".chk", ".gz", ".rcp", ".release", ".why"]
    assert set(owed(boss).values()) == {500}, "nothing of it was loaded"
    assert boss.producer.of("feed.events")[-1]["type"] == "kam.feed.file.held.v1"
    assert boss.loader.freshness()["files_held"] == 1
    # The day's other files go on.
    assert (await boss.put("PAY", [], NEXT))["result"] == "accepted"


@pytest.mark.parametrize(
    ("settings", "stay"),
    [
        ({"enabled": False}, 0),
        ({"percent": 25}, 5),
        ({"percent": 50}, 0),
        ({"least": PEOPLE + 1}, 0),
    ],
    ids=["off", "just as many as may be", "half", "a small city"],
)
async def test_what_does_not_wait(boss: Night, settings: dict[str, Any], stay: int) -> None:
    await a_city(boss)
    await boss.intake.submit(brake(**settings, version=3))
    assert (await boss.put("ARR", debts(*range(stay)), NEXT, 2))["result"] == "accepted"
    assert not await waiting(boss) and sum(1 for amount in owed(boss).values() if not amount) == 10 - stay


async def test_without_a_brake_nothing_is_looked_at(boss: Night, monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(*_: Any) -> None:
        raise AssertionError("weighed")

    monkeypatch.setattr("billing_sync.nightly.brake.weigh", never)
    await boss.put("CUST", people())
    await boss.put("ARR", debts(*range(10), day="2026-05-31"))
    assert (await boss.put("ARR", [], NEXT, 2))["cleared"] == 10


LEAVERS = [customer(str(n), status="left" if n < 5 else "active") for n in range(PEOPLE)]


@pytest.mark.parametrize(
    ("kind", "rows", "held"),
    [
        ("ARR", debts(*range(5)) + debts(*range(5, 10), amount=0), True),
        ("ARR", debts(*range(10), amount=0), True),
        ("ARR", debts(*range(6)), False),
        # Absence clears nothing where a row names nobody, a row of 0 does.
        ("ARR", [*debts(0), "|||||"], False),
        ("ARR", [*debts(*range(5), amount=0), "|||||"], True),
        # Who is there with a row that can't be taken is there.
        ("ARR", [*debts(0, 1, 2, 3, 4), *debts(5, 6, 7, 8, 9, amount="x")], False),  # type: ignore[arg-type]
        # A row that is older than what is known changes nothing.
        ("ARR", debts(*range(10), amount=0, day="2026-05-30"), False),
        ("CUST", LEAVERS, True),
        ("CUST", LEAVERS[1:], False),
        # Absent customers are reported, and nothing happens to them.
        ("CUST", people(2), False),
    ],
)
async def test_it_judges_as_loading_would(boss: Night, kind: str, rows: list[Any], held: bool) -> None:
    await a_city(boss)
    receipt = await boss.put(kind, rows, NEXT, 2)
    assert (receipt["result"] == "held") is held, receipt
    if held:
        await decide(boss, receipt["release_id"])
        receipts = await boss.loader.status(f"{kind}_320100_20260601_0002")
        assert receipts[-1].result in ("accepted", "partial")
    if kind == "ARR":
        cleared = sum(1 for amount in owed(boss).values() if not amount)
        assert (cleared > 4) is held
    else:
        assert (len(boss.events("customer.left")) > 4) is held


async def test_one_who_leaves_counts_once_however_often_it_is_said(boss: Night) -> None:
    await a_city(boss)
    assert (await boss.put("CUST", [customer("1", status="left")] * 9, NEXT, 2))["result"] == "accepted"


async def test_a_cut_row_of_one_who_owes_nothing_switches_the_brake_not_off(boss: Night) -> None:
    """As in loading: a row of the wrong shape that names a record we know leaves absence on."""
    await a_city(boss)
    await boss.put("ARR", [*debts(*range(10)), *debts(15, day=NEXT)], NEXT, 2)
    await boss.put("ARR", debts(*range(10), day="2026-06-02"), "2026-06-02", 3)
    assert owed(boss)["15"] == 0
    cut = await boss.put("ARR", [*debts(0, day="2026-06-03"), "15|||||||"], "2026-06-03", 4)
    assert cut["result"] == "held", cut
    await decide(boss, cut["release_id"])
    last = (await boss.loader.status("ARR_320100_20260603_0004"))[-1]
    assert (last.result, last.cleared) == ("partial", 9)


async def test_all_that_wait_are_found_at_a_start_however_many_are_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("billing_sync.nightly.held._MOST", 2)
    monkeypatch.setattr("billing_sync.nightly.held._AT_ONCE", 1)
    store = MemoryStore()
    async with night(tmp_path, store) as boss:
        await a_city(boss)
        for n in range(2, 8):
            last = await boss.put("ARR", debts(0), NEXT, n)
    async with night(tmp_path, store) as boss:
        await eventually(lambda: not boss.loader.waiting())
        assert [held.id for held in boss.loader.brake.waiting()] == [last["release_id"]]
        assert [held.state for held in await held_of(boss.intake)] == ["waiting", "superseded"]


async def test_contracts_that_would_have_ended_already(boss: Night) -> None:
    await a_city(boss)
    contracts = [{"contract_id": f"k{n}", "customer_id": str(n), "ends_on": "2027-01-01"} for n in range(10)]
    await boss.put("CONT", contracts)
    ended = [{**c, "ends_on": "2026-05-01"} if n < 5 else c for n, c in enumerate(contracts)]
    assert (await boss.put("CONT", ended, NEXT, 2))["result"] == "held"
    # One that ends sooner, but has not ended, runs.
    sooner = [{**c, "ends_on": "2026-06-02"} for c in contracts]
    assert (await boss.put("CONT", sooner, NEXT, 3))["result"] == "accepted"


async def test_a_file_under_a_wrong_city_empties_the_right_one(boss: Night) -> None:
    await a_city(boss)
    receipt = await boss.put("CUST", people(5), NEXT, 1, city=OTHER)
    (found,) = await waiting(boss)
    assert receipt["result"] == "held" and (found["city"], found["count"]) == (CITY, 5)


# --- a person's word ------------------------------------------------------------------------------------------------


async def test_released_it_is_loaded_as_it_was_shown(boss: Night) -> None:
    await a_city(boss)
    receipt = await boss.put("ARR", debts(0), NEXT, 2)
    await decide(boss, receipt["release_id"])
    held, loaded = await boss.loader.status("ARR_320100_20260601_0002")
    assert (held.result, loaded.result, loaded.cleared) == ("held", "accepted", 9)
    assert "released by li: 已核对" in loaded.notes[0]
    assert not list(boss.path("held", "").iterdir())
    assert boss.path("accepted", "ARR_320100_20260601_0002.dat.gz").exists()
    assert sum(1 for amount in owed(boss).values() if not amount) == 9
    assert not await waiting(boss) and "files_held" not in boss.loader.freshness()


async def test_rejected_nothing_comes_of_it_and_it_may_come_again(boss: Night) -> None:
    await a_city(boss)
    first = await boss.put("ARR", debts(0), NEXT, 2)
    await decide(boss, first["release_id"], "rejected")
    _, last = await boss.loader.status("ARR_320100_20260601_0002")
    assert last.result == "rejected" and "li did not release it: 已核对" in (last.reason_en or "")
    assert boss.path("rejected", "ARR_320100_20260601_0002.why").exists()
    assert not list(boss.path("held", "").iterdir()) and set(owed(boss).values()) == {500}
    again = await boss.put("ARR", debts(0), NEXT, 2)
    assert again["result"] == "held" and again["release_id"] != first["release_id"]


async def test_two_people_one_word(boss: Night) -> None:
    await a_city(boss)
    id = (await boss.put("ARR", debts(0), NEXT, 2))["release_id"]
    said = await asyncio.gather(
        boss.loader.decide(id, "released", "li", "a"),
        boss.loader.decide(id, "rejected", "wang", "b"),
        boss.loader.decide(id, "released", "wang", "b"),
        return_exceptions=True,
    )
    assert [getattr(each, "code", "released") for each in said] == ["released", "already_decided", "already_decided"]
    assert "li" in str(said[1])
    await eventually(lambda: not boss.loader.waiting())
    assert (await boss.loader.decide(id, "released", "li", "asked again")).why == "a"
    assert len([e for e in boss.events("arrears.changed") if not e["data"]["amount_fen"]]) == 9, "loaded once"
    with pytest.raises(Refused) as refused:
        await boss.loader.decide("nobody", "released", "li", "x")
    assert refused.value.status == 404


# --- order ----------------------------------------------------------------------------------------------------------


async def test_a_later_file_takes_the_place_of_the_one_that_waits(boss: Night) -> None:
    await a_city(boss)
    first = await boss.put("ARR", debts(0), NEXT, 2)
    second = await boss.put("ARR", debts(0, 1), NEXT, 3)
    assert second["result"] == "held" and second["notes"] == [], "no gap: the other one came"
    last = (await boss.loader.status("ARR_320100_20260601_0002"))[-1]
    assert last.result == "rejected" and "ARR_320100_20260601_0003 took its place" in (last.reason_en or "")
    assert [found["id"] for found in await waiting(boss)] == [second["release_id"]]
    with pytest.raises(Refused) as refused:
        await boss.loader.decide(first["release_id"], "released", "li", "x")
    assert refused.value.code == "already_decided"
    # A correction that clears little is loaded, and nothing waits any more.
    assert (await boss.put("ARR", debts(*range(9)), NEXT, 4))["result"] == "accepted"
    assert not await waiting(boss)
    assert [e["data"]["file"] for e in boss.producer.of("feed.events") if "missing" in e["type"]] == []


async def test_an_older_one_is_turned_away_and_the_same_name_too(boss: Night) -> None:
    await a_city(boss)
    await boss.put("ARR", debts(0), "2026-06-02", 3)
    older = await boss.put("ARR", debts(0), NEXT, 2)
    assert older["result"] == "rejected" and "ARR_320100_20260602_0003 took its place" in older["reason_en"]
    same = await boss.put("ARR", debts(0), "2026-06-02", 3)
    assert same["result"] == "rejected" and "waits for release already" in same["reason_en"]
    assert len(await waiting(boss)) == 1


async def test_a_released_file_goes_before_the_next_one(boss: Night) -> None:
    await a_city(boss)
    id = (await boss.put("ARR", debts(0), NEXT, 2))["release_id"]
    await boss.loader.decide(id, "released", "li", "x")
    write_pair(boss.inbox, "ARR", CITY, "2026-06-02", 3, debts(0, day="2026-06-02"))
    await eventually(lambda: not boss.loader.waiting())
    taken = [e["data"]["file"] for e in boss.producer.of("feed.events") if "accepted" in e["type"]]
    assert taken[-2:] == ["ARR_320100_20260601_0002.dat.gz", "ARR_320100_20260602_0003.dat.gz"]


@pytest.mark.parametrize(("verdict", "end"), [("released", "accepted"), ("rejected", "rejected")])
async def test_a_word_that_comes_while_a_later_file_is_checked_stands(
    boss: Night, monkeypatch: pytest.MonkeyPatch, verdict: Any, end: str
) -> None:
    await a_city(boss)
    id = (await boss.put("ARR", debts(0, 1), NEXT, 2))["release_id"]

    async def decided_meanwhile(*about: Any) -> Any:
        found = await weigh(*about)
        await boss.loader.decide(id, verdict, "li", "已核对")
        return found

    monkeypatch.setattr("billing_sync.nightly.brake.weigh", decided_meanwhile)
    later = await boss.put("ARR", debts(0, 1, day="2026-06-02"), "2026-06-02", 3)
    assert later["result"] == ("accepted" if verdict == "released" else "held")
    assert (await boss.loader.status("ARR_320100_20260601_0002"))[-1].result == end
    assert [(h.state, h.by) for h in await held_of(boss.intake) if h.id == id] == [(verdict, "li")]
    assert not list(boss.path(".work", "").iterdir())


async def test_the_night_after_does_not_miss_what_waits(boss: Night) -> None:
    await a_city(boss)
    await boss.put("ARR", debts(0), NEXT, 2)
    await boss.put("CUST", people(), NEXT, 2)
    await boss.put("CUST", people(), "2026-06-02", 3)
    missed = [e["data"]["file"] for e in boss.producer.of("feed.events") if "missing" in e["type"]]
    assert not [file for file in missed if file.startswith("ARR")]


# --- restarts and kills ---------------------------------------------------------------------------------------------


class Killed(BaseException):
    """The process is gone."""


STEPS = [
    ("holding", "Finish", "before"),
    ("holding", "Finish", "after"),
    ("holding", "Forget", "before"),
    ("releasing", "Fetch", "before"),
    ("releasing", "Fetch", "after"),
    ("releasing", "LoadRows", "before"),
    ("releasing", "LoadRows", "after"),
    ("releasing", "Absent", "after"),
    ("releasing", "Finish", "before"),
    ("releasing", "Finish", "after"),
    ("releasing", "Forget", "before"),
    ("rejecting", "Finish", "before"),
    ("rejecting", "Finish", "after"),
    ("rejecting", "Forget", "before"),
]


@pytest.mark.parametrize(("while_", "job", "moment"), STEPS)
async def test_a_kill_at_any_step_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, while_: str, job: str, moment: str
) -> None:
    store, producer = MemoryStore(), Producer()
    async with night(tmp_path, store, producer=producer) as boss:
        await a_city(boss)
        if while_ != "holding":
            await boss.put("ARR", debts(0), NEXT, 2)
    async with night(tmp_path, store, producer=producer) as boss:
        died = asyncio.Event()
        submit = boss.intake.submit

        async def dies(asked: Any) -> Any:
            if type(asked).__name__ != job or died.is_set():
                return await submit(asked)
            if moment == "after":
                await submit(asked)
            died.set()
            raise Killed

        monkeypatch.setattr(boss.intake, "submit", dies)
        if while_ == "holding":
            write_pair(boss.inbox, "ARR", CITY, NEXT, 2, debts(0))
        else:
            (found,) = await waiting(boss)
            await boss.loader.decide(found["id"], "released" if while_ == "releasing" else "rejected", "li", "x")
        async with asyncio.timeout(10):
            await died.wait()
    async with night(tmp_path, store, producer=producer) as boss:
        await eventually(lambda: not boss.loader.waiting())
        if while_ == "holding":
            (found,) = await waiting(boss)
            await decide(boss, found["id"])
        receipts = await boss.loader.status("ARR_320100_20260601_0002")
        assert [r.result for r in receipts] == ["held", "rejected" if while_ == "rejecting" else "accepted"]
        assert not list(boss.path("held", "").iterdir()) and not list(boss.path(".work", "").iterdir())
        cleared = [e["subject"] for e in boss.events("arrears.changed") if not e["data"]["amount_fen"]]
        expected = [] if while_ == "rejecting" else sorted(str(n) for n in range(1, 10))
        assert sorted(cleared) == expected, "each once"
        folder, file = "rejected" if while_ == "rejecting" else "accepted", "ARR_320100_20260601_0002.rcp"
        stored = json.loads(boss.path(folder, file).read_text())
        assert stored["result"] == receipts[-1].result


async def test_half_fetched_is_fetched_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store, producer = MemoryStore(), Producer()
    async with night(tmp_path, store, producer=producer) as boss:
        await a_city(boss)
        id = (await boss.put("ARR", debts(0), NEXT, 2))["release_id"]
        died = asyncio.Event()

        def half(held: str, stem: str) -> None:
            boss.path("held", f"{held}.chk").replace(boss.path(".work", f"{stem}.chk"))
            died.set()
            raise Killed

        monkeypatch.setattr(boss.loader.inbox, "fetch", half)
        await boss.loader.decide(id, "released", "li", "x")
        async with asyncio.timeout(10):
            await died.wait()
    async with night(tmp_path, store, producer=producer) as boss:
        await eventually(lambda: not boss.loader.waiting())
        assert (await boss.loader.status("ARR_320100_20260601_0002"))[-1].result == "accepted"


async def test_what_was_changed_while_it_waited_is_weighed_anew(boss: Night) -> None:
    await a_city(boss)
    first = await boss.put("ARR", debts(0), NEXT, 2)
    other = write_pair(boss.path("other", ""), "ARR", CITY, NEXT, 2, debts(1))
    for suffix in (".dat.gz", ".chk"):
        boss.path("other", other + suffix).replace(boss.path("held", other + suffix))
    await decide(boss, first["release_id"])
    (found,) = await waiting(boss)
    assert found["id"] != first["release_id"] and set(owed(boss).values()) == {500}


async def test_a_bad_brake_is_refused_and_a_stop_switches_it_off(boss: Night) -> None:
    with pytest.raises(Refused) as refused:
        await boss.intake.submit(brake(percent=0))
    assert refused.value.status == 422
    await boss.intake.submit(brake())
    assert await boss.loader.brake.settings() is not None
    await boss.intake.submit(brake(version=3, state="stopped"))
    assert await boss.loader.brake.settings() is None
