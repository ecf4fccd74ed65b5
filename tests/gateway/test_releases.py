"""What the brake holds, behind the gateway: whose city it is may see and decide; files and alerts in one list; the word
goes to billing-sync, written down before and after."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway.bootstrap import build
from gateway.projection.follow import Projection
from gateway.settings import Settings
from harness.read_model import Log, following
from servicekit.auth import issue_token
from servicekit.memory_store import MemoryDocuments, MemoryStore

SECRET = "releases-secret-that-is-long-enough"
WHY = {"why": "已核对"}


def release(id: str, city: str = "320100", **more: Any) -> dict[str, Any]:
    return {
        **{"id": id, "source": "file", "effect": "clear", "state": "waiting", "city": city, "kind": "ARR"},
        **{"cause": "ARR_320100_20261121_0001.dat.gz", "count": 250, "customers": 1000, "of": 1000, "share": 25.0},
        **{"percent": 20, "since": "2026-11-22T02:00:00+00:00", "by": None, "why": None, "decided_at": None, **more},
    }


STEP = {"source": "step", "effect": "raise", "kind": "arrears"}
ONE, TWO = {"places": 60, "count": 60}, {"places": 70, "count": 65}


class Owners:
    """billing-sync and two workers of alerts, as the gateway meets them; and the audit."""

    def __init__(self) -> None:
        self.files = [release("f1"), release("f2", "320200", state="released", since="2026-11-20T02:00:00+00:00")]
        self.steps = {
            "one": [release("s1", **STEP, count=60, of=250, share=24.0, parts={"0": ONE})],
            "two": [
                release("s1", **STEP, count=65, of=250, share=26.0, parts={"3": TWO}),
                release("s2", "320200", **STEP),
            ],
        }
        self.asked: list[tuple[str, str, Any]] = []
        self.audited: list[tuple[Any, ...]] = []
        self.away: set[str] = set()
        self.answer = httpx.Response(200, json=release("f1", state="released", by="li", why="已核对"))

    def __call__(self, request: httpx.Request) -> httpx.Response:
        host = request.url.host
        if host in self.away:
            raise httpx.ConnectError("away")
        if request.method == "GET":
            return httpx.Response(200, json=self.files if host == "billing" else self.steps[host])
        self.asked.append((host, request.url.path, json.loads(request.content)))
        return self.answer

    async def audit(self, who: Any, action: str, object_: str, result: str, reason: str | None = None) -> None:
        self.audited.append((who.subject, action, object_, result, reason))


@pytest.fixture
def owners() -> Owners:
    return Owners()


@pytest.fixture
async def lists(tmp_path: Path) -> AsyncIterator[Projection]:
    async with following(tmp_path / "lists", Log()) as made:
        yield made


def client_of(tmp_path: Path, owners: Owners, lists: Projection, role: str, **scope: Any) -> httpx.AsyncClient:
    (tmp_path / "secret").write_text(SECRET)
    settings = Settings(
        service_data=tmp_path,
        kafka="unused:1",
        secret_file=tmp_path / "secret",
        peers={"billing-sync": "http://billing", "alerts": ["http://one", "http://two"]},
    )
    service = build(
        settings,
        client=httpx.AsyncClient(transport=httpx.MockTransport(owners)),
        audit=owners.audit,
        projection=lists,
        documents=MemoryDocuments(MemoryStore()),
    )
    token = issue_token(SECRET, "li", role, **({"scope": scope} if scope else {}))
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(service.asgi()),
        base_url="http://gateway",
        headers={"authorization": f"Bearer {token}"},
    )


async def test_files_and_steps_are_one_list_and_workers_one_row(
    tmp_path: Path, owners: Owners, lists: Projection
) -> None:
    async with client_of(tmp_path, owners, lists, "analyst") as client:
        rows = (await client.get("/v1/releases")).json()
        assert [row["id"] for row in rows] == ["s2", "s1", "f1", "f2"], "what waits comes first"
        (step,) = (row for row in rows if row["id"] == "s1")
        assert (step["count"], step["of"], step["customers"], step["share"]) == (125, 500, 1000, 25.0)
        assert (await client.get("/v1/releases/s1")).json() == step


@pytest.mark.parametrize("role", ["analyst", "administrator"])
async def test_of_other_cities_nothing_is_seen_or_decided(
    tmp_path: Path, owners: Owners, lists: Projection, role: str
) -> None:
    async with client_of(tmp_path, owners, lists, role, cities=["320100"]) as client:
        assert {row["id"] for row in (await client.get("/v1/releases")).json()} == {"f1", "s1"}
        for id in ("f2", "s2", "nobody"):
            assert (await client.get(f"/v1/releases/{id}")).status_code == 404
            assert (await client.post(f"/v1/releases/{id}/go", json=WHY)).status_code == 404
        assert not owners.asked and not owners.audited
        assert (await client.post("/v1/releases/f1/go", json=WHY)).status_code == 200


@pytest.mark.parametrize("role", ["manager", "head", "operations"])
async def test_who_changes_no_rules_decides_nothing(
    tmp_path: Path, owners: Owners, lists: Projection, role: str
) -> None:
    async with client_of(tmp_path, owners, lists, role) as client:
        for verb in ("go", "reject"):
            assert (await client.post(f"/v1/releases/f1/{verb}", json=WHY)).status_code == 403
        assert not owners.asked


async def test_a_word_on_a_file(tmp_path: Path, owners: Owners, lists: Projection) -> None:
    async with client_of(tmp_path, owners, lists, "analyst") as client:
        assert (await client.post("/v1/releases/f1/go", json=WHY)).json()["state"] == "released"
        assert owners.asked == [("billing", "/v1/releases/f1/go", WHY)]
        assert owners.audited == [("li", "release.go", "f1", told, "已核对") for told in ("asked", "200")]
        owners.answer = httpx.Response(409, json={"error": "already_decided", "zh": "已由 li", "en": "by li"})
        late = await client.post("/v1/releases/f1/reject", json=WHY)
        assert (late.status_code, late.json()["error"]) == (409, "already_decided")
        assert owners.audited[-1] == ("li", "release.reject", "f1", "409", "已核对")
        assert (await client.post("/v1/releases/f1/go", json={})).status_code == 422


async def test_a_word_on_a_step_is_billing_sync_s_to_write(tmp_path: Path, owners: Owners, lists: Projection) -> None:
    word = {
        "release_id": "s1",
        "verdict": "rejected",
        "by": "li",
        "why": "已核对",
        "decided_at": "2026-11-22T03:00:00Z",
    }
    owners.answer = httpx.Response(200, json=word)
    async with client_of(tmp_path, owners, lists, "analyst") as client:
        answer = (await client.post("/v1/releases/s1/reject", json=WHY)).json()
        assert (answer["state"], answer["by"], answer["count"]) == ("rejected", "li", 125)
        # Of each partition what the list had of it, and nothing of those that had none.
        assert owners.asked == [("billing", "/v1/steps/s1/rejected", {**WHY, "parts": {"0": ONE, "3": TWO}})]
        assert "parts" not in answer


@pytest.mark.parametrize("verb", ["go", "reject"])
async def test_who_was_shown_less_than_waits_by_now_looks_again(
    tmp_path: Path, owners: Owners, lists: Projection, verb: str
) -> None:
    async with client_of(tmp_path, owners, lists, "analyst") as client:
        late = await client.post(f"/v1/releases/s1/{verb}", json={**WHY, "count": 60})
        assert (late.status_code, late.json()["error"], late.json()["field"]) == (409, "changed", "count")
        assert "125" in late.json()["zh"] and "125" in late.json()["en"]
        assert not owners.asked and not owners.audited
        assert (await client.post(f"/v1/releases/f1/{verb}", json={**WHY, "count": 250})).status_code == 200
        assert owners.asked == [("billing", f"/v1/releases/f1/{verb}", WHY)]


async def test_while_a_worker_is_away_the_rest_is_told_and_files_are_decided(
    tmp_path: Path, owners: Owners, lists: Projection
) -> None:
    async with client_of(tmp_path, owners, lists, "analyst") as client:
        assert "Kam-Missing" not in (await client.get("/v1/releases")).headers
        owners.away = {"two"}
        told = await client.get("/v1/releases")
        assert (told.status_code, told.headers["Kam-Missing"]) == (200, "alerts"), "what is lacking is said"
        assert [(row["id"], row["count"]) for row in told.json()] == [("s1", 60), ("f1", 250), ("f2", 250)]
        assert (await client.post("/v1/releases/f1/go", json=WHY)).status_code == 200
        for id in ("s1", "s2", "nobody"):
            assert (await client.post(f"/v1/releases/{id}/go", json=WHY)).status_code == 503, "not as it was shown"
        owners.away = {"billing"}
        told = await client.get("/v1/releases")
        assert (told.headers["Kam-Missing"], [row["id"] for row in told.json()]) == ("billing-sync", ["s2", "s1"])
        owners.away = {"billing", "one", "two"}
        assert (await client.get("/v1/releases")).status_code == 503


async def test_a_worker_that_answers_nonsense_is_missing_too(tmp_path: Path, owners: Owners, lists: Projection) -> None:
    owners.steps["two"] = [{"id": "s9"}]
    async with client_of(tmp_path, owners, lists, "analyst") as client:
        told = await client.get("/v1/releases")
        assert (told.headers["Kam-Missing"], [row["id"] for row in told.json()]) == ("alerts", ["s1", "f1", "f2"])
