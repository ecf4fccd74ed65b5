"""What the brake of alerts is told, on every partition of boss.events, under its own key (ADR 0023): where a file ends,
and what a person said of what it holds.
"""

from typing import TYPE_CHECKING

import msgspec

from billing_sync.domain.keys import word_key
from billing_sync.nightly.held import decided
from billing_sync.store import encode
from contracts.brake import BOOK, LoadEnded, ReleaseDecided, Verdict
from contracts.registry import EVENTS, RELEASE_DECIDED
from servicekit.clock import iso, to_millis
from servicekit.envelope import OutgoingMessage, encode_data, write_headers
from servicekit.ids import derive

if TYPE_CHECKING:
    from billing_sync.draft import Draft

_REMEMBERED_MS = 400 * 86_400_000
_decode = msgspec.msgpack.Decoder(ReleaseDecided).decode


def tell_brake(
    draft: "Draft", partition: int, type_: str, data: LoadEnded | ReleaseDecided, correlation: str, seed: str
) -> None:
    """Written here, to one partition."""
    headers = write_headers(
        id=derive(type_, correlation, seed, partition),
        type=type_,
        source="kam/billing-sync",
        subject=BOOK,
        time=iso(draft.system_now),
        correlation_id=correlation,
        sequence=draft.next_label(),
        clock=None if draft.clock is None else iso(draft.clock),
    )
    draft.send(OutgoingMessage(EVENTS[type_].topic, partition, BOOK.encode(), encode_data(data), headers))


class DecideStep:
    """Job: a person's word on what alerts holds. Answers ``ReleaseDecided``. Raises ``Refused`` 409 where somebody has
    decided otherwise, or somebody else has."""

    def __init__(self, id: str, verdict: Verdict, by: str, why: str) -> None:
        self._id, self._verdict, self._by, self._why = id, verdict, by, why

    async def carry_out(self, draft: "Draft") -> ReleaseDecided:
        key = word_key(self._id)
        await draft.need(others=[key])
        if (raw := draft.get(key)) is not None:
            before = _decode(raw)
            if (before.verdict, before.by) != (self._verdict, self._by):
                raise decided(before.verdict, before.by)
            return before  # asked again
        word = ReleaseDecided(
            release_id=self._id, verdict=self._verdict, by=self._by, why=self._why, decided_at=draft.system_now
        )
        draft.put(key, encode(word), to_millis(draft.system_now) + _REMEMBERED_MS)
        for partition in range(draft.intake.app.partitions):
            tell_brake(draft, partition, RELEASE_DECIDED, word, f"release:{self._id}", "")
        # It is heard at the next tick.
        draft.accepted = True
        return word
