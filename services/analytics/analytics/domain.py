"""What analytics keeps of an event: its place in the log, its causes, what it is about, and how it is counted.

Counting, defined once for the live counters and for the recount from the archive:

* *day* is the Asia/Shanghai date of the event's own time (of the broker's timestamp where it has none);
* *kind* is the event type without ``kam.`` and version; alert and work events add ``:<their kind>``;
* *city* is the payload's ``city``; records on ``boss.events`` count under the city that the newest record of the
  same key (by effective time, then revision) named so far on its partition; anything else counts under no city;
* what is told on every partition (a switch of a document, say) counts once, as its record on partition 0 of
  ``boss.events``, and under the city that it names itself;
* an event that came twice (same id) counts once, a message that broke its contract not at all.
"""

import re
from collections import Counter
from datetime import date
from functools import lru_cache
from typing import Any

import msgspec
from msgspec import Struct

from analytics.masking import mask_key, masked
from contracts.apps import APPS
from contracts.registry import EVENTS, EVERYWHERE, TICK
from servicekit.clock import from_millis, iso, local_date
from servicekit.decision import Context
from servicekit.envelope import Message, parse_time

#: every topic on which the platform's events travel
TOPICS = APPS["analytics"].reads
BOSS_TOPIC = "boss.events"
COUNTED = {name: event.payload for name, event in EVENTS.items() if name != TICK}
_DECODERS = {name: msgspec.json.Decoder(payload).decode for name, payload in COUNTED.items()}
MOVED, MOVE = "kam.boss.record.moved.v1", "move:"
#: records that may change their customer: their kind and the field with their id
_MOVABLE = {
    "kam.boss.contract.changed.v1": ("CONT", "contract_id"),
    "kam.boss.complaint.changed.v1": ("COMP", "complaint_id"),
    "kam.boss.service.requested.v1": ("SERV", "request_id"),
    "kam.boss.payment.received.v1": ("PAY", "payment_id"),
}
#: of a city or kind under which things are counted; of an id
LONGEST_NAME, _LONGEST_ID = 64, 1000
_READ = ("ce_id", "ce_correlationid", "ce_time", "ce_sequence", "ce_businessclock")
_REVISION = re.compile(rb"[0-9]{1,10}")
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
    """Business day of an event; raises ``ValueError`` when its time is no ISO 8601 instant of the years 1 to 9999."""
    try:
        return _day_at(time) if time else local_date(from_millis(timestamp_ms))
    except (OverflowError, OSError) as error:
        raise ValueError(f"time {time[:60] or timestamp_ms!r} is out of range") from error


@lru_cache(maxsize=1000)
def _day_at(time: str) -> date:
    """Events that follow from each other say the same time, and each is asked for its day by the archive and the
    counters."""
    at = parse_time(time)
    if at.tzinfo is None:
        raise ValueError(f"time {time[:60]!r} has no offset")
    return local_date(at)


def problem_of(message: Message) -> str | None:
    """Why this message can't be counted: whatever makes it a dead letter of the live counters."""
    try:
        if message.type not in _DECODERS:
            return f"unknown type {message.type[:_LONGEST_ID]!r}"
        check_headers(message)
        _DECODERS[message.type](message.body or b"")
        check(message)
    except Exception as error:  # a body may be nested too deep, a number too long, …
        return str(error)[:500]
    return None


def check(message: Message) -> date:
    """The day of a message whose body keeps its contract; raises ``ValueError`` for what can't be kept or counted."""
    id_ = message.id
    if not id_:
        raise ValueError("the event has no id")
    if len(id_) > _LONGEST_ID:
        raise ValueError(f"an id of {len(id_)} characters, at most {_LONGEST_ID}")
    (message.body or b"").decode()
    revision = message.headers.get("ce_revision", b"0")
    if not _REVISION.fullmatch(revision) or int(revision) >= 1 << 31:
        # Those of an intake that has lost its store begin with the seconds since 1970.
        raise ValueError("a revision is a number below 2147483648")
    return day_of(message.attribute("time") or "", message.timestamp)


