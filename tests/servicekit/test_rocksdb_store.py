"""The local store before a full disk, and before an error that only sounds like a lock."""

import random
from pathlib import Path
from typing import Any

import pytest

from servicekit import rocksdb_store
from servicekit.memory_store import MemoryStore
from servicekit.rocksdb_store import LocalStore
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

    monkeypatch.setattr(rocksdb_store, "Rdict", damaged)
    with pytest.raises(Exception, match="checksum mismatch"):
        await other.open()


@pytest.mark.parametrize("seed", range(3))
async def test_wake_ups_are_those_of_the_fake_whatever_order_they_come_and_go_in(tmp_path: Path, seed: int) -> None:
    chance, store, fake = random.Random(seed), LocalStore(tmp_path), MemoryStore()
    await store.open()
    for _ in range(60):
        if chance.random() < 0.02:
            await store.close()
            await store.open()
        wakes = [chance.choice([None, chance.randrange(1, 200)]) for _ in range(3)]
        states = {f"k{chance.randrange(40)}": (chance.choice([b"s", None]), wake) for wake in wakes}
        await store.commit(Batch(states))
        await fake.commit(Batch(states))
        until, limit = chance.randrange(200), chance.choice([2, 100])
        found = await store.due(until, limit)
        assert found == await fake.due(until, limit)
        for each in (store, fake):
            await each.commit(Batch({key: (None, None) for key, _ in found[::2]}))
    await store.close()


async def test_wake_ups_long_gone_are_not_stepped_over_again(tmp_path: Path) -> None:
    """After a million of them each look took most of a second, and a service looks every five."""
    store = LocalStore(tmp_path)
    await store.open()
    await store.commit(Batch({f"k{n}": (b"s", 1000 + n) for n in range(500)}))
    while found := await store.due(10**12, 100):
        await store.commit(Batch({key: (None, None) for key, _ in found}))
    await store.commit(Batch({"late": (b"s", 5000)}))
    assert await store.due(10**12, 100) == [("late", 5000)]
    assert store._first == (5000).to_bytes(8, "big") + b"late"
    await store.commit(Batch({"early": (b"s", 7)}))
    assert (await store.next_due(), await store.due(10, 100)) == (7, [("early", 7)])
    await store.close()
