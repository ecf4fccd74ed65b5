"""Arrears: one alert an episode of debt, which ages by the business clock (interfaces.md, "Arrears")."""

from datetime import date, datetime

from alerts.detect.state import Cause, Debt, Values
from alerts.detect.turn import Turn
from alerts.rules import Arrears
from servicekit.clock import NEVER, at_local, later_day

KEY = "arrears"


def owe(turn: Turn, amount_fen: int, oldest_due_on: date | None, suspended: bool) -> None:
    """BOSS says what the customer owes now; 0 ends the episode."""
    if amount_fen == 0:
        turn.debt = None
        if (held := turn.alerts.get(KEY)) is not None:
            if held.outcome is None:
                turn.resolve(KEY, "cleared")
            del turn.alerts[KEY]
        return
    if turn.debt is None and turn.profile is not None and turn.profile.left:
        return
    opened_by = turn.ctx.id if turn.debt is None else turn.debt.opened_by
    turn.debt = Debt(opened_by, amount_fen, oldest_due_on, suspended, turn.ctx.id)
    look(turn)


def come_back(turn: Turn) -> None:
    """The customer came back: a debt that ended with their leaving is a new episode from its next record on."""
    held = turn.alerts.get(KEY)
    if held is not None and held.outcome == "left":
        turn.debt = None
        del turn.alerts[KEY]


def look(turn: Turn) -> None:
    """Bring the alert in line with the debt and the day."""
    debt, held = turn.debt, turn.alerts.get(KEY)
    if debt is None or not turn.may_raise or (held is not None and held.outcome is not None):
        return
    rule = turn.rules.arrears if held is None else _version(turn)
    stage = stage_at(rule, debt, turn.today)
    due_on = debt.oldest_due_on.isoformat() if debt.oldest_due_on else None
    values: Values = {"amount_fen": debt.amount_fen, "oldest_due_on": due_on, "suspended": debt.suspended}
    reasons = (Cause(rule.id, rule.version, "arrears", values, (debt.evidence,)),)
    severity = rule.severity[stage]
    if held is None:
        if turn.waking:
            return  # only a record opens an episode
        turn.raise_(KEY, "arrears", (turn.customer_id, debt.opened_by), reasons, severity, stage=stage)
    elif stage != held.stage or values != held.reasons[0].values:
        turn.change(KEY, stage=stage, severity=severity, reasons=reasons)


def stage_at(rule: Arrears, debt: Debt, today: date) -> str:
    """Highest stage reached by a day; a debt whose due date is not known, or never comes, stays at the first."""
    if debt.suspended:
        return rule.suspended_stage
    reached = rule.first_stage
    if debt.oldest_due_on is not None and debt.oldest_due_on != NEVER:
        overdue = (today - debt.oldest_due_on).days
        for step in rule.stages:
            if overdue >= step.after_days:
                reached = step.stage
    return reached


def wake(turn: Turn) -> datetime | None:
    """When the debt reaches its next stage after today."""
    debt, held = turn.debt, turn.alerts.get(KEY)
    if (
        debt is None
        or debt.oldest_due_on in (None, NEVER)
        or debt.suspended
        or held is None
        or held.outcome is not None
    ):
        return None
    days = (later_day(debt.oldest_due_on, step.after_days) for step in _version(turn).stages)
    return next((at_local(day) for day in days if day > turn.today), None)


def _version(turn: Turn) -> Arrears:
    held = turn.alerts[KEY]
    rule = turn.rules.versions[held.rule, held.version]
    assert isinstance(rule, Arrears)
    return rule