def check_headers(message: Message) -> None:
    """What the pipeline reads of the headers, for those who read the log without it; raises ``ValueError``."""
    headers = message.headers
    # All at once, with something between them that is part of no other character.
    b"\0".join([headers.get(name, b"") for name in _READ]).decode()
    int(headers.get("ce_ownerrevision", b"0"))
    _, colon, number = headers.get("ce_sequence", b"").decode().rpartition(":")
    if colon:
        int(number)
    if (clock := headers.get("ce_businessclock")) is not None:
        _check_clock(clock.decode())


@lru_cache(maxsize=1000)
def _check_clock(text: str) -> None:
    clock = parse_time(text)
    if clock.tzinfo is None:
        raise ValueError("the business clock has no offset")
    iso(clock)


def kind_of(topic: str, type_: str, data: dict[str, Any]) -> str:
    """Kind under which an event is counted, such as ``boss.bill.issued`` or ``alert.raised:arrears``."""
    kind = type_.removeprefix("kam.").rpartition(".")[0]
    return f"{kind}:{data['kind'][:LONGEST_NAME]}" if topic in _BY_KIND else kind


def counts(message: Message) -> bool:
    """Whether this record counts: of what is told everywhere, one does."""
    return message.type not in EVERYWHERE or (message.topic, message.partition) == (BOSS_TOPIC, 0)


def city_of(data: dict[str, Any]) -> str | None:
    """City a payload names, cut like every name things are counted under."""
    return (data.get("city") or "")[:LONGEST_NAME] or None


def node_of(message: Message, context: Context, data: dict[str, Any]) -> Node:
    """What lineage keeps of a message."""
    causation = (message.attribute("causationid") or "")[:_LONGEST_ID]
    correlation = context.correlation[:_LONGEST_ID]
    parents = dict.fromkeys([causation, *(data.get("evidence") or ())[:100]])
    about = _about(data)
    if message.topic == BOSS_TOPIC:
        parents |= dict.fromkeys([correlation, fed_event(correlation), _came_by(context, data)])
        if message.type == MOVED:
            about.append(move_name(str(data["kind"]), str(data["record_id"]), context.revision))
    return Node(
        id=context.id,
        type=context.type,
        topic=message.topic,
        partition=message.partition,
        offset=message.offset,
        timestamp=message.timestamp,
        time=context.time,
        service=(message.attribute("source") or "").rpartition("/")[2],
        subject=mask_key(message.topic, message.key)[:_LONGEST_ID],
        correlation=correlation,
        causation=causation,
        about=tuple(about),
        parents=tuple(parent for parent in parents if 0 < len(parent) <= _LONGEST_ID),
        data=masked(data),
    )


def move_name(kind: str, record_id: str, revision: int) -> str:
    """Under which a move of a record from one customer to another is found, by those who came by it."""
    return f"{MOVE}{kind}/{record_id}/{revision}"


def _came_by(context: Context, data: dict[str, Any]) -> str:
    """The move by which a record came to the customer of this event; "" where it always was theirs."""
    if not (came := context.owner_revision):
        return ""
    kind, field = ((data.get("kind"), "record_id") if context.type == MOVED else _MOVABLE.get(context.type)) or ("", "")
    return move_name(str(kind), str(data[field]), came) if field else ""


def fed_event(correlation: str) -> str:
    """Id that BOSS gave to the event behind ``feed:<source>#<id>``; "" for a record from a file."""
    return correlation.partition("#")[2] if correlation.startswith("feed:") else ""


def _about(data: dict[str, Any]) -> list[str]:
    """Alert, SMS and work item of a payload, and the SMSC's message ids, by which receipts find their SMS."""
    ids = [data[field] for field in ("alert_id", "sms_id", "work_id") if data.get(field)]
    parts = [data] if "received_at" in data else data.get("parts") or ()
    ids += [f"smsc:{part['message_id']}" for part in parts[:100] if part.get("message_id")]
    return [id_ for id_ in ids if len(id_) <= _LONGEST_ID]
