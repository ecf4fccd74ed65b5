"""Event or command -> Decision.

An item has its own key (the work id), a manager another. Whether a manager is known is asked of his key and answered to
the item's, within the same write: ``Find`` -> ``Placed``. A manager who is not known yet keeps the list of who waits.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import msgspec
from msgspec.structs import replace

from contracts import boss
from contracts.alert import Alert
from contracts.registry import EVENTS
from manager_work.contacts import Log, on_log
from manager_work.domain import (
    ANSWERS_KEPT,
    WAITING_KEPT,
    Command,
    CommandReply,
    Ended,
    Item,
    LogEntry,
    Manager,
    What,
    accept,
    act,
    check_unchanged,
    close,
    close_with_alert,
    follow,
    hand_over,
    is_overtaken,
    open_item,
    pass_on,
    release,
    seen,
    work_id_of,
)
from manager_work.rules import Duties
from servicekit.app import HandlerEntry
from servicekit.clock import iso
from servicekit.decision import Context, Decision, DocumentWrite, Forward, KeyUsed, OutgoingEvent, Refused
from servicekit.envelope import Message, parse_time
from servicekit.ids import derive

APP = "manager-work"
MANAGER_CHANGED = "kam.boss.manager.changed.v1"
RAISED = "kam.alert.raised.v1"


class Find(msgspec.Struct, frozen=True):
    """Asks a manager's key whether he can take an item; ``alert`` is kept for the answer."""

    work_id: str
    alert: Alert


class Leave(msgspec.Struct, frozen=True):
    """Tells a manager's key that an item no longer waits for him."""

    work_id: str


class Wait(msgspec.Struct, frozen=True):
    """Tells a manager's key that an item waits for him again; where he works by now, it is his."""

    work_id: str
    manager_id: str


class Placed(msgspec.Struct, frozen=True):
    """CommandReply to an item: its manager, or None while he is not known. ``alert`` opens an item that isn't there
    yet.
    """

    manager_id: str | None
    alert: Alert | None = None


class IsKnown(msgspec.Struct, frozen=True):
    """Asks a manager's key whether MGR knows him as one who works."""


class _Named(msgspec.Struct):
    alert_id: str


_named = msgspec.json.Decoder(_Named).decode


def manager_key(manager_id: str) -> str:
    return f"M/{manager_id}"


def key_of(message: Message) -> str:
    """Work id of an alert's events, a manager's key for MGR; "" for a body that its handler will not read either."""
    if message.type == MANAGER_CHANGED:
        return manager_key(message.key)
    try:
        return work_id_of(_named(message.body or b"").alert_id)
    except msgspec.MsgspecError:
        return ""


# --- managers ---------------------------------------------------------------------------------------------------


def on_manager(duties: Duties, known: Manager | None, record: boss.Manager, context: Context) -> Decision:
    """What MGR says of a manager; a record older than the one known changes nothing."""
    known = known or Manager()
    at = parse_time(context.time) if context.time else None
    is_dated = at is not None and known.at is not None and context.revision > 0
    if is_dated and (at, context.revision) <= (known.at, known.revision):
        return Decision(known)
    now = Manager(duties.rules.works(record), known.waiting, at, context.revision)
    if not now.works:
        return Decision(now)
    forwards = tuple(Forward(work_id, "placed", Placed(record.manager_id)) for work_id in known.waiting)
    return Decision(replace(now, waiting=()), forwards=forwards)


def on_find(known: Manager | None, find: Find, context: Context) -> Decision:
    known = known or Manager()
    if known.works:
        return Decision(known, forwards=(Forward(find.work_id, "placed", Placed(find.alert.manager_id, find.alert)),))
    return Decision(
        replace(known, waiting=_waiting(known, find.work_id)),
        forwards=(Forward(find.work_id, "placed", Placed(None, find.alert)),),
    )


def on_wait(known: Manager | None, wait: Wait, context: Context) -> Decision:
    known = known or Manager()
    if known.works:
        return Decision(known, forwards=(Forward(wait.work_id, "placed", Placed(wait.manager_id)),))
    return Decision(replace(known, waiting=_waiting(known, wait.work_id)))


