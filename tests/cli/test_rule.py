"""`kam rule`: what it asks, and how it says what is wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cli.conftest import FakeInstance, Kam, Reply, Request

RULE: dict[str, Any] = {
    "id": "drop-30",
    "version": 1,
    "state": "active",
    "type": "fall",
    "alert": "churn_warning",
    "name_zh": "下降三成",
    "author": "kam",
    "why": "as delivered",
    "created_at": "2026-07-01T00:00:00+00:00",
    "active_from": None,
    "tried": None,
    "document": {"type": "fall", "id": "drop-30", "percent": 70},
}
DRAFT = {**RULE, "version": 2, "state": "draft", "active_from": None}
WRONG = {
    "error": "invalid",
    "zh": "应在 1 到 99 之间",
    "en": "must be between 1 and 99",
    "field": "percent",
    "faults": [
        {"field": "percent", "zh": "应在 1 到 99 之间", "en": "must be between 1 and 99"},
        {"field": "months", "zh": "应在 1 到 12 之间", "en": "must be between 1 and 12"},
    ],
}


_NONE = {"raised": 0, "open": 0, "closed": {}, "false_alarms": 0, "share": None}
FIGURES: dict[str, Any] = {
    "rule": "drop-30",
    "versions": [
        {"version": 2, **_NONE, "shadow": {**_NONE, "raised": 7, "open": 2}},
        {"version": 1, "raised": 9, "open": 3, "closed": {"false_alarm": 1, "retained": 3, "withdrawn": 2},
         "false_alarms": 1, "share": 0.25, "shadow": _NONE},
    ],
}  # fmt: skip


@pytest.fixture
def rules(fake: FakeInstance) -> FakeInstance:
    fake.routes |= {
        "GET /v1/rules": (200, [RULE, DRAFT]),
        "GET /v1/rules/drop-30": (200, RULE),
        "PUT /v1/rules/drop-30": (200, DRAFT),
        "PUT /v1/rules/new": (200, {**DRAFT, "id": "new", "version": 1}),
        "POST /v1/rules/drop-30/versions/2/activate": (200, {**DRAFT, "state": "active"}),
        "POST /v1/rules/drop-30/rollback": (200, {**DRAFT, "version": 3, "state": "active"}),
        "GET /v1/rules/drop-30/figures": (200, FIGURES),
        "POST /v1/rules/drop-30/stop": (200, {**RULE, "state": "stopped"}),
    }
    return fake


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "rule.yaml"
    path.write_text("id: drop-30\ntype: fall\npercent: 60\nsince: 2026-06-30\n")
    return path


def test_lists_and_shows(rules: FakeInstance, kam: Kam) -> None:
    assert kam("rule", "list", "--json").json == [RULE, DRAFT]
    said = kam("rule", "list").out
    assert "启用中 active" in said and "草稿 draft" in said and "下降三成" in said
    assert kam("rule", "show", "drop-30", "--version", 1, "--json").json == RULE
    assert rules.requests[-1].query == {"version": "1"}
    assert kam("rule", "show", "drop-30").out.endswith("version: 1\ntype: fall\nid: drop-30\npercent: 70\n")


def test_a_reason_of_several_lines_stays_a_comment(rules: FakeInstance, kam: Kam, tmp_path: Path) -> None:
    rules.routes["GET /v1/rules/drop-30"] = (200, {**RULE, "why": "误报偏多\nid: another\r\npercent: 1"})
    shown = tmp_path / "shown.yaml"
    shown.write_text(kam("rule", "show", "drop-30").out)
    assert kam("rule", "save", shown, "--why", "x").status == 0
    assert rules.asked("PUT /v1/rules/drop-30")[0].body["document"] == RULE["document"]


def test_differences_are_sentences(rules: FakeInstance, kam: Kam) -> None:
    sentence = {"field": "percent", "zh": "百分比由 70 改为 60", "en": "percent: 70 → 60"}
    rules.routes["GET /v1/rules/drop-30/difference"] = (200, [sentence])
    assert kam("rule", "diff", "drop-30", 1, 2, "--json").json == [sentence]
    assert rules.requests[-1].query == {"before": "1", "after": "2"}
    assert "百分比由 70 改为 60 / percent: 70 → 60" in kam("rule", "diff", "drop-30", 1, 2).out
    rules.routes["GET /v1/rules/drop-30/difference"] = (200, [])
    assert "nothing has changed" in kam("rule", "diff", "drop-30", 1, 1).out


def test_a_file_is_saved_as_the_next_version_of_what_there_is(rules: FakeInstance, kam: Kam, file: Path) -> None:
    done = kam("rule", "save", file, "--why", "误报偏多", "--json")
    assert (done.status, done.json) == (0, DRAFT)
    (asked,) = rules.asked("PUT /v1/rules/drop-30")
    assert asked.body == {
        "document": {"id": "drop-30", "type": "fall", "percent": 60, "since": "2026-06-30"}, "why": "误报偏多"
    }  # fmt: skip
    assert asked.headers["If-Match"] == '"1"'
    assert "drop-30 v2：草稿 draft" in kam("rule", "save", file, "--why", "x").out


def test_the_version_in_a_file_is_what_it_was_made_from(rules: FakeInstance, kam: Kam, file: Path) -> None:
    file.write_text("id: drop-30\nversion: 7\n")
    kam("rule", "save", file, "--why", "x")
    (asked,) = rules.asked("PUT /v1/rules/drop-30")
    assert asked.headers["If-Match"] == '"7"' and asked.body["document"] == {"id": "drop-30"}


def test_what_show_prints_is_saved_as_made_from_that_version(rules: FakeInstance, kam: Kam, tmp_path: Path) -> None:
    """Show, edit, save is the guide's road: who is slower must hear of it."""
    shown = tmp_path / "shown.yaml"
    shown.write_text(kam("rule", "show", "drop-30").out)
    rules.routes["GET /v1/rules/drop-30"] = (200, DRAFT)  # somebody has saved meanwhile
    done = kam("rule", "save", shown, "--why", "x")
    (asked,) = rules.asked("PUT /v1/rules/drop-30")
    assert asked.headers["If-Match"] == '"1"' and asked.body["document"] == RULE["document"]
    assert "no version" not in done.err


