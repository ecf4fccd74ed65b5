"""One protocol for all stores. What loads, commits and has an outbox is one writer: a *processor*, normally one
partition.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Protocol, TypeVar

import msgspec
import structlog

from servicekit import telemetry
from servicekit.decision import DocumentWrite
from servicekit.envelope import OutgoingMessage

log = structlog.get_logger()
T = TypeVar("T")


class Fenced(Exception):
    """Another process has taken this processor over: this one must stop at once."""


class Transient(Exception):
    """The store or broker can't be reached just now: wait and try the same again."""


async def patiently(call: Callable[[], Awaitable[T]], who: str) -> T:
    """What the call gives once the store can be reached. ``who`` waits, for the log."""
    delay = 0.05
    while True:
        try:
            return await call()
        except Transient as error:
            telemetry.RETRIES.labels(who).inc()
            log.warning("store.retry", who=who, error=str(error)[:200], delay=delay)
            await asyncio.sleep(delay)
            delay = min(delay * 2, 5.0)


class Position(msgspec.Struct, frozen=True):
    """Where a processor stands: next offset per ``topic/partition`` and small marks (clock, watermarks, counters).

    ``commits``: how many batches its store has written, also across rebuilds.
    """

    offsets: dict[str, int] = {}
    marks: dict[str, str] = {}
    next_sequence: int = 1
    epoch: str = ""
    commits: int = 0

    def after(self, batch: "Batch") -> "Position":
        """Where a processor stands once this batch is written."""
        return Position(
            {**self.offsets, **batch.offsets},
            {**self.marks, **batch.marks},
            batch.next_sequence,
            self.epoch,
            self.commits + 1,
        )


class Batch(msgspec.Struct):
    """Everything one atomic write carries. ``states`` maps key -> (encoded state or None, wake in epoch ms or None).

    ``absent`` are keys that ``load`` did not find: a hint, which saves a store the search. ``index`` maps
    (index, value, key) -> True for an entry that is new, False for one that has gone.
    """

    states: dict[str, tuple[bytes | None, int | None]] = {}
    writes: list[DocumentWrite] = []
    outbox: list[tuple[int, OutgoingMessage]] = []
    offsets: dict[str, int] = {}
    marks: dict[str, str] = {}
    next_sequence: int = 1
    absent: set[str] = set()
    index: dict[tuple[str, str, str], bool] = {}


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

    async def get(self, collection: str, id: str) -> dict[str, Any] | None:
        """One document by id."""

    async def count(self, collection: str, where: dict[str, Any] | None = None) -> int:
        """How many documents match."""

    async def forget(self, collection: str, where: dict[str, Any]) -> int:
        """Remove documents that match, of a collection whose growth has a bound; how many they were."""
