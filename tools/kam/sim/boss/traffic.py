"""What a province does all day: one step gives the records of one small story. Pure, given its random numbers."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from random import Random
from typing import Any

import msgspec

from contracts.boss import (
    Arrears,
    Balance,
    BossRecord,
    Complaint,
    Contract,
    CustomerLeft,
    Payment,
    ServiceRequest,
)
from kam.sim.boss import people
from kam.sim.boss.province import EXAMPLE, Province, make_bill
from servicekit.clock import SHANGHAI

_replace = msgspec.structs.replace
_FALLS = 0.03
_FEW_DEBTORS = 0.01


class Scene:
    """One step: the province, the step's own random numbers, business time, and a number for new ids."""

    def __init__(self, province: Province, rng: Random, now: datetime, number: int) -> None:
        self.province, self.rng, self.now, self.number = province, rng, now.astimezone(SHANGHAI), number

    @property
    def somebody(self) -> str:
        """A customer who has not left; the examples' customer is left in peace."""
        known = self.province.customers
        while True:
            id_ = self.rng.choice(list(known))
            if known[id_].status != "left" and (id_ != EXAMPLE or len(known) == 1):
                return id_

    def id(self, prefix: str) -> str:
        """A new id that tells its day."""
        return f"{prefix}{self.now:%Y%m%d}{self.number:06}"


def _bill(scene: Scene) -> list[BossRecord]:
    province, rng = scene.province, scene.rng
    if province.bills_to_come:
        key = min(province.bills_to_come)
        bill = province.bills[key]
        if rng.random() < _FALLS:
            return [make_bill(*key, scene.now.date(), round((bill.amount_fen or 0) * rng.uniform(0.35, 0.6)))]
        return [_replace(bill, issued_on=scene.now.date(), due_on=scene.now.date() + timedelta(days=19))]
    id_ = scene.somebody
    known = province.bills.get((id_, province.periods[-1]))
    if known is None or known.issued_on is None:
        return _balance(scene)
    corrected = round((known.amount_fen or 0) * rng.uniform(0.98, 1.02))
    return [make_bill(id_, known.period, known.issued_on, corrected)]


def _usage(scene: Scene) -> list[BossRecord]:
    province = scene.province
    if province.usage_to_come:
        return [province.usage[min(province.usage_to_come)]]
    known = province.usage.get((scene.somebody, province.periods[-1]))
    if known is None:
        return _balance(scene)
    return [_replace(known, care_calls=(known.care_calls or 0) + 1, data_mb=(known.data_mb or 0) + 100)]


def _payment(scene: Scene) -> list[BossRecord]:
    id_ = scene.somebody
    return [_paid(scene, id_, scene.province.customers[id_].monthly_fee_fen or 10_000)]


def _paid(scene: Scene, id_: str, amount: int) -> Payment:
    channel = scene.rng.choice(people.CHANNELS)
    return Payment(payment_id=scene.id("P"), customer_id=id_, paid_at=scene.now, amount_fen=amount, channel=channel)


def _balance(scene: Scene) -> list[BossRecord]:
    return [Balance(customer_id=scene.somebody, at=scene.now, balance_fen=scene.rng.randrange(-2_000, 50_000))]


def _arrears_opened(scene: Scene) -> list[BossRecord]:
    id_ = scene.somebody
    known = scene.province.arrears.get(id_)
    if known is not None and known.amount_fen:
        return [_replace(known, as_of=scene.now.date(), amount_fen=known.amount_fen + 1_000)]
    days = scene.rng.choice((-5, 0, 1, 2, 5, 12, 31))
    return [
        Arrears(
            customer_id=id_,
            as_of=scene.now.date(),
            amount_fen=scene.province.customers[id_].monthly_fee_fen or 10_000,
            oldest_due_on=scene.now.date() - timedelta(days=days),
            suspended=False,
        )
    ]


def _arrears_cleared(scene: Scene) -> list[BossRecord]:
    """Somebody pays the whole debt, and BOSS clears it."""
    owing = [a for a in scene.province.arrears.values() if a.amount_fen]
    if len(owing) <= _FEW_DEBTORS * len(scene.province.customers):
        return _payment(scene)
    debt = scene.rng.choice(owing)
    cleared = _replace(debt, as_of=scene.now.date(), amount_fen=0, oldest_due_on=None, suspended=False)
    return [_paid(scene, debt.customer_id, debt.amount_fen), cleared]


