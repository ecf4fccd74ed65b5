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

from alerts.channel import segments
from alerts.channel.transport import Answer, Outcome, SubmitRequest
from alerts.desk.book import Book, Moment
from alerts.desk.decide import apply, delayed, stopped
from alerts.desk.state import Customer, Message
from alerts.desk.turn import Turn, unchanged
from contracts.alert import ReceiptReceived, SmsPart, SmsReceipt, SmsState
from servicekit.clock import local_date
from servicekit.decision import Context, Decision

INTEND = "kam.command.sms_intend"
CONFIRM = "kam.command.sms_confirm"
ANSWERED = "kam.command.sms_answered"
LOST = "kam.command.sms_lost"

_FAILED = ("UNDELIV", "EXPIRED", "REJECTD", "DELETED")
# What a message is, by the first of these that one of its parts is.
_WORST_FIRST: tuple[SmsState, ...] = ("sending", "failed", "queued", "unknown", "sent", "delivered")


class Intend(Struct, frozen=True):
    """Command: the message is about to be submitted."""

    sms_id: str


class Confirm(Struct, frozen=True):
    """Command: the message's intent is some seconds old, and some of it has not been submitted yet."""

    sms_id: str


class Answered(Struct, frozen=True):
    """Command: answers to submitted parts, also late ones."""

    sms_id: str
    parts: tuple[Answer, ...]


class Lost(Struct, frozen=True):
    """Command: the process that had the intent is gone, and its answers with it."""

    sms_id: str


class Intent(Struct, frozen=True):
    """Answer to ``Intend``: what to submit now. ``event`` and ``correlation`` are for what follows from it, ``decided``
    is when it was decided, before its commit.
    """

    sms_id: str
    customer_id: str
    phone: str
    parts: tuple[SubmitRequest, ...]
    event: str
    correlation: str
    decided: Moment


def on_intend(book: Book, state: Customer | None, data: Intend, ctx: Context) -> Decision:
    """Read everything again and freeze it; answers None when the message must not leave now."""
    message = None if state is None else state.messages.get(data.sms_id)
    if state is None or message is None or not (message.state == "queued" and message.ready):
        return unchanged(state)
    turn = Turn(book, state, state.customer_id, ctx)
    if message.is_waiting:
        verdict = stopped(turn, message) or delayed(turn, message)
        if verdict is not None:
            apply(turn, message, verdict)
            return turn.decision()
        message = _written_anew(turn, message)
    decided = book.moment()
    parts = tuple(_with_reference(turn, p) if p.state == "queued" else p for p in message.parts)
    turn.sent_on[message.sms_id] = local_date(turn.clock)
    message = replace(message, trying_since=message.trying_since or decided.wall, attempts=message.attempts + 1)
    message = turn.move(message, "sending", parts=parts, submitted_at=decided.wall)
    return turn.decision(_intent(message, decided))


def on_confirm(book: Book, state: Customer | None, data: Confirm, ctx: Context) -> Decision:
    """Whether what is left of an intent may still leave: answers when this was decided, or None. That the answer comes
    says that the unit is still this process's: it comes after a commit."""
    message = None if state is None else state.messages.get(data.sms_id)
    if state is None or message is None or message.state != "sending":
        return unchanged(state)
    turn = Turn(book, state, state.customer_id, ctx)
    if all(p.state == "sending" for p in message.parts) and (stopped(turn, message) or delayed(turn, message)):
        return turn.decision()  # it comes back as not written, and is then decided on
    return turn.decision(book.moment())


def _written_anew(turn: Turn, message: Message) -> Message:
    message = turn.written(message)
    numbers = range(1, len(segments.plan(message.text).parts) + 1)
    # The group must differ from that of the customer's last long messages: it is the first reference's low octet.
    group = _next_reference(turn) & 0xFF if len(numbers) > 1 else 0
    return replace(message, group=group, parts=tuple(SmsPart(number=n, reference=0, state="queued") for n in numbers))


def _with_reference(turn: Turn, part: SmsPart) -> SmsPart:
    return replace(part, reference=_next_reference(turn), state="sending")


def _next_reference(turn: Turn) -> int:
    """16 bits, counted up a customer from a start of its own: different for all that one number can have open."""
    turn.references += 1
    return (crc32(turn.customer_id.encode()) + turn.references) & 0xFFFF


