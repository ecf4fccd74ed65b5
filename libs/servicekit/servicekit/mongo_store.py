"""Mongo store, the only module that knows motor (past its end of life: pymongo's AsyncMongoClient can take its place).

One database a service. Collections of a processor: ``<app>_state`` {_id key, u processor, w wake ms, s state},
``<app>_outbox`` {_id "processor:first sequence", u, n last sequence, m messages}, ``<app>_units`` {_id processor,
owner, commits, position}. Every commit is one transaction that compares ``owner`` and counts ``commits``: a process
that was taken over can't write, and a commit whose answer was lost is recognised.
"""

import asyncio
import secrets
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import msgspec
from bson import Binary
from motor.motor_asyncio import (
    AsyncIOMotorClient,
    AsyncIOMotorClientSession,
    AsyncIOMotorCollection,
    AsyncIOMotorDatabase,
)
from pymongo import DeleteOne, ReplaceOne
from pymongo.errors import (
    AutoReconnect,
    BulkWriteError,
    ConnectionFailure,
    OperationFailure,
    ServerSelectionTimeoutError,
)

from servicekit.decision import DocumentWrite
from servicekit.envelope import OutgoingMessage
from servicekit.store import Batch, Fenced, Position, Transient

if TYPE_CHECKING:
    from servicekit.app import App

Document = dict[str, Any]
_encode = msgspec.msgpack.Encoder().encode
_decode_position = msgspec.msgpack.Decoder(Position).decode
_decode_pack = msgspec.msgpack.Decoder(list[tuple[int, OutgoingMessage]]).decode
#: messages a batch of a processor that writes here: in larger ones transactions of several services hold each other up
BATCH_MAX = 500
_KEYS_A_QUERY = 50
_PACK_MESSAGES, _PACK_BYTES = 200, 1 << 20
_DUPLICATE_KEY = 11000
#: lock or time limit of the server reached, write conflict, disk full: nothing is wrong with what was to be written
_PASSING_CODES = frozenset((24, 46, 50, 112, 262, 14031))
_PASSING = (AutoReconnect, ConnectionFailure, ServerSelectionTimeoutError)


def connect(uri: str, database: str) -> "AsyncIOMotorDatabase[Document]":
    """Database of a service. Connecting is lazy; nothing is sent here."""
    client: AsyncIOMotorClient[Document] = AsyncIOMotorClient(
        uri, tz_aware=True, serverSelectionTimeoutMS=10_000, appname=database
    )
    return client[database]


def stores(database: "AsyncIOMotorDatabase[Document]") -> "Callable[[App, int], MongoStore]":
    """Makes the store of each processor of an app in this database; their commits take turns.

    Side by side, transactions of a few thousand documents bring the embedded server almost to a standstill.
    """
    turn = asyncio.Lock()
    return lambda app, ordinal: MongoStore(database, app.name, f"{app.name}.{ordinal}", turn)