def _waiting(known: Manager, work_id: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*known.waiting, work_id)))[-WAITING_KEPT:]


def on_leave(known: Manager | None, leave: Leave, context: Context) -> Decision:
    if known is None:
        return Decision(None)
    return Decision(replace(known, waiting=tuple(w for w in known.waiting if w != leave.work_id)))


def on_is_known(known: Manager | None, _: IsKnown, context: Context) -> Decision:
    return Decision(known, answer=known is not None and known.works)


# --- alerts -----------------------------------------------------------------------------------------------------

_Known = Item | Ended | None


def on_alert(duties: Duties, known: _Known, alert: Alert, context: Context) -> Decision:
    """Raised or changed: opens the alert's item where there is none, reopens it with the alert. Late ones have none,
    and those that maintenance holds have none before it is over.

    What is not newer than the last event seen of this alert changes nothing.
    """
    if is_overtaken(known, alert):
        return Decision(known)
    if alert.outcome is not None:
        return on_alert_over(known, alert, context)
    if alert.late:
        return Decision(known)
    if alert.suppressed is not None:
        held = replace(seen(known, alert), held=known.state == "closed") if isinstance(known, Item) else known
        return Decision(held)
    if not isinstance(known, Item):
        if alert.manager_id is None:
            return on_placed(duties, known, Placed(None, alert), context)
        return Decision(known, forwards=(_find(alert),))
    changed = follow(duties, known, alert, context.now, raised=context.type == RAISED)
    if changed is known:
        return Decision(seen(known, alert))
    waits = changed.state != "closed" and changed.manager_id is None and alert.manager_id is not None
    return _decide(seen(changed, alert), context, forwards=(_find(alert),) if waits else ())


def _find(alert: Alert) -> Forward:
    assert alert.manager_id is not None
    return Forward(manager_key(alert.manager_id), "find", Find(work_id_of(alert.alert_id), alert))


def _leave(before: Item, after: Item) -> tuple[Forward, ...]:
    """Words to the manager for whom the item no longer waits, or waits again."""
    if before.wanted is None or before.is_waiting == after.is_waiting:
        return ()
    if after.is_waiting:
        return (Forward(manager_key(before.wanted), "wait", Wait(before.work_id, before.wanted)),)
    return (Forward(manager_key(before.wanted), "leave", Leave(before.work_id)),)


def on_placed(duties: Duties, known: _Known, placed: Placed, context: Context) -> Decision:
    if not isinstance(known, Item):
        if placed.alert is None:
            return Decision(known)
        return _decide(open_item(duties, placed.alert, placed.manager_id, context.now, context.correlation), context)
    if placed.manager_id is None or (changed := hand_over(known, placed.manager_id, context.now)) is known:
        return Decision(known)
    return _decide(changed, context, correlation=known.correlation)


def on_alert_over(known: _Known, alert: Alert, context: Context) -> Decision:
    """Resolved, timed out, or moved to another outcome: so is the item, whoever has closed it."""
    if is_overtaken(known, alert):
        return Decision(known)
    if not isinstance(known, Item):
        return Decision(known if alert.late else Ended(alert.at, alert.revision))
    closed = close_with_alert(known, alert.outcome or "expired", context.now)
    if closed.revision == known.revision:
        return Decision(seen(closed, alert))
    return _decide(seen(closed, alert), context, forwards=_leave(known, closed))


# --- people -----------------------------------------------------------------------------------------------------

_CARRY_OUT = {"accepted": accept, "released": release, "acted": act, "closed": close, "reassigned": pass_on}


