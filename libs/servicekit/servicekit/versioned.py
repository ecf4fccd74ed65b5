"""Documents that people author (users, roles, rules): every version with who made it, when, why and in which state.

A save names the version it was made from; where somebody was faster it is refused (412) and nothing is kept. Two
collections: ``<name>`` has the newest version of each document under its id, ``<name>.versions`` all of them. The
version is added first, under a name that only one can take: that is the comparison. A process that ends between the
two leaves a newest version that is one behind, until the next save brings it up.
"""

import re
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime
from http import HTTPStatus
from operator import eq
from typing import Annotated, Any, Generic, TypeVar

import msgspec
from fastapi import Header

from servicekit.clock import SystemClock, system_now
from servicekit.decision import KeyUsed, Refused
from servicekit.store import Documents

T = TypeVar("T")
#: The version that was on screen, as its ``ETag`` said.
IfMatch = Annotated[str | None, Header(alias="If-Match", max_length=200, description='the ETag of what was read: "3"')]
#: Of a route that answers with a version, for ``responses``: its ``ETag``.
ETAG: dict[str, Any] = {
    "headers": {
        "ETag": {"schema": {"type": "string"}, "description": "the version, as If-Match takes it", "example": '"3"'}
    }
}
_AT_ONCE = 100
_ETAG = re.compile(r'(?:W/)?"(\d{1,9})"')


class Version(msgspec.Struct, Generic[T], frozen=True):
    """One version of a document, counted from 1. ``key``: the caller's name for the request that made it."""

    id: str
    version: int
    state: str
    author: str
    reason: str
    at: datetime
    document: T
    key: str | None = None

    @property
    def etag(self) -> str:
        """As a header says it."""
        return f'"{self.version}"'


class Clash(Refused):
    """Somebody else has changed it in the meantime: 412. ``current`` is the newest version, None where there is none
    any more."""

    def __init__(self, current: Version[Any] | None) -> None:
        who = ("别人", "somebody") if current is None else (current.author, current.author)
        super().__init__(
            "changed_meanwhile",
            f"{who[0]} 刚改过，请对比后再保存",
            f"{who[1]} just changed this; compare, then save again",
            HTTPStatus.PRECONDITION_FAILED,
        )
        self.current = current


class VersionedDocuments(Generic[T]):
    """Documents of one kind. Raises ``Transient`` where the database does not answer. ``known``: of a document that
    another release may have written, what this one can read."""

    def __init__(
        self,
        rows: Documents,
        name: str,
        kind: type[T],
        clock: SystemClock = system_now,
        known: Callable[[dict[str, Any]], dict[str, Any]] = dict,
    ) -> None:
        self._rows, self._newest, self._versions, self._clock = rows, name, f"{name}.versions", clock
        self._known = known
        self._type: Any = Version[kind]  # type: ignore[valid-type]

    async def get(self, id: str) -> Version[T] | None:
        """The newest version of a document."""
        return self._read(await self._rows.get(self._newest, id))

    async def all(self) -> list[Version[T]]:
        """The newest version of each, by id."""
        return await self.find({})

    async def find(self, where: dict[str, Any]) -> list[Version[T]]:
        """The newest version of those that match (``Documents.find``; fields of a document behind ``document.``)."""
        found = [self._of(row) for row in await self._rows.find(self._newest, where)]
        return sorted(found, key=lambda version: version.id)

    async def history(self, id: str) -> Sequence[Version[T]]:
        """All versions of a document, newest first."""
        found = [self._of(row) for row in await self._rows.find(self._versions, {"id": id})]
        return sorted(found, key=lambda version: -version.version)

    async def every(self) -> AsyncIterator[Version[T]]:
        """All versions of all documents, in any order, and few in memory at once: each may be large."""
        async for row in self._rows.each(self._versions, at_once=_AT_ONCE):
            yield self._of(row)

    async def plant(self, version: Version[T]) -> None:
        """A version that was delivered: as it is, unless there is one."""
        await self._rows.add(self._versions, _name(version.id, version.version), _row(version))
        await self._bring_up(version)

    async def version(self, id: str, number: int) -> Version[T] | None:
        """One version of a document."""
        return self._read(await self._rows.get(self._versions, _name(id, number)))

    async def save(
        self,
        id: str,
        document: T,
        *,
        after: int,
        author: str,
        reason: str,
        state: str = "active",
        key: str | None = None,
        is_same: Callable[[T, T], bool] = eq,
    ) -> Version[T]:
        """The next version. ``after``: the version it was made from, 0 for a new document. Raises ``Clash``.

        With a ``key`` a repeat of the same author changes nothing and gives back what the first one made; something
        else (``is_same``) under that key raises ``KeyUsed``.
        """
        made = Version(id, after + 1, state, author, reason, self._clock(), document, key)
        if after and await self.version(id, after) is None:
            raise Clash(await self.get(id))
        if await self._rows.add(self._versions, _name(id, made.version), _row(made)):
            await self._bring_up(made)
            return made
        there = await self.version(id, made.version)
        if there is not None:
            await self._bring_up(there)
            if key is not None and (there.key, there.author) == (key, author):
                if (there.state, there.reason) != (state, reason) or not is_same(there.document, document):
                    raise KeyUsed()
                return there
        raise Clash(await self.get(id))

    async def _bring_up(self, version: Version[T]) -> None:
        await self._rows.put(self._newest, version.id, _row(version), newer_by="version")

    def _read(self, row: dict[str, Any] | None) -> Version[T] | None:
        return None if row is None else self._of(row)

    def _of(self, row: dict[str, Any]) -> Version[T]:
        found: Version[T] = msgspec.convert({**row, "document": self._known(row["document"])}, self._type)
        return found


def version_of(if_match: str | None) -> int:
    """The version an ``If-Match`` names. Raises ``Refused``: 428 without one, 412 for one that is no ETag of ours."""
    if if_match is None:
        raise Refused(
            "which_version",
            "请在 If-Match 中给出读到的版本（ETag）",
            "say in If-Match which version was read (its ETag)",
            HTTPStatus.PRECONDITION_REQUIRED,
        )
    found = _ETAG.fullmatch(if_match.strip())
    if found is None:
        raise Clash(None)
    return int(found[1])


def _name(id: str, number: int) -> str:
    return f"{id}@{number}"


def _row(version: Version[Any]) -> dict[str, Any]:
    row: dict[str, Any] = msgspec.to_builtins(version)
    return row
