"""The second pass over a file: its rows in segments, each row a fact or a reject. Streams."""

import os
from collections.abc import Container, Iterable, Iterator
from hashlib import blake2b
from pathlib import Path
from typing import Any
from zlib import crc32

from billing_sync.domain.reasons import Bad
from billing_sync.domain.record import Fact
from billing_sync.domain.rows import FactMaker, RowReader
from billing_sync.nightly.control import Control
from billing_sync.nightly.names import PairName
from billing_sync.nightly.reading import blocks, lines_of
from billing_sync.nightly.verification import header_of

# What a chunk may hold in bytes: thousands of rows of a megabyte each would be too much at once.
_CHUNK_BYTES = 8 << 20
# A row that is confirmed with its segment costs so much less than one that is read.
_AT_ONCE = 8
# Segments are of 16 to 512 rows, 80 in the mean: a file of which every thousandth row changed is one of which every
# twelfth segment did, and one in which nothing did is read at 80 rows an entry.
_LEAST_ROWS, _MOST_ROWS, _CUT_MASK = 16, 512, 0x3F
_MOST_BYTES = 1 << 20
# Part of every digest: another number wherever the same row is from now on read as another record.
_READING = "1"

Reject = tuple[int, str | None, str, str]


class Rows:
    """A segment of a file: ``first`` is the line of its first row, ``count`` how many rows it has. ``digest`` is None
    where rows of one file have times of their own (``as_of``).

    Once read: ``facts``; ``rejects`` (line, field, value, reason) with the key each names and whether its shape was
    right; ``amount``, what the good ones add up to in fen.
    """

    __slots__ = ("amount", "count", "digest", "facts", "first", "is_read", "named", "raw", "rejects")

    def __init__(self, first: int, count: int, raw: bytes, digest: bytes | None) -> None:
        self.first, self.count, self.raw, self.digest = first, count, raw, digest
        self.is_read = False
        self.facts: list[Fact] = []
        self.rejects: list[Reject] = []
        self.named: list[tuple[str | None, bool]] = []
        self.amount = 0


class DataFile:
    """The rows of a file that was found good. Raises ``FileRejected``, ``FileUnreadable``."""

    def __init__(self, path: Path, name: PairName, control: Control, maker: FactMaker) -> None:
        self._path, self._control = path, control
        self.name, self.maker = name, maker
        self._reader: RowReader | None = None

    def chunks(self, size: int, skip: int = 0) -> Iterator[list[Rows]]:
        """Segments of at most ``size`` rows, those after the first ``skip`` data rows, as many as are read at once."""
        chunk: list[Rows] = []
        count = held = 0
        for rows in self._segments(min(size, _MOST_ROWS), skip):
            if chunk and (count + rows.count > size * _AT_ONCE or held + len(rows.raw) > _CHUNK_BYTES):
                yield chunk
                chunk, count, held = [], 0, 0
            chunk.append(rows)
            count += rows.count
            held += len(rows.raw)
        if chunk:
            yield chunk

    def read(self, chunk: Iterable[Rows]) -> None:
        """Read the rows of these segments one by one, unless that was done before."""
        for rows in chunk:
            if not rows.is_read:
                self._read(rows)

    def _read(self, rows: Rows) -> None:
        reader, maker = self._reader, self.maker
        assert reader is not None
        lines = lines_of(rows.raw, self._control.encoding, rows.first - 1)
        if (good := reader.read_all(lines)) is not None:
            rows.facts = [maker.make(values, number) for number, values in enumerate(good, rows.first)]
        else:
            for number, line in enumerate(lines, rows.first):
                try:
                    rows.facts.append(maker.make(reader.read(line), number))
                except Bad as bad:
                    rows.rejects.append((number, bad.field, bad.value, str(bad)))
                    rows.named.append(reader.key_of(line))
        rows.amount = maker.amount(rows.facts)
        rows.is_read = True

    def _segments(self, most: int, skip: int) -> Iterator[Rows]:
        about: Any = None
        pending: list[bytes] = []
        first = 2
        for block in blocks(self._path):
            lines = block.split(b"\n")
            if about is None:
                about = self._read_header(lines.pop(0))
            if skip:
                gone = min(skip, len(lines))
                del lines[:gone]
                skip, first = skip - gone, first + gone
            pending += lines
            ends = list(_cuts(pending, most))
            if sum(map(len, pending[ends[-1] if ends else 0 :])) > _MOST_BYTES:
                ends.append(len(pending))
            yield from self._cut(about, first, pending, ends)
            if ends:
                del pending[: ends[-1]]
                first += ends[-1]
        if pending:
            yield from self._cut(about, first, pending, [len(pending)])

    def _read_header(self, raw: bytes) -> Any:
        """Header line; answers the beginning of every digest: what the meaning of a row depends on besides its text."""
        (line,) = lines_of(raw, self._control.encoding, 0)
        name, control = self.name, self._control
        header, _ = header_of(line, control, name.kind)
        self._reader = RowReader(name.kind, header, control.separator, name.date)
        about = (_READING, name.kind.name, name.city, control.encoding, control.separator, *header)
        # The line break ends the header: a letter more there is none of the first row.
        return blake2b(("\0".join(about) + "\n").encode(), digest_size=16)

    def _cut(self, about: Any, first: int, lines: list[bytes], ends: list[int]) -> Iterator[Rows]:
        start = 0
        for end in ends:
            raw = b"\n".join(lines[start:end])
            digest = None
            if self.name.kind.as_of_at is None:
                of_rows = about.copy()
                of_rows.update(raw)
                digest = of_rows.digest()
            yield Rows(first + start, end - start, raw, digest)
            start = end


def commits(chunk: list[Rows], whole: Container[bytes | None], size: int) -> Iterator[list[Rows]]:
    """Parts of a chunk with at most ``size`` rows each that must be read, not being of a ``whole`` segment."""
    part: list[Rows] = []
    read = 0
    for rows in chunk:
        if rows.digest not in whole:
            if read + rows.count > size:
                yield part
                part, read = [], 0
            read += rows.count
        part.append(rows)
    yield part


def _cuts(lines: list[bytes], most: int) -> Iterator[int]:
    """Where segments end: behind a row whose checksum says so, or where there would be too many rows."""
    start = 0
    for end in [end for end, line in enumerate(lines, 1) if not crc32(line) & _CUT_MASK]:
        while end - start > most:
            start += most
            yield start
        if end - start >= min(_LEAST_ROWS, most):
            start = end
            yield start
    while len(lines) - start >= most:
        start += most
        yield start


class RejectFile:
    """Rows that could not be taken, as they come: ``line, field, value, reason``, tab-separated. It is cut back to the
    length that was committed when loading goes on after a kill, so that no row stands in it twice."""

    HEADER = b"line\tfield\tvalue\treason\n"

    def __init__(self, path: Path, length: int) -> None:
        self.path = path
        self._file = path.open("r+b" if path.exists() else "w+b")
        self._file.truncate(length)
        self._file.seek(length)
        self.length = length

    def add(self, rows: list[tuple[int, str | None, str, str]]) -> None:
        """Append rows, durably."""
        if not rows:
            return
        if self.length == 0:
            self._file.write(self.HEADER)
        for line, field, value, reason in rows:
            cells = (str(line), field or "", value, reason)
            self._file.write(("\t".join(cell.replace("\t", "\\t") for cell in cells) + "\n").encode())
        self._file.flush()
        os.fsync(self._file.fileno())
        self.length = self._file.tell()

    def close(self) -> None:
        self._file.close()
