"""What the brake of alerts is told, on every partition of boss.events, under its own key (ADR 0023): where a file ends,
how many customers there are, and what a person said of what it holds.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from billing_sync.domain.keys import COUNTED, word_key
from billing_sync.nightly.held import decided
from billing_sync.store import encode
from contracts.brake import BOOK, MOST_CITIES, Census, CitiesCounted, LoadEnded, Part, ReleaseDecided, Verdict
from contracts.registry import CITIES_COUNTED, EVENTS, RELEASE_DECIDED
from servicekit.clock import iso, to_millis
from servicekit.envelope import OutgoingMessage, encode_data, write_headers
from servicekit.ids import derive

if TYPE_CHECKING:
    from billing_sync.draft import Draft

_REMEMBERED_MS = 400 * 86_400_000
_decode = msgspec.msgpack.Decoder(ReleaseDecided).decode


def tell_brake(
    draft: "Draft",
    partition: int,
    type_: str,
    data: LoadEnded | ReleaseDecided | CitiesCounted,
    correlation: str,
    seed: str,
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


class TellCities:
    """Job: how many customers each city has, of each partition; said once after each switch of the brake."""

    def __init__(self, switch: bytes, cities: Mapping[str, list[int]]) -> None:
        self._switch, self._cities = switch, cities

    async def carry_out(self, draft: "Draft") -> None:
        await draft.need(others=[COUNTED])
        if draft.get(COUNTED) == self._switch:
            return
        largest = sorted(self._cities.items(), key=lambda item: (-sum(item[1]), item[0]))[:MOST_CITIES]
        for partition in range(draft.intake.app.partitions):
            cities = {city: Census(customers=sum(counts), here=counts[partition]) for city, counts in largest}
            about, seed = f"brake:{self._switch.decode()}", iso(draft.system_now)
            tell_brake(draft, partition, CITIES_COUNTED, CitiesCounted(cities=cities), about, seed)
        draft.put(COUNTED, self._switch)
        # It is heard at the next tick.
        draft.accepted = True


class SayOfStep:
    """Job: a person's word on what alerts holds, about what they have seen of each partition. Answers
    ``ReleaseDecided``. Raises ``Refused`` 409 where somebody has decided otherwise, or somebody else has."""

    def __init__(self, id: str, verdict: Verdict, by: str, why: str, seen: Mapping[int, Part]) -> None:
        self._id, self._verdict, self._by, self._why, self._seen = id, verdict, by, why, seen

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
            own = replace(word, seen=self._seen.get(partition, Part()))
            tell_brake(draft, partition, RELEASE_DECIDED, own, f"release:{self._id}", "")
        # It is heard at the next tick.
        draft.accepted = True
        return word
