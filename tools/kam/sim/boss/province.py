"""What the simulated BOSS knows: made from a seed and a first day, changed only by the events it sends.

The same seed, number of customers and first day give the same province, so after a restart it is made anew and the
journal's events are applied again. Shares are small on purpose: the first load must not text everybody.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from random import Random
from typing import Any

import msgspec

from contracts.boss import (
    Arrears,
    Balance,
    Bill,
    BossRecord,
    Complaint,
    Contract,
    Customer,
    CustomerLeft,
    Manager,
    Payment,
    ServiceRequest,
    Unit,
    Usage,
)
from contracts.registry import FEED
from kam.sim.boss import people
from servicekit.clock import SHANGHAI

FIRST_ID = 1_000_100
#: the customer of the documentation's examples: an ordinary one, to whom nothing has happened yet
EXAMPLE = "1000123"
MANAGERS = 40
HISTORY = 4
IN_ARREARS, FALLING, ENDING, COMPLAINING, HELD_BACK = 0.02, 0.015, 0.01, 0.003, 0.08
#: of those that fall; of the others, by less than the seeds warn of
SILENT, DIPPING = 0.3, 0.03
_replace = msgspec.structs.replace


class Shape(msgspec.Struct, frozen=True):
    """What makes a province: kept from the first start on."""

    seed: int
    customers: int
    first_day: date


def local(day: date, hour: int, minute: int = 0) -> datetime:
    """A time of day in Asia/Shanghai, with its offset."""
    return datetime.combine(day, time(hour, minute), SHANGHAI)


def month_before(day: date, months: int = 1) -> date:
    """First day of an earlier month."""
    index = day.year * 12 + day.month - 1 - months
    return date(index // 12, index % 12 + 1, 1)


def period_of(day: date) -> str:
    """Calendar month as yyyymm."""
    return f"{day:%Y%m}"


def issued_on(period: str) -> date:
    """The day after a period's last: its bills are issued then."""
    return month_before(date(int(period[:4]), int(period[4:]), 1), -1)


