"""CloudEvents 1.0 as BOSS feeds them: from a structured JSON object or binary headers to a fact, or why not. Pure."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import msgspec

from billing_sync.domain.fields import read_instant
from billing_sync.domain.kinds import FEED_KINDS, effective_at, limits_of_event
from billing_sync.domain.reasons import Bad, kind_of, missing, shown, unknown, wrong
from billing_sync.domain.record import Fact
from servicekit.clock import iso, local_date, to_millis

_MAX_ID = 500
_DAY = timedelta(days=1)
# What decoding JSON of a stranger can end in: bad syntax, bad text, nested too deeply.
UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_REQUIRED = ("specversion", "source", "id", "type", "time")


class Receipt(msgspec.Struct, frozen=True):
    """What became of one event: accepted | duplicate | rejected, then with the field and the reason (zh / en)."""

    source: str | None
    id: str | None
    status: str
    field: str | None = None
    reason: str | None = None


class FeedEvent(msgspec.Struct, frozen=True):
    """A valid event: its identity (source + id) and the fact it carries."""

    source: str
    id: str
    time: datetime
    fact: Fact


class Rejection(NamedTuple):
    """An event that is refused: what it said of itself as far as it can be read, the field at fault, and why."""

    source: str | None
    id: str | None
    type: str | None
    field: str | None
    zh: str
    en: str

    @property
    def receipt(self) -> Receipt:
        """What its sender is told."""
        return Receipt(self.source, self.id, "rejected", self.field, f"{self.zh} / {self.en}")

    @property
    def reason(self) -> str:
        """One line for the dead letter: field, then the reason."""
        return f"{self.field}: {self.zh} / {self.en}" if self.field else f"{self.zh} / {self.en}"


def rejection(event: Any, bad: Bad) -> Rejection:
    """Why this event (whatever came in its place) can't be taken."""
    said = event if isinstance(event, dict) else {}
    source, id_, type_ = (said.get(name) for name in ("source", "id", "type"))
    return Rejection(_text(source), _text(id_), _text(type_), bad.field, bad.zh, bad.en)


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def event_of(event: Any, now: datetime) -> FeedEvent:
    """A structured event (its attributes and ``data`` in one object). Raises ``Bad``."""
    if not isinstance(event, dict):
        raise Bad(
            None,
            f"应为 CloudEvents 对象，收到 {kind_of(event)}",
            f"must be a CloudEvents object, got {kind_of(event)}",
        )
    for name in _REQUIRED:
        value = event.get(name)
        if value is None or value == "":
            raise missing(name)
        if not isinstance(value, str):
            raise wrong(name, "文本", "a text", shown(value))
    if event["specversion"] != "1.0":
        raise wrong("specversion", ' "1.0"', '"1.0"', shown(event["specversion"]))
    for name in ("source", "id"):
        if len(event[name]) > _MAX_ID:
            raise wrong(
                name, f"不超过 {_MAX_ID} 字的文本", f"a text of at most {_MAX_ID} characters", shown(event[name])
            )
    kind = FEED_KINDS.get(event["type"])
    if kind is None:
        raise Bad(
            "type",
            f"未知事件类型 {shown(event['type'])}；可用类型：{'、'.join(FEED_KINDS)}",
            f"unknown event type {shown(event['type'])}; known are {', '.join(FEED_KINDS)}",
        )
    try:
        time = read_instant(event["time"])
    except ValueError:
        raise wrong(
            "time",
            "带时区的 ISO 8601 时间（如 2026-05-31T10:00:00+08:00）",
            "an ISO 8601 time with offset (e.g. 2026-05-31T10:00:00+08:00)",
            shown(event["time"]),
        ) from None
    if time > now + _DAY:
        raise Bad(
            "time",
            f"事件时间 {iso(time)} 比系统时间晚一天以上；请核对发送方时钟",
            f"the event's time {iso(time)} is more than a day after system time; check the sender's clock",
        )
    data = event.get("data")
    if not isinstance(data, dict):
        raise Bad(
            "data",
            f"data 应为 JSON 对象（整条记录），收到 {kind_of(data)}",
            f"data must be a JSON object (the whole record), got {kind_of(data)}",
        )
    for name in data:
        if name not in kind.known:
            raise unknown(name)
    values = tuple([field.take_json(data.get(field.name)) for field in kind.fields])
    limits_of_event(time).check(kind, values)
    source, id_ = event["source"], event["id"]
    fact = Fact(
        kind,
        values,
        effective_at(kind, values, to_millis(time)),
        local_date(time).isoformat(),
        f"feed:{source}#{id_}",
        id_,
    )
    return FeedEvent(source, id_, time, fact)


def structured(raw: bytes) -> Any:
    """A structured-mode event. Raises ``Bad`` when it is no JSON."""
    try:
        return msgspec.json.decode(raw)
    except UNREADABLE as error:
        raise Bad(None, f"不是合法的 JSON：{error}", f"not valid JSON: {error}") from None


def binary(headers: Mapping[str, str], prefix: str, body: bytes) -> dict[str, Any]:
    """A binary-mode event: attributes in headers ``<prefix><attribute>`` (``ce-`` HTTP, ``ce_`` Kafka), data as body.

    A body that is no JSON is kept as None, which ``event_of`` rejects as ``data``.
    """
    event: dict[str, Any] = {n[len(prefix) :].lower(): v for n, v in headers.items() if n.lower().startswith(prefix)}
    try:
        event["data"] = msgspec.json.decode(body)
    except UNREADABLE:
        event["data"] = None
    return event
