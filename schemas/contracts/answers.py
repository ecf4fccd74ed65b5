"""What the HTTP routes answer, for OpenAPI and for whoever generates a client. Fields may be added, so readers ignore
what they don't know. Kinds and codes are open sets, states are closed. Times are ISO 8601 in UTC, money integer fen.
"""

from typing import Any

from pydantic import BaseModel, ConfigDict

from contracts.alert import AlertState, Severity, SmsState, WorkState

Value = int | float | str | bool | None


class _Answer(BaseModel):
    model_config = ConfigDict(extra="allow", hide_input_in_errors=True)


class RuleRefView(_Answer):
    """A rule in a version."""

    id: str
    version: int


class ReasonView(_Answer):
    """One reason of an alert."""

    rule: RuleRefView
    code: str
    values: dict[str, Any]
    evidence: list[str]


class AlertView(_Answer):
    """An alert as ``kam alerts`` shows it."""

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
    work_id: str | None = None


class SmsPartView(_Answer):
    """One PDU of a message."""

    number: int
    reference: int
    state: SmsState
    message_id: str | None = None


class SmsReceiptView(_Answer):
    """A delivery receipt; ``state`` is the SMSC's word."""

    part: int
    state: str
    at: str
    error: str | None = None


class SmsView(_Answer):
    """A message as ``kam sms`` shows it, the number masked."""

    sms_id: str
    alert_id: str
    customer_id: str
    step: str
    template: str
    language: str
    phone: str | None
    text: str
    segments: int
    state: SmsState
    reason: str | None = None
    parts: list[SmsPartView] = []
    receipts: list[SmsReceiptView] = []
    planned_at: str


class LooseEnds(_Answer):
    """SMS and receipts of which something is not known."""

    sms_unknown: int
    receipts_unmatched: int


class RuleView(_Answer):
    """A version of a rule document; its other fields are those of its type."""

    id: str
    version: int
    type: str
    name_zh: str
    name_en: str


class LogEntryView(_Answer):
    """A line of a work item's log. ``by`` null: the system."""

    at: str
    by: str | None
    what: str
    kind: str | None = None
    note: str | None = None
    on_behalf_of: str | None = None


class WorkView(_Answer):
    """A work item as ``kam work`` shows it."""

    work_id: str
    kind: str
    alert_id: str
    customer_id: str
    city: str | None = None
    manager_id: str | None
    queue: str | None
    state: WorkState
    due_at: str
    outcome: str | None
    opened_at: str
    updated_at: str
    log: list[LogEntryView]


class WorkActionView(_Answer):
    """What was done for the customer."""

    kind: str
    note: str | None = None
    at: str
    by: str


class WorkChanged(_Answer):
    """A work item after what was done to it."""

    work_id: str
    kind: str
    alert_id: str
    customer_id: str
    revision: int
    state: WorkState
    manager_id: str | None
    queue: str | None
    city: str | None
    due_at: str
    outcome: str | None
    opened_at: str
    at: str
    by: str | None
    on_behalf_of: str | None
    action: WorkActionView | None


class CustomerFields(_Answer):
    """The customer's record and archive; personal fields masked unless asked for in clear."""

    customer_id: str


class ManagerView(_Answer):
    """The customer's manager."""

    manager_id: str
    name: str | None = None


class UnitView(_Answer):
    """The manager's business unit."""

    unit_id: str
    name: str | None = None


class HistoryView(_Answer):
    """One change of one field."""

    field: str
    old: Value
    new: Value
    at: str
    event_id: str


class FactView(_Answer):
    """A BOSS record of the customer, with the columns of its kind; ``at`` its effective time."""

    at: str
    event_id: str


class CustomerPage(_Answer):
    """A customer with everything known of them, newest first."""

    customer: CustomerFields
    manager: ManagerView | None
    unit: UnitView | None
    history: list[HistoryView]
    bills: list[FactView]
    usages: list[FactView]
    payments: list[FactView]
    arrears: FactView | None
    balance: FactView | None
    contracts: list[FactView]
    complaints: list[FactView]
    requests: list[FactView]


class WholeCustomer(CustomerPage):
    """The page with the customer's alerts, SMS and work items beside it."""

    alerts: list[AlertView]
    sms: list[SmsView]
    work: list[WorkView]


class LinkView(_Answer):
    """One fact of a chain of causes."""

    id: str
    type: str
    at: str
    service: str
    caused_by: str | None
    summary_zh: str
    summary_en: str
    detail: dict[str, Any]


class Chain(_Answer):
    """The chain of facts behind an id, from the BOSS record to the outcome."""

    id: str
    chain: list[LinkView]


class CountView(_Answer):
    """Events of a kind in a city on a day."""

    day: str
    city: str | None
    kind: str
    count: int


class Recount(_Answer):
    """Whether the counts agree with a count from the archive alone."""

    agree: bool
    events: int
    cells: int
    differences: list[Any]


class RateView(_Answer):
    """Alerts of a city in a window."""

    city: str | None
    seconds: float
    alerts: int
    per_minute: float


class ClockView(_Answer):
    """Business time; null while unset."""

    mode: str
    clock: str | None


class ServiceStatus(_Answer):
    """How a service is doing; lag is null while Kafka does not answer."""

    ready: bool
    detail: str
    lag: int | None = None


class Status(_Answer):
    """How the system is doing."""

    kafka: bool
    services: dict[str, ServiceStatus]


class Settled(_Answer):
    """Nothing is left to do."""

    settled: bool
    seconds: float
