"""What the lineage processors tell the agent of live rates: alerts raised, counted per minute and city.

Faust costs some 0.5 ms a message, so it gets one a batch and not one an event. It goes out with the batch's commit;
what came twice is counted once.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from analytics.domain import LONGEST_NAME
from contracts.apps import LIVE_COUNTS
from contracts.registry import EVENTS
from servicekit.decision import DocumentWrite
from servicekit.envelope import UNDECODABLE, OutgoingMessage, encode_data

RAISED = EVENTS["kam.alert.raised.v1"]
MINUTE = 60
_LARGEST = 1 << 62


class AlertsRaised(Struct, frozen=True):
    """Alerts raised in a city in a minute of the log: ``since`` is its first second, in epoch seconds."""

    since: Annotated[int, Meta(ge=-_LARGEST, le=_LARGEST)]
    city: Annotated[str, Meta(max_length=LONGEST_NAME)] | None
    alerts: Annotated[int, Meta(ge=1, le=_LARGEST)]


_decode = msgspec.json.Decoder(list[AlertsRaised]).decode


def summary(writes: Sequence[DocumentWrite]) -> Iterator[OutgoingMessage]:
    """One message for each partition on which alerts were raised: a batch of a lineage processor has one."""
    counts: dict[int, Counter[tuple[int, str | None]]] = {}
    for write in writes:
        assert write.doc is not None
        node = write.doc["node"]
        if node.type == RAISED.name and node.topic == RAISED.topic:
            minute = node.timestamp // (1000 * MINUTE) * MINUTE
            counts.setdefault(node.partition, Counter())[minute, write.doc["cell"].city] += 1
    for partition, found in counts.items():
        body = encode_data([AlertsRaised(since, city, n) for (since, city), n in found.items()])
        yield OutgoingMessage(LIVE_COUNTS, partition, None, body, [])


def read(body: bytes | None) -> list[AlertsRaised]:
    """What such a message says; nothing where it is not one of ours."""
    try:
        return _decode(body or b"[]")
    except UNDECODABLE:
        return []
