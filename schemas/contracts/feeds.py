"""What the routes about feeds take and answer: nightly files of a business day, live events, dead letters."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from contracts.intake_answers import FileReceiptView


class _Answer(BaseModel):
    model_config = ConfigDict(hide_input_in_errors=True)


class FileStanding(FileReceiptView):
    """A file of a business day: its last receipt, or how it stands in the inbox. ``late``: it came after its
    successor."""

    kind: str
    city: str
    sequence: int
    late: bool = False


class ExpectedFile(_Answer):
    """A kind of file of a city that came the night before."""

    kind: str
    city: str


class FileDay(_Answer):
    """All files of a business day, and those that came the night before but have not come yet. ``date`` null: none has
    ever come."""

    date: str | None
    kinds: list[str]
    files: list[FileStanding]
    missing: list[ExpectedFile]
    as_of: str


class RejectedRow(_Answer):
    """A row that could not be taken: where and why. What it said is in the reject file alone."""

    line: int
    field: str
    reason: str


class RejectPart(_Answer):
    """A part of a reject file, whole lines; ``next``: where the next one begins."""

    file: str
    text: str
    next: int | None


class FeedFile(_Answer):
    """A nightly file: its receipts, newest last, how it stands in the inbox, and the first rows that were rejected."""

    file: str
    kind: str
    city: str
    receipts: list[FileReceiptView]
    first_rejected: list[RejectedRow]
    downloadable: bool


class FeedSource(_Answer):
    """A sender of live events since the service started: what it sent, and when it was last heard."""

    source: str
    city: str | None
    events: int
    per_minute: float
    last_at: str


class FeedEvents(_Answer):
    """Live events by their sender. ``seconds_behind``: how long what is accepted now waits for detection."""

    sources: list[FeedSource]
    last_at: str | None
    seconds_behind: float
    as_of: str


class DeadLetterView(_Answer):
    """A message that an app could not handle; nothing of what it said."""

    id: str
    topic: str
    partition: int
    offset: int
    service: str
    source: str | None
    type: str | None
    event_id: str | None
    error: str | None
    reason: str | None
    at: str
    replays: int
    quarantined: bool


class DeadLetters(_Answer):
    """Dead letters that wait for a replay, oldest first. ``cap``: how many may be replayed at a time."""

    rows: list[DeadLetterView]
    cap: int
    as_of: str


class ReplayBody(BaseModel):
    """Dead letters to replay. ``after``: the ``selection`` that a dry run of the same letters answered."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    ids: Annotated[list[Annotated[str, Field(min_length=1, max_length=300)]], Field(min_length=1, max_length=100)]
    dry_run: bool = True
    after: Annotated[str | None, Field(max_length=64)] = None


class ReplayView(_Answer):
    """What was, or would be, replayed. ``quarantined``: failed too many replays; ``gone``: no dead letter any more."""

    dry_run: bool
    replayed: list[str]
    quarantined: list[str]
    gone: list[str]
    cap: int
    selection: str
