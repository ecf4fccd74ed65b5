"""What the workbench's lists, counts and search answer: rows of the read model. Times are ISO 8601 in UTC, money is
integer fen; personal fields are masked unless who asks is entitled to them.
"""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from contracts.alert import AlertState, Level, Severity, SmsState, WorkState
from contracts.alert_answers import CalendarRefView, RuleRefView, SuppressedView


class _Answer(BaseModel):
    model_config = ConfigDict(hide_input_in_errors=True)


class Freshness(_Answer):
    """Of which moment an answer is. ``as_of``: everything that happened until then is in it (null: nothing is known
    yet); ``position``: number of the last change that is. While ``rebuilding`` rows may be missing.
    """

    as_of: str | None
    seconds_behind: float | None
    position: int
    rebuilding: bool = False


class Unclaimed(Freshness):
    """How many work items wait for anybody of the unit in which who asks works."""

    count: int


class OfCustomer(_Answer):
    """Whom a row is about, and who looks after them."""

    customer_id: str
    customer_name: str | None
    customer_kind: str | None
    city: str | None
    unit_id: str | None
    manager_id: str | None
    manager_name: str | None
    do_not_disturb: bool | None


class ShownReason(_Answer):
    """A reason of an alert: rule, and the values that met it."""

    rule: RuleRefView
    code: str
    values: dict[str, Any]


class AlertRow(OfCustomer):
    """An alert in a list. ``due_at``, ``calendar`` (null: every hour counts), ``holder_id`` and ``contact_…`` are
    those of its work item; ``sms_state``: of its last SMS. ``escalated_to``: how far up it went;
    ``suppressed``: the maintenance window that holds it."""

    alert_id: str
    kind: str
    state: AlertState
    stage: str | None
    severity: Severity
    escalated: bool
    escalated_to: Level | None = None
    rule: RuleRefView
    period: str | None
    late: bool
    outcome: str | None
    raised_at: str
    due_at: str | None
    calendar: CalendarRefView | None = None
    suppressed: SuppressedView | None = None
    amount_fen: int | None
    reasons: list[ShownReason]
    values: dict[str, Any]
    evidence: int
    work_id: str | None
    work_state: WorkState | None
    work_revision: int | None
    holder_id: str | None
    contact_at: str | None
    contact_kind: str | None
    contact_result: str | None
    contact_by: str | None
    sms_state: SmsState | None


class WorkRow(OfCustomer):
    """A work item in a list; ``holder_id`` has it in hand, without one it waits in its ``queue``. ``contact_…``: what
    was done for the customer last under this item."""

    work_id: str
    kind: str
    state: WorkState
    holder_id: str | None
    queue: str | None
    due_at: str
    calendar: CalendarRefView | None = None
    outcome: str | None
    opened_at: str
    revision: int
    contact_at: str | None
    contact_kind: str | None
    contact_result: str | None
    contact_by: str | None
    promised_on: str | None
    follow_up_on: str | None
    alert_id: str
    alert_kind: str | None
    alert_state: AlertState | None
    period: str | None
    stage: str | None
    severity: Severity | None
    amount_fen: int | None
    reasons: list[ShownReason]
    values: dict[str, Any]


class SmsRow(OfCustomer):
    """A message in a list, without its text."""

    sms_id: str
    alert_id: str
    alert_kind: str | None
    step: str
    template: str
    language: str
    phone: str | None
    segments: int
    state: SmsState
    reason: str | None
    planned_at: str
    at: str


class CustomerRow(OfCustomer):
    """A customer in a list; ``open_alerts`` and ``open_work``: how many."""

    phone: str | None
    status: str | None
    district: str | None
    area: str | None
    brand: str | None
    plan_code: str | None
    monthly_fee_fen: int | None
    opened_on: str | None
    credit_class: str | None
    corporate_id: str | None
    role: str | None
    open_alerts: int
    open_work: int


class _Page(Freshness):
    """``total``: how many rows match; ``next``: the cursor of the page behind, null at the end."""

    total: int
    next: str | None


class AlertPage(_Page):
    """A page of alerts."""

    rows: list[AlertRow]


class WorkPage(_Page):
    """A page of work items."""

    rows: list[WorkRow]


class SmsPage(_Page):
    """A page of messages."""

    rows: list[SmsRow]


class CustomerPageOfRows(_Page):
    """A page of customers."""

    rows: list[CustomerRow]


class Facets(Freshness):
    """How many rows match, and of those how many there are of each value. Of alerts and work items also how many are
    open, and of the open ones: unacknowledged (new, not taken), escalated, held by
    maintenance (``suppressed``), overdue, due today, in nobody's hand.
    """

    total: int
    open: int | None = None
    unacknowledged: int | None = None
    escalated: int | None = None
    suppressed: int | None = None
    overdue: int | None = None
    due_today: int | None = None
    unclaimed: int | None = None
    by: dict[str, dict[str, int]]


class Asked(BaseModel):
    """Body of a search: what was typed. It stands in no address, since it may be a phone number."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    text: Annotated[str, Field(min_length=1, max_length=200)]
    limit: Annotated[int, Field(ge=1, le=50)] = 20


class Hit(_Answer):
    """Something else than a customer that has an id beginning so."""

    list: str
    id: str
    kind: str | None
    state: str
    customer_id: str
    customer_name: str | None


class Found(Freshness):
    """What a search finds: customers, best first, and alerts, work items and SMS by their id."""

    customers: list[CustomerRow]
    items: list[Hit]


class LastContact(_Answer):
    """What was done for a customer last, by whom, and what came of it."""

    at: str
    kind: str | None
    result: str | None
    by: str | None
    by_name: str | None
    work_id: str | None


class LastSms(_Answer):
    """The newest message that was sent, or is being sent."""

    at: str
    state: SmsState
    template: str


class Contacts(_Answer):
    """What should be seen before a customer is contacted."""

    customer_id: str
    do_not_disturb: bool | None
    language: str | None
    last: LastContact | None
    last_sms: LastSms | None
    sms_today: int
    sms_limit: int
    open_complaints: int


class Colleague(_Answer):
    """A manager to whom work may be handed over; ``open_work``: how many items they have in hand, of what is in
    one's scope."""

    manager_id: str
    name: str | None
    unit_id: str | None
    unit_name: str | None
    status: str | None
    open_work: int


class Figures(_Answer):
    """How much there is of what is in scope; ``overdue``: open work whose time is over."""

    customers: int
    open_alerts: int
    open_work: int
    overdue: int


class UnitRow(Figures):
    """A unit with its own figures; ``parent_id`` null: the top of what is seen. ``managers``: how many it has."""

    unit_id: str
    parent_id: str | None
    name: str | None
    city: str | None
    head_id: str | None
    head_name: str | None
    managers: int


class MemberRow(Figures):
    """A manager of a unit, with what their customers come to."""

    manager_id: str
    name: str | None
    unit_id: str | None
    extension: str | None
    status: str | None
