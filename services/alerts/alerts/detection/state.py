"""What detection remembers of one customer: compact (arrays in MessagePack: new fields at the end) and bounded."""

from datetime import date, datetime
from typing import Literal

from msgspec import Struct

from alerts.conditions.figures import Value
from alerts.detection.rows import Rows
from contracts.alert import CalendarRef, Suppressed

Month = int  # calendar month: year * 12 + month - 1
Values = dict[str, int | str | bool | None]
Recency = tuple[int, int]  # of a record: its time in milliseconds of the epoch, then its revision


class Series(Struct, frozen=True, array_like=True, gc=False):
    """A monthly figure, month after month from ``first`` (None: not known); ``revisions`` other than 1 by month."""

    first: Month
    values: tuple[int | None, ...]
    revisions: dict[Month, int] = {}


class Profile(Struct, frozen=True, array_like=True, gc=False):
    """What rules ask of the customer's record (CUST). ``left`` lasts until BOSS says ``active`` again."""

    status: str | None = None
    city: str | None = None
    area: str | None = None
    opened_on: date | None = None
    plan_code: str | None = None
    manager_id: str | None = None
    left: bool = False


class AlertReason(Struct, frozen=True, array_like=True):
    """A reason of an alert."""

    rule: str
    version: int
    code: str
    values: Values
    evidence: tuple[str, ...]


class Waits(Struct, frozen=True, array_like=True):
    """An alert that says nothing until its ``group`` is judged (braking.py); ``stage`` and ``outcome`` as others know
    it, where they do."""

    group: str
    stage: str | None = None
    outcome: str | None = None


class TrackedAlert(Struct, frozen=True, array_like=True, kw_only=True):
    """An alert as detect holds it; open while ``outcome`` is None.

    ``last`` is the verb of its last event, ``correlation`` the BOSS record behind that; ``admitted`` tells that the
    fall rule passed its exclusions for this period: they are not judged again. ``opened_at`` is the business time at
    which it was last raised or reopened, ``work_revision`` the last revision of its work item that was heard.
    ``calendar``: by which ``due_at`` was counted, ``soon_at``: when it is due soon, where a calendar says so;
    ``suppressed``: the maintenance window that holds it.
    ``waits``: the brake holds what would be said of it; ``told``: others have heard of it.
    ``baseline``: its stage, or its end, came of a first load.
    """

    alert_id: str
    kind: str
    revision: int
    last: str
    outcome: str | None
    stage: str | None
    severity: str
    rule: str
    version: int
    reasons: tuple[AlertReason, ...]
    raised_at: datetime
    correlation: str
    city: str | None
    manager_id: str | None
    period: str | None = None
    late: bool = False
    due_at: datetime | None = None
    admitted: bool = False
    opened_at: datetime | None = None
    work_revision: int = 0
    calendar: CalendarRef | None = None
    soon_at: datetime | None = None
    suppressed: Suppressed | None = None
    waits: Waits | None = None
    told: bool = True
    baseline: bool = False


class Ended(Struct, frozen=True, array_like=True):
    """The trace of an alert that is over and no longer followed: should it reopen, its revisions go on."""

    revision: int
    raised_at: datetime
    outcome: str | None
    stage: str | None
    work_revision: int


class PendingRequest(Struct, frozen=True, array_like=True):
    """A service request that waits: for the customer's record, or behind another of its kind in the same month."""

    month: Month
    cause: AlertReason


class ArrearsEpisode(Struct, frozen=True, array_like=True):
    """An episode of arrears; ``opened_by`` is the event that began it, ``evidence`` the latest."""

    opened_by: str
    amount_fen: int
    oldest_due_on: date | None
    suspended: bool
    evidence: str


class TrackedComplaint(Struct, frozen=True, array_like=True):
    """A complaint: its status in BOSS and when its clock began; ``seen_at`` is business time of the last record.

    ``owner``: the revision at which it came to this customer. ``unjudged``: it was reopened while the customer was
    away, so that the next record of it is judged as a reopening.
    """

    status: str
    clock_from: datetime
    reopened: bool
    values: Values
    evidence: str
    seen_at: datetime
    owner: int = 0
    unjudged: bool = False


class TrackedContract(Struct, frozen=True, array_like=True):
    """A contract as it stands; ``passed`` is the step that had gone by, unwarned, when the customer came back.

    ``owner``: the revision at which it came to this customer.
    """

    ends_on: date | None
    product_code: str | None
    evidence: str
    correlation: str
    passed: int | None = None
    owner: int = 0


class Judged(Struct, frozen=True, array_like=True):
    """A month in which the reason of a condition stands, or stood and is gone (``met``), by the ``version`` that gave
    it. ``now``: what it knew of figures that are not of months when it was judged on one of its own records."""

    version: int
    met: bool
    now: dict[str, Value] = {}


