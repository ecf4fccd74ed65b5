"""What the gateway tells of one customer for the screen, and of a caller for the call centre. Times are ISO 8601 in
UTC, money integer fen; personal fields are masked unless who asks is entitled to them.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from contracts.alert import Severity
from contracts.alert_answers import RuleRefView
from contracts.customer_answers import FactView, HistoryView
from contracts.lists import AlertRow, Contacts, CustomerRow, Freshness, ShownReason


class _Answer(BaseModel):
    model_config = ConfigDict(hide_input_in_errors=True)


#: what an entry tells of; ``step``: somebody accepted a work item, closed it, handed it over and the like
EntryOf = Literal["alert", "sms", "complaint", "contact", "step"]
#: sources that did not answer: what they know is not in it
Missing = list[Literal["customer-profile", "manager-work"]]


class Entry(_Answer):
    """An entry of a customer's time line. ``kind``: of the alert, the template, the complaint's category, what was
    done; ``state`` as its list has it; ``by`` did it, ``result`` came of it; ``event_id``: BOSS's record behind it.
    """

    entry_id: str
    of: EntryOf
    at: str
    kind: str | None = None
    state: str | None = None
    outcome: str | None = None
    reason: str | None = None
    result: str | None = None
    note: str | None = None
    by: str | None = None
    by_name: str | None = None
    to: str | None = None
    promised_on: str | None = None
    follow_up_on: str | None = None
    stage: str | None = None
    severity: Severity | None = None
    rule: RuleRefView | None = None
    period: str | None = None
    due_at: str | None = None
    reasons: list[ShownReason] = []
    values: dict[str, Any] = {}
    segments: int | None = None
    alert_id: str | None = None
    work_id: str | None = None
    work_kind: str | None = None
    sms_id: str | None = None
    event_id: str | None = None


class Timeline(Freshness):
    """Entries, newest first; ``next``: the cursor of those before, null at the beginning."""

    entries: list[Entry]
    next: str | None
    missing: Missing


class HolderView(_Answer):
    """The customer's manager and the manager's unit."""

    manager_id: str
    name: str | None
    extension: str | None
    unit_id: str | None
    unit_name: str | None


class Figures(_Answer):
    """What is owed as of when, the account's balance, and the mean of the last bills (``months`` of them)."""

    arrears_fen: int | None
    arrears_as_of: str | None
    oldest_due_on: str | None
    suspended: bool | None
    balance_fen: int | None
    mean_fen: int | None
    months: int


class CustomerView(Freshness):
    """The head of the customer's page, open alerts and the last twenty entries of the time line. ``profile``: all
    fields of the record; ``reveals``: those that may be shown for a moment to whoever says why."""

    customer: CustomerRow
    profile: dict[str, Any] | None
    manager: HolderView | None
    figures: Figures | None
    contacts: Contacts | None
    alerts: list[AlertRow]
    entries: list[Entry]
    next: str | None
    reveals: list[str]
    missing: Missing


class ArrearsAges(_Answer):
    """What is owed by its age in days past due, by the bills behind it, the oldest taken as paid first; ``not_due``:
    not past due yet."""

    as_of: str
    not_due: int
    to_30: int
    to_60: int
    to_90: int
    over_90: int


class CityFiles(_Answer):
    """A kind of nightly file of a customer's city: the business day it stands at, and the one others stand at."""

    kind: str
    business_date: str
    expected: str


class CustomerAccount(_Answer):
    """What BOSS has told of bills, usage, payments, debt, contracts, complaints and requests, newest first; of each at
    most 24. ``files``: how far the files have come that tell it; null: the feeds could not be asked."""

    bills: list[FactView]
    usages: list[FactView]
    payments: list[FactView]
    arrears: FactView | None
    ages: ArrearsAges | None
    balance: FactView | None
    contracts: list[FactView]
    complaints: list[FactView]
    requests: list[FactView]
    files: list[CityFiles] | None


class CustomerHistory(_Answer):
    """Changes of single fields, newest first, each with the event that caused it; at most 500."""

    changes: list[HistoryView]


class Caller(BaseModel):
    """Body of a call: the number that calls, as the telephone system gives it. It stands in no address."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    number: Annotated[str, Field(min_length=3, max_length=32)]


class CallerAlert(_Answer):
    """An open alert of who calls."""

    alert_id: str
    kind: str
    stage: str | None
    severity: Severity
    due_at: str | None
    amount_fen: int | None


class CallerView(_Answer):
    """Who calls. ``hints``: what to keep in mind, the gravest first. ``pop``: address of their page."""

    customer_id: str
    customer_name: str | None
    customer_kind: str | None
    city: str | None
    status: str | None
    language: str | None
    do_not_disturb: bool | None
    manager: HolderView | None
    alerts: list[CallerAlert]
    hints: list[dict[Literal["zh", "en"], str]]
    pop: str


class Callers(Freshness):
    """Customers with this number; none: nobody whom who asks may see."""

    callers: list[CallerView]
