"""What is wrong with a request, as pydantic found it, in words of both languages. Pure; says nothing that was sent."""

from collections.abc import Mapping
from typing import Any

from servicekit.words import Text

_WHOLE, _NUMBER = ("应为整数", "must be a whole number"), ("应为数字", "must be a number")
_TEXT, _LIST = ("应为文本", "must be text"), ("应为列表", "must be a list")
_BOOL = ("应为 true 或 false", "must be true or false")
_DATE = ("应为日期，如 2026-06-30", "must be a date such as 2026-06-30")
_INSTANT = ("应为带时区的时刻，如 2026-06-30T10:00:00+08:00", "must be an instant such as 2026-06-30T10:00:00+08:00")
_OBJECT = ("应为对象", "must be an object")
#: by the beginning of pydantic's name of the error
_KINDS: Mapping[str, Text] = {
    "missing": ("缺少此项，请补上", "is missing: add it"),
    "extra_forbidden": ("没有这一项，请删去或改正名称", "is no field of it: remove it or correct its name"),
    "json_invalid": ("不是正确的 JSON", "this is not JSON"),
    "int_": _WHOLE,
    "float_": _NUMBER,
    "finite_number": _NUMBER,
    "string_type": _TEXT,
    "string_unicode": _TEXT,
    "bool_": _BOOL,
    "list_type": _LIST,
    "tuple_type": _LIST,
    "set_type": _LIST,
    "dict_type": _OBJECT,
    "model_type": _OBJECT,
    "model_attributes_type": _OBJECT,
    "date_": _DATE,
    "datetime_": _INSTANT,
    "timezone_": _INSTANT,
}
#: by pydantic's name, with the values that it says
_BOUNDS: Mapping[str, Text] = {
    "string_pattern_mismatch": ("格式应为 {pattern}", "must match {pattern}"),
    "too_short": ("长度至少 {min_length}", "must be at least {min_length} long"),
    "too_long": ("长度最多 {max_length}", "must be at most {max_length} long"),
    "string_too_short": ("至少 {min_length} 个字符", "needs at least {min_length} characters"),
    "string_too_long": ("最多 {max_length} 个字符", "holds at most {max_length} characters"),
    "greater_than": ("应大于 {gt}", "must be greater than {gt}"),
    "greater_than_equal": ("不能小于 {ge}", "must be at least {ge}"),
    "less_than": ("应小于 {lt}", "must be less than {lt}"),
    "less_than_equal": ("不能大于 {le}", "must be at most {le}"),
    "literal_error": ("应为其中之一：{expected}", "must be one of {expected}"),
    "enum": ("应为其中之一：{expected}", "must be one of {expected}"),
}
_EMPTY = ("不能为空", "must not be empty")


def reason(error: Mapping[str, Any]) -> Text:
    """Of one of ``ValidationError.errors()``. A validator of ours says ``zh / en``."""
    type_, told = str(error["type"]), error.get("ctx", {})
    if type_.endswith("too_short") and told.get("min_length") == 1:
        return _EMPTY
    if type_ in _BOUNDS:
        zh, en = _BOUNDS[type_]
        listed = {name: str(value).replace(", ", "、").replace(" or ", "、") for name, value in told.items()}
        return zh.format_map(listed if "expected" in told else told), en.format_map(told)
    for name, said in _KINDS.items():
        if type_.startswith(name):
            return said
    zh, _, en = str(error["msg"]).removeprefix("Value error, ").partition(" / ")
    return zh, en or zh
