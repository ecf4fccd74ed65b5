"""What the archive has of boss.events: read by partition, in pieces of whole customers, each in the order of the log.

The archive files records by their day, and a customer's lie in many files; so a partition is first dealt out to as many
piles as keep each small, on disk, and these are sorted. What is held in memory at once does not grow with the archive.

analytics writes while we read: small files grow together, and what lies behind a partition's position isn't there yet.
"""

import json
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import NamedTuple
from zlib import crc32

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from servicekit.clock import iso

TOPIC = "boss.events"
#: rows of a pile: about 40 MiB while it is judged
PILE_ROWS = 40_000
_BATCH_ROWS, _MOST_PILES = 32_768, 500
_NAME = re.compile(r"([0-9]+)-([0-9]+)-([0-9]+)\.parquet")
#: what a trial reads of each row
COLUMNS = ["offset", "key", "type", "time", "businessclock", "revision", "data", "timestamp"]
_Progress = Callable[[int], None]


class Damaged(Exception):
    """A file of the archive that can't be read; what was left out of a trial would make its result wrong. ``file`` is
    its path below the archive, with forward slashes."""

    def __init__(self, file: str, why: object) -> None:
        super().__init__(f"{file}: {why}")
        self.file, self.why = file, " ".join(str(why).split())[:200]


class Pile(NamedTuple):
    """Records of some customers, oldest first; all columns are as long as ``customer``, which is a place in ``ids``.
    ``type`` is a place in the types that were asked for, ``clock`` and ``time`` are texts or None."""

    ids: list[str]
    customer: list[int]
    type: list[int]
    time: list[str | None]
    clock: list[str | None]
    revision: list[int]
    data: list[bytes]


