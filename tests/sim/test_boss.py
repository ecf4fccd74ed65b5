"""The BOSS simulator: the same seed gives the same province, files that anybody can read, and an honest journal."""

from __future__ import annotations

import asyncio
import csv
import gzip
import hashlib
import io
import json
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest

from contracts.registry import FEED
from kam.sim.boss import files, people, scenarios, traffic
from kam.sim.boss.journal import Journal
from kam.sim.boss.province import EXAMPLE, Province, Shape
from kam.sim.boss.simulator import Settings, Simulator, UnknownCustomer

TODAY = date(2026, 11, 22)
NOW = datetime(2026, 11, 22, 2, tzinfo=UTC)
SHAPE = Shape(seed=1, customers=1000, first_day=TODAY)


@pytest.fixture(scope="module")
def province() -> Province:
    return Province(SHAPE)


def contents(province: Province) -> list[files.Night]:
    return list(files.first_load(province))


def test_the_same_seed_gives_the_same_province(province: Province) -> None:
    assert contents(Province(SHAPE)) == contents(province)
    assert contents(Province(Shape(2, 1000, TODAY))) != contents(province)


def test_the_example_of_the_documentation_lives_there_in_peace(province: Province) -> None:
    example = province.customers[EXAMPLE]
    assert (example.status, example.do_not_disturb) == ("active", False)
    assert example.manager_id in {m.manager_id for m in province.managers if m.unit_id}
    assert EXAMPLE not in province.arrears
    assert all(complaint.customer_id != EXAMPLE for complaint in province.complaints.values())


def test_the_first_load_is_small_news(province: Province) -> None:
    assert len(province.arrears) == 20
    assert len(province.complaints) == 3
    ending = [c for c in province.contracts.values() if c.ends_on and c.ends_on <= TODAY + timedelta(days=90)]
    assert len(ending) == 10
    assert len(falling(province)) == 15


def test_there_is_something_to_try_rules_on(province: Province) -> None:
    """Another threshold warns of others, and a few customers are nearly silent."""
    assert len(falling(province)) < len(falling(province, 80)) < len(falling(province, 90)) < 60
    assert len(falling(province, 50)) < 15
    latest = province.periods[-1]
    silent = {id_ for (id_, period), usage in province.usage.items() if period == latest and usage.active_days == 2}
    assert silent and silent < falling(province)


def falling(province: Province, percent: int = 70) -> set[str]:
    """drop-30 by itself: 300·x_p ≤ 70·(sum of the three before), on the amount or on the minutes."""
    *before, last = province.periods
    found = set()
    for id_ in province.customers:
        for book, field in ((province.bills, "amount_fen"), (province.usage, "voice_minutes")):
            known = [getattr(book.get((id_, period)), field, None) for period in [*before, last]]
            figures = [figure for figure in known if figure is not None]
            if len(figures) == 4 and 300 * figures[3] <= percent * sum(figures[:3]):
                found.add(id_)
    return found


def test_id_numbers_are_nobodys() -> None:
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    for seed in range(50):
        number = people.id_number(Random(seed), "320102", "1980-01-02")
        right = "10X98765432"[sum(int(d) * w for d, w in zip(number[:17], weights, strict=True)) % 11]
        assert len(number) == 18
        assert number[17] != right


def read_pair(folder: Path, name: str) -> tuple[dict[str, str], list[dict[str, str]]]:
    """A pair as interfaces.md describes it, read with nothing of ours."""
    control = dict(line.split("=", 1) for line in (folder / f"{name}.chk").read_text("utf-8").splitlines())
    packed = (folder / control["file"]).read_bytes()
    assert (len(packed), hashlib.sha256(packed).hexdigest()) == (int(control["bytes"]), control["sha256"])
    text = gzip.decompress(packed).decode(control["encoding"])
    separator = control["separator"].replace("\\t", "\t")
    rows = list(csv.DictReader(io.StringIO(text), delimiter=separator, quoting=csv.QUOTE_NONE))
    assert len(rows) == int(control["rows"])
    assert all(None not in row and None not in row.values() for row in rows)
    return control, rows


