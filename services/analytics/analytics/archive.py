"""The archive: every event of every topic in partitioned Parquet, each exactly once per place in the log.

``topic=<topic>/date=<day of the event>/<partition>-<first offset>-<last offset>.parquet``, and of each partition
``_positions/<partition>.json`` with the next offset of every topic. Writing that is the commit of a partition: its
files are complete (temporary file, fsync, rename) before it, files beyond it are leftovers of a crash and removed at
the next start. Deleting the folder makes the archive be written anew from the log, with the same rows.

Small files grow: what is written joins the newest file of its folder and partition while that one is small.

Processes that keep different partitions may share the folder: each touches the files of its own partitions alone, and a
lock on each partition (``_positions/<partition>.lock``) keeps a second writer out.
"""

import fcntl
import json
import os
import re
from collections import defaultdict
from collections.abc import Collection, Iterator
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import IO, Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq
from msgspec import Struct

from analytics.domain import day_of, problem_of
from servicekit.clock import from_millis, local_date
from servicekit.durable_file import sync_folder, write_durably
from servicekit.envelope import Message
from servicekit.store import Fenced

POSITIONS = "_positions"
#: of all partitions in one, as it was written before each had its own
_OLD_POSITIONS = "_positions.json"
_NAME = re.compile(r"([0-9]+)-([0-9]+)-([0-9]+)\.parquet")
_SMALL_ROWS, _SMALL_BYTES = 5_000, 16 << 20
#: the end of the year 9998
_LAST_MS = 253_370_764_800_000 - 1
SCHEMA = pa.schema(
    [
        ("topic", pa.string()),
        ("partition", pa.int32()),
        ("offset", pa.int64()),
        ("timestamp", pa.timestamp("ms", "UTC")),
        ("id", pa.string()),
        ("type", pa.string()),
        ("source", pa.string()),
        ("subject", pa.string()),
        ("time", pa.string()),
        ("correlationid", pa.string()),
        ("causationid", pa.string()),
        ("businessclock", pa.string()),
        ("sequence", pa.string()),
        ("revision", pa.int32()),
        ("key", pa.string()),
        ("data", pa.string()),
        # why the message can't be counted, null where nothing is wrong with it
        ("problem", pa.string()),
    ]
)

#: of an event, between its type and its revision
_ATTRIBUTES = ("source", "subject", "time", "correlationid", "causationid", "businessclock", "sequence")


class Archived(Struct, frozen=True):
    """A row of the archive, its ``values`` as ``SCHEMA`` orders them, and the day under which it is filed."""

    topic: str
    partition: int
    offset: int
    date: str
    values: tuple[Any, ...]


def row_of(message: Message) -> Archived:
    """A message as it is archived: attributes and body as received, whatever is wrong with it."""
    attribute = message.attribute
    # A producer may write any time, or none: what no date can hold is archived without.
    stamp = message.timestamp if 0 <= message.timestamp <= _LAST_MS else None
    try:
        day = day_of(attribute("time") or "", message.timestamp)
    except ValueError:
        day = local_date(from_millis(stamp or 0))
    revision = attribute("revision") or ""
    values = (
        message.topic,
        message.partition,
        message.offset,
        stamp,
        message.id,
        message.type,
        *map(attribute, _ATTRIBUTES),
        int(revision) if revision.isdecimal() and len(revision) <= 10 and int(revision) < 1 << 31 else None,
        message.key,
        None if message.body is None else message.body.decode("utf-8", "backslashreplace"),
        problem_of(message),
    )
    return Archived(message.topic, message.partition, message.offset, _name_of(day), values)


#: a day as folders name it
_name_of = lru_cache(maxsize=100)(date.isoformat)


class _File(NamedTuple):
    """A file of the archive: its folder and partition, and the offsets it covers."""

    folder: Path
    partition: int
    first: int
    last: int

    @property
    def path(self) -> Path:
        return self.folder / f"{self.partition}-{self.first}-{self.last}.parquet"

    @classmethod
    def at(cls, path: Path) -> "_File | None":
        """None for a file that is none of ours."""
        name = _NAME.fullmatch(path.name)
        return None if name is None else cls(path.parent, *(int(piece) for piece in name.groups()))

    @property
    def source(self) -> str:
        """``topic/partition`` its rows come from."""
        return f"{self.folder.parent.name.removeprefix('topic=')}/{self.partition}"


