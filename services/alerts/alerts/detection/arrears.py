"""Arrears: one alert an episode of debt, which ages by the business clock (interfaces.md, "Arrears")."""

from datetime import date, datetime

from alerts.detection.decision_builder import DecisionBuilder
from alerts.detection.state import AlertReason, ArrearsEpisode, Values
from alerts.rules import Arrears
from servicekit.clock import NEVER, at_local, later_day

KEY = "arrears"


def owe(builder: DecisionBuilder, amount_fen: int, oldest_due_on: date | None, suspended: bool) -> None:
    """BOSS says what the customer owes now; 0 ends the episode."""
    if amount_fen == 0:
        builder.debt = None
        if (held := builder.alerts.get(KEY)) is not None:
            if held.outcome is None:
                builder.resolve(KEY, "cleared")
            del builder.alerts[KEY]
        return
    if builder.debt is None and builder.profile is not None and builder.profile.left:
        return
    opened_by = builder.ctx.id if builder.debt is None else builder.debt.opened_by
    builder.debt = ArrearsEpisode(opened_by, amount_fen, oldest_due_on, suspended, builder.ctx.id)
    look(builder)


def come_back(builder: DecisionBuilder) -> None:
    """The customer came back: a debt that ended with their leaving is a new episode from its next record on."""
    held = builder.alerts.get(KEY)
    if held is not None and held.outcome == "left":
        builder.debt = None
        del builder.alerts[KEY]


def look(builder: DecisionBuilder) -> None:
    """Bring the alert in line with the debt and the day."""
    debt, held = builder.debt, builder.alerts.get(KEY)
    if debt is None or not builder.may_raise or (held is not None and held.outcome is not None):
        return
    rule = builder.rules.arrears if held is None else _version(builder)
    stage = stage_at(rule, debt, builder.today)
    due_on = debt.oldest_due_on.isoformat() if debt.oldest_due_on else None
    values: Values = {"amount_fen": debt.amount_fen, "oldest_due_on": due_on, "suspended": debt.suspended}
    reasons = (AlertReason(rule.id, rule.version, "arrears", values, (debt.evidence,)),)
    severity = rule.severity[stage]
    if held is None:
        if builder.waking or rule.id in builder.rules.stopped:
            return  # only a record opens an episode
        builder.raise_(KEY, "arrears", (builder.customer_id, debt.opened_by), reasons, severity, stage=stage)
    elif stage != held.stage or values != held.reasons[0].values:
        builder.change(KEY, stage=stage, severity=severity, reasons=reasons)


def stage_at(rule: Arrears, debt: ArrearsEpisode, today: date) -> str:
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


def wake(builder: DecisionBuilder) -> datetime | None:
    """When the debt reaches its next stage after today."""
    debt, held = builder.debt, builder.alerts.get(KEY)
    if (
        debt is None
        or debt.oldest_due_on in (None, NEVER)
        or debt.suspended
        or held is None
        or held.outcome is not None
    ):
        return None
    days = (later_day(debt.oldest_due_on, step.after_days) for step in _version(builder).stages)
    return next((at_local(day) for day in days if day > builder.today), None)


def _version(builder: DecisionBuilder) -> Arrears:
    held = builder.alerts[KEY]
    rule = builder.rules.of(held.rule, held.version)
    assert isinstance(rule, Arrears)
    return rule
