"""Rows of nightly files: from a line of text to the wire values of a record, or why not. Pure."""

from datetime import date
from operator import itemgetter

from billing_sync.domain.fields import Wire
from billing_sync.domain.kinds import Kind, effective_at, limits_of_file
from billing_sync.domain.reasons import Bad, missing
from billing_sync.domain.record import Fact
from servicekit.clock import end_of, to_millis


class RowReader:
    """Reads the rows of one file. Columns may stand in any order, extra ones are passed over."""

    def __init__(self, kind: Kind, header: list[str], separator: str, business_date: date) -> None:
        self._kind, self._header, self._separator = kind, header, separator
        self._pick = itemgetter(*[header.index(column) for column in kind.columns])
        self._takes = tuple(field.of_text for field in kind.fields)
        self._required = tuple(i for i, field in enumerate(kind.fields) if field.required)
        self._limits = limits_of_file(business_date)
        self._key = header.index(kind.keys[0])

    def read_all(self, lines: list[str]) -> list[tuple[Wire, ...]] | None:
        """Wire values of many rows, column by column; None when one of them is bad: ``read`` says which and why."""
        cells = [line.split(self._separator) for line in lines]
        width = len(self._header)
        if any(len(row) != width for row in cells):
            return None
        picked = self._pick(list(zip(*cells, strict=True)))
        try:
            columns = [field.of_column(column) for field, column in zip(self._kind.fields, picked, strict=True)]
        except ValueError:
            return None
        if any(None in columns[i] for i in self._required) or not self._limits.hold(self._kind, columns):
            return None
        return list(zip(*columns, strict=True))

    def read(self, line: str) -> tuple[Wire, ...]:
        """Wire values of a row. Raises ``Bad`` with the field at fault."""
        cells = line.split(self._separator)
        if len(cells) != len(self._header):
            raise Bad(
                None,
                f"字段数应为 {len(self._header)}，收到 {len(cells)}；请检查分隔符与值中的换行",
                f"must have {len(self._header)} fields, has {len(cells)}; check separators and line breaks in values",
                line,
            )
        picked: tuple[str, ...] = self._pick(cells)
        try:
            values = tuple([take(cell) if cell else None for take, cell in zip(self._takes, picked, strict=True)])
        except ValueError:
            # Once more, slowly, to say which field it was.
            values = tuple([f.take_text(cell) for f, cell in zip(self._kind.fields, picked, strict=True)])
        for index in self._required:
            if values[index] is None:
                raise missing(self._kind.columns[index])
        self._limits.check(self._kind, values)
        return values

    def key_of(self, line: str) -> tuple[str | None, bool]:
        """First part of the key of a rejected row as far as it can be read, and whether the row's shape is right."""
        cells = line.split(self._separator)
        field = self._kind.fields[self._kind.key_at[0]]
        try:
            key = field.take_text(cells[self._key]) if self._key < len(cells) else None
        except Bad:
            key = None
        return None if key is None else str(key), len(cells) == len(self._header)


class FactMaker:
    """Makes facts of a file's rows: effective at the end of its business date, named by file and line.

    A customer is of the city in whose file he stands, whatever his own column says: it may be empty, or still name the
    city that he has moved away from.
    """

    def __init__(
        self, kind: Kind, file: str, city: str, business_date: date, sequence: int, baseline: date | None = None
    ) -> None:
        self._kind, self._file, self._city, self._sequence = kind, file, city, sequence
        self._baseline = "" if baseline is None else baseline.isoformat()
        self._city_at = kind.columns.index("city") if kind.name == "CUST" else None
        self._amount = kind.columns.index(kind.amount) if kind.amount else None
        self.end_ms = to_millis(end_of(business_date))
        self.day = business_date.isoformat()
        # One number that no other snapshot file has.
        self.tag = int(f"{city}{business_date:%Y%m%d}{sequence:04d}") if kind.snapshot else 0

    def amount(self, facts: list[Fact]) -> int:
        """What rows add to the file's amount, in fen."""
        at = self._amount
        return 0 if at is None else sum([int(fact.values[at] or 0) for fact in facts])

    def make(self, values: tuple[Wire, ...], where: int | str) -> Fact:
        """The fact of a row; ``where`` is its line, or ``absent``."""
        at = self._city_at
        if at is not None and values[at] != self._city:
            values = (*values[:at], self._city, *values[at + 1 :])
        return Fact(
            self._kind,
            values,
            effective_at(self._kind, values, self.end_ms),
            self.day,
            f"file:{self._file}#{where}",
            self._file,
            self._sequence,
            self._city,
            self.tag,
            self._baseline,
        )