def test_files_are_what_interfaces_says(province: Province, tmp_path: Path) -> None:
    pairs = {}
    for sequence, night in enumerate(files.first_load(province), 1):
        name = files.write_pair(tmp_path, night, sequence)
        pairs[night.kind, night.city, night.day] = read_pair(tmp_path, name)
    assert {control["encoding"] for control, _ in pairs.values()} == {"utf-8", "gb18030"}
    for (kind, city, day), (control, rows) in pairs.items():
        assert control["business_date"] == day.isoformat() < TODAY.isoformat()
        assert (control["encoding"] == "gb18030") == (city == "320500")
        if kind in ("BILL", "PAY", "ARR"):
            assert int(control["amount_fen"]) == sum(int(row["amount_fen"]) for row in rows)
        else:
            assert control["amount_fen"] == "0"
        if kind == "CUST":
            assert all(row["opened_on"] <= day.isoformat() and row["do_not_disturb"] in "01" for row in rows)
            assert all(row["name"].strip() and row["city"] == city for row in rows)
    known = {row["customer_id"] for (kind, *_), (_, rows) in pairs.items() if kind == "CUST" for row in rows}
    assert len(known) == 1000
    assert {row["customer_id"] for (kind, *_), (_, rows) in pairs.items() if kind == "BILL" for row in rows} <= known


def test_no_value_breaks_a_line() -> None:
    assert files.cell("a|b\tc\nd") == "a b c d"
    assert [files.cell(v) for v in (None, True, 0, date(2026, 1, 2))] == ["", "1", "0", "2026-01-02"]


def test_every_story_is_valid_and_dated_today() -> None:
    province = Province(Shape(3, 300, TODAY))
    seen: Counter[str] = Counter()
    for number in range(3000):
        for record in traffic.happen(traffic.Scene(province, Random(number), NOW, number)):
            event = scenarios.cloud_event(record, f"e{number}", "boss/320100", NOW)
            assert msgspec.convert(event["data"], FEED[event["type"]]) == record
            province.apply(event)
            seen[event["type"]] += 1
    assert set(seen) == set(FEED)


@pytest.mark.parametrize("scenario", scenarios.SCENARIOS)
def test_a_scenario_needs_nothing_but_a_number(scenario: str) -> None:
    events = scenarios.events_for(scenario, "42", {}, NOW)
    assert events[0]["type"] == "kam.boss.customer.changed.v1"
    for event in events:
        msgspec.convert(event["data"], FEED[event["type"]])


@pytest.mark.parametrize("scenario", scenarios.SCENARIOS)
def test_a_customers_page_is_enough(scenario: str) -> None:
    page = {
        "customer": {
            "customer_id": "42",
            "name": "张*",
            "birth_date": "1970-**-**",
            "city": "320500",
            "status": "active",
        },
        "bills": [{"customer_id": "42", "period": p, "amount_fen": 9000} for p in ("202609", "202608", "202607")],
        "arrears": {"customer_id": "42", "as_of": "2026-11-01", "amount_fen": 100, "oldest_due_on": "2026-10-30"},
        "contracts": [{"contract_id": "C1", "customer_id": "42", "ends_on": "2026-12-10", "event_id": "x", "at": "y"}],
    }
    (event,) = scenarios.events_for(scenario, "42", page, NOW)
    wanted: dict[str, dict[str, Any]] = {
        "churn": {"period": "202610", "amount_fen": 4500},
        "arrears": {"amount_fen": 20_000, "oldest_due_on": "2026-09-30"},
        "contract": {"contract_id": "C1", "ends_on": "2026-11-29"},
        "complaint": {"status": "opened"},
        "stop": {"kind": "stop"},
    }
    expected = wanted[scenario]
    assert {name: event["data"][name] for name in expected} == expected


def test_churn_falls_below_seventy_percent(province: Province) -> None:
    bills = [e["data"] for e in scenarios.events_for("churn", "42", {}, NOW)[1:]]
    assert [b["period"] for b in bills] == ["202607", "202608", "202609", "202610"]
    assert 30 * bills[3]["amount_fen"] <= 7 * sum(b["amount_fen"] for b in bills[:3])


class FakeRoads:
    """A platform that takes everything, and may be told to die."""

    def __init__(self, inbox: Path) -> None:
        self.inbox, self.clock, self.sent, self.die = inbox, NOW, list[dict[str, Any]](), False

    async def http(self, events: list[dict[str, Any]]) -> list[dict[str, Any]]:
        if self.die:
            raise ConnectionError("gone")
        self.sent += events
        return [{"source": e["source"], "id": e["id"], "status": "accepted"} for e in events]

    kafka = http

    async def now(self) -> datetime:
        return self.clock

    async def files_delivered(self) -> None:
        for path in self.inbox.iterdir():
            path.rename(self.inbox.parent / path.name)

    async def close(self) -> None:
        return


def simulator(folder: Path, roads: FakeRoads, **settings: Any) -> Simulator:
    return Simulator(folder / "memory", folder / "boss", 1, 300, roads, Settings(**settings))


