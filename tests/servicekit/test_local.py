"""The local store before a full disk, and before an error that only sounds like a lock."""

from pathlib import Path
from typing import Any

import pytest

from servicekit import local
from servicekit.local import LocalStore
from servicekit.store import Batch, Fenced, Transient, patiently

FULL = "IO error: No space left on device: While appending to file: 000004.log: No space left on device"


class Full:
    """A database whose disk is full for the next so many writes."""

    def __init__(self, database: Any, times: int) -> None:
        self._database, self._times = database, times

    def __getattr__(self, name: str) -> Any:
        return getattr(self._database, name)

    def write(self, *args: Any) -> None:
        if self._times:
            self._times -= 1
            raise Exception(FULL)
        self._database.write(*args)


async def test_a_full_disk_is_waited_for_as_a_database_that_is_away_is(tmp_path: Path) -> None:
    """It ended the service, or made errors of commands and dead letters of messages that nothing is wrong with."""
    store = LocalStore(tmp_path)
    await store.open()
    store._db = Full(store._db, 2)  # type: ignore[assignment]
    with pytest.raises(Transient, match="No space left"):
        await store.sent(0)
    await patiently(lambda: store.commit(Batch({"k": (b"v", None)}, offsets={"t/0": 1})), "test")
    assert await store.load(["k"]) == {"k": b"v"}
    await store.close()
    assert (await store.open()).offsets == {"t/0": 1}
    await store.close()


async def test_only_a_lock_is_called_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store, other = LocalStore(tmp_path), LocalStore(tmp_path)
    await store.open()
    with pytest.raises(Fenced, match="another process"):
        await other.open()
    await store.close()

    def damaged(*_: Any) -> None:
        raise Exception("Corruption: block checksum mismatch")

    monkeypatch.setattr(local, "Rdict", damaged)
    with pytest.raises(Exception, match="checksum mismatch"):
        await other.open()
