"""The journal at its seams: records of one batch on both sides of a look, late attempts, a cut at the wrong moment."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from harness.adds import Process
from harness.memory_journal import MemoryLog
from servicekit import journal as journal_module
from servicekit.journal import Record
from servicekit.rocksdb_store import LocalStore
from servicekit.store import Batch, Fenced


def at_second_span(log: MemoryLog, happens: Callable[[], Any]) -> None:
    """Let something happen right behind the first look at where the log ends."""
    span = log.span

    async def looked() -> tuple[int, int]:
        log.span = span  # type: ignore[method-assign]
        found = await span()
        happens()
        return found

    log.span = looked  # type: ignore[method-assign]


async def test_a_batch_whose_parts_stand_on_both_sides_of_a_look_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its owner has the acknowledgement and answers: who takes over must have it."""
    monkeypatch.setattr(journal_module, "_PART_BYTES", 40)
    log = MemoryLog()
    old = await Process(tmp_path / "a", log).open()
    await old.pay("c1", 5)
    assert await old.pay("c1", 1) == 6
    last = [record for record in log.records if record.headers.get("commit") == b"2"]
    assert len(last) > 2
    rest = log.records[-1:]
    log.records = log.records[:-1]
    at_second_span(log, lambda: log.records.extend(rest))
    new = await Process(tmp_path / "b", log).open()
    assert await new.pay("c1", 0) == 6
    await old.die()
    await new.die()


@pytest.mark.parametrize("late", [0, 1, -1])
@pytest.mark.parametrize("place", [1, 2])
async def test_a_late_attempt_within_another_commit_spoils_nothing(
    late: int, place: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection it was sent by was given up, and the broker reads it after all."""
    monkeypatch.setattr(journal_module, "_PART_BYTES", 40)
    log = MemoryLog()
    process = await Process(tmp_path / "a", log).open()
    for _ in range(3):
        await process.pay("c1", 1)
    digest = await process.store.digest()
    await process.die()
    of = [[r for r in log.records if r.headers.get("commit") == b"%d" % n] for n in (2, 3)]
    assert len(of[1]) > 2
    within = log.records.index(of[1][place])
    records = [*log.records[:within], of[0][late], *log.records[within:]]
    log.records = [Record(n, r.headers, r.value) for n, r in enumerate(records)]
    again = await Process(tmp_path / "b", log).open()
    assert await again.store.digest() == digest
    await again.die()


async def test_an_owner_record_that_is_cut_while_it_is_looked_for_fences(tmp_path: Path) -> None:
    log = MemoryLog()
    old = await Process(tmp_path / "a", log).open()
    await old.pay("c1", 5)
    new = await Process(tmp_path / "b", log).open()
    await new.pay("c1", 1)

    def cut() -> None:
        log.records, log.begin = log.records[-1:], log.records[-1].offset

    at_second_span(log, cut)
    read = log.read

    def cut_before(start: int, end: int) -> Any:
        cut()
        return read(start, end)

    log.read = cut_before  # type: ignore[method-assign]
    with pytest.raises(Fenced):
        await old.pay("c1", 100)
    await old.die()
    await new.die()


async def test_a_store_of_before_the_journal_that_was_killed_before_its_first_commit_is_kept(tmp_path: Path) -> None:
    before = LocalStore(tmp_path / "a")
    await before.open()
    await before.commit(Batch({"c1": (msgspec.msgpack.encode({"total": 40}), None)}, offsets={"boss.events/0": 7}))
    before._position = msgspec.structs.replace(before.position, commits=0)
    before._db.put(b"p", msgspec.msgpack.encode(before.position))
    await before.close()
    log = MemoryLog()
    for _ in range(2):
        process = await Process(tmp_path / "a", log).open()
        await process.die()
    process = await Process(tmp_path / "a", log).open()
    assert await process.pay("c1", 2) == 42
    await process.die()


@pytest.mark.parametrize("looks", [1, 2])
async def test_a_journal_that_is_cut_while_it_is_read_is_begun_with_the_checkpoint_that_cut_it(
    looks: int, tmp_path: Path
) -> None:
    """The owner before us works on: where it cuts what we have not read yet, its checkpoints have it."""
    log, kept = MemoryLog(), tmp_path / "checkpoints"
    behind = await Process(tmp_path / "a", log, kept).open()
    await behind.pay("c1", 1)
    await behind.die()
    owner = await Process(tmp_path / "b", log, kept).open()
    for _ in range(3):
        await owner.pay("c1", 1)
        before = await owner.store.checkpoint(owner.journal.checkpoints)  # type: ignore[arg-type]
    assert before is not None and before > 3
    read, left = log.read, looks

    async def cut_then_read(start: int, end: int) -> Any:
        nonlocal left
        left -= 1
        if left == 0:
            await log.cut(before)
        async for record in read(start, end):
            yield record

    log.read = cut_then_read  # type: ignore[method-assign]
    again = await Process(tmp_path / "a", log, kept).open()
    assert left < 0 and log.begin == before
    assert await again.pay("c1", 0) == 4
    await owner.die()
    await again.die()
