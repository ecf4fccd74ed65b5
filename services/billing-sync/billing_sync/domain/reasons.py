"""Why something was rejected, for the people who have to mend it: what, where and how; Chinese first, then English."""

from typing import Any

import msgspec

_encode = msgspec.json.Encoder().encode
_SHOWN = 60
# Fields whose values never stand in a reason: reasons travel in receipts and dead letters.
PERSONAL = frozenset({"name", "phone", "id_number", "birth_date", "text", "detail"})
_TYPES = {bool: "布尔值 boolean", int: "整数 integer", float: "小数 decimal", str: "文本 text", dict: "对象 object"}


class Bad(ValueError):
    """A field that can't be taken: its name (None: the whole record), the value as text, and both reasons."""

    def __init__(self, field: str | None, zh: str, en: str, value: str = "") -> None:
        super().__init__(f"{zh} / {en}")
        self.field, self.zh, self.en, self.value = field, zh, en, value


def shown(value: Any, field: str = "") -> str:
    """A value as it may stand in a reason: JSON, shortened; of personal data only its type."""
    if field in PERSONAL:
        return kind_of(value)
    text = _encode(value).decode()
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"


def kind_of(value: Any) -> str:
    """What a value is, where it may hold anything: its type only."""
    return "null" if value is None else _TYPES.get(type(value), "列表 list")


def missing(field: str) -> Bad:
    return Bad(
        field,
        f"缺少必填项 {field}；请补上后重发",
        f"required {field} is missing; add it and send again",
    )


def unknown(field: str) -> Bad:
    return Bad(
        field if len(field) <= _SHOWN else field[:_SHOWN] + "…",
        f"未知字段 {shown(field)}；请删去或改用约定的字段名",
        f"unknown field {shown(field)}; remove it or use the agreed name",
    )


def wrong(field: str, want_zh: str, want_en: str, got: str, value: str = "") -> Bad:
    return Bad(field, f"{field} 应为{want_zh}，收到 {got}", f"{field} must be {want_en}, got {got}", value)


def future(field: str, value: str, than_zh: str, than_en: str) -> Bad:
    said = field if field in PERSONAL else f"{field} {value}"
    return Bad(
        field,
        f"{said} 比{than_zh}晚一天以上；请核对日期后重发",
        f"{said} is more than a day after {than_en}; check the date and send again",
        value,
    )