def test_a_file_without_version_says_what_it_is_taken_for(rules: FakeInstance, kam: Kam, file: Path) -> None:
    done = kam("rule", "save", file, "--why", "x", "--json")
    assert "made from v1 by kam" in done.err and "第 1 版（kam）" in done.err and done.json == DRAFT


@pytest.mark.parametrize(
    ("content", "en"),
    [
        ("id: x\na: " + "[" * 3000, "too deep"),
        ("id: x\na: " + "[" * 3000 + "]" * 3000, "too deep"),
        ("id: x\na: &a [*a]", "no aliases"),
        ('id: x\na: "\\ud800"', "no text"),
        ('id: x\nversion: "1\\r\\nX"', "version must be a whole number"),
        ("id: x\nversion: 一", "version must be a whole number"),
        ("id: x\nversion: 0", "version must be a whole number"),
        ("id: x\nversion: true", "version must be a whole number"),
        ("id: x\nversion: 99999999999", "version must be a whole number"),
    ],
)
def test_odd_yaml_is_a_clear_error(rules: FakeInstance, kam: Kam, file: Path, content: str, en: str) -> None:
    file.write_text(content)
    done = kam("rule", "save", file, "--why", "x", "--json")
    assert done.status == 1 and en in done.json["en"] and done.json["field"] == "document" and done.json["zh"]
    assert not [r for r in rules.requests if r.method == "PUT"]


