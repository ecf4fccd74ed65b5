"""What can be made to happen to a customer at once: records that BOSS would send. Pure.

Used by the simulator, which knows the customer, and by ``kam sim`` without it, which knows the customer's page.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

import msgspec

from contracts.boss import Arrears, BossRecord, Complaint, Contract, Customer, ServiceRequest
from contracts.registry import FEED
from kam.sim.boss.province import issued_on, make_bill, month_before, period_of
from servicekit.clock import SHANGHAI

SCENARIOS = ("churn", "arrears", "complaint", "contract", "stop")
TYPE_OF: dict[type[BossRecord], str] = {record: name for name, record in FEED.items()}
_STEPS = (90, 60, 30, 7, 1)
_FEE = 19_900


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
    names = set(Customer.__struct_fields__)
    found = {name: value for name, value in _flat(page).items() if name in names and value is not None}
    new = "customer_id" not in found
    made_up = (
        {"name": "演示客户", "city": "320100", "area": "urban", "status": "active", "language": "zh"} if new else {}
    )
    customer = msgspec.convert({"customer_id": customer_id, **made_up, **found}, Customer)
    if new:
        customer = msgspec.structs.replace(
            customer, phone=f"1390{customer_id[-7:].zfill(7)}", monthly_fee_fen=_FEE, opened_on=date(2015, 1, 1)
        )
    records = ([customer] if new else []) + happen(scenario, Known(customer=customer), now)
    number = f"{now.timestamp():.6f}"
    source = f"kam-sim/{customer.city or 'unknown'}"
    return [cloud_event(r, f"{scenario}-{customer_id}-{number}-{i}", source, now) for i, r in enumerate(records)]


def _flat(page: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a customer's record, wherever on the page they stand."""
    nested = [page[name] for name in ("customer", "profile", "record") if isinstance(page.get(name), Mapping)]
    return {**page, **(nested[0] if nested else {})}
