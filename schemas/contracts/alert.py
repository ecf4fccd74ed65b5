"""Alerts, work items and SMS as they travel between services."""

from datetime import date, datetime
from typing import Annotated, Literal, get_args

from msgspec import Meta, Struct

from contracts.control import Stop

Instant = Annotated[datetime, Meta(tz=True)]
Scalar = int | str | bool | None

# Open sets: documents of rules name them, and staff add some. States and outcomes are the protocol's: closed.
#: So far churn_warning, arrears, complaint_opened, contract_expiring.
AlertKind = str
AlertState = Literal["raised", "acknowledged", "acted", "resolved", "expired"]
#: So far retention, dunning, complaint_follow_up, renewal, follow_up.
WorkKind = str
Severity = Literal["critical", "major", "minor"]
WorkState = Literal["new", "accepted", "acted", "closed"]
SmsState = Literal["queued", "held", "sending", "sent", "delivered", "failed", "cancelled", "suppressed", "unknown"]
#: who is told next, up the unit tree from the manager: the unit's head, the city's, the province's
Level = Literal["head", "city_head", "province"]
LEVELS: tuple[Level, ...] = get_args(Level)
#: what did not happen in time: that somebody takes the alert in hand; that they do something about it
Cause = Literal["not_acknowledged", "not_begun"]
ManagerOutcome = Literal["retained", "lost", "paid", "promised", "false_alarm", "other"]
#: how alerts end
Outcome = Literal[
    "withdrawn", "recovered", "superseded", "cleared", "closed", "renewed", "expired", "left", ManagerOutcome
]


