"""What the brake at the file tells of: of a held file as of any other, how many customers there are; and what is left
of it when a store is lost."""

import asyncio
import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import REGISTRY

from billing_sync.nightly import brake as brake_module
from contracts.registry import CITIES_COUNTED, LOAD_ENDED
from harness.held_files import NEXT, OTHER, PEOPLE, a_city, brake, debts, decide, owed, people, waiting
from harness.intake import NOW, Producer
from harness.memory_journal import MemoryLog
from harness.nightly import CITY, Night, customer, night
from harness.waiting import eventually
from servicekit.decision import Refused
from servicekit.journal import Journal
from servicekit.kafka import partition_of
from servicekit.memory_store import MemoryStore
from servicekit.rocksdb_store import LocalStore

FILE, STEM = "ARR_320100_20260601_0002.dat.gz", "ARR_320100_20260601_0002"


def told(boss: Night, file: str = FILE) -> list[str]:
    """Of a file, on feed.events."""
    found = [e for e in boss.producer.of("feed.events") if e["data"].get("file") == file]
    return [e["type"].split(".")[3] for e in found]


# --- a held file is told of as others are ---------------------------------------------------------------------------


async def test_a_released_file_is_received_then_accepted(boss: Night) -> None:
    await a_city(boss)
    receipt = await boss.put("ARR", debts(0), NEXT, 2)
    assert told(boss) == ["held"]
    await decide(boss, receipt["release_id"])
    assert told(boss) == ["held", "received", "accepted"]


async def test_a_gap_before_a_file_that_waits_is_told_when_it_comes_and_once(boss: Night) -> None:
    await a_city(boss)
    receipt = await boss.put("ARR", debts(0), NEXT, 4)
    file = "ARR_320100_20260601_0004.dat.gz"
    assert sorted(told(boss, file)) == ["held", "missing"]
    assert "0002" in receipt["notes"][0]
    await decide(boss, receipt["release_id"])
    assert sorted(told(boss, file)) == ["accepted", "held", "missing", "received"]


async def test_one_that_is_turned_away_was_never_received(boss: Night) -> None:
    await a_city(boss)
    receipt = await boss.put("ARR", debts(0), NEXT, 2)
    await decide(boss, receipt["release_id"], "rejected")
    assert told(boss) == ["held", "rejected"]


async def test_a_day_says_of_a_released_file_how_it_ended(boss: Night) -> None:
    await a_city(boss)
    receipt = await boss.put("ARR", debts(0), NEXT, 2)
    (before,) = (await boss.loader.day(None))["files"][-1:]
    await decide(boss, receipt["release_id"])
    (after,) = [file for file in (await boss.loader.day(None))["files"] if file["file"] == FILE]
    assert (after["result"], after["late"]) == ("accepted", False) and before["result"] != "held"


# --- how many customers there are -----------------------------------------------------------------------------------


def counted(boss: Night) -> list[dict[str, Any]]:
    return [e for e in boss.producer.of("boss.events") if e["type"] == CITIES_COUNTED]


async def all_counted(boss: Night, times: int) -> list[dict[str, Any]]:
    """What each partition was told, when it has been told so often."""
    partitions = boss.intake.app.partitions
    await eventually(lambda: len(counted(boss)) >= times * partitions)
    assert len(counted(boss)) == times * partitions
    return counted(boss)[-partitions:]


async def test_behind_the_switch_every_partition_learns_what_the_cities_have(boss: Night) -> None:
    await boss.put("CUST", people())
    await boss.put("CUST", [customer(f"o/{n}") for n in range(3)], city=OTHER)
    assert not counted(boss)
    await boss.intake.submit(brake())
    records = await all_counted(boss, 1)
    assert [e["partition"] for e in records] == list(range(boss.intake.app.partitions))
    for record in records:
        assert {city: c["customers"] for city, c in record["data"]["cities"].items()} == {CITY: PEOPLE, OTHER: 3}
        here = [n for n in range(PEOPLE) if partition_of(str(n), boss.intake.app.partitions) == record["partition"]]
        assert record["data"]["cities"][CITY]["here"] == len(here)
    assert sum(record["data"]["cities"][OTHER]["here"] for record in records) == 3


async def test_they_are_counted_once_a_switch_and_not_while_it_is_off(boss: Night) -> None:
    await boss.put("CUST", people())
    await boss.intake.submit(brake())
    await all_counted(boss, 1)
    await boss.intake.submit(brake(enabled=False, version=3))
    await boss.put("PAY", [])
    await all_counted(boss, 1)
    await boss.intake.submit(brake(version=4))
    await all_counted(boss, 2)


async def test_a_switch_while_they_are_counted_has_them_counted_again(
    boss: Night, monkeypatch: pytest.MonkeyPatch
) -> None:
    await boss.put("CUST", people())
    count, switched = brake_module.census_of_all, []

    async def slow(*about: Any) -> Any:
        found = await count(*about)
        if not switched:
            switched.append(await boss.intake.submit(brake(version=3, percent=30)))
        return found

    monkeypatch.setattr(brake_module, "census_of_all", slow)
    await boss.intake.submit(brake())
    await all_counted(boss, 2)


async def test_after_a_restart_they_are_not_counted_again(tmp_path: Path) -> None:
    store, producer = MemoryStore(), Producer()
    async with night(tmp_path, store, producer=producer) as boss:
        await boss.put("CUST", people())
        await boss.intake.submit(brake())
        await all_counted(boss, 1)
    async with night(tmp_path, store, producer=producer) as boss:
        await boss.put("PAY", [])
        await all_counted(boss, 1)


