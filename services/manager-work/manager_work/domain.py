"""A work item and its life, and a manager as far as work needs to know one. Pure."""

from datetime import date, datetime
from typing import Any, Literal

import msgspec
from msgspec.structs import replace

from contracts.alert import Alert, CalendarRef, ManagerOutcome, WorkAction, WorkItem, WorkKind, WorkState
from manager_work.rules import Duties
from servicekit.decision import Refused
from servicekit.ids import derive

#: Of an item: answers under an Idempotency-Key (the newest), and lines of its log (the opening and the newest). Whole
#: is the story on work.events. Of a manager who is not at work: items that wait for him (the newest, open ones).
ANSWERS_KEPT, LOG_KEPT, WAITING_KEPT = 20, 200, 2000
What = Literal["opened", "accepted", "released", "acted", "closed", "reopened", "reassigned", "due_changed"]


class LogEntry(msgspec.Struct, frozen=True):
    """A line of an item's log. ``by`` None: the system; ``on_behalf_of``: in whose place a head did it; ``to``: who
    got it."""

    at: datetime
    by: str | None
    what: What
    kind: str | None = None
    note: str | None = None
    on_behalf_of: str | None = None
    result: str | None = None
    promised_on: date | None = None
    follow_up_on: date | None = None
    to: str | None = None


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """What a person asks for. ``key`` is the caller's Idempotency-Key.

    ``by`` is always who called; ``on_behalf_of`` the manager in whose place; ``taker`` the one of them whom MGR knows.
    ``after``: the revision that was on screen; what another person has done since makes it a clash.
    """

    by: str
    on_behalf_of: str | None = None
    taker: str | None = None
    kind: str | None = None
    note: str | None = None
    outcome: ManagerOutcome | None = None
    key: str | None = None
    result: str | None = None
    promised_on: date | None = None
    follow_up_on: date | None = None
    to: str | None = None
    after: int | None = None

    def asks_the_same(self, other: "Command") -> bool:
        """Whether both ask for the same; whom MGR knew at the time, and what was on screen, does not count."""
        return replace(self, taker=None, after=None) == replace(other, taker=None, after=None)


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
    had it in hand, which its log may no longer tell. ``from_queue``: its manager took it out of the queue himself.
    ``calendar``: by which it is due; None: in plain hours. ``held``: its alert is open again, and maintenance holds it.
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
    from_queue: bool = False
    calendar: CalendarRef | None = None
    held: bool = False

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
            action = WorkAction(
                kind=last.kind or "",
                note=last.note,
                at=last.at,
                by=last.by or "",
                result=last.result,
                promised_on=last.promised_on,
                follow_up_on=last.follow_up_on,
            )
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
            calendar=self.calendar,
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


def _step(item: Item, at: datetime, what: What, told: LogEntry | None = None, **changes: Any) -> Item:
    entry = told or LogEntry(at, None, what)
    log = (*item.log[:1], *item.log[1:][2 - LOG_KEPT :], entry)
    return replace(item, revision=item.revision + 1, log=log, **changes)


# --- what follows from the alert --------------------------------------------------------------------------------


def open_item(duties: Duties, alert: Alert, manager_id: str | None, now: datetime, correlation: str) -> Item:
    """The work item of an alert."""
    due_at, calendar = duties.due(alert, now)
    item = Item(
        work_id=work_id_of(alert.alert_id),
        kind=duties.rules.of(alert.kind).work,
        alert_id=alert.alert_id,
        customer_id=alert.customer_id,
        city=alert.city,
        wanted=alert.manager_id,
        manager_id=manager_id,
        due_at=due_at,
        calendar=calendar,
        opened_at=now,
        correlation=correlation,
        alert_at=alert.at,
        alert_revision=alert.revision,
    )
    return _step(item, now, "opened")


