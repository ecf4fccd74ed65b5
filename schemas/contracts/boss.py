"""Records of the operator's BOSS, as they stand in nightly files, in the real-time feed and on ``boss.events``.

One struct a kind; field names and their order are the columns of the nightly files. Money is integer fen, dates are
calendar days in Asia/Shanghai, instants carry an offset, ``None`` means *not known*. Structs are closed: an unknown
field is an error. JSON Schemas under ``schemas/events`` are generated from here (``make schemas``).
"""

from datetime import date, datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct

Id = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[^\s|]+$")]
Fen = Annotated[int, Meta(ge=-(2**53), le=2**53)]
Count = Annotated[int, Meta(ge=0, le=2**53)]
Period = Annotated[str, Meta(pattern=r"^[12][0-9]{3}(0[1-9]|1[0-2])$", description="calendar month, yyyymm")]
City = Annotated[str, Meta(pattern=r"^[0-9]{6}$", description="division code, GB/T 2260")]
Text = Annotated[str, Meta(max_length=4000)]
Instant = Annotated[datetime, Meta(tz=True)]


class BossRecord(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of all BOSS records."""


class Unit(BossRecord, frozen=True, kw_only=True):
    """Business unit (UNIT); TM Forum *Organization*."""

    unit_id: Id
    parent_id: Id | None = None
    name: Text | None = None
    city: City | None = None
    head_id: Id | None = None


class Manager(BossRecord, frozen=True, kw_only=True):
    """Account manager (MGR)."""

    manager_id: Id
    name: Text | None = None
    unit_id: Id | None = None
    phone: Text | None = None
    extension: Text | None = None
    status: Text | None = None


class Customer(BossRecord, frozen=True, kw_only=True):
    """Key account (CUST); TM Forum *Customer*."""

    customer_id: Id
    kind: Literal["person", "corporate"] | None = None
    name: Text | None = None
    phone: Text | None = None
    id_number: Text | None = None
    birth_date: date | None = None
    gender: Text | None = None
    city: City | None = None
    district: Text | None = None
    area: Literal["urban", "rural"] | None = None
    brand: Text | None = None
    plan_code: Text | None = None
    monthly_fee_fen: Fen | None = None
    opened_on: date | None = None
    status: Literal["active", "suspended", "left"] | None = None
    credit_class: Text | None = None
    corporate_id: Id | None = None
    role: Literal["member", "key_contact"] | None = None
    language: Literal["zh", "en"] | None = None
    do_not_disturb: bool | None = None
    manager_id: Id | None = None


class CustomerLeft(BossRecord, frozen=True, kw_only=True):
    """A customer left the network: a change of the CUST record."""

    customer_id: Id
    left_on: date
    reason: Text | None = None
    destination: Text | None = None


class Bill(BossRecord, frozen=True, kw_only=True):
    """Monthly bill (BILL); the amount may be negative."""

    customer_id: Id
    period: Period
    issued_on: date | None = None
    due_on: date | None = None
    amount_fen: Fen | None = None
    voice_fen: Fen | None = None
    data_fen: Fen | None = None
    sms_fen: Fen | None = None
    other_fen: Fen | None = None


class Payment(BossRecord, frozen=True, kw_only=True):
    """Payment (PAY); negative is a reversal."""

    payment_id: Id
    customer_id: Id
    paid_at: Instant
    amount_fen: Fen
    channel: Text | None = None


class Arrears(BossRecord, frozen=True, kw_only=True):
    """Unpaid debt of a customer as of a day (ARR); 0 clears."""

    customer_id: Id
    as_of: date
    amount_fen: Count
    oldest_due_on: date | None = None
    suspended: bool | None = None


class Usage(BossRecord, frozen=True, kw_only=True):
    """Usage summary of a month (USAGE)."""

    customer_id: Id
    period: Period
    voice_minutes: Count | None = None
    out_calls: Count | None = None
    sms_count: Count | None = None
    data_mb: Count | None = None
    active_days: Count | None = None
    competitor_calls: Count | None = None
    care_calls: Count | None = None


class Contract(BossRecord, frozen=True, kw_only=True):
    """Contract (CONT); TM Forum *Agreement*."""

    contract_id: Id
    customer_id: Id
    product_code: Text | None = None
    starts_on: date | None = None
    ends_on: date | None = None
    monthly_fee_fen: Fen | None = None
    auto_renew: bool | None = None


class Complaint(BossRecord, frozen=True, kw_only=True):
    """Complaint (COMP); TM Forum *TroubleTicket*."""

    complaint_id: Id
    customer_id: Id
    opened_at: Instant
    category: Text | None = None
    channel: Text | None = None
    severity: Annotated[int, Meta(ge=1, le=3)] | None = None
    status: Literal["opened", "in_progress", "closed", "reopened"]
    closed_at: Instant | None = None
    text: Text | None = None


class ServiceRequest(BossRecord, frozen=True, kw_only=True):
    """Service request (SERV): stop, number porting query, suspend, resume, change."""

    request_id: Id
    customer_id: Id
    requested_at: Instant
    kind: Literal["stop", "port_query", "suspend", "resume", "change"]
    detail: Text | None = None


class Balance(BossRecord, frozen=True, kw_only=True):
    """Account balance, keyed by customer."""

    customer_id: Id
    at: Instant
    balance_fen: Fen


class ArrearsConfirmed(BossRecord, frozen=True, kw_only=True):
    """The known debt is still what BOSS says at a later time: no change, but later payments are not in it yet.

    ``confirmed_at`` is the new effective time of the customer's last ARR record.
    """

    customer_id: Id
    confirmed_at: Instant


class RecordMoved(BossRecord, frozen=True, kw_only=True):
    """A record with an id of its own (CONT, COMP, SERV, PAY) belongs to another customer now: here, it is gone.

    Stands with the customer it leaves (``customer_id``), before the record's own event stands with ``moved_to``; both
    carry the same revision. ``record_id`` is the record's id within its ``kind``.
    """

    kind: Literal["CONT", "COMP", "SERV", "PAY"]
    record_id: Id
    customer_id: Id
    moved_to: Id
    moved_at: Instant


class ClockTicked(BossRecord, frozen=True, kw_only=True):
    """The business clock reached ``clock`` after every record accepted before; one a partition, numbered upward.

    ``epoch`` rises when the numbers start again, since the store that counted them was lost or made anew.
    """

    clock: Instant
    number: int
    epoch: int = 0
