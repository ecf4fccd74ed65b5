"""The read model's file: SQLite in WAL mode, one writer on a thread of its own, readers on theirs. The event loop never
waits for either.

Rows and the offsets up to which the log is in them are one transaction. A query sees one moment of everything. A file
that is damaged, or was made by another version or with another secret, is deleted.
"""

import asyncio
import contextlib
import secrets
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple, TypeVar

import structlog

from gateway.projection.rows import Row
from gateway.projection.schema import STATEMENTS, TABLES, VERSION
from servicekit.decision import Refused

log = structlog.get_logger()
T = TypeVar("T")
Query = Callable[[sqlite3.Connection], T]
READERS, _MOST_WAITING, QUERY_SECONDS = 4, 200, 5.0
_MIB = 1 << 20
#: no table takes the row: no fault of the file's
_ROW_AT_FAULT = (
    sqlite3.IntegrityError,
    sqlite3.DataError,
    sqlite3.InterfaceError,
    sqlite3.ProgrammingError,
    OverflowError,
    UnicodeEncodeError,
)
# A page of an index changes with nearly every batch: copied back every 8,000 pages (32 MiB) instead of every 1,000, it
# is written a few times less often, which is a sixth of the CPU of all this under load.
_WRITER = (
    "journal_mode = WAL",
    "synchronous = NORMAL",
    "cache_size = -16384",
    "wal_autocheckpoint = 8000",
    "journal_size_limit = 67108864",
)
_READER = ("query_only = 1", "cache_size = -4096", "mmap_size = 268435456")
_STEPS = 10_000


class Stored(NamedTuple):
    """Where the file stands: next offsets by ``topic/partition``, the number of the last change, and small marks
    (``clock``: business time as the log last told it; ``as_of``; ``whole``: what the services knew is in it).
    """

    offsets: dict[str, int]
    seq: int
    marks: dict[str, str]


class Schema(NamedTuple):
    """What a file holds: its name, tables (``meta`` and ``offsets`` among them), how each kind of row goes in, and by
    how many it may be read at once. Another ``version``, and the file is made anew."""

    name: str
    version: int
    tables: str
    statements: Mapping[str, str]
    readers: int = READERS


LISTS = Schema("projection", VERSION, TABLES, STATEMENTS)


class Damaged(Exception):
    """The file could not be read any more and was deleted."""


