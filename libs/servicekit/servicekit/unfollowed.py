"""Documents of a local store that the query database does not have yet: the newest of each id, until it is followed.

Keys: ``d<collection>\\0<id>`` -> (epoch, commit number, whether it is new, document or None), written with the batch
that decided them. What came up is remembered in memory, oldest first; where that is more than ``most`` keys, a *walk*
through the keys on disk finds the rest.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from threading import Lock
from typing import Any

import msgspec
from rocksdict import Rdict, WriteBatch, WriteOptions

from servicekit.decision import DocumentWrite
from servicekit.rocksdb_scan import scan

_PREFIX, _END = b"d", b"e"
#: keys that are remembered: a few MB
MOST = 20_000
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(tuple[str, int, bool, dict[str, Any] | None]).decode
#: the same without a look at the document
_decode_version = msgspec.msgpack.Decoder(tuple[str, int, bool, msgspec.Raw]).decode


class Unfollowed(msgspec.Struct, frozen=True):
    """A document as commit ``commit`` of the store with this ``epoch`` left it; ``doc`` None: it was removed.

    ``new``: there was none under this id before; a hint.
    """

    collection: str
    id: str
    epoch: str
    commit: int
    doc: dict[str, Any] | None
    new: bool = False


class UnfollowedDocuments:
    """Those of one store. Its methods block. Who writes what ``put`` has added, and who calls any other, holds ``turn``
    meanwhile, so that what is deleted is what was read; ``waiting`` and ``since`` may be read anywhere.

    ``waiting``: how many there are (beyond ``most``: at most so many). ``since``: monotonic time, in seconds, when the
    oldest came up (after a start: that of the start), None when there is none.
    """

    def __init__(self, db: Rdict, most: int = MOST, clock: Callable[[], float] = time.monotonic) -> None:
        self._db, self._most, self._clock = db, most, clock
        self._lazy = WriteOptions()
        self.turn = Lock()
        self._known: dict[bytes, float] = {}
        # Those of which the query database has no version yet.
        self._new: set[bytes] = set()
        # While there is a walk (``_walk`` is its next key), what comes up is remembered for after it.
        self._walk: bytes | None = None
        self._unknown = 0
        self._later: dict[bytes, float] = {}
        self._unknown_later = 0
        self._walking_since = self._later_since = 0.0
        self.waiting = 0
        self.since: float | None = None
        now = clock()
        for key in self._from(_PREFIX):
            if self._walk is None and len(self._known) < most:
                self._known[key] = now
                continue
            if self._walk is None:
                self._walk, self._walking_since = key, now
            self._unknown += 1
        self._look()

    def put(self, write: WriteBatch, writes: Iterable[DocumentWrite], epoch: str, commit: int) -> list[bytes]:
        """Add the documents of a batch to its write; their keys, for ``came_up``."""
        last: dict[bytes, DocumentWrite] = {}
        new: dict[bytes, bool] = {}
        for row in writes:
            key = _key(row.collection, row.id)
            last[key] = row
            # What the first of an id says counts: later ones of this batch know that one.
            new.setdefault(key, row.new)
        for key, row in last.items():
            is_new = new[key] or key in self._new
            if is_new and len(self._new) < self._most:
                self._new.add(key)
            write.put(key, _encode((epoch, commit, is_new, row.doc)))
        return list(last)

    def came_up(self, keys: Iterable[bytes]) -> None:
        """These have been written."""
        now = self._clock()
        for key in keys:
            if self._walk is None:
                if key in self._known or len(self._known) < self._most:
                    self._known.setdefault(key, now)
                else:
                    self._walk, self._walking_since, self._unknown = _PREFIX, now, 1
            elif key in self._later or len(self._later) < self._most:
                self._later.setdefault(key, now)
            else:
                self._later_since = self._later_since or now
                self._unknown_later += 1
        self._look()

    def take(self, limit: int, byte_limit: int, rested: float = 0.0) -> list[Unfollowed]:
        """The oldest of them, at least one where there is one; only those that came up ``rested`` seconds ago."""
        found: list[Unfollowed] = []
        size, until = 0, self._clock() - rested
        while not found and (self._known or self._walk is not None):
            if len(self._known) < limit and self._walk is not None:
                self._walk_on()
            keys: list[Any] = list(islice(self._known, limit))
            if rested:
                keys = [key for key in keys if self._known[key] <= until]
                if not keys:
                    break
            for key, value in zip(keys, self._db.get(keys) or () if keys else (), strict=True):
                if value is None:
                    del self._known[key]
                elif size < byte_limit:
                    found.append(_unfollowed(key, value))
                    size += len(value)
        self._look()
        return found

    def one(self, collection: str, id: str) -> Unfollowed | None:
        """The document of this id, if it waits."""
        key = _key(collection, id)
        value = self._db.get(key)
        return None if value is None else _unfollowed(key, value)

    def done(self, rows: Iterable[Unfollowed]) -> None:
        """The query database has these: they go, but for those of which there is a newer version by now.

        Not synced: a forgotten deletion only means that a document is followed twice.
        """
        write = WriteBatch(raw_mode=True)
        by_key = {_key(row.collection, row.id): row for row in rows}
        keys: list[Any] = list(by_key)
        for key, value in zip(keys, self._db.get(keys) or () if keys else (), strict=True):
            self._known.pop(key, None)
            self._new.discard(key)
            if value is None:
                continue
            epoch, commit, *_ = _decode_version(value)
            if (epoch, commit) == (by_key[key].epoch, by_key[key].commit):
                write.delete(key)
            else:
                self._known[key] = self._clock()
        self._db.write(write, self._lazy)
        self._look()

    def _walk_on(self) -> None:
        """Remember as many of the keys on disk as there is room for."""
        assert self._walk is not None
        for key in self._from(self._walk):
            if len(self._known) >= self._most:
                self._walk = key
                return
            if key not in self._known:
                self._known[key] = self._walking_since
                self._unknown = max(0, self._unknown - 1)
        self._known.update((key, at) for key, at in self._later.items() if key not in self._known)
        self._walk, self._walking_since = (_PREFIX, self._later_since) if self._unknown_later else (None, 0.0)
        self._unknown, self._unknown_later, self._later_since = self._unknown_later, 0, 0.0
        self._later = {}

    def _look(self) -> None:
        self.waiting = len(self._known) + len(self._later) + self._unknown + self._unknown_later
        times = [at for at in (next(iter(self._known.values()), 0.0), self._walking_since) if at]
        self.since = min(times, default=None) if self.waiting else None

    def _from(self, start: bytes) -> Iterator[bytes]:
        for item in scan(self._db, start):
            if (key := item.key()) >= _END:
                return
            yield key


def _key(collection: str, id: str) -> bytes:
    return _PREFIX + collection.encode() + b"\0" + id.encode()


def _unfollowed(key: bytes, value: bytes) -> Unfollowed:
    collection, _, id_ = key[1:].partition(b"\0")
    epoch, commit, new, doc = _decode(value)
    return Unfollowed(collection.decode(), id_.decode(), epoch, commit, doc, new)
