"""What comes in, as people see it: files and rejects within one's cities, every download written down, replay only
after a dry run of the same letters."""

import json
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from gateway.feeds.files import file_name, first_rows
from gateway.feeds.letters import plan
from harness.people import Gateway, gateway
from servicekit.dead_letter import MAX_REPLAYS, REPLAYS
from servicekit.dead_letter_log import Letter

HERE, THERE = "BILL_410100_20260630_0001", "BILL_410300_20260630_0001"
REJECTS = (
    "line\tfield\tvalue\treason\n7\tamount_fen\t12a\t不是整数 / no integer\n9\tphone\t13812345678\t号码有误 / bad\n"
)
DAY = {
    "date": "2026-06-30",
    "kinds": ["BILL"],
    "files": [
        {"file": f"{stem}.dat.gz", "result": "partial", "kind": "BILL", "city": stem[5:11], "sequence": 1}
        for stem in (HERE, THERE)
    ],
    "missing": [{"kind": "CUST", "city": "410300"}],
    "as_of": "2026-06-30T00:00:00Z",
}
SENDERS = {
    "sources": [
        {"source": f"boss/{city}", "city": city, "events": 3, "per_minute": 1.0, "last_at": "2026-06-30T00:00:00Z"}
        for city in ("410100", "410300")
    ],
    "last_at": None,
    "seconds_behind": 0.0,
    "as_of": "2026-06-30T00:00:00Z",
}


def letter(number: int, *, topic: str = "boss.feed", city: str = "410100", replays: int = 0) -> Letter:
    known = {"dlq_topic": topic, "dlq_service": "billing-sync", "ce_source": f"boss/{city}", REPLAYS: str(replays)}
    headers = [(name, value.encode()) for name, value in known.items()]
    return Letter(
        SimpleNamespace(
            topic=f"{topic}.x.dlq", partition=0, offset=number, timestamp=0, key=b"k", value=b"{}", headers=headers
        )
    )


class Heap:
    """Dead letters in memory."""

    def __init__(self, *letters: Letter) -> None:
        self.letters = list(letters)

    async def waiting(self) -> list[Letter]:
        return list(self.letters)

    async def replay(self, letters: Sequence[Letter]) -> tuple[list[str], list[str]]:
        done = [one.id for one in letters]
        self.letters = [one for one in self.letters if one.id not in done]
        return done, []


def answer(request: httpx.Request) -> httpx.Response:
    path = request.url.path
    if path == "/v1/files/day":
        return httpx.Response(200, json=DAY)
    if path == "/v1/events/sources":
        return httpx.Response(200, json=SENDERS)
    if path == "/v1/files":
        is_known = request.url.params["name"] in (HERE, THERE)
        return httpx.Response(200, json=[{"file": "x", "result": "partial", "rejected": 2}] if is_known else [])
    if path.endswith("/rejected") and (HERE in path or THERE in path):
        first, rest = REJECTS[:60], REJECTS[60:]
        part = {"text": first, "next": 60} if request.url.params["offset"] == "0" else {"text": rest, "next": None}
        return httpx.Response(200, json={"file": "x", **part})
    return httpx.Response(404, json={"error": "not_found", "zh": "没有", "en": "none"})


@pytest.fixture
async def heap() -> Heap:
    return Heap(letter(1), letter(2, city="410300"), letter(3, topic="alert.events"), letter(4, replays=MAX_REPLAYS))


@pytest.fixture
async def house(tmp_path: Path, heap: Heap) -> AsyncIterator[Gateway]:
    async with gateway(tmp_path, answer=answer, letters=heap) as made:
        yield made


def one_city(house: Gateway) -> httpx.AsyncClient:
    return house.machine("integrator", "boss-410100", scope={"cities": ["410100"]})


