"""Budgets and texts to oneself behind the gateway: who may ask, what workers say together, what is written down."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway.merging import budgets
from gateway.projection.follow import Projection
from harness.asked_alerts import Alerts, client_of
from harness.read_model import Log, following

ALL = {"campaign": "all", "parts": 3, "fen": 12, "parts_limit": 10, "fen_limit": None, "is_near": False}
CARE = {**ALL, "campaign": "care", "parts_limit": 2, "is_near": True}
WRITTEN = {
    "sms_id": "s1",
    "text": "【大客户中心】",
    "language": "zh",
    "phone": "139****0001",
    "encoding": "ucs2",
    "characters": 7,
    "segments": 1,
    "cost_fen": 4,
    "state": "queued",
    "reason": None,
    "hold_until": None,
    "sent_today": 0,
    "waiting": 1,
    "daily_cap": 3,
}
TEST = {"template": "arrears-reminder", "to": "13900000001"}


@pytest.fixture
def alerts() -> Alerts:
    return Alerts()


@pytest.fixture
async def lists(tmp_path: Path) -> AsyncIterator[Projection]:
    async with following(tmp_path / "lists", Log()) as made:
        yield made


def test_what_workers_have_used_is_added_up() -> None:
    other = {**CARE, "parts": 1, "fen": 4, "is_near": False}
    answers = [httpx.Response(200, json=each).content for each in ([ALL, CARE], [ALL, other])]
    assert budgets(answers) == [{**ALL, "parts": 6, "fen": 24}, {**CARE, "parts": 4, "fen": 16}]


@pytest.mark.parametrize("role", ["manager", "analyst", "administrator"])
async def test_who_sees_rules_sees_budgets(tmp_path: Path, alerts: Alerts, lists: Projection, role: str) -> None:
    alerts.answer = httpx.Response(200, json=[ALL])
    async with client_of(tmp_path, alerts, lists, role) as client:
        answer = await client.get("/v1/sms/budget")
    assert (answer.status_code, answer.json()) == (200, [ALL])


@pytest.mark.parametrize(
    ("role", "status"), [("analyst", 200), ("administrator", 200), ("manager", 403), ("head", 403)]
)
async def test_who_changes_rules_may_send_a_test(
    tmp_path: Path, alerts: Alerts, lists: Projection, role: str, status: int
) -> None:
    alerts.answer = httpx.Response(200, json=WRITTEN)
    async with client_of(tmp_path, alerts, lists, role) as client:
        answer = await client.post("/v1/sms/test", json=TEST, headers={"Idempotency-Key": "k1"})
    assert answer.status_code == status
    if status == 200:
        ((method, path, body, headers),) = alerts.asked
        assert (method, path, headers["idempotency-key"]) == ("POST", "/v1/sms/test", "k1")
        assert body == {**TEST, "language": "zh", "values": {}, "own": None}
        assert alerts.audited == [("li", "sms.test", "arrears-reminder", "200", None)]
    else:
        assert alerts.asked == []


@pytest.mark.parametrize(
    "body",
    [{}, {**TEST, "own": "13900000001"}, {**TEST, "template": "../x"}, {**TEST, "language": "fr"}, {**TEST, "to": ""}],
)
async def test_a_body_that_is_none_goes_no_further(
    tmp_path: Path, alerts: Alerts, lists: Projection, body: dict[str, Any]
) -> None:
    async with client_of(tmp_path, alerts, lists, "analyst") as client:
        assert (await client.post("/v1/sms/test", json=body)).status_code == 422
    assert alerts.asked == [], "and nobody says for themselves which number is theirs"


async def test_a_refusal_is_told_and_written_down(tmp_path: Path, alerts: Alerts, lists: Projection) -> None:
    refusal = {"error": "not_own_number", "zh": "不是", "en": "no", "field": "to"}
    alerts.answer = httpx.Response(403, json=refusal)
    async with client_of(tmp_path, alerts, lists, "analyst") as client:
        answer = await client.post("/v1/sms/test", json=TEST)
    assert (answer.status_code, answer.json()["error"]) == (403, "not_own_number")
    assert alerts.audited == [("li", "sms.test", "arrears-reminder", "403", None)]
