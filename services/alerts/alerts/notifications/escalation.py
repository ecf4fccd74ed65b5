"""An open alert that nobody takes in hand goes up, level by level (``ladders``). Pure.

It has one clock at a time: until somebody takes it in hand (``not_acknowledged``), then until they do something about
it (``not_begun``). Either begins with the alert or with what a person did, by the work rules in force then; what ends
it cancels what is left. A leap of the business clock over several steps tells the last alone.
"""

from msgspec.structs import replace

from alerts.notifications.decision_builder import DecisionBuilder
from alerts.notifications.state import AlertProgress
from contracts.alert import LEVELS, Cause

_CAUSES: dict[str, Cause] = {"raised": "not_acknowledged", "acknowledged": "not_begun"}


def follow(builder: DecisionBuilder, before: AlertProgress, after: AlertProgress) -> AlertProgress:
    """The alert with the steps of the clock that has begun with this change, or without those of one that has ended."""
    if after.is_open and not before.is_open:
        after = replace(after, went_up={})
    cause = _waits_for(after)
    if cause == _waits_for(before):
        return after
    if cause is None or after.alert is None:
        return replace(after, steps_up=())
    return replace(after, steps_up=builder.send_policy.ladders.steps(after.alert, cause, builder.ctx.now))


def climb(builder: DecisionBuilder) -> None:
    """Tell of what has come, of each alert the highest step."""
    for alert_id, case in list(builder.cases.items()):
        come = [step for step in case.steps_up if step.at <= builder.ctx.now]
        if come:
            now = come[-1].escalation
            level = max(now.level, case.went_up.get(now.cause, now.level), key=LEVELS.index)
            case = replace(case, steps_up=case.steps_up[len(come) :], went_up={**case.went_up, now.cause: level})
            builder.keep(alert_id, case)
            builder.tell("escalated", case, now)


def _waits_for(case: AlertProgress) -> Cause | None:
    """What has not happened to an alert yet, None where nothing need."""
    alert = case.alert
    if alert is None or not case.is_open or alert.late or alert.suppressed is not None:
        return None
    return _CAUSES.get(case.progress)
