"""Following the log: to its end, on from where it stopped, anew where the log does not reach back; nothing ends it."""

import asyncio
import sqlite3
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.projection import follow
from gateway.projection.follow import SKIPPED
from harness.read_model import (
    NOW,
    Log,
    alert,
    at,
    customer,
    following,
    message,
    nothing_to_bring,
    reached,
    table,
    unit,
    until,
    work,
)
from servicekit.clock import system_now


def tick(minutes: float) -> Any:
    return message("kam.clock.ticked.v1", {"clock": at(minutes), "number": 1})


async def test_it_reads_to_the_end_and_says_so(tmp_path: Path) -> None:
    log = Log()
    async with following(tmp_path, log, partitions=2) as lists:
        log.put("boss.events", customer(), message("kam.boss.bill.issued.v1", {}), tick(1), partition=1)
        log.put("alert.events", alert("raised"), tick(0))
        await until(lambda: reached(lists, log))
        assert await table(
            lists.store, "SELECT a.alert_id, c.name FROM alerts a JOIN customers c USING (customer_id)"
        ) == [("a1", "王小明")]
        assert lists.clock == NOW + timedelta(minutes=1)
        await until(lambda: not lists.settle()["busy"])
        as_of = lists.as_of()
        assert as_of is not None and system_now() - as_of < timedelta(seconds=2)
        assert lists.settle()["sequence"] > 0


async def test_it_goes_on_from_where_it_stood(tmp_path: Path) -> None:
    log, asked = Log(), []

    async def bring(*_: Any) -> None:
        asked.append(1)
        await nothing_to_bring(*_)

    async with following(tmp_path, log, rebuild=bring) as lists:
        log.put("boss.events", unit("u1"), tick(1))
        await until(lambda: reached(lists, log))
    log.put("boss.events", unit("u2"))
    async with following(tmp_path, log, rebuild=bring) as lists:
        await until(lambda: reached(lists, log))
        assert await table(lists.store, "SELECT unit_id FROM units ORDER BY 1") == [("u1",), ("u2",)]
        assert lists.clock == NOW + timedelta(minutes=1)
    assert asked == [1]


@pytest.mark.parametrize("what", ["the log begins later", "the log is another one", "one partition more"])
async def test_it_is_made_anew(tmp_path: Path, what: str) -> None:
    log = Log()
    async with following(tmp_path, log) as lists:
        log.put("boss.events", unit("u1"), unit("u2"))
        await until(lambda: reached(lists, log))
    if what == "the log begins later":
        log.put("boss.events", unit("u3"), unit("u4"))
        log.begins = {next(iter(log.records)): 3}
    elif what == "the log is another one":
        log = Log()
    async with following(tmp_path, log, partitions=2 if what == "one partition more" else 1) as lists:
        assert await table(lists.store, "SELECT unit_id FROM units") == []
        log.put("boss.events", unit("u5"))
        await until(lambda: reached(lists, log))
        assert await table(lists.store, "SELECT unit_id FROM units") == [("u5",)]


@pytest.mark.parametrize("more", [0, 1])
async def test_a_log_that_is_cut_beneath_it_makes_it_anew(
    more: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follow, "_FIRST_DELAY", 0.05)
    log, asked = Log(), []

    async def bring(store: Any, *others: Any) -> None:
        asked.append(1)
        await nothing_to_bring(store, *others)

    async with following(tmp_path, log, rebuild=bring) as lists:
        log.put("boss.events", unit("u1"))
        await until(lambda: reached(lists, log))
        place = next(iter(log.records))
        log.records[place] += [None] * 2  # type: ignore[list-item]  # never seen
        log.begins = {place: 3}
        log.put("boss.events", *([unit("u4")] * more))
        await until(lambda: log.connected == 2 and not lists.settle()["busy"])
        log.put("boss.events", unit("u5"))
        await until(lambda: reached(lists, log))
        assert ("u5",) in await table(lists.store, "SELECT unit_id FROM units")
        assert ("u1",) not in await table(lists.store, "SELECT unit_id FROM units"), "the services' documents tell it"
    assert len(asked) == 2


