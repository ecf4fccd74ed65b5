"""What the routes of manager-work answer."""

from typing import Literal

from contracts.alert import WorkState
from contracts.alert_answers import CalendarRefView
from contracts.answer import Answer


class LogEntryView(Answer):
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


class WorkView(Answer):
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
    calendar: CalendarRefView | None = None
    log: list[LogEntryView]


class WorkActionView(Answer):
    """What was done for the customer."""

    kind: str
    note: str | None = None
    at: str
    by: str
    result: str | None = None
    promised_on: str | None = None
    follow_up_on: str | None = None


class WorkChanged(Answer):
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
    calendar: CalendarRefView | None = None


class RowResult(Answer):
    """What became of one of several: ``done``; ``same``, it was so already; ``refused``, with the reason."""

    id: str
    result: Literal["done", "same", "refused"]
    work_id: str | None = None
    error: str | None = None
    zh: str | None = None
    en: str | None = None


class RowResults(Answer):
    """What became of each, in the order in which they were named, and how many were done."""

    done: int
    refused: int
    results: list[RowResult]


class ContactView(Answer):
    """Somebody was in touch with a customer, of no work item."""

    contact_id: str
    customer_id: str
    kind: str
    result: str | None = None
    note: str | None = None
    follow_up_on: str | None = None
    at: str
    by: str
