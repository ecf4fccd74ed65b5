"""The journal: what a processor commits stands in Kafka before its disk has it (ADR 0010).

One partition a processor, ``<app>.journal``/ordinal. Two kinds of records, by the header ``kind``: ``owner``, a process
takes the processor over, and ``batch``, the whole content of one commit, compressed, in parts where it is large.
Headers of a batch: ``owner`` (who wrote it), ``commit`` (its number), ``part`` (``1/3``).

**Who owns** a processor at a place of its journal is told by the last owner record before that place. What anybody else
writes there is void: every reader passes over it. A writer learns from the offset of its own record whether somebody
wrote in between, and looks: a process that was paused while another took over is ``Fenced`` before anything leaves it.

**A disk is not the truth.** A store goes on from its position in the journal; one that is empty, or stands before the
journal's beginning, begins with the newest checkpoint.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator
from typing import NamedTuple, Protocol

import cramjam
import msgspec
import structlog

from servicekit.checkpoint import Checkpoints
from servicekit.envelope import Headers
from servicekit.store import Batch, Fenced, Position, Store, Transient

log = structlog.get_logger()
_PART_BYTES = 1 << 20
_LARGE = 1 << 18
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Batch).decode
_decode_owner = msgspec.msgpack.Decoder(tuple[str, str]).decode
#: more than any bound: a checkpoint is due
_AT_ONCE = 1 << 62


class Record(NamedTuple):
    """A record of the journal as it is read."""

    offset: int
    headers: dict[str, bytes]
    value: bytes


class JournalLog(Protocol):
    """One partition of a log. Everything raises ``Transient`` while it can't be reached."""

    async def append(self, records: list[tuple[Headers, bytes]]) -> int:
        """Returns the offset behind the last when the broker has acknowledged all. When it raises, it may have some."""

    async def span(self) -> tuple[int, int]:
        """The first offset that is there, and the one behind the last record."""

    def read(self, start: int, end: int) -> AsyncIterator[Record]:
        """The records from ``start`` to before ``end``."""

    async def cut(self, before: int) -> None:
        """Remove what stands before this offset."""


class JournaledStore(Store, Protocol):
    """A store on a disk that may be lost (``LocalStore``)."""

    @property
    def position(self) -> Position: ...

    def adopt_epoch(self, epoch: str) -> None:
        """A store without a commit takes the epoch that its journal tells of; any other has it already."""

    async def begin_anew(self, checkpoints: Checkpoints | None) -> Position:
        """Throw away what is on the disk and begin with the newest checkpoint that is whole, or empty."""


class Lost(Exception):
    """Neither this disk nor a checkpoint reaches back to the journal's beginning: a person must decide."""