def test_another_encoding_says_how_to_save(rules: FakeInstance, kam: Kam, file: Path) -> None:
    file.write_bytes("id: x\nname_zh: 静默".encode("gb18030"))
    done = kam("rule", "save", file, "--why", "x", "--json")
    assert done.status == 1 and "save it as UTF-8" in done.json["en"] and "另存为 UTF-8" in done.json["zh"]


def test_a_folder_is_no_rule(rules: FakeInstance, kam: Kam, tmp_path: Path) -> None:
    done = kam("rule", "save", tmp_path, "--why", "x", "--json")
    assert done.status == 2 and "can't be read" in done.json["en"] and "--data" not in done.json["en"]


def test_a_new_rule_has_nothing_it_was_made_from(rules: FakeInstance, kam: Kam, file: Path) -> None:
    file.write_text("id: new\n")
    assert kam("rule", "save", file, "--why", "x", "--json").json["id"] == "new"
    assert "If-Match" not in rules.asked("PUT /v1/rules/new")[0].headers


def test_the_words_of_a_condition_are_no_booleans(rules: FakeInstance, kam: Kam, file: Path) -> None:
    """YAML 1.1 reads ``on`` as true, and can't read ``op: =``."""
    file.write_text("id: new\non: [USAGE]\nwhen: {figure: customer.city, op: =, value: '440100'}\n")
    kam("rule", "save", file, "--why", "x")
    assert rules.asked("PUT /v1/rules/new")[0].body["document"] == {
        "id": "new",
        "on": ["USAGE"],
        "when": {"figure": "customer.city", "op": "=", "value": "440100"},
    }


def test_what_is_wrong_with_a_rule_is_said_field_by_field(rules: FakeInstance, kam: Kam, file: Path) -> None:
    rules.routes["PUT /v1/rules/drop-30"] = (422, WRONG)
    done = kam("rule", "save", file, "--why", "x", "--json")
    assert done.status == 1 and {"field", "zh", "en"} <= done.json.keys() and done.json["field"] == "percent"
    said = kam("rule", "save", file, "--why", "x").err
    assert "percent：应在 1 到 99 之间" in said and "months：" in said and "must be between 1 and 12" in said


@pytest.mark.parametrize(
    ("content", "status", "en"),
    [
        ("a: [", 1, "not YAML"),
        ("- id: x", 1, "a document is lines of"),
        ("type: fall", 1, "its id"),
        (None, 2, "no file"),
    ],
)
def test_a_file_that_holds_no_rule_is_refused(
    rules: FakeInstance, kam: Kam, file: Path, content: str | None, status: int, en: str
) -> None:
    file.unlink() if content is None else file.write_text(content)
    done = kam("rule", "save", file, "--why", "x", "--json")
    assert done.status == status and en in done.json["en"] and not rules.asked("PUT /v1/rules/drop-30")
    assert content is None or done.json["field"] == "document"


def test_somebody_who_was_faster_is_told(rules: FakeInstance, kam: Kam, file: Path) -> None:
    rules.routes["PUT /v1/rules/drop-30"] = (
        412,
        {"error": "changed_meanwhile", "zh": "李 刚改过", "en": "Li just changed this"},
    )
    done = kam("rule", "save", file, "--why", "x")
    assert done.status == 1 and "Li just changed this" in done.err


def test_versions_come_into_force_go_back_and_stop(rules: FakeInstance, kam: Kam) -> None:
    assert kam("rule", "activate", "drop-30", 2, "--why", "误报", "--json").json["state"] == "active"
    assert rules.requests[-1].body == {"why": "误报", "shadow": False}
    kam("rule", "activate", "drop-30", 2, "--why", "x", "--on", "2026-08-01", "--shadow")
    assert rules.requests[-1].body == {"why": "x", "on": "2026-08-01", "shadow": True}
    kam("rule", "activate", "drop-30", 2, "--why", "x", "--on", "20260801")
    assert rules.requests[-1].body["on"] == "2026-08-01"
    assert "v3：启用中 active" in kam("rule", "rollback", "drop-30", "--why", "worse").out
    assert kam("rule", "stop", "drop-30", "--why", "wrong", "--json").json["state"] == "stopped"
    assert rules.requests[-1].body == {"why": "wrong"}


