"""Every event becomes a node of lineage and one more in its cell of the counts."""

from typing import Any

import msgspec
from msgspec import Struct

from analytics.domain import BOSS_TOPIC, COUNTED, Cell, check, city_of, counts, kind_of, node_of
from contracts.registry import EVENTS, EVERYWHERE
from servicekit.app import HandlerEntry
from servicekit.decision import Context, Decision, DocumentWrite, Invalid

EVENT = "event"


class LastCity(Struct, frozen=True):
    """What must be remembered of a key: the city that its newest record on boss.events with a city named.

    ``heard``: its effective time and revision, by which one is newer than another.
    """

    city: str | None = None
    heard: tuple[str, int] = ("", 0)


def remember(state: LastCity | None, payload: Any, context: Context) -> Decision:
    """Node and cell of an event, as one row under its id; the store counts it when the id is new. No cell: it doesn't
    count."""
    message = context.message
    assert message is not None
    try:
        day = check(message)
    except ValueError as error:
        raise Invalid(str(error)) from error
    data = msgspec.to_builtins(payload)
    city, known = city_of(data), state
    if message.topic == BOSS_TOPIC and message.type not in EVERYWHERE:
        heard = (context.time, context.revision)
        if city is not None and (state is None or heard >= state.heard):
            known = LastCity(city, heard)
        # Most keys have no city (file names, phone numbers, …): nothing is remembered of those.
        city = None if known is None else known.city
    cell = Cell(day.isoformat(), city, kind_of(message.topic, context.type, data)) if counts(message) else None
    doc = {"node": node_of(message, context, data), "cell": cell}
    return Decision(known, writes=(DocumentWrite(EVENT, context.id, doc),))


HANDLERS = {name: HandlerEntry(EVENTS[name].payload, remember) for name in COUNTED}
