"""A random history of BOSS's records as billing-sync tells it, and what must be known at its end: a tiny model.

The model knows no code of the services. Of every record the newest fact (by effective time, then revision) counts,
whenever it arrives; a moved record is with the customer it came to last; a customer's archive follows the facts in the
order in which they were newer.
"""

import random
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from contracts import boss
from servicekit.clock import iso

START = datetime(2026, 1, 1, tzinfo=UTC)
FAR = datetime(9998, 6, 1, tzinfo=UTC)
CUST, LEFT, MOVED = "kam.boss.customer.changed.v1", "kam.boss.customer.left.v1", "kam.boss.record.moved.v1"
#: kind -> type, and the list of a customer's page
KINDS = {
    "BILL": ("kam.boss.bill.issued.v1", "bills"),
    "USAGE": ("kam.boss.usage.summarised.v1", "usages"),
    "PAY": ("kam.boss.payment.received.v1", "payments"),
    "ARR": ("kam.boss.arrears.changed.v1", "arrears"),
    "BAL": ("kam.boss.balance.changed.v1", "balance"),
    "CONT": ("kam.boss.contract.changed.v1", "contracts"),
    "COMP": ("kam.boss.complaint.changed.v1", "complaints"),
    "SERV": ("kam.boss.service.requested.v1", "requests"),
}
MOVABLE = ("PAY", "CONT", "COMP", "SERV")
CITIES = ("320100", "320500", None)
Newness = tuple[str, int]


@dataclass(frozen=True)
class Told:
    """A message of boss.events, before it has a place in a log. ``record``: kind and id, as the model names it."""

    type: str
    key: str
    id: str
    data: Any
    time: datetime
    clock: datetime
    revision: int
    owner: int
    correlation: str
    record: tuple[str, str]

    @property
    def newness(self) -> Newness:
        return iso(self.time), self.revision

    @property
    def day(self) -> str:
        """Date in Shanghai, eight hours before UTC."""
        return (self.time + timedelta(hours=8)).date().isoformat()

    def headers(self) -> list[tuple[str, bytes]]:
        """What OneProcessor does not write itself."""
        found = [("ce_revision", b"%d" % self.revision)]
        return [*found, ("ce_ownerrevision", b"%d" % self.owner)] if self.owner else found


@dataclass
class _Record:
    revision: int = 0
    owner: str = ""
    owner_revision: int = 0
    time: datetime = START


class Boss:
    """Tells facts of a few customers: each fact of a record is newer than the one before."""

    def __init__(self, dice: random.Random) -> None:
        self._dice, self._now, self._line = dice, START, 0
        self._customers = [f"c{n}" for n in range(3)]
        self._records: dict[tuple[str, str], _Record] = {}

    def tell(self) -> list[Told]:
        """One fact: a message, or two where a record moves."""
        dice = self._dice
        if self._now < FAR and dice.random() < 0.3:
            self._now += timedelta(hours=dice.choice((1, 30, 24 * 40)))
        elif dice.random() < 0.005:
            self._now = max(self._now, FAR)
        self._line += 1
        kind = dice.choice(("CUST", "CUST", "CUST", "UNIT", "MGR", *KINDS))
        customer = dice.choice(self._customers)
        if kind in ("UNIT", "MGR"):
            return [self._organisation(kind)]
        if kind == "CUST":
            return [self._customer(customer)]
        return self._record(kind, customer)

    def _next(self, kind: str, id_: str) -> _Record:
        record = self._records.setdefault((kind, id_), _Record())
        record.revision += 1
        # Facts of one record often have the same effective time, and never an earlier one.
        record.time = max(record.time, self._now - timedelta(hours=self._dice.choice((0, 1, 100))))
        return record

    def _told(self, type_: str, key: str, data: Any, record: _Record, name: tuple[str, str], owner: int = 0) -> Told:
        leap = self._dice.choice((timedelta(0), timedelta(0), timedelta(days=400), timedelta(days=-400)))
        clock = self._now if self._now >= FAR else max(START, self._now + leap)
        move = "|moved" if type_ == MOVED else ""
        id_ = f"{name[0]}-{name[1]}{move}-{record.revision}"
        where = f"file:{name[0]}_320100_20260101_0001.dat.gz#{self._line}"
        return Told(type_, key, id_, data, record.time, clock, record.revision, owner, where, name)

    def _organisation(self, kind: str) -> Told:
        # Units and managers share their ids, also with a customer.
        id_ = self._dice.choice(("c0", "u1"))
        record, name = self._next(kind, id_), f"{kind} {self._line}"
        if kind == "UNIT":
            city = self._dice.choice(CITIES)
            unit = boss.Unit(unit_id=id_, name=name, city=city)
            return self._told("kam.boss.unit.changed.v1", id_, unit, record, (kind, id_))
        return self._told(
            "kam.boss.manager.changed.v1", id_, boss.Manager(manager_id=id_, name=name), record, (kind, id_)
        )

    def _customer(self, id_: str) -> Told:
        dice, record = self._dice, self._next("CUST", id_)
        if dice.random() < 0.2:
            left = boss.CustomerLeft(customer_id=id_, left_on=date(2026, 6, dice.randint(1, 30)), reason="price")
            return self._told(LEFT, id_, left, record, ("CUST", id_))
        customer = boss.Customer(
            customer_id=id_,
            name=dice.choice(("张三", "李四", None)),
            status=dice.choice(("active", "active", "suspended", "left", None)),
            city=dice.choice(CITIES),
            plan_code=f"P{dice.randint(1, 3)}",
        )
        return self._told(CUST, id_, customer, record, ("CUST", id_))

    def _record(self, kind: str, customer: str) -> list[Told]:
        dice = self._dice
        number = dice.randint(1, 30) if kind == "BILL" else dice.randint(1, 3)
        if kind in MOVABLE:
            name = (kind, f"r{number}")
            before = self._records.get(name)
            record = self._next(*name)
            moves = []
            if before is not None and record.owner != customer:
                if dice.random() < 0.5:
                    customer = record.owner
                else:
                    moves = [self._move(name, record, customer)]
                    record.owner_revision = record.revision
            record.owner = customer
            data = self._data(kind, customer, number)
            return [*moves, self._told(KINDS[kind][0], customer, data, record, name, record.owner_revision)]
        name = (kind, f"{customer}/{number}" if kind in ("BILL", "USAGE") else customer)
        return [self._told(KINDS[kind][0], customer, self._data(kind, customer, number), self._next(*name), name)]

    def _move(self, name: tuple[str, str], record: _Record, to: str) -> Told:
        kind, id_ = name
        moved = boss.RecordMoved(kind=kind, record_id=id_, customer_id=record.owner, moved_to=to, moved_at=self._now)  # type: ignore[arg-type]
        return self._told(MOVED, record.owner, moved, record, name, record.owner_revision)

    def _data(self, kind: str, customer: str, number: int) -> Any:
        id_, at, line = f"r{number}", START + timedelta(days=number), self._line
        period = f"{2024 + (number - 1) // 12}{(number - 1) % 12 + 1:02d}"
        made = {
            "BILL": lambda: boss.Bill(customer_id=customer, period=period, amount_fen=line),
            "USAGE": lambda: boss.Usage(customer_id=customer, period=period, voice_minutes=line),
            "PAY": lambda: boss.Payment(payment_id=id_, customer_id=customer, paid_at=at, amount_fen=line),
            "ARR": lambda: boss.Arrears(customer_id=customer, as_of=START.date(), amount_fen=line),
            "BAL": lambda: boss.Balance(customer_id=customer, at=at, balance_fen=line),
            "CONT": lambda: boss.Contract(contract_id=id_, customer_id=customer, ends_on=date(9999, 12, 31)),
            "COMP": lambda: boss.Complaint(complaint_id=id_, customer_id=customer, opened_at=at, status="opened"),
            "SERV": lambda: boss.ServiceRequest(request_id=id_, customer_id=customer, requested_at=at, kind="stop"),
        }
        return made[kind]()


