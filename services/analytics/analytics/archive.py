"""The archive: every event of every topic in partitioned Parquet, each exactly once per place in the log.

``topic=<topic>/date=<day of the event>/<partition>-<first offset>-<last offset>.parquet``, and ``_positions.json`` with
the next offset of every topic partition. Writing the positions is the commit: files are complete (temporary file,
fsync, rename) before it, files beyond it are leftovers of a crash and removed at the next start. Deleting the folder
makes the archive be written anew from the log, with the same rows.

Small files grow: what is written joins the newest file of its folder and partition while that one is small.
"""

import json
import os
from collections import defaultdict
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq
from msgspec import Struct

from analytics.domain import day_of, problem_of
from servicekit.clock import from_millis, local_date
from servicekit.envelope import Message

POSITIONS = "_positions.json"
_SMALL_ROWS = 5_000
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


class Archived(Struct, frozen=True):
    """A row of the archive and the day under which it is filed."""

    topic: str
    partition: int
    offset: int
    date: str
    columns: dict[str, Any]


def row_of(message: Message) -> Archived:
    """A message as it is archived: attributes and body as received, whatever is wrong with it."""
    attribute = message.attribute
    try:
        day = day_of(attribute("time") or "", message.timestamp)
    except ValueError:
        day = local_date(from_millis(message.timestamp))
    revision = attribute("revision") or ""
    columns = {
        "topic": message.topic,
        "partition": message.partition,
        "offset": message.offset,
        "timestamp": message.timestamp,
        "id": message.id,
        "type": message.type,
        "source": attribute("source"),
        "subject": attribute("subject"),
        "time": attribute("time"),
        "correlationid": attribute("correlationid"),
        "causationid": attribute("causationid"),
        "businessclock": attribute("businessclock"),
        "sequence": attribute("sequence"),
        "revision": int(revision) if revision.isdecimal() and len(revision) < 10 else None,
        "key": message.key,
        "data": None if message.body is None else message.body.decode("utf-8", "backslashreplace"),
        "problem": problem_of(message),
    }
    return Archived(message.topic, message.partition, message.offset, day.isoformat(), columns)


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
    def at(cls, path: Path) -> "_File":
        return cls(path.parent, *(int(piece) for piece in path.stem.split("-")))

    @property
    def source(self) -> str:
        """``topic/partition`` its rows come from."""
        return f"{self.folder.parent.name.removeprefix('topic=')}/{self.partition}"


class Archive:
    """Writes the archive under ``root``. One writer."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._newest: dict[tuple[Path, int], _File] = {}
        self.positions: dict[str, int] = {}
        self._clean = False

    def open(self) -> dict[str, int]:
        """Clear up after a crash or a failed write; the next offset of every ``topic/partition`` ever written."""
        self.root.mkdir(parents=True, exist_ok=True)
        marks = self.root / POSITIONS
        self.positions = json.loads(marks.read_text()) if marks.exists() else {}
        self._newest = {}
        for leftover in self.root.glob("topic=*/date=*/.*.tmp"):
            leftover.unlink()
        files = sorted(_File.at(path) for path in self.root.glob("topic=*/date=*/*.parquet"))
        for file in files:
            before = self._newest.get((file.folder, file.partition))
            if file.last >= self.positions.get(file.source, 0):
                file.path.unlink()  # written, never committed
                continue
            if before is not None and before.first == file.first:
                before.path.unlink()  # its rows have joined this one
            self._newest[file.folder, file.partition] = file
        self._clean = True
        return self.positions

    def write(self, rows: list[Archived], positions: dict[str, int]) -> None:
        """Add rows and move on to ``positions``: all or nothing, durable on return."""
        if not self._clean:
            self.open()
        self._clean = False
        grouped: dict[tuple[Path, int], list[Archived]] = defaultdict(list)
        for row in rows:
            grouped[self.root / f"topic={row.topic}" / f"date={row.date}", row.partition].append(row)
        written = [self._write(folder, partition, group) for (folder, partition), group in grouped.items()]
        for folder in {file.folder for file, _ in written}:
            _sync_folder(folder)
        reached = {**self.positions, **positions}
        _replace(self.root / POSITIONS, json.dumps(reached, indent=0, sort_keys=True).encode())
        self.positions = reached
        for file, joined in written:
            self._newest[file.folder, file.partition] = file
            if joined is not None:
                joined.path.unlink()
        self._clean = True

    def _write(self, folder: Path, partition: int, rows: list[Archived]) -> tuple[_File, _File | None]:
        """The new file, and the small one whose rows it took along."""
        folder.mkdir(parents=True, exist_ok=True)
        table = pa.Table.from_pylist([row.columns for row in rows], SCHEMA)
        first, last = rows[0].offset, rows[-1].offset
        small = self._newest.get((folder, partition))
        if small is not None and pq.read_metadata(small.path).num_rows > _SMALL_ROWS:
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


def _replace(path: Path, content: bytes) -> None:
    temporary = path.with_name(f".{path.name}.tmp")
    with temporary.open("wb") as target:
        target.write(content)
        target.flush()
        os.fsync(target.fileno())
    temporary.rename(path)
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
