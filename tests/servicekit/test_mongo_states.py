"""An instance of 0.1.0 kept its states in MongoDB: the new version goes on from there, once, whatever fails between."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from motor.motor_asyncio import AsyncIOMotorClient

from servicekit import mongo_states
from servicekit.app import App
from servicekit.committer import Committer
from servicekit.envelope import OutgoingMessage
from servicekit.mongo_states import MongoStates
from servicekit.relay import Relay
from servicekit.rocksdb_store import LocalStore
from servicekit.store import Position

pytestmark = pytest.mark.embedded
_encode = msgspec.msgpack.Encoder().encode


class Broken(Exception):
    """The process ends here."""


@pytest.fixture
async def database(mongodb: str, mongo_database: str) -> AsyncIterator[Any]:
    client: Any = AsyncIOMotorClient(mongodb, tz_aware=True)
    yield client[mongo_database]
    await client.drop_database(mongo_database)
    client.close()


def _message(text: str) -> OutgoingMessage:
    return OutgoingMessage("t", 1, b"key", text.encode(), [("ce_id", b"1")])


async def _as_of_0_1_0(database: Any, states: int = 5) -> None:
    """What MongoStore wrote for the processor app-x.0, and something of app-x.1."""
    position = {"offsets": {"t/0": 7}, "marks": {"clock": "2026-06-01T00:00:00.000000Z"}, "next_sequence": 6,
                "epoch": "abcd"}  # fmt: skip
    await database["app_x_units"].insert_one(
        {"_id": "app-x.0", "owner": "old", "session": b"s" * 16, "commits": 9, "position": _encode(position)}
    )
    await database["app_x_units"].insert_one(
        {"_id": "app-x.1", "owner": "old", "commits": 1, "position": _encode(Position(epoch="efgh"))}
    )
    await database["app_x_state"].insert_many(
        [{"_id": f"k{n}", "u": "app-x.0", "w": 100 * n, "s": _encode(n)} for n in range(states)]
    )
    await database["app_x_state"].insert_one({"_id": "other", "u": "app-x.1", "w": 0, "s": _encode(99)})
    packs = [[(3, _message("three")), (4, _message("four"))], [(5, _message("five"))]]
    await database["app_x_outbox"].insert_many(
        [{"_id": f"app-x.0:{p[0][0]}", "u": "app-x.0", "n": p[-1][0], "m": _encode(p)} for p in packs]
    )


async def _opened(
    path: Path, database: Any, name: str = "app-x.0", stores: list[LocalStore] | None = None
) -> tuple[Committer, LocalStore]:
    app = App(name="app-x", service="x", state=int, handlers={}, index=lambda state: [("number", str(state))])
    store = LocalStore(path)
    if stores is not None:
        stores.append(store)
    committer = Committer(name, app, store, Relay(name, "x", store, None))  # type: ignore[arg-type]
    committer.earlier = MongoStates(database, "app-x").take_over
    await committer.open()
    return committer, store


async def _is_whole(committer: Committer, store: LocalStore) -> None:
    assert await store.load([f"k{n}" for n in range(5)] + ["other"]) == {f"k{n}": _encode(n) for n in range(5)}
    assert await store.due(10**9, 10) == [(f"k{n}", 100 * n) for n in range(1, 5)] and committer.next_due == 100
    assert [(n, m.value) for n, m in await store.outbox(0, 10)] == [(3, b"three"), (4, b"four"), (5, b"five")]
    assert await store.find("number", "3") == [("3", "k3")]
    assert (committer.position.offsets, committer.position.next_sequence) == ({"t/0": 7}, 6)
    assert committer.now.isoformat() == "2026-06-01T00:00:00+00:00"


async def test_states_timers_outbox_and_position_go_on_where_they_were(database: Any, tmp_path: Path) -> None:
    await _as_of_0_1_0(database)
    committer, store = await _opened(tmp_path / "a", database)
    await _is_whole(committer, store)
    await store.close()
    unit = await database["app_x_units"].find_one({"_id": "app-x.0"})
    assert unit["owner"] != "old", "a process of the version before can commit nothing any more"
    await MongoStates(database, "app-x").drop()
    assert await database["app_x_state"].count_documents({}) == 6, "another processor has not taken its own over"
    committer, store = await _opened(tmp_path / "a", database)
    await _is_whole(committer, store)
    await store.close()


async def test_nothing_is_taken_over_twice_also_when_disk_and_journal_are_lost(database: Any, tmp_path: Path) -> None:
    await _as_of_0_1_0(database)
    for path in ("a", "b"):
        committer, store = await _opened(tmp_path / path, database)
        assert bool(committer.position.offsets) == (path == "a")
        await store.close()
    committer, store = await _opened(tmp_path / "c", database, "app-x.1")
    assert await store.load(["other"]) == {"other": _encode(99)}
    await store.close()
    await MongoStates(database, "app-x").drop()
    assert set(await database.list_collection_names()) == {"app_x_units"}


@pytest.mark.parametrize("at", range(1, 6))
async def test_a_crash_on_the_way_begins_anew(
    database: Any, tmp_path: Path, at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mongo_states, "_BATCH", 2)
    await _as_of_0_1_0(database)
    steps, write = [0], Committer.write

    async def broken(self: Committer, batch: Any) -> None:
        steps[0] += 1
        if steps[0] == at:
            raise Broken
        await write(self, batch)

    left = list[LocalStore]()
    monkeypatch.setattr(Committer, "write", broken)
    with pytest.raises(Broken):
        await _opened(tmp_path / "a", database, stores=left)
    monkeypatch.setattr(Committer, "write", write)
    await left[0].close()
    committer, store = await _opened(tmp_path / "a", database)
    await _is_whole(committer, store)
    await store.close()


async def test_where_there_was_none_a_store_begins_empty_and_asks_once(database: Any, tmp_path: Path) -> None:
    committer, store = await _opened(tmp_path / "a", database)
    assert committer.position.offsets == {} and committer.position.commits == 2
    await store.close()
    committer, store = await _opened(tmp_path / "a", None)
    assert committer.position.commits == 2, "the database is not asked again"
    await store.close()
