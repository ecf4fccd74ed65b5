"""A work item and its life, and a manager as far as work needs to know one. Pure."""

from datetime import datetime, timedelta
from typing import Any, Literal

import msgspec
from msgspec.structs import replace

from contracts.alert import Alert, ManagerOutcome, WorkAction, WorkItem, WorkKind, WorkState
from manager_work.rules import WorkRules
from servicekit.clock import later
from servicekit.decision import Refused
from servicekit.ids import derive

#: Of an item: answers under an Idempotency-Key (the newest), and lines of its log (the opening and the newest). Whole
#: is the story on work.events. Of a manager who is not at work: items that wait for him (the newest, open ones).
ANSWERS_KEPT, LOG_KEPT, WAITING_KEPT = 20, 200, 2000
What = Literal["opened", "accepted", "acted", "closed", "reopened", "reassigned", "due_changed"]


class LogEntry(msgspec.Struct, frozen=True):
    """A line of an item's log. ``by`` None: the system; ``on_behalf_of``: in whose place a head did it."""

    at: datetime
    by: str | None
    what: What
    kind: str | None = None
    note: str | None = None
    on_behalf_of: str | None = None


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """What a person asks for. ``key`` is the caller's Idempotency-Key.

    ``by`` is always who called; ``on_behalf_of`` the manager in whose place; ``taker`` the one of them whom MGR knows.
    """

    by: str
    on_behalf_of: str | None = None
    taker: str | None = None
    kind: str | None = None
    note: str | None = None
    outcome: ManagerOutcome | None = None
    key: str | None = None

    def asks_the_same(self, other: "Command") -> bool:
        """Whether both ask for the same; whom MGR knew at the time does not count."""
        return replace(self, taker=None) == replace(other, taker=None)


class CommandReply(msgspec.Struct, frozen=True):
    """The answer that a command under an Idempotency-Key was given."""

    what: What
    command: Command
    work: WorkItem


class Item(msgspec.Struct, frozen=True, kw_only=True, tag="item"):
    """One work item: exactly one an alert, closed and reopened with it.

    ``wanted`` is the manager whom the alert names; without ``manager_id`` the item waits in the queue of its city.
    ``event_id`` is the last event about it, ``correlation`` the BOSS record behind the alert's last change,
    ``alert_at`` and ``alert_revision`` that change: what is not newer has been overtaken. ``taken``: a person has
    had it in hand, which its log may no longer tell.
    """

    work_id: str
    kind: WorkKind
    alert_id: str
    customer_id: str
    city: str | None
    wanted: str | None
    manager_id: str | None
    state: WorkState = "new"
    due_at: datetime
    outcome: str | None = None
    opened_at: datetime
    revision: int = 0
    log: tuple[LogEntry, ...] = ()
    answers: tuple[CommandReply, ...] = ()
    event_id: str = ""
    correlation: str
    alert_at: datetime | None = None
    alert_revision: int = 0
    taken: bool = False

    @property
    def is_waiting(self) -> bool:
        """Whether it waits for a manager who is not at work yet."""
        return self.state != "closed" and self.manager_id is None and self.wanted is not None

    @property
    def queue(self) -> str | None:
        """Queue it waits in, None once it has a manager."""
        return None if self.manager_id is not None else f"city:{self.city or 'unknown'}"

    def work(self) -> WorkItem:
        """The item as others see it, after its last change."""
        last = self.log[-1]
        action = None
        if last.what == "acted":
            action = WorkAction(kind=last.kind or "", note=last.note, at=last.at, by=last.by or "")
        return WorkItem(
            work_id=self.work_id,
            kind=self.kind,
            alert_id=self.alert_id,
            customer_id=self.customer_id,
            revision=self.revision,
            state=self.state,
            manager_id=self.manager_id,
            queue=self.queue,
            city=self.city,
            due_at=self.due_at,
            outcome=self.outcome,
            opened_at=self.opened_at,
            at=last.at,
            by=last.by,
            on_behalf_of=last.on_behalf_of,
            action=action,
        )


class Ended(msgspec.Struct, frozen=True, tag="ended"):
    """Kept in an item's place where an alert ended before it had one: its ``raised`` must not open one afterwards."""

    alert_at: datetime
    alert_revision: int


class Manager(msgspec.Struct, frozen=True, tag="manager"):
    """A manager, or the place kept for one of whom MGR has not told yet: whether he works, and who waits for him.

    ``at`` and ``revision`` are those of the MGR record.
    """

    works: bool = False
    waiting: tuple[str, ...] = ()
    at: datetime | None = None
    revision: int = 0


def is_overtaken(known: Item | Ended | None, alert: Alert) -> bool:
    """Whether something newer of this alert has been seen: a repeat, a late record, a dead letter replayed.

    By business time, then revision: the revision begins again when an alert that was forgotten is raised anew.
    """
    if known is None or known.alert_at is None:
        return False
    return (alert.at, alert.revision) <= (known.alert_at, known.alert_revision)


