"""From intent to receipt: an intent freezes a message before it is submitted; answers and receipts settle its parts.

A part is submitted once for each intent, and has a new intent only when the SMSC surely did not take it. An intent that
could not be submitted at once is confirmed first, so that a process that was paused submits nothing of what another has
taken over meanwhile; one that waited longer is decided on anew.
"""

from collections.abc import Iterable
from datetime import timedelta
from zlib import crc32

from msgspec import Struct
from msgspec.structs import replace

from alerts.notifications import routing
from alerts.notifications.channel import segments
from alerts.notifications.channel.channels import BY_TEMPLATE
from alerts.notifications.channel.transport import ProviderText, SubmitOutcome, SubmitRequest, SubmitResult
from alerts.notifications.decision_builder import DecisionBuilder, unchanged
from alerts.notifications.send_decision import apply, delayed, is_rest_kept, rest_stopped, stopped
from alerts.notifications.send_policy import Moment, SendPolicy
from alerts.notifications.state import Customer, Notification, about
from contracts.alert import ReceiptReceived, SmsPart, SmsReceipt, SmsState
from servicekit.clock import local_date
from servicekit.decision import Context, Decision

INTEND = "kam.command.sms_intend"
CONFIRM = "kam.command.sms_confirm"
HOLD = "kam.command.sms_hold"
ANSWERED = "kam.command.sms_answered"
LOST = "kam.command.sms_lost"

_LOOK_AGAIN = 1.0  # seconds, after a channel was taken to be there and is not
_REFUSED = (SubmitOutcome.REFUSED, SubmitOutcome.REFUSED_FOR_NOW)
_FAILED = ("UNDELIV", "EXPIRED", "REJECTD", "DELETED")
# What a message is, by the first of these that one of its parts is.
_WORST_FIRST: tuple[SmsState, ...] = ("sending", "failed", "queued", "unknown", "sent", "delivered")


class Intend(Struct, frozen=True):
    """Command: the message is about to be submitted. ``parts``: for how many the budget has room; None: for any."""

    sms_id: str
    parts: int | None = None


class Hold(Struct, frozen=True):
    """Command: a stop stands that concerns the message, which may go or is held for another reason; or (``is_short``)
    the day's budget has no room for it."""

    sms_id: str
    is_short: bool = False


class Confirm(Struct, frozen=True):
    """Command: the message's intent is some seconds old, and some of it has not been submitted yet."""

    sms_id: str


class Answered(Struct, frozen=True):
    """Command: answers to submitted parts, also late ones."""

    sms_id: str
    parts: tuple[SubmitResult, ...]


class Lost(Struct, frozen=True):
    """Command: the process that had the intent is gone, and its answers with it."""

    sms_id: str


class Intent(Struct, frozen=True):
    """SubmitResult to ``Intend``: what to submit now. ``event`` and ``correlation`` are for what follows from it,
    ``decided`` is when it was decided, before its commit; ``accepted`` see ``Context``, where all of it leaves now;
    ``about``: what of it can be stopped, its ``channel`` included.
    """

    sms_id: str
    customer_id: str
    phone: str
    parts: tuple[SubmitRequest, ...]
    event: str
    correlation: str
    decided: Moment
    accepted: bytes = b""
    about: tuple[str, ...] = ()
    channel: str = ""


def on_intend(send_policy: SendPolicy, state: Customer | None, data: Intend, ctx: Context) -> Decision:
    """Read everything again and freeze it; answers None when the message must not leave now."""
    message = None if state is None else state.messages.get(data.sms_id)
    if state is None or message is None or not message.is_with_sender:
        return unchanged(state)
    builder = DecisionBuilder(send_policy, state, state.customer_id, ctx)
    is_whole = message.is_waiting
    if is_whole:
        verdict = stopped(builder, message)
        if verdict is None and builder.is_held_back(message):
            return builder.decision()
        verdict = verdict or delayed(builder, message.sms_id)
        if verdict is not None:
            apply(builder, message, verdict)
            return builder.decision()
        message = builder.written(message)
        if data.parts is not None and segments.count(message.text) > data.parts:
            builder.offer(message)  # it has grown since the budget was asked
            return builder.decision()
    elif builder.is_held_back(message) or is_rest_kept(builder, message):
        return builder.decision()
    if (night := send_policy.night_left()) > 0:
        builder.offer(replace(message, accepted=b""), reason="quiet_hours", delay=night)
        return builder.decision()
    channel = send_policy.channel(routing.route(send_policy, message, builder.cases))
    if channel is None:
        builder.offer(message, reason=message.reason, delay=_LOOK_AGAIN)
        return builder.decision()
    text = builder.provider_text(message, channel) if channel in BY_TEMPLATE else None
    if message.is_waiting:
        message = _in_parts(builder, message, channel)
    decided = send_policy.moment()
    parts = tuple(_with_reference(builder, p) if p.state == "queued" else p for p in message.parts)
    builder.sent_on[message.sms_id] = local_date(builder.clock)
    if is_whole:
        builder.count(message)
    message = replace(message, trying_since=message.trying_since or decided.system_clock, attempts=message.attempts + 1)
    message = builder.move(message, "sending", parts=parts, submitted_at=decided.system_clock, channel=channel)
    return builder.decision(_intent(message, decided, (f"channel/{channel}", *about(message, builder.cases)), text))


