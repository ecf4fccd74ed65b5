"""What the HTTP routes answer, for OpenAPI and for whoever generates a client. Fields may be added, so readers ignore
what they don't know. Kinds and codes are open sets, states are closed. Times are ISO 8601 in UTC, money integer fen.
"""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from contracts.alert import AlertState, Severity, SmsState, WorkState

Value = int | float | str | bool | None


class _Answer(BaseModel):
    model_config = ConfigDict(hide_input_in_errors=True)


class _Open(_Answer):
    """With fields of its kind besides those that every kind has."""

    model_config = ConfigDict(extra="allow")


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
    due_at: str | None = None
    recorded_at: str | None = None
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
    template_version: int
    language: str
    phone: str | None
    text: str
    encoding: str
    segments: int
    priority: int
    by: str | None = None
    state: SmsState
    reason: str | None = None
    attempts: int
    hold_until: str | None
    parts: list[SmsPartView] = []
    receipts: list[SmsReceiptView] = []
    planned_at: str
    at: str
    submitted_at: str | None


class SmsWritten(_Answer):
    """What a person wrote, as the customer gets it, and what becomes of it as things stand: ``state`` queued, held
    (``hold_until``), suppressed or cancelled, with the reason. ``sms_id`` null: only asked."""

    sms_id: str | None
    text: str
    language: str
    phone: str | None
    encoding: str
    characters: int
    segments: int
    state: SmsState
    reason: str | None
    hold_until: str | None
    sent_today: int
    waiting: int
    daily_cap: int


class LooseEnds(_Answer):
    """SMS and receipts of which something is not known."""

    sms_unknown: int
    receipts_unmatched: int


class SwitchView(_Answer):
    """What was done with a version: it came into force (`number`: its place in the log, 0 from the beginning; `at`
    system time), or waits for the day `on`."""

    state: Literal["active", "shadow", "stopped"]
    by: str
    why: str
    number: int | None
    at: str | None
    on: str | None


class DocumentView(_Open):
    """A version of a document that staff change; its other fields are the document's own."""

    id: str
    version: int
    state: Literal["draft", "scheduled", "shadow", "active", "retired", "stopped"]
    author: str
    why: str
    created_at: str
    active_from: str | None
    tried: dict[str, Any] | None = None
    switches: list[SwitchView]
    document: dict[str, Any]


class RuleView(DocumentView):
    """A version of a rule document; its other fields are those of its type."""

    type: str
    alert: str
    name_zh: str
    name_en: str


class TemplateView(DocumentView):
    """A version of a text to customers: at which step of which kind of alert it is sent."""

    kind: str
    step: str
    priority: int
    zh: str
    en: str


class TextView(_Answer):
    """A text as a customer gets it, in how many parts, and what it costs."""

    text: str
    encoding: Literal["gsm7", "ucs2"]
    segments: int
    cost_fen: int


class TemplatePreview(_Answer):
    """A text in both languages."""

    zh: TextView
    en: TextView


class FigureValue(_Answer):
    """A value that a figure can have."""

    code: str
    zh: str
    en: str


class FigureView(_Answer):
    """A figure that conditions of rules may ask for; ``record``: the kind of record that tells it, if it is one."""

    name: str
    family: str
    record: str | None
    type: Literal["int", "str", "bool"]
    unit: str
    unit_zh: str
    unit_en: str
    zh: str
    en: str
    meaning_zh: str
    meaning_en: str
    monthly: bool
    ops: list[str]
    least: int | None
    most: int | None
    values: list[FigureValue]


class StopView(_Answer):
    """SMS of something that leave no more: who stopped them, why and when."""

    what: str
    by: str
    why: str
    at: str


class WarnedView(_Answer):
    """A customer and month that a version of a rule warns of; ``reasons`` are codes."""

    customer_id: str
    period: str
    reasons: list[str]


class TriedMonthView(_Answer):
    """A month of a trial: warnings, those that the version in force gives too, what comes and what goes."""

    period: str
    alerts: int
    same: int
    added: int
    gone: int


class TrialOutcomeView(_Answer):
    """What became of warnings: of ``left`` customers so many were ``caught`` by a warning of the month they left in or
    of the three before, with the median of days from the first of these; ``by_month`` of leaving [left, caught]."""

    left: int
    caught: int
    missed: int
    days_early: int | None
    by_month: dict[str, list[int]]


