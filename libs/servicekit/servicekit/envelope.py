"""CloudEvents 1.0 in Kafka binary content mode: what a received message is, and how a new one is written.

Extension attributes of ours: ``correlationid`` (the BOSS record that began it), ``causationid`` (the event before),
``businessclock`` (business time when the record was accepted), ``sequence`` (``<producer processor>:<number>``, rising
within a producer processor: what a consumer needs to drop repeats without remembering ids), ``revision`` (of a BOSS
record),
``ownerrevision`` (that at which the record came to this customer; absent when it always was theirs), ``acceptedat``
(system time, epoch ms, at which the BOSS record was accepted that this follows from at once; absent on what the clock
or a person brought about), ``baseline`` (of a BOSS record that a first load brings: that load's last business
date; no SMS comes of it).
"""

from collections.abc import Callable
from datetime import datetime
from operator import itemgetter
from typing import Any

import msgspec

from contracts.registry import EVENTS, TICK

#: what a decoder raises at a body that is none: whoever sent it is to blame
UNDECODABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
Headers = list[tuple[str, bytes]]
#: see above
BASELINE = "ce_baseline"
_SPEC = ("ce_specversion", b"1.0")
_JSON = ("content-type", b"application/json")
_encoder = msgspec.json.Encoder()
#: one text for every type there is: its hash is known, and comparing it is comparing places
_TYPES = {name.encode(): name for name in (*EVENTS, TICK)}
#: what is read of every message that is handled
HOT = (
    "kam-replay-for",
    "ce_sequence",
    "ce_businessclock",
    "ce_id",
    "ce_correlationid",
    "ce_revision",
    "ce_time",
    "ce_ownerrevision",
    "ce_acceptedat",
)


class Message:
    """A message as received: headers are decoded only when asked for.

    ``key`` is the Kafka key (the CloudEvents subject when there is none). A header without a value counts as empty.
    Commands of the own process are messages too, with their ``data`` and no body and position.
    """

    __slots__ = ("body", "data", "headers", "key", "offset", "partition", "raw_key", "timestamp", "topic", "type")

    def __init__(
        self,
        topic: str,
        partition: int,
        offset: int,
        raw_key: bytes | None,
        headers: dict[str, Any],
        body: bytes | None,
        timestamp: int = 0,
    ) -> None:
        self.topic, self.partition, self.offset, self.timestamp = topic, partition, offset, timestamp
        # Whatever comes by must become a message: a header may be null or no text at all.
        if not all(headers.values()):
            headers = {name: b"" if value is None else value for name, value in headers.items()}
        self.raw_key, self.body = raw_key, body
        self.headers: dict[str, bytes] = headers
        type_ = headers.get("ce_type", b"")
        self.type = _TYPES.get(type_) or type_.decode("utf-8", "replace")
        self.key = (raw_key if raw_key is not None else headers.get("ce_subject") or b"").decode("utf-8", "replace")
        self.data: Any = None

    @property
    def hot(self) -> tuple[bytes | None, ...]:
        """Values of the ``HOT`` headers, None where absent."""
        return tuple(map(self.headers.get, HOT))

    @property
    def size(self) -> int:
        """Octets that it holds: body, key and what its headers say. A stranger's headers are as large as he likes."""
        return len(self.body or b"") + len(self.raw_key or b"") + sum(map(len, self.headers.values()))

    def attribute(self, name: str) -> str | None:
        """A CloudEvents attribute by name, ``None`` where absent."""
        value = self.headers.get("ce_" + name)
        return None if value is None else value.decode("utf-8", "replace")

    @property
    def id(self) -> str:
        """Event id; empty when the message carries none."""
        return self.headers.get("ce_id", b"").decode("utf-8", "replace")

    @property
    def correlation_id(self) -> str:
        """The BOSS record that began it; the event itself where it began here."""
        return self.headers.get("ce_correlationid", b"").decode("utf-8", "replace") or self.id

    @property
    def revision(self) -> int:
        """Revision of the BOSS record, 0 for anything else."""
        return int(self.headers.get("ce_revision", b"0"))


class HeaderNames:
    """The names of a record's headers, in their order: those of one producer's events are mostly the same."""

    def __init__(self, names: tuple[str, ...] = ()) -> None:
        self.names = names
        place = {name: n for n, name in enumerate(names)}
        #: of a record's values, with None behind them
        self.hot: Callable[[tuple[bytes | None, ...]], tuple[bytes | None, ...]] = itemgetter(
            *(place.get(name, len(names)) for name in HOT)
        )
        self.type = place.get("ce_type", len(names))