class _File(NamedTuple):
    """A file by what of its name lasts: it may grow under our hands, and is then another with the same beginning."""

    folder: Path
    partition: int
    first: int

    @property
    def name(self) -> str:
        """Below the archive; how far it goes is not said."""
        return f"{self.folder.parent.name}/{self.folder.name}/{self.partition}-{self.first}-*.parquet"

    def open(self) -> pq.ParquetFile:
        """The longest there is. Raises ``Damaged``, also where it was taken away."""
        for _ in range(5):
            found = sorted(self.folder.glob(f"{self.partition}-{self.first}-*.parquet"), key=_last)
            try:
                opened = pq.ParquetFile(found[-1])
            except (FileNotFoundError, IndexError):
                continue  # it has grown meanwhile
            except _UNREADABLE as error:
                raise Damaged(self.name, error) from error
            missing = {*COLUMNS} - {*opened.schema_arrow.names}
            if missing:
                raise Damaged(self.name, f"no column {', '.join(sorted(missing))}")
            return opened
        raise Damaged(self.name, "gone")

    def batches(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Its rows, some at a time. Raises ``Damaged``."""
        with self.open() as opened:
            batches = opened.iter_batches(_BATCH_ROWS, columns=columns, use_threads=False)
            while True:
                try:
                    batch = next(batches)
                except StopIteration:
                    return
                except _UNREADABLE as error:
                    raise Damaged(self.name, error) from error
                yield batch


_UNREADABLE = (OSError, pa.ArrowException, ValueError)


def _last(path: Path) -> int:
    return int(path.stem.rpartition("-")[2])


class Archive:
    """The archive under ``root`` as it is now. ``rows``: how many records it has of the topic at most. All that reads
    it raises ``Damaged``."""

    def __init__(self, root: Path, scratch: Path) -> None:
        self._root, self._scratch = root, scratch
        scratch.mkdir(parents=True, exist_ok=True)
        self._until: dict[int, int] = {}
        for marks in root.glob("_positions/*.json"):
            if marks.stem.isdecimal():
                self._until[int(marks.stem)] = _until(marks)
        self._files: dict[int, list[_File]] = {partition: [] for partition in sorted(self._until)}
        sizes = dict.fromkeys(self._files, 0)
        for path in sorted(root.glob(f"topic={TOPIC}/date=*/*.parquet")):
            name = _NAME.fullmatch(path.name)
            if name is None:
                continue
            partition, first, _ = map(int, name.groups())
            file = _File(path.parent, partition, first)
            if first < self._until.get(partition, 0) and file not in self._files[partition][-1:]:
                self._files[partition].append(file)
                with file.open() as opened:
                    sizes[partition] += opened.metadata.num_rows
        self._sizes = sizes
        self.rows = sum(sizes.values())
        #: when the newest record that was read came, ISO 8601
        self.as_of: str | None = None

    def newest_day(self, types: Collection[str]) -> str | None:
        """The newest day there are records of these types of, ``yyyy-mm-dd``: others, as switches, are of a clock of
        their own."""
        wanted = pa.array(list(types))
        found = [file for files in self._files.values() for file in files]
        for file in sorted(found, key=lambda file: file.folder.name, reverse=True):
            if any(pc.any(pc.is_in(batch["type"], wanted)).as_py() for batch in file.batches(["type"])):
                return file.folder.name.removeprefix("date=")
        return None

    def piles(self, types: Sequence[str], progress: _Progress) -> Iterator[Pile]:
        """All records of these types; ``progress`` is told of rows as they are read, and again as a pile is given."""
        for partition, files in self._files.items():
            # As many files are open at once: those of a process have a bound too.
            number = max(1, min(_MOST_PILES, -(-self._sizes[partition] // PILE_ROWS)))
            paths = [self._scratch / f"{partition}-{n}.arrow" for n in range(number)]
            read = self._deal(partition, files, pa.array(types), paths, progress)
            for path, rows in zip(paths, read, strict=True):
                if rows:
                    yield _pile(path)
                path.unlink()
                progress(rows)
            progress(self._sizes[partition] - sum(read))

    def _deal(
        self, partition: int, files: list[_File], types: pa.Array, paths: list[Path], progress: _Progress
    ) -> list[int]:
        """Write the records of a partition to these piles; how many are on each."""
        counts, until = [0] * len(paths), self._until[partition]
        options = pa.ipc.IpcWriteOptions(compression="lz4")
        with ExitStack() as stack:
            writers = [stack.enter_context(pa.ipc.new_file(str(path), _SPILLED, options=options)) for path in paths]

            def write(rows: pa.Table) -> None:
                for n, part in enumerate(_parts(rows, len(paths))):
                    if part.num_rows:
                        writers[n].write_table(part)
                        counts[n] += part.num_rows

            waiting: list[pa.Table] = []
            held = 0
            for file in files:
                for batch in file.batches(COLUMNS):
                    progress(batch.num_rows)
                    rows = pa.Table.from_batches([batch])
                    self._note(pc.max(rows["timestamp"]).as_py())
                    rows = _asked(rows.drop_columns("timestamp"), types, until)
                    waiting.append(rows)
                    held += rows.num_rows
                    if held >= _BATCH_ROWS:
                        write(pa.concat_tables(waiting))
                        waiting, held = [], 0
            if held:
                write(pa.concat_tables(waiting))
        return counts

    def _note(self, newest: datetime | None) -> None:
        if newest is not None:
            self.as_of = max(self.as_of or "", iso(newest))


def _until(marks: Path) -> int:
    """The next offset of the topic, by the file that keeps a partition's. Raises ``Damaged``."""
    try:
        return int(json.loads(marks.read_text()).get(TOPIC, 0))
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise Damaged(f"{marks.parent.name}/{marks.name}", error) from error


_SPILLED = pa.schema(
    [
        ("offset", pa.int64()),
        ("key", pa.string()),
        ("type", pa.int32()),
        ("time", pa.string()),
        ("businessclock", pa.string()),
        ("revision", pa.int32()),
        ("data", pa.string()),
    ]
)


def _asked(rows: pa.Table, types: pa.Array, until: int) -> pa.Table:
    """The rows of these types, and of each its place among them."""
    rows = rows.set_column(2, "type", pc.index_in(rows["type"], types))
    is_ours = pc.and_(pc.is_valid(rows["type"]), pc.less(rows["offset"], until))
    return rows.filter(pc.and_(is_ours, pc.and_(pc.is_valid(rows["data"]), pc.is_valid(rows["key"]))))


def _parts(rows: pa.Table, number: int) -> Iterator[pa.Table]:
    """The rows by the pile of their customer."""
    if number == 1:
        yield rows
        return
    keys = rows["key"].combine_chunks().dictionary_encode()
    pile_of = pa.array([crc32(key.encode()) % number for key in keys.dictionary.to_pylist()], pa.int32())
    piles = pile_of.take(keys.indices)
    order = pc.sort_indices(piles)
    rows, counts = rows.take(order), dict.fromkeys(range(number), 0)
    for found in pc.value_counts(piles):
        counts[found["values"].as_py()] = found["counts"].as_py()
    at = 0
    for n in range(number):
        yield rows.slice(at, counts[n])
        at += counts[n]


def _pile(path: Path) -> Pile:
    with pa.OSFile(str(path)) as source:
        rows = pa.ipc.open_file(source).read_all()
    rows = rows.take(pc.sort_indices(rows["offset"])).combine_chunks()
    keys = rows["key"].combine_chunks().dictionary_encode()
    return Pile(
        keys.dictionary.to_pylist(),
        keys.indices.to_pylist(),
        rows["type"].to_pylist(),
        _shared(rows["time"]),
        _shared(rows["businessclock"]),
        pc.fill_null(rows["revision"], 0).to_pylist(),
        rows["data"].cast(pa.binary()).to_pylist(),
    )


def _shared(column: pa.ChunkedArray) -> list[str | None]:
    """Texts of which many are the same, each one held once."""
    encoded = column.combine_chunks().dictionary_encode()
    texts = encoded.dictionary.to_pylist()
    return [None if at is None else texts[at] for at in encoded.indices.to_pylist()]