class TrialResultView(_Answer):
    """What a version warns of ``from`` one month ``to`` another, beside the version in force (``against``); of
    ``added`` and ``gone`` the first 10,000, counted whole in ``added_count`` and ``gone_count``."""

    rule: str
    version: int
    against: int | None
    from_: str = Field(alias="from")
    to: str
    customers: int
    alerts: int
    same: int
    added: list[WarnedView]
    gone: list[WarnedView]
    added_count: int
    gone_count: int
    by_period: dict[str, int]
    months: list[TriedMonthView]
    outcome: TrialOutcomeView
    outcome_against: TrialOutcomeView | None
    as_of: str | None
    unreadable: int
    seconds: float


class TrialView(_Answer):
    """A trial: ``done`` of ``of`` steps; ``result`` once it is done, ``zh`` and ``en`` where it failed."""

    trial_id: str
    rule: str
    version: int
    by: str
    at: str
    state: Literal["waiting", "running", "done", "failed", "cancelled"]
    done: int
    of: int
    result: TrialResultView | None = None
    zh: str | None = None
    en: str | None = None


class SentenceView(_Answer):
    """A change from one version of a document to another; ``field`` is its path."""

    field: str
    zh: str
    en: str


class PlacedView(_Answer):
    """What became of an order for a switch; without ``number`` it waits for its day ``on``."""

    id: str
    kind: str
    document_id: str
    version: int
    state: str
    by: str
    why: str
    number: int | None = None
    at: str | None = None
    on: str | None = None


class LogEntryView(_Answer):
    """A line of a work item's log. ``by`` null: the system."""

    at: str
    by: str | None
    what: str
    kind: str | None = None
    note: str | None = None
    on_behalf_of: str | None = None
    result: str | None = None
    promised_on: str | None = None
    follow_up_on: str | None = None
    to: str | None = None


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
    revision: int | None = None
    log: list[LogEntryView]


class WorkActionView(_Answer):
    """What was done for the customer."""

    kind: str
    note: str | None = None
    at: str
    by: str
    result: str | None = None
    promised_on: str | None = None
    follow_up_on: str | None = None


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


class RowResult(_Answer):
    """What became of one of several: ``done``; ``same``, it was so already; ``refused``, with the reason."""

    id: str
    result: Literal["done", "same", "refused"]
    work_id: str | None = None
    error: str | None = None
    zh: str | None = None
    en: str | None = None


class RowResults(_Answer):
    """What became of each, in the order in which they were named, and how many were done."""

    done: int
    refused: int
    results: list[RowResult]


class ContactView(_Answer):
    """Somebody was in touch with a customer, of no work item."""

    contact_id: str
    customer_id: str
    kind: str
    result: str | None = None
    note: str | None = None
    follow_up_on: str | None = None
    at: str
    by: str


class CustomerFields(_Open):
    """The customer's record and archive; personal fields masked unless asked for in clear."""

    customer_id: str


class ManagerView(_Open):
    """The customer's manager."""

    manager_id: str
    name: str | None = None


class UnitView(_Open):
    """The manager's business unit."""

    unit_id: str
    name: str | None = None


class HistoryView(_Answer):
    """One change of one field."""

    customer_id: str
    revision: int
    field: str
    old: Value
    new: Value
    at: str
    recorded: str
    event_id: str
    correlation: str


class FactView(_Open):
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


class LineageView(_Answer):
    """What a worker of analytics keeps under a name: the event of this id, events it caused, events that tell of it."""

    node: dict[str, Any] | None = None
    children: list[str] = []
    telling_of: list[str] = []


class LineageOfNames(_Answer):
    """What a worker of analytics keeps, by name; names of which it has nothing are left out."""

    names: dict[str, LineageView]


class CountView(_Answer):
    """Events of a kind in a city on a day."""

    day: str
    city: str | None
    kind: str
    count: int


class CountDifference(_Answer):
    """A count on which the live counts and the archive do not agree."""

    day: str
    city: str | None
    kind: str
    live: int
    archive: int


class RecountView(_Answer):
    """Whether the counts agree with a count from the archive alone; ``cells`` of several workers are added up."""

    agree: bool
    events: int
    cells: int
    differences: list[CountDifference]


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


