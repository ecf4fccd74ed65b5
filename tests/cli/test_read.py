"""`kam alerts`, `sms`, `work`, `customer`, `why`, `clock`, `token`, `sim`: what they ask and how they show it."""

from __future__ import annotations

import subprocess
import sys
import time

import jwt
import pytest

from cli.conftest import FakeInstance, Kam, Reply, Request
from kam import render

ALERT = {
    "alert_id": "11111111-aaaa-5aaa-8aaa-aaaaaaaaaaaa",
    "kind": "arrears",
    "customer_id": "1000123",
    "state": "raised",
    "stage": "reminder",
    "severity": "major",
    "rule": {"id": "arrears", "version": 1},
    "raised_at": "2026-11-22T02:00:00+00:00",
    "outcome": None,
}
WORK = {"work_id": "22222222-aaaa-5aaa-8aaa-aaaaaaaaaaaa", "kind": "dunning", "customer_id": "1000123", "state": "new"}


@pytest.fixture
def known(fake: FakeInstance) -> FakeInstance:
    fake.routes |= {
        "GET /v1/alerts": (200, [ALERT]),
        "GET /v1/work": (200, [WORK]),
        "GET /v1/sms": (200, []),
        "GET /v1/clock": (200, {"clock": "2026-11-22T02:00:00+00:00", "mode": "system"}),
    }
    return fake


def test_lists_are_whole_arrays_and_filters_travel(known: FakeInstance, kam: Kam) -> None:
    done = kam("alerts", "--customer", "1000123", "--kind", "arrears", "--since", "2026-11-01", "--json")
    assert (done.status, done.json) == (0, [ALERT])
    assert known.requests[-1].query == {
        "customer": "1000123",
        "kind": "arrears",
        "since": "2026-11-01T00:00:00+08:00",
    }


def test_alerts_of_rules_in_shadow_are_asked_for_by_themselves(known: FakeInstance, kam: Kam) -> None:
    known.routes["GET /v1/shadow-alerts"] = (200, [{**ALERT, "shadow": True}])
    assert kam("alerts", "--shadow", "--json").json == [{**ALERT, "shadow": True}]
    assert kam("alerts", "--json").json == [ALERT] and "影子预警" in kam("alerts", "--shadow").out


def test_people_read_chinese_and_local_time(known: FakeInstance, kam: Kam) -> None:
    said = kam("alerts").out
    assert "欠费 arrears" in said
    assert "11-22 10:00:00" in said


def test_an_empty_list_helps_on(known: FakeInstance, kam: Kam) -> None:
    assert "kam alerts" in kam("sms").out
    assert "没有符合条件的短信" in kam("sms", "--state", "held").out


def test_work_lists_and_its_verbs_act(known: FakeInstance, kam: Kam) -> None:
    assert kam("work", "--json").json == [WORK]
    known.routes[f"POST /v1/work/{WORK['work_id']}/close"] = (200, {**WORK, "state": "closed"})
    done = kam("work", "close", "22222222", "--outcome", "paid", "--note", "已缴", "--by", "M0007", "--json")
    assert done.json["state"] == "closed"
    request = known.requests[-1]
    assert request.body == {"outcome": "paid", "note": "已缴"}
    claims = jwt.decode(request.headers["Authorization"].split()[1], options={"verify_signature": False})
    assert claims["sub"] == "M0007"


def test_a_wrong_outcome_is_misuse(known: FakeInstance, kam: Kam) -> None:
    assert kam("work", "close", "22222222", "--outcome", "nonsense").status == 2


def test_a_refusal_is_one_line_in_two_languages(known: FakeInstance, kam: Kam) -> None:
    known.routes[f"POST /v1/work/{WORK['work_id']}/accept"] = (
        409,
        {"error": "closed", "zh": "已关闭", "en": "closed already"},
    )
    done = kam("work", "accept", "22222222")
    assert (done.status, done.err) == (1, "已关闭 / closed already\n")


def test_why_takes_the_beginning_of_an_id_and_shows_a_tree(known: FakeInstance, kam: Kam) -> None:
    def link(id_: str, cause: str | None, zh: str) -> dict[str, object]:
        return {"id": id_, "type": "t", "at": ALERT["raised_at"], "service": "s", "caused_by": cause, "summary_zh": zh}

    chain = [link("c", "b", "短信"), link("a", None, "欠费记录"), link("b", "a", "预警")]
    known.routes[f"GET /v1/why/{ALERT['alert_id']}"] = (200, {"id": ALERT["alert_id"], "chain": chain})
    said = kam("why", "11111111").out
    assert said.index("欠费记录") < said.index("预警") < said.index("短信")


def test_a_customer_nobody_knows_fails_with_the_reason(known: FakeInstance, kam: Kam) -> None:
    done = kam("customer", "9")
    assert (done.status, done.err) == (1, "没有 / nothing here\n")


def test_clock_is_set_to_ten_in_the_morning(known: FakeInstance, kam: Kam) -> None:
    known.routes["PUT /v1/clock"] = (200, {})
    assert kam("clock", "set", "2026-12-01", "--json").json["mode"] == "system"
    assert known.asked("PUT /v1/clock")[0].body == {"at": "2026-12-01T10:00:00+08:00"}
    assert "10:00:00" in kam("clock").out
    assert kam("clock", "set", "soon").status == 2


def test_sim_asks_the_simulator_and_shows_the_alert(known: FakeInstance, kam: Kam) -> None:
    answers = [(200, [ALERT]), (200, [])]
    known.routes["GET /v1/alerts"] = lambda _: answers.pop()

    def scenario(request: Request) -> Reply:
        return 200, {"receipts": [{"source": "boss", "id": "1", "status": "accepted"}]}

    known.routes["POST /scenario/arrears/1000123"] = scenario
    done = kam("sim", "arrears", "1000123", "--json").json
    assert [a["alert_id"] for a in done["alerts"]] == [ALERT["alert_id"]]
    assert kam("sim", "flood", "1000123").status == 2


@pytest.mark.parametrize(("fen", "shown"), [(12345, "123.45"), (5, "0.05"), (-5, "-0.05"), (0, "0.00"), (None, "–")])
def test_money(fen: int | None, shown: str) -> None:
    assert render.money(fen) == shown


def test_a_command_starts_fast_because_it_loads_little(fake: FakeInstance) -> None:
    heavy = (
        "import kam.cli, sys; kam.cli.build(); print([m for m in sys.modules if m in "
        + repr(["rich", "httpx", "pydantic", "aiokafka", "asyncio", "msgspec", "yaml", "fastapi"])
        + "])"
    )
    found = subprocess.run([sys.executable, "-c", heavy], capture_output=True, text=True, env=_env(), check=True)
    assert found.stdout.strip() == "[]"


def test_nothing_runs_there(tmp_path: object) -> None:
    begun = time.monotonic()
    words = [sys.executable, "-m", "kam", "alerts", "--json", "--data", str(tmp_path)]
    done = subprocess.run(words, capture_output=True, text=True, env=_env(), check=False)
    assert done.returncode == 1
    assert "kam up" in done.stderr
    assert time.monotonic() - begun < 10


def _env() -> dict[str, str]:
    import os

    return {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
