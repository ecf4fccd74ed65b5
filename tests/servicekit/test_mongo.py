"""The query database on a real server: what follows replaces only what is older, and reads show none of that."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from motor.motor_asyncio import AsyncIOMotorClient
from pymongo.errors import BulkWriteError, OperationFailure

from servicekit import mongo
from servicekit.mongo import MongoDocuments
from servicekit.store import Transient
from servicekit.unfollowed import Unfollowed

embedded = pytest.mark.embedded


@pytest.fixture
async def database(mongodb: str, mongo_database: str) -> AsyncIterator[Any]:
    client: Any = AsyncIOMotorClient(mongodb, tz_aware=True)
    yield client[mongo_database]
    await client.drop_database(mongo_database)
    client.close()


def version(commit: int, doc: dict[str, Any] | None, id_: str = "a", epoch: str = "e", new: bool = False) -> Unfollowed:
    return Unfollowed("things", id_, epoch, commit, doc, new)


@embedded
async def test_only_what_is_older_is_replaced_any_number_of_times(database: Any) -> None:
    documents = MongoDocuments(database)
    await database["things"].insert_one({"_id": "a", "n": 0, "old": True})  # of a time without versions

    async def a() -> dict[str, Any] | None:
        return await documents.get("things", "a")

    for commit, n, then in ((2, 2, 2), (2, 9, 2), (1, 1, 2), (3, 3, 3), (1, 1, 3)):
        assert await documents.follow([version(commit, {"n": n})]) == []
        assert await a() == {"_id": "a", "n": then}, "whole, and without its version"
    await documents.follow([version(1, {"n": 7}, epoch="another")])
    assert await a() == {"_id": "a", "n": 7}, "a store that began anew counts anew"
    assert await documents.find("things") == [{"_id": "a", "n": 7}] and documents.away_since is None


@embedded
async def test_what_is_said_to_be_new_and_is_there_already_is_guarded_too(database: Any) -> None:
    documents = MongoDocuments(database)
    bulk = [version(2, {"n": 1}, str(n), new=True) for n in range(5)]
    assert await documents.follow(bulk) == [] and await documents.follow(bulk) == []
    await documents.follow([version(1, {"n": 0}, "1", new=True), version(3, {"n": 3}, "2", new=True),
                            version(3, {"n": 9}, "9", new=True)])  # fmt: skip
    assert {d["_id"]: d["n"] for d in await documents.find("things")} == {
        "0": 1, "1": 1, "2": 3, "3": 1, "4": 1, "9": 9
    }  # fmt: skip


@embedded
async def test_each_document_once_without_its_version(database: Any) -> None:
    documents = MongoDocuments(database)
    await documents.follow([version(1, {"n": n}, str(n), new=True) for n in range(20)])
    found = [document async for document in documents.each("things", at_once=7)]
    assert sorted(d["n"] for d in found) == list(range(20)) and all(d.keys() == {"_id", "n"} for d in found)
    some = documents.each("things", {"n": {"$gte": 5}}, sort="-n", at_once=7)
    assert [document["n"] async for document in some] == list(range(19, 4, -1))
    assert [document async for document in documents.each("none")] == []


@embedded
async def test_an_older_removal_removes_nothing(database: Any) -> None:
    documents = MongoDocuments(database)
    await documents.follow([version(5, {"n": 5}), version(5, {"n": 5}, "b"), version(5, {"n": 5}, "c", "other")])
    await documents.follow([version(4, None), version(6, None, "b"), version(1, None, "c"), version(1, None, "none")])
    assert [d["_id"] for d in await documents.find("things")] == ["a"]
    await documents.follow([version(6, None)])
    assert await documents.count("things") == 0


@embedded
async def test_words_of_the_query_language_are_plain_text(database: Any) -> None:
    documents = MongoDocuments(database)
    doc = {"text": "$_epoch", "list": ["$$ROOT", {"a": "$a"}], "none": None, "real": 1.5, "数": "字"}
    for new, commit in ((True, 1), (False, 2)):
        await documents.follow([version(commit, doc, new=new)])
        assert await documents.get("things", "a") == {"_id": "a", **doc}


@embedded
async def test_what_no_server_takes_is_said_and_the_others_are_written(database: Any) -> None:
    documents = MongoDocuments(database)
    refused = await documents.follow(
        [version(1, {"n": 1}), version(1, {"n": 1 << 63}, "big"), version(1, {"x": "x" * (16 << 20)}, "long", new=True),
         version(1, {"n": 1}, "b", new=True)]
    )  # fmt: skip
    assert sorted(row.id for row, _ in refused) == ["big", "long"]
    assert sorted(d["_id"] for d in await documents.find("things")) == ["a", "b"]


@embedded
async def test_two_that_write_the_same_document_at_once_leave_the_newer(database: Any) -> None:
    documents = MongoDocuments(database)
    for round_ in range(5):
        rows = [version(n, {"n": n}, f"r{round_}", new=n == 1) for n in range(1, 9)]
        await asyncio.gather(*(documents.follow([row]) for row in rows))
        assert (await documents.get("things", f"r{round_}") or {})["n"] == 8


@embedded
async def test_documents_are_found_counted_and_forgotten(database: Any) -> None:
    documents = MongoDocuments(database)
    people = [("1", "b", 10, ["x"]), ("2", "a", 20, ["x", "y"]), ("3", "c", 30, []), ("4", None, 40, ["z"])]
    await documents.follow(
        [version(1, {"name": n, "age": a, "tags": t, "in": {"city": i}}, i) for i, n, a, t in people]
    )

    async def ids(where: dict[str, Any] | None = None, **how: Any) -> list[str]:
        return [d["_id"] for d in await documents.find("things", where, **how)]

    assert sorted(await ids()) == ["1", "2", "3", "4"]
    assert await ids({"name": "a"}) == ["2"] and await ids({"in.city": "3"}) == ["3"]
    assert sorted(await ids({"age": {"$gte": 20, "$lt": 40}})) == ["2", "3"] and sorted(await ids({"tags": "x"}))
    assert await ids({}, sort="name") == ["4", "2", "1", "3"] and await ids({}, sort="-age", limit=2) == ["4", "3"]
    assert await documents.forget("things", {"age": {"$lt": 30}}) == 2 and await documents.count("things") == 2
    await documents.index("things", "name")
    await documents.add("things", "3", {"name": "new"})
    assert await ids({"name": "c"}) == ["3"], "what is there stays as it is"


@embedded
async def test_an_index_and_the_first_document_of_a_collection_at_once_stop_nobody(mongodb: str, database: Any) -> None:
    """Two workers of a service begin together. (The embedded server hung for good, once in some hundred starts.)"""
    client: Any = AsyncIOMotorClient(mongodb, tz_aware=True)
    one, other = MongoDocuments(database), MongoDocuments(client[database.name])
    try:
        async with asyncio.timeout(60):
            for n in range(100):
                name = f"things{n}"
                await asyncio.gather(
                    one.index(name, "n"), other.add(name, "a", {"n": n}), one.put(name, "b", {"n": n}),
                    other.follow([Unfollowed(name, "c", "e", 1, {"n": n}, True)]), other.index(name, "n", "m"),
                )  # fmt: skip
                assert await one.count(name) == 3
    finally:
        client.close()


async def test_a_server_that_is_away_says_since_when_and_one_call_at_a_time_asks_for_it() -> None:
    client: Any = AsyncIOMotorClient("mongodb://127.0.0.1:9/", serverSelectionTimeoutMS=100)
    documents = MongoDocuments(client["nowhere"])
    with pytest.raises(Transient) as first:
        await documents.find("things")
    since = first.value.since
    assert since is not None and documents.away_since == since
    failures = await asyncio.gather(
        documents.get("things", "a"), documents.count("things"), documents.follow([version(1, {"n": 1})]),
        return_exceptions=True,
    )  # fmt: skip
    assert [type(failure) for failure in failures] == [Transient] * 3
    assert {failure.since for failure in failures if isinstance(failure, Transient)} == {since}
    assert [str(f) for f in failures].count("it is being asked") == 2


@pytest.mark.parametrize("code", [112, 46, 14031])
async def test_a_full_disk_or_a_lock_of_the_server_is_no_fault_of_a_document(code: int) -> None:
    documents = MongoDocuments(_Failing(code))  # type: ignore[arg-type]
    with pytest.raises(Transient):
        await documents.follow([version(1, {"n": 1})])
    assert await MongoDocuments(_Failing(121)).follow([version(1, {"n": 1})]) == [(version(1, {"n": 1}), "no")]  # type: ignore[arg-type]


class _Failing:
    """A database that refuses every document with a code."""

    def __init__(self, code: int) -> None:
        self._code = code

    def __getitem__(self, name: str) -> "_Failing":
        return self

    async def create_collection(self, name: str, **how: Any) -> None:
        raise OperationFailure("it is there", 48)

    async def bulk_write(self, writes: list[Any], **how: Any) -> None:
        raise BulkWriteError({"writeErrors": [{"index": 0, "code": self._code, "errmsg": "no"}]})


async def test_a_server_that_hangs_counts_as_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mongo, "READ_SECONDS", 0.05)

    class Hanging(_Failing):
        async def find_one(self, where: Any) -> None:
            await asyncio.Event().wait()

    documents = MongoDocuments(Hanging(0))  # type: ignore[arg-type]
    with pytest.raises(Transient):
        await documents.get("things", "a")
    assert documents.away_since is not None
