"""The live view of `kam up` and `kam watch`: what it tells of two snapshots, and what ends it."""

from __future__ import annotations

import re
import threading
from typing import Any

import pytest

from cli.conftest import FakeInstance, Request
from kam import watching
from kam.client import Client
from kam.instance import describe, layout
from kam.watching import NOUNS, Line, Listing, happenings, listing

T0, T1 = "2026-11-22T02:00:47.442960+00:00", "2026-11-22T02:01:00+00:00"


def alert(id_: str = "a1", **fields: Any) -> dict[str, Any]:
    reasons = [{"code": "arrears", "values": {"amount_fen": 12900}}]
    known = {"alert_id": id_, "kind": "arrears", "customer_id": "1000123", "state": "raised", "stage": "reminder"}
    return {**known, "severity": "minor", "reasons": reasons, "raised_at": T0, **fields}


def sms(id_: str = "s1", **fields: Any) -> dict[str, Any]:
    known = {"sms_id": id_, "customer_id": "1000123", "template": "arrears-reminder", "state": "sent", "text": "徐海波"}
    return {**known, "phone": "139****0123", "planned_at": T0, "at": T1, **fields}


def work(id_: str = "w1", **fields: Any) -> dict[str, Any]:
    known = {"work_id": id_, "kind": "dunning", "customer_id": "1000123", "state": "new", "manager_id": "M0011"}
    return {**known, "queue": None, "opened_at": T0, **fields}


def snapshot(*rows: dict[str, Any]) -> dict[str, Listing]:
    return {name: listing(noun, None, [row for row in rows if noun.id in row]) for name, noun in NOUNS.items()}


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ([], [alert()], ["10:00:47 预警 alert 1000123   欠费 arrears · 首次提醒 reminder · 欠 owes 129.00"]),
        ([], [alert(stage="opened")], ["10:00:47 预警 alert 1000123   欠费 arrears · 新欠 opened · 欠 owes 129.00"]),
        ([alert()], [alert()], []),
        ([alert()], [alert(state="acted")], []),
        ([], [sms(state="queued")], []),
        ([], [sms()], ["10:01:00 短信 SMS   1000123   arrears-reminder · 已提交 sent"]),
        ([sms(state="held")], [sms()], ["10:01:00 短信 SMS   1000123   arrears-reminder · 已提交 sent"]),
        ([sms()], [sms()], []),
        ([sms()], [sms(state="delivered")], ["10:01:00 短信 SMS   1000123   arrears-reminder · 已送达 delivered"]),
        ([sms()], [sms(state="unknown")], ["10:01:00 短信 SMS   1000123   arrears-reminder · 未知 unknown"]),
        ([sms(state="queued")], [sms(state="cancelled")], []),
        ([], [work()], ["10:00:47 工单 work  1000123   催缴 dunning → M0011"]),
        (
            [],
            [work(manager_id=None, queue="city:320100")],
            ["10:00:47 工单 work  1000123   催缴 dunning → city:320100"],
        ),
        ([work()], [work(state="closed")], []),
    ],
)
def test_what_is_told(old: list[dict[str, Any]], new: list[dict[str, Any]], told: list[str]) -> None:
    assert [line.text for line in happenings(snapshot(*old), snapshot(*new))] == told


@pytest.mark.parametrize(
    ("code", "values", "said"),
    [
        ("arrears", {"amount_fen": 12900}, "欠 owes 129.00"),
        ("bill_fall", {"amount_fen_percent": 63}, "话费 bill -37 %"),
        ("minutes_fall", {"voice_minutes_percent": 0}, "通话 minutes -100 %"),
        ("stop_request", {}, "提出拆机 asks to close the line"),
        ("port_query", {}, "查询携号转网 asks about porting"),
        ("complaint", {"category": "billing"}, "类别 about 费用 billing"),
        ("contract", {"days_left": 25}, "剩 25 天 days left"),
        ("a_later_rule", {"x": 1}, "a_later_rule"),
    ],
)
def test_the_value_that_counts(code: str, values: dict[str, Any], said: str) -> None:
    assert watching.reason(code, values) == said


