"""What is remembered of one customer: who they are, what they owe, their alerts, and SMS that may still change."""

import hashlib
from collections.abc import Iterator, Mapping
from datetime import date, datetime

from msgspec import Struct

from alerts.notifications.blocked import entry_of
from alerts.notifications.channel import segments
from alerts.notifications.ladders import Step
from alerts.notifications.send_policy import Language
from contracts.alert import LEVELS, Alert, AlertState, Cause, Level, SmsPart, SmsReceipt, SmsState
from contracts.control import Stop

_LOCAL_DIGITS = 11
#: why a message is held that a stop holds back, and one for which the day's budget has no room
STOPPED, SHORT = "stopped", "budget"
#: kind and step of a text that a person sends to themselves, and the beginning of the key it stands under
TEST = "test"


class Recency(Struct, frozen=True, omit_defaults=True, array_like=True):
    """How recent what is told of a record, alert or work item is: its time, and how often it has changed."""

    at: datetime
    revision: int

    def is_before(self, other: "Recency | None") -> bool:
        """Of BOSS records: by time, then revision; that begins again where the store of its sender was lost."""
        return other is not None and (self.at, self.revision) < (other.at, other.revision)

    def is_passed_by(self, other: "Recency | None") -> bool:
        """Of alerts and work items: by revision, for a wake-up may tell of a time before that of a fact told already;
        but what is later by both begins anew."""
        return other is not None and self.revision < other.revision and self.at <= other.at


class Contact(Struct, frozen=True, omit_defaults=True):
    """How to reach the customer. ``phone``: digits with country code, None where it can't receive SMS.

    ``opted_out``: the number from which TD came, ``opted_in``: the one whose subscriber wants SMS again; ``said_at``:
    when (system time), ``words``: which of theirs were heard. ``left`` lasts until BOSS says ``active`` again.
    ``recency``: of the CUST record.
    """

    name: str | None = None
    phone: str | None = None
    language: Language = "zh"
    do_not_disturb: bool = False
    left: bool = False
    opted_out: str | None = None
    recency: Recency | None = None
    opted_in: str | None = None
    said_at: datetime | None = None
    words: tuple[str, ...] = ()


class Debt(Struct, frozen=True, omit_defaults=True):
    """What the last ARR says is owed, and payments (id -> when, fen) after its effective time (None: no ARR yet).

    ``recency`` is that of the ARR record, ``corrected`` that of payments which have changed since they were first told.
    """

    amount_fen: int = 0
    effective: datetime | None = None
    payments: dict[str, tuple[datetime, int]] = {}
    recency: Recency | None = None
    corrected: dict[str, Recency] = {}

    @property
    def due_fen(self) -> int:
        """What SMS may still ask for."""
        return self.amount_fen - sum(amount for _, amount in self.payments.values())


class AlertProgress(Struct, frozen=True, omit_defaults=True):
    """An alert as notifications know it. ``steps`` were planned once and never are again.

    ``alert`` is None before its event has come (the work item may be faster) and again when it is resolved and nothing
    of it can move any more. ``state`` of the alert is ``progress`` until it ends. ``recency``: of its last event,
    ``work_recency``: of its work item's. ``taken_back`` counts messages of its end that a reopening cancelled.
    ``steps_up``: whom it goes to next, by rising time, ``went_up``: how far it went in this life, by cause.
    """

    alert: Alert | None = None
    ended: AlertState | None = None
    progress: AlertState = "raised"
    work_id: str | None = None
    steps: tuple[str, ...] = ()
    delivered: bool = False
    recorded_at: datetime | None = None
    recency: Recency | None = None
    work_recency: Recency | None = None
    taken_back: int = 0
    steps_up: tuple[Step, ...] = ()
    went_up: dict[Cause, Level] = {}

    @property
    def state(self) -> AlertState:
        return self.ended or self.progress

    @property
    def level(self) -> Level | None:
        """The highest that was told of it."""
        return max(self.went_up.values(), key=LEVELS.index, default=None)

    @property
    def is_open(self) -> bool:
        return self.alert is not None and self.ended is None

    @property
    def is_over(self) -> bool:
        """It has ended, and nothing of it can move any more."""
        return self.alert is None and self.ended is not None