class Account:
    """Which event's record each list of a customer's page shows: of every record the newest fact, 24 bills at most."""

    def __init__(self) -> None:
        self._heard: dict[tuple[str, tuple[str, str]], Told] = {}

    def hear(self, told: Told) -> None:
        if told.record[0] not in KINDS:
            return
        place = (told.key, told.record)
        before = self._heard.get(place)
        if before is None or told.newness > before.newness:
            self._heard[place] = told

    def page(self, customer: str) -> dict[str, set[str]]:
        """List -> ids of events."""
        shown: dict[str, list[Told]] = {name: [] for _, name in KINDS.values()}
        for (owner, (kind, _)), told in self._heard.items():
            if owner == customer and told.type != MOVED:
                shown[KINDS[kind][1]].append(told)
        shown["bills"] = sorted(shown["bills"], key=lambda told: told.data.period)[-24:]
        return {name: {told.id for told in found} for name, found in shown.items()}


@dataclass
class Person:
    """A customer in the archive. ``steps``: what was told on customer.events."""

    fields: dict[str, Any] = field(default_factory=dict)
    heard: Newness | None = None
    steps: list[str] = field(default_factory=list)

    def hear(self, told: Told) -> None:
        if self.heard is not None and told.newness <= self.heard:
            return
        self.heard = told.newness
        before, new = self.fields, dict(self.fields)
        gone = before.get("archive") == "retained"
        new.setdefault("archive", "active")
        if told.type == LEFT:
            new |= {"status": "left", "archive": "retained", "left_on": told.data.left_on.isoformat()}
            new |= {"reason": told.data.reason}
        else:
            new |= {name: getattr(told.data, name) for name in ("name", "status", "city", "plan_code")}
            if told.data.status == "left" and not gone:
                day = (told.time + timedelta(hours=8) - timedelta(microseconds=1)).date()
                new |= {"archive": "retained", "left_on": day.isoformat(), "reason": None}
            elif told.data.status == "active" and gone:
                new |= {"archive": "active", "left_on": None, "reason": None}
        new = {name: value for name, value in new.items() if value is not None}
        if not before:
            self.steps.append("created")
        elif new != before:
            moved = new["archive"] != before["archive"]
            self.steps.append(("left" if new["archive"] == "retained" else "returned") if moved else "changed")
        self.fields = new


class Counted:
    """Events by day, city and kind: each id once, under the city that its key's newest record named so far."""

    def __init__(self) -> None:
        self._ids: set[str] = set()
        self._cities: dict[str, tuple[Newness, str]] = {}
        self.cells: dict[tuple[str, str | None, str], int] = {}

    def hear(self, told: Told) -> None:
        city = getattr(told.data, "city", None)
        before = self._cities.get(told.key)
        if city is not None and (before is None or told.newness >= before[0]):
            self._cities[told.key] = (told.newness, city)
        if told.id in self._ids:
            return
        self._ids.add(told.id)
        known = self._cities[told.key][1] if told.key in self._cities else None
        cell = (told.day, known, told.type.removeprefix("kam.").removesuffix(".v1"))
        self.cells[cell] = self.cells.get(cell, 0) + 1
