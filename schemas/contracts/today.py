"""What the page *Today* begins with. Money is integer fen, times are ISO 8601 in UTC."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

from contracts.lists import Freshness, WorkRow


class _Answer(BaseModel):
    model_config = ConfigDict(hide_input_in_errors=True)


class DayNumbers(_Answer):
    """Of the open alerts, and of those how many nobody knows of yet. ``at_risk_fen``: what the customers with an open
    churn warning pay a month by contract, null where no contract is known; ``at_risk_alerts``: how many such warnings.
    """

    open: int
    unacknowledged: int
    due_today: int
    overdue: int
    at_risk_alerts: int
    at_risk_fen: int | None
    contracts_ending: int


class Changes(_Answer):
    """What happened since the beginning of yesterday. ``recovered_fen``: what alerts of arrears asked for that ended
    with a cleared debt, ``recovered`` of them."""

    raised: int
    resolved: int
    escalated: int
    recovered: int
    recovered_fen: int
    kept: int
    assigned: int
    closed: int


class Reminder(_Answer):
    """A work item that wants something today, by its most urgent reason: a promise to pay that is due, a follow-up
    planned for today, a complaint near its end, a contract about to end, or what somebody has begun and is due.
    ``at``: a day or a time.
    """

    reason: Literal["promise", "follow_up", "complaint", "contract", "due"]
    at: str
    item: WorkRow


class TodayView(Freshness):
    """The day of the customers somebody sees, or of a unit's or a manager's among them. ``since``: the beginning of
    yesterday in Asia/Shanghai; ``clock``: business time; ``reminders``: the first of ``reminders_total``.
    """

    clock: str
    since: str
    has_customers: bool
    numbers: DayNumbers
    changes: Changes
    reminders: list[Reminder]
    reminders_total: int
