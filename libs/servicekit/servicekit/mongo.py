"""The query database through motor, which only this module knows (past its end of life: pymongo's AsyncMongoClient can
take its place).

A document that was followed carries ``_epoch`` and ``_commit``, the store and the commit it is of; reads hide both.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import bson
from bson.errors import BSONError
from bson.raw_bson import RawBSONDocument
from motor.motor_asyncio import AsyncIOMotorClient, AsyncIOMotorCollection, AsyncIOMotorCursor, AsyncIOMotorDatabase
from pymongo import InsertOne, UpdateOne
from pymongo.errors import AutoReconnect, BulkWriteError, ConnectionFailure, DuplicateKeyError, OperationFailure

from servicekit.clock import system_now
from servicekit.store import Transient
from servicekit.unfollowed import Unfollowed

Document = dict[str, Any]
_EPOCH, _COMMIT = "_epoch", "_commit"
#: how long a read may take, until the server counts as away, and a write
READ_SECONDS, WRITE_SECONDS = 5.0, 60
#: until the first of many come in order: the embedded server sorts all of them before
SORT_SECONDS = 25.0
#: what a document may have with all that is around it in a write: the server takes 16 MB
MOST_BYTES = 15 << 20
_DUPLICATE_KEY, _EXISTS = 11000, 48
_ATTEMPTS = 5
#: lock or time limit of the server reached, write conflict, disk full: nothing is wrong with what was to be written
_PASSING_CODES = frozenset((24, 46, 50, 112, 262, 14031))
_PASSING = (AutoReconnect, ConnectionFailure, TimeoutError)


def connect(uri: str, database: str) -> "AsyncIOMotorDatabase[Document]":
    """Database of a service. Connecting is lazy; nothing is sent here."""
    client: AsyncIOMotorClient[Document] = AsyncIOMotorClient(
        uri,
        tz_aware=True,
        serverSelectionTimeoutMS=int(READ_SECONDS * 1000),
        connectTimeoutMS=int(READ_SECONDS * 1000),
        socketTimeoutMS=WRITE_SECONDS * 1000,
        appname=database,
    )
    return client[database]


class MongoDocuments:
    """A service's documents: people's reads, and what follows from its local stores.

    ``away_since``: system time since when the server has not answered, None while it does. Raises ``Transient`` with
    this time; while the server is away one call at a time asks for it, and the others are refused at once.
    """

    def __init__(self, database: "AsyncIOMotorDatabase[Document]") -> None:
        self._db = database
        self.away_since: datetime | None = None
        self._is_asked = False
        self._made: set[str] = set()

    # --- reads --------------------------------------------------------------------------------------------------

    async def find(
        self, collection: str, where: Document | None = None, *, sort: str | None = None, limit: int = 0
    ) -> list[Document]:
        cursor = self._found(collection, where, sort)
        async with self._reached():
            return [_plain(d) for d in await (cursor.limit(limit) if limit else cursor).to_list(None)]

    async def each(
        self, collection: str, where: Document | None = None, *, sort: str | None = None, at_once: int = 1000
    ) -> AsyncIterator[Document]:
        cursor = self._found(collection, where, sort).batch_size(at_once)
        seconds: float | None = SORT_SECONDS if sort else None
        while True:
            async with self._reached(seconds):
                batch = await cursor.to_list(at_once)
            if not batch:
                return
            seconds = None
            for document in batch:
                yield _plain(document)

    def _found(self, collection: str, where: Document | None, sort: str | None) -> "AsyncIOMotorCursor[Document]":
        cursor = self._db[collection].find(where or {})
        return cursor.sort(sort.lstrip("-"), -1 if sort.startswith("-") else 1) if sort else cursor

    async def get(self, collection: str, id: str) -> Document | None:
        async with self._reached():
            found = await self._db[collection].find_one({"_id": id})
        return None if found is None else _plain(found)

    async def count(self, collection: str, where: Document | None = None) -> int:
        async with self._reached():
            return await self._db[collection].count_documents(where or {})

    async def forget(self, collection: str, where: Document) -> int:
        async with self._reached(WRITE_SECONDS):
            return (await self._db[collection].delete_many(where)).deleted_count

    async def add(self, collection: str, id: str, document: Document) -> bool:
        # No upsert: two of them at once may both find nothing.
        async with self._reached(WRITE_SECONDS):
            await self._make(collection)
            try:
                await self._db[collection].insert_one({**document, "_id": id})
            except DuplicateKeyError:
                return False
        return True

    async def put(self, collection: str, id: str, document: Document, *, newer_by: str | None = None) -> None:
        async with self._reached(WRITE_SECONDS):
            await self._make(collection)
            if newer_by is None:
                await self._db[collection].replace_one({"_id": id}, document, upsert=True)
                return
            # The guard stands in the update, as in ``_guarded``.
            is_older = {"$lt": [f"${newer_by}", document[newer_by]]}
            replaced = {"$cond": [is_older, {"$literal": {**document, "_id": id}}, "$$ROOT"]}
            await self._db[collection].update_one({"_id": id}, [{"$replaceWith": replaced}], upsert=True)

    async def patch(self, collection: str, id: str, fields: Document) -> bool:
        async with self._reached(WRITE_SECONDS):
            return (await self._db[collection].update_one({"_id": id}, {"$set": fields})).matched_count > 0

    async def index(self, collection: str, *fields: str) -> None:
        """Make sure there is an index on these fields."""
        async with self._reached(WRITE_SECONDS):
            await self._make(collection)
            await self._db[collection].create_index([(f, 1) for f in fields])

    async def _make(self, collection: str) -> None:
        """No write makes its collection by the way: in the embedded server one that does, and an index of another
        process on the same collection, wait for each other for ever, and everybody behind them."""
        if collection in self._made:
            return
        try:
            await self._db.create_collection(collection, check_exists=False)
        except OperationFailure as error:
            if error.code != _EXISTS:
                raise
        self._made.add(collection)

    # --- what follows -------------------------------------------------------------------------------------------

    async def follow(self, rows: list[Unfollowed]) -> list[tuple[Unfollowed, str]]:
        """Write these, where there is nothing newer of the same store; any number of times. Gives back those that no
        server will ever take, with the reason."""
        by_collection: dict[str, list[Unfollowed]] = {}
        for row in rows:
            by_collection.setdefault(row.collection, []).append(row)
        refused: list[tuple[Unfollowed, str]] = []
        for name, group in by_collection.items():
            async with self._reached(WRITE_SECONDS):
                await self._make(name)
                await self._remove(self._db[name], [row for row in group if row.doc is None])
                refused += await self._put(self._db[name], [row for row in group if row.doc is not None])
        return refused

    async def _put(
        self, collection: "AsyncIOMotorCollection[Document]", rows: list[Unfollowed]
    ) -> list[tuple[Unfollowed, str]]:
        refused: list[tuple[Unfollowed, str]] = []
        encoded: list[tuple[Unfollowed, RawBSONDocument]] = []
        for row in rows:
            try:
                encoded.append((row, _encode(row)))
            except (BSONError, OverflowError, TypeError, ValueError) as error:
                refused.append((row, repr(error)))
        for attempt in range(_ATTEMPTS):
            if not encoded:
                break
            # An insert costs a third of an upsert; where the document is there already, it is one after all.
            writes = [InsertOne(raw) if row.new and not attempt else _guarded(row, raw) for row, raw in encoded]
            errors = await _write(collection, writes)
            refused += [(encoded[n][0], why) for n, (code, why) in errors.items() if code != _DUPLICATE_KEY]
            encoded = [encoded[n] for n, (code, _) in errors.items() if code == _DUPLICATE_KEY]
        return refused + [(row, "duplicate key") for row, _ in encoded]

    async def _remove(self, collection: "AsyncIOMotorCollection[Document]", rows: list[Unfollowed]) -> None:
        """Looks first: the embedded server finds a document by its id, and by nothing else beside it."""
        if not rows:
            return
        found = collection.find({"_id": {"$in": [row.id for row in rows]}}, {_EPOCH: 1, _COMMIT: 1})
        versions = {d["_id"]: (d.get(_EPOCH), d.get(_COMMIT, 0)) for d in await found.to_list(None)}
        older = [row.id for row in rows if row.id in versions and not _is_newer(versions[row.id], row)]
        if older:
            await collection.delete_many({"_id": {"$in": older}})

    @asynccontextmanager
    async def _reached(self, seconds: float | None = None) -> AsyncIterator[None]:
        if self.away_since is not None and self._is_asked:
            raise self._away("it is being asked")
        self._is_asked = is_asking = self.away_since is not None
        try:
            async with asyncio.timeout(seconds or READ_SECONDS):
                yield
            self.away_since = None
        except _PASSING as error:
            self.away_since = self.away_since or system_now()
            raise self._away(str(error) or "no answer in time") from error
        except OperationFailure as error:
            if _codes(error) & _PASSING_CODES:
                raise Transient(str(error)) from error
            raise
        finally:
            if is_asking:
                self._is_asked = False

    def _away(self, why: str) -> Transient:
        return Transient(why, self.away_since)


def _plain(document: Document) -> Document:
    document.pop(_EPOCH, None)
    document.pop(_COMMIT, None)
    return document


def _encode(row: Unfollowed) -> RawBSONDocument:
    raw = bson.encode({"_id": row.id, **(row.doc or {}), _EPOCH: row.epoch, _COMMIT: row.commit})
    if len(raw) > MOST_BYTES:
        raise ValueError(f"{len(raw)} bytes")
    return RawBSONDocument(raw)


def _guarded(row: Unfollowed, raw: RawBSONDocument) -> UpdateOne:
    """Replaces or makes the document, unless a commit as late of the same store made what is there.

    The guard stands in the update, not in the filter: the embedded server would read the whole collection.
    """
    is_older = {"$or": [{"$ne": [f"${_EPOCH}", row.epoch]}, {"$lt": [f"${_COMMIT}", row.commit]}]}
    replaced = {"$cond": [is_older, {"$literal": raw}, "$$ROOT"]}
    return UpdateOne({"_id": row.id}, [{"$replaceWith": replaced}], upsert=True)


def _is_newer(version: tuple[Any, Any], row: Unfollowed) -> bool:
    epoch, commit = version
    return bool(epoch == row.epoch and commit >= row.commit)


async def _write(
    collection: "AsyncIOMotorCollection[Document]", writes: list[InsertOne[Any] | UpdateOne]
) -> dict[int, tuple[int, str]]:
    """Which of these the server did not take, by their number: code and reason. Raises for what is no fault of
    theirs."""
    try:
        await collection.bulk_write(writes, ordered=False)
    except BulkWriteError as error:
        details = error.details or {}
        if _codes(error) & _PASSING_CODES or details.get("writeConcernErrors"):
            raise
        return {e["index"]: (e["code"], str(e.get("errmsg"))[:500]) for e in details.get("writeErrors", ())}
    return {}


def _codes(error: OperationFailure) -> set[int | None]:
    """What the server says was wrong, also with single documents of many."""
    return {error.code, *(each.get("code") for each in (error.details or {}).get("writeErrors", ()))}
