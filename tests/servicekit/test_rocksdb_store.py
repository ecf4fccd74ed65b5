"""The local store before a full disk, and before an error that only sounds like a lock."""

import asyncio
import random
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import pytest

from servicekit import rocksdb_store
from servicekit.envelope import OutgoingMessage
from servicekit.memory_store import MemoryStore
from servicekit.rocksdb_store import LocalStore
from servicekit.store import Batch, Damaged, Fenced, Transient, patiently

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
        await store.commit(Batch({"k": (b"v", None)}))
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


async def _with_damage(path: Path, batch: Batch) -> LocalStore:
    """An open store one of whose blocks, in the middle, the disk gives back other than it was written."""
    store = LocalStore(path)
    await store.open()
    await store.commit(batch)
    await asyncio.to_thread(store._db.flush)
    await store.close()
    _damage(path)
    return LocalStore(path)


def _damage(path: Path) -> None:
    (table,) = path.glob("*.sst")
    content = bytearray(table.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 64] = bytes(byte ^ 0xFF for byte in content[middle : middle + 64])
    table.write_bytes(content)


def _many(what: str) -> Batch:
    keys = [f"k{n:05d}" for n in range(3000)]
    noise = random.Random(1).randbytes
    match what:
        case "outbox":
            messages = (OutgoingMessage("t", 0, b"k", noise(200), ()) for _ in keys)
            return Batch(outbox=list(enumerate(messages, 1)))
        case "due":
            return Batch({key: (b"s", n + 1) for n, key in enumerate(keys)})
        case "find":
            return Batch(index={("phone", f"{noise(100).hex()}{key}", key): True for key in keys})
        case _:
            return Batch({key: (noise(200), None) for key in keys})


_READ: dict[str, Any] = {
    "outbox": lambda store: store.outbox(0, 10_000),
    "due": lambda store: store.due(10_000, 10_000),
    "find": lambda store: store.find("phone", limit=10_000),
    "keys": lambda store: store.keys("", "", 10_000),
    "digest": lambda store: store.digest(),
    "load": lambda store: store.load([f"k{n:05d}" for n in range(3000)]),
}


async def _is_damaged(store: LocalStore, read: Any) -> bool:
    try:
        await store.open()  # what it reads at once, the outbox and what waits for the query database, may tell already
        await read(store)
    except Damaged:
        return True
    return False


@pytest.mark.parametrize("what", _READ)
async def test_a_damaged_block_is_said_and_the_next_start_puts_the_folder_aside(tmp_path: Path, what: str) -> None:
    """An iteration ended before it as if nothing came behind: events unsent, timers asleep, and nobody was told."""
    store = await _with_damage(tmp_path / "s", _many(what))
    assert await _is_damaged(store, _READ[what])
    with suppress(AttributeError):
        await store.close()
    # An iterator in the error's traceback may keep the database open until the process ends, under this name.
    again = LocalStore(await asyncio.to_thread((tmp_path / "s").rename, tmp_path / "t"))
    assert (await again.open()).commits == 0, "empty: its journal brings everything back"
    assert (tmp_path / ".t.damaged" / "UNREADABLE").read_text().startswith("Corruption")
    assert await again.keys("", "", 10) == []
    await again.close()


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


def _message(number: int) -> OutgoingMessage:
    return OutgoingMessage("t", 0, None, b"%d" % number, [])