class ReceivedMessage(Message):
    """A message as a consumer reads it. A dictionary of its headers is made only when asked for: thousands of messages
    wait for their turn, and dictionaries and names would be most of what they take of the processor's cache.
    """

    __slots__ = ("_headers", "_names", "_values")

    def __init__(
        self,
        topic: str,
        partition: int,
        offset: int,
        raw_key: bytes | None,
        names: HeaderNames,
        values: tuple[bytes | None, ...],
        body: bytes | None,
        timestamp: int,
    ) -> None:
        self.topic, self.partition, self.offset, self.timestamp = topic, partition, offset, timestamp
        if not all(values):
            values = tuple([b"" if value is None else value for value in values])
        values = (*values, None)
        self.raw_key, self.body, self._names, self._values = raw_key, body, names, values
        self._headers: dict[str, bytes] | None = None
        type_ = values[names.type] or b""
        self.type = _TYPES.get(type_) or type_.decode("utf-8", "replace")
        self.key = (raw_key if raw_key is not None else self.headers.get("ce_subject", b"")).decode("utf-8", "replace")
        self.data = None

    @property
    def size(self) -> int:
        # The last of the values is None.
        return len(self.body or b"") + len(self.raw_key or b"") + sum(map(len, self._values[:-1]))  # type: ignore[arg-type]

    @property
    def headers(self) -> dict[str, bytes]:  # type: ignore[override]
        if self._headers is None:
            self._headers = dict(zip(self._names.names, self._values, strict=False))  # type: ignore[arg-type]
        return self._headers

    @property
    def hot(self) -> tuple[bytes | None, ...]:
        return self._names.hot(self._values)


def command(type_: str, key: str, data: object, *, id: str, correlation_id: str | None = None) -> Message:
    """A command of the own process in the shape of a message, so that it takes the same road as events."""
    headers = {"ce_type": type_.encode(), "ce_id": id.encode()}
    if correlation_id:
        headers["ce_correlationid"] = correlation_id.encode()
    message = Message("", -1, -1, key.encode(), headers, None)
    message.data = data
    return message


class OutgoingMessage(msgspec.Struct, frozen=True, array_like=True):
    """A message to be sent, as it waits in an outbox: exact bytes, so that a repeat is the same message."""

    topic: str
    partition: int
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes]]


def encode_data(data: object) -> bytes:
    """JSON body of a payload struct."""
    return _encoder.encode(data)


def write_headers(
    *,
    id: str,
    type: str,
    source: str,
    subject: str,
    time: str,
    correlation_id: str,
    causation_id: str | None = None,
    sequence: str | None = None,
    clock: str | None = None,
    revision: int | None = None,
    owner_revision: int = 0,
    accepted: bytes = b"",
) -> Headers:
    """Headers of a new event, CloudEvents Kafka protocol binding 1.0.2, section 3.2. ``accepted`` as on the wire."""
    shared = shared_headers(
        type=type, source=source, time=time, causation_id=causation_id, clock=clock, accepted=accepted
    )
    headers = [*shared, *own_headers(id, subject.encode(), correlation_id)]
    if sequence is not None:
        headers.append(("ce_sequence", sequence.encode()))
    if revision is not None:
        headers.append(("ce_revision", b"%d" % revision))
    if owner_revision:
        headers.append(("ce_ownerrevision", b"%d" % owner_revision))
    return headers


def shared_headers(
    *,
    type: str,
    source: str,
    time: str,
    causation_id: str | None = None,
    clock: str | None = None,
    accepted: bytes = b"",
) -> Headers:
    """Those headers of a new event that it may share with thousands of others."""
    headers: Headers = [_SPEC, _JSON, ("ce_type", type.encode()), ("ce_source", source.encode())]
    headers.append(("ce_time", time.encode()))
    if causation_id is not None:
        headers.append(("ce_causationid", causation_id.encode()))
    if clock is not None:
        headers.append(("ce_businessclock", clock.encode()))
    if accepted:
        headers.append(("ce_acceptedat", accepted))
    return headers


def own_headers(id: str, subject: bytes, correlation_id: str) -> tuple[tuple[str, bytes], ...]:
    """Those that every new event has for itself."""
    return ("ce_id", id.encode()), ("ce_subject", subject), ("ce_correlationid", correlation_id.encode())


def parse_time(text: str) -> datetime:
    """Instant of an ISO 8601 text with offset."""
    return datetime.fromisoformat(text)
