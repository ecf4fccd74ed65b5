"""The file of the trail, and what is asked of it. Newest first, without a total: nobody counts millions for a page."""

import sqlite3
from collections.abc import Mapping
from typing import Any

import msgspec

from contracts.misc import AuditRecorded
from gateway.projection.rows import Row
from gateway.projection.store import Schema
from servicekit.clock import iso
from servicekit.decision import Refused
from servicekit.envelope import Message
from servicekit.query import read_cursor, since_instant, write_cursor

#: about so many of the newest records are kept; the archive of analytics has all of them
KEPT = 2_000_000
_MOST_VALUES = 50
#: behind every text that begins with it
_END = "\U0010ffff"
_TABLES = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE offsets (place TEXT PRIMARY KEY, next INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE entries (
  number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, at TEXT NOT NULL, actor TEXT NOT NULL, role TEXT NOT NULL,
  action TEXT NOT NULL, object TEXT NOT NULL, reason TEXT, result TEXT NOT NULL, correlation_id TEXT NOT NULL
);
CREATE INDEX entries_at ON entries (at, id);
CREATE INDEX entries_actor ON entries (actor, at, id);
CREATE INDEX entries_action ON entries (action, at, id);
CREATE INDEX entries_object ON entries (object, at, id);
CREATE INDEX entries_correlation ON entries (correlation_id);
"""
_COLUMNS = "id, at, actor, role, action, object, reason, result, correlation_id"
_STATEMENTS = {
    "entry": f"INSERT OR IGNORE INTO entries ({_COLUMNS}) VALUES"
    " (:id, :at, :actor, :role, :action, :object, :reason, :result, :correlation_id)",
    "forget": "DELETE FROM entries WHERE number <= (SELECT max(number) FROM entries) - :kept",
}
TRAIL = Schema("audit", 1, _TABLES, _STATEMENTS, readers=1)
#: what stands for a comma list of values, and what begins with the text
_AMONG, _BEGINS = ("actor", "action", "role", "result"), ("object", "correlation_id")
_decode_entry = msgspec.json.Decoder(AuditRecorded).decode
_decode_cursor = msgspec.json.Decoder(tuple[str, str]).decode


def entry_of(message: Message) -> Row:
    """The row of an audit record. Raises ``msgspec.MsgspecError`` and ``UnicodeDecodeError`` for one that is none."""
    entry = _decode_entry(message.body or b"")
    row = {**msgspec.structs.asdict(entry), "at": iso(entry.at)}
    return "entry", {**row, "id": message.id, "correlation_id": message.correlation_id}


def forget(kept: int = KEPT) -> Row:
    """The row that lets go of what is too old."""
    return "forget", {"kept": kept}


def find(
    connection: sqlite3.Connection, asked: Mapping[str, str | None], cursor: str | None, limit: int
) -> tuple[list[dict[str, Any]], str | None]:
    """Entries that match, newest first, and the cursor of the next page. ``actor``, ``action``, ``role`` and ``result``
    take lists with commas, ``object`` and ``correlation_id`` how it begins, ``since`` and ``until`` days or times.
    Raises ``Refused`` (422)."""
    conditions, parameters = ["1"], []
    for name, text in asked.items():
        if text is None:
            continue
        if name in _AMONG:
            values = [value for value in text.split(",") if value][:_MOST_VALUES]
            conditions.append(f"{name} IN ({', '.join('?' * len(values))})")
            parameters += values
        elif name in _BEGINS:
            conditions.append(f"{name} >= ? AND {name} < ?")
            parameters += [text, text + _END]
        else:
            conditions.append(f"at {'>=' if name == 'since' else '<'} ?")
            parameters.append(str(since_instant(text)))
    if cursor is not None:
        conditions.append("(at, id) < (?, ?)")
        parameters += _read_cursor(cursor)
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM entries WHERE {' AND '.join(conditions)} ORDER BY at DESC, id DESC LIMIT ?",
        (*parameters, limit + 1),
    ).fetchall()
    found = [dict(row) for row in rows[:limit]]
    return found, write_cursor((found[-1]["at"], found[-1]["id"])) if len(rows) > limit else None


def _read_cursor(cursor: str) -> tuple[str, str]:
    try:
        return read_cursor(cursor, _decode_cursor)
    except (ValueError, msgspec.MsgspecError) as error:
        raise Refused(
            "bad_cursor",
            "翻页位置无效：请从第一页开始",
            "the cursor is none: begin with the first page",
            422,
        ) from error