async def test_an_outbox_of_an_older_store_is_read_and_goes_message_by_message(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    await store.open()
    for number in (1, 2):
        store._db.put(b"o" + number.to_bytes(8, "big"), msgspec.msgpack.encode(_message(number)))
    await store.close()
    await store.open()
    await store.commit(Batch(outbox=[(n, _message(n)) for n in (3, 4)], next_sequence=5))
    assert await store.outbox(0, 10) == [(n, _message(n)) for n in (1, 2, 3, 4)]
    await store.sent(1)
    assert [n for n, _ in await store.outbox(0, 10)] == [2, 3, 4]
    await store.sent(4)
    assert await store.outbox(0, 10) == []
    await store.commit(Batch(next_sequence=5))
    assert not list(store._prefix(b"o"))
    await store.close()


async def test_a_pack_of_an_outbox_goes_with_its_last_message(tmp_path: Path) -> None:
    """It may come whole once more after a crash: repeats are dropped by their sequence."""
    store = LocalStore(tmp_path)
    await store.open()
    rows = [(n, _message(n)) for n in range(1, 451)]
    await store.commit(Batch(outbox=rows, next_sequence=451))
    assert len(list(store._prefix(b"o"))) < 5
    assert await store.outbox(0, 1000) == rows and await store.outbox(123, 200) == rows[123:323]
    await store.sent(399)
    assert await store.outbox(0, 1000) == rows[399:]
    await store.close()
    await store.open()
    again = await store.outbox(0, 1000)
    assert again == rows[-len(again) :] and 51 <= len(again) <= 250
    await store.sent(450)
    assert await store.outbox(0, 1000) == []
    # It leaves the disk with the next commit, or at the end.
    await store.close()
    await store.open()
    assert await store.outbox(0, 1000) == [] and not list(store._prefix(b"o"))
    await store.close()


async def test_two_commits_at_once_take_away_what_was_sent_once(tmp_path: Path) -> None:
    """Both counted the same packs while they waited for the disk, and the second found none left: an IndexError."""
    store = LocalStore(tmp_path)
    await store.open()
    for n in (1, 2, 3, 4):
        await store.commit(Batch(outbox=[(n, _message(n))], next_sequence=n + 1))
    await store.sent(3)
    await asyncio.gather(*(store.commit(Batch({key: (b"v", None)}, next_sequence=5)) for key in "ab"))
    assert [n for n, _ in await store.outbox(0, 10)] == [4] and len(list(store._prefix(b"o"))) == 1
    await store.sent(4)
    await store.commit(Batch(next_sequence=5))
    assert not list(store._prefix(b"o"))
    await store.close()


async def test_a_commit_that_fails_leaves_what_was_sent_to_the_next(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    await store.open()
    for n in (1, 2):
        await store.commit(Batch(outbox=[(n, _message(n))], next_sequence=n + 1))
    await store.sent(2)
    store._db = Full(store._db, 1)  # type: ignore[assignment]
    with pytest.raises(Transient):
        await store.commit(Batch({"k": (b"v", None)}, next_sequence=3))
    assert len(list(store._prefix(b"o"))) == 2
    await store.commit(Batch({"k": (b"v", None)}, next_sequence=3))
    assert not list(store._prefix(b"o"))
    await store.close()


@pytest.mark.parametrize("many", [1, 100])
async def test_only_what_no_journal_has_waits_for_the_disk(tmp_path: Path, many: int) -> None:
    store = LocalStore(tmp_path)
    await store.open()
    store._db = Recorder(store._db)  # type: ignore[assignment]
    states: dict[str, tuple[bytes | None, int | None]] = {f"k{n}": (b"v", None) for n in range(many)}
    await store.commit(Batch(states))
    await store.commit(Batch(states, journaled=(7, "owner")))
    assert [options.sync for options in store._db.options] == [True, False]  # type: ignore[attr-defined]
    assert await store.load(list(states)) == dict.fromkeys(states, b"v")
    await store.close()


class Recorder(Full):
    """Notes how it was written to."""

    def __init__(self, database: Any) -> None:
        super().__init__(database, 0)
        self.options: list[Any] = []

    def write(self, batch: Any, options: Any) -> None:
        self.options.append(options)
        super().write(batch, options)


async def test_few_states_are_found_in_memory_and_on_the_disk(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    await store.open()
    await store.commit(Batch({"a": (b"A", None), "b": (b"B", 5)}))
    await store.close()
    await store.open()
    await store.commit(Batch({"c": (b"C", None), "b": (None, None)}))
    for _ in range(2):
        assert await store.load(["a", "b", "c", "d"]) == {"a": b"A", "c": b"C"}
    await store.close()


async def test_stale_wake_ups_however_many_leave_others_their_turn(tmp_path: Path) -> None:
    """All customers held until 08:00, and all of them stopped before."""
    store = LocalStore(tmp_path)
    await store.open()
    await store.commit(Batch({f"k{n}": (b"v", 8) for n in range(5000)}))
    await store.commit(Batch({f"k{n}": (b"v", None) for n in range(5000)}))
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    other = asyncio.create_task(others())
    assert await store.due(8, 250) == [] and turns >= 10
    other.cancel()
    await store.close()