class Journal:
    """Journal of one processor. ``take_over`` brings its store up to date, ``append`` comes before each commit.

    ``bytes_written``: since the last checkpoint, as far as this process knows.
    """

    def __init__(self, processor: str, journal_log: JournalLog, checkpoints: Checkpoints | None = None) -> None:
        self._processor, self._log, self.checkpoints = processor, journal_log, checkpoints
        self._owner = secrets.token_hex(8)
        self._reached, self._next = "", 0  # who owned it at the offset that was read or written last
        self._end = 0
        self._parts = _Parts()
        self.bytes_written = 0

    async def take_over(self, store: JournaledStore) -> Position:
        """From now on the processor is ours. Returns where its store stands, everything in the journal applied.

        Raises ``Transient`` (nothing is broken: call it again) and ``Lost``.
        """
        begin, end = await self._log.span()
        position = store.position
        if position.journal > end:
            log.error("journal.shorter", processor=self._processor, position=position.journal, journal_ends=end)
            self.bytes_written = _AT_ONCE
        elif position.journal < begin or _is_new(position) or not await self._is_continued(position, begin, end):
            position = await self._begin_anew(store, begin, end)
        self._reached, self._next, self._parts = position.owner, min(position.journal, end), _Parts()
        await self._replay(store, end)
        # What the owner before us writes until ours is there counts.
        await self._replay(
            store, await self._log.append([([("kind", b"owner")], _encode((self._owner, store.position.epoch)))])
        )
        position = store.position
        if position.offsets and not position.commits:
            self.bytes_written = _AT_ONCE  # of before the journal, which does not tell what it held then
        log.info("journal.taken_over", processor=self._processor, commits=position.commits, journal=self._next)
        return position

    def progress(self) -> str:
        """How far a takeover is: other words as long as it gets on."""
        brought = 0 if self.checkpoints is None else self.checkpoints.bytes_brought
        return f"checkpoint {brought >> 10} KiB, journal {self._next} of {self._end}"

    async def append(self, batch: Batch, commit: int) -> None:
        """Write a batch, the processor's ``commit``-th; ``batch.journaled`` says afterwards where it stands.

        Raises ``Transient``: then it may be in the journal or not, and is to be written again as it is; ``Fenced``.
        """
        whole = _encode(batch)
        # A large one in a thread: meanwhile the loop serves the other processors.
        content = await asyncio.to_thread(_packed, whole) if len(whole) > _LARGE else _packed(whole)
        parts = [content[i : i + _PART_BYTES] for i in range(0, len(content), _PART_BYTES)]
        about = [("kind", b"batch"), ("owner", self._owner.encode()), ("commit", b"%d" % commit)]
        records = [([*about, ("part", b"%d/%d" % (i, len(parts)))], part) for i, part in enumerate(parts, 1)]
        end = await self._log.append(records)
        if end != self._next + len(records):
            await self._look_for_owners(end)
        self._next = end
        self.bytes_written += len(content)
        batch.journaled = (end, self._owner)

    async def cut(self, before: int) -> None:
        """Remove what two checkpoints make superfluous."""
        await self._log.cut(before)

    # --- reading ------------------------------------------------------------------------------------------------

    async def _begin_anew(self, store: JournaledStore, begin: int, end: int) -> Position:
        before = store.position
        if end == 0 and not (self.checkpoints and self.checkpoints.exist()):
            return before
        position = await store.begin_anew(self.checkpoints)
        if position.journal < begin:
            raise Lost(
                f"{self._processor}: its journal begins at {begin}, the newest whole checkpoint stands at"
                f" {position.journal}: bring back its checkpoints or its data folder"
            )
        log.warning(
            "store.begun_anew", processor=self._processor, stood_at=before.journal, checkpoint=position.journal,
            journal_ends=end,
        )  # fmt: skip
        return position

    async def _is_continued(self, position: Position, begin: int, end: int) -> bool:
        """Whether the journal tells of this very store: the record of its last commit stands where it should, and it is
        not of a processor that was begun anew elsewhere."""
        last = max(begin, position.journal - 1)
        async for record in self._log.read(last, end):
            if record.offset == position.journal - 1 and not _is_commit(record, position):
                return False
            if record.headers.get("kind") == b"owner":
                return _owner_of(record)[1] == position.epoch
        return True

    async def _replay(self, store: JournaledStore, end: int) -> None:
        """Apply the batches up to this offset that count. One whose last parts stand behind it is kept for the next
        call: it counts if they do."""
        self._end = end
        async for record in self._log.read(self._next, end):
            if record.offset > self._next:
                await self._reaches_back_to(self._next)
            self._next = record.offset + 1
            if record.headers.get("kind") == b"owner":
                self._reached, epoch = _owner_of(record)
                self._parts = _Parts()
                store.adopt_epoch(epoch)
            elif (
                record.headers.get("owner") == self._reached.encode()
                and (content := self._parts.add(record)) is not None
            ):
                place = record.offset + 1, self._reached
                await self._apply(store, int(record.headers["commit"]), content, place)
        if self._next < end:
            await self._reaches_back_to(self._next)
        self._next = end

    async def _reaches_back_to(self, offset: int) -> None:
        """Raises ``Transient`` where another owner cuts faster than we read: its checkpoint has what is missing."""
        begin, _ = await self._log.span()
        if begin > offset:
            raise Transient(f"{self._processor}: its journal was cut to {begin} while it was read at {offset}")

    async def _apply(self, store: JournaledStore, commit: int, content: bytes, place: tuple[int, str]) -> None:
        reached = store.position.commits
        if commit <= reached:
            return  # written once more because its acknowledgement was lost
        if commit != reached + 1:
            raise Lost(f"{self._processor}: commit {commit} follows {reached} in its journal, before offset {place[0]}")
        batch = _decode(cramjam.lz4.decompress_block(content))
        batch.journaled = place
        await store.commit(batch)
        if batch.sent:
            await store.sent(batch.sent)

    async def _look_for_owners(self, end: int) -> None:
        async for record in self._log.read(self._next, end):
            if record.headers.get("kind") == b"owner" and _owner_of(record)[0] != self._owner:
                raise Fenced(f"{self._processor} was taken over by another process (journal offset {record.offset})")
        # Last, since it may be cut while we read.
        begin, _ = await self._log.span()
        if begin > self._next:
            # Owners cut only what they have read: another one has cut behind us, with its owner record perhaps.
            raise Fenced(f"{self._processor} was taken over by another process (journal begins at {begin})")


def _packed(whole: bytes) -> bytes:
    return bytes(cramjam.lz4.compress_block(whole))


class _Parts:
    """Puts the parts of an owner's batches together. An attempt that broke off may go on later, in the middle of the
    next attempt or commit; attempts of a commit are equal, part by part."""

    def __init__(self) -> None:
        self._of: dict[bytes, list[bytes]] = {}

    def add(self, record: Record) -> bytes | None:
        """The whole with its last part."""
        number, _, count = record.headers["part"].partition(b"/")
        parts = self._of.setdefault(record.headers["commit"], [])
        if int(number) == len(parts) + 1:
            parts.append(record.value)
        return b"".join(self._of.pop(record.headers["commit"])) if len(parts) == int(count) else None


def _is_new(position: Position) -> bool:
    """Whether its store is empty; one of before the journal has counted no commits yet."""
    return not position.commits and not position.offsets


def _owner_of(record: Record) -> tuple[str, str]:
    """Who takes the processor over, and its epoch."""
    return _decode_owner(record.value)


def _is_commit(record: Record, position: Position) -> bool:
    """Whether this record is the last commit of a store that stands there."""
    return record.headers.get("owner") == position.owner.encode() and record.headers.get("commit") == b"%d" % (
        position.commits
    )
