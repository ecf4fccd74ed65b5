"""What detection would know of each customer of a pile: final figures, and how all else stood with a month's records.

The same pure functions as live: figures come together by ``series.with_figure``, all else by detection's handlers.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec
from msgspec import Struct

from alerts import rules
from alerts.detection import bounds
from alerts.detection.handlers import HANDLERS
from alerts.detection.months import month_of, month_of_instant
from alerts.detection.payloads import MovedRecord, RequestRecord
from alerts.detection.series import is_old, with_figure
from alerts.detection.state import CustomerState, Month, Profile, Recency, Series
from alerts.trial.archive import Pile
from servicekit.clock import EPOCH, local_date
from servicekit.decision import Context
from servicekit.envelope import UNDECODABLE, parse_time

CHANGED, LEFT, MOVED = "kam.boss.customer.changed.v1", "kam.boss.customer.left.v1", "kam.boss.record.moved.v1"
#: event types by kind of record
TYPES = {
    "BILL": "kam.boss.bill.issued.v1",
    "USAGE": "kam.boss.usage.summarised.v1",
    "SERV": "kam.boss.service.requested.v1",
    "CUST": CHANGED,
    "PAY": "kam.boss.payment.received.v1",
    "BAL": "kam.boss.balance.changed.v1",
    "ARR": "kam.boss.arrears.changed.v1",
    "CONT": "kam.boss.contract.changed.v1",
    "COMP": "kam.boss.complaint.changed.v1",
}
OF_MONTHS = ("BILL", "USAGE")


class Mark(Struct, frozen=True, gc=False):
    """A record came: its place among those of the pile, what was known of the customer besides figures, and when."""

    at: int
    state: CustomerState | None
    time: str | None
    clock: str | None

    @property
    def now(self) -> datetime:
        """Business time."""
        return _instant(self.clock) if self.clock else EPOCH

    @property
    def day(self) -> date:
        """Day of business on which it came."""
        stamp = self.clock or self.time
        return local_date(_instant(stamp)) if stamp else date.min


class Request(NamedTuple):
    """A service request as it stands."""

    kind: str
    month: Month
    mark: Mark


class Customer:
    """``figures`` by ``bill.amount_fen``; ``marks``: by kind of record and month the last one that came. ``known``:
    when the customer's own record first came. ``left``: days of leaving. ``news``: the last record that was any."""

    __slots__ = ("early", "figures", "id", "known", "left", "marks", "news", "requests", "state")

    def __init__(self, id: str) -> None:
        self.id = id
        self.state: CustomerState | None = None
        self.known: Mark | None = None
        self.figures: dict[str, Series] = {}
        self.marks: dict[str, dict[Month, Mark]] = {}
        self.requests: dict[str, Request] = {}
        self.left: list[date] = []
        self.news = -1
        #: kinds that looked before the customer was known
        self.early: set[str] = set()

    def judged_at(self, mark: Mark) -> Mark | None:
        """When a record was judged: before the customer's own had come nothing was, and then everything."""
        return mark if mark.state is not None and mark.state.profile is not None else self.known

    def profile_at(self, mark: Mark) -> Profile | None:
        """The profile as of then, None for who may not be warned of: not known yet, or has left."""
        judged = self.judged_at(mark)
        profile = None if judged is None or judged.state is None else judged.state.profile
        return None if profile is None or profile.left else profile


class Needs(Struct, frozen=True):
    """What a rule asks for. ``figures``: by kind the fields of BILL and USAGE; ``first`` to ``last``: their months.
    ``requests``: whether single service requests count. ``told``: kinds that only the state remembers; ``looks``:
    kinds, without months of their own, whose arrival is marked in the month of the clock."""

    first: Month
    last: Month
    figures: Mapping[str, frozenset[str]] = {}
    requests: bool = False
    told: frozenset[str] = frozenset()
    looks: frozenset[str] = frozenset()

    def and_(self, other: "Needs") -> "Needs":
        """Of both rules."""
        kinds = {**self.figures, **other.figures}
        return Needs(
            min(self.first, other.first),
            max(self.last, other.last),
            {k: self.figures.get(k, frozenset()) | other.figures.get(k, frozenset()) for k in kinds},
            self.requests or other.requests,
            self.told | other.told,
            self.looks | other.looks,
        )


_Take = Callable[[Customer, int, "str | None", "str | None", int, bytes], None]