def on_hold(send_policy: SendPolicy, state: Customer | None, data: Hold, ctx: Context) -> Decision:
    """What a stop concerns, or no budget has room for, is held; where that was released meanwhile the message may go as
    before."""
    message = None if state is None else state.messages.get(data.sms_id)
    if state is None or message is None or not (message.is_with_sender or message.state == "held"):
        return unchanged(state)
    builder = DecisionBuilder(send_policy, state, state.customer_id, ctx)
    if builder.is_held_back(message):
        return builder.decision()
    if not message.is_with_sender:
        return unchanged(state)
    if data.is_short and message.is_waiting:
        verdict = stopped(builder, message) or delayed(builder, message.sms_id)
        if verdict is None:
            builder.hold_short(message)
        else:
            apply(builder, message, verdict)
        return builder.decision()
    builder.offer(message, reason=message.reason)
    return builder.decision()


def on_confirm(send_policy: SendPolicy, state: Customer | None, data: Confirm, ctx: Context) -> Decision:
    """Whether what is left of an intent may still leave: answers when this was decided, or None. That the answer comes
    says that the processor is still this process's: it comes after a commit."""
    message = None if state is None else state.messages.get(data.sms_id)
    if state is None or message is None or message.state != "sending":
        return unchanged(state)
    builder = DecisionBuilder(send_policy, state, state.customer_id, ctx)
    is_whole = all(p.state == "sending" for p in message.parts)
    stop: object = stopped(builder, message) if is_whole else rest_stopped(builder, message)
    stop = stop or send_policy.holds(about(message, builder.cases), routing.route(send_policy, message, builder.cases))
    if stop or delayed(builder, message.sms_id) or send_policy.night_left() > 0:
        return builder.decision()  # it comes back as not written, and is then decided on
    return builder.decision(send_policy.moment())


def _in_parts(builder: DecisionBuilder, message: Notification, channel: str) -> Notification:
    """All of it as one where the provider cuts it, so that it can't be taken by halves."""
    numbers = range(1, 2 if channel in BY_TEMPLATE else len(segments.plan(message.text).parts) + 1)
    # The group must differ from that of the customer's last long messages: it is the first reference's low octet.
    group = _next_reference(builder) & 0xFF if len(numbers) > 1 else 0
    return replace(message, group=group, parts=tuple(SmsPart(number=n, reference=0, state="queued") for n in numbers))


def _with_reference(builder: DecisionBuilder, part: SmsPart) -> SmsPart:
    return replace(part, reference=_next_reference(builder), state="sending")


def _next_reference(builder: DecisionBuilder) -> int:
    """16 bits, counted up a customer from a start of its own: different for all that one number can have open."""
    builder.references += 1
    return (crc32(builder.customer_id.encode()) + builder.references) & 0xFFFF


def _intent(message: Notification, decided: Moment, named: tuple[str, ...], text: ProviderText | None) -> Intent:
    plan, phone, total = segments.plan(message.text), message.phone, len(message.parts)
    assert phone is not None
    requests = tuple(
        SubmitRequest(
            p.reference,
            phone,
            message.text if total == 1 else plan.parts[p.number - 1],
            plan.encoding,
            (message.group, total, p.number) if total > 1 else None,
            f"{message.sms_id}/{p.number}",
            text,
        )
        for p in message.parts
        if p.state == "sending"
    )
    accepted = message.accepted if len(requests) == len(message.parts) else b""
    return Intent(
        message.sms_id,
        message.customer_id,
        phone,
        requests,
        message.event,
        message.correlation,
        decided,
        accepted,
        named,
        message.channel or "",
    )


