"""What a store promises: one suite for the fake and the real ones."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from motor.motor_asyncio import AsyncIOMotorClient

from servicekit.decision import DocumentWrite
from servicekit.envelope import OutgoingMessage
from servicekit.memory_store import MemoryDocuments, MemoryStore
from servicekit.mongo import MongoDocuments
from servicekit.rocksdb_store import LocalStore
from servicekit.store import Batch, Documents, Fenced, Store

Open = Callable[[str], Store]
FOLLOWED = pytest.param("followed", marks=pytest.mark.embedded)


def message(text: str) -> OutgoingMessage:
    return OutgoingMessage("t", 1, b"key", text.encode(), [("ce_id", b"1")])


def batch(n: int = 1, **fields: Any) -> Batch:
    return Batch(**{"next_sequence": n, **fields})


class Backend:
    """One place where processors are kept. ``processor`` is a new process's store of a processor, ``rows`` what people
    read.
    """

    def __init__(self, kind: str, processor: Open, rows: Documents | None) -> None:
        self.kind, self.processor, self.rows = kind, processor, rows


class FollowedStore(LocalStore):
    """A local store whose documents are in the query database after each commit."""

    def __init__(self, path: Path, documents: MongoDocuments) -> None:
        super().__init__(path)
        self._rows = documents

    async def commit(self, batch: Batch) -> None:
        await super().commit(batch)
        while rows := await self.unfollowed(100):
            assert await self._rows.follow(rows) == []
            await self.followed(rows)


@pytest.fixture(params=["memory", "local", FOLLOWED])
async def backend(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Backend]:
    if request.param == "memory":
        stores: dict[str, MemoryStore] = {"app.0": MemoryStore()}
        yield Backend(
            "memory",
            lambda processor: MemoryStore(stores.setdefault(processor, MemoryStore())),
            MemoryDocuments(stores["app.0"]),
        )
    elif request.param == "local":
        yield Backend("local", lambda processor: LocalStore(tmp_path / processor), None)
    else:
        client: Any = AsyncIOMotorClient(request.getfixturevalue("mongodb"), tz_aware=True)
        rows = MongoDocuments(client[database := request.getfixturevalue("mongo_database")])
        yield Backend("followed", lambda processor: FollowedStore(tmp_path / processor, rows), rows)
        await client.drop_database(database)
        client.close()


@pytest.fixture
async def store(backend: Backend) -> Store:
    opened = backend.processor("app.0")
    await opened.open()
    return opened


async def reopened(backend: Backend, store: Store) -> tuple[Store, Any]:
    await store.close()
    again = backend.processor("app.0")
    return again, await again.open()


async def test_a_new_unit_stands_at_the_beginning(backend: Backend) -> None:
    store = backend.processor("app.7")
    position = await store.open()
    assert (position.offsets, position.marks, position.next_sequence) == ({}, {}, 1) and position.epoch
    assert await store.load(["a"]) == {} and await store.next_due() is None
    assert await store.due(10**15, 10) == [] and await store.outbox(0, 10) == []
    await store.close()


async def test_a_commit_is_there_after_the_process_has_gone(backend: Backend, store: Store) -> None:
    await store.commit(batch(2, states={"a": (b"A", 500)}, offsets={"t/0": 7}, marks={"clock": "x", "seen": "1"}))
    await store.commit(batch(4, states={"b": (b"B", None)}, offsets={"t/1": 9}, marks={"seen": "2"},
                             outbox=[(2, message("two")), (3, message("three"))]))  # fmt: skip
    store, position = await reopened(backend, store)
    assert position.offsets == {"t/0": 7, "t/1": 9} and position.marks == {"clock": "x", "seen": "2"}
    assert position.next_sequence == 4
    assert await store.load(["a", "b", "c"]) == {"a": b"A", "b": b"B"}
    assert await store.due(500, 10) == [("a", 500)] and await store.next_due() == 500
    assert await store.outbox(0, 10) == [(2, message("two")), (3, message("three"))]
    _, again = await reopened(backend, store)
    assert again.epoch == position.epoch, "sequence numbers go on under the same name"


async def test_a_state_is_replaced_and_forgotten_with_its_wish_to_wake(store: Store) -> None:
    await store.commit(batch(states={"a": (b"1", 100), "b": (b"1", 100), "c": (b"1", 100), "d": (b"1", None)}))
    await store.commit(batch(states={"a": (b"2", 300), "b": (b"2", None), "c": (None, 50), "d": (b"2", 200)}))
    assert await store.load(["a", "b", "c", "d"]) == {"a": b"2", "b": b"2", "d": b"2"}
    assert await store.due(199, 10) == [] and await store.next_due() == 200
    assert await store.due(1000, 10) == [("d", 200), ("a", 300)]


async def test_due_keys_come_earliest_first_and_a_few_at_a_time(store: Store) -> None:
    await store.commit(batch(states={f"k{n}": (b"s", 1000 - n) for n in range(50)}))
    assert await store.due(1000, 3) == [("k49", 951), ("k48", 952), ("k47", 953)]
    assert await store.due(952, 100) == [("k49", 951), ("k48", 952)]
    assert len(await store.due(1000, 100)) == 50


async def test_a_wrong_hint_of_what_is_new_costs_time_and_nothing_else(backend: Backend, store: Store) -> None:
    if backend.rows is None:
        pytest.skip("keeps no rows")
    for n in (1, 2):
        rows = [DocumentWrite("things", "r", {"n": n}, new=True)]
        await store.commit(batch(n + 1, states={"a": (b"A%d" % n, None)}, writes=rows,
                                 outbox=[(n, message(str(n)))]))  # fmt: skip
    assert await store.load(["a"]) == {"a": b"A2"}
    assert [d["n"] for d in await backend.rows.find("things")] == [2]
    assert [n for n, _ in await store.outbox(0, 10)] == [1, 2]


async def test_documents_are_counted_and_forgotten(backend: Backend, store: Store) -> None:
    if backend.rows is None:
        pytest.skip("keeps no rows")
    await store.commit(batch(writes=[DocumentWrite("things", f"r{n}", {"n": n}) for n in range(5)]))
    assert await backend.rows.count("things") == 5
    assert await backend.rows.forget("things", {"n": {"$lt": 2}}) == 2
    assert await backend.rows.count("things", {"n": {"$in": [0, 1, 2]}}) == 1
    assert await backend.rows.forget("nothing", {"n": 1}) == 0


async def test_the_outbox_keeps_its_order_until_it_is_sent(backend: Backend, store: Store) -> None:
    await store.commit(batch(301, outbox=[(n, message(str(n))) for n in range(1, 301)]))
    assert [n for n, _ in await store.outbox(0, 2)] == [1, 2]
    assert [n for n, _ in await store.outbox(255, 3)] == [256, 257, 258]
    await store.sent(299)
    assert [n for n, _ in await store.outbox(0, 10)] == [300]
    store, _ = await reopened(backend, store)
    await store.commit(batch(302, outbox=[(301, message("301"))]))
    await store.sent(300)
    assert [n for n, _ in await store.outbox(0, 10)] == [301]


async def test_many_keys_at_once(store: Store) -> None:
    keys = [f"客户-{n}" for n in range(3000)]
    await store.commit(batch(states={key: (key.encode(), None) for key in keys}))
    assert await store.load([*keys, "nobody"]) == {key: key.encode() for key in keys}


async def test_units_do_not_see_each_other(backend: Backend, store: Store) -> None:
    other = backend.processor("app.1")
    await other.open()
    await store.commit(batch(2, states={"a": (b"A", 100)}, offsets={"t/0": 1}, outbox=[(1, message("one"))]))
    assert await other.due(1000, 10) == [] and await other.next_due() is None and await other.outbox(0, 10) == []
    await other.commit(batch(2, outbox=[(1, message("other"))]))
    await other.sent(1)
    assert [m.value for _, m in await store.outbox(0, 10)] == [b"one"]
    await other.close()


async def test_a_commit_that_can_not_be_written_leaves_nothing(backend: Backend, store: Store) -> None:
    if backend.kind == "memory":
        pytest.skip("the fake encodes nothing, so nothing can fail half-way")
    broken = OutgoingMessage("t", 1, None, object(), [])  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        await store.commit(
            batch(9, states={"a": (b"A", 5)}, offsets={"t/0": 5}, outbox=[(1, message("x")), (2, broken)])
        )
    assert await store.load(["a"]) == {} and await store.outbox(0, 10) == []
    await store.commit(batch(2, states={"a": (b"A", 5)}))
    _, position = await reopened(backend, store)
    assert (position.offsets, position.next_sequence) == ({}, 2)


async def test_a_second_owner_keeps_the_first_from_writing(backend: Backend, store: Store) -> None:
    await store.commit(batch(2, states={"a": (b"first", None)}))
    with pytest.raises(Fenced):
        # RocksDB keeps the second out, the fake the first.
        await backend.processor("app.0").open()
        await store.commit(batch(3, states={"a": (b"late", None)}))
    assert await store.load(["a"]) == {"a": b"first"}


@pytest.mark.parametrize("backend", ["memory", "local"], indirect=True)
async def test_states_are_found_by_an_index(backend: Backend, store: Store) -> None:
    entries = [("phone", "139", "b"), ("phone", "139", "a"), ("phone", "1390", "c"), ("sms", "139", "a")]
    await store.commit(batch(2, states={"a": (b"A", None)}, index=dict.fromkeys(entries, True)))
    assert await store.find("phone", "139") == [("139", "a"), ("139", "b")]
    assert await store.find("phone") == [("139", "a"), ("139", "b"), ("1390", "c")]
    assert await store.find("phone", "13") == [] == await store.find("nothing")
    await store.commit(batch(3, index={entries[1]: False, ("phone", "138", "a"): True, ("sms", "1", "z"): False}))
    store, _ = await reopened(backend, store)
    assert await store.find("phone") == [("138", "a"), ("139", "b"), ("1390", "c")]
    assert await store.find("sms") == [("139", "a")]
    await store.close()


@pytest.mark.parametrize("backend", ["memory", "local"], indirect=True)
async def test_an_index_takes_any_text_and_is_read_in_pages(store: Store) -> None:
    texts = sorted(["", "\0", "\0\0", "\0\1", "\1", "\1\1", "\1\2", "\2", "a", "a\0", "a\0b", "a\1", "ab", "电话"])
    everything = [(value, key) for value in texts for key in texts]
    put = {(index, value, key): True for index in ("\0x", "x", "x\0", "x\1") for value, key in everything}
    await store.commit(batch(2, index=put))
    assert await store.find("x", "a") == [("a", key) for key in texts]
    pages, after = [], None
    while page := await store.find("x", after=after, limit=17):
        pages += page
        after = page[-1]
    assert pages == everything
    assert await store.find("x", "a", after=("a", "a"), limit=2) == [("a", "a\0"), ("a", "a\0b")]
    await store.close()


@pytest.mark.parametrize("backend", ["memory", FOLLOWED], indirect=True)
async def test_documents_are_replaced_whole_and_found(backend: Backend, store: Store) -> None:
    rows = backend.rows
    assert rows is not None
    people = [("1", "b", 10, ["x"]), ("2", "a", 20, ["x", "y"]), ("3", "c", 30, []), ("4", None, 40, ["z"])]
    await store.commit(
        batch(
            writes=[
                DocumentWrite("people", i, {"name": n, "age": a, "tags": t, "in": {"city": i}}) for i, n, a, t in people
            ]
        )
    )

    async def ids(where: dict[str, Any] | None = None, **how: Any) -> list[str]:
        return [d["_id"] for d in await rows.find("people", where, **how)]

    assert sorted(await ids()) == ["1", "2", "3", "4"]
    assert await ids({"name": "a"}) == ["2"] and await ids({"in.city": "3"}) == ["3"]
    assert sorted(await ids({"name": {"$in": ["a", "c"]}})) == ["2", "3"]
    assert sorted(await ids({"age": {"$gte": 20, "$lt": 40}})) == ["2", "3"]
    assert sorted(await ids({"tags": "x"})) == ["1", "2"]
    assert await ids({}, sort="name") == ["4", "2", "1", "3"] and await ids({}, sort="-age", limit=2) == ["4", "3"]
    await store.commit(
        batch(
            writes=[
                DocumentWrite("people", "1", {"name": "z"}),
                DocumentWrite("people", "2", None),
                DocumentWrite("people", "9", None),
            ]
        )
    )
    assert await rows.get("people", "1") == {"_id": "1", "name": "z"}
    assert await rows.get("people", "2") is None
    await store.commit(batch(writes=[DocumentWrite("people", "1", {"name": "y"}), DocumentWrite("people", "1", None)]))
    assert await rows.get("people", "1") is None, "of two writes in a batch the last stands"


async def test_a_wake_up_before_the_epoch_is_due(store: Store) -> None:
    await store.commit(batch(states={"k": (b"1", -62_135_596_800_000)}))
    assert [key for key, _ in await store.due(10, 10)] == ["k"]
    await store.commit(batch(states={"k": (b"2", None)}))
    assert await store.due(10, 10) == []