class Archive:
    """Writes the archive of some partitions under ``root``. One writer a partition."""

    def __init__(self, root: Path, partitions: Collection[int]) -> None:
        self.root, self.partitions = root, sorted(partitions)
        self._newest: dict[tuple[Path, int], _File] = {}
        self.positions: dict[str, int] = {}
        self._locks: dict[int, IO[bytes]] = {}
        self._clean = False

    def open(self) -> dict[str, int]:
        """Clear up after a crash or a failed write; the next offset of every ``topic/partition`` ever written.

        Raises ``Fenced`` while another process writes one of these partitions.
        """
        _make_folder(self.root / POSITIONS, self.root.parent)
        self._newest, self.positions = {}, {}
        for partition in self.partitions:
            self._lock(partition)
            marks = self._marks(partition)
            self.positions |= {f"{topic}/{partition}": offset for topic, offset in marks.items()}
            for leftover in self.root.glob(f"topic=*/date=*/.{partition}-*.tmp"):
                leftover.unlink()
            for file in self._files(partition):
                self._find(file)
        self._clean = True
        return self.positions

    def close(self) -> None:
        """Let go of the partitions."""
        for lock in self._locks.values():
            lock.close()
        self._locks.clear()

    def write(self, rows: list[Archived], positions: dict[str, int]) -> None:
        """Add rows and move on to ``positions``, durable on return. A partition is written whole or not at all.

        Rows before the position of their partition are known: after an error the same rows may be given once more.
        """
        if not self._clean:
            self.open()
        self._clean = False
        new: dict[int, list[Archived]] = defaultdict(list)
        for row in rows:
            if row.offset >= self.positions.get(f"{row.topic}/{row.partition}", 0):
                new[row.partition].append(row)
        for partition in self.partitions:
            self._write_partition(partition, new[partition], positions)
        self._clean = True

    def _write_partition(self, partition: int, rows: list[Archived], positions: dict[str, int]) -> None:
        ours = f"/{partition}"
        known = self.positions
        reached = {name: max(known.get(name, 0), positions.get(name, 0)) for name in {**known, **positions}}
        reached = {name: offset for name, offset in reached.items() if name.endswith(ours)}
        if not rows and all(known.get(name) == offset for name, offset in reached.items()):
            return
        grouped: dict[tuple[str, str], list[Archived]] = defaultdict(list)
        for row in rows:
            grouped[row.topic, row.date].append(row)
        written = [
            self._write(self.root / f"topic={topic}" / f"date={day}", partition, group)
            for (topic, day), group in grouped.items()
        ]
        for file, _ in written:
            sync_folder(file.folder)
        marks = {name.removesuffix(ours): offset for name, offset in reached.items()}
        _replace(self._marks_path(partition), json.dumps(marks, indent=0, sort_keys=True).encode())
        self.positions |= reached
        for file, joined in written:
            self._newest[file.folder, partition] = file
            if joined is not None:
                joined.path.unlink()

    def _files(self, partition: int) -> Iterator[_File]:
        paths = self.root.glob(f"topic=*/date=*/{partition}-*.parquet")
        return iter(sorted(file for file in map(_File.at, paths) if file is not None))

    def _find(self, file: _File) -> None:
        """Take a file in, or away where it is a leftover."""
        before = self._newest.get((file.folder, file.partition))
        if file.last >= self.positions.get(file.source, 0):
            file.path.unlink()  # written, never committed
            return
        if before is not None and before.first == file.first:
            before.path.unlink()  # its rows have joined this one
        self._newest[file.folder, file.partition] = file

    def _marks_path(self, partition: int) -> Path:
        return self.root / POSITIONS / f"{partition}.json"

    def _marks(self, partition: int) -> dict[str, int]:
        """Next offset of every topic, of this partition."""
        own, old = self._marks_path(partition), self.root / _OLD_POSITIONS
        if own.exists():
            return dict(json.loads(own.read_text()))
        known = json.loads(old.read_text()) if old.exists() else {}
        places = ((*name.rpartition("/"), offset) for name, offset in known.items())
        return {topic: offset for topic, _, number, offset in places if number == str(partition)}

    def _lock(self, partition: int) -> None:
        if partition in self._locks:
            return
        path = self._marks_path(partition).with_suffix(".lock")
        lock = path.open("wb")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            lock.close()
            raise Fenced(
                f"partition {partition} of the archive in {self.root} is written by another process"
            ) from error
        self._locks[partition] = lock

    def _write(self, folder: Path, partition: int, rows: list[Archived]) -> tuple[_File, _File | None]:
        """The new file, and the small one whose rows it took along."""
        _make_folder(folder, self.root)
        columns = zip(*(row.values for row in rows), strict=True)
        table = pa.table([pa.array(column, of.type) for column, of in zip(columns, SCHEMA, strict=True)], schema=SCHEMA)
        first, last = rows[0].offset, rows[-1].offset
        small = self._newest.get((folder, partition))
        if small is not None and not _is_small(small.path):
            small = None
        if small is not None:
            table = pa.concat_tables([pq.read_table(small.path, schema=SCHEMA, partitioning=None), table])
            first = small.first
        file = _File(folder, partition, first, last)
        temporary = folder / f".{file.path.name}.tmp"
        with temporary.open("wb") as target:
            pq.write_table(table, target, compression="zstd")
            target.flush()
            os.fsync(target.fileno())
        temporary.rename(file.path)
        return file, small


def _is_small(path: Path) -> bool:
    return path.stat().st_size <= _SMALL_BYTES and pq.read_metadata(path).num_rows <= _SMALL_ROWS


def _make_folder(folder: Path, under: Path) -> None:
    """A folder whose name lasts, with those between it and ``under``."""
    if not folder.exists():
        _make_folder(folder.parent, under) if folder.parent != under else under.mkdir(parents=True, exist_ok=True)
        folder.mkdir(exist_ok=True)
        sync_folder(folder.parent)


def _replace(path: Path, content: bytes) -> None:
    write_durably(path, content)
    sync_folder(path.parent)
