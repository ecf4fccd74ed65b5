"""One protocol for all stores. What loads, commits and has an outbox is one writer: a *processor*, normally one
partition.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime
from typing import Any, Protocol, TypeVar

import msgspec
import structlog

from servicekit import telemetry
from servicekit.decision import DocumentWrite
from servicekit.envelope import OutgoingMessage

log = structlog.get_logger()
T = TypeVar("T")
_FIRST_DELAY, _LONGEST_DELAY = 0.05, 5.0


class Fenced(Exception):
    """Another process has taken this processor over: this one must stop at once."""


class Damaged(Exception):
    """A disk gives back other than was written: the next start rebuilds what lay there (``LocalStore.open``)."""


class Transient(Exception):
    """The store or broker can't be reached just now: wait and try the same again. ``since``: when that began, if it is
    known.
    """

    def __init__(self, why: str = "", since: datetime | None = None) -> None:
        super().__init__(why)
        self.since = since


async def patiently(call: Callable[[], Awaitable[T]], who: str) -> T:
    """What the call gives once the store can be reached. ``who`` waits, for the log."""
    delay = _FIRST_DELAY
    while True:
        try:
            return await call()
        except Transient as error:
            telemetry.RETRIES.labels(who).inc()
            log.warning("store.retry", who=who, error=str(error)[:200], delay=delay)
            await asyncio.sleep(delay)
            delay = min(delay * 2, _LONGEST_DELAY)


class Position(msgspec.Struct, frozen=True):
    """Where a processor stands: next offset per ``topic/partition`` and small marks (clock, watermarks, counters).

    ``commits``: number of its last commit, which no rebuild changes. ``journal``: the offset behind that commit's
    record in the journal, ``owner``: who wrote it there.
    """

    offsets: dict[str, int] = {}
    marks: dict[str, str] = {}
    next_sequence: int = 1
    epoch: str = ""
    commits: int = 0
    journal: int = 0
    owner: str = ""

    def after(self, batch: "Batch") -> "Position":
        """Where a processor stands once this batch is written."""
        offsets, marks = {**self.offsets, **batch.offsets}, {**self.marks, **batch.marks}
        journal, owner = batch.journaled or (self.journal, self.owner)
        return Position(offsets, marks, batch.next_sequence, self.epoch, self.commits + 1, journal, owner)

    def passing(self, batch: "Batch") -> "Position":
        """Where it is before that: what only moves on is written with the next change."""
        offsets, marks = {**self.offsets, **batch.offsets}, {**self.marks, **batch.marks}
        return msgspec.structs.replace(self, offsets=offsets, marks=marks)


class Batch(msgspec.Struct):
    """Everything one atomic write carries. ``states`` maps key -> (encoded state or None, wake in epoch ms or None).

    ``index`` maps (index, value, key) -> True for an entry that is new, False for one that has gone. ``sent``:
    everything up to this sequence has left the outbox. ``journaled``: the offset behind its record in the journal, and
    who wrote that.
    """

    states: dict[str, tuple[bytes | None, int | None]] = {}
    writes: list[DocumentWrite] = []
    outbox: list[tuple[int, OutgoingMessage]] = []
    offsets: dict[str, int] = {}
    marks: dict[str, str] = {}
    next_sequence: int = 1
    index: dict[tuple[str, str, str], bool] = {}
    sent: int = 0
    journaled: tuple[int, str] | None = None


class Store(Protocol):
    """State, wake-ups, rows, outbox and position of one processor; a commit is all or nothing and durable on return.

    Raises ``Transient`` when it can't be reached, ``Fenced`` when another process owns the processor.
    """

    async def open(self) -> Position:
        """Take the processor over and say where it stands."""

    async def load(self, keys: list[str]) -> dict[str, bytes]:
        """Encoded states of these keys; unknown keys are absent."""

    async def find(
        self, index: str, value: str | None = None, *, after: tuple[str, str] | None = None, limit: int = 1000
    ) -> list[tuple[str, str]]:
        """Entries (value, key) of an index in order, of one value or of all, beginning behind ``after``."""

    async def commit(self, batch: Batch) -> None:
        """Write everything or nothing."""

    async def due(self, until_ms: int, limit: int) -> list[tuple[str, int]]:
        """Keys whose wake-up is at or before ``until_ms``, earliest first, with their time."""

    async def next_due(self) -> int | None:
        """Earliest wake-up in epoch ms."""

    async def outbox(self, after: int, limit: int) -> list[tuple[int, OutgoingMessage]]:
        """Messages not yet known to be sent, in order, with sequence > ``after``."""

    async def sent(self, up_to: int) -> None:
        """The broker has answered for everything up to this sequence."""

    def documents_waiting(self) -> tuple[int, float]:
        """How many documents the query database does not have yet, and seconds since the oldest came up."""

    async def close(self) -> None:
        """Let go of the processor."""


class Documents(Protocol):
    """Read side of a service's documents. ``where`` takes field -> value, or field -> {"$in"|"$gte"|"$lt": …}."""

    async def find(
        self, collection: str, where: dict[str, Any] | None = None, *, sort: str | None = None, limit: int = 0
    ) -> list[dict[str, Any]]:
        """Documents that match, each with its ``_id``; ``sort`` is a field, ``-field`` for descending."""

    def each(
        self, collection: str, where: dict[str, Any] | None = None, *, sort: str | None = None, at_once: int = 1000
    ) -> AsyncIterator[dict[str, Any]]:
        """As ``find``, one after the other: however many there are, ``at_once`` are in memory."""

    async def get(self, collection: str, id: str) -> dict[str, Any] | None:
        """One document by id."""

    async def count(self, collection: str, where: dict[str, Any] | None = None) -> int:
        """How many documents match."""

    async def forget(self, collection: str, where: dict[str, Any]) -> int:
        """Remove documents that match, of a collection whose growth has a bound; how many they were."""

    async def add(self, collection: str, id: str, document: dict[str, Any]) -> bool:
        """Write a document unless there is one under this id; whether there was none."""

    async def put(self, collection: str, id: str, document: dict[str, Any], *, newer_by: str | None = None) -> None:
        """Replace or make a document; with ``newer_by`` unless the one that is there has as much in this field."""

    async def patch(self, collection: str, id: str, fields: dict[str, Any]) -> bool:
        """Set some fields of a document, if there is one; whether there was."""
