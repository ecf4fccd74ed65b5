"""Search of the audit log: what the trail takes from it, what administrators find, and who may look."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from gateway.access.rights import SEEDS
from gateway.access.roles import Roles
from gateway.trail.follow import Trail
from gateway.trail.store import find, forget
from harness.people import Gateway, gateway
from harness.read_model import Log, at, entry, table, trail_of, until
from servicekit.decision import Refused
from servicekit.envelope import Message
from servicekit.memory_store import MemoryDocuments, MemoryStore


@contextlib.asynccontextmanager
async def running(folder: Path, log: Log) -> AsyncIterator[Trail]:
    trail = trail_of(folder, log)
    job = asyncio.create_task(trail.run())
    try:
        await until(lambda: trail.as_of() is not None)
        yield trail
    finally:
        job.cancel()
        await asyncio.gather(job, return_exceptions=True)


async def ids(trail: Trail) -> list[str]:
    return [id_ for (id_,) in await table(trail.store, "SELECT id FROM entries ORDER BY at")]


async def test_everything_the_log_has_is_in_it_once(tmp_path: Path) -> None:
    log = Log()
    log.put("audit.log", entry("e1"), entry("e2", 1))
    async with running(tmp_path, log) as trail:
        assert await ids(trail) == ["e1", "e2"]
        log.put("audit.log", entry("e3", 2), entry("e3", 2))
        await until(lambda: log.records and trail._position.offsets["audit.log/0"] == 4)
        assert await ids(trail) == ["e1", "e2", "e3"]
    log.put("audit.log", entry("e4", 3))
    async with running(tmp_path, log) as trail:
        assert await ids(trail) == ["e1", "e2", "e3", "e4"], "it goes on where it stood"
    (tmp_path / "audit" / "audit.sqlite").write_bytes(b"no database at all, " * 1000)
    async with running(tmp_path, log) as trail:
        assert await ids(trail) == ["e1", "e2", "e3", "e4"], "the log is the truth"


@pytest.mark.parametrize(
    "body", [b"", b"null", b"[]", b"\xff", b'{"actor": 1}', b"[" * 100_000, b'{"at": "0001-01-01T00:00:00+23:00"}']
)
async def test_nothing_that_comes_by_stops_it(tmp_path: Path, body: bytes) -> None:
    log = Log()
    bad = entry("bad")
    log.put("audit.log", Message("t", 0, 0, None, bad.headers, body), entry("e1"))
    async with running(tmp_path, log) as trail:
        assert await ids(trail) == ["e1"]


async def test_it_keeps_the_newest(tmp_path: Path) -> None:
    log = Log()
    log.put("audit.log", *(entry(f"e{number}", number) for number in range(6)))
    async with running(tmp_path, log) as trail:
        await trail.store.apply([forget(2)], {})
        assert await ids(trail) == ["e4", "e5"]


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[Gateway]:
    told = [
        entry("e1"),
        entry("e2", 1, action="customer.reveal", object="1000 phone", reason="约定上门时间", correlation="c-77"),
        entry("e3", 2, actor="H0001", role="head", object="2000", result="404"),
        entry("e4", 2, actor="H0001", role="head", action="alerts.list", object="*"),
    ]
    async with gateway(tmp_path, told={"audit.log": told}) as made:
        yield made


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, "e4 e3 e2 e1"),
        ({"actor": "M0001"}, "e2 e1"),
        ({"actor": "M0001,H0001", "action": "alerts.list,customer.reveal"}, "e4 e2"),
        ({"object": "1000"}, "e2 e1"),
        ({"object": "1000 "}, "e2"),
        ({"role": "head", "result": "404"}, "e3"),
        ({"correlation_id": "c-77"}, "e2"),
        ({"since": at(1), "until": at(2)}, "e2"),
        ({"since": "2026-07-01"}, ""),
        ({"actor": "nobody"}, ""),
        ({"actor": ","}, ""),
    ],
)
async def test_an_administrator_finds_who_did_what(house: Gateway, query: dict[str, str], found: str) -> None:
    browser = await house.signed_in("X0001")

    async def page(**more: str) -> dict[str, Any]:
        answer = await browser.get("/v1/admin/audit", params={**query, **more})
        assert answer.status_code == 200, answer.text
        return answer.json()  # type: ignore[no-any-return]

    whole = await page()
    assert " ".join(row["id"] for row in whole["rows"]) == found and whole["next"] is None
    assert whole["seconds_behind"] < 5
    paged: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        part = await page(limit="1", **cursor)
        paged += [row["id"] for row in part["rows"]]
        if part["next"] is None:
            break
        cursor = {"cursor": part["next"]}
    assert " ".join(paged) == found
    assert house.audited[-1][:2] == ("X0001", "audit.read")


async def test_an_entry_says_everything(house: Gateway) -> None:
    browser = await house.signed_in("X0001")
    (row,) = (await browser.get("/v1/admin/audit", params={"correlation_id": "c-77"})).json()["rows"]
    assert row == {
        "id": "e2",
        "at": at(1),
        "actor": "M0001",
        "role": "manager",
        "action": "customer.reveal",
        "object": "1000 phone",
        "reason": "约定上门时间",
        "result": "200",
        "correlation_id": "c-77",
    }


@pytest.mark.parametrize("query", ["cursor=x", "cursor=W10=", "since=yesterday", "limit=0", "actor=" + "x" * 300])
async def test_what_can_not_be_asked(house: Gateway, query: str) -> None:
    browser = await house.signed_in("X0001")
    assert (await browser.get(f"/v1/admin/audit?{query}")).status_code == 422


async def test_only_administrators_look(house: Gateway) -> None:
    for staff_no in ("M0001", "H0001", "C0001", "A0001", "O0001"):
        browser = await house.signed_in(staff_no)
        assert (await browser.get("/v1/admin/audit")).status_code == 403


async def test_who_was_given_the_right_looks_where_they_see_the_whole_province(tmp_path: Path) -> None:
    rows = MemoryDocuments(MemoryStore())
    for role in ("analyst", "head"):
        rights = {**SEEDS[role].rights, "admin": ("see", "change")}
        given = msgspec.structs.replace(SEEDS[role], rights=rights)
        await Roles(rows).save(role, given, after=0, author="X0001", reason="…", key=None)
    async with gateway(tmp_path, rows, told={"audit.log": [entry("e1", object="1000")]}) as house:
        whole = house.machine("analyst", "A0001")
        assert [row["id"] for row in (await whole.get("/v1/admin/audit")).json()["rows"]] == ["e1"]
        head, kind = await house.signed_in("H0001"), house.machine("analyst", "A0002", scope={"kinds": ["arrears"]})
        role = {"name_zh": "负责人", "name_en": "head", "rights": {}, "reason": "…"}
        for part in (head, kind):
            for refused in (
                await part.get("/v1/admin/audit"),
                await part.post("/v1/admin/effect", json={"grants": [{"role": "analyst"}]}),
                await part.put("/v1/admin/roles/head", json=role, headers={"if-match": '"1"'}),
            ):
                assert (refused.status_code, refused.json()["error"]) == (403, "whole_province_only")
            assert (await part.get("/v1/admin/roles/head")).json()["version"] == 1


async def test_a_cursor_of_strange_bytes_is_refused(tmp_path: Path) -> None:
    async with running(tmp_path, Log()) as trail:
        for cursor in ("\u00e9", "====", "A"):
            with pytest.raises(Refused):
                await trail.store.read(lambda connection, c=cursor: find(connection, {}, c, 1))  # type: ignore[misc]


async def test_no_audit_no_audit_log(house: Gateway) -> None:
    browser = await house.signed_in("X0001")
    house.audit_works = False
    answer: httpx.Response = await browser.get("/v1/admin/audit")
    assert answer.status_code == 503
