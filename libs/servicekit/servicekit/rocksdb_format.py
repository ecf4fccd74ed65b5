"""How a local store looks in RocksDB: its keys and values, and the memory that stores of a process share.

Keys: ``s<key>`` -> 8 bytes wake (0: none) + state; ``w<8 bytes due><key>`` -> empty; ``o<8 bytes last
sequence><8 bytes first>`` -> messages, one behind the other (older stores: ``o<8 bytes sequence>`` -> message);
``p`` -> position; ``i<index>␀<value>␀<key>␀`` -> empty; ``d…``: ``unfollowed``. Stale wake entries are dropped when
they come up.
"""

import msgspec
from rocksdict import BlockBasedOptions, Cache, Options, WriteBufferManager

from servicekit.envelope import OutgoingMessage
from servicekit.store import Position

encode = msgspec.msgpack.Encoder().encode
decode_position = msgspec.msgpack.Decoder(Position).decode
_decode_out = msgspec.msgpack.Decoder(OutgoingMessage).decode
_decode_pack = msgspec.msgpack.Decoder(list[OutgoingMessage]).decode

#: All stores of a process share their memory: blocks read from disk, and what is not yet written to tables.
_BLOCKS = Cache(64 << 20)
_MEMTABLES = WriteBufferManager(128 << 20, False)


def options() -> Options:
    """How every store is opened."""
    tables = BlockBasedOptions()
    tables.set_block_cache(_BLOCKS)
    tables.set_bloom_filter(10, False)
    found = Options(raw_mode=True)
    found.set_block_based_table_factory(tables)
    found.set_write_buffer_manager(_MEMTABLES)
    found.create_if_missing(True)
    found.set_max_background_jobs(2)
    # Into a memtable of 32 MiB each write costs a fifth to a third more, and flushing twice as often costs less.
    found.set_write_buffer_size(16 << 20)
    found.set_max_total_wal_size(128 << 20)
    found.set_keep_log_file_num(2)
    return found


def index_key(*parts: str) -> bytes:
    """Key of an entry (index, value, key), or with fewer parts its beginning. Each part ends with a NUL; one within a
    part is escaped, in the order of the text."""
    return b"i" + b"".join(p.encode().replace(b"\1", b"\1\2").replace(b"\0", b"\1\1") + b"\0" for p in parts)


def unescape(part: bytes) -> str:
    """A part of an index key, as it was."""
    return part.replace(b"\1\1", b"\0").replace(b"\1\2", b"\1").decode()


def pack_of(rows: list[tuple[int, OutgoingMessage]]) -> tuple[int, bytes, bytes]:
    """Last sequence, key and value: ordered by the last, since a pack goes when its last message has been sent."""
    first, last = rows[0][0], rows[-1][0]
    assert last - first == len(rows) - 1, "sequences of an outbox follow one another"
    return last, b"o" + last.to_bytes(8, "big") + first.to_bytes(8, "big"), encode([message for _, message in rows])


def unpacked(entry: bytes, value: bytes) -> list[tuple[int, OutgoingMessage]]:
    """Messages of an outbox entry, with their sequences."""
    number = int.from_bytes(entry[1:9], "big")
    if len(entry) == 9:
        return [(number, _decode_out(value))]
    return list(enumerate(_decode_pack(value), int.from_bytes(entry[9:], "big")))