# --- a lost store ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("verdict", [None, "released", "rejected"])
async def test_a_lost_folder_forgets_neither_brake_nor_what_waits_nor_a_word(
    tmp_path: Path, verdict: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The journal has it (ADR 0010), a word too that was said a moment before and not acted on."""
    producer, log = Producer(), MemoryLog()
    boss_dir, data = tmp_path / "boss", tmp_path / "intake"
    boss_dir.mkdir()

    def life() -> Any:
        return night(boss_dir, LocalStore(data), producer=producer, journal=Journal("billing-sync.0", log))

    async with life() as boss:
        await a_city(boss)
        id = (await boss.put("ARR", debts(0), NEXT, 2))["release_id"]
        if verdict is not None:
            # Killed between the word and what it lets happen.
            monkeypatch.setattr(boss.loader._delivery, "carry_out_decisions", asyncio.Event().wait)
            await boss.loader.decide(id, verdict, "li", "已核对")
    shutil.rmtree(data)
    async with life() as boss:
        await eventually(lambda: not boss.loader.waiting())
        assert await boss.loader.brake.settings() is not None
        if verdict is None:
            assert [found["id"] for found in await waiting(boss)] == [id]
            await decide(boss, id)
        with pytest.raises(Refused) as refused:
            await boss.loader.decide(id, "released" if verdict == "rejected" else "rejected", "wang", "x")
        assert "li" in str(refused.value), "who said it first"
        last = (await boss.loader.status(STEM))[-1]
        assert last.result == ("rejected" if verdict == "rejected" else "accepted")
        assert sum(not amount for amount in owed(boss).values()) == (0 if verdict == "rejected" else 9)
        # And the brake brakes.
        assert (await boss.put("CUST", people(status="left"), "2026-06-02", 2))["result"] == "held"


class Log:
    """A consumer of a broker whose topics hold what was written before."""

    async def getmany(self, *_: Any, **__: Any) -> dict[Any, Any]:
        await asyncio.Event().wait()
        return {}

    async def end_offsets(self, places: list[Any]) -> dict[Any, int]:
        return dict.fromkeys(places, 100)


async def test_what_lies_in_held_goes_on_waiting_where_the_journal_is_lost_too(tmp_path: Path) -> None:
    producer = Producer()
    async with night(tmp_path, producer=producer) as boss:
        await a_city(boss)
        first = await boss.put("ARR", debts(0), NEXT, 2)
        before = await waiting(boss)
    for _ in range(2):  # and once more, after a restart of the new store
        async with night(tmp_path, producer=producer, consumer=Log()) as boss:
            await eventually(lambda: bool(boss.loader.brake.waiting()))
            assert await waiting(boss) == before
            (receipt,) = await boss.loader.status(STEM)
            assert (receipt.result, receipt.release_id) == ("held", first["release_id"])
    async with night(tmp_path, producer=producer, consumer=Log()) as boss:
        await eventually(lambda: bool(boss.loader.brake.waiting()))
        await decide(boss, first["release_id"])
        assert (await boss.loader.status(STEM))[-1].result == "accepted"
        assert not list(boss.path("held", "").iterdir())


async def test_a_new_house_takes_nothing_that_a_stranger_lays_into_held(tmp_path: Path) -> None:
    async with night(tmp_path) as boss:
        await a_city(boss)
        await boss.put("ARR", debts(0), NEXT, 2)
    async with night(tmp_path) as boss:
        await boss.put("PAY", [])
        assert await waiting(boss) == []


async def test_a_note_that_can_t_be_read_stops_nothing(tmp_path: Path) -> None:
    producer = Producer()
    async with night(tmp_path, producer=producer) as boss:
        await a_city(boss)
        await boss.put("ARR", debts(0), NEXT, 2)
        boss.path("held", f"{STEM}.release").write_bytes(b"{")
    async with night(tmp_path, producer=producer, consumer=Log()) as boss:
        assert (await boss.put("PAY", []))["result"] == "accepted"
        assert await waiting(boss) == []


async def test_the_end_of_a_file_is_told_where_a_store_was_lost(boss: Night) -> None:
    """Alerts may have a brake by the log of which the new store knows nothing: they wait for these words."""
    await boss.put("CUST", people())
    assert not [e for e in boss.producer.of("boss.events") if e["type"] == LOAD_ENDED]
    boss.intake.revisions_from = 1_700_000_000
    await boss.put("ARR", debts(0), NEXT, 1)
    ended = [e["data"]["file"] for e in boss.producer.of("boss.events") if e["type"] == LOAD_ENDED]
    assert ended == ["ARR_320100_20260601_0001.dat.gz"] * boss.intake.app.partitions


async def test_gauges_tell_how_many_files_wait_and_for_how_long(boss: Night) -> None:
    await a_city(boss)
    receipt = await boss.put("ARR", debts(0), NEXT, 2)
    names = ("kam_boss_files_held", "kam_boss_files_held_seconds")
    boss.intake.system_clock = lambda: NOW + timedelta(seconds=90)
    assert [REGISTRY.get_sample_value(name) for name in names] == [1, 90]
    await decide(boss, receipt["release_id"])
    assert [REGISTRY.get_sample_value(name) for name in names] == [0, 0]
