"""A work item and its life, and a manager as far as work needs to know one. Pure."""

from datetime import datetime, timedelta
from typing import Any, Literal

import msgspec
from msgspec.structs import replace

from contracts.alert import Alert, ManagerOutcome, Work, WorkAction, WorkKind, WorkState
from manager_work.rules import WorkRules
from servicekit.decision import Refused
from servicekit.ids import derive

ANSWERS_KEPT = 20
What = Literal["opened", "accepted", "acted", "closed", "reopened", "reassigned", "due_changed"]


class Entry(msgspec.Struct, frozen=True):
    """A line of the work log. ``by`` None: the system."""

    at: datetime
    by: str | None
    what: What
    kind: str | None = None
    note: str | None = None


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """What a person asks for. ``key`` is the caller's Idempotency-Key."""

    by: str
    kind: str | None = None
    note: str | None = None
    outcome: ManagerOutcome | None = None
    key: str | None = None


class Answer(msgspec.Struct, frozen=True):
    """The answer that a command under an Idempotency-Key was given."""

    what: What
    command: Command
    work: Work


class Item(msgspec.Struct, frozen=True, kw_only=True, tag="item"):
    """One work item: exactly one an alert, closed and reopened with it.

    ``wanted`` is the manager whom the alert names; without ``manager_id`` the item waits in the queue of its city.
    ``event_id`` is the last event about it, ``correlation`` the BOSS record behind the alert's last change.
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
    log: tuple[Entry, ...] = ()
    answers: tuple[Answer, ...] = ()
    event_id: str = ""
    correlation: str

    @property
    def queue(self) -> str | None:
        """Queue it waits in, None once it has a manager."""
        return None if self.manager_id is not None else f"city:{self.city or 'unknown'}"

    def work(self) -> Work:
        """The item as others see it, after its last change."""
        last = self.log[-1]
        action = None
        if last.what == "acted":
            action = WorkAction(kind=last.kind or "", note=last.note, at=last.at, by=last.by or "")
        return Work(
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
            action=action,
        )


class Manager(msgspec.Struct, frozen=True, tag="manager"):
    """A manager, or the place kept for one of whom MGR has not told yet: whether he works, and who waits for him."""

    works: bool = False
    waiting: tuple[str, ...] = ()


def work_id_of(alert_id: str) -> str:
    """Id of the one work item of an alert."""
    return derive("work", alert_id)


def _step(item: Item, at: datetime, what: What, by: str | None = None, **changes: Any) -> Item:
    entry = Entry(at, by, what, changes.pop("action", None), changes.pop("note", None))
    return replace(item, revision=item.revision + 1, log=(*item.log, entry), **changes)


def _due(rules: WorkRules, alert: Alert, now: datetime) -> datetime:
    return alert.due_at or now + timedelta(hours=rules.alerts[alert.kind].due_hours[alert.severity])


# --- what follows from the alert --------------------------------------------------------------------------------


def open_item(rules: WorkRules, alert: Alert, manager_id: str | None, now: datetime, correlation: str) -> Item:
    """The work item of an alert."""
    item = Item(
        work_id=work_id_of(alert.alert_id),
        kind=rules.alerts[alert.kind].work,
        alert_id=alert.alert_id,
        customer_id=alert.customer_id,
        city=alert.city,
        wanted=alert.manager_id,
        manager_id=manager_id,
        due_at=_due(rules, alert, now),
        opened_at=now,
        correlation=correlation,
    )
    return _step(item, now, "opened")


def follow(rules: WorkRules, item: Item, alert: Alert, now: datetime) -> Item:
    """The item after a change of its alert that leaves the alert open; the same where nothing changes."""
    if item.state == "closed":
        if not alert.reopened:
            return item
        taken = any(e.what in ("accepted", "acted") for e in item.log)
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
    """The item after its alert has ended; the same where it is closed already."""
    return item if item.state == "closed" else _step(item, now, "closed", state="closed", outcome=outcome)


def hand_over(item: Item, manager_id: str, now: datetime) -> Item:
    """The item after the manager it waits for has become known; the same where it no longer waits for him."""
    if item.state == "closed" or item.manager_id is not None or item.wanted != manager_id:
        return item
    return _step(item, now, "reassigned", manager_id=manager_id)


# --- what people do ---------------------------------------------------------------------------------------------


def accept(item: Item, command: Command, now: datetime) -> Item:
    """Taken on by ``command.by``; who accepts an item from a queue has it. Raises ``Refused``."""
    _must_be_open(item, "接受", "accepted")
    if item.state != "new":
        raise Refused("work_accepted", "工单已被接受，可直接处理或关闭", "already accepted: act on it or close it")
    taker = item.manager_id or command.by
    return _step(item, now, "accepted", command.by, state="accepted", manager_id=taker, note=command.note)


def act(item: Item, command: Command, now: datetime) -> Item:
    """Something was done for the customer: ``kind`` and ``note``. Raises ``Refused``."""
    _must_be_open(item, "处理", "acted on")
    return _step(item, now, "acted", command.by, state="acted", action=command.kind, note=command.note)


def close(item: Item, command: Command, now: datetime) -> Item:
    """Done, with an outcome. Raises ``Refused``."""
    _must_be_open(item, "关闭", "closed")
    return _step(item, now, "closed", command.by, state="closed", outcome=command.outcome, note=command.note)


def _must_be_open(item: Item, zh: str, en: str) -> None:
    if item.state == "closed":
        raise Refused(
            "work_closed",
            f"工单已关闭（结果 {item.outcome}），不能再{zh}；提醒重新打开时工单会随之打开",
            f"closed already (outcome {item.outcome}), can't be {en}; it reopens when its alert does",
        )