def seen(item: Item, alert: Alert) -> Item:
    """The item with a note of how far its alert has come."""
    return replace(item, alert_at=alert.at, alert_revision=alert.revision)


def work_id_of(alert_id: str) -> str:
    """Id of the one work item of an alert."""
    return derive("work", alert_id)


def _step(item: Item, at: datetime, what: What, by: str | None = None, **changes: Any) -> Item:
    entry = LogEntry(
        at, by, what, changes.pop("action", None), changes.pop("note", None), changes.pop("place_of", None)
    )
    log = (*item.log[:1], *item.log[1:][2 - LOG_KEPT :], entry)
    return replace(item, revision=item.revision + 1, log=log, **changes)


def _due(rules: WorkRules, alert: Alert, now: datetime) -> datetime:
    return alert.due_at or later(now, timedelta(hours=rules.of(alert.kind).due_hours[alert.severity]))


# --- what follows from the alert --------------------------------------------------------------------------------


def open_item(rules: WorkRules, alert: Alert, manager_id: str | None, now: datetime, correlation: str) -> Item:
    """The work item of an alert."""
    item = Item(
        work_id=work_id_of(alert.alert_id),
        kind=rules.of(alert.kind).work,
        alert_id=alert.alert_id,
        customer_id=alert.customer_id,
        city=alert.city,
        wanted=alert.manager_id,
        manager_id=manager_id,
        due_at=_due(rules, alert, now),
        opened_at=now,
        correlation=correlation,
        alert_at=alert.at,
        alert_revision=alert.revision,
    )
    return _step(item, now, "opened")


def follow(rules: WorkRules, item: Item, alert: Alert, now: datetime, *, raised: bool) -> Item:
    """The item after a change of its alert that leaves the alert open; the same where nothing changes.

    ``raised``: the alert was raised anew, long after it had ended and was forgotten: the same item, reopened.
    """
    if item.state == "closed":
        if not (alert.reopened or raised):
            return item
        taken = item.taken or any(e.what in ("accepted", "acted") for e in item.log)
        return _step(
            item,
            now,
            "reopened",
            state="accepted" if taken else "new",
            outcome=None,
            due_at=_due(rules, alert, now),
            wanted=alert.manager_id,
        )
    if alert.due_at is not None and alert.due_at != item.due_at:
        return _step(item, now, "due_changed", due_at=alert.due_at)
    return item


def close_with_alert(item: Item, outcome: str, now: datetime) -> Item:
    """The item after its alert has ended, or has moved on to another outcome. A person may have closed it while the
    alert ended by itself: its outcome is its alert's all the same, and work.events tells what the person said."""
    if item.state == "closed" and item.outcome == outcome:
        return item
    return _step(item, now, "closed", state="closed", outcome=outcome)


def hand_over(item: Item, manager_id: str, now: datetime) -> Item:
    """The item after the manager it waits for has become known; the same where it no longer waits for him."""
    if item.state == "closed" or item.manager_id is not None or item.wanted != manager_id:
        return item
    return _step(item, now, "reassigned", manager_id=manager_id)


# --- what people do ---------------------------------------------------------------------------------------------


def accept(item: Item, command: Command, now: datetime) -> Item:
    """Taken on. An item from a queue goes to ``command.taker``; where MGR knows none it stays in its queue, accepted.

    Raises ``Refused``.
    """
    _must_be_open(item, "接受", "accepted")
    if item.state != "new":
        raise Refused("work_accepted", "工单已被接受，可直接处理或关闭", "already accepted: act on it or close it")
    return _by_person(item, command, now, "accepted", manager_id=item.manager_id or command.taker)


def act(item: Item, command: Command, now: datetime) -> Item:
    """Something was done for the customer: ``kind`` and ``note``. Raises ``Refused``."""
    _must_be_open(item, "处理", "acted on")
    return _by_person(item, command, now, "acted", action=command.kind)


def close(item: Item, command: Command, now: datetime) -> Item:
    """Done, with an outcome. Raises ``Refused``."""
    _must_be_open(item, "关闭", "closed")
    return _by_person(item, command, now, "closed", outcome=command.outcome)


def _by_person(
    item: Item, command: Command, now: datetime, what: Literal["accepted", "acted", "closed"], **changes: Any
) -> Item:
    place_of = command.on_behalf_of
    taken = item.taken or what != "closed"
    return _step(item, now, what, command.by, state=what, note=command.note, place_of=place_of, taken=taken, **changes)


def _must_be_open(item: Item, zh: str, en: str) -> None:
    if item.state == "closed":
        raise Refused(
            "work_closed",
            f"工单已关闭（结果 {item.outcome}），不能再{zh}；预警重新触发时工单会随之打开",
            f"closed already (outcome {item.outcome}), can't be {en}; it reopens when its alert does",
        )
