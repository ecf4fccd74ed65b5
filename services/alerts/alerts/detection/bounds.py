"""What a customer's state keeps of records and alerts, and how much: late and repeated messages change nothing.

Every record of BOSS has a time and counts its revisions; what is not newer than the last one heard of is old, also
when the record itself has gone from the state (a cleared debt, a closed complaint, an ended or moved contract, a
customer who left). The time comes first: revisions begin again where billing-sync's store was lost.
"""

from msgspec.structs import replace

from alerts.detection.state import CustomerState, Recency
from servicekit.clock import in_range, to_millis
from servicekit.decision import Context
from servicekit.envelope import parse_time

#: Complaints and contracts, each, that are followed of one customer, and contract alerts that are over but may return.
FOLLOWED = 200
#: Records that are no longer followed, and alerts, of which a trace is left: their revision, so that it goes on.
TRACES = 256
#: Characters kept of a free text (category, product code).
TEXT = 200


def recency_of(ctx: Context) -> Recency | None:
    """How recent a record is, None where it does not say."""
    return (to_millis(in_range(parse_time(ctx.time))), ctx.revision) if ctx.time and ctx.revision else None


def is_old(state: CustomerState, record: str, recency: Recency) -> bool:
    """Whether this or something newer of a record was heard before."""
    known = state.heard.get(record)
    return known is not None and recency <= known


def hear(state: CustomerState, record: str, recency: Recency) -> CustomerState:
    """The state that knows this of a record; of records it does not follow, it knows the ``TRACES`` heard last."""
    heard = {**state.heard}
    heard.pop(record, None)  # the newest is the last
    heard[record] = recency
    if len(heard) > TRACES:
        gone = [name for name in heard if not _is_followed(state, name)]
        for name in gone[:-TRACES]:
            del heard[name]
    return replace(state, heard=heard)


def _is_followed(state: CustomerState, record: str) -> bool:
    kind, _, id = record.partition("/")
    return not id or id in (state.tickets if kind == "COMP" else state.terms if kind == "CONT" else ())


def clipped(text: str | None) -> str | None:
    """A free text as far as it is kept."""
    return None if text is None else text[:TEXT]
