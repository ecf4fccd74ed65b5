"""What is known of a record, what a road brings, and which of the two is newer. Pure.

Recency (interfaces.md): older effective time never overwrites newer; at equal time the higher of two file sequences
wins, else the later arrival.
"""

from typing import Literal, Protocol

import msgspec

from billing_sync.domain.fields import Wire
from billing_sync.domain.kinds import Kind, content_of

Outcome = Literal["changed", "unchanged", "stale"]


class Known(msgspec.Struct, array_like=True):
    """What is stored of a record. ``effective`` is epoch ms, ``sequence`` that of the file it came by (0: an event).

    ``city``: whose file (CONT, ARR: ``*`` an event) or which city (CUST) it belongs to. ``seen``: tag of the last
    snapshot file that named it. ``left``: left_on, reason and destination of a customer who left. ``content`` is empty
    for a customer of whom nothing but the leaving is known. ``owner_revision``: the revision at which the record came
    to its customer; 0 when it always was theirs, and of what was stored before this was known. ``segment``: digest of
    the segment (``domain.segment``) it stands in, whose effective, sequence and seen then count; empty for none.
    """

    effective: int
    sequence: int
    revision: int
    content: bytes
    city: str = ""
    seen: int = 0
    left: tuple[str, str | None, str | None] | None = None
    owner_revision: int = 0
    segment: bytes = b""


class Recency(Protocol):
    """When something was said last: effective time in epoch ms, and sequence of its file (0: an event)."""

    effective: int
    sequence: int


class Fact(msgspec.Struct):
    """A valid record as a road brings it. ``day`` is its business date; ``tag`` (files) names the snapshot it is in;
    ``baseline`` (files of a first load) is that load's last business date."""

    kind: Kind
    values: tuple[Wire, ...]
    effective: int
    day: str
    correlation: str
    causation: str
    sequence: int = 0
    city: str = ""
    tag: int = 0
    baseline: str = ""
    key: str = ""
    subject: str = ""
    content: bytes = b""

    def __post_init__(self) -> None:
        self.key, self.subject = self.kind.key(self.values), str(self.values[self.kind.subject_at])
        self.content = content_of(self.values)


def is_older(effective: int, sequence: int, known: Recency) -> bool:
    """Whether something of this time and file sequence comes too late."""
    if effective != known.effective:
        return effective < known.effective
    return 0 < sequence < known.sequence


def compare(known: Known | None, effective: int, sequence: int, content: bytes) -> Outcome:
    """The one compare step of all roads."""
    if known is None:
        return "changed"
    if is_older(effective, sequence, known):
        return "stale"
    return "unchanged" if known.content == content else "changed"
