"""Nightly file pairs on disk: their names, the control file, and the checks of the first pass. Streams, never holds a
file in memory; nothing here changes anything.
"""

import gzip
import hashlib
import re
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import NamedTuple

import msgspec

from billing_sync.domain.fields import read_date
from billing_sync.domain.kinds import FILE_ORDER, KINDS, Kind

DATA, CONTROL = ".dat.gz", ".chk"
_NAME = re.compile(rf"({'|'.join(FILE_ORDER)})_([0-9]{{6}})_([0-9]{{8}})_([0-9]{{4}})")
_BLOCK = 1 << 20
_MAX_LINE = 1 << 20
_MAX_CONTROL = 1 << 16
_MAX_COLUMNS = 500
_AMOUNT_DIGITS = 19
_MAX_AMOUNT = 10**18
_SHOWN, _NAMED = 60, 20
_CJK = re.compile("[\u4e00-\u9fff]")
_SEPARATORS = {"|": "|", "\\t": "\t"}


class FileRejected(Exception):
    """The whole file can't be taken: why, where, and how to mend it."""

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(f"{zh} / {en}")
        self.zh, self.en = zh, en


class FileUnreadable(OSError):
    """A pair that was taken over can't be read; perhaps that passes."""


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Tells trouble with reading this file from any other: ``FileRejected`` where waiting can't help."""
    try:
        yield
    except gzip.BadGzipFile:
        raise
    except PermissionError as error:
        raise FileRejected(
            f"{path.name} 无读取权限（{error.strerror}）；请放开权限后重送",
            f"{path.name} can't be read ({error.strerror}); make it readable for this service and deliver again",
        ) from None
    except OSError as error:
        raise FileUnreadable(error.errno, error.strerror, str(path)) from error


def _cut(text: object) -> str:
    """What a sender wrote, as it may stand in a reason."""
    said = str(text)
    return said if len(said) <= _SHOWN else said[:_SHOWN] + "…"


class PairName(NamedTuple):
    """A pair's name, ordered as pairs are loaded: business date, kind, sequence."""

    date: date
    order: int
    sequence: int
    city: str
    stem: str

    @property
    def kind(self) -> Kind:
        return KINDS[self.stem.partition("_")[0]]

    @property
    def file(self) -> str:
        return self.stem + DATA


def stem_of(name: str) -> str:
    """A file's name without the extension of a pair's halves."""
    return name.removesuffix(DATA) if name.endswith(DATA) else name.removesuffix(CONTROL)


def name_of(stem: str) -> PairName | None:
    """A pair's name; None when it is none."""
    match = _NAME.fullmatch(stem)
    if match is None:
        return None
    try:
        day = date.fromisoformat(f"{match[3][:4]}-{match[3][4:6]}-{match[3][6:]}")
    except ValueError:
        return None
    return PairName(day, FILE_ORDER[match[1]], int(match[4]), match[2], stem)


class Control(msgspec.Struct, frozen=True):
    """A control file. ``bytes`` and ``sha256`` are those of the .dat.gz, ``rows`` counts data rows."""

    rows: int
    bytes: int
    sha256: str
    amount_fen: int
    encoding: str
    separator: str


def read_control(path: Path, name: PairName) -> Control:
    """The control file of a pair. Raises ``FileRejected``, ``FileUnreadable``."""
    with _reading(path), path.open("rb") as file:
        raw = file.read(_MAX_CONTROL + 1)
    if len(raw) > _MAX_CONTROL:
        raise FileRejected(
            f".chk 超过 {_MAX_CONTROL >> 10} KiB；请检查是否与数据文件互换",
            f"the .chk is over {_MAX_CONTROL >> 10} KiB; perhaps it was mistaken for the data file",
        )
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FileRejected(
            f".chk 不是 UTF-8（第 {error.start} 字节）", f"the .chk is not UTF-8 (byte {error.start})"
        ) from None
    found: dict[str, str] = {}
    for line in text.splitlines():
        key, equals, value = line.partition("=")
        if equals:
            found[key.strip()] = value if value in ("|", "\t") else value.strip()
    for key in ("file", "rows", "bytes", "sha256", "amount_fen", "encoding", "separator", "business_date", "sequence"):
        if not found.get(key):
            raise FileRejected(f".chk 缺少 {key}；请补上后重送", f"the .chk lacks {key}; add it and deliver again")

    def number(key: str) -> int:
        if not re.fullmatch(r"-?[0-9]{1,18}", found[key]):
            raise FileRejected(
                f".chk 的 {key} 应为整数，收到 {_cut(found[key])!r}",
                f"{key} in the .chk must be an integer, got {_cut(found[key])!r}",
            )
        return int(found[key])

    def same(key: str, said: object, named: object) -> None:
        if said != named:
            raise FileRejected(
                f".chk 的 {key} 为 {_cut(said)}，与文件名的 {named} 不符；请改正其一",
                f"{key} in the .chk is {_cut(said)}, the file's name says {named}; mend one of them",
            )

    if found["file"] != name.stem:
        same("file", found["file"], name.file)
    same("sequence", number("sequence"), name.sequence)
    try:
        day = read_date(found["business_date"])
    except ValueError:
        day = found["business_date"]
    same("business_date", day, name.date.isoformat())
    encoding, separator = found["encoding"].lower(), found["separator"]
    if encoding not in ("utf-8", "gb18030"):
        raise FileRejected(
            f".chk 的 encoding 应为 utf-8 或 gb18030，收到 {_cut(encoding)!r}",
            f"encoding in the .chk must be utf-8 or gb18030, got {_cut(encoding)!r}",
        )
    if separator not in ("|", "\\t", "\t"):
        raise FileRejected(
            f".chk 的 separator 应为 | 或 \\t，收到 {_cut(separator)!r}",
            f"separator in the .chk must be | or \\t, got {_cut(separator)!r}",
        )
    return Control(
        number("rows"),
        number("bytes"),
        found["sha256"].lower(),
        number("amount_fen"),
        encoding,
        _SEPARATORS.get(separator, separator),
    )