async def test_a_sender_sees_the_files_of_its_cities(house: Gateway) -> None:
    boss = one_city(house)
    day = (await boss.get("/v1/feeds?date=2026-06-30")).json()
    assert ([f["city"] for f in day["files"]], day["missing"]) == (["410100"], [])
    assert [s["city"] for s in (await boss.get("/v1/feeds/events")).json()["sources"]] == ["410100"]
    assert [row["id"][-1] for row in (await boss.get("/v1/dead-letters")).json()["rows"]] == ["1", "4"]
    unseen, unknown = [await boss.get(f"/v1/feeds/files/{name}") for name in (THERE, "BILL_410100_20260630_0009")]
    assert (unseen.status_code, unseen.json()["error"]) == (unknown.status_code, unknown.json()["error"])
    everything = (await (await house.signed_in("O0001")).get("/v1/feeds")).json()
    assert [f["city"] for f in everything["files"]] == ["410100", "410300"]
    assert (await (await house.signed_in("M0001")).get("/v1/feeds")).status_code == 403


async def test_a_file_shows_where_and_why_but_not_what(house: Gateway) -> None:
    found = await one_city(house).get(f"/v1/feeds/files/{HERE}.dat.gz")
    assert found.json()["first_rejected"][0] == {"line": 7, "field": "amount_fen", "reason": "不是整数 / no integer"}
    assert "13812345678" not in found.text and not found.json()["downloadable"]


async def test_a_reject_file_is_written_down_before_it_is_given_out(house: Gateway) -> None:
    operator = await house.signed_in("O0001")
    got = await operator.get(f"/v1/feeds/files/{HERE}/rejected")
    assert got.text == REJECTS
    assert got.headers["content-disposition"] == f'attachment; filename="{HERE}.rej"'
    assert ("O0001", "feeds.rejected.read", HERE, "200", None) in house.audited
    assert (await one_city(house).get(f"/v1/feeds/files/{HERE}/rejected")).status_code == 403
    house.audit_works = False
    refused = await operator.get(f"/v1/feeds/files/{HERE}/rejected")
    assert refused.status_code == 503 and "13812345678" not in refused.text


@pytest.mark.parametrize(
    "name", ["..%2Fsecret", "x", "BILL_410100_20260630_0001%0A", "BILL_410100_20260630_00012", "%00"]
)
async def test_a_name_from_outside_is_no_path(house: Gateway, name: str) -> None:
    operator = await house.signed_in("O0001")
    for path in (f"/v1/feeds/files/{name}", f"/v1/feeds/files/{name}/rejected"):
        assert (await operator.get(path)).status_code in (404, 422)


async def test_a_replay_follows_the_dry_run_of_the_same_letters(house: Gateway, heap: Heap) -> None:
    operator = await house.signed_in("O0001")
    rows = (await operator.get("/v1/dead-letters")).json()["rows"]
    ids = [row["id"] for row in rows]
    assert len(ids) == 4 and "{}" not in json.dumps(rows)

    async def ask(**body: Any) -> httpx.Response:
        return await operator.post("/v1/dead-letters/replay", json=body)

    assert (await ask(ids=ids, dry_run=False)).json()["error"] == "dry_run_needed"
    dry = (await ask(ids=[*ids, "none/0/0"])).json()
    assert (dry["replayed"], dry["quarantined"], dry["gone"]) == (ids[:3], ids[3:], ["none/0/0"])
    assert len(heap.letters) == 4, "dry is dry"
    assert (await ask(ids=ids[:2], dry_run=False, after=dry["selection"])).status_code == 409
    done = (await ask(ids=ids, dry_run=False, after=dry["selection"])).json()
    assert (done["replayed"], len(heap.letters)) == (ids[:3], 1)
    assert ("O0001", "dead_letters.replay", ",".join(ids[:3]), "200", None) in house.audited
    assert (await ask(ids=ids, dry_run=False, after=dry["selection"])).status_code == 409, "a second time, nothing"
    assert (await ask(ids=["x"] * 101)).status_code == 422
    assert (await one_city(house).post("/v1/dead-letters/replay", json={"ids": ids})).status_code == 403


def test_names_and_lines() -> None:
    known = file_name(f"{HERE}.rej")
    assert known is not None and (known.stem, known.kind, known.city) == (HERE, "BILL", "410100")
    for text in ("", "../x", f"{HERE}/x", f"{HERE}\n", f"{HERE}.exe"):
        assert file_name(text) is None
    assert first_rows("line\tfield\tvalue\treason\n\n9\n²\ta\tb\tc\n5\tf\tv\\tw\tr\u2028s\n") == [
        {"line": 5, "field": "f", "reason": "r\u2028s"}
    ]
    assert plan(["a", "a"], []).gone == ["a"]
