"""Contracts: one alert a contract and end date, counting down in steps (interfaces.md, "Contract")."""

from datetime import date, datetime

from msgspec.structs import replace

from alerts.detection.bounds import FOLLOWED, clipped
from alerts.detection.decision_builder import DecisionBuilder
from alerts.detection.state import AlertReason, TrackedContract, Values
from alerts.rules import Contract
from servicekit.clock import NEVER, at_local, later_day
from servicekit.ids import derive

_MOVED = ("renewed", "withdrawn", "superseded")


def agree(builder: DecisionBuilder, contract_id: str, ends_on: date | None, product_code: str | None) -> None:
    """BOSS says how a contract stands now."""
    before = builder.terms.get(contract_id)
    if before is not None and before.owner != builder.ctx.owner_revision:
        move_away(builder, contract_id)  # it was elsewhere in between, whenever we hear of that
        before = None
    same = before is not None and before.ends_on == ends_on
    passed = before.passed if before is not None and same else None
    builder.terms[contract_id] = TrackedContract(
        ends_on, clipped(product_code), builder.ctx.id, builder.ctx.correlation, passed, builder.ctx.owner_revision
    )
    if before is not None and before.ends_on is not None and not same:
        key = _key(contract_id, before.ends_on)
        if key in builder.alerts and builder.alerts[key].outcome is None:
            builder.resolve(key, "renewed" if ends_on is not None and ends_on > before.ends_on else "withdrawn")
    look(builder, contract_id)


def move_away(builder: DecisionBuilder, contract_id: str) -> None:
    """The contract is another customer's now: here it is gone, and its alerts with it."""
    builder.terms.pop(contract_id, None)
    for key in _keys(builder, contract_id):
        if builder.alerts[key].outcome is None:
            builder.resolve(key, "withdrawn")
        del builder.alerts[key]


def look(builder: DecisionBuilder, contract_id: str) -> None:
    """Bring the alert of a contract's present end in line with the day."""
    term = builder.terms[contract_id]
    if term.ends_on is None or term.ends_on == NEVER or not builder.may_raise:
        return
    key = _key(contract_id, term.ends_on)
    held = builder.alerts.get(key)
    left = (term.ends_on - builder.today).days
    if left < 0:
        if held is not None and held.outcome is None:
            builder.resolve(key, "expired")
        return
    rule = _version(builder, key)
    step = step_at(rule, left)
    if step is None or (held is not None and held.outcome not in (None, "left", *_MOVED)):
        return
    returning = held is None or held.outcome == "left"
    if returning and has_passed(term, step):
        return
    stage = str(step)
    severity = rule.severity[stage]
    reasons = (AlertReason(rule.id, rule.version, "contract", _values(contract_id, term, left), (term.evidence,)),)
    if held is None:
        if rule.id in builder.rules.stopped:
            return
        parts = (contract_id, term.ends_on.isoformat(), *((term.owner,) if term.owner else ()))
        trace = builder.ended.get(derive("alert", "contract_expiring", *parts)) if builder.ended else None
        if trace is None or trace.outcome in _MOVED:
            origin = (term.evidence, term.correlation)
            builder.raise_(key, "contract_expiring", parts, reasons, severity, stage=stage, origin=origin)
    elif held.outcome is not None or stage != held.stage:
        builder.change(key, outcome=None, stage=stage, severity=severity, reasons=reasons)


def step_at(rule: Contract, days_left: int) -> int | None:
    """The smallest step the end has come within, None before the first."""
    return min((step for step in rule.steps if step >= days_left), default=None)


def has_passed(term: TrackedContract, step: int) -> bool:
    """Whether a step went by, unwarned, while the customer was away."""
    return term.passed is not None and step >= term.passed


def pass_over(builder: DecisionBuilder) -> None:
    """The customer came back: steps that went by in the meantime warn no more."""
    for contract_id, term in builder.terms.items():
        if term.ends_on is not None:
            step = step_at(builder.rules.contract, (term.ends_on - builder.today).days)
            builder.terms[contract_id] = replace(term, passed=step)


def wake(builder: DecisionBuilder) -> datetime | None:
    """Next step of any contract after today, the day after its end included."""
    days = [day for contract_id, term in builder.terms.items() for day in _days(builder, contract_id, term)]
    soonest = min((day for day in days if day > builder.today), default=None)
    return None if soonest is None else at_local(soonest)


def forget(builder: DecisionBuilder) -> None:
    """Drop ends, and contracts with them, that are long past; of too many, those whose end matters last."""
    oldest = later_day(builder.today, -builder.rules.contract.forget_after_days)
    for contract_id in [i for i, t in builder.terms.items() if t.ends_on is not None and t.ends_on < oldest]:
        del builder.terms[contract_id]
    if len(builder.terms) > FOLLOWED:
        order = sorted(builder.terms, key=lambda i: _matters(builder, builder.terms[i]))
        for contract_id in order[FOLLOWED:]:
            del builder.terms[contract_id]
            for key in _keys(builder, contract_id):
                builder.let_go(key)
    over = [k for k, a in builder.alerts.items() if k.startswith("contract/") and a.outcome is not None]
    for key in [k for k in over if date.fromisoformat(k.rpartition("/")[2]) < oldest]:
        del builder.alerts[key]
        over.remove(key)
    for key in over[:-FOLLOWED]:
        builder.let_go(key)


def _matters(builder: DecisionBuilder, term: TrackedContract) -> tuple[bool, date]:
    """The order in which contracts matter: the next to end first, then what never ends or has ended."""
    end = term.ends_on or NEVER
    return end < builder.today, end


def _keys(builder: DecisionBuilder, contract_id: str) -> list[str]:
    """Alerts of a contract, of any of its ends."""
    return [k for k in builder.alerts if k.rpartition("/")[0] == f"contract/{contract_id}"]


def _days(builder: DecisionBuilder, contract_id: str, term: TrackedContract) -> list[date]:
    if term.ends_on is None or term.ends_on == NEVER:
        return []
    key = _key(contract_id, term.ends_on)
    held = builder.alerts.get(key)
    if held is not None and held.outcome not in (None, "left"):
        return []
    return [later_day(term.ends_on, -step) for step in (*_version(builder, key).steps, -1)]


def _values(contract_id: str, term: TrackedContract, days_left: int) -> Values:
    assert term.ends_on is not None
    return {
        "contract_id": contract_id,
        "product_code": term.product_code,
        "ends_on": term.ends_on.isoformat(),
        "days_left": days_left,
    }


def _version(builder: DecisionBuilder, key: str) -> Contract:
    held = builder.alerts.get(key)
    rule = builder.rules.contract if held is None else builder.rules.of(held.rule, held.version)
    assert isinstance(rule, Contract)
    return rule


def _key(contract_id: str, ends_on: date) -> str:
    return f"contract/{contract_id}/{ends_on.isoformat()}"
