"""May this SMS leave now? (interfaces.md, "SMS.")"""

from datetime import datetime
from typing import Literal

from msgspec import Struct

from alerts.desk.state import Message
from alerts.desk.turn import Turn
from servicekit.clock import local_date


class Verdict(Struct, frozen=True):
    """What keeps a message from leaving; ``until`` is when a held one is looked at again."""

    state: Literal["cancelled", "suppressed", "held"]
    reason: str
    until: datetime | None = None


def stopped(turn: Turn, message: Message) -> Verdict | None:
    """What stops a message for good."""
    contact = turn.contact
    if not _is_wanted(turn, message):
        return Verdict("cancelled", "resolved" if turn.cases[message.alert_id].ended else "superseded")
    if contact.left:
        return Verdict("cancelled", "left")
    if contact.do_not_disturb:
        return Verdict("suppressed", "do_not_disturb")
    if contact.phone is None:
        return Verdict("suppressed", "no_phone")
    if contact.phone == contact.opted_out or turn.book.blocked(contact.phone):
        return Verdict("suppressed", "opted_out")
    if message.kind == "arrears" and turn.debt.due_fen <= 0:
        return Verdict("cancelled", "paid")
    return None


def delayed(turn: Turn, message: Message, place: int = 0) -> Verdict | None:
    """What makes a message wait that is the ``place``-th (from 0) in line for what the daily cap leaves."""
    policy, now = turn.book.policy, turn.clock
    if (until := policy.quiet_until(now)) is not None:
        return Verdict("held", "quiet_hours", until)
    today = local_date(now)
    sent = sum(1 for sms_id, day in turn.sent_on.items() if day == today and sms_id != message.sms_id)
    if sent + place >= policy.daily_cap:
        return Verdict("held", "daily_cap", policy.next_morning(now))
    return None


def decide(turn: Turn) -> None:
    """Decide on every message that is fresh or whose hold has ended, and again on those the sender has not taken yet:
    one of higher priority goes before them."""
    now = turn.ctx.now
    line = [m for m in turn.waiting() if m.hold_until is None or m.hold_until <= now]
    line.sort(key=lambda m: (-m.priority, m.planned_at, m.sms_id))
    place = 0
    for message in line:
        verdict = stopped(turn, message) or delayed(turn, message, place)
        if verdict is not None:
            apply(turn, message, verdict)
            continue
        place += 1
        if not message.ready:
            turn.offer(turn.written(message))


def apply(turn: Turn, message: Message, verdict: Verdict) -> None:
    """Bring a message into the state that a verdict says."""
    changes = {} if verdict.until is None else {"hold_until": verdict.until}
    turn.move(turn.written(message), verdict.state, verdict.reason, **changes)


def cancel_paid(turn: Turn) -> None:
    """A payment or BOSS itself has ended the debt: dunning that waits must not leave.

    Fresh messages are left to their tick: the record that raised them may still be on its way to the desk.
    """
    if turn.debt.due_fen <= 0:
        for message in turn.waiting():
            if message.kind == "arrears" and not message.is_fresh:
                turn.move(message, "cancelled", "paid")


def cancel_left(turn: Turn) -> None:
    """The customer is gone: what waits, fresh messages excepted (see ``cancel_paid``), must not leave."""
    for message in turn.waiting():
        if not message.is_fresh:
            turn.move(message, "cancelled", "left")


def _is_wanted(turn: Turn, message: Message) -> bool:
    """Whether the alert still says what the message says."""
    case = turn.cases[message.alert_id]
    alert = case.alert
    if alert is None:
        return False
    if case.ended is not None:
        return message.step == alert.outcome
    if turn.book.policy.ladders.get(alert.kind):
        return message.step == alert.stage
    return message.step == "opened"