def _intent(message: Message, decided: Moment) -> Intent:
    plan, phone = segments.plan(message.text), message.phone
    total = len(plan.parts)
    assert phone is not None
    requests = tuple(
        SubmitRequest(
            p.reference,
            phone,
            plan.parts[p.number - 1],
            plan.encoding,
            (message.group, total, p.number) if total > 1 else None,
            f"{message.sms_id}/{p.number}",
        )
        for p in message.parts
        if p.state == "sending"
    )
    return Intent(message.sms_id, message.customer_id, phone, requests, message.event, message.correlation, decided)


def on_answered(book: Book, state: Customer | None, data: Answered, ctx: Context) -> Decision:
    """The SMSC's answers. A part that is settled already (its receipt was faster) stays as it is."""
    message = None if state is None else state.messages.get(data.sms_id)
    if state is None or message is None:
        return unchanged(state)
    turn = Turn(book, state, state.customer_id, ctx)
    answers = {a.number: a for a in data.parts}
    if any(a.outcome is Outcome.REFUSED for a in data.parts):
        message = replace(message, refusals=message.refusals + 1)
    parts, reason = [], message.reason
    for part in message.parts:
        answer = answers.get(part.number)
        if answer is not None and part.state in ("sending", "unknown"):
            after, why = _judge(book, message, answer)
            part = replace(part, state=after, message_id=answer.message_id or part.message_id)
            reason = why or reason
        parts.append(part)
    _settle(turn, message, parts, reason)
    return turn.decision()


def _judge(book: Book, message: Message, answer: Answer) -> tuple[SmsState, str | None]:
    """State of a part by its answer, and why where that isn't obvious."""
    retry, status = book.policy.retry, answer.command_status
    match answer.outcome:
        case Outcome.ACCEPTED:
            return "sent", None
        case Outcome.UNKNOWN:
            return "unknown", None
        case Outcome.REFUSED if status not in retry.temporary_statuses:
            return "failed", "refused" if status is None else f"refused 0x{status:08x}"
        case Outcome.REFUSED if message.refusals >= retry.attempts:
            return "failed", "attempts"
    # Not taken, which says nothing of the message: it waits for the SMSC, within reason.
    since = message.trying_since or message.submitted_at
    if since is not None and book.wall() - since >= timedelta(hours=retry.give_up_hours):
        return "failed", "deadline"
    return "queued", answer.outcome.value


def on_lost(book: Book, state: Customer | None, data: Lost, ctx: Context) -> Decision:
    """A crash left the message without an answer: it is never sent again in hope."""
    message = None if state is None else state.messages.get(data.sms_id)
    if state is None or message is None or message.state != "sending":
        return unchanged(state)
    turn = Turn(book, state, state.customer_id, ctx)
    parts = [replace(p, state="unknown") if p.state == "sending" else p for p in message.parts]
    _settle(turn, message, parts, "restart")
    return turn.decision()


def receive(turn: Turn, receipt: ReceiptReceived) -> None:
    """A receipt proves that the SMSC had the part; repeated ones and those of settled messages change nothing."""
    message = None if receipt.sms_id is None else turn.messages.get(receipt.sms_id)
    part = None if message is None else _part_of(message, receipt)
    if message is None or part is None:
        return
    told = SmsReceipt(part=part.number, state=receipt.state, at=turn.ctx.now, error=receipt.error)
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
    _settle(turn, message, parts, reason)


def _part_of(message: Message, receipt: ReceiptReceived) -> SmsPart | None:
    """The part that has this message id; else the one named (by our reference); else the first without an answer."""
    parts = message.parts
    found = [p for p in parts if p.message_id == receipt.message_id] or [p for p in parts if p.number == receipt.part]
    found += [p for p in parts if p.message_id is None and p.state in ("sending", "unknown", "sent")]
    return found[0] if found else None


def _settle(turn: Turn, message: Message, parts: Iterable[SmsPart], reason: str | None) -> None:
    """Bring the message into the state its parts give it, and do what follows."""
    message = replace(message, parts=tuple(parts))
    have = {p.state for p in message.parts}
    state = next(s for s in _WORST_FIRST if s in have)
    if state == message.state:
        turn.note(message)
    elif state == "queued":
        if have == {"queued"}:
            turn.sent_on.pop(message.sms_id, None)
        turn.offer(message, reason=reason, delay=turn.book.policy.retry.delay(message.attempts))
    else:
        turn.move(message, state, {"failed": reason, "unknown": reason or "no_answer"}.get(state))
        if state == "delivered":
            _delivered(turn, message.alert_id)


def _delivered(turn: Turn, alert_id: str) -> None:
    """The alert has reached the customer: told once."""
    case = turn.cases[alert_id]
    if not case.delivered and case.alert is not None:
        turn.tell("delivered", case)
        turn.cases[alert_id] = replace(case, delivered=True)