class Health(_Answer):
    """Whether a service is well, in its own words."""

    status: str


class Digests(_Answer):
    """A hash over what each processor holds, by its name: the same again after its disk was lost."""

    digests: dict[str, str]


class ProcessorStandingView(_Answer):
    """Where a stream processor stands: inputs and offsets by ``topic/partition``, what it has still to send, and
    documents that the query database does not have yet. ``…seconds…``: how long the oldest
    has waited, 0 when there is none. ``switch``: of billing-sync the number of the last switch of a document that was
    placed; of who takes them the last by each input.
    """

    processor: str
    inputs: list[str]
    offsets: dict[str, int]
    sequence: int
    outbox: int
    outbox_seconds: float = 0.0
    seconds_behind: float = 0.0
    documents: int = 0
    documents_seconds: float = 0.0
    busy: bool
    clock: str | None
    switch: int | dict[str, int] | None = None
    failed: str | None
    gaps: dict[str, int]
    undeliverable: int


class StandingView(_Answer):
    """Where a service stands, for settling; ``pending`` counts other work that must end first. ``delays``: seconds (p99
    of the last five minutes, null: there was none) from a BOSS record's acceptance to what followed.
    """

    service: str
    ready: bool
    processors: list[ProcessorStandingView]
    freshness: dict[str, Any]
    pending: dict[str, int]
    delays: dict[str, float | None] = {}


class ProcessorStatus(_Answer):
    """How a stream processor is doing; lag is null while Kafka does not answer. ``seconds_behind``, ``outbox_seconds``
    and ``documents_seconds``: how long the oldest message or document has waited.
    """

    lag: int | None
    seconds_behind: float = 0.0
    outbox: int
    outbox_seconds: float = 0.0
    documents: int = 0
    documents_seconds: float = 0.0
    busy: bool
    clock: str | None
    failed: str | None


class ServiceStatus(_Answer):
    """How a service is doing; only ``ready`` and ``detail`` of one that does not answer. Counts are sums and seconds
    the worst of its processors; ``delays`` see ``StandingView``.
    """

    ready: bool
    detail: str
    processors: dict[str, ProcessorStatus] = {}
    lag: int | None = None
    seconds_behind: float = 0.0
    outbox: int = 0
    outbox_seconds: float = 0.0
    documents: int = 0
    documents_seconds: float = 0.0
    delays: dict[str, float | None] = {}
    pending: dict[str, int] = {}
    freshness: dict[str, Any] = {}


class Status(_Answer):
    """How the system is doing."""

    kafka: bool
    services: dict[str, ServiceStatus]


class Settled(_Answer):
    """Nothing is left to do."""

    settled: bool
    seconds: float


class BusyView(_Answer):
    """Who is still busy and why."""

    service: str
    zh: str
    en: str


class NotSettled(_Answer):
    """Somebody still has something to do when the time was over: a problem that says who."""

    type: str
    title: str
    status: int
    detail: str
    correlation_id: str
    error: str
    zh: str
    en: str
    settled: bool
    seconds: float
    busy: list[BusyView]


class EventReceipt(_Answer):
    """What became of one event of the feed; a rejected one with the field at fault and the reason (zh / en)."""

    source: str | None
    id: str | None
    status: Literal["accepted", "duplicate", "rejected"]
    field: str | None = None
    reason: str | None = None


class FileReceiptView(_Answer):
    """A receipt of a nightly file (see ``FileReceipt``), or how it stands in the inbox: ``loading`` and how far it is,
    ``queued``, ``waiting`` for its control file since ``seconds``, ``stuck`` because it can't be moved."""

    file: str
    result: Literal["received", "accepted", "partial", "rejected", "duplicate", "loading", "queued", "waiting", "stuck"]
    rows_read: int = 0
    loaded: int = 0
    unchanged: int = 0
    rejected: int = 0
    unknown_customer: int = 0
    stale: int = 0
    cleared: int = 0
    amount: int = 0
    started: str | None = None
    ended: str | None = None
    business_date: str | None = None
    reason_zh: str | None = None
    reason_en: str | None = None
    notes: list[str] = []
    phase: str | None = None
    percent: int | None = None
    seconds: int | None = None


class Waiting(_Answer):
    """Files of the inbox that are being loaded or can be dealt with."""

    waiting: int
