"""Contracts: one alert a contract and end date, counting down in steps (interfaces.md, "Contract")."""

from datetime import date, datetime

from msgspec.structs import replace

from alerts.detect.memory import FOLLOWED, clipped
from alerts.detect.state import Cause, Term, Values
from alerts.detect.turn import Turn
from alerts.rules import Contract
from servicekit.clock import NEVER, at_local, later_day
from servicekit.ids import derive

_MOVED = ("renewed", "withdrawn", "superseded")


def agree(turn: Turn, contract_id: str, ends_on: date | None, product_code: str | None) -> None:
    """BOSS says how a contract stands now."""
    before = turn.terms.get(contract_id)
    if before is not None and before.owner != turn.ctx.owner_revision:
        move_away(turn, contract_id)  # it was elsewhere in between, whenever we hear of that
        before = None
    same = before is not None and before.ends_on == ends_on
    passed = before.passed if before is not None and same else None
    turn.terms[contract_id] = Term(
        ends_on, clipped(product_code), turn.ctx.id, turn.ctx.correlation, passed, turn.ctx.owner_revision
    )
    if before is not None and before.ends_on is not None and not same:
        key = _key(contract_id, before.ends_on)
        if key in turn.alerts and turn.alerts[key].outcome is None:
            turn.resolve(key, "renewed" if ends_on is not None and ends_on > before.ends_on else "withdrawn")
    look(turn, contract_id)


def move_away(turn: Turn, contract_id: str) -> None:
    """The contract is another customer's now: here it is gone, and its alerts with it."""
    turn.terms.pop(contract_id, None)
    for key in _keys(turn, contract_id):
        if turn.alerts[key].outcome is None:
            turn.resolve(key, "withdrawn")
        del turn.alerts[key]


def look(turn: Turn, contract_id: str) -> None:
    """Bring the alert of a contract's present end in line with the day."""
    term = turn.terms[contract_id]
    if term.ends_on is None or term.ends_on == NEVER or not turn.may_raise:
        return
    key = _key(contract_id, term.ends_on)
    held = turn.alerts.get(key)
    left = (term.ends_on - turn.today).days
    if left < 0:
        if held is not None and held.outcome is None:
            turn.resolve(key, "expired")
        return
    rule = _version(turn, key)
    step = step_at(rule, left)
    if step is None or (held is not None and held.outcome not in (None, "left", *_MOVED)):
        return
    returning = held is None or held.outcome == "left"
    if returning and term.passed is not None and step >= term.passed:
        return
    stage = str(step)
    severity = rule.severity[stage]
    reasons = (Cause(rule.id, rule.version, "contract", _values(contract_id, term, left), (term.evidence,)),)
    if held is None:
        parts = (contract_id, term.ends_on.isoformat(), *((term.owner,) if term.owner else ()))
        trace = turn.ended.get(derive("alert", "contract_expiring", *parts)) if turn.ended else None
        if trace is None or trace.outcome in _MOVED:
            origin = (term.evidence, term.correlation)
            turn.raise_(key, "contract_expiring", parts, reasons, severity, stage=stage, origin=origin)
    elif held.outcome is not None or stage != held.stage:
        turn.change(key, outcome=None, stage=stage, severity=severity, reasons=reasons)


def step_at(rule: Contract, days_left: int) -> int | None:
    """The smallest step the end has come within, None before the first."""
    return min((step for step in rule.steps if step >= days_left), default=None)


def pass_over(turn: Turn) -> None:
    """The customer came back: steps that went by in the meantime warn no more."""
    for contract_id, term in turn.terms.items():
        if term.ends_on is not None:
            step = step_at(turn.rules.contract, (term.ends_on - turn.today).days)
            turn.terms[contract_id] = replace(term, passed=step)


def wake(turn: Turn) -> datetime | None:
    """Next step of any contract after today, the day after its end included."""
    days = [day for contract_id, term in turn.terms.items() for day in _days(turn, contract_id, term)]
    soonest = min((day for day in days if day > turn.today), default=None)
    return None if soonest is None else at_local(soonest)


def forget(turn: Turn) -> None:
    """Drop ends, and contracts with them, that are long past; of too many, those whose end matters last."""
    oldest = later_day(turn.today, -turn.rules.contract.forget_after_days)
    for contract_id in [i for i, t in turn.terms.items() if t.ends_on is not None and t.ends_on < oldest]:
        del turn.terms[contract_id]
    if len(turn.terms) > FOLLOWED:
        order = sorted(turn.terms, key=lambda i: _matters(turn, turn.terms[i]))
        for contract_id in order[FOLLOWED:]:
            del turn.terms[contract_id]
            for key in _keys(turn, contract_id):
                turn.let_go(key)
    over = [k for k, a in turn.alerts.items() if k.startswith("contract/") and a.outcome is not None]
    for key in [k for k in over if date.fromisoformat(k.rpartition("/")[2]) < oldest]:
        del turn.alerts[key]
        over.remove(key)
    for key in over[:-FOLLOWED]:
        turn.let_go(key)


def _matters(turn: Turn, term: Term) -> tuple[bool, date]:
    """The order in which contracts matter: the next to end first, then what never ends or has ended."""
    end = term.ends_on or NEVER
    return end < turn.today, end


def _keys(turn: Turn, contract_id: str) -> list[str]:
    """Alerts of a contract, of any of its ends."""
    return [k for k in turn.alerts if k.rpartition("/")[0] == f"contract/{contract_id}"]


def _days(turn: Turn, contract_id: str, term: Term) -> list[date]:
    if term.ends_on is None or term.ends_on == NEVER:
        return []
    key = _key(contract_id, term.ends_on)
    held = turn.alerts.get(key)
    if held is not None and held.outcome not in (None, "left"):
        return []
    return [later_day(term.ends_on, -step) for step in (*_version(turn, key).steps, -1)]


def _values(contract_id: str, term: Term, days_left: int) -> Values:
    assert term.ends_on is not None
    return {
        "contract_id": contract_id,
        "product_code": term.product_code,
        "ends_on": term.ends_on.isoformat(),
        "days_left": days_left,
    }


def _version(turn: Turn, key: str) -> Contract:
    held = turn.alerts.get(key)
    rule = turn.rules.contract if held is None else turn.rules.versions[held.rule, held.version]
    assert isinstance(rule, Contract)
    return rule


def _key(contract_id: str, ends_on: date) -> str:
    return f"contract/{contract_id}/{ends_on.isoformat()}"