@pytest.fixture
def roads(tmp_path: Path) -> FakeRoads:
    return FakeRoads(tmp_path / "boss" / "inbox")


async def test_everything_sent_is_in_the_journal_before(tmp_path: Path, roads: FakeRoads) -> None:
    sim = simulator(tmp_path, roads, duplicates=0.2, disorder=0.2, invalid=0.1)
    await sim.start()
    for _ in range(200):
        await sim.step()
    entries = list(sim.journal.read())
    sent = [entry["event"]["id"] for entry in entries if "event" in entry]
    assert Counter(sent) == Counter(event["id"] for event in roads.sent)
    assert len([e for e in entries if "receipt" in e]) == len(sent)
    purposes = Counter(e["purpose"] for e in entries if "event" in e)
    assert all(purposes[purpose] for purpose in ("normal", "duplicate", "invalid"))
    times = [e["event"]["time"] for e in entries if e.get("purpose") == "normal"]
    assert times != sorted(times)
    assert sim.journal.last(3) == entries[-3:]
    await sim.close()


async def test_a_restart_goes_on_where_the_journal_ends(tmp_path: Path, roads: FakeRoads) -> None:
    sim = simulator(tmp_path, roads, disorder=0)
    await sim.start()
    for _ in range(100):
        await sim.step()
    roads.die = True
    with pytest.raises(ConnectionError):
        await sim.step()
    cut_off = [e["event"]["id"] for e in sim.journal.read() if "event" in e][-1]
    await sim.close()

    roads.die, before = False, list(roads.sent)
    again = simulator(tmp_path, roads, disorder=0)
    await again.start()
    assert roads.sent[len(before)]["id"] == cut_off
    assert (again.province.arrears, again.province.bills_to_come) == (sim.province.arrears, sim.province.bills_to_come)
    await again.step()
    numbered = [e["n"] for e in again.journal.read() if e.get("purpose") == "normal"]
    assert len(numbered) == len(set(numbered))
    await again.close()


async def test_the_past_is_delivered_once_and_each_night_after_it(tmp_path: Path, roads: FakeRoads) -> None:
    boss = tmp_path / "boss"
    sim = simulator(tmp_path, roads)
    await sim.start()
    first = {path.name for path in boss.glob("*.dat.gz")}
    await sim.step()
    assert {path.name for path in boss.glob("*.dat.gz")} == first
    roads.clock += timedelta(days=9)
    await sim.step()
    after = {path.name for path in boss.glob("*.dat.gz")} - first
    assert {"CUST_320100_20261130_0011.dat.gz", "ARR_320500_20261130_0010.dat.gz"} <= after
    bills = [name for name in after if name.startswith("BILL_320100_")]
    assert bills == []
    roads.clock += timedelta(days=1)
    await sim.step()
    _, rows = read_pair(boss, "BILL_320100_20261201_0005")
    assert {row["period"] for row in rows} == {"202611"}
    await sim.close()


async def test_a_hidden_file_of_a_stranger_does_not_delay_the_start(tmp_path: Path, roads: FakeRoads) -> None:
    roads.inbox.mkdir(parents=True)
    (roads.inbox / ".chk").write_text("nobody takes this over")
    sim = simulator(tmp_path, roads)
    await asyncio.wait_for(sim.until_taken(), 5)
    assert sim.ready.is_set()
    await sim.close()


async def test_a_scenario_happens_at_once(tmp_path: Path, roads: FakeRoads) -> None:
    sim = simulator(tmp_path, roads)
    await sim.start()
    receipts = await sim.scenario("arrears", EXAMPLE)
    assert [r["status"] for r in receipts] == ["accepted"]
    first = roads.sent[-1]["data"]
    assert (first["customer_id"], first["oldest_due_on"]) == (EXAMPLE, "2026-11-17")
    await sim.scenario("arrears", EXAMPLE)
    second = roads.sent[-1]["data"]
    assert second["amount_fen"] > first["amount_fen"]
    assert second["oldest_due_on"] < first["oldest_due_on"]
    with pytest.raises(UnknownCustomer):
        await sim.scenario("stop", "nobody")
    await sim.close()


def test_a_line_that_a_crash_cut_off_is_skipped(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    path.write_text(json.dumps({"file": "a", "rows": 1}) + '\n{"n": 1, "ev')
    journal = Journal(path)
    journal.file("b", 2)
    assert [entry["file"] for entry in journal.read()] == ["a", "b"]
    journal.close()
