"""What the routes of billing-sync answer."""

from typing import Literal

from contracts.answer import Answer


class ClockView(Answer):
    """Business time; null while unset."""

    mode: str
    clock: str | None


class EventReceipt(Answer):
    """What became of one event of the feed; a rejected one with the field at fault and the reason (zh / en)."""

    source: str | None
    id: str | None
    status: Literal["accepted", "duplicate", "rejected"]
    field: str | None = None
    reason: str | None = None


class FileReceiptView(Answer):
    """A receipt of a nightly file (see ``FileReceipt``), or how it stands in the inbox: ``loading`` and how far it is,
    ``queued``, ``waiting`` for its control file since ``seconds``, ``stuck`` because it can't be moved. ``held``: it
    waits for a word on ``release_id``."""

    file: str
    result: Literal[
        "received", "accepted", "partial", "rejected", "duplicate", "held", "loading", "queued", "waiting", "stuck"
    ]
    rows_read: int = 0
    loaded: int = 0
    unchanged: int = 0
    rejected: int = 0
    unknown_customer: int = 0
    stale: int = 0
    cleared: int = 0
    amount: int = 0
    started: str | None = None
    ended: str | None = None
    business_date: str | None = None
    reason_zh: str | None = None
    reason_en: str | None = None
    notes: list[str] = []
    release_id: str | None = None
    phase: str | None = None
    percent: int | None = None
    seconds: int | None = None


class Waiting(Answer):
    """Files of the inbox that are being loaded or can be dealt with."""

    waiting: int