def follow(duties: Duties, item: Item, alert: Alert, now: datetime, *, raised: bool) -> Item:
    """The item after a change of its alert that leaves the alert open; the same where nothing changes.

    ``raised``: the alert was raised anew, long after it had ended and was forgotten: the same item, reopened.
    """
    if item.state == "closed":
        if not (alert.reopened or raised or item.held):
            return item
        in_hand = [e.what for e in item.log if e.what in ("accepted", "released", "acted")]
        taken = item.taken or in_hand[-1:] not in ([], ["released"])
        due_at, calendar = duties.due(alert, now)
        return _step(
            item,
            now,
            "reopened",
            state="accepted" if taken else "new",
            outcome=None,
            due_at=due_at,
            calendar=calendar,
            held=False,
            wanted=alert.manager_id,
        )
    if alert.due_at is not None and alert.due_at != item.due_at:
        return _step(item, now, "due_changed", due_at=alert.due_at, calendar=alert.calendar)
    return item


def close_with_alert(item: Item, outcome: str, now: datetime) -> Item:
    """The item after its alert has ended, or has moved on to another outcome. A person may have closed it while the
    alert ended by itself: its outcome is its alert's all the same, and work.events tells what the person said."""
    if item.state == "closed" and item.outcome == outcome:
        return replace(item, held=False) if item.held else item
    return _step(item, now, "closed", state="closed", outcome=outcome, held=False)


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
    from_queue = item.manager_id is None
    manager_id = command.taker if from_queue else item.manager_id
    return _by_person(item, command, now, "accepted", "accepted", manager_id=manager_id, from_queue=from_queue)


def release(item: Item, command: Command, now: datetime) -> Item:
    """The acceptance is taken back, by whom it came from: everything is as it was before. Raises ``Refused``."""
    last = next((e for e in reversed(item.log) if e.what != "due_changed"), None)
    if item.state != "accepted" or last is None or last.what != "accepted" or last.by != command.by:
        raise Refused("cannot_be_undone", "此后已有变化，不能撤销", "it has changed since and can't be undone any more")
    manager_id = None if item.from_queue else item.manager_id
    # Only what nobody had in hand can be accepted: that it was is taken back too.
    return _by_person(item, command, now, "released", "new", taken=False, manager_id=manager_id, from_queue=False)


def pass_on(item: Item, command: Command, now: datetime) -> Item:
    """Handed over to ``command.to``, who has not accepted it yet. Raises ``Refused``."""
    _must_be_open(item, "转派", "handed over")
    if item.manager_id == command.to:
        raise Refused("already_theirs", "工单已在此人名下", "this manager has it already")
    return _by_person(item, command, now, "reassigned", "new", manager_id=command.to, from_queue=False)


def act(item: Item, command: Command, now: datetime) -> Item:
    """Something was done for the customer: ``kind`` and ``note``. Raises ``Refused``."""
    _must_be_open(item, "处理", "acted on")
    return _by_person(item, command, now, "acted", "acted", taken=True)


def close(item: Item, command: Command, now: datetime) -> Item:
    """Done, with an outcome. Raises ``Refused``."""
    _must_be_open(item, "关闭", "closed")
    return _by_person(item, command, now, "closed", "closed", outcome=command.outcome)


def check_unchanged(item: Item, command: Command) -> None:
    """Raises ``Refused`` (412) where another person has changed the item since it was read. Its due time may have moved
    with the alert: that overrules nobody."""
    if command.after is None or command.after >= item.revision:
        return
    since = item.log[max(1, len(item.log) - (item.revision - command.after)) :]
    by = [e.by for e in since if e.what != "due_changed" and e.by != command.by]
    if by:
        zh, en = (by[-1], by[-1]) if by[-1] is not None else ("系统", "The system")
        raise Refused(
            "changed_meanwhile",
            f"{zh} 刚改过，请对比后再保存",
            f"{en} just changed this; compare, then save again",
            412,
        )


def _by_person(item: Item, command: Command, now: datetime, what: What, state: WorkState, **changes: Any) -> Item:
    entry = LogEntry(
        now,
        command.by,
        what,
        command.kind,
        command.note,
        command.on_behalf_of,
        command.result,
        command.promised_on,
        command.follow_up_on,
        command.to,
    )
    if state == "accepted":
        changes["taken"] = True
    return _step(item, now, what, entry, state=state, **changes)


def _must_be_open(item: Item, zh: str, en: str) -> None:
    if item.state == "closed":
        raise Refused(
            "work_closed",
            f"工单已办结（结果 {item.outcome}），不能再{zh}；预警重新触发时工单会随之打开",
            f"closed already (outcome {item.outcome}), can't be {en}; it reopens when its alert does",
        )