class MongoStore:
    """Store of one processor of an app in a service's database."""

    def __init__(
        self, database: "AsyncIOMotorDatabase[Document]", app: str, processor: str, turn: asyncio.Lock | None = None
    ) -> None:
        self._db, self._processor, self._owner = database, processor, secrets.token_hex(8)
        self._sent = 0
        self._turn = turn or asyncio.Lock()
        self._states, self._outbox, self._units = (
            database[f"{app.replace('-', '_')}_{n}"] for n in ("state", "outbox", "units")
        )

    async def open(self) -> Position:
        try:
            await self._states.create_index([("u", 1), ("w", 1)])
            await self._outbox.create_index([("u", 1), ("n", 1)])
            fresh = Position(epoch=secrets.token_hex(4))
            self._session = await self._db.client.start_session()
            lsid = bytes(self._session.session_id["id"])  # type: ignore[index]  # motor: a property, stubbed as a method
            # Taking over: an earlier owner that was killed may have left its transaction open, and that would block us
            # until the server gives it up; from the update on every commit of an earlier owner fails.
            if (
                earlier := await self._units.find_one({"_id": self._processor}, {"session": 1})
            ) and "session" in earlier:
                await self._db.client.admin.command("killSessions", [{"id": Binary(earlier["session"], 4)}])
            processor = await self._units.find_one_and_update(
                {"_id": self._processor},
                {
                    "$set": {"owner": self._owner, "session": lsid},
                    "$setOnInsert": {"commits": 0, "position": _encode(fresh)},
                },
                upsert=True,
                return_document=True,
            )
        except _PASSING as error:
            raise Transient(str(error)) from error
        assert processor is not None
        self._commits = int(processor["commits"])
        self._position = _decode_position(processor["position"])
        return self._position

    async def load(self, keys: list[str]) -> dict[str, bytes]:
        try:
            parts = [self._states.find({"_id": {"$in": part}}, {"s": 1}).to_list(None) for part in _parts(keys)]
            return {d["_id"]: d["s"] for found in await asyncio.gather(*parts) for d in found}
        except _PASSING as error:
            raise Transient(str(error)) from error

    async def find(
        self, index: str, value: str | None = None, *, after: tuple[str, str] | None = None, limit: int = 1000
    ) -> list[tuple[str, str]]:
        raise NotImplementedError("keeps no index: what looks states up by one belongs into a LocalStore")

    async def commit(self, batch: Batch) -> None:
        position = self._position.after(batch)
        try:
            async with self._turn:
                await self._transact(batch, position)
        except _PASSING as error:
            raise Transient(str(error)) from error
        except OperationFailure as error:
            if error.has_error_label("TransientTransactionError") or _codes(error) & _PASSING_CODES:
                raise Transient(str(error)) from error
            raise
        self._position = position
        self._commits += 1

    async def _transact(self, batch: Batch, position: Position) -> None:
        try:
            await self._session.with_transaction(lambda s: self._write(batch, position, s))
        except BulkWriteError as error:
            if _DUPLICATE_KEY not in _codes(error):
                raise
            # A hint was wrong (rows that outlived their state): search for everything.
            await self._session.with_transaction(lambda s: self._write(_without_hints(batch), position, s))

    async def _write(self, batch: Batch, position: Position, session: AsyncIOMotorClientSession) -> None:
        changed = await self._units.update_one(
            {"_id": self._processor, "owner": self._owner, "commits": self._commits},
            {"$set": {"commits": self._commits + 1, "position": _encode(position)}},
            session=session,
        )
        if changed.matched_count == 0:
            processor = await self._units.find_one({"_id": self._processor, "owner": self._owner}, session=session)
            if processor is None or processor["commits"] != self._commits + 1:
                raise Fenced(f"processor {self._processor} has another owner")
            return  # this commit stands already: only its answer was lost
        states = {key: _state_document(self._processor, *state) for key, state in batch.states.items()}
        await _put(self._states, states, batch.absent, session)
        if batch.outbox:
            packs = [
                {"_id": f"{self._processor}:{pack[0][0]}", "u": self._processor, "n": pack[-1][0], "m": _encode(pack)}
                for pack in _packs(batch.outbox)
            ]
            await self._outbox.insert_many(packs, ordered=False, session=session)
        by_collection: dict[str, list[DocumentWrite]] = {}
        for row in batch.writes:
            by_collection.setdefault(row.collection, []).append(row)
        for name, rows in by_collection.items():
            # What the first row of an id says counts: later ones of this batch know that one.
            first = {row.id: row.new for row in reversed(rows)}
            new = {id_ for id_, is_new in first.items() if is_new}
            await _put(self._db[name], {row.id: row.doc for row in rows}, new, session)

    async def due(self, until_ms: int, limit: int) -> list[tuple[str, int]]:
        try:
            cursor = (
                self._states.find({"u": self._processor, "w": {"$lte": until_ms, "$gt": 0}}, {"w": 1})
                .sort("w", 1)
                .limit(limit)
            )
            return [(d["_id"], d["w"]) async for d in cursor]
        except _PASSING as error:
            raise Transient(str(error)) from error

    async def next_due(self) -> int | None:
        try:
            found = await self._states.find_one({"u": self._processor, "w": {"$gt": 0}}, {"w": 1}, sort=[("w", 1)])
        except _PASSING as error:
            raise Transient(str(error)) from error
        return None if found is None else int(found["w"])

    async def outbox(self, after: int, limit: int) -> list[tuple[int, OutgoingMessage]]:
        after = max(after, self._sent)
        found: list[tuple[int, OutgoingMessage]] = []
        try:
            async for document in self._outbox.find({"u": self._processor, "n": {"$gt": after}}).sort("n", 1):
                found.extend(numbered for numbered in _decode_pack(document["m"]) if numbered[0] > after)
                if len(found) >= limit:
                    break
        except _PASSING as error:
            raise Transient(str(error)) from error
        return found[:limit]

    async def sent(self, up_to: int) -> None:
        # A pack goes when its last message has been sent; after a crash its first ones are sent again.
        self._sent = up_to
        try:
            await self._outbox.delete_many({"u": self._processor, "n": {"$lte": up_to}})
        except _PASSING as error:
            raise Transient(str(error)) from error

    def documents_waiting(self) -> tuple[int, float]:
        return 0, 0.0

    async def close(self) -> None:
        await self._session.end_session()


