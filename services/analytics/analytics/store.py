"""Lineage and counts of one partition, in the same RocksDB and the same atomic write as the unit's states.

Keys: ``n<event id>`` -> node; ``l<parent>\\0<event id>`` and ``a<alert, SMS or work id>\\0<event id>`` -> empty;
``c<cell as JSON>`` -> count, 8 bytes.
"""

from collections import Counter
from collections.abc import Iterable, Sequence

import msgspec
from rocksdict import WriteBatch

from analytics.domain import Cell, Counts, Node
from servicekit.decision import Refused, Row
from servicekit.local import LocalStore
from servicekit.store import Position

_encode = msgspec.msgpack.Encoder().encode
_decode_node = msgspec.msgpack.Decoder(Node).decode
_encode_cell = msgspec.json.Encoder().encode
_decode_cell = msgspec.json.Decoder(Cell).decode


class LineageStore(LocalStore):
    """A local store that also keeps nodes and counts. A row whose id is known already changes nothing."""

    is_open = False

    async def open(self) -> Position:
        position = await super().open()
        self.is_open = True
        return position

    async def close(self) -> None:
        self.is_open = False
        await super().close()

    def _write_rows(self, write: WriteBatch, rows: list[Row]) -> None:
        first = {row.id: row.doc for row in reversed(rows)}
        known: list[bytes | None] = self._db.get([b"n" + id_.encode() for id_ in first]) or []
        new = [doc for doc, node in zip(first.values(), known, strict=True) if node is None and doc is not None]
        more: Counts = Counter()
        for doc in new:
            node: Node = doc["node"]
            name = node.id.encode()
            write.put(b"n" + name, _encode(node))
            for parent in node.parents:
                write.put(b"l" + parent.encode() + b"\0" + name, b"")
            for about in node.about:
                write.put(b"a" + about.encode() + b"\0" + name, b"")
            more[doc["cell"]] += 1
        for cell, n in more.items():
            key = b"c" + _encode_cell(cell)
            write.put(key, (int.from_bytes(self._db.get(key) or b"", "big") + n).to_bytes(8, "big"))

    def node(self, id_: str) -> Node | None:
        raw = self._db.get(b"n" + id_.encode())
        return None if raw is None else _decode_node(raw)

    def children(self, parent: str, limit: int) -> list[str]:
        return self._ids(b"l", parent, limit)

    def telling_of(self, about: str, limit: int) -> list[str]:
        return self._ids(b"a", about, limit)

    def counts(self) -> tuple[Counts, dict[str, int]]:
        """Every cell with its count, and the position (next offset per ``topic/partition``) at which this is so."""
        found: Counts = Counter()
        items = self._db.iter()
        items.seek(b"c")
        while items.valid() and items.key().startswith(b"c"):
            found[_decode_cell(items.key()[1:])] = int.from_bytes(items.value(), "big")
            items.next()
        return found, self._position.offsets

    def _ids(self, index: bytes, name: str, limit: int) -> list[str]:
        prefix = index + name.encode() + b"\0"
        found: list[str] = []
        for key in self._prefix(prefix):
            if len(found) >= limit:
                break
            found.append(key[len(prefix) :].decode())
        return found


class Lineage:
    """Read side over the stores of all partitions of this process. Raises ``Refused`` 503 until they are open."""

    MOST = 2000

    def __init__(self, stores: Sequence[LineageStore]) -> None:
        self._stores = stores

    def node(self, id_: str) -> Node | None:
        return next((node for store in self._open() if (node := store.node(id_)) is not None), None)

    def children(self, parent: str) -> list[str]:
        """Events that name this event or BOSS record as their cause or evidence."""
        return [id_ for store in self._open() for id_ in store.children(parent, self.MOST)]

    def telling_of(self, about: str) -> list[str]:
        """Events that tell of this alert, SMS or work item."""
        return [id_ for store in self._open() for id_ in store.telling_of(about, self.MOST)]

    def counts(self) -> tuple[Counts, dict[str, int]]:
        """Exact counts of all partitions and the positions they belong to."""
        total: Counts = Counter()
        positions: dict[str, int] = {}
        for store in self._open():
            counts, offsets = store.counts()
            total.update(counts)
            positions.update(offsets)
        return total, positions

    def _open(self) -> Iterable[LineageStore]:
        if not self._stores or not all(store.is_open for store in self._stores):
            raise Refused("starting", "analytics 正在启动", "analytics is starting", 503)
        return self._stores
