"""What customer-profile and manager-work tell of one customer, as far as the gateway relies on it. An answer that lacks
a field, or has another type in it, is that service's fault and is said so; what else is in it is passed on. Pure.
"""

from datetime import datetime
from typing import Any, TypeVar

import httpx
import msgspec

from gateway.peers import failed
from gateway.projection.visible import About

T = TypeVar("T")
_Json = dict[str, Any]


class Fact(msgspec.Struct, kw_only=True):
    """A BOSS record."""

    at: str
    event_id: str


class Bill(Fact):
    """A month's bill."""

    amount_fen: int | None = None
    period: str | None = None
    due_on: str | None = None


class Arrears(Fact):
    """What is owed."""

    amount_fen: int | None = None
    as_of: str | None = None
    oldest_due_on: str | None = None
    suspended: bool | None = None


class Balance(Fact):
    """What an account holds."""

    balance_fen: int | None = None


class Complaint(Fact, kw_only=True):
    """A complaint as it stands."""

    complaint_id: str
    opened_at: datetime
    category: str | None = None
    status: str | None = None
    text: str | None = None


class Page(msgspec.Struct):
    """Everything known of a customer, newest first."""

    customer: _Json
    history: list[_Json]
    bills: list[Bill]
    usages: list[Fact]
    payments: list[Fact]
    arrears: Arrears | None
    balance: Balance | None
    contracts: list[Fact]
    complaints: list[Complaint]
    requests: list[Fact]


class Step(msgspec.Struct):
    """A line of a work item's log."""

    at: datetime
    what: str
    kind: str | None = None
    result: str | None = None
    note: str | None = None
    by: str | None = None
    to: str | None = None
    promised_on: str | None = None
    follow_up_on: str | None = None


class WorkItem(msgspec.Struct):
    """A work item with its log."""

    work_id: str
    kind: str
    alert_id: str
    customer_id: str
    log: list[Step]
    outcome: str | None = None

    @property
    def about(self) -> About:
        """What its visibility is decided by."""
        return About(self.customer_id, self.kind, self.alert_id)


class Contact(msgspec.Struct):
    """A contact that belongs to no work item."""

    contact_id: str
    at: datetime
    kind: str
    result: str | None = None
    note: str | None = None
    by: str | None = None
    follow_up_on: str | None = None


_decode_page = msgspec.json.Decoder(Page).decode
_decode_plain = msgspec.json.Decoder(_Json).decode
_work_items = msgspec.json.Decoder(list[WorkItem])
_contacts = msgspec.json.Decoder(list[Contact])


def page_of(raw: bytes) -> tuple[Page, _Json]:
    """A customer's page: what we rely on, and all of it. Raises ``Refused`` 502."""
    try:
        return _decode_page(raw), _decode_plain(raw)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise failed("customer-profile", "not a page") from error


def work_items_of(answer: httpx.Response) -> list[WorkItem]:
    """Work items of a customer. Raises ``Refused`` 502."""
    return _rows(answer, _work_items)


def contacts_of(answer: httpx.Response) -> list[Contact]:
    """Contacts of a customer outside of work items. Raises ``Refused`` 502."""
    return _rows(answer, _contacts)


def _rows(answer: httpx.Response, decoder: "msgspec.json.Decoder[list[T]]") -> list[T]:
    try:
        return decoder.decode(answer.content)
    except msgspec.MsgspecError as error:
        raise failed("manager-work", "not its rows") from error
