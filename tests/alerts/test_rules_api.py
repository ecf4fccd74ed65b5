"""Rules over HTTP, as staff change them."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from alerts import store
from alerts.rulebook import RULE
from contracts.answers import RuleView
from harness.switchboard import AT, Board
from harness.typed_answers import TypedAnswers
from servicekit.auth import Guard, issue_token
from servicekit.authored import AuthoredDocuments
from servicekit.documents.library import Library
from servicekit.documents.routes import document_routes
from servicekit.memory_store import MemoryDocuments, MemoryStore
from servicekit.service import Service
from servicekit.settings import ServiceSettings

SECRET = "rules-secret-that-is-long-enough-32"
WHY = {"why": "误报偏多"}


@pytest.fixture
def board() -> Board:
    return Board()


@pytest.fixture
async def client(tmp_path: Path, board: Board) -> AsyncIterator[httpx.AsyncClient]:
    (tmp_path / "secret").write_text(SECRET)
    rows = MemoryDocuments(MemoryStore())
    library = Library(RULE, rows, board, lambda: AT)
    authored = AuthoredDocuments(rows, store.AUTHORED, tmp_path / "copy")
    await authored.read()
    await store.plant_rules(library, authored)
    service = Service("alerts", ServiceSettings(service_data=tmp_path, kafka="-"))
    service.routers.append(
        document_routes("/v1/rules", "rule", library, Guard(tmp_path / "secret", "service"), RuleView)
    )
    async with httpx.AsyncClient(transport=TypedAnswers(service.asgi()), base_url="http://alerts") as made:
        made.headers["authorization"] = f"Bearer {issue_token(SECRET, 'li', 'service')}"
        yield made


async def changed(client: httpx.AsyncClient, **changes: Any) -> dict[str, Any]:
    document = (await client.get("/v1/rules/drop-30")).json()["document"]
    return {"document": {**document, **changes}, **WHY}


async def test_the_seeds_are_in_force_from_the_beginning(client: httpx.AsyncClient) -> None:
    rules = {rule["id"]: rule for rule in (await client.get("/v1/rules")).json()}
    drafts = {"silent", "competitor-calls", "care-calls-and-bill", "balance-before-month-end", "contract-and-usage"}
    active = {"drop-30", "stop-request", "port-query", "arrears", "complaint-opened", "contract-expiring"}
    assert set(rules) == drafts | active
    assert {(rule["version"], rule["author"]) for rule in rules.values()} == {(1, "kam")}
    assert {rule["id"] for rule in rules.values() if rule["state"] == "active"} == active
    assert {rule["id"] for rule in rules.values() if rule["state"] == "draft"} == drafts
    drop = rules["drop-30"]
    assert drop["alert"] == "churn_warning" and drop["percent"] == drop["document"]["percent"] == 70
    assert "version" not in drop["document"]


async def test_the_life_of_a_rule(client: httpx.AsyncClient, board: Board) -> None:
    read = await client.get("/v1/rules/drop-30")
    saved = await client.put(
        "/v1/rules/drop-30", json=await changed(client, percent=60), headers={"If-Match": read.headers["ETag"]}
    )
    assert (saved.status_code, saved.headers["ETag"]) == (200, '"2"')
    assert (saved.json()["state"], saved.json()["author"], saved.json()["why"]) == ("draft", "li", "误报偏多")
    active = (await client.post("/v1/rules/drop-30/versions/2/activate", json=WHY)).json()
    assert (active["state"], active["active_from"]) == ("active", AT.isoformat())
    assert board.asked[-1][3]["percent"] == 60
    (sentence,) = (await client.get("/v1/rules/drop-30/difference", params={"before": 1, "after": 2})).json()
    assert sentence == {"field": "percent", "zh": "百分比由 70 改为 60", "en": "percent: 70 → 60"}
    back = (await client.post("/v1/rules/drop-30/rollback", json=WHY)).json()
    assert (back["version"], back["percent"]) == (3, 70)
    assert (await client.post("/v1/rules/drop-30/stop", json=WHY)).json()["state"] == "stopped"
    steps = (await client.get("/v1/rules/drop-30", params={"version": 3})).json()["switches"]
    assert [(step["state"], step["by"], step["why"], step["number"]) for step in steps] == [
        ("active", "li", "误报偏多", 2),
        ("stopped", "li", "误报偏多", 3),
    ]
    states = [rule["state"] for rule in (await client.get("/v1/rules")).json() if rule["id"] == "drop-30"]
    assert states == ["retired", "retired", "stopped"]
    assert (await client.get("/v1/rules/drop-30", params={"version": 1})).json()["percent"] == 70


async def test_what_is_wrong_is_told_whole_and_nothing_kept(client: httpx.AsyncClient) -> None:
    wrong = await client.put(
        "/v1/rules/drop-30", json=await changed(client, percent=0, months=99), headers={"If-Match": '"1"'}
    )
    told = wrong.json()
    assert (
        (wrong.status_code, told["error"], told["field"]) == (422, "invalid", "percent") and told["zh"] and told["en"]
    )
    assert [fault["field"] for fault in told["faults"]] == ["percent", "months"]
    assert (await client.get("/v1/rules/drop-30")).json()["version"] == 1


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({}, 428, "which_version"),
        ({"If-Match": '"7"'}, 412, "changed_meanwhile"),
        ({"If-Match": "x"}, 412, "changed_meanwhile"),
    ],
)
async def test_an_edit_says_what_it_was_made_from(
    client: httpx.AsyncClient, headers: dict[str, str], status: int, code: str
) -> None:
    answer = await client.put("/v1/rules/drop-30", json=await changed(client, percent=60), headers=headers)
    assert (answer.status_code, answer.json()["error"]) == (status, code)


def nested(depth: int) -> Any:
    return {"x": nested(depth - 1)} if depth else 1


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"name_zh": "\ud800"}, 422),
        ({"percent": float("nan")}, 422),
        ({"percent": 10**400}, 422),
        ({"when": nested(30)}, 422),
        ({"when": nested(300)}, 422),
        ({"name_zh": "x" * 300_000}, 422),
        ({"severity": "x" * 100_000}, 422),
        ({"x" * 10_000: 1}, 422),
        ({"excluded_customers": [None] * 50_000}, 422),
        ({"id": "stop-request"}, 200),  # the address says which one
    ],
)
async def test_whatever_is_sent_is_answered_in_few_words(
    client: httpx.AsyncClient, changes: dict[str, Any], status: int
) -> None:
    body = json.dumps(await changed(client, **changes)).encode()
    headers = {"If-Match": '"1"', "content-type": "application/json"}
    answer = await client.put("/v1/rules/drop-30", content=body, headers=headers)
    assert answer.status_code == status and len(answer.content) < 5_000
    assert answer.json().get("zh", "x") and len(answer.json().get("field", "")) <= 300


async def test_a_new_rule_begins_at_one(client: httpx.AsyncClient) -> None:
    document = (await client.get("/v1/rules/stop-request")).json()["document"]
    asked = {"document": {**document, "request": "suspend", "code": "suspend_request"}, **WHY}
    made = await client.put("/v1/rules/suspend-request", json=asked)
    assert (made.json()["id"], made.json()["version"], made.json()["state"]) == ("suspend-request", 1, "draft")
    assert made.json()["document"]["id"] == "suspend-request", "as the address says"


@pytest.mark.parametrize(
    ("path", "status"),
    [("nowhere/stop", 404), ("drop-30/versions/9/activate", 404), ("drop-30/versions/1/activate", 409),
     ("drop-30/rollback", 409), ("DROP/stop", 422), ("drop-30/versions/0/activate", 422)],
)  # fmt: skip
async def test_what_can_t_be_done_is_refused(client: httpx.AsyncClient, path: str, status: int) -> None:
    answer = await client.post(f"/v1/rules/{path}", json=WHY)
    assert answer.status_code == status and answer.json()["zh"] and answer.json()["en"]


async def test_a_change_needs_a_reason(client: httpx.AsyncClient) -> None:
    for body in ({}, {"why": ""}):
        assert (await client.post("/v1/rules/drop-30/stop", json=body)).status_code == 422


async def test_while_billing_sync_is_away_nothing_comes_into_force(client: httpx.AsyncClient, board: Board) -> None:
    board.away = True
    answer = await client.post("/v1/rules/drop-30/stop", json=WHY)
    assert (answer.status_code, answer.json()["error"]) == (503, "switches_away")
    assert (await client.get("/v1/rules/drop-30")).json()["state"] == "active"
