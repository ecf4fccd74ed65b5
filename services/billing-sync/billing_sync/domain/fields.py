"""Fields of BOSS records: how a value is read from JSON and from a file's cell, and what is wrong when it can't be.

Both roads give the same *wire value*: ``str``, ``int``, ``bool`` or ``None`` (not known); dates as ``yyyy-mm-dd``,
instants as ISO 8601 in UTC. So equal facts are equal whatever road they came by. What a field takes is read from the
contracts (``msgspec.inspect``), never written down twice.
"""

import re
from collections.abc import Callable, Sequence
from datetime import date, datetime
from functools import lru_cache
from typing import Any, NamedTuple

from msgspec import inspect

from billing_sync.domain.reasons import missing, shown, wrong
from contracts.boss import BossRecord
from servicekit.clock import in_range, iso

Wire = str | int | bool | None
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_INSTANT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,9})?)?(Z|[+-][0-9]{2}:?[0-9]{2})"
)
_DIGITS = 18
_Readers = tuple[Callable[[Any], Wire], Callable[[str], Wire], Callable[[Sequence[str]], Sequence[Wire]]]


@lru_cache(4096)
def read_date(text: str) -> str:
    """A calendar day, ``yyyy-mm-dd``. Raises ``ValueError``."""
    if not _DATE.fullmatch(text):
        raise ValueError(text)
    date.fromisoformat(text)
    return text


@lru_cache(4096)
def read_instant(text: str) -> datetime:
    """An instant with offset, as UTC; the first or last there is where UTC ends before it. Raises ``ValueError``.

    0001-01-01T00:00:00+08:00 is what many programs send for "no time".
    """
    if not _INSTANT.fullmatch(text):
        raise ValueError(text)
    return in_range(datetime.fromisoformat(text))


class Field(NamedTuple):
    """One field: ``of_json(value)`` and ``of_text(cell)`` give its wire value or raise ``ValueError``.

    ``of_column(cells)`` gives what ``of_text`` does for each cell, an empty one being not known, at half the cost.
    ``want_*`` say what it takes; ``dated`` is date | instant | period where the field says when the fact happened.
    """

    name: str
    required: bool
    of_json: Callable[[Any], Wire]
    of_text: Callable[[str], Wire]
    of_column: Callable[[Sequence[str]], Sequence[Wire]]
    want_zh: str
    want_en: str
    text_zh: str
    text_en: str
    dated: str | None

    def take_json(self, value: Any) -> Wire:
        """Wire value of a JSON value; null and "" mean not known. Raises ``Bad``."""
        if value is None or value == "":
            if self.required:
                raise missing(self.name)
            return None
        try:
            return self.of_json(value)
        except (ValueError, TypeError):
            got = shown(value, self.name)
            raise wrong(self.name, self.want_zh, self.want_en, got) from None

    def take_text(self, cell: str) -> Wire:
        """Wire value of a file's cell; empty means not known. Raises ``Bad`` (with the cell as its value)."""
        if not cell:
            if self.required:
                raise missing(self.name)
            return None
        try:
            return self.of_text(cell)
        except ValueError:
            raise wrong(self.name, self.text_zh, self.text_en, shown(cell), cell) from None


def _each(of_text: Callable[[str], Wire]) -> Callable[[Sequence[str]], Sequence[Wire]]:
    """A column in which few values come again and again."""

    def of_column(cells: Sequence[str]) -> Sequence[Wire]:
        values = {cell: of_text(cell) if cell else None for cell in set(cells)}
        return [values[cell] for cell in cells]

    return of_column


def _integer(low: int, high: int) -> _Readers:
    def of_json(value: Any) -> Wire:
        if type(value) is not int or not low <= value <= high:
            raise ValueError(value)
        return value

    def of_text(cell: str) -> Wire:
        # int() alone takes blanks, underscores and other scripts' digits.
        digits = cell[1:] if cell[0] == "-" else cell
        if not (digits.isdigit() and digits.isascii() and len(digits) <= _DIGITS):
            raise ValueError(cell)
        number = int(cell)
        if not low <= number <= high:
            raise ValueError(cell)
        return number

    def of_column(cells: Sequence[str]) -> Sequence[Wire]:
        digits = "".join(cells)
        if digits.isdigit() and digits.isascii() and all(cells) and max(map(len, cells)) <= _DIGITS:
            numbers = list(map(int, cells))
            if low <= min(numbers) and max(numbers) <= high:
                return numbers
        return [of_text(cell) if cell else None for cell in cells]

    return of_json, of_text, of_column


def _text(low: int, high: int, pattern: str | None) -> _Readers:
    # The contract's ``$`` would let a final line break through; fullmatch does not.
    matches = re.compile(pattern.removeprefix("^").removesuffix("$")).fullmatch if pattern is not None else bool

    def of(value: Any) -> Wire:
        if type(value) is not str or not low <= len(value) <= high or (pattern is not None and not matches(value)):
            raise ValueError(value)
        return value

    def of_column(cells: Sequence[str]) -> Sequence[Wire]:
        lengths = list(map(len, cells))
        if max(low, 1) <= min(lengths) and max(lengths) <= high and (pattern is None or all(map(matches, cells))):
            return cells
        return [of(cell) if cell else None for cell in cells]

    return of, of, of_column