async def test_what_can_not_be_read_is_counted_and_passed(tmp_path: Path) -> None:
    log = Log()
    skipped = SKIPPED.labels("message")._value.get()
    async with following(tmp_path, log) as lists:
        replayed = unit("u3")
        replayed.headers["kam-replay-for"] = b"analytics"
        bad = [message("kam.boss.unit.changed.v1", b"\xff"), message("kam.boss.unit.changed.v1", {"unit_id": None})]
        log.put("boss.events", tick(60 * 24 * 365 * 80))
        ticks = [message("kam.clock.ticked.v1", b"no json"), message("kam.clock.ticked.v1", {"clock": "9999-99-99"})]
        log.put("boss.events", unit("u1"), *bad, *ticks, replayed, unit("u2"))
        await until(lambda: reached(lists, log))
        assert await table(lists.store, "SELECT unit_id FROM units ORDER BY 1") == [("u1",), ("u2",)]
        assert lists.clock < system_now() + timedelta(days=2), "however far ahead a tick may be"
    assert SKIPPED.labels("message")._value.get() - skipped == 2


async def test_a_broker_that_is_away_makes_it_older_and_ends_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follow, "_PROBE_SECONDS", 0.02)
    monkeypatch.setattr(follow, "_AWAY_SECONDS", 0.2)
    monkeypatch.setattr(follow, "_FIRST_DELAY", 0.05)
    log = Log()
    async with following(tmp_path, log) as lists:
        await until(lambda: lists.as_of() is not None)
        log.is_away = True
        await asyncio.sleep(0.4)
        first = lists.as_of()
        await asyncio.sleep(0.2)
        assert lists.as_of() == first
        assert lists.settle()["seconds_behind"] >= 0.2
        log.is_away = False
        log.put("boss.events", unit("u1"))
        await until(lambda: reached(lists, log))
        assert lists.settle()["seconds_behind"] < 0.2


async def test_people_read_while_the_broker_is_away_at_the_start(tmp_path: Path) -> None:
    log = Log()
    async with following(tmp_path, log) as lists:
        await until(lambda: lists.as_of() is not None)
        log.put("boss.events", unit("u1"), tick(5))
        await until(lambda: reached(lists, log))
    log.is_gone = True
    async with following(tmp_path, log, is_awaited=False) as lists:
        await until(lambda: lists.is_whole)
        assert lists.settle()["busy"], "who waits for everything waits for it"
        assert await table(lists.store, "SELECT unit_id FROM units") == [("u1",)]
        assert lists.clock == NOW + timedelta(minutes=5)
        as_of = lists.as_of()
        assert as_of is not None and system_now() - as_of < timedelta(seconds=5)


async def test_a_damaged_file_is_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow, "_FIRST_DELAY", 0.05)
    log = Log()
    async with following(tmp_path, log) as lists:
        log.put("boss.events", unit("u1"))
        await until(lambda: reached(lists, log))
        apply, failing = lists.store._apply, [sqlite3.DatabaseError("database disk image is malformed")]
        monkeypatch.setattr(lists.store, "_apply", lambda *all_: apply(*all_) if not failing else fail(failing.pop()))
        log.put("boss.events", unit("u2"))
        await until(lambda: log.connected == 2)
        await until(lambda: reached(lists, log) and not lists.settle()["busy"])
        # What the log had said before is brought by the services' documents; here there are none.
        assert await table(lists.store, "SELECT unit_id FROM units") == []


async def test_a_full_disk_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow, "_FIRST_DELAY", 0.05)
    log = Log()
    async with following(tmp_path, log) as lists:
        apply, failing = lists.store._apply, [sqlite3.OperationalError("database or disk is full")] * 2
        monkeypatch.setattr(lists.store, "_apply", lambda *all_: apply(*all_) if not failing else fail(failing.pop()))
        log.put("boss.events", unit("u1"))
        await until(lambda: reached(lists, log))
        assert await table(lists.store, "SELECT unit_id FROM units") == [("u1",)]


def fail(error: Exception) -> None:
    raise error


async def test_events_come_while_it_is_made_anew(tmp_path: Path) -> None:
    """People see what is there, with a word that rows may be missing."""
    log, may_end = Log(), asyncio.Event()

    async def bring(*all_: Any) -> None:
        await may_end.wait()
        await nothing_to_bring(*all_)

    async with following(tmp_path, log, rebuild=bring, is_awaited=False) as lists:
        await until(lambda: lists.settle()["offsets"])
        log.put("work.events", work("opened"))
        await until(lambda: reached(lists, log))
        assert not lists.is_whole and lists.settle()["busy"]
        assert await table(lists.store, "SELECT work_id FROM work") == [("w1",)]
        may_end.set()
        await until(lambda: lists.is_whole)
