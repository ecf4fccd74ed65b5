"""What people author is read at the start, from a copy on disk where the database does not answer."""

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import pytest

from alerts import bootstrap, store
from alerts.settings import Settings
from harness.notifications_feed import BOOK
from harness.sms_workers import AwayRows
from harness.waiting import eventually
from servicekit import authored as module
from servicekit import store as servicekit_store
from servicekit.authored import AuthoredDocuments
from servicekit.memory_store import MemoryDocuments, MemoryStore


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_PATIENCE", 0.05)
    monkeypatch.setattr(servicekit_store, "_FIRST_DELAY", 0.001)


def database() -> MemoryDocuments:
    """One with a later version of the policy and a blocked number."""
    memory = MemoryStore()
    policy = {"_id": 7j, **msgspec.to_builtins(BOOK.policy), "version": 99}  # an id that JSON does not know
    memory.documents = {"policies": {"p": policy}, "blocked_numbers": {"1": {"_id": "1", "phone": "8613900000009"}}}
    return MemoryDocuments(memory)


async def in_force(authored: AuthoredDocuments) -> tuple[int, set[str]]:
    by_people, opted_out = await store.read_blocked(authored)
    assert not opted_out
    return (await store.read_policy(authored)).version, by_people


async def test_a_copy_serves_while_the_database_is_away(tmp_path: Path) -> None:
    copy = tmp_path / "authored.json"
    authored = AuthoredDocuments(database(), store.AUTHORED, copy)
    await authored.read()
    assert await in_force(authored) == (99, {"8613900000009"})
    away = AuthoredDocuments(AwayRows(), store.AUTHORED, copy)
    await away.read()
    assert await in_force(away) == (99, {"8613900000009"})


@pytest.mark.parametrize("copy", [None, b'{"rules": [{"id":', b"[]", b'{"rules": []}', b'{"rules": [{"id": "\xff"}]}'])
async def test_without_a_copy_the_database_is_waited_for(tmp_path: Path, copy: bytes | None) -> None:
    path, rows = tmp_path / "authored.json", AwayRows()
    if copy is not None:
        path.write_bytes(copy)
    authored = AuthoredDocuments(rows, store.AUTHORED, path)
    reading = asyncio.create_task(authored.read())
    await eventually(lambda: rows.asked > 2)
    assert not reading.done()
    rows.__class__ = MemoryDocuments
    await reading
    assert await in_force(authored) == (BOOK.policy.version, set()), "the seeds"


async def test_indexes_and_seeds_are_made_once_the_database_is_back(tmp_path: Path) -> None:
    copy, made = tmp_path / "authored.json", []
    await AuthoredDocuments(database(), store.AUTHORED, copy).read()

    async def prepare() -> None:
        if not made:
            made.append("tried")
            await asyncio.Event().wait()  # it hangs
        made.append("made")

    authored = AuthoredDocuments(database(), store.AUTHORED, copy, prepare)
    await authored.read()
    assert made == ["tried"] and (await in_force(authored))[0] == 99
    for _ in range(2):
        await authored.prepare()
    assert made == ["tried", "made"]


async def test_a_disk_that_takes_no_copy_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    authored = AuthoredDocuments(database(), store.AUTHORED, tmp_path / "file" / "authored.json")
    await authored.read()
    assert (await in_force(authored))[0] == 99


async def test_the_service_is_put_together_without_its_database(tmp_path: Path) -> None:
    settings = Settings(service_data=tmp_path, kafka="nowhere:1", sms_transport="file", environment="demo")
    memory: dict[str, Any] = {n: lambda *_: MemoryStore() for n in ("detection_stores", "notification_stores")}
    for rows in (database(), AwayRows()):
        service = bootstrap.build(settings, rows=rows, **memory)
        for prepare in service.prepare:
            await prepare()
        assert len(service.jobs) == 6
