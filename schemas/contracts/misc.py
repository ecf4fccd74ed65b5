"""Customer changes, feeds and audit."""

from datetime import date, datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct

Instant = Annotated[datetime, Meta(tz=True)]
Scalar = int | str | bool | None


class Closed(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of closed, immutable payloads."""


class FieldChange(Closed, frozen=True, kw_only=True):
    """One field of the archive that changed."""

    field: str
    old: Scalar
    new: Scalar


class CustomerChanged(Closed, frozen=True, kw_only=True):
    """What changed in the archive of a customer (payload of all ``kam.customer.*`` types)."""

    customer_id: str
    revision: Annotated[int, Meta(ge=1)]
    archive: Literal["active", "retained"]
    city: str | None
    manager_id: str | None
    changes: tuple[FieldChange, ...]


class FileReceipt(Closed, frozen=True, kw_only=True):
    """Receipt of a nightly file (the ``.rcp`` beside it, and payload of ``kam.feed.file.*``).

    ``rows_read = loaded + unchanged + stale + rejected``; ``unknown_customer`` is counted within ``loaded``;
    ``cleared`` are debts cleared because an ARR snapshot no longer names them; ``amount`` is what the accepted
    rows add up to in fen. ``missing`` and ``late`` are only told on feed.events, without a receipt: of a file that was
    expected (a gap before it, a night's snapshot, the other half of a pair), or that came after its successor.
    ``held``: it would clear too much of a city at once and waits for a person's word on ``release_id`` (ADR 0023).
    """

    file: str
    result: Literal["received", "accepted", "partial", "rejected", "duplicate", "missing", "late", "held"]
    rows_read: int = 0
    loaded: int = 0
    unchanged: int = 0
    rejected: int = 0
    unknown_customer: int = 0
    stale: int = 0
    cleared: int = 0
    amount: int = 0
    started: Instant
    ended: Instant
    business_date: date | None = None
    reason_zh: str | None = None
    reason_en: str | None = None
    notes: tuple[str, ...] = ()
    release_id: str | None = None


class EventRejected(Closed, frozen=True, kw_only=True):
    """An event of the real-time feed that was refused.

    ``source``, ``id`` and ``type`` as far as they could be read, cut after 500 characters; ``field`` is the one at
    fault, absent where it is the whole event; ``record`` says where it stands on boss.feed
    (``topic/partition@offset``), absent over HTTP. No reason repeats personal data.
    """

    road: Literal["http", "kafka"]
    source: str | None = None
    id: str | None = None
    type: str | None = None
    field: str | None = None
    reason_zh: str
    reason_en: str
    record: str | None = None
    at: Instant


class AuditRecorded(Closed, frozen=True, kw_only=True):
    """Who read or changed what, when and with what result."""

    actor: str
    role: str
    action: str
    object: str
    reason: str | None = None
    result: str
    at: Instant