def organisation(rng: Random) -> tuple[list[Unit], list[Manager]]:
    """Units and managers: each city has groups, each group its managers, of whom the last is its head."""
    units = [Unit(unit_id="U" + people.PROVINCE, name="江苏大客户部", city=people.PROVINCE)]
    managers: list[Manager] = []
    for city, name in people.CITIES.items():
        top = "U" + city
        units.append(Unit(unit_id=top, parent_id="U" + people.PROVINCE, name=f"{name}大客户中心", city=city))
        for group in (1, 2):
            unit = f"{top}{group}"
            for number in range(len(managers) + 1, len(managers) + MANAGERS // 4 + 1):
                managers.append(
                    Manager(
                        manager_id=f"M{number:04}",
                        name=people.person(rng)[0],
                        unit_id=unit,
                        phone=f"1380000{number:04}",
                        extension=f"8{number:03}",
                        status="active",
                    )
                )
            head = managers[-1].manager_id
            units.append(Unit(unit_id=unit, parent_id=top, name=f"{name}大客户{group}组", city=city, head_id=head))
    return units, managers


def seeded(seed: int, customers: int) -> Random:
    """The dice that make a province."""
    return Random(f"province/{seed}/{customers}")


class Province:
    """Records by their keys. Of the latest month, some bills and usage are yet to come in real time."""

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        self._rng = seeded(shape.seed, shape.customers)
        self.units, self.managers = organisation(self._rng)
        self.customers: dict[str, Customer] = {}
        self.bills: dict[tuple[str, str], Bill] = {}
        self.usage: dict[tuple[str, str], Usage] = {}
        self.contracts: dict[str, Contract] = {}
        self.arrears: dict[str, Arrears] = {}
        self.complaints: dict[str, Complaint] = {}
        self.payments: dict[str, Payment] = {}
        self.requests: dict[str, ServiceRequest] = {}
        self.balances: dict[str, Balance] = {}
        self._times: dict[tuple[str, ...], datetime] = {}
        yesterday = shape.first_day - timedelta(days=1)
        latest = month_before(yesterday.replace(day=1))
        #: day before the first bills: what is younger has no bills yet
        self.begin = month_before(latest, HISTORY - 2) - timedelta(days=1)
        self.periods = [period_of(month_before(latest, back)) for back in reversed(range(HISTORY))]
        self._populate()
        self._fees = {id_: known.monthly_fee_fen or 0 for id_, known in self.customers.items()}
        chosen = self._pick()
        latest_period = self.periods[-1]
        self.bills_to_come = {(id_, latest_period) for id_ in chosen["held back"]}
        self.usage_to_come = set(self.bills_to_come)
        for period in self.periods:
            self.bill_run(period, frozenset(chosen["falling"]) if period == self.periods[-1] else frozenset())
        self._incidents(chosen, yesterday)

    # --- making ---------------------------------------------------------------------------------------------------

    def _populate(self) -> None:
        rng, first = self._rng, self.shape.first_day
        plans, weights = list(people.PLANS), [plan[2] for plan in people.PLANS.values()]
        managers = {
            city: [m.manager_id for m in self.managers if m.unit_id and city in m.unit_id] for city in people.CITIES
        }
        companies: dict[str, list[str]] = {city: [] for city in people.CITIES}
        for number in range(self.shape.customers):
            id_ = str(FIRST_ID + number)
            city = rng.choice(list(people.CITIES))
            district, area = rng.choices(people.DISTRICTS[city], (3, 3, 3, 3, 2))[0]
            corporate = rng.random() < 0.04
            plan = "E1999" if corporate else rng.choices(plans, weights)[0]
            brand, fee, _ = people.PLANS[plan]
            name, gender = people.person(rng)
            born = (date(1950, 1, 1) + timedelta(days=rng.randrange(20_000))).isoformat()
            member = not corporate and bool(companies[city]) and rng.random() < 0.3
            tenure = rng.randrange(20, 90) if rng.random() < 0.01 else rng.randrange(200, 6000)
            self.customers[id_] = Customer(
                customer_id=id_,
                kind="corporate" if corporate else "person",
                name=people.company(rng, city) if corporate else name,
                phone=f"1390{id_}",
                id_number=None if corporate else people.id_number(rng, district, born),
                birth_date=None if corporate else date.fromisoformat(born),
                gender=None if corporate else gender,
                city=city,
                district=district,
                area="rural" if area == "rural" else "urban",
                brand=brand,
                plan_code=plan,
                monthly_fee_fen=fee,
                opened_on=first - timedelta(days=tenure),
                status="suspended" if rng.random() < 0.005 else "active",
                credit_class=rng.choice("AAABBC"),
                corporate_id=rng.choice(companies[city]) if member else None,
                role=("key_contact" if rng.random() < 0.1 else "member") if member else None,
                language="en" if rng.random() < 0.03 else "zh",
                do_not_disturb=rng.random() < 0.03,
                manager_id=None if rng.random() < 0.03 else rng.choice(managers[city]),
            )
            if corporate:
                companies[city].append(id_)
        if (example := self.customers.get(EXAMPLE)) is not None:
            # In the first city and its first manager's, so that every account of the demo sees them.
            city = next(iter(people.CITIES))
            district, area = people.DISTRICTS[city][0]
            self.customers[EXAMPLE] = _replace(
                example,
                city=city,
                district=district,
                area="rural" if area == "rural" else "urban",
                corporate_id=None,
                role=None,
                status="active",
                language="zh",
                do_not_disturb=False,
                manager_id=managers[city][0],
            )

    def _pick(self) -> dict[str, list[str]]:
        """Customers to whom something has happened already; nobody twice, and the examples' customer not at all."""
        left = [id_ for id_ in self.customers if id_ != EXAMPLE and self.customers[id_].status == "active"]
        left = [id_ for id_ in left if self._has_bills(id_)]
        self._rng.shuffle(left)
        chosen: dict[str, list[str]] = {}
        for name, share in (
            ("arrears", IN_ARREARS),
            ("falling", FALLING),
            ("ending", ENDING),
            ("complaint", COMPLAINING),
            ("held back", HELD_BACK),
        ):
            size = round(share * self.shape.customers)
            chosen[name], left = left[:size], left[size:]
        return chosen

    def _has_bills(self, id_: str) -> bool:
        opened = self.customers[id_].opened_on
        return opened is None or opened <= self.begin

    def new_month(self, day: date) -> None:
        """Bill the month before ``day``, a first of a month."""
        period = period_of(month_before(day))
        if period not in self.periods:
            self.periods.append(period)
            self.bill_run(period)

    def bill_run(self, period: str, falling: frozenset[str] = frozenset()) -> None:
        """Bills and usage of a month; figures vary by 6 %, so that only ``falling`` customers fall as the seeds have
        it. Some of these are nearly silent; beside them bills of others dip: there is something to try rules on."""
        rng = Random(f"bills/{self.shape.seed}/{period}")
        issued = issued_on(period)
        for id_, known in self.customers.items():
            habit = Random(f"habit/{self.shape.seed}/{id_}")
            amount = round(self._fees[id_] * habit.uniform(1.0, 1.4) * rng.uniform(0.94, 1.06))
            minutes = round(habit.uniform(120, 1500) * rng.uniform(0.94, 1.06))
            rest, active_days = rng.random(), 28
            if id_ in falling:
                amount = round(amount * rng.uniform(0.35, 0.6))
                minutes = round(minutes * (rng.uniform(0.2, 0.6) if rest < 0.6 else 1))
                if rest < SILENT:
                    minutes, active_days = minutes // 2, 2
            elif falling and id_ != EXAMPLE and habit.random() < DIPPING:
                amount = round(amount * (0.8 + 0.08 * rest))
            if known.status == "left" or not self._has_bills(id_):
                continue
            self.bills[id_, period] = make_bill(id_, period, issued, amount)
            self.usage[id_, period] = Usage(
                customer_id=id_,
                period=period,
                voice_minutes=minutes,
                out_calls=minutes // 3,
                sms_count=round(30 * rest),
                data_mb=round(2_000 + 40_000 * rest),
                active_days=active_days,
                competitor_calls=round(6 * rest),
                care_calls=1 if rest > 0.97 else 0,
            )

    def _incidents(self, chosen: dict[str, list[str]], yesterday: date) -> None:
        rng, latest = self._rng, self.periods[-1]
        for id_ in chosen["arrears"]:
            days = rng.choice(
                [rng.randrange(-10, 1), *(rng.randrange(1, 30) for _ in range(5)), rng.randrange(30, 110)]
            )
            self.arrears[id_] = Arrears(
                customer_id=id_,
                as_of=yesterday,
                amount_fen=(self.bills[id_, latest].amount_fen or 0) * (1 + days // 30 if days > 0 else 1),
                oldest_due_on=yesterday - timedelta(days=days),
                suspended=False,
            )
        for number, id_ in enumerate(self.customers):
            if number % 2 and id_ not in chosen["ending"]:
                self._contract(id_, self.shape.first_day + timedelta(days=rng.randrange(100, 700)))
        for id_ in chosen["ending"]:
            self._contract(id_, self.shape.first_day + timedelta(days=rng.randrange(1, 91)))
        for number, id_ in enumerate(chosen["complaint"]):
            category = rng.choice(list(people.COMPLAINTS))
            complaint = f"TS{yesterday:%Y%m%d}{number:04}"
            self.complaints[complaint] = Complaint(
                complaint_id=complaint,
                customer_id=id_,
                opened_at=local(yesterday, rng.randrange(8, 21), rng.randrange(60)),
                category=category,
                channel=rng.choice(("hotline", "app", "counter")),
                severity=rng.choice((1, 2, 2, 3, 3, 3)),
                status="opened",
                text=rng.choice(people.COMPLAINTS[category]),
            )
        asking: Iterable[str] = (*chosen["falling"][:3], *chosen["ending"][:12])
        for number, id_ in enumerate(asking):
            request = f"SQ{yesterday:%Y%m%d}{number:04}"
            self.requests[request] = ServiceRequest(
                request_id=request,
                customer_id=id_,
                requested_at=local(yesterday, rng.randrange(8, 21), rng.randrange(60)),
                kind="port_query" if number < 3 else "change",
                detail="携号转网资格查询" if number < 3 else "改套餐",
            )
        for (id_, period), bill in self.bills.items():
            if (
                period == latest
                and id_ not in self.arrears
                and (id_, period) not in self.bills_to_come
                and rng.random() < 0.4
            ):
                payment = f"P{period}{id_}"
                paid = local(
                    issued_on(period) + timedelta(days=rng.randrange(15)), rng.randrange(24), rng.randrange(60)
                )
                if paid.date() <= yesterday:
                    self.payments[payment] = Payment(
                        payment_id=payment,
                        customer_id=id_,
                        paid_at=paid,
                        amount_fen=bill.amount_fen or 0,
                        channel=rng.choice(people.CHANNELS),
                    )

    def _contract(self, id_: str, ends: date) -> None:
        known = self.customers[id_]
        number = f"CT{id_}"
        self.contracts[number] = Contract(
            contract_id=number,
            customer_id=id_,
            product_code=self._rng.choice(("K12", "K24")),
            starts_on=ends - timedelta(days=730),
            ends_on=ends,
            monthly_fee_fen=known.monthly_fee_fen,
            auto_renew=self._rng.random() < 0.2,
        )

    # --- changing -------------------------------------------------------------------------------------------------

    def apply(self, event: dict[str, Any]) -> None:
        """Take over what an event of ours says, unless something newer is known of the same record."""
        record = msgspec.convert(event["data"], FEED[event["type"]])
        book, key = self._book(record)
        at = datetime.fromisoformat(event["time"])
        place = (type(record).__name__, *(key if isinstance(key, tuple) else (key,)))
        if at < self._times.get(place, at):
            return
        self._times[place] = at
        if isinstance(record, Bill):
            self.bills_to_come.discard((record.customer_id, record.period))
        elif isinstance(record, Usage):
            self.usage_to_come.discard((record.customer_id, record.period))
        if isinstance(record, CustomerLeft):
            known = self.customers.get(record.customer_id)
            if known is not None:
                self.customers[record.customer_id] = _replace(known, status="left")
            return
        book[key] = record

    def _book(self, record: BossRecord) -> tuple[dict[Any, Any], Any]:
        match record:
            case Bill():
                return self.bills, (record.customer_id, record.period)
            case Usage():
                return self.usage, (record.customer_id, record.period)
            case Contract():
                return self.contracts, record.contract_id
            case Complaint():
                return self.complaints, record.complaint_id
            case Payment():
                return self.payments, record.payment_id
            case ServiceRequest():
                return self.requests, record.request_id
            case Arrears():
                return self.arrears, record.customer_id
            case Balance():
                return self.balances, record.customer_id
            case Customer() | CustomerLeft():
                return self.customers, record.customer_id
        raise TypeError(f"not a record of the feed: {record!r}")

    def city_of(self, customer_id: str) -> str:
        """Division code of a customer's city."""
        return self.customers[customer_id].city or ""


def make_bill(id_: str, period: str, issued: date, amount: int) -> Bill:
    """A bill whose parts add up."""
    voice, data, sms = amount * 4 // 10, amount * 5 // 10, amount // 50
    return Bill(
        customer_id=id_,
        period=period,
        issued_on=issued,
        due_on=issued + timedelta(days=19),
        amount_fen=amount,
        voice_fen=voice,
        data_fen=data,
        sms_fen=sms,
        other_fen=amount - voice - data - sms,
    )