class Reader:
    """Makes customers of piles whose types are ``types``. ``unreadable``: records that detection could not read."""

    def __init__(self, needs: Needs) -> None:
        self._needs = needs
        #: judged by nothing: only what it remembers is asked
        self._rules = rules.load()
        takers: dict[str, list[_Take]] = {CHANGED: [self._handled(CHANGED)], LEFT: [self._handled(LEFT)]}
        for kind, fields in needs.figures.items():
            takers.setdefault(TYPES[kind], []).append(self._figures(kind, fields))
        if needs.requests:
            takers.setdefault(TYPES["SERV"], []).append(self._request())
            takers.setdefault(MOVED, []).append(self._moved())
        for kind in sorted(needs.told | needs.looks):
            if kind != "CUST":
                takers.setdefault(TYPES[kind], []).append(self._handled(TYPES[kind]))
        if needs.told & {"CONT", "COMP", "SERV"}:
            takers.setdefault(MOVED, []).append(self._handled(MOVED))
        for kind in sorted(needs.looks):
            takers.setdefault(TYPES[kind], []).append(self._look(kind))
        self.types: Sequence[str] = tuple(takers)
        self._takers = [_all(those) for those in takers.values()]
        self.unreadable = 0

    def read(self, pile: Pile) -> list[Customer]:
        """The customers of a pile."""
        customers = [Customer(id) for id in pile.ids]
        takers = self._takers
        for at, (customer, type_, time, clock, revision, data) in enumerate(
            zip(pile.customer, pile.type, pile.time, pile.clock, pile.revision, pile.data, strict=True)
        ):
            try:
                takers[type_](customers[customer], at, time, clock, revision, data)
            except _UNREADABLE:
                self.unreadable += 1
        return customers

    def _figures(self, kind: str, fields: frozenset[str]) -> _Take:
        names = sorted(fields)
        record = msgspec.defstruct(
            f"{kind}Figures", [("period", str), *((name, int | None, None) for name in names)], gc=False
        )
        decode = msgspec.json.Decoder(record).decode
        keys = [(f"{kind.lower()}.{name}", name) for name in names]
        first, last = self._needs.first, self._needs.last

        def take(customer: Customer, at: int, time: str | None, clock: str | None, revision: int, data: bytes) -> None:
            found: Any = decode(data)
            month = month_of(found.period)
            if not first <= month <= last:
                return
            figures, is_news = customer.figures, False
            for key, name in keys:
                series, value = figures.get(key), getattr(found, name)
                if series is None or not is_old(series, month, value, revision):
                    figures[key] = with_figure(series, month, value, revision)
                    is_news = True
            marks = customer.marks.get(kind)
            if marks is None:
                marks = customer.marks[kind] = {}
            # A month that nobody has spoken of looks like one of which nothing was said.
            if is_news or month not in marks:
                marks[month] = Mark(at, customer.state, time, clock)

        return take

    def _handled(self, type_: str) -> _Take:
        """By detection's own handler."""
        payload, handle = HANDLERS[type_]
        decode: Callable[[bytes], Any] = msgspec.json.Decoder(payload).decode
        day_of_leaving = msgspec.json.Decoder(_Leaving).decode if type_ == LEFT else None

        def take(customer: Customer, at: int, time: str | None, clock: str | None, revision: int, data: bytes) -> None:
            now = _instant(clock) if clock else EPOCH
            before = customer.state
            context = Context(now, "", type_, "", revision, time or "")
            after = customer.state = handle(self._rules, before, decode(data), context).state
            if after is not before:
                customer.news = at
            if after is None or after.profile is None:
                return
            if customer.known is None:
                mark = customer.known = Mark(at, after, time, clock)
                if clock:
                    for kind in customer.early:
                        customer.marks.setdefault(kind, {})[month_of_instant(now)] = mark
            elif after.profile.left and not (before is not None and before.profile is not None and before.profile.left):
                told = None if day_of_leaving is None else day_of_leaving(data).left_on
                if told is not None or time:
                    # what is true at the end of a day has its time at 24:00
                    customer.left.append(told or local_date(_instant(time or "") - timedelta(microseconds=1)))

        return take

    def _request(self) -> _Take:
        decode = msgspec.json.Decoder(RequestRecord).decode

        def take(customer: Customer, at: int, time: str | None, clock: str | None, revision: int, data: bytes) -> None:
            found = decode(data)
            if _hear(customer, f"SERV/{found.request_id}", time, revision):
                mark = Mark(at, customer.state, time, clock)
                month = month_of_instant(found.requested_at)
                customer.requests[found.request_id] = Request(found.kind, month, mark)

        return take

    def _moved(self) -> _Take:
        decode = msgspec.json.Decoder(MovedRecord).decode

        def take(customer: Customer, at: int, time: str | None, clock: str | None, revision: int, data: bytes) -> None:
            found = decode(data)
            if found.kind == "SERV" and _hear(customer, f"SERV/{found.record_id}", time, revision):
                customer.requests.pop(found.record_id, None)

        return take

    def _look(self, kind: str) -> _Take:
        """A record came that is of no month: of a payment, which says nothing to remember, each one counts."""
        is_payment = kind == "PAY"

        def take(customer: Customer, at: int, time: str | None, clock: str | None, revision: int, data: bytes) -> None:
            if customer.known is None:
                customer.early.add(kind)
            elif clock and (is_payment or customer.news == at):
                month = month_of_instant(_instant(clock))
                customer.marks.setdefault(kind, {})[month] = Mark(at, customer.state, time, clock)

        return take


class _Leaving(Struct):
    left_on: date | None = None


def _all(takers: list[_Take]) -> _Take:
    if len(takers) == 1:
        return takers[0]

    def take(*record: Any) -> None:
        for each in takers:
            each(*record)

    return take


def _hear(customer: Customer, record: str, time: str | None, revision: int) -> bool:
    """Whether this is news of a record, as detection tells it."""
    recency = _recency(time, revision)
    if recency is None:
        return True
    state = customer.state or CustomerState(customer.id)
    if bounds.is_old(state, record, recency):
        return False
    customer.state = bounds.hear(state, record, recency)
    return True


def _recency(time: str | None, revision: int) -> Recency | None:
    return bounds.recency_of(Context(EPOCH, "", "", "", revision, time or ""))


_UNREADABLE = (*UNDECODABLE, ValueError)
_instant = lru_cache(maxsize=4096)(parse_time)
