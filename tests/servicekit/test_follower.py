"""Documents reach the query database once each, newest last, whatever fails between; nothing waits for them."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from fastapi import APIRouter

from harness.seeds import seeds
from harness.waiting import eventually
from servicekit import follower as follower_module
from servicekit.decision import DocumentWrite
from servicekit.follower import BULK, Follower
from servicekit.rocksdb_store import LocalStore
from servicekit.service import Service
from servicekit.settings import ServiceSettings
from servicekit.store import Batch, Transient
from servicekit.unfollowed import Unfollowed


class Crash(BaseException):
    """The process ends here."""


class View:
    """A query database with the guard of the real one; it fails as it is told."""

    def __init__(self) -> None:
        self.documents: dict[tuple[str, str], Unfollowed] = {}
        self.is_away = False
        self.poison: set[str] = set()
        self.bulks: list[int] = []
        self.on_write: Callable[[], None] = lambda: None

    async def follow(self, rows: list[Unfollowed]) -> list[tuple[Unfollowed, str]]:
        if self.is_away:
            raise Transient("away")
        self.bulks.append(len(rows))
        for row in rows:
            there = self.documents.get((row.collection, row.id))
            if row.id in self.poison or (there and there.epoch == row.epoch and there.commit >= row.commit):
                continue
            if row.doc is None:
                self.documents.pop((row.collection, row.id), None)
            else:
                self.documents[row.collection, row.id] = row
        self.on_write()
        return [(row, "no such thing") for row in rows if row.id in self.poison]

    def told(self) -> dict[str, Any]:
        return {id_: row.doc["n"] for (_, id_), row in self.documents.items() if row.doc is not None}


def rows(*pairs: tuple[str, int | None]) -> Batch:
    return Batch(writes=[DocumentWrite("things", i, None if n is None else {"n": n}) for i, n in pairs])


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follower_module, "PAUSE_SECONDS", 0.0)
    monkeypatch.setattr(follower_module, "REST_SECONDS", 0.0)
    monkeypatch.setattr(follower_module, "_FIRST_DELAY", 0.001)
    monkeypatch.setattr(follower_module, "_LONGEST_DELAY", 0.01)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[LocalStore]:
    opened = LocalStore(tmp_path / "store")
    await opened.open()
    yield opened
    await opened.close()


class Running:
    """``with`` it, a follower is at work."""

    def __init__(self, view: View, keep: Path, *stores: LocalStore, prepare: Any = None) -> None:
        self.follower = Follower("things", view, keep, prepare)
        for store in stores:
            self.follower.attach(store)

    async def __aenter__(self) -> Follower:
        self._task = asyncio.create_task(self.follower.run())
        return self.follower

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)


def is_done(*stores: LocalStore) -> Callable[[], bool]:
    return lambda: not any(store.documents_waiting()[0] for store in stores)


async def test_what_is_committed_is_written_also_what_came_before(store: LocalStore, tmp_path: Path) -> None:
    view = View()
    await store.commit(rows(("a", 1)))
    async with Running(view, tmp_path, store):
        await eventually(is_done(store))
        assert view.told() == {"a": 1}
        await store.commit(rows(("a", 2), ("b", 1)))
        await store.commit(rows(("b", None), ("c", 3)))
        await eventually(is_done(store))
    assert view.told() == {"a": 2, "c": 3}


async def test_under_load_documents_leave_in_bulks_of_every_store(store: LocalStore, tmp_path: Path) -> None:
    view, other = View(), LocalStore(tmp_path / "other")
    await other.open()
    await store.commit(rows(*((str(n), n) for n in range(2 * BULK + 1))))
    await other.commit(rows(("x", 1)))
    async with Running(view, tmp_path, store, other):
        await eventually(is_done(store, other))
    assert len(view.told()) == 2 * BULK + 2 and sorted(view.bulks) == [1, 1, BULK, BULK]
    assert view.bulks.index(1) < 3, "nobody waits until another has nothing left"
    await other.close()


async def test_where_many_wait_each_rests_and_is_written_once(
    store: LocalStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"FEW": 2, "REST_SECONDS": 0.1, "ROUND_SECONDS": 0.01}.items():
        monkeypatch.setattr(follower_module, name, value)
    view = View()
    await store.commit(rows(("a", 1), ("b", 1), ("c", 1)))
    async with Running(view, tmp_path, store):
        await store.commit(rows(("a", 2), ("b", 2), ("c", 2)))
        await eventually(is_done(store))
    assert view.bulks == [3] and view.told() == {"a": 2, "b": 2, "c": 2}


async def test_a_database_that_is_away_keeps_nobody_waiting_but_documents(store: LocalStore, tmp_path: Path) -> None:
    view, prepared = View(), list[int]()
    view.is_away = True

    async def prepare() -> None:
        if view.is_away:
            raise Transient("away")
        prepared.append(1)

    async with Running(view, tmp_path, store, prepare=prepare) as follower:
        for n in range(50):
            await store.commit(rows(("a", n), (f"b{n}", n)))
        assert store.documents_waiting()[0] == 51 and view.bulks == []
        assert not await follower.show(store, "things", "a", seconds=0.01)
        view.is_away = False
        await eventually(is_done(store))
    assert prepared == [1] and view.told() == {"a": 49, **{f"b{n}": n for n in range(50)}}


async def test_an_error_nobody_knows_is_waited_out_too(store: LocalStore, tmp_path: Path) -> None:
    view, left = View(), [3]

    def fail() -> None:
        left[0] -= 1
        if left[0] >= 0:
            raise RuntimeError("not authorized")

    view.on_write = fail
    await store.commit(rows(("a", 1)))
    async with Running(view, tmp_path, store):
        await eventually(is_done(store))
    assert view.told() == {"a": 1} and left[0] == -1


async def test_a_document_that_no_database_takes_is_kept_on_disk_and_the_others_go_on(
    store: LocalStore, tmp_path: Path
) -> None:
    view, keep = View(), tmp_path / "refused"
    view.poison = {"bad"}
    await store.commit(rows(("a", 1), ("bad", 2), ("c", 3)))
    async with Running(view, keep, store):
        await eventually(is_done(store))
    assert view.told() == {"a": 1, "c": 3}
    (kept,) = keep.glob("*.json")
    assert msgspec.json.decode(kept.read_bytes())["doc"] == {"n": 2}


async def test_one_s_own_write_does_not_wait_for_its_turn(store: LocalStore, tmp_path: Path) -> None:
    view = View()
    async with Running(view, tmp_path, store) as follower:
        await eventually(lambda: follower._is_prepared.is_set())
        blocked = asyncio.Event()
        follow = view.follow

        async def slow(bulk: list[Unfollowed]) -> list[tuple[Unfollowed, str]]:
            if len(bulk) > 1:
                await blocked.wait()
            return await follow(bulk)

        view.follow = slow  # type: ignore[method-assign]
        await store.commit(rows(*((str(n), n) for n in range(100))))
        await store.commit(rows(("mine", 1)))
        assert await follower.show(store, "things", "mine") and view.told() == {"mine": 1}
        await store.commit(rows(("mine", 2)))
        assert await follower.show(store, "things", "mine") and view.told() == {"mine": 2}
        assert await follower.show(store, "things", "unknown")
        view.on_write = lambda: 1 / 0  # type: ignore[assignment,return-value]
        await store.commit(rows(("mine", 3)))
        assert not await follower.show(store, "things", "mine"), "it was changed all the same"
        view.on_write = lambda: None
        blocked.set()
        await eventually(is_done(store))
    assert view.told()["mine"] == 3


@pytest.mark.parametrize("seed", seeds(3, 10))
async def test_the_view_equals_the_state_after_any_crash(tmp_path: Path, seed: int) -> None:
    """A process ends after the write, after the answer, or with its deletions forgotten; old processes write late."""
    rng, view = random.Random(seed), View()
    newest: dict[str, int | None] = {}
    late: list[list[Unfollowed]] = []

    async def grown(process: LocalStore, n: int) -> None:
        pairs = [(str(rng.randrange(8)), n * 10 + i) for i in range(rng.randrange(1, 5))]
        await process.commit(rows(*pairs))
        newest.update(pairs)

    store = LocalStore(tmp_path / "store")
    await store.open()
    for n in range(40):
        await grown(store, n)
        follower = Follower("things", view, tmp_path)
        found = await store.unfollowed(rng.randrange(1, 6))
        match rng.randrange(5):
            case 0:  # written, and then the process ends
                await view.follow(found)
            case 1:  # the process is paused before it writes
                late.append(found)
            case 2 if late:  # and goes on when others have written
                await view.follow(late.pop())
            case 3:  # written, and something comes up before it is forgotten
                await view.follow(found)
                await grown(store, n + 100)
                await store.followed(found)
            case _:
                await follower._follow(store, found)
        if rng.random() < 0.3:
            await store.close()
            store = LocalStore(tmp_path / "store")
            await store.open()
    async with Running(view, tmp_path, store):
        await eventually(is_done(store))
    for found in late:
        await view.follow(found)
    assert view.told() == newest
    await store.close()


async def test_reads_say_how_old_they_are_and_since_when_the_database_is_away(tmp_path: Path) -> None:
    settings = ServiceSettings(service_data=tmp_path, kafka="127.0.0.1:9", partitions=1)
    service, router = Service("things", settings), APIRouter(prefix="/v1")

    @router.get("/things")
    async def things() -> dict[str, str]:
        raise Transient("away", datetime(2026, 6, 1, 4, tzinfo=UTC))

    @router.get("/others")
    async def others() -> dict[str, str]:
        return {}

    service.routers.append(router)
    transport = httpx.ASGITransport(app=service.asgi())
    async with httpx.AsyncClient(transport=transport, base_url="http://things") as client:
        refused = await client.get("/v1/things")
        assert refused.status_code == 503 and refused.json()["error"] == "store_away"
        assert "2026-06-01T04:00" in refused.json()["en"] and refused.headers["retry-after"]
        assert (await client.get("/v1/others")).headers.get("kam-seconds-behind") is None
        assert "kam-seconds-behind" not in (await client.get("/health/live")).headers


async def test_documents_too_large_for_one_bulk_all_leave(store: LocalStore, tmp_path: Path) -> None:
    """Also where nothing comes up any more that would wake the follower."""
    view = View()
    large = DocumentWrite("things", "", {"n": 0, "text": "x" * (1 << 20)})
    for n in range(20):
        await store.commit(Batch(writes=[msgspec.structs.replace(large, id=str(n))]))
    async with Running(view, tmp_path, store):
        await eventually(is_done(store))
    assert len(view.told()) == 20
