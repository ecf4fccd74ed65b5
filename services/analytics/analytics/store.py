"""Lineage and counts of one partition, in the same RocksDB and the same atomic write as the processor's states.

Keys: ``n<event id>`` -> node; ``l<parent>\\0<event id>`` and ``a<alert, SMS or work id>\\0<event id>`` -> empty;
``c<cell as JSON>`` -> count, 8 bytes; ``t<8 bytes time in the log><event id>`` -> empty; ``m`` -> ``_Kept``.

Nodes are kept for some days and up to some number (``Keep``): each write takes older ones away. Counts stay.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import msgspec
from msgspec import Struct
from rocksdict import WriteBatch

from analytics.domain import Cell, Counts, Node
from servicekit.clock import SystemClock, system_now, to_millis
from servicekit.decision import DocumentWrite, Refused
from servicekit.rocksdb_scan import scan
from servicekit.rocksdb_store import LocalStore
from servicekit.store import Batch, Position

_DAY_MS = 86_400_000
_CHUNK = 10_000
_encode = msgspec.msgpack.Encoder().encode
_decode_node = msgspec.msgpack.Decoder(Node).decode
_encode_cell = msgspec.json.Encoder().encode
_decode_cell = msgspec.json.Decoder(Cell).decode
_decode_position = msgspec.msgpack.Decoder(Position).decode


class Keep(Struct, frozen=True):
    """How long, in days of the log, and how many nodes of a partition are kept."""

    days: int = 400
    most: int = 20_000_000


class _Event(Struct, frozen=True):
    """What is written of an event: its node, and where it is counted."""

    node: Node
    cell: Cell | None


class _Kept(Struct, frozen=True):
    """How many nodes there are, and the newest time in the log (ms) they had."""

    nodes: int = 0
    newest: int = 0


_decode_kept = msgspec.msgpack.Decoder(_Kept).decode


class LineageStore(LocalStore):
    """A local store that also keeps nodes and counts. A row whose id is known already changes nothing."""

    is_open = False

    def __init__(self, path: Path, keep: Keep | None = None, clock: SystemClock = system_now) -> None:
        super().__init__(path)
        self._keep, self._clock = keep or Keep(), clock

    async def open(self) -> Position:
        position = await super().open()
        self._oldest = b"t"
        raw = self._db.get(b"m")
        if raw is not None:
            self._kept = _decode_kept(raw)
        else:
            self._kept = await self._in_thread(self._index_by_time)
        self.is_open = True
        return position

    async def close(self) -> None:
        self.is_open = False
        await super().close()

    async def commit(self, batch: Batch) -> None:
        before = self._kept, self._oldest
        try:
            await super().commit(batch)
        except BaseException:
            self._kept, self._oldest = before  # the same batch is tried again: nothing of it is there yet
            raise

    def _write_rows(self, write: WriteBatch, rows: list[DocumentWrite], position: Position) -> list[bytes]:
        first = {row.id: row.doc for row in reversed(rows)}
        known: list[bytes | None] = self._db.get([b"n" + id_.encode() for id_ in first]) or []
        # From the journal they come as plain values.
        new = [msgspec.convert(doc, _Event) for doc, node in zip(first.values(), known, strict=True) if node is None]
        if not new:
            return []
        more: Counts = Counter()
        now, newest = to_millis(self._clock()), self._kept.newest
        for event in new:
            node = event.node
            write.put(b"n" + node.id.encode(), _encode(node))
            for name in _indexed(node):
                write.put(name, b"")
            entry = _by_time(node, now, newest)
            newest = max(newest, int.from_bytes(entry[1:9], "big"))
            self._oldest = min(self._oldest, entry)
            write.put(entry, b"")
            if event.cell is not None:
                more[event.cell] += 1
        for cell, n in more.items():
            key = b"c" + _encode_cell(cell)
            write.put(key, (int.from_bytes(self._db.get(key) or b"", "big") + n).to_bytes(8, "big"))
        # Both clocks must say that a node is old: neither the year 9999 in the log nor a leap of ours forgets anything.
        gone = self._forget(write, len(new), min(newest, now) - self._keep.days * _DAY_MS)
        self._kept = _Kept(self._kept.nodes + len(new) - gone, newest)
        write.put(b"m", _encode(self._kept))
        return []

    def _forget(self, write: WriteBatch, new: int, before: int) -> int:
        """Take away the oldest nodes that are beyond the rule, some more than come in; how many."""
        over = self._kept.nodes + new - self._keep.most
        gone = 0
        for entry in self._from(self._oldest, b"t"):
            self._oldest = entry
            if gone >= 2 * new + 100 or (gone >= over and int.from_bytes(entry[1:9], "big") >= before):
                break
            name = b"n" + entry[9:]
            if (raw := self._db.get(name)) is not None:
                for key in _indexed(_decode_node(raw)):
                    write.delete(key)
                write.delete(name)
            write.delete(entry)
            gone += 1
        return gone

    def _index_by_time(self) -> _Kept:
        """Once, for nodes written before there was an order by time."""
        now, kept = to_millis(self._clock()), _Kept()
        write = WriteBatch(raw_mode=True)
        for item in scan(self._db, b"n"):
            if not item.key().startswith(b"n"):
                break
            entry = _by_time(_decode_node(item.value()), now, kept.newest)
            write.put(entry, b"")
            kept = _Kept(kept.nodes + 1, max(kept.newest, int.from_bytes(entry[1:9], "big")))
            if kept.nodes % _CHUNK == 0:
                self._db.write(write, self._lazy)
                write = WriteBatch(raw_mode=True)
        write.put(b"m", _encode(kept))
        self._db.write(write, self._synced)
        return kept

    def _from(self, start: bytes, prefix: bytes) -> Iterator[bytes]:
        for item in scan(self._db, start):
            if not item.key().startswith(prefix):
                return
            yield item.key()

    def node(self, id_: str) -> Node | None:
        raw = self._db.get(b"n" + id_.encode())
        return None if raw is None else _decode_node(raw)

    def children(self, parent: str, limit: int) -> list[str]:
        return self._ids(b"l", parent, limit)

    def telling_of(self, about: str, limit: int) -> list[str]:
        return self._ids(b"a", about, limit)

    def counts(self, day: str | None = None) -> tuple[Counts, dict[str, int]]:
        """Every cell (of a day) with its count, and the position (next offset per ``topic/partition``) of that: of one
        moment, also where another thread asks."""
        found: Counts = Counter()
        # The day stands first in a cell's key.
        prefix = b"c" if day is None else b'c{"day":' + msgspec.json.encode(day)
        items = self._db.iter()
        items.seek(b"p")
        is_written = items.valid() and items.key() == b"p"
        offsets = _decode_position(items.value()).offsets if is_written else {}
        items.seek(prefix)
        while items.valid() and items.key().startswith(prefix):
            found[_decode_cell(items.key()[1:])] = int.from_bytes(items.value(), "big")
            items.next()
        items.status()
        return found, offsets

    def _ids(self, index: bytes, name: str, limit: int) -> list[str]:
        prefix = index + name.encode() + b"\0"
        found: list[str] = []
        for key in self._prefix(prefix):
            if len(found) >= limit:
                break
            found.append(key[len(prefix) :].decode())
        return found


def _indexed(node: Node) -> list[bytes]:
    """Where a node is found by what it came from and what it tells of."""
    name = b"\0" + node.id.encode()
    return [*(b"l" + p.encode() + name for p in node.parents), *(b"a" + about.encode() + name for about in node.about)]


def _by_time(node: Node, now: int, newest: int) -> bytes:
    """Its place in the order by time: a producer may write any time, or none."""
    at = min(node.timestamp, now) if node.timestamp > 0 else newest or now
    return b"t" + at.to_bytes(8, "big") + node.id.encode()


class Lineage:
    """Read side over the stores of all partitions of this process. Raises ``Refused`` 503 until they are open."""

    MOST = 2000

    def __init__(self, stores: Sequence[LineageStore], days: int = Keep().days) -> None:
        self._stores, self.days = stores, days

    def node(self, id_: str) -> Node | None:
        return next((node for store in self._open() if (node := store.node(id_)) is not None), None)

    def children(self, parent: str) -> list[str]:
        """Events that name this event or BOSS record as their cause or evidence."""
        return [id_ for store in self._open() for id_ in store.children(parent, self.MOST)]

    def telling_of(self, about: str) -> list[str]:
        """Events that tell of this alert, SMS or work item."""
        return [id_ for store in self._open() for id_ in store.telling_of(about, self.MOST)]

    def counts(self, day: str | None = None) -> tuple[Counts, dict[str, int]]:
        """Exact counts (of a day) of all partitions and the positions they belong to."""
        total: Counts = Counter()
        positions: dict[str, int] = {}
        for store in self._open():
            counts, offsets = store.counts(day)
            total.update(counts)
            positions.update(offsets)
        return total, positions

    def _open(self) -> Iterable[LineageStore]:
        if not self._stores or not all(store.is_open for store in self._stores):
            raise Refused("starting", "analytics 正在启动", "analytics is starting", 503)
        return self._stores
