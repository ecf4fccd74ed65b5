"""A disk is not the truth: what was answered is in the journal, and comes back to the same digest from there."""

import asyncio
import random
import shutil
from pathlib import Path
from typing import Any

import msgspec
import pytest

from harness.adds import Process, Sum
from harness.memory_journal import MemoryLog
from harness.seeds import seeds
from servicekit import journal as journal_module
from servicekit import store as store_module
from servicekit.checkpoint import Checkpoints
from servicekit.committer import Stopped
from servicekit.journal import Lost
from servicekit.rocksdb_store import LocalStore
from servicekit.store import Batch, Fenced, Transient


async def outbox(process: Process) -> list[int]:
    return [number for number, _ in await process.store.outbox(0, 1000)]


async def test_a_lost_disk_comes_back_from_the_journal(tmp_path: Path) -> None:
    log = MemoryLog()
    first = await Process(tmp_path / "a", log).open()
    assert [await first.pay(c, 5) for c in ("c1", "c2", "c1")] == [5, 5, 10]
    await first.store.sent(2)
    first.processor.relay.sent = 2
    await first.pay("c2", 1)
    digest, epoch, left = await first.store.digest(), first.store.position.epoch, await outbox(first)
    await first.die()
    shutil.rmtree(tmp_path / "a")
    again = await Process(tmp_path / "a", log).open()
    assert await again.store.digest() == digest and again.store.position.epoch == epoch
    assert await outbox(again) == left == [3, 4], "what has left does not leave once more"
    assert await again.store.due(1 << 60, 10), "wake-ups come back too"
    assert await again.pay("c1", 1) == 11
    await again.die()


async def test_what_was_in_the_journal_but_not_on_the_disk_is_applied(tmp_path: Path) -> None:
    log = MemoryLog()
    process = await Process(tmp_path / "a", log).open()
    await process.pay("c1", 5)

    async def cut_off(batch: Batch) -> None:
        raise RuntimeError("killed")

    process.store.commit = cut_off  # type: ignore[method-assign]
    with pytest.raises(Stopped):
        await process.pay("c1", 7)
    await process.die()
    again = await Process(tmp_path / "a", log).open()
    assert await again.pay("c1", 0) == 12
    await again.die()


async def test_a_paused_owner_that_comes_back_is_fenced_and_what_it_writes_is_void(tmp_path: Path) -> None:
    log = MemoryLog()
    old = await Process(tmp_path / "a", log).open()
    assert await old.pay("c1", 5) == 5
    new = await Process(tmp_path / "b", log).open()
    assert await new.pay("c1", 1) == 6
    with pytest.raises(Fenced):
        await old.pay("c1", 100)
    assert await new.pay("c1", 1) == 7
    digest = await new.store.digest()
    await old.die()
    await new.die()
    # Its disk knows less and nothing else: it goes on from there, as does one that knows nothing.
    for folder in ("a", "c"):
        again = await Process(tmp_path / folder, log).open()
        assert await again.store.digest() == digest
        await again.die()


async def test_an_owner_that_does_not_know_yet_answers_nothing(tmp_path: Path) -> None:
    """Its record may even stand before the other's: it counts then, and the other has applied it."""
    log = MemoryLog()
    old = await Process(tmp_path / "a", log).open()
    await old.pay("c1", 5)
    read = log.read

    def late(start: int, end: int) -> Any:  # between the other's first look and its owner record
        async def records() -> Any:
            async for record in read(start, end):
                yield record
            if not paying:
                paying.append(asyncio.ensure_future(old.pay("c1", 1)))
                await asyncio.sleep(0.01)

        return records()

    paying: list[asyncio.Future[Any]] = []
    log.read = late  # type: ignore[method-assign]
    new = await Process(tmp_path / "b", log).open()
    log.read = read  # type: ignore[method-assign]
    assert await paying[0] == 6, "it was still the owner"
    assert await new.pay("c1", 0) == 6
    with pytest.raises(Fenced):
        await old.pay("c1", 1)
    await old.die()
    await new.die()


async def test_a_disk_that_another_journal_tells_of_is_not_trusted(tmp_path: Path) -> None:
    """The topic was made anew meanwhile: its offsets say nothing of the disk."""
    other = await Process(tmp_path / "other", MemoryLog()).open()
    for _ in range(3):
        await other.pay("c1", 100)
    await other.die()
    log = MemoryLog()
    process = await Process(tmp_path / "a", log).open()
    for _ in range(6):
        await process.pay("c1", 1)
    digest = await process.store.digest()
    await process.die()
    again = await Process(tmp_path / "other", log).open()
    assert await again.store.digest() == digest
    await again.die()


