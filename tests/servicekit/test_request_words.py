"""What is wrong with a request is said in both languages, whatever pydantic found."""

from datetime import date, datetime
from typing import Annotated, Any, Literal

import pytest
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from servicekit.request_words import reason


def _even(value: int) -> int:
    if value % 2:
        raise ValueError("应为偶数 / must be even")
    return value


class Asked(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=False)
    why: Annotated[str, Field(min_length=1, max_length=5)]
    many: Annotated[list[int], Field(max_length=2)] = []
    number: Annotated[int, Field(ge=1, lt=10)] = 1
    even: Annotated[int, AfterValidator(_even)] = 2
    share: float = 0.5
    on: date | None = None
    at: datetime | None = None
    shadow: bool = False
    which: Literal["a", "b"] = "a"
    period: Annotated[str, Field(pattern="^[0-9]{6}$")] = "202601"
    more: dict[str, int] = {}


@pytest.mark.parametrize(
    ("asked", "zh", "en"),
    [
        ({}, "缺少此项，请补上", "is missing: add it"),
        ({"why": ""}, "不能为空", "must not be empty"),
        ({"why": "123456"}, "最多 5 个字符", "holds at most 5 characters"),
        ({"why": 5}, "应为文本", "must be text"),
        ({"why": "x", "y": 1}, "没有这一项，请删去或改正名称", "is no field of it: remove it or correct its name"),
        ({"why": "x", "many": [1, 2, 3]}, "长度最多 2", "must be at most 2 long"),
        ({"why": "x", "many": 1}, "应为列表", "must be a list"),
        ({"why": "x", "number": 0}, "不能小于 1", "must be at least 1"),
        ({"why": "x", "number": 10}, "应小于 10", "must be less than 10"),
        ({"why": "x", "number": "many"}, "应为整数", "must be a whole number"),
        ({"why": "x", "number": 1.5}, "应为整数", "must be a whole number"),
        ({"why": "x", "even": 3}, "应为偶数", "must be even"),
        ({"why": "x", "share": "much"}, "应为数字", "must be a number"),
        ({"why": "x", "on": "20260630x"}, "应为日期，如 2026-06-30", "must be a date such as 2026-06-30"),
        ({"why": "x", "shadow": "maybe"}, "应为 true 或 false", "must be true or false"),
        ({"why": "x", "which": "c"}, "应为其中之一：'a'、'b'", "must be one of 'a' or 'b'"),
        ({"why": "x", "period": "2026"}, "格式应为 ^[0-9]{6}$", "must match ^[0-9]{6}$"),
        ({"why": "x", "more": []}, "应为对象", "must be an object"),
    ],
)
def test_each_in_words(asked: dict[str, Any], zh: str, en: str) -> None:
    with pytest.raises(ValidationError) as found:
        Asked.model_validate(asked)
    assert reason(found.value.errors()[0]) == (zh, en)


def test_what_has_no_words_of_ours_is_told_as_it_is() -> None:
    assert reason({"type": "a_new_one", "msg": "It is odd"}) == ("It is odd", "It is odd")
    assert reason({"type": "datetime_parsing", "msg": "x"})[1].startswith("must be an instant")