def on_answered(send_policy: SendPolicy, state: Customer | None, data: Answered, ctx: Context) -> Decision:
    """The SMSC's answers. A part that is settled already (its receipt was faster) stays as it is."""
    message = None if state is None else state.messages.get(data.sms_id)
    if state is None or message is None:
        return unchanged(state)
    builder = DecisionBuilder(send_policy, state, state.customer_id, ctx)
    answers = {a.number: a for a in data.parts}
    if any(a.outcome in _REFUSED for a in data.parts):
        message = replace(message, refusals=message.refusals + 1)
    parts, reason = [], message.reason
    for part in message.parts:
        answer = answers.get(part.number)
        if answer is not None and part.state in ("sending", "unknown"):
            after, why = _judge(send_policy, message, answer)
            part = replace(part, state=after, message_id=answer.message_id or part.message_id)
            reason = why or reason
        parts.append(part)
    if all(p.state == "queued" for p in parts):
        message = routing.declined(send_policy, message, builder.cases, data.parts)
    _settle(builder, message, parts, reason)
    return builder.decision()


def _judge(send_policy: SendPolicy, message: Notification, answer: SubmitResult) -> tuple[SmsState, str | None]:
    """State of a part by its answer, and why where that isn't obvious."""
    retry, status = send_policy.policy.retry, answer.command_status
    match answer.outcome:
        case SubmitOutcome.ACCEPTED:
            return "sent", None
        case SubmitOutcome.UNKNOWN:
            return "unknown", None
        case SubmitOutcome.REFUSED if status not in retry.temporary_statuses:
            return "failed", f"refused {answer.code if status is None else f'0x{status:08x}'}".strip()
        case SubmitOutcome.REFUSED | SubmitOutcome.REFUSED_FOR_NOW if message.refusals >= retry.attempts:
            return "failed", "attempts"
    # Not taken, which says nothing of the message: it waits for the SMSC, within reason.
    since = message.trying_since or message.submitted_at
    if since is not None and send_policy.system_clock() - since >= timedelta(hours=retry.give_up_hours):
        return "failed", "deadline"
    return "queued", "refused" if answer.outcome in _REFUSED else answer.outcome.value


def on_lost(send_policy: SendPolicy, state: Customer | None, data: Lost, ctx: Context) -> Decision:
    """A crash left the message without an answer: it is never sent again in hope."""
    message = None if state is None else state.messages.get(data.sms_id)
    if state is None or message is None or message.state != "sending":
        return unchanged(state)
    builder = DecisionBuilder(send_policy, state, state.customer_id, ctx)
    parts = [replace(p, state="unknown") if p.state == "sending" else p for p in message.parts]
    _settle(builder, message, parts, "restart")
    return builder.decision()


def receive(builder: DecisionBuilder, receipt: ReceiptReceived) -> None:
    """A receipt proves that the SMSC had the part; repeated ones and those of settled messages change nothing."""
    message = None if receipt.sms_id is None else builder.messages.get(receipt.sms_id)
    part = None if message is None else _part_of(message, receipt)
    if message is None or part is None:
        return
    told = SmsReceipt(part=part.number, state=receipt.state, at=builder.ctx.now, error=receipt.error)
    if any((r.part, r.state) == (told.part, told.state) for r in message.receipts):
        return
    message = replace(message, receipts=(*message.receipts, told))
    reason = message.reason
    if part.state not in ("delivered", "failed"):
        state: SmsState = "sent"
        if receipt.state == "DELIVRD":
            state = "delivered"
        elif receipt.state in _FAILED:
            state, reason = "failed", f"{receipt.state} {receipt.error or ''}".strip()
        part = replace(part, state=state, message_id=part.message_id or receipt.message_id)
    parts = [part if p.number == part.number else p for p in message.parts]
    _settle(builder, message, parts, reason)


def _part_of(message: Notification, receipt: ReceiptReceived) -> SmsPart | None:
    """The part that has this message id; else the one named (by our reference); else the first without an answer."""
    parts = message.parts
    found = [p for p in parts if p.message_id == receipt.message_id] or [p for p in parts if p.number == receipt.part]
    found += [p for p in parts if p.message_id is None and p.state in ("sending", "unknown", "sent")]
    return found[0] if found else None


def _settle(builder: DecisionBuilder, message: Notification, parts: Iterable[SmsPart], reason: str | None) -> None:
    """Bring the message into the state its parts give it, and do what follows."""
    message = replace(message, parts=tuple(parts))
    have = {p.state for p in message.parts}
    state = next(s for s in _WORST_FIRST if s in have)
    if state == message.state:
        builder.note(message)
    elif state == "queued":
        builder.offer(message, reason=reason, delay=builder.send_policy.policy.retry.delay(message.attempts))
    else:
        builder.move(message, state, {"failed": reason, "unknown": reason or "no_answer"}.get(state))
        if state == "delivered":
            _delivered(builder, message.alert_id)


def _delivered(builder: DecisionBuilder, alert_id: str) -> None:
    """The alert has reached the customer: told once."""
    case = builder.cases.get(alert_id)
    if case is not None and not case.delivered and case.alert is not None:
        builder.tell("delivered", case)
        builder.cases[alert_id] = replace(case, delivered=True)
