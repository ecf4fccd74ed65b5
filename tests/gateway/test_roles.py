"""Role documents: who may change them, in force at the next click, two who change one at once, and what another release
has written."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from gateway.access.rights import SEEDS, known
from harness.people import Gateway, gateway
from servicekit.memory_store import MemoryDocuments, MemoryStore

ROLE = "/v1/admin/roles/analyst"


@pytest.fixture
def rows() -> MemoryDocuments:
    return MemoryDocuments(MemoryStore())


@pytest.fixture
async def house(tmp_path: Path, rows: MemoryDocuments) -> AsyncIterator[Gateway]:
    async with gateway(tmp_path, rows) as made:
        yield made


@pytest.fixture
async def admin(house: Gateway) -> httpx.AsyncClient:
    return await house.signed_in("X0001")


async def change(admin: httpx.AsyncClient, version: int, path: str = ROLE, **fields: Any) -> httpx.Response:
    before = (await admin.get(path)).json()
    body = {name: before[name] for name in ("name_zh", "name_en", "rights", "clear", "reveals")}
    return await admin.put(path, json={**body, "reason": "改", **fields}, headers={"if-match": f'"{version}"'})


async def test_what_a_role_loses_nobody_has_at_their_next_click(house: Gateway, admin: httpx.AsyncClient) -> None:
    analyst = await house.signed_in("A0001")
    assert (await analyst.get("/v1/alerts")).status_code == 200
    assert (await change(admin, 0, rights={"overview": ["see"]})).status_code == 200
    assert (await analyst.get("/v1/alerts")).status_code == 403
    assert (await house.machine("analyst").get("/v1/alerts")).status_code == 403
    assert [v["version"] for v in (await admin.get(f"{ROLE}/history")).json()] == [1, 0]
    assert ("X0001", "role.changed", "analyst", "200", "改") in house.audited


async def test_of_two_who_change_a_role_at_once_the_second_is_told(admin: httpx.AsyncClient) -> None:
    assert (await change(admin, 0, clear=["name"])).status_code == 200
    assert (await change(admin, 0, clear=[])).status_code == 412
    assert (await admin.get(ROLE)).json()["clear"] == ["name"]


async def test_administrators_keep_administration(admin: httpx.AsyncClient) -> None:
    for rights in ({}, {"admin": ["see"]}, {"admin": ["change"]}):
        refused = await change(admin, 0, "/v1/admin/roles/administrator", rights=rights)
        assert (refused.status_code, refused.json()["error"]) == (422, "last_right")


@pytest.mark.parametrize(
    "fields",
    [
        {"rights": {"forecasts": ["see"]}},
        {"rights": {"alerts": ["shred"]}},
        {"clear": ["dna"]},
        {"clear": ["name"], "reveals": ["name"]},
        {"name_zh": ""},
        {"reason": ""},
    ],
)
async def test_what_is_no_role_is_kept_nowhere(admin: httpx.AsyncClient, fields: dict[str, Any]) -> None:
    assert (await change(admin, 0, **fields)).status_code == 422
    assert (await admin.get(ROLE)).json()["version"] == 0
    assert (await admin.get("/v1/admin/roles/janitor")).status_code == 404


async def test_what_a_later_release_wrote_keeps_nobody_out(tmp_path: Path, rows: MemoryDocuments) -> None:
    """Rights that this one does not know are nobody's; those it knows stand as they were written."""
    written = {
        "id": "analyst", "version": 3, "state": "active", "author": "X0001", "reason": "新", "key": None,
        "at": "2026-06-30T00:00:00Z",
        "document": {
            "name_zh": "分析员", "name_en": "analyst", "rights": {"alerts": ["see", "shred"], "forecasts": ["see"]},
            "clear": ["name", "dna"], "reveals": [], "colour": "blue",
        },
    }  # fmt: skip
    await rows.put("roles", "analyst", written)
    async with gateway(tmp_path, rows) as house:
        analyst, admin = await house.signed_in("A0001"), await house.signed_in("X0001")
        assert (await analyst.get("/v1/alerts")).status_code == 200
        assert (await analyst.get("/v1/work")).status_code == 403
        found = (await admin.get(ROLE)).json()
        assert (found["rights"], found["clear"], found["version"]) == ({"alerts": ["see"]}, ["name"], 3)


def test_what_this_release_writes_it_reads_whole() -> None:
    for role in SEEDS.values():
        assert msgspec.convert(known(msgspec.to_builtins(role)), type(role)) == role
