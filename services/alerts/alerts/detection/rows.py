"""What detection remembers for conditions alone, packed: most records only add to it, and open nothing.

The figures of a month that drop-30 asks for are in ``CustomerState.figures``; the others come with them in the same
record, and are a row here.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from servicekit.clock import later, to_millis

Month = int  # as in state.py
Row = tuple[int | None, ...]

KEPT_MONTHS = 36  # of a figure up to its newest
#: of a record the columns in a row, in this order: new ones at the end
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "BILL": ("voice_fen", "data_fen", "sms_fen", "other_fen"),
    "USAGE": ("out_calls", "sms_count", "data_mb", "active_days", "competitor_calls", "care_calls"),
}
REMEMBERED = timedelta(days=90)  # requests
_SLACK = 12  # rows beyond those that count, so that not every month has to shift them
_MOST_REQUESTS = 256


# --- rows of months -----------------------------------------------------------------------------------------------


class Rows(Struct, frozen=True, array_like=True, gc=False):
    """Rows of ``months`` months from ``first`` on, each packed as a list or nil."""

    first: Month
    months: int
    packed: bytes


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[Row | None]).decode
_NIL = _encode(None)
#: rows of nothing known, as they would be packed
_EMPTY = frozenset(_encode((None,) * width) for width in range(16))


def with_row(rows: Rows | None, month: Month, row: Row) -> Rows | None:
    """The rows with one more, or another; a month too old for the newest ``KEPT_MONTHS`` changes nothing."""
    packed = _encode(row)
    if packed in _EMPTY:
        packed = _NIL
    if rows is None:
        return None if packed == _NIL else Rows(month, 1, packed)
    at = month - rows.first
    if at == rows.months and at < KEPT_MONTHS + _SLACK:
        return Rows(rows.first, at + 1, rows.packed + packed)
    newest = max(month, rows.first + rows.months - 1)
    by_month = {rows.first + n: old for n, old in enumerate(rows_of(rows))}
    by_month[month] = None if packed == _NIL else row
    first = max(min(by_month), newest - KEPT_MONTHS + 1)
    kept = [by_month.get(each) for each in range(first, newest + 1)]
    return Rows(first, len(kept), b"".join(map(_encode, kept)))


def rows_of(rows: Rows) -> list[Row | None]:
    """The rows, unpacked; those that a column joined later are shorter than others."""
    # 0xdc: of a list in MessagePack so many follow
    return _decode(b"\xdc" + rows.months.to_bytes(2, "big") + rows.packed)


def has_row(rows: Rows, month: Month) -> bool:
    """Whether a month is among those that count."""
    return max(0, rows.months - KEPT_MONTHS) <= month - rows.first < rows.months


def is_row(rows: Rows | None, month: Month, row: Row) -> bool:
    """Whether this is what is kept of a month."""
    kept = rows_of(rows)[month - rows.first] if rows is not None and has_row(rows, month) else None
    return kept == row or (kept is None and row.count(None) == len(row))


# --- what holds until something else is said ----------------------------------------------------------------------


class Said(Struct, frozen=True, array_like=True, gc=False):
    """What records have said besides what every decision asks for. ``requests``: milliseconds of the epoch by id."""

    balance_fen: int | None = None
    kind: str | None = None
    district: str | None = None
    brand: str | None = None
    monthly_fee_fen: int | None = None
    credit_class: str | None = None
    role: str | None = None
    requests: dict[str, int] = {}


_decode_said = msgspec.msgpack.Decoder(Said).decode
_NOTHING = Said()


def said(packed: bytes) -> Said:
    """Unpacked; nothing packed is nothing said."""
    return _decode_said(packed) if packed else _NOTHING


def packed(said: Said) -> bytes:
    """As the state holds it, which opens it only where somebody asks."""
    return b"" if said == _NOTHING else _encode(said)


def with_request(said: Said, request_id: str, at: datetime, now: datetime) -> Said:
    """With a service request more, without those that no count reaches any more."""
    oldest = to_millis(later(now, -REMEMBERED))
    requests = {id: when for id, when in said.requests.items() if when >= oldest and id != request_id}
    if (when := to_millis(at)) >= oldest:
        requests[request_id] = when
    newest = sorted(requests.items(), key=lambda each: each[1])[-_MOST_REQUESTS:]
    return replace(said, requests=dict(newest))


def without_request(said: Said, request_id: str) -> Said:
    """Without one that is another customer's now."""
    return replace(said, requests={i: at for i, at in said.requests.items() if i != request_id})