def test_a_day_that_has_passed_is_no_misuse(rules: FakeInstance, kam: Kam) -> None:
    def refused(_: Request) -> Reply:
        return 422, {"error": "on_passed", "zh": "已过", "en": "has passed", "field": "on"}

    rules.routes["POST /v1/rules/drop-30/versions/2/activate"] = refused
    done = kam("rule", "activate", "drop-30", 2, "--why", "x", "--on", "2020-01-01", "--json")
    assert (done.status, done.json["field"]) == (1, "on")


@pytest.mark.parametrize(
    "words",
    [("activate", "drop-30", "2"), ("stop", "drop-30"), ("activate", "drop-30", "0", "--why", "x"), ("show",),
     ("activate", "drop-30", "2", "--why", "x", "--on", "tomorrow")],
)  # fmt: skip
def test_misuse(rules: FakeInstance, kam: Kam, words: tuple[str, ...]) -> None:
    assert kam("rule", *words).status == 2


def test_texts_and_policy_have_the_same_commands(fake: FakeInstance, kam: Kam, tmp_path: Path) -> None:
    text = {**RULE, "id": "arrears-reminder", "kind": "arrears", "step": "reminder", "zh": "【客服】欠费{debt}元"}
    fake.routes |= {
        "GET /v1/templates": (200, [text]),
        "POST /v1/templates/arrears-reminder/versions/2/activate": (200, {**text, "version": 2}),
        "GET /v1/policies": (200, [{**RULE, "id": "sms"}]),
        "GET /v1/policies/sms": (200, {**RULE, "id": "sms"}),
        "PUT /v1/policies/sms": (200, {**DRAFT, "id": "sms"}),
    }
    assert "欠费{debt}元" in kam("template", "list").out
    assert kam("template", "activate", "arrears-reminder", 2, "--why", "x", "--json").json["version"] == 2
    assert "sms" in kam("policy", "list").out
    file = tmp_path / "policy.yaml"
    file.write_text("id: sms\nrate_per_second: 100\n")
    assert kam("policy", "save", file, "--why", "x", "--json").json["state"] == "draft"
    assert fake.asked("PUT /v1/policies/sms")[0].headers["If-Match"] == '"1"'


def test_calendars_say_until_when_they_know_the_days(fake: FakeInstance, kam: Kam) -> None:
    warning = {"field": "days", "zh": "日历只到 2026-12-31", "en": "the calendar ends 2026-12-31"}
    calendar = {**RULE, "id": "office", "name_zh": "办公时间", "known_through": "2026-12-31", "warnings": [warning]}
    fake.routes |= {
        "GET /v1/calendars": (200, [calendar, {**calendar, "version": 2, "state": "draft"}]),
        "POST /v1/calendars/office/versions/2/activate": (200, {**calendar, "version": 2}),
        "GET /v1/work-rules": (200, [{**RULE, "id": "work"}]),
    }
    listed = kam("calendar", "list")
    assert "办公时间" in listed.out and listed.err.count("the calendar ends 2026-12-31") == 1, "of what is in force"
    assert "日历只到" in kam("calendar", "activate", "office", 2, "--why", "x").err
    assert "work" in kam("workrules", "list").out


def test_a_shadow_is_stopped_alone(rules: FakeInstance, kam: Kam) -> None:
    kam("rule", "stop", "drop-30", "--why", "看够了", "--shadow")
    assert rules.requests[-1].body == {"why": "看够了", "shadow": True}


def test_what_became_of_a_rule_s_alerts(rules: FakeInstance, kam: Kam) -> None:
    assert kam("rule", "figures", "drop-30", "--json").json == FIGURES
    told = kam("rule", "figures", "drop-30").out
    assert "25.0%" in told and "7 / 2" in told and "false_alarm 1" in told