def _codes(error: OperationFailure) -> set[int | None]:
    """What the server says was wrong, also with single documents of many."""
    return {error.code, *(each.get("code") for each in (error.details or {}).get("writeErrors", ()))}


def _parts(keys: list[str]) -> list[list[str]]:
    # The embedded server compares every document with the whole list of an $in: short lists, side by side.
    return [keys[i : i + _KEYS_A_QUERY] for i in range(0, len(keys), _KEYS_A_QUERY)]


def _packs(messages: list[tuple[int, OutgoingMessage]]) -> Iterator[list[tuple[int, OutgoingMessage]]]:
    """Messages by the document: the embedded server writes one of many messages as fast as one of a single."""
    pack: list[tuple[int, OutgoingMessage]] = []
    size = 0
    for numbered in messages:
        length = len(numbered[1].value or b"") + sum(len(value) for _, value in numbered[1].headers)
        if pack and (len(pack) == _PACK_MESSAGES or size + length > _PACK_BYTES):
            yield pack
            pack, size = [], 0
        pack.append(numbered)
        size += length
    if pack:
        yield pack


def _state_document(processor: str, state: bytes | None, wake: int | None) -> Document | None:
    # 0 is no wake-up; one before 1970 is due as the first of all.
    return None if state is None else {"u": processor, "w": 0 if wake is None else max(wake, 1), "s": state}


def _without_hints(batch: Batch) -> Batch:
    writes = [msgspec.structs.replace(row, new=False) for row in batch.writes]
    return msgspec.structs.replace(batch, writes=writes, absent=set())


async def _put(
    collection: "AsyncIOMotorCollection[Document]",
    documents: Mapping[str, Document | None],
    new: Collection[str],
    session: AsyncIOMotorClientSession,
) -> None:
    """Replace (None: remove) documents under their ids. Those of ``new`` are inserted, three times as fast."""
    inserts = [{"_id": id_, **doc} for id_, doc in documents.items() if doc is not None and id_ in new]
    others: list[ReplaceOne[Document] | DeleteOne] = [
        DeleteOne({"_id": id_}) if doc is None else ReplaceOne({"_id": id_}, doc, upsert=True)
        for id_, doc in documents.items()
        if id_ not in new
    ]
    if inserts:
        await collection.insert_many(inserts, ordered=False, session=session)
    if others:
        await collection.bulk_write(others, ordered=False, session=session)


class MongoDocuments:
    """Read side of a service's documents."""

    def __init__(self, database: "AsyncIOMotorDatabase[Document]") -> None:
        self._db = database

    async def find(
        self, collection: str, where: Document | None = None, *, sort: str | None = None, limit: int = 0
    ) -> list[Document]:
        cursor = self._db[collection].find(where or {})
        if sort:
            cursor = cursor.sort(sort.lstrip("-"), -1 if sort.startswith("-") else 1)
        with _passing():
            return [d async for d in (cursor.limit(limit) if limit else cursor)]

    async def get(self, collection: str, id: str) -> Document | None:
        with _passing():
            return await self._db[collection].find_one({"_id": id})

    async def count(self, collection: str, where: Document | None = None) -> int:
        with _passing():
            return await self._db[collection].count_documents(where or {})

    async def forget(self, collection: str, where: Document) -> int:
        with _passing():
            return (await self._db[collection].delete_many(where)).deleted_count

    async def add(self, collection: str, id: str, document: Document) -> None:
        """Write a document unless there is one under this id (seeds)."""
        with _passing():
            await self._db[collection].update_one({"_id": id}, {"$setOnInsert": document}, upsert=True)

    async def index(self, collection: str, *fields: str) -> None:
        """Make sure there is an index on these fields."""
        with _passing():
            await self._db[collection].create_index([(f, 1) for f in fields])


@contextmanager
def _passing() -> Iterator[None]:
    """An error of a server that can't be reached is a passing one."""
    try:
        yield
    except _PASSING as error:
        raise Transient(str(error)) from error
