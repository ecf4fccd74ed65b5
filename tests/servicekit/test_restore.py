"""A store that begins anew, killed or out of room at any step; what a checkpoint says of itself."""

import errno
import shutil
from pathlib import Path
from typing import Any

import pytest

from harness.adds import Process
from harness.memory_journal import MemoryLog
from servicekit import checkpoint as checkpoint_module
from servicekit import rocksdb_format, rocksdb_store
from servicekit import store as store_module
from servicekit.checkpoint import Checkpoints
from servicekit.store import Position, Transient

KILLED = RuntimeError("killed")


async def life(tmp_path: Path) -> MemoryLog:
    """A processor with two checkpoints and a cut journal, that stands at 6."""
    log, kept = MemoryLog(), tmp_path / "checkpoints"
    process = await Process(tmp_path / "a", log, kept).open()
    for _ in range(3):
        await process.pay("c1", 2)
        cut = await process.checkpoint()
    assert cut is not None
    await process.die()
    return log


async def comes_back(folder: Path, log: MemoryLog) -> None:
    """A process with this disk stands where ``life`` left it."""
    again = await Process(folder, log, folder.parent / "checkpoints").open()
    assert await again.pay("c1", 0) == 6
    await again.die()


@pytest.mark.parametrize("files", range(6))
async def test_a_restore_that_is_killed_is_begun_again(
    files: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = await life(tmp_path)
    shutil.rmtree(tmp_path / "a")
    copy, copied = checkpoint_module._copy, 0

    def killed(source: Path, target: Path) -> None:
        nonlocal copied
        copied += 1
        if copied > files:
            raise KILLED
        copy(source, target)

    monkeypatch.setattr(checkpoint_module, "_copy", killed)
    with pytest.raises(RuntimeError):
        await Process(tmp_path / "a", log, tmp_path / "checkpoints").open()
    monkeypatch.undo()
    await comes_back(tmp_path / "a", log)


async def test_an_old_folder_that_is_half_thrown_away_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = await life(tmp_path)
    old = await Process(tmp_path / "old", MemoryLog()).open()  # of another journal: not to be trusted
    await old.pay("c1", 1)
    await old.die()
    remove = shutil.rmtree

    def killed(path: Path, ignore_errors: bool = False) -> None:
        if not ignore_errors or (path / "CURRENT").exists():
            (path / "CURRENT").unlink()
            raise KILLED
        remove(path, ignore_errors)

    monkeypatch.setattr(shutil, "rmtree", killed)
    with pytest.raises(RuntimeError):
        await Process(tmp_path / "old", log, tmp_path / "checkpoints").open()
    monkeypatch.undo()
    await comes_back(tmp_path / "old", log)


async def test_a_disk_that_is_full_while_a_checkpoint_comes_back_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = await life(tmp_path)
    shutil.rmtree(tmp_path / "a")
    copy, full = checkpoint_module._copy, 3

    def without_room(source: Path, target: Path) -> None:
        nonlocal full
        if full and target.name == "CURRENT":
            full -= 1
            raise OSError(errno.ENOSPC, "No space left on device")
        copy(source, target)

    monkeypatch.setattr(checkpoint_module, "_copy", without_room)
    monkeypatch.setattr(store_module, "_FIRST_DELAY", 0.0)
    again = await Process(tmp_path / "a", log, tmp_path / "checkpoints").open()
    assert not full and await again.pay("c1", 0) == 6
    await again.die()


async def test_a_checkpoint_that_the_disk_can_not_read_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = await life(tmp_path)
    shutil.rmtree(tmp_path / "a")
    newest = max((tmp_path / "checkpoints").iterdir())
    copy = checkpoint_module._copy

    def bad_sector(source: Path, target: Path) -> None:
        if source.parent == newest:
            raise OSError(errno.EIO, "Input/output error")
        copy(source, target)

    monkeypatch.setattr(checkpoint_module, "_copy", bad_sector)
    await comes_back(tmp_path / "a", log)


async def test_a_file_that_never_changes_is_read_once_for_all_checkpoints(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    digest = checkpoint_module._digest
    monkeypatch.setattr(checkpoint_module, "_digest", lambda path: read.append(path.name) or digest(path))
    log, kept = MemoryLog(), tmp_path / "checkpoints"
    for _ in range(3):  # also by the next process on this disk
        process = await Process(tmp_path / "a", log, kept).open()
        for _ in range(2):
            await process.pay("c1", 2)
            await process.checkpoint()
        await process.die()
    tables = [name for name in read if name.endswith(".sst")]
    assert len(tables) > 4 and len(tables) == len(set(tables))
    newest = Checkpoints(kept, "adds.0").newest()
    assert newest is not None and newest.sources.keys() == {name for name in newest.files if name.endswith(".sst")}
    shutil.rmtree(tmp_path / "a")
    again = await Process(tmp_path / "a", log, kept).open()
    assert await again.pay("c1", 0) == 12
    await again.die()


async def test_a_file_of_the_same_name_that_is_another_is_read(tmp_path: Path) -> None:
    source, kept = tmp_path / "source", Checkpoints(tmp_path / "kept", "adds.0")
    source.mkdir()
    for n, content in enumerate((b"one", b"two", b"two"), 1):
        table = source / "000007.sst"
        table.unlink(missing_ok=True)
        table.write_bytes(content)
        kept.keep(source, Position(commits=n), "2026-11-01T00:00:00+00:00")
        folder = tmp_path / "kept" / f"{n:015d}"
        assert (folder / "000007.sst").read_bytes() == content
    assert kept.restore(tmp_path / "back") == Position(commits=3)
    assert (tmp_path / "back" / "000007.sst").read_bytes() == b"two"


async def test_a_checkpoint_says_no_more_than_it_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Small commits go on while it is taken; the journal is cut by what it says."""
    log, kept = MemoryLog(), tmp_path / "checkpoints"
    process = await Process(tmp_path / "a", log, kept).open()
    await process.pay("c1", 1)
    real = rocksdb_store.Checkpoint

    class Slow:
        def __init__(self, db: Any) -> None:
            self._db = db

        def create_checkpoint(self, path: str) -> None:
            real(self._db).create_checkpoint(path)
            position = process.store.position
            later = type(position)(commits=position.commits + 1, journal=position.journal + 1)
            self._db.put(b"p", rocksdb_format.encode(later))

    monkeypatch.setattr(rocksdb_store, "Checkpoint", Slow)
    await process.store.checkpoint(Checkpoints(kept, "adds.0"))
    said = next(Checkpoints(kept, "adds.0")._whole())[1].position
    assert said.commits == process.store.position.commits
    await process.die()


async def test_a_checkpoint_is_taken_twice_after_the_same_commit(tmp_path: Path) -> None:
    """The journal could not be cut after the first."""
    log, kept = MemoryLog(), Checkpoints(tmp_path / "checkpoints", "adds.0")
    process = await Process(tmp_path / "a", log, tmp_path / "checkpoints").open()
    for _ in range(2):
        await process.pay("c1", 1)
        cut = await process.store.checkpoint(kept)
    assert cut is not None and await process.store.checkpoint(kept) == cut
    assert len(list(kept._whole())) == 2
    await process.die()


@pytest.mark.parametrize("left", ["*.log", "*.sst", "CURRENT", "MANIFEST*", "OPTIONS*"])
async def test_a_folder_that_was_deleted_in_part_comes_back(left: str, tmp_path: Path) -> None:
    log = await life(tmp_path)
    for path in (tmp_path / "a").iterdir():
        if path.is_file() and not path.match(left):
            path.unlink()
    await comes_back(tmp_path / "a", log)


async def test_checkpoints_that_found_no_room_do_not_take_what_there_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "checkpoints"
    process = await Process(tmp_path / "a", MemoryLog(), folder).open()

    def full(source: Path, target: Path) -> None:
        target.write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(checkpoint_module, "_copy", full)
        for _ in range(3):
            await process.pay("c1", 1)
            with pytest.raises(Transient):
                await process.store.checkpoint(Checkpoints(folder, "adds.0"))
    assert len(list(folder.iterdir())) == 1
    await process.pay("c1", 1)
    await process.store.checkpoint(Checkpoints(folder, "adds.0"))
    assert [path.name for path in folder.iterdir()] == ["000000000000004"]
    await process.die()
