"""The in-memory fake: a complete store for tests, kept to the same behaviour suite as the real ones."""

import itertools
from collections.abc import AsyncIterator
from copy import deepcopy
from typing import Any

from servicekit.envelope import OutgoingMessage
from servicekit.store import Batch, Fenced, Position


class _Kept:
    """What outlives a process."""

    def __init__(self) -> None:
        self.states: dict[str, bytes] = {}
        self.wakes: dict[str, int] = {}
        self.index: set[tuple[str, str, str]] = set()
        self.documents: dict[str, dict[str, dict[str, Any]]] = {}
        self.pending: dict[int, OutgoingMessage] = {}
        self.position = Position(epoch="memory")
        self.owner: MemoryStore | None = None


class MemoryStore:
    """A store in a dictionary. It outlives ``close``: opening it again finds what was committed.

    ``same_as``: the same store as another process has it; the last one that opened it can commit.
    """

    def __init__(self, same_as: "MemoryStore | None" = None) -> None:
        self._kept: _Kept = _Kept() if same_as is None else same_as._kept
        self.states, self.wakes, self.documents = self._kept.states, self._kept.wakes, self._kept.documents
        self.pending = self._kept.pending

    @property
    def position(self) -> Position:
        """As committed."""
        return self._kept.position

    async def open(self) -> Position:
        self._kept.owner = self
        return self.position

    async def load(self, keys: list[str]) -> dict[str, bytes]:
        return {key: self.states[key] for key in keys if key in self.states}

    async def keys(self, prefix: str, after: str, limit: int) -> list[str]:
        """Keys that start with ``prefix`` and are greater than ``after``, in order."""
        return sorted(key for key in self.states if key.startswith(prefix) and key > after)[:limit]

    async def find(
        self, index: str, value: str | None = None, *, after: tuple[str, str] | None = None, limit: int = 1000
    ) -> list[tuple[str, str]]:
        found = sorted((v, key) for i, v, key in self._kept.index if i == index and value in (None, v))
        return [entry for entry in found if after is None or entry > after][:limit]

    async def commit(self, batch: Batch) -> None:
        if self._kept.owner not in (None, self):
            raise Fenced("the processor has another owner")
        for key, (state, wake) in batch.states.items():
            if state is None:
                self.states.pop(key, None)
            else:
                self.states[key] = state
            self.wakes.pop(key, None)
            if state is not None and wake is not None:
                self.wakes[key] = wake
        for entry, is_put in batch.index.items():
            (self._kept.index.add if is_put else self._kept.index.discard)(entry)
        for row in batch.writes:
            collection = self.documents.setdefault(row.collection, {})
            if row.doc is None:
                collection.pop(row.id, None)
            else:
                collection[row.id] = {"_id": row.id, **row.doc}
        self.pending.update(batch.outbox)
        self._kept.position = self.position.after(batch)

    async def due(self, until_ms: int, limit: int) -> list[tuple[str, int]]:
        return sorted(((k, w) for k, w in self.wakes.items() if w <= until_ms), key=lambda kw: (kw[1], kw[0]))[:limit]

    async def next_due(self) -> int | None:
        return min(self.wakes.values(), default=None)

    async def outbox(self, after: int, limit: int) -> list[tuple[int, OutgoingMessage]]:
        return [(n, self.pending[n]) for n in sorted(self.pending) if n > after][:limit]

    async def sent(self, up_to: int) -> None:
        for n in [n for n in self.pending if n <= up_to]:
            del self.pending[n]

    def documents_waiting(self) -> tuple[int, float]:
        return 0, 0.0

    async def close(self) -> None:
        return None


class MemoryDocuments:
    """Read side of one or more memory stores."""

    def __init__(self, *stores: MemoryStore) -> None:
        self._stores = stores

    async def find(
        self, collection: str, where: dict[str, Any] | None = None, *, sort: str | None = None, limit: int = 0
    ) -> list[dict[str, Any]]:
        found = [d for s in self._stores for d in s.documents.get(collection, {}).values() if _matches(d, where or {})]
        if sort:
            found.sort(
                key=lambda d: (d.get(sort.lstrip("-")) is not None, d.get(sort.lstrip("-"))),
                reverse=sort.startswith("-"),
            )
        return found[:limit] if limit else found

    async def each(
        self, collection: str, where: dict[str, Any] | None = None, *, sort: str | None = None, at_once: int = 1000
    ) -> AsyncIterator[dict[str, Any]]:
        for document in await self.find(collection, where, sort=sort):
            yield dict(document)

    async def get(self, collection: str, id: str) -> dict[str, Any] | None:
        return next((s.documents[collection][id] for s in self._stores if id in s.documents.get(collection, {})), None)

    async def count(self, collection: str, where: dict[str, Any] | None = None) -> int:
        return len(await self.find(collection, where))

    async def forget(self, collection: str, where: dict[str, Any]) -> int:
        found = await self.find(collection, where)
        for store, document in itertools.product(self._stores, found):
            store.documents.get(collection, {}).pop(document["_id"], None)
        return len(found)

    async def add(self, collection: str, id: str, document: dict[str, Any]) -> bool:
        if await self.get(collection, id) is not None:
            return False
        await self.put(collection, id, document)
        return True

    async def put(self, collection: str, id: str, document: dict[str, Any], *, newer_by: str | None = None) -> None:
        there = await self.get(collection, id)
        if newer_by is not None and there is not None:
            before = there[newer_by]
            if before is not None and before >= document[newer_by]:
                return
        self._stores[0].documents.setdefault(collection, {})[id] = {**deepcopy(document), "_id": id}

    async def patch(self, collection: str, id: str, fields: dict[str, Any]) -> bool:
        there = await self.get(collection, id)
        if there is not None:
            there.update(deepcopy(fields))
        return there is not None


def _matches(document: dict[str, Any], where: dict[str, Any]) -> bool:
    for field, want in where.items():
        have: Any = document
        for step in field.split("."):
            have = [h.get(step) for h in have] if isinstance(have, list) else (have or {}).get(step)
        tests = want if isinstance(want, dict) else {"$eq": want}
        for operator, value in tests.items():
            if isinstance(have, list) and operator in ("$eq", "$in"):
                good = value in have if operator == "$eq" else any(h in value for h in have)
            elif operator == "$eq":
                good = have == value
            elif operator == "$in":
                good = have in value
            else:
                good = have is not None and (have >= value if operator == "$gte" else have < value)
            if not good:
                return False
    return True
