"""Counts kept live and counts from the archive: the same, whatever the log holds."""

from pathlib import Path
from typing import Any

import pytest

from analytics.domain import Cell, Counts, counts
from analytics.recount import differences, recount
from analytics.store import LineageStore
from contracts.registry import EVERYWHERE
from servicekit.envelope import Message


def again(log: Any, positions: dict[str, int]) -> Counts:
    scratch: Path = log.settings.service_data
    archive: Path = log.settings.archive_dir
    return recount(archive, positions, scratch)


async def agreed(log: Any) -> Counts:
    """The counts, after both ways have given the same."""
    live: Counts
    live, positions = (await log.read()).counts()
    log.archive()
    assert differences(live, again(log, positions)) == []
    return live


async def test_a_story(churn: Any) -> None:
    counts = await agreed(churn)

    assert counts.total() == 10
    assert {cell.kind: n for cell, n in counts.items()} == {
        "boss.customer.changed": 1, "boss.bill.issued": 4, "alert.raised:churn_warning": 1, "work.opened:retention": 1,
        "work.accepted:retention": 1, "work.closed:retention": 1, "alert.resolved:churn_warning": 1,
    }  # fmt: skip
    assert {cell.city for cell in counts} == {"320100"}


async def test_the_day_is_that_of_the_event_in_shanghai(log: Any) -> None:
    log.add("boss.bill.issued", "evening", time="2026-06-30T15:59:59+00:00")
    log.add("boss.bill.issued", "night", time="2026-06-30T16:00:00+00:00")

    assert sorted(cell.day for cell in await agreed(log)) == ["2026-06-30", "2026-07-01"]


async def test_records_count_under_the_city_their_customer_had_then(log: Any) -> None:
    log.add("boss.bill.issued", "before")
    log.add("boss.customer.changed", "nanjing", city="320100")
    log.add("boss.bill.issued", "first")
    log.add("boss.customer.changed", "moved", city="320500")
    log.add("boss.customer.changed", "unknown", city=None)
    log.add("boss.bill.issued", "second")
    log.add("sms.receipt.received", "elsewhere")

    counts = await agreed(log)

    day = next(iter(counts)).day
    assert {(c.kind, c.city): n for c, n in counts.items()} == {
        ("boss.bill.issued", None): 1, ("boss.bill.issued", "320100"): 1, ("boss.bill.issued", "320500"): 1,
        ("boss.customer.changed", "320100"): 1, ("boss.customer.changed", "320500"): 2,
        ("sms.receipt.received", None): 1,
    }  # fmt: skip
    assert counts[Cell(day, "320500", "boss.customer.changed")] == 2


async def test_repeats_count_once_and_broken_messages_not_at_all(log: Any) -> None:
    log.add("alert.raised", "raised")
    log.repeat("alert.events", 0)
    good = {"ce_id": "x", "ce_type": "kam.alert.raised.v1", "ce_time": "2026-06-30T00:00:00Z"}
    log.put("alert.events", good, b"not json")
    log.put("alert.events", good, b"[]")
    log.put("alert.events", good, b"{}")
    log.put("alert.events", {**good, "ce_type": "kam.alert.invented.v1"}, b"{}")
    log.put("alert.events", {}, b"\xff\xfe")
    body = log.records["alert.events"][0].value
    log.put("alert.events", {**good, "ce_id": ""}, body)
    log.put("alert.events", {**good, "ce_time": "yesterday"}, body)

    assert (await agreed(log)).total() == 1


async def test_positions_bound_the_recount(churn: Any) -> None:
    live, positions = (await churn.read()).counts()
    churn.add("alert.raised", "meanwhile")
    churn.archive()

    assert differences(live, again(churn, positions)) == []
    assert [d["archive"] - d["live"] for d in differences(live, again(churn, churn.ends()))] == [1]


async def test_nothing_yet(log: Any) -> None:
    assert (await agreed(log)).total() == 0


async def test_counts_survive_a_crash_and_count_each_event_once(churn: Any, tmp_path: Path) -> None:
    store = LineageStore(tmp_path / "kept")
    before, _ = (await churn.read(store)).counts()
    await store.close()
    churn.add("alert.raised", "later")

    after, _ = (await churn.read(LineageStore(tmp_path / "kept"))).counts()

    assert after.total() == before.total() + 1


@pytest.mark.parametrize("type_", sorted(EVERYWHERE))
async def test_what_is_told_on_every_partition_counts_once(log: Any, type_: str) -> None:
    """A switch stands on each partition of boss.events, and detection passes it on to each of alert.events."""
    name = type_.removeprefix("kam.").removesuffix(".v1")
    log.add(name, "on boss.events", key="somebody")
    (record,) = log.records["boss.events"]
    headers = {k: v.decode() for k, v in record.headers} | {"ce_id": "passed on", "ce_sequence": "test.0.e1:2"}
    log.put("alert.events", headers, record.value, "somebody")

    assert [(cell.kind, n) for cell, n in (await agreed(log)).items()] == [(name, 1)]


@pytest.mark.parametrize("type_", sorted(EVERYWHERE))
def test_of_the_other_partitions_none_counts(type_: str) -> None:
    about = {"ce_type": type_.encode()}
    there = [counts(Message("boss.events", partition, 0, b"k", about, b"{}")) for partition in range(3)]
    assert there == [True, False, False]


async def test_what_is_told_on_every_partition_is_of_the_city_that_it_names_itself(log: Any) -> None:
    """Of the brake's own key the last record was another city's file."""
    log.add("load.ended", "ended")
    log.add("release.decided", "decided")

    assert {c.kind: c.city for c in await agreed(log)} == {"load.ended": "320100", "release.decided": None}
