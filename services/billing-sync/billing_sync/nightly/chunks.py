"""The second pass over a file: its rows in chunks, each row a fact or a reject. Streams."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from billing_sync.domain.reasons import Bad
from billing_sync.domain.record import Fact
from billing_sync.domain.rows import FactMaker, RowReader
from billing_sync.nightly.control import Control
from billing_sync.nightly.names import PairName
from billing_sync.nightly.reading import blocks, lines_of
from billing_sync.nightly.verification import header_of

# What a chunk may hold in characters: 2,000 rows of a megabyte each would be too much at once.
_CHUNK_CHARACTERS = 8 << 20

Reject = tuple[int, str | None, str, str]


class Chunk(NamedTuple):
    """Some rows: facts; rejects (line, field, value, reason) with the key each names and whether its shape was right;
    how many rows, and what the good ones' amounts add up to in fen."""

    facts: list[Fact]
    rejects: list[Reject]
    named: list[tuple[str | None, bool]]
    rows: int
    amount: int


def chunks(path: Path, name: PairName, control: Control, maker: FactMaker, size: int, skip: int = 0) -> Iterator[Chunk]:
    """Chunks of at most ``size`` data rows after the first ``skip``. Raises ``FileRejected``, ``FileUnreadable``."""
    kind, reader, line_number, held = name.kind, None, 0, 0
    rows: list[tuple[int, str]] = []
    for block in blocks(path):
        lines = lines_of(block, control.encoding, line_number)
        if reader is None:
            header, _ = header_of(lines.pop(0), control, kind)
            reader, line_number = RowReader(kind, header, control.separator, name.date), 1
        for line in lines:
            line_number += 1
            # Line 1 is the header.
            if line_number - 1 <= skip:
                continue
            rows.append((line_number, line))
            held += len(line)
            if len(rows) == size or held > _CHUNK_CHARACTERS:
                yield _read(reader, maker, rows)
                rows, held = [], 0
    if rows and reader is not None:
        yield _read(reader, maker, rows)


def _read(reader: RowReader, maker: FactMaker, rows: list[tuple[int, str]]) -> Chunk:
    facts: list[Fact] = []
    rejects: list[Reject] = []
    named: list[tuple[str | None, bool]] = []
    for number, line in rows:
        try:
            facts.append(maker.make(reader.read(line), number))
        except Bad as bad:
            rejects.append((number, bad.field, bad.value, str(bad)))
            named.append(reader.key_of(line))
    return Chunk(facts, rejects, named, len(rows), sum(maker.amount(fact) for fact in facts))


class RejectFile:
    """Rows that could not be taken, as they come: ``line, field, value, reason``, tab-separated. It is cut back to the
    length that was committed when loading goes on after a kill, so that no row stands in it twice."""

    HEADER = b"line\tfield\tvalue\treason\n"

    def __init__(self, path: Path, length: int) -> None:
        self.path = path
        self._file = path.open("r+b" if path.exists() else "w+b")
        self._file.truncate(length)
        self._file.seek(length)
        if length == 0:
            self._file.write(self.HEADER)
        self.length = self._file.tell()

    def add(self, rows: list[tuple[int, str | None, str, str]]) -> None:
        """Append rows, durably."""
        for line, field, value, reason in rows:
            cells = (str(line), field or "", value, reason)
            self._file.write(("\t".join(cell.replace("\t", "\\t") for cell in cells) + "\n").encode())
        self._file.flush()
        os.fsync(self._file.fileno())
        self.length = self._file.tell()

    def close(self) -> None:
        self._file.close()
