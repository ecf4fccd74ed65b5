"""What is read of events: the fields that detection asks for. Who sent them has checked the whole record."""

from datetime import date, datetime

from msgspec import Struct


class CustomerRecord(Struct):
    customer_id: str
    status: str | None = None
    city: str | None = None
    area: str | None = None
    opened_on: date | None = None
    plan_code: str | None = None
    manager_id: str | None = None
    kind: str | None = None
    district: str | None = None
    brand: str | None = None
    monthly_fee_fen: int | None = None
    credit_class: str | None = None
    role: str | None = None


class Departure(Struct):
    customer_id: str


class BillRecord(Struct, gc=False):
    customer_id: str
    period: str
    amount_fen: int | None = None
    voice_fen: int | None = None
    data_fen: int | None = None
    sms_fen: int | None = None
    other_fen: int | None = None


class UsageRecord(Struct, gc=False):
    customer_id: str
    period: str
    voice_minutes: int | None = None
    out_calls: int | None = None
    sms_count: int | None = None
    data_mb: int | None = None
    active_days: int | None = None
    competitor_calls: int | None = None
    care_calls: int | None = None


class BalanceRecord(Struct):
    customer_id: str
    balance_fen: int


class PaymentRecord(Struct):
    customer_id: str


class ArrearsRecord(Struct):
    customer_id: str
    amount_fen: int
    oldest_due_on: date | None = None
    suspended: bool | None = None


class ComplaintRecord(Struct):
    customer_id: str
    complaint_id: str
    status: str
    opened_at: datetime
    category: str | None = None
    severity: int | None = None


class ContractRecord(Struct):
    customer_id: str
    contract_id: str
    ends_on: date | None = None
    product_code: str | None = None


class RequestRecord(Struct):
    customer_id: str
    request_id: str
    kind: str
    requested_at: datetime


class MovedRecord(Struct):
    customer_id: str
    kind: str
    record_id: str


class WorkClosed(Struct):
    customer_id: str
    alert_id: str
    outcome: str | None = None
    by: str | None = None
    revision: int = 0
    at: datetime | None = None
