"""What the intake forgets, so that its store does not grow without end.

Records of the day (BILL, USAGE, PAY, COMP, SERV) are forgotten four years after BOSS last confirmed them, a complaint
only when it is closed: figures older than 36 months change nothing any more, and what is sent again of the others is
older than anything they could still decide. Customers, contracts, debts and the organisation stay. Identities of events
go after 90 days (``handlers.REMEMBERED_MS``).
"""

from datetime import timedelta

import msgspec

from billing_sync.domain.kinds import KINDS
from billing_sync.domain.record import Known
from billing_sync.draft import Draft
from servicekit.clock import to_millis

REMEMBERED = timedelta(days=4 * 365 + 1)
# A pass over 100 million records, a pulse every five seconds, takes two weeks.
_LOOKED_AT = 500
_KINDS = ("BILL", "COMP", "PAY", "SERV", "USAGE")
_MARK = "forgetting"
_STATUS = KINDS["COMP"].columns.index("status")
_decode_content = msgspec.msgpack.Decoder(tuple).decode


async def forget_old_records(draft: Draft) -> None:
    """Look at the next records behind where the last look ended, round and round, and forget the old ones.

    Old by the business clock: who loads the history of years ago starts with its clock there.
    """
    if draft.clock is None:
        return
    cursor = draft.mark(_MARK) or f"{_KINDS[0]}/"
    kind = cursor.partition("/")[0]
    keys = await draft.intake.store.keys(f"{kind}/", cursor, _LOOKED_AT)
    await draft.need(keys)
    oldest = to_millis(draft.clock) - REMEMBERED // timedelta(milliseconds=1)
    for key in keys:
        known = draft.known(key)
        if known is not None and known.effective < oldest and _is_over(kind, known):
            draft.forget(key)
    following = _KINDS[(_KINDS.index(kind) + 1) % len(_KINDS)]
    draft.marks[_MARK] = keys[-1] if len(keys) == _LOOKED_AT else f"{following}/"


def _is_over(kind: str, known: Known) -> bool:
    return kind != "COMP" or _decode_content(known.content)[_STATUS] == "closed"
