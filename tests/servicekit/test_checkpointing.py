"""When checkpoints are taken: also where a service is started anew more often than daily."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from harness.adds import Process
from harness.memory_journal import MemoryLog
from harness.waiting import eventually
from servicekit import checkpointing, rocksdb_store
from servicekit.checkpoint import Checkpoints
from servicekit.clock import system_now


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpointing, "_LOOK_SECONDS", 0.01)


async def until(process: Process, condition: Callable[[], object]) -> None:
    job = asyncio.create_task(checkpointing.run([process.processor], 1 << 40))
    try:
        await eventually(condition, timeout=5)
    finally:
        job.cancel()


def newest(kept: Path) -> int:
    found = Checkpoints(kept, "adds.0").newest()
    return 0 if found is None else found.position.commits


async def test_a_processor_without_a_checkpoint_gets_one(tmp_path: Path) -> None:
    kept = tmp_path / "checkpoints"
    process = await Process(tmp_path / "a", MemoryLog(), kept).open()
    await process.pay("c1", 1)
    again = await reborn(process, tmp_path, kept)
    await until(again, lambda: newest(kept) == 1)
    await again.die()


async def test_a_restart_does_not_begin_the_day_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = tmp_path / "checkpoints"
    process = await Process(tmp_path / "a", MemoryLog(), kept).open()
    await process.pay("c1", 1)
    monkeypatch.setattr(rocksdb_store, "system_now", lambda: system_now() - timedelta(days=2))
    await process.store.checkpoint(Checkpoints(kept, "adds.0"))
    monkeypatch.setattr(rocksdb_store, "system_now", system_now)
    await process.pay("c1", 1)
    again = await reborn(process, tmp_path, kept)
    await until(again, lambda: newest(kept) == 2)
    await again.die()


async def test_one_that_failed_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpointing, "_AGAIN_SECONDS", 0.0)
    kept, failures = tmp_path / "checkpoints", 2
    keep = Checkpoints.keep

    def fails(*args: object) -> int | None:
        nonlocal failures
        if failures:
            failures -= 1
            raise OSError("the share is away")
        return keep(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(Checkpoints, "keep", fails)
    process = await Process(tmp_path / "a", MemoryLog(), kept).open()
    await process.pay("c1", 1)
    await until(process, lambda: newest(kept) == 1)
    await process.die()


async def reborn(process: Process, tmp_path: Path, kept: Path) -> Process:
    """The same processor in a new process on the same disk."""
    await process.die()
    return await Process(tmp_path / "a", process.log, kept).open()