async def test_checkpoints_let_the_journal_be_cut(tmp_path: Path) -> None:
    log, kept = MemoryLog(), tmp_path / "checkpoints"
    process = await Process(tmp_path / "a", log, kept).open()
    cuts = []
    for round_ in range(4):
        for n in range(5):
            await process.pay(f"c{n}", round_)
        cuts.append(await process.checkpoint())
    assert cuts == [None, 6, 11, 16] and log.begin == 16
    assert len(list(kept.iterdir())) == 2
    await process.pay("c9", 9)
    digest = await process.store.digest()
    await process.die()
    shutil.rmtree(tmp_path / "a")
    again = await Process(tmp_path / "a", log, kept).open()
    assert await again.store.digest() == digest
    await again.die()


async def test_a_disk_from_before_the_journal_begins_is_not_trusted(tmp_path: Path) -> None:
    log, kept = MemoryLog(), tmp_path / "checkpoints"
    old = await Process(tmp_path / "old", log, kept).open()
    await old.pay("c1", 1)
    await old.die()
    new = await Process(tmp_path / "new", log, kept).open()
    for _ in range(2):
        await new.pay("c1", 1)
        before = await new.checkpoint()
    assert before is not None
    digest = await new.store.digest()
    await new.die()
    again = await Process(tmp_path / "old", log, kept).open()
    assert await again.store.digest() == digest
    await again.die()


async def test_a_damaged_checkpoint_is_said_and_the_one_before_taken(tmp_path: Path) -> None:
    log, kept = MemoryLog(), tmp_path / "checkpoints"
    process = await Process(tmp_path / "a", log, kept).open()
    for _ in range(2):
        await process.pay("c1", 1)
        before = await process.checkpoint()
    assert before is not None
    digest = await process.store.digest()
    await process.die()
    newest = max(kept.iterdir())
    table = max(newest.glob("*.sst"))
    table.unlink()
    table.write_bytes(b"not what it was")
    shutil.rmtree(tmp_path / "a")
    again = await Process(tmp_path / "a", log, kept).open()
    assert await again.store.digest() == digest
    await again.die()
    shutil.rmtree(tmp_path / "a")
    shutil.rmtree(kept)
    with pytest.raises(Lost, match="bring back"):
        await Process(tmp_path / "a", log, kept).open()


async def test_a_store_of_before_the_journal_goes_on_and_is_told_by_a_checkpoint(tmp_path: Path) -> None:
    before = LocalStore(tmp_path / "a")
    await before.open()
    state = msgspec.msgpack.encode(Sum(40))
    await before.commit(Batch({"c1": (state, None)}, offsets={"boss.events/0": 7}))
    # Positions of that time did not count commits.
    before._position = msgspec.structs.replace(before.position, commits=0)
    before._db.put(b"p", msgspec.msgpack.encode(before.position))
    await before.close()
    process = await Process(tmp_path / "a", MemoryLog(), tmp_path / "checkpoints").open()
    assert await process.pay("c1", 2) == 42
    assert process.journal.bytes_written >= 1 << 60, "a checkpoint is due at once"
    await process.die()


@pytest.mark.parametrize("seed", seeds(3, 12))
async def test_nothing_answered_is_lost_whatever_dies(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Processes with and without their disk, one at a time or two at once, before a failing broker; large commits."""
    monkeypatch.setattr(journal_module, "_PART_BYTES", 40)
    monkeypatch.setattr(store_module, "_FIRST_DELAY", 0.0)
    chance = random.Random(seed)
    log, kept = MemoryLog(chance), tmp_path / "checkpoints"
    answered = 0
    alive: list[Process] = []
    for life in range(12):
        folder = tmp_path / f"disk-{chance.randrange(3)}"
        alive = [p for p in alive if chance.random() < 0.5 or await p.die()]  # type: ignore[func-returns-value]
        if any(p.store._path == folder for p in alive):
            continue
        if chance.random() < 0.4:
            shutil.rmtree(folder, ignore_errors=True)
        process = await Process(folder, log, kept).open()
        for _ in range(chance.randrange(6)):
            answered += 1
            assert await process.pay("c1", 1) == answered, f"life {life}"
            if chance.random() < 0.2 and (cut := await process.store.checkpoint(Checkpoints(kept, "adds.0"))):
                await log.cut(cut)
        for paused in alive:
            with pytest.raises((Fenced, Stopped)):
                await paused.pay("c1", 1000)
            await paused.die()
        alive = [process]
    for process in alive:
        await process.die()
    last = await Process(tmp_path / "last", log, kept).open()
    assert await last.pay("c1", 0) == answered
    assert last.store.position.next_sequence == answered + 2
    await last.die()


async def test_a_journal_that_is_away_is_waited_for(tmp_path: Path) -> None:
    log = MemoryLog()
    process = await Process(tmp_path / "a", log).open()
    append, refused = log.append, 0

    async def away(records: Any) -> int:
        nonlocal refused
        refused += 1
        if refused < 3:
            raise Transient("no broker")
        return await append(records)

    log.append = away  # type: ignore[method-assign]
    assert await process.pay("c1", 5) == 5 and refused == 3
    await process.die()