class Handwritten(Struct, frozen=True, omit_defaults=True, array_like=True):
    """An SMS that a person wrote under an Idempotency-Key, of which its id is made: asked again, it is not
    sent again."""

    sms_id: str
    digest: str


class Spent(Struct, frozen=True, omit_defaults=True, array_like=True):
    """What a message counts for, and on which day; ``fen`` is what its parts cost when it left."""

    day: date
    parts: int
    fen: int
    campaign: str = ""


class Notification(Struct, frozen=True, omit_defaults=True):
    """An SMS. One that a person wrote (``by``) is of no alert; its text stays as they wrote it.
    ``queued`` until a tick has decided (``ready``: the sender may take it), then by its parts.

    Phone, language, text and parts are what is planned until the intent freezes them; a part is ``queued`` again when
    the SMSC surely did not take it. ``submitted_at`` (last) and ``trying_since`` (first intent) are system time, every
    other time is business time; ``event`` is the id of the last event told of it. ``attempts`` counts its intents,
    ``refusals`` those that the SMSC refused for now. ``accepted``: see ``Context``; empty once it was held.
    ``channel``: by which its last intent left (None: before there was a choice); ``declined``: channels that it passes
    over, since they did not take it.
    ``campaign``: whose budget it takes from, empty for none but the day's. ``values``: of variables, of a test; those
    of an alert are the alert's. ``stop``: that holds it back.
    """

    sms_id: str
    alert_id: str
    customer_id: str
    kind: str
    step: str
    template: str
    template_version: int
    priority: int
    planned_at: datetime
    at: datetime
    correlation: str
    event: str = ""
    revision: int = 0
    state: SmsState = "queued"
    reason: str | None = None
    ready: bool = False
    hold_until: datetime | None = None
    attempts: int = 0
    refusals: int = 0
    language: Language = "zh"
    phone: str | None = None
    text: str = ""
    group: int = 0
    parts: tuple[SmsPart, ...] = ()
    receipts: tuple[SmsReceipt, ...] = ()
    submitted_at: datetime | None = None
    trying_since: datetime | None = None
    accepted: bytes = b""
    by: str | None = None
    channel: str | None = None
    declined: tuple[str, ...] = ()
    campaign: str = ""
    values: dict[str, str] = {}
    stop: Stop | None = None

    @property
    def is_waiting(self) -> bool:
        """No part of it has left: it can still be cancelled."""
        return self.state in ("queued", "held") and all(p.state == "queued" for p in self.parts)

    @property
    def is_rest(self) -> bool:
        """Some of it has left, and the SMSC surely did not take the rest."""
        return self.state in ("queued", "held") and not self.is_waiting

    @property
    def is_fresh(self) -> bool:
        """Planned, and no tick has come by since."""
        return self.state == "queued" and not self.ready

    @property
    def is_stopped(self) -> bool:
        """A stop holds it back; the sender looks at it again when that is released."""
        return self.state == "held" and self.reason == STOPPED

    @property
    def is_short(self) -> bool:
        """The day's budget has no room for it: until the next day, or until the budget is raised."""
        return self.state == "held" and self.reason == SHORT

    @property
    def is_open(self) -> bool:
        """The sender has it, or its answer may still come."""
        return (self.state == "queued" and self.ready) or any(p.state in ("sending", "unknown") for p in self.parts)

    @property
    def is_with_sender(self) -> bool:
        """The sender has it, or looks at it when a stop is released or a budget has room."""
        return (self.state == "queued" and self.ready) or self.is_stopped or self.is_short

    @property
    def charged_parts(self) -> int:
        """Parts that it counts for once it has been tried: none where surely nothing of it was taken; else all, until
        it has failed: then those that surely were not taken, and are not tried again, count no more."""
        untaken = sum(map(self._is_untaken, self.parts))
        if untaken == len(self.parts):
            return 0
        return segments.count(self.text) - (untaken if self.state == "failed" else 0)

    def _is_untaken(self, part: SmsPart) -> bool:
        """Surely: what has no answer may have been taken, and who tells of it has it, or had it."""
        if part.state == "failed":
            return part.message_id is None and all(told.part != part.number for told in self.receipts)
        return part.state == "queued"

    @property
    def is_settled(self) -> bool:
        """Nothing that may still come can change it."""
        if self.state == "failed":
            return all(p.state in ("queued", "failed", "delivered") for p in self.parts)
        return self.state in ("delivered", "cancelled", "suppressed")


