"""Differences of two versions are sentences."""

from time import perf_counter
from typing import Any

import pytest

from alerts.rulebook import RULE
from servicekit.documents.difference import sentences

BASE: dict[str, Any] = {
    "percent": 70,
    "name_zh": "旧",
    "metrics": [{"record": "BILL", "code": "a"}, {"record": "USAGE", "code": "b"}],
    "statuses": ["active"],
    "excluded_plan_codes": [],
    "severity": {"opened": "minor"},
    "steps": [90, 30],
}


@pytest.mark.parametrize(
    ("changes", "field", "zh", "en"),
    [
        ({"percent": 65}, "percent", "百分比由 70 改为 65", "percent: 70 → 65"),
        ({"name_zh": ""}, "name_zh", "中文名称由 旧 改为 无", "Chinese name: 旧 → nothing"),
        (
            {"excluded_plan_codes": ["F1", "F2"]},
            "excluded_plan_codes",
            "排除套餐加了 F1、F2",
            "excluded plans: added F1, F2",
        ),
        ({"statuses": []}, "statuses", "适用状态去了 active", "statuses: removed active"),
        (
            {"severity": {"opened": "major"}},
            "severity.opened",
            "级别 · opened由 minor 改为 major",
            "severity · opened: minor → major",
        ),
        (
            {"metrics": [{"record": "BILL", "code": "a"}, {"record": "USAGE", "code": "c"}]},
            "metrics[1].code",
            "指标第 2 项 · 原因代码由 b 改为 c",
            "figures no. 2 · code of the reason: b → c",
        ),
        (
            {"metrics": [{"record": "BILL", "code": "a"}]},
            "metrics",
            "指标去了 （USAGE，b）",
            "figures: removed (USAGE, b)",
        ),
        ({"steps": [30, 90]}, "steps", "提前天数顺序改为 30、90", "days ahead: now in the order 30, 90"),
        (
            {"steps": [90, 30, *range(7)]},
            "steps",
            "提前天数加了 0、1、2、3、4 等 7 个",
            "days ahead: added 0, 1, 2, 3, 4 and 2 more",
        ),
        ({"new": True}, "new", "new由 无 改为 是", "new: nothing → yes"),
    ],
)
def test_one_change_is_one_sentence(changes: dict[str, Any], field: str, zh: str, en: str) -> None:
    (sentence,) = sentences(RULE, BASE, {**BASE, **changes})
    assert (sentence.field, sentence.zh, sentence.en) == (field, zh, en)


def test_nothing_has_changed() -> None:
    assert sentences(RULE, BASE, dict(BASE)) == []


def test_lists_that_lose_and_gain_say_both() -> None:
    found = sentences(RULE, BASE, {**BASE, "steps": [90, 7]})
    assert [sentence.en for sentence in found] == ["days ahead: added 7", "days ahead: removed 30"]


def test_one_of_two_that_are_the_same_is_removed() -> None:
    (sentence,) = sentences(RULE, {"statuses": ["a", "a"]}, {"statuses": ["a"]})
    assert sentence.en == "statuses: removed a"


def test_long_lists_are_compared_in_no_time() -> None:
    listed = [f"{n:011d}" for n in range(20_000)]
    began = perf_counter()
    (came, went) = sentences(
        RULE, {"excluded_customers": listed}, {"excluded_customers": [*listed[10_000:], *"abcdef"]}
    )
    assert perf_counter() - began < 1.0, "it was 19 s when each item was looked for in the other list"
    assert came.en == "excluded customers: added a, b, c, d, e and 1 more"
    assert went.en.endswith("00000000004 and 9995 more")