def _complaint_opened(scene: Scene) -> list[BossRecord]:
    rng = scene.rng
    category = rng.choice(list(people.COMPLAINTS))
    return [
        Complaint(
            complaint_id=scene.id("TS"),
            customer_id=scene.somebody,
            opened_at=scene.now,
            category=category,
            channel=rng.choice(("hotline", "app", "counter")),
            severity=rng.choice((1, 2, 2, 3, 3, 3)),
            status="opened",
            text=rng.choice(people.COMPLAINTS[category]),
        )
    ]


def _complaint_moves(scene: Scene) -> list[BossRecord]:
    """An open complaint is taken up, or closed; now and then a closed one is opened again."""
    known = list(scene.province.complaints.values())
    if not known:
        return _complaint_opened(scene)
    complaint = scene.rng.choice(known[-200:])
    if complaint.status in ("opened", "reopened"):
        return [_replace(complaint, status="in_progress")]
    if complaint.status == "in_progress":
        return [_replace(complaint, status="closed", closed_at=scene.now)]
    if scene.rng.random() < 0.1:
        return [_replace(complaint, status="reopened", closed_at=None)]
    return _payment(scene)


def _contract(scene: Scene) -> list[BossRecord]:
    """A renewal, or a contract that ends soon."""
    id_, today = scene.somebody, scene.now.date()
    known = scene.province.contracts.get(f"CT{id_}")
    if known is None:
        contract = Contract(contract_id=f"CT{id_}", customer_id=id_, product_code="K12", auto_renew=False)
        days = scene.rng.choice((365, 365, 730, 75, 25))
        return [_replace(contract, starts_on=today - timedelta(days=30), ends_on=today + timedelta(days=days))]
    return [_replace(known, ends_on=(known.ends_on or today) + timedelta(days=365))]


def _service(scene: Scene) -> list[BossRecord]:
    kind, detail = scene.rng.choices(
        (("change", "改套餐"), ("resume", "复机"), ("port_query", "携号转网资格查询"), ("stop", "申请停机")),
        (16, 4, 2, 1),
    )[0]
    request: Any = {"request_id": scene.id("SQ"), "customer_id": scene.somebody, "kind": kind, "detail": detail}
    return [ServiceRequest(requested_at=scene.now, **request)]


def _customer(scene: Scene) -> list[BossRecord]:
    known = scene.province.customers[scene.somebody]
    if scene.rng.random() < 0.02:
        return [
            CustomerLeft(customer_id=known.customer_id, left_on=scene.now.date(), reason="资费", destination="other")
        ]
    if scene.rng.random() < 0.5:
        return [_replace(known, credit_class=scene.rng.choice("ABC"))]
    plan = scene.rng.choice([code for code in people.PLANS if code != "E1999"])
    brand, fee, _ = people.PLANS[plan]
    return [_replace(known, plan_code=plan, brand=brand, monthly_fee_fen=fee)]


Story = Callable[[Scene], list[BossRecord]]
#: how often what happens, per hundred steps
STORIES: Mapping[Story, int] = {
    _payment: 24,
    _balance: 20,
    _bill: 16,
    _usage: 16,
    _arrears_cleared: 5,
    _arrears_opened: 4,
    _complaint_moves: 4,
    _contract: 4,
    _customer: 3,
    _complaint_opened: 2,
    _service: 2,
}


def happen(scene: Scene) -> list[BossRecord]:
    """Records of one step, in the order of their happening."""
    return scene.rng.choices(list(STORIES), list(STORIES.values()))[0](scene)


def spoil(event: dict[str, Any], rng: Random) -> dict[str, Any]:
    """An event that must be rejected: another supplier's mistakes."""
    bad = copy.deepcopy(event)
    bad["id"] = f"{event['id']}-bad"
    match rng.randrange(4):
        case 0:
            bad["type"] = "kam.boss.weather.changed.v1"
        case 1:
            del bad["data"]["customer_id"]
        case 2:
            bad["data"]["amount_fen"] = "199.00"
        case _:
            bad["time"] = (datetime.fromisoformat(event["time"]) + timedelta(days=400)).isoformat()
    return bad