class Customer(Struct, frozen=True, omit_defaults=True):
    """State of one key. Of the latest day only: ``sent_on``, intended SMS -> calendar day (daily cap), and ``spent``,
    what they count for (budgets).

    ``handwritten``: what people wrote, the newest.
    """

    customer_id: str
    contact: Contact = Contact()
    debt: Debt = Debt()
    cases: dict[str, AlertProgress] = {}
    messages: dict[str, Notification] = {}
    sent_on: dict[str, date] = {}
    references: int = 0
    handwritten: tuple[Handwritten, ...] = ()
    spent: dict[str, Spent] = {}


def local_number(phone: str) -> str:
    """What the SMSC writes of a number in any case: it may leave the country code out."""
    return phone[-_LOCAL_DIGITS:]


def hidden(phone: str) -> str:
    """A key that does not show the number."""
    return hashlib.sha256(phone.encode()).hexdigest()[:16]


def entries(customer: Customer) -> Iterator[tuple[str, str]]:
    """The index of states: ``phone`` (local) of what was submitted, ``sms`` id of what is open or held back by a stop
    or a budget, ``held`` id of what waits for a time, ``blocked`` and ``allowed`` number, ``spent`` what messages of
    the latest day count for."""
    contact = customer.contact
    if contact.opted_out is not None:
        yield "blocked", entry_of(contact.opted_out, contact.said_at)
    if contact.opted_in is not None:
        yield "allowed", entry_of(contact.opted_in, contact.said_at)
    for message in customer.messages.values():
        if message.submitted_at is not None and message.phone is not None:
            yield "phone", local_number(message.phone)
        if message.is_open or message.is_stopped or message.is_short:
            yield "sms", message.sms_id
        elif message.state == "held":
            yield "held", message.sms_id
    for sms_id, spent in customer.spent.items():
        yield "spent", f"{spent.day.isoformat()} {spent.parts} {spent.fen} {sms_id} {spent.campaign}"


def about(message: Notification, cases: Mapping[str, AlertProgress]) -> tuple[str, ...]:
    """What of a message can be stopped, as control.stops names it: its template, its kind, and the rule whose alert it
    is of. A rule that joined with a reason of its own has caused no message, so its stop holds none back.
    (Its channel: ``SendPolicy.holds``.)"""
    case = cases.get(message.alert_id)
    named = () if case is None or case.alert is None else (f"rule/{case.alert.rule.id}",)
    return (f"template/{message.template}", f"kind/{message.kind}", *named)


class ReadyToSend(Struct, frozen=True):
    """Effect: this message may go, after ``delay`` seconds of system time. ``about``: what of it can be stopped;
    ``channels``: those it may take, in order. ``parts``: those that are to be counted yet, of its ``campaign``."""

    customer_id: str
    sms_id: str
    priority: int
    delay: float = 0.0
    about: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    kind: str = ""
    campaign: str = ""
    parts: int = 0


class HeldBack(Struct, frozen=True):
    """Effect: a stop, or a budget (``is_short``), holds this message back."""

    message: ReadyToSend
    is_short: bool = False


class Withdrawn(Struct, frozen=True):
    """Effect: this message, which the sender had, does not go any more, or waits for something else."""

    sms_id: str


class Counted(Struct, frozen=True):
    """Effect: what a message counts for was ``before``, and is ``after``."""

    sms_id: str
    before: Spent | None
    after: Spent | None


class Forgotten(Struct, frozen=True):
    """Effect: no receipt of a message came in time (``what``: its state), or there are too many alerts (``alert``)."""

    id: str
    what: str
