"""What is wrong with a document that a person wrote: where, and what to do about it, in both languages. Pure."""

import re
from collections.abc import Hashable, Sequence, Sized
from http import HTTPStatus
from typing import Any

import msgspec

from contracts.documents import UNSEEN
from servicekit.decision import Refused

_AT = re.compile(r" - at (?:`key` in )?`\$\.?(?P<path>.*)`$")
_KINDS = {
    "int": ("整数", "a whole number"),
    "float": ("数字", "a number"),
    "str": ("文本", "text"),
    "bool": ("true 或 false", "true or false"),
    "array": ("列表", "a list"),
    "object": ("对象", "an object"),
    "null": ("空", "nothing"),
    "date": ("日期 2026-06-30", "a date such as 2026-06-30"),
    "time": ("时刻 21:00:00", "a time such as 21:00:00"),
}


#: of what a person wrote, at most so much is said again; of what is wrong at most so much is told
_LONGEST, MOST_FAULTS = 300, 50
_UNSEEN = re.compile(UNSEEN)


class Fault(msgspec.Struct, frozen=True):
    """``field``: the path in the document, as ``metrics[0].code``; empty: the document as a whole."""

    field: str
    zh: str
    en: str


class Faulty(Refused):
    """A document that can't be kept, with everything that is wrong with it; the first fault is what is refused."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        first = faults[0]
        super().__init__("invalid", first.zh, first.en, HTTPStatus.UNPROCESSABLE_ENTITY, first.field or "document")
        self.faults = tuple(faults)

    @property
    def more(self) -> dict[str, Any]:
        return {**super().more, "faults": msgspec.to_builtins(self.faults)}


class Checker:
    """Collects faults, at most ``MOST_FAULTS`` and a last one that there are more; ``under`` goes on below a field."""

    def __init__(self, field: str = "", faults: list[Fault] | None = None) -> None:
        self._field = field
        self.faults: list[Fault] = [] if faults is None else faults

    def under(self, step: str | int) -> "Checker":
        """Of ``when`` and ``all`` comes ``when.all``, of a place in a list ``when.all[1]``."""
        return Checker(_joined(self._field, step), self.faults)

    def say(self, zh: str, en: str) -> None:
        if len(self.faults) < MOST_FAULTS:
            self.faults.append(Fault(self._field[:_LONGEST], zh[:_LONGEST], en[:_LONGEST]))
        elif len(self.faults) == MOST_FAULTS:
            self.faults.append(Fault("", "还有其他问题，请先改正以上各项", "there is more: mend these first"))

    def between(self, value: float, least: int, most: int) -> None:
        """A number within bounds, both included."""
        if not least <= value <= most:
            self.say(f"应在 {least} 到 {most} 之间，现为 {value}", f"must be between {least} and {most}, not {value}")

    def some(self, values: Sized, most: int = 100) -> bool:
        """At least one entry, and so few that each is worth a look."""
        if not values:
            self.say("不能为空，至少写一项", "must not be empty: give at least one")
        return self.few(values, most)

    def few(self, values: Sized, most: int) -> bool:
        """At most so many entries."""
        if len(values) > most:
            self.say(f"最多 {most} 个，现有 {len(values)} 个", f"holds {len(values)}, at most {most}")
        return len(values) <= most

    def distinct(self, values: Sequence[Hashable]) -> None:
        """No entry twice."""
        seen = set[Hashable]()
        for n, value in enumerate(values):
            if value in seen:
                self.under(n).say(f"{value} 重复", f"{value} is there twice")
            seen.add(value)

    def called(self, name: str, most: int, zh: str, en: str) -> None:
        """A name that people read in one line, in the language ``zh`` and ``en`` name."""
        if not name.strip():
            self.say(f"请写{zh}名称", f"give it {en} name")
        elif len(name) > most:
            self.say(
                f"最多 {most} 字，现有 {len(name)} 字，请缩短",
                f"has {len(name)} characters, at most {most}: shorten it",
            )
        elif "\n" in name or "\t" in name:
            self.say("名称只有一行，请去掉换行和制表符", "is one line: take line ends and tabs out")


def unseen(document: dict[str, Any]) -> list[Fault]:
    """Where a document holds what is no text to a reader: in a name of a field or in a value."""
    checker = Checker()
    _unseen(checker, document)
    return checker.faults


def _unseen(checker: Checker, part: dict[str, Any] | Sequence[Any]) -> None:
    for place, value in part.items() if isinstance(part, dict) else enumerate(part):
        if isinstance(place, str) and _UNSEEN.search(place):
            checker.under(_UNSEEN.sub("?", place)).say(
                "名称里有不可见的控制字符，请删去", "has a control character in its name: remove it"
            )
        if isinstance(value, str):
            if _UNSEEN.search(value):
                checker.under(place).say(
                    "有不可见的控制字符，请删去", "holds a control character nobody sees: remove it"
                )
        elif isinstance(value, dict | list | tuple):
            _unseen(checker.under(place), value)


def faults_of(error: msgspec.ValidationError) -> list[Fault]:
    """What msgspec found, in words."""
    text = str(error)
    found = _AT.search(text)
    field = "" if found is None else found["path"].replace("[...]", "")
    worded = _worded(text if found is None else text[: found.start()], field)
    return [Fault(*(each[:_LONGEST] for each in worded))]


def _worded(text: str, field: str) -> tuple[str, str, str]:
    quoted = re.findall(r"[`'](.*?)[`']", text)
    if text.startswith("Object missing required field"):
        return _joined(field, quoted[0]), "缺少此项，请补上", "is missing: add it"
    if text.startswith("Object contains unknown field"):
        return (
            _joined(field, quoted[0]),
            "没有这一项，请删去或改正名称",
            "is no field of it: remove it or correct its name",
        )
    if text.startswith(("Invalid enum value", "Invalid value")):
        value = text.partition("value ")[2].strip("'\"")
        return (
            field,
            f"不认识的值 {value}，请改用文档中列出的值",
            f"{value} is not known here: use one of the documented values",
        )
    if text.startswith("Expected") and "matching regex" in text:
        return field, f"格式应为 {quoted[-1]}", f"must match {quoted[-1]}"
    if text.endswith("with no timezone component"):
        return field, "应为当地时刻 21:00:00，不带时区", "must be a local time such as 21:00:00, without an offset"
    if (invalid := text.removeprefix("Invalid RFC3339 encoded ")) != text and invalid in _KINDS:
        zh, en = _KINDS[invalid]
        return field, f"应为{zh}", f"must be {en}"
    if text.startswith("Expected") and ", got " in text:
        want, got = (_kinds(part) for part in text.removeprefix("Expected ").split(", got ", 1))
        return field, f"应为{want[0]}，现为{got[0]}", f"must be {want[1]}, not {got[1]}"
    if text.startswith("Expected"):
        limit = text.removeprefix("Expected ").replace("`", "")
        return field, f"应为 {limit}", f"must be {limit}"
    return field, f"有误：{text}", f"is not as it should be: {text}"


def _kinds(text: str) -> tuple[str, str]:
    names = [name for name in text.strip("`").split(" | ") if name != "null"] or ["null"]
    words = [_KINDS.get(name, (name, name)) for name in names]
    return "或".join(zh for zh, _ in words), " or ".join(en for _, en in words)


def _joined(field: str, step: str | int) -> str:
    if isinstance(step, int):
        return f"{field}[{step}]"
    return f"{field}.{step}" if field else step
