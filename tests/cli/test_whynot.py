"""`kam whynot`: each rule with its conditions, in words of both languages."""

from __future__ import annotations

from typing import Any

from cli.conftest import FakeInstance, Kam

ANSWER: dict[str, Any] = {
    "customer_id": "c1",
    "rule": "silent",
    "version": 2,
    "kind": "churn_warning",
    "period": "202606",
    "result": "excluded",
    "alert_id": None,
    "conditions": [
        {
            "text_zh": "活跃天数 ≤ 3 天",
            "text_en": "active days ≤ 3",
            "value": 9,
            "limit": 3,
            "met": False,
            "unit": "days",
        },
        {
            "text_zh": "账户余额 < ¥10.00",
            "text_en": "balance < ¥10.00",
            "value": 1234,
            "limit": 1000,
            "met": False,
            "unit": "fen",
        },
        {"text_zh": "套餐已知", "text_en": "plan: known", "value": None, "limit": None, "met": None, "unit": "none"},
        {
            "text_zh": "因欠费停机：是",
            "text_en": "suspended: yes",
            "value": True,
            "limit": True,
            "met": True,
            "unit": "none",
        },
        {
            "text_zh": "有未结的投诉",
            "text_en": "a complaint is open",
            "value": None,
            "limit": None,
            "met": False,
            "unit": "none",
        },
    ],
    "exclusions": [{"code": "left", "zh": "客户已离网", "en": "the customer has left the network"}],
}


def test_each_condition_is_told(fake: FakeInstance, kam: Kam) -> None:
    fake.routes["GET /v1/customers/c1/whynot"] = (200, [ANSWER])
    assert kam("whynot", "c1", "silent", "--period", "202606", "--json").json == [ANSWER]
    assert fake.requests[-1].query == {"rule": "silent", "period": "202606"}
    assert kam("whynot", "c1").out.splitlines() == [
        "silent v2 · 202606 · 被排除 excluded",
        "  ✕ 客户已离网 / the customer has left the network",
        "  ✕ 活跃天数 ≤ 3 天 / active days ≤ 3：9",
        "  ✕ 账户余额 < ¥10.00 / balance < ¥10.00：¥12.34",
        "  ? 套餐已知 / plan: known：未知 unknown",
        "  ✓ 因欠费停机：是 / suspended: yes：是 yes",
        "  ✕ 有未结的投诉 / a complaint is open：–",
    ]
    assert fake.requests[-1].query == {}


def test_the_line_of_a_figure_that_moves_and_what_is_met_without_an_alert(fake: FakeInstance, kam: Kam) -> None:
    falls = {
        "text_zh": "账单金额较前 3 个月均值下降 30% 或更多",
        "text_en": "bill 30 % or more below the mean of 3 months before",
        "value": 6900, "limit": 7000, "met": True, "unit": "fen",
    }  # fmt: skip
    met = {**ANSWER, "result": "met", "exclusions": [], "conditions": [falls]}
    fake.routes["GET /v1/customers/c1/whynot"] = (200, [met])
    _, hint, line = kam("whynot", "c1").out.splitlines()
    assert "满足而没有预警" in hint and "met without an alert" in hint
    assert line.endswith("：¥69.00（界限 limit ¥70.00）")
    fake.routes["GET /v1/customers/c1/whynot"] = (200, [{**met, "alert_id": "a-1"}])
    assert len(kam("whynot", "c1").out.splitlines()) == 2


def test_a_month_that_is_none_is_misuse(fake: FakeInstance, kam: Kam) -> None:
    done = kam("whynot", "c1", "--period", "202613", "--json")
    assert done.status == 2 and "202601" in done.json["zh"] and not fake.requests


def test_a_rule_that_is_not_in_force_is_said(fake: FakeInstance, kam: Kam) -> None:
    fake.routes["GET /v1/customers/c1/whynot"] = (
        404,
        {"error": "not_in_force", "zh": "没有启用中的规则 x", "en": "no rule x is in force"},
    )
    done = kam("whynot", "c1", "x", "--json")
    assert done.status != 0 and done.json["en"] == "no rule x is in force"
