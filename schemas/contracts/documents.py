"""Documents that staff change while everything runs (ADR 0020): how a version comes into force at one place of the log,
and where it stands. A *kind* of document (rule, …) belongs to one service; billing-sync alone writes the switch.
"""

from datetime import date, datetime
from typing import Annotated, Any, Literal

from msgspec import Meta

from contracts.boss import Instant
from contracts.misc import Closed

#: what a switch makes of a version: it decides; it decides for analysts alone; it decides no more, and nothing instead
State = Literal["active", "shadow", "stopped"]
#: code by which billing-sync refuses an order for a day that has passed
PASSED = "on_passed"
#: octets that a document may have as JSON: a switch must fit into any record
MOST_BYTES = 256 << 10
#: of a list of customers: 20,000 ids as long as BOSS has them
MOST_LIST_BYTES = 512 << 10


def most_bytes(kind: str) -> int:
    """Of a document of this kind."""
    return MOST_LIST_BYTES if kind == "list" else MOST_BYTES


#: of kinds, documents and orders: names for paths and keys
KIND, DOCUMENT_ID, ORDER_ID = "^[a-z][a-z_]{0,31}$", "^[a-z0-9][a-z0-9_-]{0,63}$", "^[A-Za-z0-9-]{1,64}$"


#: what a terminal or a page takes as an order to it, not as text: control characters but line end and tab, and those
#: that turn the direction of writing
UNSEEN = "[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"


class DocumentSwitched(Closed, frozen=True, kw_only=True):
    """A version of a document comes into force here, or is stopped: for every record behind it, on this partition.

    ``number`` rises with each switch and is the same on all partitions; ``document`` is the whole version.
    ``switched_at`` is system time.
    """

    number: Annotated[int, Meta(ge=1)]
    kind: Annotated[str, Meta(pattern=KIND)]
    document_id: Annotated[str, Meta(pattern=DOCUMENT_ID)]
    version: Annotated[int, Meta(ge=1)]
    state: State
    document: dict[str, Any]
    by: str
    why: str
    switched_at: Instant


class Ordered(Closed, frozen=True, kw_only=True):
    """An order of a version, under its ``id``. ``on``: with the first record or tick of this business day."""

    id: str
    kind: str
    document_id: str
    version: int
    state: State
    by: str
    why: str
    on: date | None = None


class Placed(Ordered, frozen=True, kw_only=True):
    """What became of an order: its place in the log; ``number`` and ``at`` (system time) are None while it waits."""

    number: int | None = None
    at: datetime | None = None
