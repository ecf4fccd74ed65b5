"""`kam rule try`: waits for a trial and tells what it found."""

from __future__ import annotations

from typing import Any

import pytest

from cli.conftest import FakeInstance, Kam, Reply, Request

TRIAL = {"trial_id": "t-1", "rule": "drop-30", "version": 2, "state": "running", "done": 5, "of": 10, "result": None,
         "zh": None, "en": None}  # fmt: skip
OUTCOME = {"left": 5, "caught": 2, "missed": 3, "days_early": 12, "by_month": {}}
WARNED = [{"customer_id": f"c{n}", "period": "202604", "reasons": ["bill_fall"]} for n in range(25)]
RESULT: dict[str, Any] = {
    "rule": "drop-30", "version": 2, "against": 1, "from": "202601", "to": "202606", "customers": 40, "alerts": 30,
    "same": 5, "added": WARNED, "gone": WARNED[:1], "added_count": 25, "gone_count": 1, "by_period": {"202604": 30},
    "months": [{"period": "202604", "alerts": 30, "same": 5, "added": 25, "gone": 1}], "outcome": OUTCOME,
    "outcome_against": None, "as_of": None, "unreadable": 0, "seconds": 1.5,
}  # fmt: skip
PATH = "/v1/rules/drop-30/versions/2/try"


@pytest.fixture
def trial(fake: FakeInstance) -> FakeInstance:
    answers = [TRIAL, TRIAL, {**TRIAL, "state": "done", "result": RESULT}]

    def told(request: Request) -> Reply:
        return 200, answers.pop(0) if len(answers) > 1 else answers[0]

    fake.routes |= {
        "GET /v1/rules/drop-30": (200, {"id": "drop-30", "version": 2}),
        f"POST {PATH}": (202, TRIAL),
        "GET /v1/rules/trials/t-1": told,
    }
    return fake


def test_prints_the_result_once_it_is_there(trial: FakeInstance, kam: Kam) -> None:
    done = kam("rule", "try", "drop-30", "--version", 2, "--from", "202601", "--to", "202606", "--json")
    assert (done.status, done.json) == (0, RESULT)
    (asked,) = trial.asked(f"POST {PATH}")
    assert asked.body == {"from": "202601", "to": "202606"} and len(trial.asked("GET /v1/rules/trials/t-1")) == 3


def test_the_newest_version_and_months_unless_told_otherwise(trial: FakeInstance, kam: Kam) -> None:
    said = kam("rule", "try", "drop-30").out
    assert trial.asked(f"POST {PATH}")[0].body == {}
    assert "预警 30" in said and "25 added, 1 gone" in said and "c19" in said and "c20" not in said
    assert "预见 2，漏掉 3" in said and "2 caught, 3 missed, 12 days early" in said and "共 25" in said


def test_a_trial_that_failed_or_was_called_off(trial: FakeInstance, kam: Kam) -> None:
    failed = {**TRIAL, "state": "failed", "zh": "归档读不了", "en": "the archive can't be read"}
    trial.routes["GET /v1/rules/trials/t-1"] = (200, failed)
    done = kam("rule", "try", "drop-30", "--json")
    assert (done.status, done.json["en"]) == (1, "the archive can't be read")
    trial.routes["GET /v1/rules/trials/t-1"] = (200, {**TRIAL, "state": "cancelled"})
    assert "called off" in kam("rule", "try", "drop-30").err


def test_a_service_that_starts_anew_meanwhile_is_waited_for(
    trial: FakeInstance, kam: Kam, monkeypatch: pytest.MonkeyPatch
) -> None:
    away = {"error": "unavailable", "zh": "服务 alerts 暂时无法访问", "en": "service alerts can't be reached just now"}
    failed = {**TRIAL, "state": "failed", "zh": "试算中断，请重新开始", "en": "it was interrupted: start it again"}
    answers: list[tuple[int, Any]] = [(200, TRIAL), (503, away), (503, away), (200, failed)]
    trial.routes["GET /v1/rules/trials/t-1"] = lambda _: answers.pop(0) if len(answers) > 1 else answers[0]
    assert kam("rule", "try", "drop-30", "--json").json["en"] == failed["en"] and len(answers) == 1
    monkeypatch.setattr("kam.commands.trial._PATIENCE", 0.0)
    answers[:] = [(503, away)]
    assert kam("rule", "try", "drop-30", "--json").json["en"] == away["en"]


@pytest.mark.parametrize(
    "words", [("--from", "202613"), ("--to", "2026"), ("--from", "202606", "--to", "202601"), ("--version", 0)]
)
def test_misuse(trial: FakeInstance, kam: Kam, words: tuple[Any, ...]) -> None:
    assert kam("rule", "try", "drop-30", *words).status == 2
    assert not trial.asked(f"POST {PATH}")


def test_a_rule_that_can_t_be_tried(trial: FakeInstance, kam: Kam) -> None:
    no = {"error": "not_tried", "zh": "只能试算", "en": "only rules of", "field": "type"}
    trial.routes[f"POST {PATH}"] = (422, no)
    done = kam("rule", "try", "drop-30", "--json")
    assert done.status == 1 and done.json["field"] == "type"