def on_command(what: What, item: _Known, command: Command, context: Context) -> Decision:
    """Carries a command out once; under the same Idempotency-Key it is answered again and changes nothing."""
    if not isinstance(item, Item):
        raise Refused("unknown_work", "没有此工单，请用 kam work 查看", "no such work item: see kam work", 404)
    for answer in item.answers if command.key is not None else ():
        if answer.command.key == command.key:
            if answer.what != what or not answer.command.asks_the_same(command):
                raise KeyUsed()
            return Decision(item, answer=answer.work)
    check_unchanged(item, command)
    changed = _CARRY_OUT[what](item, command, context.now)
    if command.key is not None:
        answers = (*item.answers, CommandReply(what, command, changed.work()))[-ANSWERS_KEPT:]
        changed = replace(changed, answers=answers)
    return _decide(
        changed, context, causation=item.event_id, correlation=item.correlation, forwards=_leave(item, changed)
    )


# --- what every change writes -----------------------------------------------------------------------------------


def _decide(
    item: Item,
    context: Context,
    *,
    causation: str | None = None,
    correlation: str | None = None,
    forwards: tuple[Forward, ...] = (),
) -> Decision:
    entry, work = item.log[-1], item.work()
    seed, type_ = f"{item.work_id}|{item.revision}", f"kam.work.{entry.what}.v1"
    correlation = correlation or context.correlation
    events: tuple[OutgoingEvent, ...] = ()
    if type_ in EVENTS:
        events = (
            OutgoingEvent(
                type_, work, subject=item.customer_id, seed=seed, causation=causation, correlation=correlation
            ),
        )
        item = replace(item, event_id=derive(APP, seed, type_))
    log = [_line(e) for e in item.log]
    document = {
        "work_id": item.work_id,
        "kind": item.kind,
        "alert_id": item.alert_id,
        "customer_id": item.customer_id,
        "city": item.city,
        "manager_id": item.manager_id,
        "queue": item.queue,
        "state": item.state,
        "due_at": iso(item.due_at),
        "calendar": None if item.calendar is None else msgspec.to_builtins(item.calendar),
        "outcome": item.outcome,
        "opened_at": iso(item.opened_at),
        "updated_at": iso(entry.at),
        "revision": item.revision,
        "log": log,
    }
    rows = (DocumentWrite("work", item.work_id, document, new=len(item.log) == 1),)
    return Decision(replace(item, correlation=correlation), events, writes=rows, forwards=forwards, answer=work)


def _line(entry: LogEntry) -> dict[str, Any]:
    days = {name: None if (day := getattr(entry, name)) is None else day.isoformat() for name in _DAYS}
    return {**msgspec.structs.asdict(entry), "at": iso(entry.at), **days}


_DAYS = ("promised_on", "follow_up_on")


def handlers(duties: Duties) -> Mapping[str, HandlerEntry]:
    """Everything this service reacts to, each by what is in force at its place in the log; before any switch by
    these."""

    def judged(handle: Callable[[Duties, Any, Any, Context], Decision]) -> Callable[[Any, Any, Context], Decision]:
        return lambda known, data, context: handle(context.in_force or duties, known, data, context)

    return {
        MANAGER_CHANGED: HandlerEntry(boss.Manager, judged(on_manager)),
        RAISED: HandlerEntry(Alert, judged(on_alert)),
        "kam.alert.changed.v1": HandlerEntry(Alert, judged(on_alert)),
        "kam.alert.resolved.v1": HandlerEntry(Alert, on_alert_over),
        "kam.alert.expired.v1": HandlerEntry(Alert, on_alert_over),
        "find": HandlerEntry(Find, on_find),
        "log_contact": HandlerEntry(Log, on_log),
        "is_known": HandlerEntry(IsKnown, on_is_known),
        "leave": HandlerEntry(Leave, on_leave),
        "wait": HandlerEntry(Wait, on_wait),
        "placed": HandlerEntry(Placed, judged(on_placed)),
        "accept": HandlerEntry(Command, partial(on_command, "accepted")),
        "release": HandlerEntry(Command, partial(on_command, "released")),
        "hand_over": HandlerEntry(Command, partial(on_command, "reassigned")),
        "act": HandlerEntry(Command, partial(on_command, "acted")),
        "close": HandlerEntry(Command, partial(on_command, "closed")),
    }
