"""Of events and documents what lists show, filter, sort or find. Fields that are not needed are not looked at."""

from datetime import datetime
from typing import Any

from msgspec import Struct


class UnitRecord(Struct):
    unit_id: str
    parent_id: str | None = None
    name: str | None = None
    city: str | None = None
    head_id: str | None = None


class ManagerRecord(Struct):
    manager_id: str
    name: str | None = None
    unit_id: str | None = None
    extension: str | None = None
    status: str | None = None


class CustomerRecord(Struct):
    customer_id: str
    kind: str | None = None
    name: str | None = None
    phone: str | None = None
    city: str | None = None
    district: str | None = None
    area: str | None = None
    brand: str | None = None
    plan_code: str | None = None
    monthly_fee_fen: int | None = None
    opened_on: str | None = None
    status: str | None = None
    credit_class: str | None = None
    corporate_id: str | None = None
    role: str | None = None
    language: str | None = None
    do_not_disturb: bool | None = None
    manager_id: str | None = None


class Departure(Struct):
    customer_id: str


class Rule(Struct):
    id: str
    version: int


class Reason(Struct):
    rule: Rule
    code: str
    values: dict[str, Any] = {}


class Escalation(Struct):
    level: str
    cause: str = "not_acknowledged"


class AlertEvent(Struct):
    alert_id: str
    kind: str
    customer_id: str
    state: str
    severity: str
    rule: Rule
    raised_at: datetime
    revision: int = 0
    at: datetime | None = None
    stage: str | None = None
    reasons: list[Reason] = []
    values: dict[str, Any] = {}
    evidence: list[str] = []
    period: str | None = None
    late: bool = False
    outcome: str | None = None
    reopened: bool = False
    due_at: datetime | None = None
    calendar: dict[str, Any] | None = None
    suppressed: dict[str, Any] | None = None
    escalation: Escalation | None = None
    #: of a document: how far it went up, by cause
    escalations: dict[str, str] = {}


class Contact(Struct):
    """What was done for a customer: an event's ``action``, or a line of the log of a document."""

    at: datetime
    kind: str | None = None
    by: str | None = None
    result: str | None = None
    promised_on: str | None = None
    follow_up_on: str | None = None
    what: str = "acted"


class WorkEvent(Struct):
    work_id: str
    kind: str
    alert_id: str
    customer_id: str
    state: str
    due_at: datetime
    opened_at: datetime
    revision: int = 0
    at: datetime | None = None
    updated_at: datetime | None = None
    manager_id: str | None = None
    queue: str | None = None
    outcome: str | None = None
    by: str | None = None
    action: Contact | None = None
    log: list[Contact] = []
    calendar: dict[str, Any] | None = None


class LoggedContact(Struct):
    contact_id: str
    customer_id: str
    at: datetime
    kind: str
    result: str | None = None
    by: str | None = None
    follow_up_on: str | None = None


class SmsEvent(Struct):
    sms_id: str
    alert_id: str
    customer_id: str
    step: str
    template: str
    language: str
    segments: int
    state: str
    planned_at: datetime
    revision: int = 0
    at: datetime | None = None
    phone: str | None = None
    reason: str | None = None
