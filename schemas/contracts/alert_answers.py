"""What the routes of alerts and SMS answer."""

from typing import Any, Literal

from pydantic import Field

from contracts.alert import AlertState, Cause, Level, Severity, SmsState
from contracts.answer import Answer


class RuleRefView(Answer):
    """A rule in a version."""

    id: str
    version: int


class ReasonView(Answer):
    """One reason of an alert."""

    rule: RuleRefView
    code: str
    values: dict[str, Any]
    evidence: list[str]


class CalendarRefView(Answer):
    """The working calendar by which something is due. ``assumed``: in a year of which it knew only the weekdays."""

    id: str
    version: int
    name_zh: str
    name_en: str
    assumed: bool = False


class SuppressedView(Answer):
    """The maintenance window that holds an alert: no work item and no SMS before ``until``."""

    reason: str
    until: str


class AlertView(Answer):
    """An alert as ``kam alerts`` shows it. ``calendar``: by which it is due (null: every hour counts);
    ``escalated_to``: how far up it went, because nobody had taken it in hand or begun; ``escalations``: how far for
    which of these."""

    alert_id: str
    kind: str
    customer_id: str
    state: AlertState
    stage: str | None = None
    severity: Severity
    rule: RuleRefView
    period: str | None = None
    late: bool = False
    city: str | None = None
    outcome: str | None = None
    reasons: list[ReasonView] = []
    values: dict[str, Any] = {}
    evidence: list[str] = []
    raised_at: str
    due_at: str | None = None
    recorded_at: str | None = None
    work_id: str | None = None
    calendar: CalendarRefView | None = None
    suppressed: SuppressedView | None = None
    escalated_to: Level | None = None
    escalations: dict[Cause, Level] = {}


class ShadowAlertView(AlertView):
    """An alert of a version that runs in shadow: no work item and no SMS comes of it."""

    shadow: Literal[True]


class SmsPartView(Answer):
    """One PDU of a message."""

    number: int
    reference: int
    state: SmsState
    message_id: str | None = None


class SmsReceiptView(Answer):
    """A delivery receipt; ``state`` is the SMSC's word."""

    part: int
    state: str
    at: str
    error: str | None = None


class StopOfSms(Answer):
    """The stop that holds a message back: of what, by whom, and why."""

    what: str
    by: str
    why: str
    at: str


class SmsView(Answer):
    """A message as ``kam sms`` shows it, the number masked."""

    sms_id: str
    alert_id: str
    customer_id: str
    step: str
    template: str
    template_version: int
    language: str
    phone: str | None
    text: str
    encoding: str
    segments: int
    priority: int
    by: str | None = None
    channel: str | None = Field(default=None, description="by which it left: smpp, http; null before it leaves")
    campaign: str = ""
    state: SmsState
    reason: str | None = None
    attempts: int
    hold_until: str | None
    stop: StopOfSms | None = None
    parts: list[SmsPartView] = []
    receipts: list[SmsReceiptView] = []
    planned_at: str
    at: str
    submitted_at: str | None


class SmsWritten(Answer):
    """What a person wrote, as the customer gets it, and what becomes of it as things stand: ``state`` queued, held
    (``hold_until``), suppressed or cancelled, with the reason. ``sms_id`` null: only asked."""

    sms_id: str | None
    text: str
    language: str
    phone: str | None
    encoding: str
    characters: int
    segments: int
    cost_fen: int
    state: SmsState
    reason: str | None
    hold_until: str | None
    sent_today: int
    waiting: int
    daily_cap: int


class CallbackTaken(Answer):
    """How many events of a callback were taken, and how many can't be read and need not come again."""

    taken: int
    unreadable: int


class BudgetView(Answer):
    """What SMS of the business day have taken of a budget, in parts and in fen: ``campaign`` is all, or one of the SMS
    policy's. A limit of null: there is none. ``is_near``: so much is used that the policy warns."""

    campaign: str
    parts: int
    fen: int
    parts_limit: int | None
    fen_limit: int | None
    is_near: bool


class LooseEnds(Answer):
    """SMS and receipts of which something is not known."""

    sms_unknown: int
    receipts_unmatched: int