def _boolean(value: Any) -> Wire:
    if type(value) is not bool:
        raise ValueError(value)
    return value


def _flag(cell: str) -> Wire:
    if cell not in ("0", "1"):
        raise ValueError(cell)
    return cell == "1"


def _day(value: Any) -> Wire:
    if type(value) is not str:
        raise ValueError(value)
    return read_date(value)


def _instant(value: Any) -> Wire:
    if type(value) is not str:
        raise ValueError(value)
    return iso(read_instant(value))


def _choice(choices: tuple[str, ...]) -> Callable[[Any], Wire]:
    known = frozenset(choices)

    def of(value: Any) -> Wire:
        if type(value) is not str or value not in known:
            raise ValueError(value)
        return value

    return of


_FEN = (
    "整数分（人民币分，不带小数与单位）；若以元计，请乘 100 取整",
    "integer fen (no decimals, no unit); multiply yuan by 100 and send a whole number",
)
_MONTH = ("账期 yyyymm（如 202605）", "a period yyyymm (e.g. 202605)")
_CITY = ("六位行政区划代码（如 320100）", "a six-digit division code (e.g. 320100)")
_KEY = (" 1 至 64 个字符的编号，不含空白和 |", "an id of 1 to 64 characters without blanks and |")
_DAY_WANT = ("日期 yyyy-mm-dd（如 2026-05-31）", "a date yyyy-mm-dd (e.g. 2026-05-31)")
_INSTANT_WANT = (
    "带时区的 ISO 8601 时间（如 2026-05-31T10:00:00+08:00）",
    "an ISO 8601 time with offset (e.g. 2026-05-31T10:00:00+08:00)",
)


class _Reader(NamedTuple):
    of: _Readers
    want: tuple[str, str]
    text: tuple[str, str]
    dated: str | None = None


def _reader(name: str, type_: inspect.Type) -> _Reader:
    if isinstance(type_, inspect.IntType):
        low, high = type_.ge if type_.ge is not None else -(2**53), type_.le if type_.le is not None else 2**53
        if high < 2**53:
            want = (f" {low} 至 {high} 的整数", f"an integer from {low} to {high}")
        else:
            what, least = _FEN if name.endswith("_fen") else ("整数", "an integer"), low == 0
            want = (what[0] + "，不小于 0" * least, what[1] + ", not below 0" * least)
        return _Reader(_integer(low, high), want, want)
    if isinstance(type_, inspect.BoolType):
        of = (_boolean, _flag, _each(_flag))
        return _Reader(of, ("布尔值 true 或 false", "a boolean, true or false"), (" 0 或 1", "0 or 1"))
    if isinstance(type_, inspect.LiteralType):
        choices = tuple(str(value) for value in type_.values)
        want = (f" {' | '.join(choices)} 之一", f"one of {', '.join(choices)}")
        one = _choice(choices)
        return _Reader((one, one, _each(one)), want, want)
    if isinstance(type_, inspect.DateType):
        return _Reader((_day, _day, _each(_day)), _DAY_WANT, _DAY_WANT, "date")
    if isinstance(type_, inspect.DateTimeType):
        return _Reader((_instant, _instant, _each(_instant)), _INSTANT_WANT, _INSTANT_WANT, "instant")
    if not isinstance(type_, inspect.StrType):
        raise TypeError(f"{name}: no reader for {type_}")
    text, longest = _text(type_.min_length or 0, type_.max_length or 4000, type_.pattern), type_.max_length
    if name == "period":
        return _Reader((text[0], text[1], _each(text[1])), _MONTH, _MONTH, "period")
    want = (f"不超过 {longest} 字的文本", f"a text of at most {longest} characters")
    if type_.pattern is not None:
        want = _CITY if name == "city" else _KEY
    return _Reader(text, want, want)


def _bare(type_: inspect.Type) -> inspect.Type:
    """The type without ``None`` and annotations."""
    if isinstance(type_, inspect.Metadata):
        return _bare(type_.type)
    if isinstance(type_, inspect.UnionType):
        return _bare(next(t for t in type_.types if not isinstance(t, inspect.NoneType)))
    return type_


def _field(field: inspect.Field) -> Field:
    reader = _reader(field.name, _bare(field.type))
    return Field(field.name, field.required, *reader.of, *reader.want, *reader.text, reader.dated)


def fields_of(record: type[BossRecord]) -> tuple[Field, ...]:
    """Fields of a contract, in its order."""
    info = inspect.type_info(record)
    assert isinstance(info, inspect.StructType)
    return tuple(_field(f) for f in info.fields)
