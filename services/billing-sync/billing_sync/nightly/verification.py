"""The first pass: a data file is read whole and checked against its control file before a row of it is loaded."""

import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from billing_sync.domain.kinds import Kind
from billing_sync.nightly.control import Control
from billing_sync.nightly.names import PairName
from billing_sync.nightly.reading import FileRejected, blocks, digest, lines_of, shown

_MAX_COLUMNS = 500
_AMOUNT_DIGITS = 19
_MAX_AMOUNT = 10**18
_NAMED = 20
_COLUMN = re.compile("[A-Za-z_][A-Za-z_0-9]{0,40}")
_CJK = re.compile("[\u4e00-\u9fff]")


class Verified(NamedTuple):
    """What the first pass found: data rows, and notes for the receipt."""

    rows: int
    notes: list[str]


def header_of(line: str, control: Control, kind: Kind) -> tuple[list[str], list[str]]:
    """Column names, and a note where there are unknown ones. Raises ``FileRejected`` for a missing one."""
    header = line.removeprefix("\ufeff").split(control.separator)
    if "\r" in line:
        raise FileRejected(
            "换行符是单独的 CR（\\r）；请改用 LF（\\n）或 CRLF 后重送",
            "lines end in CR (\\r) alone; end them in LF (\\n) or CRLF and deliver again",
        )
    if len(header) > _MAX_COLUMNS:
        raise FileRejected(
            f"表头有 {len(header)} 列，最多 {_MAX_COLUMNS} 列（第 1 行）；请检查换行符与分隔符",
            f"the header has {len(header)} columns, at most {_MAX_COLUMNS} (line 1); check line breaks and separator",
        )
    lacking = [column for column in kind.columns if column not in header]
    if lacking:
        raise FileRejected(
            f"表头缺列：{'、'.join(lacking)}（第 1 行，分隔符 {control.separator!r}）；请补上该列，未知的值留空",
            f"the header lacks {', '.join(lacking)} (line 1, separator {control.separator!r}); "
            "add the column, empty where not known",
        )
    twice = _names([column for column, times in sorted(Counter(header).items()) if times > 1])
    if twice:
        raise FileRejected(
            f"表头列重复：{'、'.join(twice)}（第 1 行）；请删去一列",
            f"the header names {', '.join(twice)} twice (line 1)",
        )
    extra = _names([column for column in header if column not in kind.known])
    notes = [f"多余的列未使用：{'、'.join(extra)} / extra columns not used: {', '.join(extra)}"] if extra else []
    return header, notes


def _names(columns: list[str]) -> list[str]:
    """Columns as they may stand in a reason: without a header, what should be their names is somebody's data."""
    return [column if _COLUMN.fullmatch(column) else "…" for column in columns][:_NAMED]


def verify(
    path: Path, name: PairName, control: Control, progress: Callable[[int], None], at_most: int | None = None
) -> Verified:
    """The first pass: the whole file is read and checked before a row of it is loaded.

    It reads no further than the declared rows, and never unpacks more than ``at_most`` bytes. Raises ``FileRejected``,
    ``FileUnreadable``.
    """
    size, sha = digest(path)
    if size != control.bytes:
        raise FileRejected(
            f"文件 {size} 字节，.chk 声明 {control.bytes}；传输可能被截断，请重新传送",
            f"the file has {size} bytes, the .chk says {control.bytes}; perhaps truncated on the way, send it again",
        )
    if sha != control.sha256:
        raise FileRejected(
            f"校验和不符：文件 sha256 为 {sha}，.chk 声明 {shown(control.sha256)}；请重新传送",
            f"wrong checksum: the file's sha256 is {sha}, the .chk says {shown(control.sha256)}; send it again",
        )
    kind = name.kind
    header: list[str] | None = None
    notes: list[str] = []
    lines_read, total, unsure, misdeclared = 0, 0, 0, _Misdeclared(control.encoding)
    for block in blocks(path, at_most):
        misdeclared.look(block)
        lines = lines_of(block, control.encoding, lines_read)
        lines_read += len(lines)
        if header is None:
            header, notes = header_of(lines.pop(0), control, kind)
        if kind.amount:
            found, bad = _amounts(lines, control.separator, len(header), header.index(kind.amount))
            total, unsure = total + found, unsure + bad
        if lines_read - 1 > control.rows:
            raise FileRejected(
                f"文件不止 {control.rows} 行数据（.chk 声明 {control.rows}）；请核对后重新生成",
                f"the file has more data rows, the .chk says {control.rows}; check and make it anew",
            )
        progress(lines_read - 1)
    if header is None:
        raise FileRejected("文件是空的，没有表头", "the file is empty, without a header")
    misdeclared.settle()
    rows = lines_read - 1
    if rows != control.rows:
        raise FileRejected(
            f"文件有 {rows} 行数据，.chk 声明 {control.rows}；请核对后重新生成",
            f"the file has {rows} data rows, the .chk says {control.rows}; check and make it anew",
        )
    if abs(total) >= _MAX_AMOUNT:
        raise FileRejected(
            "金额合计超过 18 位；请核对金额列（单位为分）", "amounts add up to more than 18 digits; check them (in fen)"
        )
    if unsure:
        notes.append(
            f"有 {unsure} 行读不出金额，合计未强制核对：其余 {total} 分，.chk 声明 {control.amount_fen} 分 / "
            f"{unsure} rows have no readable amount, total not enforced: the rest is {total} fen, "
            f"the .chk says {control.amount_fen}"
        )
    elif apart := total - control.amount_fen:
        raise FileRejected(
            f"金额合计 {total} 分，.chk 声明 {control.amount_fen} 分，相差 {apart} 分；请核对后重新生成",
            f"amounts add up to {total} fen, the .chk says {control.amount_fen}, {apart} apart; check and make it anew",
        )
    return Verified(rows, notes)


def _amounts(lines: list[str], separator: str, width: int, at: int) -> tuple[int, int]:
    """Sum of a column, and how many rows have no readable amount."""
    total = unsure = 0
    for line in lines:
        cells = line.split(separator)
        cell = cells[at] if len(cells) == width else "?"
        if not cell:
            continue
        try:
            if not cell.isascii() or "_" in cell or len(cell) > _AMOUNT_DIGITS:
                raise ValueError(cell)
            total += int(cell)
        except ValueError:
            unsure += 1
    return total, unsure


class _Misdeclared:
    """Watches for UTF-8 text declared as GB18030, which mostly decodes without an error into other characters."""

    def __init__(self, encoding: str) -> None:
        self._maybe = encoding == "gb18030"
        self._chinese = False

    def look(self, block: bytes) -> None:
        if not self._maybe or block.isascii():
            return
        try:
            self._chinese = bool(_CJK.search(block.decode("utf-8"))) or self._chinese
        except UnicodeDecodeError:
            self._maybe = False

    def settle(self) -> None:
        if self._maybe and self._chinese:
            raise FileRejected(
                ".chk 声明 gb18030，但全文是 UTF-8 中文；请把 encoding 改为 utf-8 后重送",
                "the .chk declares gb18030, but the whole text is Chinese in UTF-8; declare utf-8 and deliver again",
            )