class Closed(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of closed, immutable payloads."""


class RuleRef(Closed, frozen=True, kw_only=True):
    """The rule that raised, in the version that stays with the alert."""

    id: str
    version: Annotated[int, Meta(ge=1)]


class Reason(Closed, frozen=True, kw_only=True):
    """One reason of an alert: the rule, the values that met it and the events that carried them.

    ``code`` is an open set: so far bill_fall, minutes_fall, stop_request, port_query, arrears, complaint, contract.
    """

    rule: RuleRef
    code: str
    values: dict[str, Scalar]
    evidence: tuple[str, ...]


class CalendarRef(Closed, frozen=True, kw_only=True):
    """The working calendar by which something is due, in the version that stays with it. ``assumed``: it is due in a
    year of which that version knew only the weekdays."""

    id: str
    version: Annotated[int, Meta(ge=0)]
    name_zh: str
    name_en: str
    assumed: bool = False


class Suppressed(Closed, frozen=True, kw_only=True):
    """Why an alert makes no work and no SMS yet: it was raised in a maintenance window. ``until``: then it does,
    where it is still open."""

    reason: str
    until: Instant


class Escalation(Closed, frozen=True, kw_only=True):
    """Why an alert went to the next level up. ``since``: from then on ``hours`` had gone by, of working time where a
    ``calendar`` counted them."""

    level: Level
    cause: Cause
    hours: int
    since: Instant
    calendar: CalendarRef | None = None


class Alert(Closed, frozen=True, kw_only=True):
    """Whole alert after the change the event tells of (payload of all ``kam.alert.*`` types).

    ``values`` and ``evidence`` join those of the reasons. ``revision`` counts the changes of this alert from 1.
    ``at`` is business time of the change. ``late`` alerts have no work item. ``previous_stage`` is the stage before.
    ``calendar``: by which ``due_at`` was counted (None: in plain hours); ``suppressed``: held by a maintenance window;
    ``escalation``: of ``escalated`` alone.
    ``baseline``: its stage, or its end, came of a first load, so that no SMS comes of it.
    """

    alert_id: str
    kind: AlertKind
    customer_id: str
    revision: Annotated[int, Meta(ge=1)]
    state: AlertState
    stage: str | None = None
    previous_stage: str | None = None
    severity: Severity
    rule: RuleRef
    reasons: tuple[Reason, ...] = ()
    values: dict[str, Scalar] = {}
    evidence: tuple[str, ...] = ()
    period: str | None = None
    late: bool = False
    city: str | None = None
    manager_id: str | None = None
    outcome: str | None = None
    reopened: bool = False
    baseline: bool = False
    raised_at: Instant
    at: Instant
    due_at: Instant | None = None
    by: str | None = None
    calendar: CalendarRef | None = None
    suppressed: Suppressed | None = None
    escalation: Escalation | None = None


class ShadowAlert(Alert, frozen=True, kw_only=True):
    """An alert of a version that runs in shadow: for those who may change rules, and nobody else (payload of the
    ``kam.alert.shadow.*`` types). No work item, no SMS and no figure of the business comes of it; its id is none of
    another alert. ``shadow`` says so to whoever is shown one.
    """

    shadow: Literal[True] = True


class WorkAction(Closed, frozen=True, kw_only=True):
    """What a manager did; TM Forum *PartyInteraction*.

    ``kind`` and ``result`` are open sets; so far call, sms, visit, offer, other and promised, no_answer, disputed,
    reached, accepted, refused, propose_suspension, solved, other. ``promised_on``: when the customer said they would
    pay; ``follow_up_on``: when the manager wants to come back to it.
    """

    kind: str
    note: str | None = None
    at: Instant
    by: str
    result: str | None = None
    promised_on: date | None = None
    follow_up_on: date | None = None


class WorkItem(Closed, frozen=True, kw_only=True):
    """Whole work item after the change (payload of all ``kam.work.*`` types).

    ``by`` made the change (None: the system); ``on_behalf_of``: the manager in whose place a head did. ``calendar``: by
    which ``due_at`` was counted.
    """

    work_id: str
    kind: WorkKind
    alert_id: str
    customer_id: str
    revision: Annotated[int, Meta(ge=1)]
    state: WorkState
    manager_id: str | None = None
    queue: str | None = None
    city: str | None = None
    due_at: Instant
    outcome: str | None = None
    opened_at: Instant
    at: Instant
    by: str | None = None
    on_behalf_of: str | None = None
    action: WorkAction | None = None
    calendar: CalendarRef | None = None


class Contact(Closed, frozen=True, kw_only=True):
    """Somebody was in touch with a customer, of no work item; TM Forum *PartyInteraction*. ``kind``, ``result``: see
    ``WorkAction``."""

    contact_id: str
    customer_id: str
    kind: str
    result: str | None = None
    note: str | None = None
    follow_up_on: date | None = None
    at: Instant
    by: str


class SmsPart(Closed, frozen=True, kw_only=True):
    """One PDU of a message: our 16-bit reference and, once known, the SMSC's message id."""

    number: Annotated[int, Meta(ge=1)]
    reference: Annotated[int, Meta(ge=0, le=65535)]
    state: SmsState
    message_id: str | None = None


class SmsReceipt(Closed, frozen=True, kw_only=True):
    """Delivery receipt as the SMSC gave it."""

    part: int
    state: str
    at: Instant
    error: str | None = None


class Sms(Closed, frozen=True, kw_only=True):
    """Whole message after the change (payload of ``kam.sms.*`` types on sms.outbound); TMF681 *CommunicationMessage*.

    ``phone`` and ``text`` are frozen with the intent; before it they are what is planned. ``channel``: by which its
    last intent left (open set; so far smpp, http, file); None before it, and before there was a choice. ``stop``: that
    holds it back (``reason`` stopped): what is stopped, by whom and why.
    """

    sms_id: str
    alert_id: str
    customer_id: str
    revision: Annotated[int, Meta(ge=1)]
    step: str
    template: str
    language: Literal["zh", "en"]
    phone: str | None
    text: str
    encoding: Literal["gsm7", "ucs2"]
    segments: int
    priority: int
    state: SmsState
    reason: str | None = None
    parts: tuple[SmsPart, ...] = ()
    receipts: tuple[SmsReceipt, ...] = ()
    planned_at: Instant
    at: Instant
    channel: str | None = None
    stop: Stop | None = None


class ReceiptReceived(Closed, frozen=True, kw_only=True):
    """A delivery receipt on sms.receipts, matched to a message where possible (``sms_id`` None: not yet).

    ``to_ask``: partitions whose messages it may be found among, the one it lies on first. ``unanswered``: messages to
    its number that have no answer yet, each with its customer, of those asked so far. ``channel``: by which it came
    (None: told before there was a choice).
    """

    sms_id: str | None
    part: int | None
    customer_id: str | None
    message_id: str
    reference: int | None
    phone: str
    state: str
    error: str | None
    received_at: Instant
    to_ask: tuple[int, ...] = ()
    unanswered: dict[str, str] = {}
    channel: str | None = None


class OptedOut(Closed, frozen=True, kw_only=True):
    """A subscriber answered TD: no more SMS to this number. ``word``: what tells their message from every other, where
    the channel says so: told again, it is the same one, whatever was said since."""

    phone: str
    text: str
    received_at: Instant
    word: str | None = None


class OptedIn(Closed, frozen=True, kw_only=True):
    """A subscriber who had answered TD wants SMS again (订阅). ``word``: see ``OptedOut``."""

    phone: str
    text: str
    received_at: Instant
    word: str | None = None
