"""Traffic of the proof and what must come of it, worked out from the behaviour cases alone: no code of the platform.

Every customer lives through one scenario, so that what must be seen of him is plain. Business time starts at 10:00
Asia/Shanghai and moves by seconds, so that quiet hours and daily caps don't interfere.
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any

START = datetime(2026, 6, 30, 10, 0, tzinfo=timezone(timedelta(hours=8)))
Record = dict[str, Any]


@dataclass
class Expected:
    """What must be seen of one customer: alerts as (kind, state), SMS by step, work items."""

    alerts: list[tuple[str, str]] = field(default_factory=list)
    sms: list[str] = field(default_factory=list)
    work: int = 0


@dataclass
class Story:
    """The events of one customer, in order, and their outcome."""

    customer: str
    phone: str
    events: list[tuple[str, Record]]
    expected: Expected


def _bill(customer: str, period: str, fen: int) -> tuple[str, Record]:
    year, month = int(period[:4]), int(period[4:])
    record = {"customer_id": customer, "period": period, "issued_on": f"{year}-{month:02}-28", "amount_fen": fen}
    return "bill.issued", record


def _falls(customer: str) -> tuple[list[tuple[str, Record]], Expected]:
    figures = zip(("202603", "202604", "202605", "202606"), (10000, 12000, 11000, 6500), strict=True)
    return [_bill(customer, p, fen) for p, fen in figures], Expected([("churn_warning", "raised")], [], 1)


def _steady(customer: str) -> tuple[list[tuple[str, Record]], Expected]:
    return [_bill(customer, p, 10000) for p in ("202603", "202604", "202605", "202606")], Expected()


def _stops(customer: str) -> tuple[list[tuple[str, Record]], Expected]:
    request = {
        "request_id": f"rq-{customer}",
        "customer_id": customer,
        "requested_at": START.isoformat(),
        "kind": "stop",
    }
    return [("service.requested", request)], Expected([("churn_warning", "raised")], [], 1)


def _owes(customer: str) -> tuple[list[tuple[str, Record]], Expected]:
    debt = {
        "customer_id": customer,
        "as_of": "2026-06-30",
        "amount_fen": 12345,
        "oldest_due_on": "2026-06-20",
        "suspended": False,
    }
    return [("arrears.changed", debt)], Expected([("arrears", "raised")], ["reminder"], 1)


def _owes_and_pays(customer: str) -> tuple[list[tuple[str, Record]], Expected]:
    events, _ = _owes(customer)
    cleared = {
        "customer_id": customer,
        "as_of": "2026-06-30",
        "amount_fen": 0,
        "oldest_due_on": None,
        "suspended": False,
    }
    # The reminder may have left or not when the debt is cleared: both are right.
    return [*events, ("arrears.changed", cleared)], Expected([("arrears", "resolved")], ["reminder?"], 1)


def _complains(customer: str) -> tuple[list[tuple[str, Record]], Expected]:
    complaint = {
        "complaint_id": f"cp-{customer}",
        "customer_id": customer,
        "opened_at": START.isoformat(),
        "category": "network",
        "channel": "10086",
        "severity": 2,
        "status": "opened",
        "closed_at": None,
        "text": "信号不好",
    }
    return [("complaint.changed", complaint)], Expected([("complaint_opened", "raised")], ["opened"], 1)


def _contract_ends(customer: str) -> tuple[list[tuple[str, Record]], Expected]:
    contract = {
        "contract_id": f"ct-{customer}",
        "customer_id": customer,
        "product_code": "B24",
        "starts_on": "2024-07-01",
        "ends_on": "2026-07-20",
        "monthly_fee_fen": 28800,
        "auto_renew": False,
    }
    return [("contract.changed", contract)], Expected([("contract_expiring", "raised")], ["30"], 1)


KINDS: tuple[Callable[[str], tuple[list[tuple[str, Record]], Expected]], ...] = (
    _falls,
    _steady,
    _stops,
    _owes,
    _owes_and_pays,
    _complains,
    _contract_ends,
)


def stories(count: int, seed: int, first: int = 0) -> list[Story]:
    """``count`` customers, numbered from ``first``, with a scenario each, the same for the same seed."""
    rng = random.Random(seed)
    made = []
    for n in range(first, first + count):
        customer, phone = f"9{n:07}", f"139{n:08}"
        events, expected = rng.choice(KINDS)(customer)
        profile = {
            "customer_id": customer,
            "kind": "person",
            "name": f"客户{n}",
            "phone": phone,
            "city": rng.choice(("320100", "320500")),
            "area": "urban",
            "plan_code": "P199",
            "opened_on": "2015-01-01",
            "status": "active",
            "language": rng.choice(("zh", "en")),
            "do_not_disturb": False,
        }
        made.append(Story(customer, phone, [("customer.changed", profile), *events], expected))
    return made


def cloud_event(id_: str, customer: str, kind: str, record: Record, at: datetime = START) -> dict[str, Any]:
    """What BOSS sends of a record."""
    return {
        "specversion": "1.0",
        "id": id_,
        "source": "proof",
        "type": f"kam.boss.{kind}.v1",
        "subject": customer,
        "time": at.isoformat(),
        "datacontenttype": "application/json",
        "data": record,
    }


def interleave(all_stories: list[Story], seed: int) -> Iterator[dict[str, Any]]:
    """CloudEvents of all customers, mixed, each customer's own in order; now and then one a second time."""
    rng = random.Random(seed)
    queues = {s.customer: list(s.events) for s in all_stories}
    at = START
    while queues:
        customer = rng.choice(list(queues))
        kind, record = queues[customer].pop(0)
        number = len(queues[customer])
        if not queues[customer]:
            del queues[customer]
        at += timedelta(milliseconds=200)
        event = cloud_event(f"{customer}-{number}", customer, kind, record, at)
        yield event
        if rng.random() < 0.05:
            yield event
