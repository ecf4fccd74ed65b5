"""The kinds of BOSS records: their event type, keys, columns, and the order in which a night's files are loaded."""

from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from functools import lru_cache
from operator import itemgetter
from typing import Any

import msgspec

from billing_sync.domain.fields import Field, Wire, fields_of, read_instant
from billing_sync.domain.reasons import future
from contracts.boss import BossRecord
from contracts.registry import FEED, FILE_KINDS
from servicekit.clock import at_local, end_of, iso, later_day, local_date, to_millis

_encode_content = msgspec.msgpack.Encoder().encode
_encode_body = msgspec.json.Encoder().encode
_DAY = timedelta(days=1)

# Fields that name a planned day, not a fact: they may lie in the future (interfaces.md, Recency).
PLANNED = frozenset({"due_on", "oldest_due_on", "starts_on", "ends_on"})


class Kind:
    """One kind of record. ``name`` is the file kind (BAL, LEFT: events only); ``keys`` name a record."""

    def __init__(
        self, name: str, type_: str, record: type[BossRecord], amount: str | None = None, snapshot: bool = False
    ) -> None:
        self.name, self.type, self.record, self.keys = name, type_, record, _KEYS[name]
        self.amount, self.snapshot = amount, snapshot
        self.fields: tuple[Field, ...] = fields_of(record)
        self.columns: tuple[str, ...] = tuple(f.name for f in self.fields)
        self.subject = "customer_id" if "customer_id" in self.columns else self.keys[0]
        self.subject_at = self.columns.index(self.subject)
        # CONT, COMP, SERV, PAY: the customer is no part of the key, so the same record can pass to another one.
        self.is_movable = self.subject not in self.keys
        self.key_at = tuple(self.columns.index(k) for k in self.keys)
        self._key: Callable[[tuple[Wire, ...]], Any] = itemgetter(*self.key_at)
        self.as_of_at = self.columns.index("as_of") if "as_of" in self.columns else None
        self.dated = tuple((i, f.name, f.dated) for i, f in enumerate(self.fields) if f.dated and f.name not in PLANNED)
        self.known = frozenset(self.columns)
        # Wire values as they are, in the contract's order.
        self._body = msgspec.defstruct(name, self.columns)

    def key(self, values: tuple[Wire, ...]) -> str:
        """Key of a record: its parts joined with ``/``."""
        found = self._key(values)
        return found if isinstance(found, str) else "/".join(found)

    def body(self, values: tuple[Wire, ...]) -> bytes:
        """JSON body of the event that carries these values."""
        return _encode_body(self._body(*values))

    def __repr__(self) -> str:
        return f"Kind({self.name})"


def content_of(values: tuple[Wire, ...]) -> bytes:
    """What 'same content' is compared by: the wire values as MessagePack."""
    return _encode_content(values)


class Limits(msgspec.Struct, frozen=True):
    """Latest values that a fact may carry, a day after its file's business date or its event's time.

    A date and a period (its first day) are compared as text, which orders them rightly.
    """

    instant: datetime
    day: str
    period: str
    than_zh: str
    than_en: str

    def check(self, kind: Kind, values: tuple[Wire, ...]) -> None:
        """Raises ``Bad`` for a fact from the future."""
        for index, name, dated in kind.dated:
            value = values[index]
            if value is not None and self._is_late(dated, value):
                raise future(name, str(value), self.than_zh, self.than_en)

    def hold(self, kind: Kind, columns: Sequence[Sequence[Wire]]) -> bool:
        """Whether none of many facts, given as a kind's columns, is from the future."""
        for index, _, dated in kind.dated:
            if any(self._is_late(dated, value) for value in set(columns[index]) if value is not None):
                return False
        return True

    def _is_late(self, dated: str, value: Wire) -> bool:
        assert isinstance(value, str)
        if dated == "date":
            return value > self.day
        return value > self.period if dated == "period" else read_instant(value) > self.instant


def limits_of_event(time: datetime) -> Limits:
    """A day after an event's time."""
    last = local_date(time) + _DAY
    return Limits(
        time + _DAY, last.isoformat(), f"{last:%Y%m}", f"事件时间 {iso(time)} ", f"the event's time {iso(time)}"
    )


def limits_of_file(business_date: date) -> Limits:
    """A day after a file's business date, the whole day included."""
    last = later_day(business_date, 1)
    day = business_date.isoformat()
    return Limits(
        end_of(last), last.isoformat(), f"{last:%Y%m}", f"文件业务日期 {day} ", f"the file's business date {day}"
    )


_KEYS = {
    "UNIT": ("unit_id",),
    "MGR": ("manager_id",),
    "CUST": ("customer_id",),
    "CONT": ("contract_id",),
    "BILL": ("customer_id", "period"),
    "USAGE": ("customer_id", "period"),
    "PAY": ("payment_id",),
    "ARR": ("customer_id",),
    "COMP": ("complaint_id",),
    "SERV": ("request_id",),
    "BAL": ("customer_id",),
    "LEFT": ("customer_id",),
}
_BY_EVENT = {"BAL": "kam.boss.balance.changed.v1", "LEFT": "kam.boss.customer.left.v1"}

# In the order of loading.
KINDS: dict[str, Kind] = {
    **{name: Kind(name, *columns) for name, columns in FILE_KINDS.items()},
    **{name: Kind(name, type_, FEED[type_]) for name, type_ in _BY_EVENT.items()},
}
FEED_KINDS: dict[str, Kind] = {kind.type: kind for kind in KINDS.values() if kind.type in FEED}
FILE_ORDER: dict[str, int] = {name: order for order, name in enumerate(FILE_KINDS)}


def effective_at(kind: Kind, values: tuple[Wire, ...], at_ms: int) -> int:
    """Effective time in epoch ms: the event's or the end of the business date, but not after the ``as_of`` day."""
    if kind.as_of_at is None:
        return at_ms
    return min(at_ms, _end_of_day(str(values[kind.as_of_at])))


@lru_cache(4096)
def _end_of_day(day: str) -> int:
    return to_millis(end_of(date.fromisoformat(day)))


def morning_of(day: date) -> datetime:
    """10:00 in Asia/Shanghai: where a business date puts the business clock."""
    return at_local(day, 10)
