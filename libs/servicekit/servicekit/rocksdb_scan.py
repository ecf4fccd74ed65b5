"""Reading a RocksDB in order of its keys."""

from collections.abc import Iterator

from rocksdict import Rdict, RdictIter


def scan(db: Rdict, start: bytes) -> Iterator[RdictIter]:
    """The entries from ``start`` on: ``key()`` and ``value()`` of what is given, until the next is asked for.

    Raises what RocksDB says of a block that it can't read: by itself an iteration just ends before it.
    """
    items = db.iter()
    items.seek(start)
    while items.valid():
        yield items
        items.next()
    items.status()
