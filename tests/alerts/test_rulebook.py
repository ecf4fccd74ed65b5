"""What is wrong with a rule is said with its place and the remedy, in both languages; nothing of it is kept."""

from time import perf_counter
from typing import Any

import msgspec
import pytest

from alerts.notifications.send_policy import SmsPolicy, seeds
from alerts.rulebook import RULE, STAGES, STEPS
from alerts.rules import load
from servicekit.documents.fault import Faulty

SEEDS: dict[str, dict[str, Any]] = {
    d.id: {k: v for k, v in msgspec.to_builtins(d).items() if k != "version"} for d in load().documents
}
OTHERS = list(SEEDS.values())
STAGE = {"after_days": 1, "stage": "reminder"}
COMPLAINT = SEEDS["complaint-opened"]["severity"]
UPSIDE_DOWN = {
    "stages": [{"after_days": 1, "stage": "suspension_proposed"}, {"after_days": 30, "stage": "reminder"}],
    "severity": {"opened": "minor", "reminder": "minor", "suspension_proposed": "major", "suspended": "major"},
}


def metrics(record: str = "BILL", figure: str = "amount_fen", code: str = "x", times: int = 1) -> dict[str, Any]:
    return {"metrics": [{"record": record, "figure": figure, "code": code}] * times}


@pytest.mark.parametrize("id", SEEDS)
def test_the_seeds_are_good(id: str) -> None:
    assert RULE.checked(SEEDS[id], OTHERS) == SEEDS[id]
    assert RULE.checked({**SEEDS[id], "version": 7}, OTHERS) == SEEDS[id], "as `kam rule show` gives it"


