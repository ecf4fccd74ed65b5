"""Local store: RocksDB through rocksdict, one directory a processor, one WriteBatch a commit (``rocksdb_format``)."""

import asyncio
import secrets
import shutil
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar, cast

import msgspec
import structlog
from rocksdict import Checkpoint, DbClosedError, Rdict, WriteBatch, WriteOptions

from servicekit.checkpoint import Checkpoints, try_to_sync
from servicekit.clock import iso, system_now
from servicekit.decision import DocumentWrite
from servicekit.durable_file import write_durably
from servicekit.envelope import OutgoingMessage
from servicekit.rocksdb_format import decode_position, encode, index_key, options, pack_of, unescape, unpacked
from servicekit.rocksdb_scan import scan
from servicekit.store import Batch, Damaged, Fenced, Position, Transient
from servicekit.unfollowed import Unfollowed, UnfollowedDocuments

_PACK = 200
#: What is read at once, without a thread: a handful of microseconds, where changing threads takes a hundred
_FEW = 32
_TURN = 500
_DAMAGED = "Corruption", "IO error: No such file or directory"
log = structlog.get_logger()
T = TypeVar("T")
_NO_WAKE, _NEVER = bytes(8), b"\xff" * 8


class LocalStore:
    """Store of one processor under ``path``. RocksDB's lock file keeps a second process out (``Fenced``).

    Documents wait here until the query database has them: ``unfollowed``, then ``followed``; ``on_unfollowed`` is
    called when some have come up.
    """

    #: documents that wait; None until the store is open
    documents: UnfollowedDocuments | None = None

    def __init__(self, path: Path) -> None:
        self._path = path
        self._synced = WriteOptions()
        self._synced.sync = True
        self._lazy = WriteOptions()
        self.on_unfollowed: Callable[[], None] = lambda: None

    async def open(self) -> Position:
        with self._told():
            self._path.mkdir(parents=True, exist_ok=True)
            if self._mark.exists():
                self._put_aside(self._mark.read_text("utf-8", "replace"))
            try:
                self._db = Rdict(str(self._path), options())
            except Exception as error:
                # "While lock file …" of another process, "lock hold by current process"; a damaged block is no lock.
                if "lock file" in str(error) or "lock hold" in str(error):
                    raise Fenced(f"{self._path} is in use by another process") from error
                if not str(error).startswith(_DAMAGED):
                    raise
                self._put_aside(str(error))
                self._db = Rdict(str(self._path), options())
        # While it reads from the disk or syncs for this processor, the loop serves the others.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=f"store-{self._path.name}")
        with self._told():
            raw = self._db.get(b"p")
            self._position = decode_position(raw) if raw else Position(epoch=secrets.token_hex(4))
            self._sent = 0
            self._unsent = deque((int.from_bytes(entry[1:9], "big"), entry) for entry in self._prefix(b"o"))
            self._first = _NO_WAKE
            self.documents = await self._in_thread(UnfollowedDocuments, self._db)
        return self._position

    @property
    def position(self) -> Position:
        """As committed."""
        return self._position

    def adopt_epoch(self, epoch: str) -> None:
        """Go on as the store whose place this empty one takes."""
        if not self._position.commits:
            self._position = msgspec.structs.replace(self._position, epoch=epoch)

    async def begin_anew(self, checkpoints: Checkpoints | None) -> Position:
        """Throw away what is on the disk and begin with the newest checkpoint that is whole, or empty.

        The folder is there as a whole or not at all: RocksDB does not open what a kill has left half.
        """
        await self.close()
        gone, restored = self._beside("gone"), self._beside("restored")
        with self._told():
            await asyncio.to_thread(shutil.rmtree, gone, ignore_errors=True)
            if self._path.exists():
                self._path.rename(gone)
                await asyncio.to_thread(shutil.rmtree, gone)
            if checkpoints is not None and await asyncio.to_thread(checkpoints.restore, restored) is not None:
                restored.rename(self._path)
                try_to_sync(self._path.parent)
        return await self.open()

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Errors of RocksDB as they are meant here. A full disk is waited for: RocksDB goes on by itself a few seconds
        after there is room again. What a disk gives back damaged is marked, and the next start puts it aside.
        """
        try:
            yield
        except Exception as error:
            if "No space left" in str(error):
                raise Transient(str(error)) from error
            if not str(error).startswith(_DAMAGED):
                raise
            log.error("store.unreadable", path=str(self._path), error=str(error)[:500])
            with suppress(OSError):  # such a disk may take no mark either; then the next start comes here again
                write_durably(self._mark, str(error)[:500].encode())
            raise Damaged(f"{self._path}: {error}") from error

    @property
    def _mark(self) -> Path:
        return self._path / "UNREADABLE"

    def _put_aside(self, error: str) -> None:
        """A folder that is damaged or deleted in part is like one that is lost. Kept: a person may want it."""
        aside = self._beside("damaged")
        log.error("store.damaged", path=str(self._path), kept=str(aside), error=error[:500])
        shutil.rmtree(aside, ignore_errors=True)
        self._path.rename(aside)
        self._path.mkdir()

    def _beside(self, what: str) -> Path:
        return self._path.with_name(f".{self._path.name}.{what}")

    async def checkpoint(self, checkpoints: Checkpoints) -> int | None:
        """Put a copy of everything committed off this disk; returns what ``Checkpoints.keep`` does."""
        beside = self._beside("checkpoint")

        def take() -> Position:
            # Files are linked, which takes milliseconds. Small commits don't take their turn in this thread: the
            # checkpoint may hold more than it says, and must not hold less, since the journal is cut by what it says.
            shutil.rmtree(beside, ignore_errors=True)
            raw = self._db.get(b"p")
            Checkpoint(self._db).create_checkpoint(str(beside))
            return decode_position(raw) if raw else self._position

        with self._told():
            position = await self._in_thread(take)
            try:
                return await asyncio.to_thread(checkpoints.keep, beside, position, iso(system_now()))
            finally:
                shutil.rmtree(beside, ignore_errors=True)

    async def digest(self) -> str:
        """One hash over every state with its wake-up, and the index: the same for a store that was rebuilt, whatever
        ticks have come by meanwhile."""
        with self._told():
            return await self._in_thread(self._digest)

    def _digest(self) -> str:
        found = sha256()
        for family in (b"s", b"i"):
            for item in scan(self._db, family):
                if not item.key().startswith(family):
                    break
                found.update(item.key())
                found.update(item.value())
        return found.hexdigest()

    async def load(self, keys: list[str]) -> dict[str, bytes]:
        names: list[Any] = [b"s" + key.encode() for key in keys]
        with self._told():
            found = self._in_memory(names) if len(names) <= _FEW else None
            if found is None:
                found = await self._in_thread(self._get, names)
        return {key: value[8:] for key, value in zip(keys, found, strict=True) if value is not None}

    def _in_memory(self, names: list[bytes]) -> list[bytes | None] | None:
        """What can be told without the disk, which may be slow: all of them or None."""
        found: list[bytes | None] = []
        for name in names:
            may_exist, value = cast("tuple[bool, bytes | None]", self._db.key_may_exist(name, fetch=True))
            if may_exist and value is None:
                return None
            found.append(value)
        return found

    def _get(self, names: list[Any]) -> list[bytes | None]:
        return list(self._db.get(names) or ())

    async def keys(self, prefix: str, after: str, limit: int) -> list[str]:
        """Keys that start with ``prefix`` and are greater than ``after``, in order."""
        found: list[str] = []
        start = b"s" + max(prefix, after).encode()
        with self._told():
            for entry in self._prefix(b"s" + prefix.encode(), start):
                if len(found) >= limit:
                    break
                if (key := entry[1:].decode()) > after:
                    found.append(key)
        return found

    async def find(
        self, index: str, value: str | None = None, *, after: tuple[str, str] | None = None, limit: int = 1000
    ) -> list[tuple[str, str]]:
        prefix = index_key(index, value) if value is not None else index_key(index)
        start = prefix if after is None else max(prefix, index_key(index, *after) + b"\0")
        found: list[tuple[str, str]] = []
        with self._told():
            for entry in self._prefix(prefix, start):
                if len(found) >= limit:
                    break
                _, name, key, _ = entry.split(b"\0")
                found.append((unescape(name), unescape(key)))
        return found

    async def commit(self, batch: Batch) -> None:
        write = WriteBatch(raw_mode=True)
        for key, (state, wake) in batch.states.items():
            name = key.encode()
            if state is None:
                write.delete(b"s" + name)
                continue
            # A time before 1970 has passed like any other; 0 stands for none.
            due = _NO_WAKE if wake is None else max(wake, 1).to_bytes(8, "big")
            write.put(b"s" + name, due + state)
            if wake is not None:
                write.put(b"w" + due + name, b"")
                self._first = min(self._first, due + name)
        packs = [pack_of(batch.outbox[i : i + _PACK]) for i in range(0, len(batch.outbox), _PACK)]
        for _, name, messages in packs:
            write.put(name, messages)
        for entry, is_put in batch.index.items():
            if is_put:
                write.put(index_key(*entry), b"")
            else:
                write.delete(index_key(*entry))
        position = self._position.after(batch)
        with self._told():
            unfollowed = self._write_rows(write, batch.writes, position) if batch.writes else []
        write.put(b"p", encode(position))
        gone = self._take_sent(write)
        try:
            with self._told():
                if batch.journaled is None or not self._write_at_once(write, unfollowed):
                    await self._in_thread(self._write, write, unfollowed, batch.journaled is None)
        except BaseException:
            self._unsent.extendleft(reversed(gone))
            raise
        self._position = position
        self._unsent.extend((last, entry) for last, entry, _ in packs)
        if unfollowed:
            self.on_unfollowed()

    def _write_at_once(self, write: WriteBatch, unfollowed: list[bytes]) -> bool:
        """Write what a journal has already, unless the thread is just taking documents. However much it is: rocksdict
        writes with the GIL held, so that in a thread it would keep the loop as long, and changing threads costs more.
        """
        if not unfollowed:
            self._db.write(write, self._lazy)
            return True
        if not self._documents.turn.acquire(blocking=False):
            return False
        try:
            self._db.write(write, self._lazy)
            self._documents.came_up(unfollowed)
        finally:
            self._documents.turn.release()
        return True

    def _write(self, write: WriteBatch, unfollowed: list[bytes], synced: bool) -> None:
        # What a journal has need not be synced: RocksDB comes back with some state of before, and the journal goes on
        # from there.
        with self._documents.turn:
            self._db.write(write, self._synced if synced else self._lazy)
            self._documents.came_up(unfollowed)

    def _write_rows(self, write: WriteBatch, writes: list[DocumentWrite], position: Position) -> list[bytes]:
        """Keys of the documents that wait to be followed. A service that keeps its own beside the states puts them into
        the same write instead."""
        return self._documents.put(write, writes, position.epoch, position.commits)

    async def unfollowed(self, limit: int, byte_limit: int = 8 << 20, rested: float = 0.0) -> list[Unfollowed]:
        """Documents that the query database does not have yet, the oldest first; about so many bytes at most, and only
        those that have waited so many seconds."""
        with self._told():
            return await self._in_turn(self._documents.take, limit, byte_limit, rested)

    async def unfollowed_of(self, collection: str, id: str) -> Unfollowed | None:
        """The document of this id, if the query database does not have it yet."""
        with self._told():
            return await self._in_turn(self._documents.one, collection, id)

    async def followed(self, rows: list[Unfollowed]) -> None:
        """The query database has these now."""
        with self._told():
            await self._in_turn(self._documents.done, rows)

    def documents_waiting(self) -> tuple[int, float]:
        if self.documents is None or self.documents.since is None:
            return 0, 0.0
        return self.documents.waiting, max(0.0, time.monotonic() - self.documents.since)

    @property
    def _documents(self) -> UnfollowedDocuments:
        assert self.documents is not None, "the store is not open"
        return self.documents

    async def _in_turn(self, call: Callable[..., T], *args: Any) -> T:
        def with_turn() -> T:
            with self._documents.turn:
                return call(*args)

        return await self._in_thread(with_turn)

    async def _in_thread(self, call: Callable[..., T], *args: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, call, *args)

    async def due(self, until_ms: int, limit: int) -> list[tuple[str, int]]:
        found: list[tuple[str, int]] = []
        stale: list[bytes] = []
        seen: set[bytes] = set()
        first = None
        with self._told():
            for n, entry in enumerate(self._wakes(), 1):
                if n % _TURN == 0:
                    # Very many may be stale by now: health checks and other processors have their turn meanwhile.
                    await asyncio.sleep(0)
                due, name = entry[1:9], entry[9:]
                if int.from_bytes(due, "big") > until_ms or len(found) >= limit:
                    first = first or entry[1:]
                    break
                state = self._db.get(b"s" + name)
                if state is None or state[:8] != due or name in seen:
                    stale.append(entry)
                else:
                    first = first or entry[1:]
                    seen.add(name)
                    found.append((name.decode(), int.from_bytes(due, "big")))
        self._first = first or _NEVER
        with self._told():
            for entry in stale:
                self._db.delete(entry)
        return found

    async def next_due(self) -> int | None:
        with self._told():
            found = next(self._wakes(), None)
        return None if found is None else int.from_bytes(found[1:9], "big")

    async def outbox(self, after: int, limit: int) -> list[tuple[int, OutgoingMessage]]:
        rows: list[tuple[int, OutgoingMessage]] = []
        after = max(after, self._sent)  # a pack goes as a whole
        with self._told():
            for item in scan(self._db, b"o" + (after + 1).to_bytes(8, "big")):
                if not item.key().startswith(b"o") or len(rows) >= limit:
                    break
                rows += [row for row in unpacked(item.key(), item.value()) if row[0] > after]
        return rows[:limit]

    async def sent(self, up_to: int) -> None:
        # It goes with the next commit: a write of its own would cost as much as that one. A forgotten deletion only
        # means a repeat, and repeats are dropped by their sequence.
        self._sent = max(self._sent, up_to)

    def _take_sent(self, write: WriteBatch) -> list[tuple[int, bytes]]:
        """Delete with this write what has been sent; the packs, which are ours no more: no other write deletes them as
        well. One by one: each deletion of a range makes every read slower, until the memtable is written to disk."""
        gone = []
        while self._unsent and self._unsent[0][0] <= self._sent:
            gone.append(self._unsent.popleft())
            write.delete(gone[-1][1])
        return gone

    async def close(self) -> None:
        # A write that is under way ends first, even if whoever waited for it was cancelled.
        self._thread.shutdown()
        write = WriteBatch(raw_mode=True)
        if self._take_sent(write):
            with suppress(Exception):  # a full disk, or closed before
                self._db.write(write, self._lazy)
        with suppress(DbClosedError):
            self._db.close()

    def _wakes(self) -> Iterator[bytes]:
        """Wake entries in order, from the first that may still be there: what was deleted before it, perhaps millions
        of the same moment, would have to be stepped over each time.
        """
        return self._prefix(b"w", b"w" + self._first)

    def _prefix(self, prefix: bytes, start: bytes | None = None) -> Iterator[bytes]:
        for item in scan(self._db, start or prefix):
            if not (key := item.key()).startswith(prefix):
                return
            yield key
