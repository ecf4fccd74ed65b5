"""May this SMS leave now? (interfaces.md, "SMS.")"""

from datetime import datetime
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from alerts.notifications.decision_builder import DecisionBuilder
from alerts.notifications.state import TEST, Notification
from servicekit.clock import local_date


class SendDecision(Struct, frozen=True):
    """What keeps a message from leaving; ``until`` is when a held one is looked at again."""

    state: Literal["cancelled", "suppressed", "held"]
    reason: str
    until: datetime | None = None


def stopped(builder: DecisionBuilder, message: Notification) -> SendDecision | None:
    """What stops a message for good."""
    if message.kind == TEST:
        return unreachable(builder, message.phone)
    if message.by is None and not _is_wanted(builder, message):
        return SendDecision("cancelled", "resolved" if builder.cases[message.alert_id].ended else "superseded")
    if (verdict := shut_up(builder)) is not None:
        return verdict
    if message.kind == "arrears" and builder.debt.due_fen <= 0:
        return SendDecision("cancelled", "paid")
    return None


def shut_up(builder: DecisionBuilder) -> SendDecision | None:
    """What keeps any message from this customer."""
    contact = builder.contact
    if contact.left:
        return SendDecision("cancelled", "left")
    if contact.do_not_disturb:
        return SendDecision("suppressed", "do_not_disturb")
    return unreachable(builder, contact.phone)


def unreachable(builder: DecisionBuilder, phone: str | None) -> SendDecision | None:
    """What keeps any message from a number."""
    if phone is None:
        return SendDecision("suppressed", "no_phone")
    if not builder.send_policy.may_reach(phone):
        return SendDecision("suppressed", "not_allowed")
    if phone == builder.contact.opted_out or builder.send_policy.blocked(phone):
        return SendDecision("suppressed", "opted_out")
    return None


def rest_stopped(builder: DecisionBuilder, message: Notification) -> str | None:
    """Why the rest of a message that has left in part must not leave any more: only what shuts the number up, or that
    its channel is gone. Whoever has read half of it gets the other half, whatever has become of the alert."""
    contact, blocked = builder.contact, builder.send_policy.blocked
    if contact.left:
        return "left"
    if contact.do_not_disturb:
        return "do_not_disturb"
    phone = message.phone
    if phone is None or phone == contact.opted_out or blocked(phone):
        return "opted_out"
    # Halves by two channels don't make one message.
    return "no_channel" if message.channel is not None and not builder.send_policy.has(message.channel) else None


def delayed(builder: DecisionBuilder, sms_id: str, place: int = 0) -> SendDecision | None:
    """What makes a message wait that is the ``place``-th (from 0) in line for what the daily cap leaves."""
    policy, now = builder.send_policy.policy, builder.clock
    if (until := policy.quiet_until(now)) is not None:
        return SendDecision("held", "quiet_hours", until)
    if builder.is_test:
        return None
    today = local_date(now)
    sent = sum(1 for id_, day in builder.sent_on.items() if day == today and id_ != sms_id)
    if sent + place >= policy.daily_cap:
        return SendDecision("held", "daily_cap", policy.next_morning(now))
    return None


def decide(builder: DecisionBuilder) -> None:
    """Decide on every message that is fresh or whose hold has ended, and again on those the sender has not taken yet:
    one of higher priority goes before them."""
    now = builder.ctx.now
    line = [m for m in builder.waiting() if not m.is_stopped and (m.hold_until is None or m.hold_until <= now)]
    turn = builder.send_policy.policy.turn
    line.sort(key=lambda m: (turn(m.kind, m.priority), m.planned_at, m.sms_id))
    place = 0
    for message in line:
        verdict = stopped(builder, message) or delayed(builder, message.sms_id, place)
        if verdict is not None:
            apply(builder, message, verdict)
            continue
        place += 1
        if not message.ready:
            builder.offer(builder.written(message))
    for message in [m for m in builder.messages.values() if m.is_rest and m.hold_until and m.hold_until <= now]:
        if not is_rest_kept(builder, message):
            builder.offer(message)


def is_rest_kept(builder: DecisionBuilder, message: Notification) -> bool:
    """Whether the rest of a message may not leave now: it is held as it is, text and number frozen, or fails."""
    if (reason := rest_stopped(builder, message)) is not None:
        parts = tuple(replace(p, state="failed") if p.state == "queued" else p for p in message.parts)
        builder.move(message, "failed", reason, parts=parts)
        return True
    if (verdict := delayed(builder, message.sms_id)) is not None:
        builder.move(message, verdict.state, verdict.reason, hold_until=verdict.until)
        return True
    return False


def apply(builder: DecisionBuilder, message: Notification, verdict: SendDecision) -> None:
    """Bring a message into the state that a verdict says."""
    changes = {} if verdict.until is None else {"hold_until": verdict.until}
    builder.move(builder.written(message), verdict.state, verdict.reason, **changes)


def cancel_paid(builder: DecisionBuilder) -> None:
    """A payment or BOSS itself has ended the debt: dunning that waits must not leave.

    Fresh messages are left to their tick: the record that raised them may still be on its way here.
    """
    if builder.debt.due_fen <= 0:
        for message in builder.waiting():
            if message.kind == "arrears" and not message.is_fresh:
                builder.move(message, "cancelled", "paid")


def cancel_left(builder: DecisionBuilder) -> None:
    """The customer is gone: what waits, fresh messages excepted (see ``cancel_paid``), must not leave."""
    for message in builder.waiting():
        if not message.is_fresh:
            builder.move(message, "cancelled", "left")


def _is_wanted(builder: DecisionBuilder, message: Notification) -> bool:
    """Whether the alert still says what the message says."""
    case = builder.cases[message.alert_id]
    alert = case.alert
    if alert is None:
        return False
    if case.ended is not None:
        return message.step == alert.outcome
    if builder.send_policy.policy.ladders.get(alert.kind):
        return message.step == alert.stage
    return message.step == "opened"
