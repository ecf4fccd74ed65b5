"""What analytics keeps of an event: its place in the log, its causes, what it is about, and how it is counted.

Counting, defined once for the live counters and for the recount from the archive:

* *day* is the Asia/Shanghai date of the event's own time (of the broker's timestamp where it has none);
* *kind* is the event type without ``kam.`` and version; alert and work events add ``:<their kind>``;
* *city* is the payload's ``city``; records on ``boss.events`` without one count under the city that the same key had
  last on its partition of ``boss.events``; anything else counts under no city;
* an event that came twice (same id) counts once, a message that broke its contract not at all.
"""

from collections import Counter
from datetime import date
from typing import Any

import msgspec
from msgspec import Struct

from analytics.masking import mask_key, masked
from contracts.registry import EVENTS, TICK
from servicekit.clock import from_millis, local_date
from servicekit.envelope import Message, parse_time

#: every topic on which the platform's events travel
TOPICS = sorted({event.topic for event in EVENTS.values()})
BOSS_TOPIC = "boss.events"
COUNTED = {name: event.payload for name, event in EVENTS.items() if name != TICK}
_DECODERS = {name: msgspec.json.Decoder(payload).decode for name, payload in COUNTED.items()}
_BY_KIND = ("alert.events", "work.events")


class Node(Struct, frozen=True, omit_defaults=True):
    """An event in the web of causes.

    ``about`` are the alerts, SMS and work items it tells of, ``parents`` the events and records it came from
    (causation, evidence, the BOSS record); ``data`` is masked and bounded.
    """

    id: str
    type: str
    topic: str
    partition: int
    offset: int
    timestamp: int
    time: str
    service: str
    subject: str
    correlation: str
    causation: str = ""
    about: tuple[str, ...] = ()
    parents: tuple[str, ...] = ()
    data: dict[str, Any] = {}


class Cell(Struct, frozen=True, order=True):
    """Where an event is counted."""

    day: str
    city: str | None
    kind: str


Counts = Counter[Cell]


def day_of(time: str, timestamp_ms: int) -> date:
    """Business day of an event; raises ``ValueError`` when its time is not an ISO 8601 instant."""
    at = parse_time(time) if time else from_millis(timestamp_ms)
    if at.tzinfo is None:
        raise ValueError(f"time {time!r} has no offset")
    return local_date(at)


def problem_of(message: Message) -> str | None:
    """Why this message can't be counted: no id, an unknown type, a body that breaks its contract, a bad time."""
    decode = _DECODERS.get(message.type)
    if decode is None:
        return f"unknown type {message.type!r}"
    if not message.id:
        return "no id"
    try:
        decode(message.body or b"")
        day_of(message.attribute("time") or "", message.timestamp)
    except ValueError as error:
        return str(error)
    return None


def kind_of(topic: str, type_: str, data: dict[str, Any]) -> str:
    """Kind under which an event is counted, such as ``boss.bill.issued`` or ``alert.raised:arrears``."""
    kind = type_.removeprefix("kam.").rpartition(".")[0]
    return f"{kind}:{data['kind']}" if topic in _BY_KIND else kind


def node_of(message: Message, data: dict[str, Any]) -> Node:
    """What lineage keeps of a message."""
    causation = message.attribute("causationid") or ""
    correlation = message.correlation_id
    parents = dict.fromkeys([causation, *(data.get("evidence") or ())[:100]])
    if message.topic == BOSS_TOPIC:
        parents |= dict.fromkeys([correlation, fed_event(correlation)])
    return Node(
        id=message.id,
        type=message.type,
        topic=message.topic,
        partition=message.partition,
        offset=message.offset,
        timestamp=message.timestamp,
        time=message.attribute("time") or "",
        service=(message.attribute("source") or "").rpartition("/")[2],
        subject=mask_key(message.topic, message.key),
        correlation=correlation,
        causation=causation,
        about=tuple(_about(data)),
        parents=tuple(parent for parent in parents if parent),
        data=masked(data),
    )


def fed_event(correlation: str) -> str:
    """Id that BOSS gave to the event behind ``feed:<source>#<id>``; "" for a record from a file."""
    return correlation.partition("#")[2] if correlation.startswith("feed:") else ""


def _about(data: dict[str, Any]) -> list[str]:
    """Alert, SMS and work item of a payload, and the SMSC's message ids, by which receipts find their SMS."""
    ids = [data[field] for field in ("alert_id", "sms_id", "work_id") if data.get(field)]
    parts = [data] if "received_at" in data else data.get("parts") or ()
    return ids + [f"smsc:{part['message_id']}" for part in parts if part.get("message_id")]
