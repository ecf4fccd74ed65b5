"""What a customer's state keeps of records and alerts, and how much: late and repeated messages change nothing.

Every record of BOSS counts its revisions; what is not newer than the last one heard of is old, also when the record
itself has gone from the state (a cleared debt, a closed complaint, an ended or moved contract, a customer who left).
"""

from msgspec.structs import replace

from alerts.detect.state import State

#: Complaints and contracts, each, that are followed of one customer, and contract alerts that are over but may return.
FOLLOWED = 200
#: Records that are no longer followed, and alerts, of which a trace is left: their revision, so that it goes on.
TRACES = 256
#: Characters kept of a free text (category, product code).
TEXT = 200


def is_old(state: State, record: str, revision: int) -> bool:
    """Whether this revision of a record, or a newer one, was heard before. A revision of 0 is not known."""
    return 0 < revision <= state.heard.get(record, 0)


def hear(state: State, record: str, revision: int) -> State:
    """The state that knows this revision; of records it does not follow, it knows the ``TRACES`` heard last."""
    if not revision:
        return state
    heard = {**state.heard}
    heard.pop(record, None)  # the newest is the last
    heard[record] = revision
    if len(heard) > TRACES:
        gone = [name for name in heard if not _is_followed(state, name)]
        for name in gone[:-TRACES]:
            del heard[name]
    return replace(state, heard=heard)


def _is_followed(state: State, record: str) -> bool:
    kind, _, id = record.partition("/")
    return not id or id in (state.tickets if kind == "COMP" else state.terms if kind == "CONT" else ())


def clipped(text: str | None) -> str | None:
    """A free text as far as it is kept."""
    return None if text is None else text[:TEXT]