def test_a_burst_is_counted_and_leaves_room_for_every_kind() -> None:
    burst = [make(f"{n}") for n in range(20) for make in (alert, sms, work)]
    lines = [line.text for line in happenings(snapshot(), snapshot(*burst))]
    assert len(lines) == watching.LINES
    assert lines[-1].strip() == "… 另有 53 条 / and 53 more"
    assert {line.split()[1] for line in lines[:-1]} == {"预警", "短信", "工单"}


def test_nothing_personal_is_told() -> None:
    said = "".join(line.text for line in happenings(snapshot(), snapshot(alert(), sms(), work())))
    assert "徐" not in said and "139" not in said


@pytest.mark.parametrize(
    ("since", "rows", "next_since"),
    [
        (None, [], None),
        (T0, [], T0),
        (None, [sms(state="delivered", planned_at=T1)], "2026-11-22T01:59:00+00:00"),
        (T0, [sms(state="delivered", planned_at=T1)], T0),  # never back
        (None, [sms("1", state="held", planned_at="2026-11-21T13:00:00+00:00"), sms("2")], "2026-11-21T13:00:00+00:00"),
    ],
)
def test_asks_again_from_what_may_still_change(since: str | None, rows: list[Any], next_since: str | None) -> None:
    assert listing(NOUNS["sms"], since, rows).since == next_since


def test_sums() -> None:
    counts = [
        {"day": "2026-11-21", "kind": "alert.raised:arrears", "count": 5},
        {"day": "2026-11-22", "kind": "alert.raised:arrears", "count": 2},
        {"day": "2026-11-22", "kind": "alert.raised:churn_warning", "count": 1},
        {"day": "2026-11-22", "kind": "sms.delivered", "count": 2},
        {"day": "2026-11-21", "kind": "work.opened:dunning", "count": 5},
        {"day": "2026-11-22", "kind": "work.closed:dunning", "count": 2},
        {"day": "2026-11-22", "kind": "work.reopened:dunning", "count": 1},
    ]
    status = {"services": {"alerts": {"lag": 3}, "analytics": {"lag": 1}}}
    said = watching.sums(counts, status, "2026-11-22").text
    assert [int(n) for n in re.findall(r" (\d+)(?: ·|$)", said)] == [3, 2, 4, 4]
    away = {"services": {"alerts": {"lag": None}}}
    assert watching.sums([], away, "2026-11-22").text.endswith("lag 不明 unknown")


def test_a_gateway_that_restarts_does_not_end_it(fake: FakeInstance, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "EVERY", 0.001)
    stop, told, polls = threading.Event(), list[Line](), 0

    def alerts(request: Request) -> tuple[int, Any]:
        nonlocal polls
        polls += 1
        if polls == 2:
            return 503, {"zh": "不行", "en": "not now"}
        return 200, [alert()] if polls == 1 else [alert(), alert("a2", customer_id="1000124")]

    def say(line: Line) -> None:
        told.append(line)
        if "1000124" in line.text:
            stop.set()

    fake.routes |= {
        "GET /v1/clock": (200, {"clock": T1, "mode": "demo"}),
        "GET /v1/alerts": alerts,
        "GET /v1/sms": (200, []),
        "GET /v1/work": (200, []),
    }
    description = describe(layout(fake.data))
    assert description is not None
    watching.follow(Client(description), stop, say, lambda: None)
    assert [line.text.split(" ")[0] for line in told] == ["近两日预警", "网关暂无应答，等待中", "网关恢复", "10:00:47"]
    assert "欠费 arrears 1" in told[0].text
    assert fake.asked("GET /v1/alerts")[0].query == {"since": "2026-11-20T16:00:00+00:00"}
    assert fake.asked("GET /v1/alerts")[-1].query == {"since": "2026-11-22T01:58:47.442960+00:00"}
