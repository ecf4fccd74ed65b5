"""Files of rows, written line by line: CSV and XLSX. What a cell says is never a formula, whoever wrote it."""

import csv
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Literal, Protocol

import xlsxwriter

from gateway.exports.columns import Cell

Format = Literal["csv", "xlsx"]
MEDIA: Mapping[Format, str] = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
#: a program that opens the file would calculate what begins so, in ASCII or in full width
_BEGINS_FORMULA = tuple("=+-@\t\r\n＝＋－＠")
#: no part of XML, and nothing that anybody wants to see
_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_LONGEST = 32_000
_NARROW, _WIDE = 12, 40


class File(Protocol):
    """Takes lines and, when it is closed, is complete."""

    def add(self, lines: Iterable[Sequence[Cell]]) -> None: ...

    def close(self) -> None: ...


def opened(format_: Format, path: Path, folder: Path, headings: Sequence[str]) -> File:
    """A new file with its first line; ``folder``: for what is needed until it is complete."""
    return Csv(path, headings) if format_ == "csv" else Xlsx(path, folder, headings)


class Csv:
    """UTF-8 with a mark, by which Excel knows it; lines end as RFC 4180 has it."""

    def __init__(self, path: Path, headings: Sequence[str]) -> None:
        self._file = path.open("w", encoding="utf-8-sig", newline="")
        self._writer = csv.writer(self._file)
        self._writer.writerow(headings)

    def add(self, lines: Iterable[Sequence[Cell]]) -> None:
        self._writer.writerows([_in_csv(cell) for cell in line] for line in lines)

    def close(self) -> None:
        self._file.close()


def _in_csv(cell: Cell) -> str | int | Decimal | None:
    if isinstance(cell, datetime):
        return cell.isoformat(" ")
    if not isinstance(cell, str):
        return cell
    text = _clean(cell)
    return f"'{text}" if text.startswith(_BEGINS_FORMULA) else text


class Xlsx:
    """One sheet. Lines are written out as they come, so that memory does not grow with them."""

    def __init__(self, path: Path, folder: Path, headings: Sequence[str]) -> None:
        options = {"constant_memory": True, "tmpdir": str(folder), "default_date_format": "yyyy-mm-dd hh:mm:ss"}
        self._book = xlsxwriter.Workbook(str(path), options)
        self._money = self._book.add_format({"num_format": "#,##0.00"})
        # The mark Excel itself sets on text that looks like a formula: it stays text also when it is edited.
        self._quoted = self._book.add_format({"quote_prefix": True})
        self._sheet = self._book.add_worksheet()
        self._sheet.freeze_panes(1, 0)
        for at, heading in enumerate(headings):
            self._sheet.set_column(at, at, min(_WIDE, max(_NARROW, 2 * len(heading))))
        bold = self._book.add_format({"bold": True})
        for at, heading in enumerate(headings):
            self._sheet.write_string(0, at, heading, bold)
        self._line = 1

    def add(self, lines: Iterable[Sequence[Cell]]) -> None:
        for line in lines:
            for at, cell in enumerate(line):
                self._write(at, cell)
            self._line += 1

    def _write(self, at: int, cell: Cell) -> None:
        sheet, line = self._sheet, self._line
        match cell:
            case None:
                return
            case datetime():
                sheet.write_datetime(line, at, cell)
            case Decimal():
                sheet.write_number(line, at, float(cell), self._money)
            case int():
                sheet.write_number(line, at, cell)
            case str():
                text = _clean(cell)
                sheet.write_string(line, at, text, self._quoted if text.startswith(_BEGINS_FORMULA) else None)

    def close(self) -> None:
        self._book.close()


def _clean(text: str) -> str:
    return _CONTROLS.sub("", text)[:_LONGEST]
