"""What can be made to happen to a customer at once: records that BOSS would send. Pure.

Used by the simulator, which knows the customer, and by ``kam sim`` without it, which knows the customer's page.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any, TypeVar

import msgspec

from contracts.boss import Arrears, BossRecord, Complaint, Contract, Customer, ServiceRequest
from contracts.registry import FEED
from kam.sim.boss.province import issued_on, make_bill, month_before, period_of
from servicekit.clock import SHANGHAI

SCENARIOS = ("churn", "arrears", "complaint", "contract", "stop")
TYPE_OF: dict[type[BossRecord], str] = {record: name for name, record in FEED.items()}
_STEPS = (90, 60, 30, 7, 1)
_FEE = 19_900
T = TypeVar("T", bound=BossRecord)


class Known(msgspec.Struct, kw_only=True):
    """What is known of a customer beforehand; ``bills`` maps period -> fen."""

    customer: Customer
    bills: dict[str, int] = {}
    arrears: Arrears | None = None
    contract: Contract | None = None


def happen(scenario: str, known: Known, now: datetime) -> list[BossRecord]:
    """Records that make it happen; ``now`` is business time. Raises ``KeyError`` for an unknown scenario."""
    today = now.astimezone(SHANGHAI).date()
    number = f"{now.astimezone(SHANGHAI):%Y%m%d%H%M%S%f}"
    return list(_MAKE[scenario](known, now, today, number))


def _churn(known: Known, now: datetime, today: date, number: str) -> list[BossRecord]:
    """The bill of last month at half of the mean of the three before; those too where they are not known."""
    id_, latest = known.customer.customer_id, month_before(today)
    before = [period_of(month_before(latest, months)) for months in (3, 2, 1)]
    usual = known.customer.monthly_fee_fen or _FEE
    bills = [make_bill(id_, period, issued_on(period), usual) for period in before if period not in known.bills]
    mean = sum(known.bills.get(period, usual) for period in before) // 3
    period = period_of(latest)
    return [*bills, make_bill(id_, period, issued_on(period), mean // 2)]


def _arrears(known: Known, now: datetime, today: date, number: str) -> list[BossRecord]:
    """A debt five days past due; where there is one, it grows and becomes a month older."""
    due, amount = today - timedelta(days=5), known.customer.monthly_fee_fen or _FEE
    if known.arrears is not None and known.arrears.amount_fen:
        due = min(due, (known.arrears.oldest_due_on or due) - timedelta(days=30))
        amount += known.arrears.amount_fen
    return [
        Arrears(
            customer_id=known.customer.customer_id, as_of=today, amount_fen=amount, oldest_due_on=due, suspended=False
        )
    ]


def _complaint(known: Known, now: datetime, today: date, number: str) -> list[BossRecord]:
    return [
        Complaint(
            complaint_id=f"TS{number}",
            customer_id=known.customer.customer_id,
            opened_at=now,
            category="network",
            channel="hotline",
            severity=2,
            status="opened",
            text="家里信号差，通话断续",
        )
    ]


def _contract(known: Known, now: datetime, today: date, number: str) -> list[BossRecord]:
    """The contract ends in 30 days; where that is passed already, at the next step."""
    id_ = known.customer.customer_id
    contract = known.contract or Contract(contract_id=f"CT{id_}", customer_id=id_, product_code="K24", auto_renew=False)
    left = (contract.ends_on - today).days if contract.ends_on is not None else 999
    step = 30 if not 0 < left <= 30 else next((s for s in _STEPS if s < left), 1)
    return [msgspec.structs.replace(contract, ends_on=today + timedelta(days=step))]


def _stop(known: Known, now: datetime, today: date, number: str) -> list[BossRecord]:
    id_ = known.customer.customer_id
    request = ServiceRequest(
        request_id=f"SQ{number}", customer_id=id_, requested_at=now, kind="stop", detail="申请停机"
    )
    return [request]


_MAKE = {"churn": _churn, "arrears": _arrears, "complaint": _complaint, "contract": _contract, "stop": _stop}


def cloud_event(record: BossRecord, id_: str, source: str, at: datetime) -> dict[str, Any]:
    """A record as a structured CloudEvent."""
    data = msgspec.to_builtins(record)
    return {
        "specversion": "1.0",
        "id": id_,
        "source": source,
        "type": TYPE_OF[type(record)],
        "subject": data["customer_id"],
        "time": at.astimezone(SHANGHAI).isoformat(),
        "datacontenttype": "application/json",
        "data": data,
    }


def events_for(scenario: str, customer_id: str, page: Mapping[str, Any], now: datetime) -> list[dict[str, Any]]:
    """Events for a customer of whom only the page of customer-profile is known, or nothing: then one is made up."""
    known = _from_page(customer_id, page)
    records: list[BossRecord] = []
    if known.customer.status is None:
        made_up = _made_up(customer_id, now)
        known = msgspec.structs.replace(known, customer=made_up)
        records.append(made_up)
    records += happen(scenario, known, now)
    number, source = f"{now.timestamp():.6f}", f"kam-sim/{known.customer.city}"
    return [cloud_event(r, f"{scenario}-{customer_id}-{number}-{i}", source, now) for i, r in enumerate(records)]


def _from_page(customer_id: str, page: Mapping[str, Any]) -> Known:
    """What a scenario needs of a page; the personal fields on it are masked and of no use."""
    record = page.get("customer") or {}
    named = {name: record.get(name) for name in ("city", "status", "monthly_fee_fen")}
    contract = next(iter(page.get("contracts") or ()), None)
    return Known(
        customer=Customer(customer_id=customer_id, **named),
        bills={b["period"]: b["amount_fen"] for b in page.get("bills") or () if b.get("amount_fen") is not None},
        arrears=_record(page.get("arrears"), Arrears),
        contract=_record(contract, Contract),
    )


def _record(found: Mapping[str, Any] | None, type_: type[T]) -> T | None:
    """A record without what the page adds to it."""
    if not found:
        return None
    return msgspec.convert({name: found[name] for name in type_.__struct_fields__ if name in found}, type_)


def _made_up(customer_id: str, now: datetime) -> Customer:
    return Customer(
        customer_id=customer_id,
        kind="person",
        name="演示客户",
        phone=f"1390{customer_id[-7:].zfill(7)}",
        city="320100",
        area="urban",
        monthly_fee_fen=_FEE,
        opened_on=now.date() - timedelta(days=3650),
        status="active",
        language="zh",
        do_not_disturb=False,
    )