class ProjectionStore:
    """``identity``: with what it must have been made to be of use."""

    def __init__(self, folder: Path, identity: str, schema: Schema = LISTS) -> None:
        self._file, self._identity, self._schema = (
            folder / f"{schema.name}.sqlite",
            f"{schema.version} {identity}",
            schema,
        )
        self._writing = ThreadPoolExecutor(1, f"{schema.name}-writer")
        self._reading = ThreadPoolExecutor(schema.readers, f"{schema.name}-reader")
        self._connection: sqlite3.Connection | None = None
        self._own = threading.local()
        self._made, self._waiting, self._seq = 0, 0, 0

    # --- what is asked ----------------------------------------------------------------------------------------------

    async def read(self, query: Query[T]) -> T:
        """What the query gives, all of it of one moment. Raises ``Refused`` 503 where it takes too long, where too many
        wait, or where there is nothing to read yet."""
        if self._waiting >= _MOST_WAITING:
            raise Refused("busy", "查询过多，请稍后再试", "too many queries wait, try again soon", 503)
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._reading, self._read, query)
        finally:
            self._waiting -= 1

    def _read(self, query: Query[T]) -> T:
        try:
            connection = self._reader()
            deadline = time.monotonic() + QUERY_SECONDS
            connection.set_progress_handler(lambda: time.monotonic() > deadline, _STEPS)
            connection.execute("BEGIN")
            try:
                return query(connection)
            finally:
                connection.execute("ROLLBACK")
        except sqlite3.Error as error:
            self._own.connection = None
            log.warning("projection.not_read", error=repr(error)[:200])
            raise Refused(
                "lists_away",
                "列表正在准备，或查询范围过大，请稍后再试或缩小范围",
                "the lists are being prepared, or this asks for too much: try again soon, or for less",
                503,
            ) from error

    def _reader(self) -> sqlite3.Connection:
        found: tuple[int, sqlite3.Connection] | None = getattr(self._own, "connection", None)
        if found is None or found[0] != self._made:
            made = self._made
            if not made:
                raise sqlite3.OperationalError("not open yet")
            connection = sqlite3.connect(f"file:{self._file}?mode=ro", uri=True, isolation_level=None)
            connection.row_factory = sqlite3.Row
            for pragma in _READER:
                connection.execute(f"PRAGMA {pragma}")
            self._own.connection = found = made, connection
        return found[1]

    # --- what is written --------------------------------------------------------------------------------------------

    async def open(self) -> Stored:
        """Open the file, or make it anew where it can't be used."""
        return await self._write(self._open)

    async def begin_anew(self, offsets: Mapping[str, int]) -> Stored:
        """Delete everything; what the services know now is to be brought, and the log is read from ``offsets`` on."""

        def begin() -> Stored:
            self._delete()
            self._make()
            self._apply([], offsets, {})
            return self._stored()

        return await self._write(begin)

    async def apply(self, rows: Iterable[Row], offsets: Mapping[str, int], **marks: str) -> tuple[int, int]:
        """All of it in one transaction: the number of the last change, and how many rows no table takes (skipped).

        ``rows`` may be made as they are asked for: that is on the writer's thread. Raises ``Damaged`` and what
        SQLite raises when a disk is full.
        """
        return await self._write(lambda: self._apply(rows, offsets, marks))

    async def analyse(self) -> None:
        """Let SQLite look at the tables, by which it chooses its indexes: some tens of milliseconds."""
        await self._write(lambda: self._writer().executescript("PRAGMA analysis_limit = 1000; ANALYZE;"))

    async def close(self) -> None:
        """For good."""
        await self._write(self._close)
        self._writing.shutdown(wait=False)
        self._reading.shutdown(wait=False)

    async def _write(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._writing, self._carefully, work)

    def _carefully(self, work: Callable[[], T]) -> T:
        try:
            return work()
        except sqlite3.DatabaseError as error:
            if isinstance(error, (sqlite3.OperationalError, *_ROW_AT_FAULT)):
                raise
            self._delete()
            raise Damaged(repr(error)) from error

    def _open(self) -> Stored:
        if self._connection is None:
            is_usable = self._file.exists()
            if is_usable:
                self._connect()
                is_usable = self._made_with() == self._identity
            if not is_usable:
                log.info("projection.made_anew", name=self._schema.name)
                self._delete()
                self._make()
        return self._stored()

    def _connect(self) -> None:
        connection = sqlite3.connect(
            self._file, isolation_level=None, check_same_thread=False, cached_statements=256, timeout=30
        )
        self._connection = connection
        for pragma in _WRITER:
            connection.execute(f"PRAGMA {pragma}")
        self._made += 1

    def _made_with(self) -> str | None:
        tables = {name for (name,) in self._writer().execute("SELECT name FROM sqlite_schema")}
        return self._marks().get("identity") if "meta" in tables else None

    def _make(self) -> None:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.closing(sqlite3.connect(self._file, isolation_level=None)) as connection:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = OFF")  # what a loss of power leaves of it is made anew
            connection.executescript(f"BEGIN; {self._schema.tables} COMMIT;")
            told = {"identity": self._identity, "epoch": secrets.token_hex(8)}
            connection.executemany("INSERT INTO meta VALUES (?, ?)", told.items())
        self._connect()

    def _delete(self) -> None:
        self._close()
        for name in (self._file.name, f"{self._file.name}-wal", f"{self._file.name}-shm"):
            self._file.with_name(name).unlink(missing_ok=True)

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _stored(self) -> Stored:
        marks = self._marks()
        self._seq = int(marks.get("seq", 0))
        return Stored(dict(self._writer().execute("SELECT place, next FROM offsets")), self._seq, marks)

    def _marks(self) -> dict[str, str]:
        return dict(self._writer().execute("SELECT name, value FROM meta"))

    def _writer(self) -> sqlite3.Connection:
        if self._connection is None:
            raise sqlite3.OperationalError("not open")
        return self._connection

    def _apply(self, rows: Iterable[Row], offsets: Mapping[str, int], marks: Mapping[str, str]) -> tuple[int, int]:
        connection, seq, refused = self._writer(), self._seq, 0
        execute, statements = connection.execute, self._schema.statements
        execute("BEGIN IMMEDIATE")
        try:
            for name, row in rows:
                seq += 1
                row["seq"] = seq
                try:
                    execute(statements[name], row)
                except _ROW_AT_FAULT as error:
                    refused += 1
                    log.error("projection.row_refused", statement=name, error=repr(error)[:200])
            connection.executemany("INSERT OR REPLACE INTO offsets VALUES (?, ?)", offsets.items())
            told = {**marks, "seq": str(seq)}
            connection.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", told.items())
            execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                execute("ROLLBACK")
            raise
        self._seq = seq
        return seq, refused