def digest(path: Path) -> tuple[int, str]:
    """Size and SHA-256 of a file. Raises ``FileRejected``, ``FileUnreadable``."""
    with _reading(path), path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
        return file.tell(), found


def blocks(path: Path, at_most: int | None = None) -> Iterator[bytes]:
    """Whole lines of a gzip file, about a megabyte at a time, without the last line break; no more than ``at_most``
    bytes. Raises ``FileRejected``, ``FileUnreadable``."""
    unpacked = 0
    try:
        with _reading(path), gzip.open(path) as file:
            rest: bytes = b""
            while block := file.read(_BLOCK):
                unpacked += len(block)
                if at_most is not None and unpacked > at_most:
                    raise FileRejected(
                        f"解压后超过 {at_most} 字节；请核对，或分成多个文件",
                        f"it unpacks to more than {at_most} bytes; check it, or split it into several files",
                    )
                block = rest + block
                cut = block.rfind(b"\n")
                rest = block[cut + 1 :]
                if len(rest) > _MAX_LINE:
                    raise FileRejected(
                        f"有一行超过 {_MAX_LINE >> 20} MiB；请检查换行符",
                        f"a line is over {_MAX_LINE >> 20} MiB; check line breaks",
                    )
                if cut >= 0:
                    yield block[:cut]
            if rest:
                yield rest
    except EOFError:
        raise FileRejected(
            "gzip 被截断：文件在压缩流结束前中止；请重新传送",
            "the gzip is truncated: the file ends before the compressed stream; send it again",
        ) from None
    except (gzip.BadGzipFile, zlib.error) as error:
        raise FileRejected(
            f"gzip 已损坏（{error}）；请重新传送", f"the gzip is damaged ({error}); send it again"
        ) from None


def lines_of(block: bytes, encoding: str, before: int) -> list[str]:
    """Lines of a block in the declared encoding; ``before`` lines came earlier. Raises ``FileRejected``."""
    try:
        text = block.decode(encoding)
    except UnicodeDecodeError as error:
        line = before + block.count(b"\n", 0, error.start) + 1
        other = "gb18030" if encoding == "utf-8" else "utf-8"
        raise FileRejected(
            f"第 {line} 行不是 {encoding}；.chk 声明的 encoding 可能应为 {other}",
            f"line {line} is not {encoding}; the .chk should perhaps declare {other}",
        ) from None
    lines = text.split("\n")
    return [line.removesuffix("\r") for line in lines] if "\r" in text else lines


class Verified(NamedTuple):
    """What the first pass found: data rows, and notes for the receipt."""

    rows: int
    notes: list[str]


def header_of(line: str, control: Control, kind: Kind) -> tuple[list[str], list[str]]:
    """Column names, and a note where there are unknown ones. Raises ``FileRejected`` for a missing one."""
    header = line.removeprefix("\ufeff").split(control.separator)
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
    twice = [_cut(column) for column, times in sorted(Counter(header).items()) if times > 1][:_NAMED]
    if twice:
        raise FileRejected(
            f"表头列重复：{'、'.join(twice)}（第 1 行）；请删去一列",
            f"the header names {', '.join(twice)} twice (line 1)",
        )
    extra = [_cut(column) for column in header if column not in kind.known][:_NAMED]
    notes = [f"多余的列未使用：{'、'.join(extra)} / extra columns not used: {', '.join(extra)}"] if extra else []
    return header, notes


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
            f"校验和不符：文件 sha256 为 {sha}，.chk 声明 {control.sha256}；请重新传送",
            f"wrong checksum: the file's sha256 is {sha}, the .chk says {control.sha256}; send it again",
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
                f"数据行多于 .chk 声明的 {control.rows} 行；请核对后重新生成",
                f"the file has more rows than the {control.rows} that the .chk says; check and make it anew",
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