class Barred(Struct, frozen=True, array_like=True):
    """By which exclusions (``codes``) a rule left the customer alone in a month, though all else was met, when that was
    judged last (``at``, business time)."""

    codes: tuple[str, ...]
    at: datetime


class Joins(Struct, frozen=True):
    """A customer's alert joins a group: what one step (``cause``, a file or a day of the clock) says of one kind of
    alert in a city. ``at_once``: no end of it is to come."""

    group: str
    city: str
    kind: str
    cause: str
    at_once: bool
    customer_id: str


class Word(Struct, frozen=True, array_like=True):
    """What becomes of those of a step (``group``, as their alerts name it) who stand in a list: ``passed`` by the brake
    itself, or as a person (``by``) has decided."""

    group: str
    verdict: Literal["passed", "released", "rejected"]
    by: str | None = None


class Group(Struct, frozen=True, array_like=True):
    """Those of a step who wait together, for one word. ``count`` customers have joined the ``step`` in this partition,
    ``passed`` of them are none of this group: the brake let them go, or an earlier word was about them. Places in the
    step's lists of members: ``members`` taken, ``told`` done with; people are shown those up to the place ``shown``, of
    ``shown_count`` customers who joined. ``is_over``: it may be judged. As it was judged: the limit in ``percent``,
    ``customers`` of the city, and how many of them are ``here``."""

    city: str
    kind: str
    cause: str
    is_over: bool
    since: datetime
    count: int = 0
    passed: int = 0
    members: int = 0
    told: int = 0
    state: Literal["open", "waiting", "released", "rejected"] = "open"
    by: str | None = None
    why: str | None = None
    decided_at: datetime | None = None
    percent: int = 0
    customers: int = 0
    here: int = 0
    step: str = ""
    shown: int = 0
    shown_count: int = 0


class Book(Struct, frozen=True, array_like=True):
    """Of one partition: cities (how many customers in all, how many here), ``counted``: these are all there are; groups
    by their ids, and when (business time) people's words were heard, by the groups' ids."""

    cities: dict[str, tuple[int, int]] = {}
    groups: dict[str, Group] = {}
    words: dict[str, datetime] = {}
    counted: bool = False


class Braking(Struct, frozen=True, array_like=True):
    """What stands under the keys of the brake: the book, or a list of members with the word they wait for."""

    book: Book = Book()
    members: tuple[str, ...] = ()
    word: Word | None = None


class Shadow(Struct, frozen=True, array_like=True, gc=False):
    """What rules in shadow have made of a customer, beside what the others have: the fields of ``CustomerState`` of the
    same names. What BOSS has said is one for both."""

    floor: Month = 0
    alerts: dict[str, TrackedAlert] = {}
    asked: tuple[PendingRequest, ...] = ()
    ended: dict[str, Ended] = {}
    judged: dict[str, dict[Month, Judged]] = {}
    barred: dict[str, dict[Month, Barred]] = {}


class CustomerState(Struct, frozen=True, array_like=True, gc=False):
    """One customer. No rule raises while ``profile`` is None; warnings before ``floor`` are forgotten.

    ``alerts`` by ``churn/<month>``, ``arrears``, ``complaint/<id>`` and ``contract/<id>/<ends_on>``: those that are
    open or may still change. ``looked_at`` is the latest business time at which they were judged, ``wake`` their next
    step. ``heard``: how recent the last word of each record is (figures know it themselves), ``CUST``, ``ARR`` or
    ``<kind>/<id>``, the one heard last at the end; ``ended``: traces of alerts by their id (bounds.py says how many).
    ``brake``: under keys of the brake alone.
    ``baseline``: the last business date of a first load that brought records of theirs, until it has passed.
    For conditions: ``rows`` of months by kind of record, ``said`` (rows.py, packed), ``judged`` by rule and month.
    ``shadow``: what rules that run in shadow have made of it (shadow.py). ``barred``: by rule and month, what kept it
    from warning (exclusions.py).
    """

    customer_id: str
    profile: Profile | None = None
    looked_at: datetime | None = None
    wake: datetime | None = None
    figures: dict[str, Series] = {}
    floor: Month = 0
    alerts: dict[str, TrackedAlert] = {}
    asked: tuple[PendingRequest, ...] = ()
    debt: ArrearsEpisode | None = None
    tickets: dict[str, TrackedComplaint] = {}
    terms: dict[str, TrackedContract] = {}
    heard: dict[str, Recency] = {}
    ended: dict[str, Ended] = {}
    rows: dict[str, Rows] = {}
    said: bytes = b""
    judged: dict[str, dict[Month, Judged]] = {}
    brake: Braking | None = None
    shadow: Shadow | None = None
    baseline: date | None = None
    barred: dict[str, dict[Month, Barred]] = {}


class AlertRaised(Struct, frozen=True):
    """Effect: an alert was raised by a record accepted then (``Context.accepted``)."""

    accepted: bytes
