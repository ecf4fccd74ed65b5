"""Trials over HTTP, each in its own process."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import msgspec
import psutil
import pytest

from alerts import rules, store
from alerts.customer_lists import LIST
from alerts.rulebook import RULE
from alerts.trial.bring_up import bring_up
from alerts.trial.jobs import Trials
from alerts.trial.order import Order, Ruled
from alerts.trial.routes import trial_routes
from contracts.answers import RuleView
from harness.archived import Archivist
from harness.switchboard import AT, Board
from harness.typed_answers import TypedAnswers
from harness.waiting import eventually
from servicekit.auth import Guard, issue_token
from servicekit.authored import AuthoredDocuments
from servicekit.documents.library import Library
from servicekit.documents.routes import document_routes
from servicekit.memory_store import MemoryDocuments, MemoryStore
from servicekit.service import Service
from servicekit.settings import ServiceSettings
from servicekit.store import Transient

SECRET = "trials-secret-that-is-long-enough-32"
TRY = "/v1/rules/drop-30/versions/1/try"
SPAN = {"from": "202601", "to": "202606"}
Start = Callable[..., Awaitable[dict[str, Any]]]


async def nothing() -> None:
    """There is no analytics to ask."""


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    archivist = Archivist(tmp_path / "archive")
    for n, amount in enumerate((55, 65, 75)):
        archivist.tell(
            "customer.changed", "2026-01-01T10:00:00+08:00", customer_id=f"c{n}", status="active", city="330100"
        )
        for month, value in ((1, 100), (2, 100), (3, 100), (4, amount)):
            archivist.tell(
                "bill.issued", f"2026-{month + 1:02}-02T10:00:00+08:00", customer_id=f"c{n}",
                period=f"2026{month:02}", amount_fen=value,
            )  # fmt: skip
    archivist.write()
    archivist.close()
    return archivist.root


@pytest.fixture
async def trials(tmp_path: Path, archive: Path) -> AsyncIterator[Trials]:
    rows = MemoryDocuments(MemoryStore())
    library = Library(RULE, rows, Board(), lambda: AT)
    authored = AuthoredDocuments(rows, store.AUTHORED, tmp_path / "copy")
    await authored.read()
    await store.plant_rules(library, authored)
    made = Trials(library, Library(LIST, rows, Board()), rows, archive, tmp_path / "trials", nothing, lambda: AT)
    job = asyncio.create_task(made.run())
    await asyncio.sleep(0)
    yield made
    job.cancel()
    await asyncio.wait([job])
    assert not list((tmp_path / "trials").glob("*"))


@pytest.fixture
async def client(tmp_path: Path, trials: Trials) -> AsyncIterator[httpx.AsyncClient]:
    (tmp_path / "secret").write_text(SECRET)
    guard = Guard(tmp_path / "secret", "service")
    service = Service("alerts", ServiceSettings(service_data=tmp_path, kafka="-"))
    service.routers += [
        document_routes("/v1/rules", "rule", trials._library, guard, RuleView),
        trial_routes(trials, guard),
    ]
    async with httpx.AsyncClient(transport=TypedAnswers(service.asgi()), base_url="http://alerts") as made:
        made.headers["authorization"] = f"Bearer {issue_token(SECRET, 'li', 'service')}"
        yield made


def spoil(archive: Path) -> None:
    next(archive.glob("topic=*/date=*/*.parquet")).write_bytes(b"no parquet")


async def ended(client: httpx.AsyncClient, trial_id: str) -> dict[str, Any]:
    async with asyncio.timeout(60):
        while True:
            found: dict[str, Any] = (await client.get(f"/v1/rules/trials/{trial_id}")).json()
            if found["state"] not in ("waiting", "running"):
                return found
            await asyncio.sleep(0.05)


async def test_a_draft_is_tried_against_the_version_in_force(client: httpx.AsyncClient, trials: Trials) -> None:
    read = await client.get("/v1/rules/drop-30")
    draft = {"document": {**read.json()["document"], "percent": 60}, "why": "误报偏多"}
    await client.put("/v1/rules/drop-30", json=draft, headers={"If-Match": '"1"'})
    begun = await client.post("/v1/rules/drop-30/versions/2/try", json=SPAN)
    assert begun.status_code == 202 and begun.json()["state"] == "waiting"
    trial = await ended(client, begun.json()["trial_id"])
    assert trial["state"] == "done", trial
    result = trial["result"]
    (row,) = await trials._rows.find("trials")
    assert row["result"] is None, "whoever lists trials reads none of what they came to"
    told = ("rule", "version", "against", "from", "to", "customers", "alerts", "same")
    assert {name: result[name] for name in told} == {
        "rule": "drop-30", "version": 2, "against": 1, "from": "202601", "to": "202606", "customers": 3, "alerts": 1,
        "same": 1,
    }  # fmt: skip
    assert result["added"] == []
    assert result["gone"] == [{"customer_id": "c1", "period": "202604", "reasons": ["bill_fall"]}]
    assert result["by_period"]["202604"] == 1 and sum(result["by_period"].values()) == 1
    tried = (await client.get("/v1/rules/drop-30?version=2")).json()["tried"]
    assert (tried["trial_id"], tried["alerts"], tried["gone"], tried["by"]) == (trial["trial_id"], 1, 1, "li")
    assert [
        rule["tried"] is not None for rule in (await client.get("/v1/rules")).json() if rule["id"] == "drop-30"
    ] == [
        False,
        True,
    ]


@pytest.mark.parametrize(
    ("path", "body", "status", "field"),
    [
        ("/v1/rules/none/versions/1/try", {}, 404, None),
        ("/v1/rules/drop-30/versions/7/try", {}, 404, None),
        ("/v1/rules/arrears/versions/1/try", {}, 422, "type"),
        (TRY, {"from": "202606", "to": "202601"}, 422, "from"),
        (TRY, {"from": "202301", "to": "202601"}, 422, "to"),
        (TRY, {"from": "202613"}, 422, "from"),
        (TRY, {"since": "202601"}, 422, "since"),
        ("/v1/rules/trials/none", None, 404, None),
    ],
)
async def test_bad_input(client: httpx.AsyncClient, path: str, body: Any, status: int, field: str | None) -> None:
    answer = await (client.get(path) if body is None else client.post(path, json=body))
    assert answer.status_code == status
    told = answer.json()
    assert told["zh"] and told["en"] and (field is None or field in str(told.get("field")))


async def test_called_off_within_a_second(client: httpx.AsyncClient, trials: Trials, tmp_path: Path) -> None:
    # what it reads first never ends
    marks = tmp_path / "archive" / "_positions" / "0.json"
    await asyncio.to_thread(marks.unlink)
    await asyncio.to_thread(os.mkfifo, marks)
    trial_id = (await client.post(TRY, json=SPAN)).json()["trial_id"]
    async with asyncio.timeout(30):
        while not (children := psutil.Process().children()) or children[0].cpu_times().user < 0.05:
            await asyncio.sleep(0.05)
    behind = (await client.post(TRY, json=SPAN)).json()["trial_id"]
    async with asyncio.timeout(1):
        assert (await client.delete(f"/v1/rules/trials/{behind}")).json()["state"] == "cancelled"
        assert (await client.delete(f"/v1/rules/trials/{trial_id}")).json()["state"] == "cancelled"
        while children[0].is_running():
            await asyncio.sleep(0.02)
    assert (await client.delete(f"/v1/rules/trials/{trial_id}")).json()["state"] == "cancelled"


async def test_a_repeat_under_the_same_key_is_the_same_trial(client: httpx.AsyncClient) -> None:
    first, again = [(await client.post(TRY, json=SPAN, headers={"Idempotency-Key": "k"})).json() for _ in range(2)]
    assert first["trial_id"] == again["trial_id"]
    other = await client.post(TRY, json={"from": "202602"}, headers={"Idempotency-Key": "k"})
    assert (other.status_code, other.json()["error"]) == (422, "idempotency_key_used")
    assert (await ended(client, first["trial_id"]))["state"] == "done"


async def test_the_same_request_twice_at_one_moment_is_one_trial(client: httpx.AsyncClient, trials: Trials) -> None:
    get = trials._rows.get

    async def slow(*asked: str) -> Any:
        await asyncio.sleep(0)  # as of a database: others come in between
        return await get(*asked)

    trials._rows.get = slow  # type: ignore[method-assign]
    asked = (client.post(TRY, json=SPAN, headers={"Idempotency-Key": "k"}) for _ in range(4))
    begun = [answer.json()["trial_id"] for answer in await asyncio.gather(*asked)]
    assert len({*begun}) == 1 and len(trials._running) == 1
    assert (await ended(client, begun[0]))["state"] == "done"


async def test_a_database_that_is_away_for_a_while_ends_no_trial(client: httpx.AsyncClient, trials: Trials) -> None:
    rows, asked = trials._rows, 0

    async def away(*_: Any) -> Any:
        nonlocal asked
        asked += 1
        raise Transient("away")

    trial_id = (await client.post(TRY, json=SPAN)).json()["trial_id"]
    get, patch = rows.get, rows.patch
    rows.get = rows.patch = away  # type: ignore[method-assign]
    await eventually(lambda: asked > 2)
    rows.get, rows.patch = get, patch  # type: ignore[method-assign]
    assert (await ended(client, trial_id))["state"] == "done"


async def test_a_condition_is_tried_though_the_fall_rule_is_stopped(client: httpx.AsyncClient, trials: Trials) -> None:
    await trials._library.stop("drop-30", by="li", why="误报偏多")
    begun = await client.post("/v1/rules/silent/versions/1/try", json=SPAN)
    trial = await ended(client, begun.json()["trial_id"])
    assert (trial["state"], trial["result"]["alerts"]) == ("done", 0), trial


async def test_the_trials_of_a_version_are_listed_newest_first_without_their_results(client: httpx.AsyncClient) -> None:
    trial_id = (await client.post(TRY, json=SPAN)).json()["trial_id"]
    await ended(client, trial_id)
    (listed,) = (await client.get("/v1/rules/drop-30/trials", params={"version": 1})).json()
    assert (listed["trial_id"], listed["state"], listed["result"]) == (trial_id, "done", None)
    assert (await client.get("/v1/rules/drop-30/trials", params={"version": 2})).json() == []
    assert (await client.get("/v1/rules/none/trials")).json() == []


async def test_what_can_t_be_read_is_said(client: httpx.AsyncClient, archive: Path) -> None:
    spoil(archive)
    trial = await ended(client, (await client.post(TRY, json=SPAN)).json()["trial_id"])
    assert trial["state"] == "failed"
    for said in (trial["zh"], trial["en"]):
        assert "topic=boss.events/date=" in said and str(archive) not in said, "which file, and no path of the machine"
    assert "备份" in trial["zh"] and "backup" in trial["en"]


async def test_a_trial_whose_process_is_gone_has_failed(trials: Trials) -> None:
    await trials._rows.put("trials", "t", {"state": "running", "told_at": "2026-06-30T00:00:00+00:00", "zh": None})
    assert (await trials.get("t"))["state"] == "failed"


async def test_analytics_is_asked_to_write_first(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(SECRET)
    asked = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append((request.method, str(request.url)))
        return httpx.Response(503 if "two" in str(request.url) else 204)

    await bring_up(("http://one", "http://two"), tmp_path / "secret", "alerts", httpx.MockTransport(answer))()
    assert sorted(asked) == [("POST", "http://one/v1/archive"), ("POST", "http://two/v1/archive")]


_ITS_PEAK = """
from pathlib import Path
from alerts.trial import __main__, archive
archive.PILE_ROWS = archive._BATCH_ROWS = 2_000
__main__.main()
print(next(line.split()[1] for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")))
"""


def test_memory_has_a_bound(tmp_path: Path) -> None:
    """Four times the customers take about as much: KiB at the most, of a process of its own."""
    document = msgspec.to_builtins(rules.load().fall)
    del document["version"]
    drop, held = Ruled(1, document), []
    for customers in (500, 2_000):
        archivist = Archivist(tmp_path / f"archive-{customers}", 1)
        for n in range(customers):
            id = f"c{n}"
            archivist.tell("customer.changed", "2026-01-01T10:00:00+08:00", customer_id=id, status="active")
            for month in range(1, 11):
                archivist.tell("usage.summarised", f"2026-{month + 1:02}-02T10:00:00+08:00", customer_id=id,
                               period=f"2026{month:02}", voice_minutes=100)  # fmt: skip
        archivist.write()
        archivist.close()
        scratch = tmp_path / f"scratch-{customers}"
        scratch.mkdir()
        order = Order(str(archivist.root), str(scratch), drop, drop, drop, "202601", "202610")
        with subprocess.Popen(
            [sys.executable, "-c", _ITS_PEAK], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as child:
            assert child.stdin is not None and child.stdout is not None
            child.stdin.write(msgspec.json.encode(order) + b"\n")
            child.stdin.flush()
            *_, result, peak = child.stdout.read().splitlines()
        assert msgspec.json.decode(result)["customers"] == customers
        held.append(int(peak))
    assert held[1] < held[0] + (15 << 10), held
