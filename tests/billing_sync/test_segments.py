"""What did not change is confirmed by segments of a file: cheaper, and with the same outcome as row by row."""

import asyncio
import gzip
import random
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zlib import crc32

import msgspec
import pytest

from billing_sync.domain.rows import FactMaker
from billing_sync.intake import Pulse
from billing_sync.nightly import chunks
from billing_sync.nightly.control import Control
from billing_sync.nightly.names import name_of
from billing_sync.store import decode_known, decode_segment
from harness.boss_files import COLUMNS, write_pair
from harness.intake import feed, until
from harness.nightly import CITY, DAY, bill, customer, night
from harness.seeds import seeds
from harness.waiting import eventually
from servicekit.memory_store import MemoryStore
from servicekit.store import Batch

OUTCOMES = ("loaded", "unchanged", "stale")


class Watched(MemoryStore):
    """Counts what each commit writes of a kind of entry."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[str] = []
        self.dies_in = 1_000_000

    async def commit(self, batch: Batch) -> None:
        self.dies_in -= 1
        if self.dies_in <= 0:
            raise asyncio.CancelledError
        self.written += batch.states
        await super().commit(batch)

    def of(self, prefix: str) -> list[str]:
        return [key for key in self.written if key.startswith(prefix)]

    def segments(self) -> dict[str, Any]:
        return {key: decode_segment(raw) for key, raw in self.states.items() if key.startswith("SEG/")}


def counts(receipt: dict[str, Any]) -> tuple[int, ...]:
    return tuple(receipt[name] for name in OUTCOMES)


BILLS = [bill(str(n), 100 + n) for n in range(20)]


async def test_what_did_not_change_moves_on_without_its_records_and_an_older_word_is_stale(tmp_path: Path) -> None:
    store = Watched()
    async with night(tmp_path, store) as boss:
        await boss.put("BILL", BILLS)
        store.written.clear()
        receipt = await boss.put("BILL", BILLS, "2026-06-03", 2)
        assert counts(receipt) == (0, 20, 0) and receipt["amount"] == sum(row["amount_fen"] for row in BILLS)
        assert not store.of("BILL/") and len(store.of("SEG/")) == 7
        before = len(boss.events())
        old = {**BILLS[5], "amount_fen": 1}
        await feed(boss.intake, "bill.issued", old, time="2026-06-02T10:00:00+08:00")
        assert counts(await boss.put("BILL", [old], "2026-06-01", 3)) == (0, 0, 1)
        assert counts(await boss.put("BILL", BILLS, "2026-06-01", 4)) == (0, 0, 20)
        assert len(boss.events()) == before
        known = await boss.intake.known(["BILL/5/202605"])
        assert known["BILL/5/202605"].sequence == 2
        await feed(boss.intake, "bill.issued", old, time="2026-06-04T10:00:00+08:00")
        assert counts(await boss.put("BILL", BILLS, "2026-06-05", 5)) == (1, 19, 0)
        assert [e["data"]["amount_fen"] for e in boss.events()[before:]] == [1, 105]


async def test_a_segment_whose_records_have_all_left_is_forgotten(tmp_path: Path) -> None:
    store = Watched()
    async with night(tmp_path, store) as boss:
        await boss.put("BILL", BILLS)
        assert sum(segment.rows for segment in store.segments().values()) == 20
        await boss.put("BILL", [{**row, "amount_fen": 7} for row in BILLS], "2026-06-03", 2)
        assert [s.sequence for s in store.segments().values()] == [2] * 7
        for row in BILLS:
            await feed(boss.intake, "bill.issued", row, time="2026-06-05T10:00:00+08:00")
        assert store.segments() == {}


async def test_records_that_are_forgotten_leave_their_segments(tmp_path: Path) -> None:
    store = Watched()
    old = [{**row, "period": "202101", "issued_on": "2021-01-31"} for row in BILLS]
    async with night(tmp_path, store, rows=8) as boss:
        await boss.put("BILL", old, "2021-01-31", 1)
        await boss.put("BILL", old[:8], "2026-06-01", 2)
        for _ in range(6):
            await boss.intake.submit(Pulse())
        assert sorted(key for key in store.states if key.startswith("BILL/")) == [f"BILL/{n}/202101" for n in range(8)]
        assert [segment.members for segment in store.segments().values()] == [8]
        assert counts(await boss.put("BILL", old, "2026-06-02", 3)) == (12, 8, 0)


async def test_a_row_that_stands_twice_in_a_file_is_compared_each_time(tmp_path: Path) -> None:
    async with night(tmp_path, rows=8) as boss:
        twice = [bill("1", 100), bill("2", 5), bill("1", 200)]
        for sequence, day in enumerate(("2026-06-01", "2026-06-02"), 1):
            assert counts(await boss.put("BILL", twice, day, sequence)) == ((3, 0, 0), (2, 1, 0))[sequence - 1]
        assert [e["data"]["amount_fen"] for e in boss.events()] == [100, 5, 200, 100, 200]


async def test_a_bad_row_is_told_each_time(tmp_path: Path) -> None:
    async with night(tmp_path, rows=8) as boss:
        for sequence in (1, 2):
            receipt = await boss.put("BILL", [bill("1"), bill("2", "bad")], f"2026-06-0{sequence}", sequence)
            assert (receipt["rejected"], receipt["result"]) == (1, "partial")


async def test_a_letter_that_slips_from_a_row_into_the_header_confirms_nothing(tmp_path: Path) -> None:
    columns, control = [*COLUMNS["BILL"].split(), "note"], {"amount_fen": 100}
    row = f"|202605|{DAY}|2026-06-20|100|||||"
    async with night(tmp_path) as boss:
        assert counts(await boss.put("BILL", ["7" + row], columns=columns, control=control)) == (1, 0, 0)
        receipt = await boss.put("BILL", [row], "2026-06-01", 2, columns=[*columns[:-1], "note7"], control=control)
        assert (*counts(receipt), receipt["rejected"]) == (0, 0, 0, 1)


async def test_who_is_confirmed_with_a_segment_is_not_missing(tmp_path: Path) -> None:
    people = [customer(f"{n:02}") for n in range(10)]
    async with night(tmp_path) as boss:
        await boss.put("CUST", people)
        assert (await boss.put("CUST", people, "2026-06-01", 2))["notes"] == []
        receipt = await boss.put("CUST", people[:9], "2026-06-02", 3)
        assert counts(receipt) == (0, 9, 0) and "drift: 1 known" in receipt["notes"][0] and "09" in receipt["notes"][0]
        # He has moved: the city he left confirms the others, and he is not of it any more.
        await boss.put("CUST", [customer("03", city="320500")], "2026-06-03", 1, city="320500")
        there = await boss.put("CUST", [p for p in people if p["customer_id"] != "03"], "2026-06-04", 4)
        assert counts(there) == (0, 9, 0) and there["notes"] == []


async def test_what_was_stored_by_an_earlier_release_joins_its_segment(tmp_path: Path) -> None:
    store = Watched()
    async with night(tmp_path, store) as boss:
        await boss.put("BILL", BILLS)
        for key, raw in list(store.states.items()):
            if key.startswith("BILL/"):
                store.states[key] = msgspec.msgpack.encode(msgspec.msgpack.decode(raw)[:8])
            elif key.startswith("SEG/"):
                del store.states[key]
        assert counts(await boss.put("BILL", BILLS, "2026-06-01", 2)) == (0, 20, 0)
        store.written.clear()
        assert counts(await boss.put("BILL", BILLS, "2026-06-02", 3)) == (0, 20, 0)
        assert not store.of("BILL/")


@pytest.mark.parametrize("at", range(1, 7))
async def test_a_kill_in_the_middle_confirms_the_rest(tmp_path: Path, monkeypatch: Any, at: int) -> None:
    monkeypatch.setattr(chunks, "_AT_ONCE", 1)
    store = Watched()
    async with night(tmp_path, store) as boss:
        await boss.put("BILL", BILLS)
    name = write_pair(tmp_path / "inbox", "BILL", CITY, "2026-06-01", 2, BILLS)
    store.dies_in = at
    try:
        async with night(tmp_path, store):
            await eventually(lambda: store.dies_in <= 0)
    except asyncio.CancelledError:
        pass
    store.dies_in = 1_000_000
    async with night(tmp_path, store) as boss:
        assert counts(await boss.receipt(name)) == (0, 20, 0)
    assert {segment.sequence for segment in store.segments().values()} == {2}


# --- against a model that knows no segments -------------------------------------------------------------------------


@dataclass
class Model:
    """Recency as interfaces.md has it, a record at a time."""

    known: dict[str, tuple[tuple[str, int], int]] = field(default_factory=dict)
    events: list[tuple[str, int]] = field(default_factory=list)

    def take(self, who: str, amount: int, at: str, sequence: int) -> str:
        (then, of), content = self.known.get(who, (("", 0), None))
        if at < then or (at == then and 0 < sequence < of):
            return "stale"
        self.known[who] = ((at, sequence), amount)
        if content == amount:
            return "unchanged"
        self.events.append((who, amount))
        return "loaded"


@pytest.mark.parametrize("seed", seeds(1, 40))
async def test_segments_change_no_outcome(tmp_path: Path, seed: int) -> None:
    dice = random.Random(seed)
    model, store = Model(), Watched()
    rows = [(str(n), 100 + n) for n in range(24)]
    async with night(tmp_path, store, rows=dice.choice((2, 4, 30))) as boss:
        for sequence in range(1, 14):
            day = f"2026-06-{dice.choice((max(1, sequence - 2), sequence, sequence)):02}"
            for _ in range(dice.choice((0, 0, 1, 2))):
                who, amount = dice.choice(rows)
                amount += dice.choice((0, 1000))
                await feed(boss.intake, "bill.issued", bill(who, amount), time=f"{day}T23:00:00+08:00")
                model.take(who, amount, f"{day} 23", 0)
            if dice.random() < 0.3:
                place = dice.randrange(len(rows))
                rows[place] = (rows[place][0], rows[place][1] + 1)
            if dice.random() < 0.3:
                rows.insert(dice.randrange(len(rows)), (f"x{sequence}", 5))
            if dice.random() < 0.2:
                rows.append(dice.choice(rows))
            receipt = await boss.put("BILL", [bill(*row) for row in rows], day, sequence)
            told = [model.take(*row, f"{day} 24", sequence) for row in rows]
            assert counts(receipt) == tuple(told.count(name) for name in OUTCOMES), (sequence, day)
            if dice.random() < 0.3:
                await boss.intake.submit(Pulse())
        await until(lambda: not boss.intake.settle()["outbox"])
        assert [(e["subject"], e["data"]["amount_fen"]) for e in boss.events()] == model.events
        known = await boss.intake.known([f"BILL/{who}/202605" for who in model.known])
        assert {key.split("/")[1]: k.sequence for key, k in known.items()} == {
            who: place[1] for who, (place, _) in model.known.items()
        }
        members: dict[bytes, int] = {}
        for key, raw in store.states.items():
            if key.startswith("BILL/") and (home := decode_known(raw).segment):
                members[home] = members.get(home, 0) + 1
        assert {f"SEG/{home.hex()}": n for home, n in members.items()} == {
            key: segment.members for key, segment in store.segments().items()
        }


# --- cuts -----------------------------------------------------------------------------------------------------------


def test_a_row_put_in_moves_only_the_cuts_near_it() -> None:
    lines = [b"%d|%d" % (n, crc32(b"%d" % n)) for n in range(20_000)]
    cuts = list(chunks._cuts(lines, 512))
    sizes = [b - a for a, b in zip([0, *cuts], cuts, strict=False)]
    assert all(16 <= size <= 512 for size in sizes) and 60 < sum(sizes) / len(sizes) < 110
    longer = [*lines[:5000], b"one more", *lines[5000:]]
    moved = {cut - (cut > 5000) for cut in chunks._cuts(longer, 512)} ^ set(cuts)
    assert len(moved) <= 4


def test_rows_of_a_megabyte_are_cut_by_their_size(tmp_path: Path) -> None:
    name = name_of("COMP_320100_20260531_0001")
    assert name is not None
    header = "complaint_id|customer_id|opened_at|category|channel|severity|status|closed_at|text"
    path = tmp_path / "rows.gz"
    path.write_bytes(gzip.compress("\n".join([header, *(f"{n}||||||||{'x' * 900_000}" for n in range(40))]).encode()))
    control = Control(40, 0, "", 0, "utf-8", "|")
    maker = FactMaker(name.kind, name.file, name.city, name.date, name.sequence)
    found = list(chunks.DataFile(path, name, control, maker).chunks(2000))
    assert sum(rows.count for chunk in found for rows in chunk) == 40
    assert max(sum(len(rows.raw) for rows in chunk) for chunk in found) <= 9 << 20
    assert found[0][0].first == 2