@pytest.mark.parametrize(
    ("id", "changes", "field", "zh", "en"),
    [
        ("drop-30", {"percent": 100}, "percent", "应在 1 到 99", "between 1 and 99"),  # matches nearly everyone
        ("drop-30", {"percent": 0}, "percent", "现为 0", "not 0"),
        ("drop-30", {"percent": "70"}, "percent", "应为整数，现为文本", "whole number, not text"),
        ("drop-30", {"months": 0}, "months", "1 到 12", "between 1 and 12"),  # divides by nothing
        ("drop-30", {"months": 13}, "months", "1 到 12", "between 1 and 12"),
        ("drop-30", {"metrics": []}, "metrics", "不能为空", "must not be empty"),
        ("drop-30", metrics(figure="sms_fen"), "metrics[0].figure", "sms_fen", "sms_fen is not known"),
        ("drop-30", metrics("PAY"), "metrics[0].record", "PAY", "PAY is not known"),
        ("drop-30", metrics(code="stop_request"), "metrics[0].code", "stop-request", "a reason of stop-request"),
        ("drop-30", metrics(times=2), "metrics[1]", "重复", "twice"),
        ("drop-30", {"statuses": ["activ"]}, "statuses[0]", "active、", "one of active,"),
        ("drop-30", {"statuses": []}, "statuses", "不能为空", "empty"),
        ("drop-30", {"excluded_customers": ["1"] * 20_001}, "excluded_customers", "20000", "at most 20000"),
        ("drop-30", {"severity": "grave"}, "severity", "grave", "grave is not known"),
        ("drop-30", {"name_en": " "}, "name_en", "英文", "English"),
        ("stop-request", {"id": "figures", "request": "suspend", "code": "x"}, "id", "请换一个", "another id"),
        ("drop-30", {"type": "poem"}, "type", "poem", "poem is not known"),
        ("drop-30", {"percents": 5}, "percents", "没有这一项", "no field"),
        ("drop-40", {"id": "drop-40", "base": "drop-30"}, "id", "请改 drop-30", "change drop-30"),
        ("stop-request", {"request": "port_query"}, "request", "port-query", "port-query asks about these"),
        ("stop-request", {"code": "bill_fall"}, "code", "drop-30", "a reason of drop-30"),
        ("stop-request", {"late_after_days": -1}, "late_after_days", "0 到", "between 0"),
        ("arrears", {"stages": []}, "stages", "不能为空", "empty"),
        ("arrears", {"stages": [STAGE, {**STAGE, "stage": "z"}]}, "stages[1].after_days", "应晚于", "later than 1"),
        ("arrears", {"stages": [STAGE, {**STAGE, "after_days": 5}]}, "stages[1].stage", "之后", "above reminder"),
        ("arrears", {"stages": [{**STAGE, "stage": "plea"}]}, "stages[0].stage", "不认识 plea", "not known"),
        ("arrears", {"severity": {}}, "severity.opened", "缺少级别", "needs a severity"),
        ("complaint-opened", {"due_hours": {"urban": 0}}, "due_hours.urban", "1 到", "between 1"),
        ("complaint-opened", {"due_hours": {"moon": 5}}, "due_hours.moon", "不认识", "not known"),
        ("complaint-opened", {"due_soon_percent": 100}, "due_soon_percent", "1 到 99", "between 1 and 99"),
        ("contract-expiring", {"steps": [30, 60]}, "steps[1]", "应小于", "below 30"),
        ("contract-expiring", {"steps": []}, "steps", "不能为空", "empty"),
        ("contract-expiring", {"steps": [45, 30]}, "steps[0]", "可用 90、60", "45 is not known: take one of 90, 60"),
        ("contract-expiring", {"severity": {"90": "minor"}}, "severity.60", "缺少级别", "needs a severity"),
        ("contract-expiring", {"steps": [90, 30]}, "severity.60", "没有这一级", "none of its stages (90, 30)"),
        ("complaint-opened", {"due_hours": {f"a{n}": 1 for n in range(21)}}, "due_hours", "最多 20 个", "at most 20"),
        ("complaint-opened", {"severity": {**COMPLAINT, "overdu": "minor"}}, "severity.overdu", "删去", "remove it"),
        ("complaint-opened", {"severity": {**COMPLAINT, "x\0": "minor"}}, "severity.x?", "控制字符", "control"),
        ("arrears", {"first_stage": "final_notice"}, "stages[0].stage", "之后", "must come above final_notice"),
        ("arrears", {"suspended_stage": "plea"}, "suspended_stage", "不认识", "plea is not known"),
        ("arrears", UPSIDE_DOWN, "stages[1].stage", "reminder、second_reminder", "above suspension_proposed: stages"),
        ("arrears", {"stages": [STAGE] * 21}, "stages", "最多 20 个", "at most 20"),
        ("drop-30", {"statuses": [""] * 80_000}, "statuses", "最多 20 个", "holds 80000, at most 20"),
        ("stop-request", {"code": "stop\n"}, "code", "格式应为", "must match"),
        ("stop-request", {"name_zh": "x" * 201}, "name_zh", "最多 200 字", "has 201 characters, at most 200"),
        ("stop-request", {"name_en": "a\nb"}, "name_en", "只有一行", "one line"),
        ("stop-request", {"name_en": "\x1b[2J"}, "name_en", "控制字符", "control character"),
        ("stop-request", {"name_en": "\u202ex"}, "name_en", "控制字符", "control character"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(id: str, changes: dict[str, Any], field: str, zh: str, en: str) -> None:
    changes = dict(changes)
    base = SEEDS[changes.pop("base", id)]
    with pytest.raises(Faulty) as refused:
        RULE.checked({**base, **changes}, OTHERS)
    first = refused.value.faults[0]
    assert (first.field, refused.value.field) == (field, field) and zh in first.zh and en in first.en


def test_a_rule_does_not_become_something_else() -> None:
    with pytest.raises(Faulty) as refused:
        RULE.checked({**SEEDS["stop-request"], "id": "drop-30", "code": "x"}, [SEEDS["drop-30"]])
    assert refused.value.field == "type" and "stays so" in refused.value.en


def test_all_that_is_wrong_is_told_at_once() -> None:
    with pytest.raises(Faulty) as refused:
        RULE.checked({**SEEDS["drop-30"], "percent": 0, "months": 99, "statuses": []}, OTHERS)
    assert [fault.field for fault in refused.value.faults] == ["percent", "months", "statuses"]


def test_a_new_rule_about_another_request_is_good() -> None:
    asked = {**SEEDS["stop-request"], "id": "suspend-request", "request": "suspend", "code": "suspend_request"}
    assert RULE.checked(asked, OTHERS)["request"] == "suspend"


def test_stages_and_steps_are_those_of_the_ladders_of_sms() -> None:
    ladders = seeds("sms_policy.yaml", SmsPolicy)[-1].ladders
    assert tuple(ladders["arrears"]) == STAGES
    assert tuple(ladders["contract_expiring"]) == tuple(str(step) for step in STEPS)


def test_ladders_may_leave_stages_out() -> None:
    stages = {"stages": [{"after_days": 5, "stage": "reminder"}, {"after_days": 40, "stage": "final_notice"}]}
    names = {"opened", "reminder", "final_notice", "suspended"}
    severity = {name: value for name, value in SEEDS["arrears"]["severity"].items() if name in names}
    kept = RULE.checked({**SEEDS["arrears"], **stages, "severity": severity}, OTHERS)
    assert list(kept["stages"]) == stages["stages"]


def test_a_document_is_weighed_before_it_is_looked_at() -> None:
    item = metrics()["metrics"][0]
    began = perf_counter()
    with pytest.raises(Faulty) as refused:
        RULE.checked({**SEEDS["drop-30"], "metrics": [item] * 15_000}, OTHERS)
    assert [fault.en for fault in refused.value.faults] == ["is over 256 KiB: make it smaller"]
    assert perf_counter() - began < 1.0, "it was 8 s"


def test_a_request_is_free_where_no_rule_in_force_asks_for_it() -> None:
    asked = {**SEEDS["stop-request"], "id": "zz-stop", "code": "zz_stop"}
    waiting = {**SEEDS["stop-request"], "request": "resume"}
    with pytest.raises(Faulty, match="stop-request asks about these"):
        RULE.checked(asked, [*OTHERS, waiting])
    assert RULE.checked(asked, [other for other in OTHERS if other["id"] != "stop-request"])


CONDITION: dict[str, Any] = {
    "type": "condition",
    "id": "silent",
    "alert": "attention",
    "name_zh": "近乎静默",
    "name_en": "Nearly silent",
    "severity": "major",
    "on": ["USAGE"],
    "when": {"not": {"figure": "usage.active_days", "op": ">", "value": 3}},
}


def test_a_condition_is_kept_as_it_was_written() -> None:
    assert RULE.checked({**CONDITION, "version": 3}, OTHERS) == {
        **CONDITION,
        "on": ("USAGE",),
        "late_after_days": 60,
        **dict.fromkeys(("exclude_lists", "only_lists", "vip_lists"), ()),
    }
    assert RULE.shows(CONDITION) == {"alert": "attention"}


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"when": {"figure": "usage.days", "op": ">", "value": "3"}, "on": []}, ["on"]),
        (
            {"when": {"any": [{"figure": "days", "op": "known"}, {"figure": "customer.city", "op": "=", "value": 1}]}},
            ["when.any[0].figure", "when.any[1].value"],
        ),
        ({"id": "bill_fall"}, ["id"]),
        ({"id": "drop-30"}, ["type"]),
    ],
)
def test_everything_that_is_wrong_with_a_condition_is_told(changes: dict[str, Any], fields: list[str]) -> None:
    with pytest.raises(Faulty) as refused:
        RULE.checked({**CONDITION, **changes}, OTHERS)
    assert [fault.field for fault in refused.value.faults] == fields


def test_a_reason_is_known_by_its_code_alone() -> None:
    with pytest.raises(Faulty) as refused:
        RULE.checked({**SEEDS["stop-request"], "code": "silent"}, [*OTHERS, CONDITION])
    assert refused.value.field == "code"
