"""The control file of a pair: what its data file must be."""

import re
from datetime import date
from pathlib import Path

import msgspec

from billing_sync.domain.fields import read_date
from billing_sync.nightly.names import PairName
from billing_sync.nightly.reading import FileRejected, reading, shown

_MAX_BYTES = 1 << 16
_SEPARATORS = {"|": "|", "\\t": "\t"}


class Control(msgspec.Struct, frozen=True):
    """A control file. ``bytes`` and ``sha256`` are those of the .dat.gz, ``rows`` counts data rows. ``baseline``: the
    last business date of a first load, of which no SMS comes; None of any other file.
    """

    rows: int
    bytes: int
    sha256: str
    amount_fen: int
    encoding: str
    separator: str
    baseline: date | None = None


def read_control(path: Path, name: PairName) -> Control:
    """The control file of a pair. Raises ``FileRejected``, ``FileUnreadable``."""
    with reading(path), path.open("rb") as file:
        raw = file.read(_MAX_BYTES + 1)
    if len(raw) > _MAX_BYTES:
        raise FileRejected(
            f".chk 超过 {_MAX_BYTES >> 10} KiB；请检查是否与数据文件互换",
            f"the .chk is over {_MAX_BYTES >> 10} KiB; perhaps it was mistaken for the data file",
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
                f".chk 的 {key} 应为整数，收到 {shown(found[key])!r}",
                f"{key} in the .chk must be an integer, got {shown(found[key])!r}",
            )
        return int(found[key])

    def same(key: str, said: object, named: object) -> None:
        if said != named:
            raise FileRejected(
                f".chk 的 {key} 为 {shown(said)}，与文件名的 {named} 不符；请改正其一",
                f"{key} in the .chk is {shown(said)}, the file's name says {named}; mend one of them",
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
            f".chk 的 encoding 应为 utf-8 或 gb18030，收到 {shown(encoding)!r}",
            f"encoding in the .chk must be utf-8 or gb18030, got {shown(encoding)!r}",
        )
    if separator not in ("|", "\\t", "\t"):
        raise FileRejected(
            f".chk 的 separator 应为 | 或 \\t，收到 {shown(separator)!r}",
            f"separator in the .chk must be | or \\t, got {shown(separator)!r}",
        )
    return Control(
        number("rows"),
        number("bytes"),
        found["sha256"].lower(),
        number("amount_fen"),
        encoding,
        _SEPARATORS.get(separator, separator),
        _baseline(found.get("baseline"), name),
    )


def _baseline(said: str | None, name: PairName) -> date | None:
    """The last business date of a first load; none where the control file does not speak of it."""
    if not said:
        return None
    try:
        last = date.fromisoformat(said) if re.fullmatch(r"\d{4}-\d\d-\d\d", said) else None
    except ValueError:
        last = None
    if last is None or last < name.date:
        raise FileRejected(
            f".chk 的 baseline 应为首次装载的最后业务日期（yyyy-mm-dd，不早于 {name.date}），收到 {shown(said)!r}",
            f"baseline in the .chk must be the last business date of the first load (yyyy-mm-dd, not before "
            f"{name.date}), got {shown(said)!r}",
        )
    return last
