"""Facts of BOSS, the life of alerts and work items, answers and receipts of the SMSC -> SMS and rows. Pure; one table
at the foot.

Recency decides: a fact that is older than what is known of the same record, alert or work item (a dead letter replayed)
changes nothing.
"""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import structlog
from msgspec import Struct
from msgspec.structs import replace

from alerts.notifications import handwritten, sending, to_oneself
from alerts.notifications.decision_builder import DecisionBuilder, unchanged
from alerts.notifications.escalation import climb, follow
from alerts.notifications.opting import on_opted_in, on_opted_out
from alerts.notifications.send_decision import cancel_left, cancel_paid, decide
from alerts.notifications.send_policy import Language, SendPolicy
from alerts.notifications.state import AlertProgress, Customer, Recency, hidden
from contracts.alert import Alert, AlertState, OptedIn, OptedOut, ReceiptReceived
from contracts.boss import ArrearsConfirmed
from servicekit.clock import end_of, in_range, iso, later
from servicekit.decision import Context, Decision, DocumentWrite, OutgoingEvent
from servicekit.envelope import parse_time

log = structlog.get_logger()
_REOPENED, _RELEASED, _REASSIGNED = "kam.work.reopened.v1", "kam.work.released.v1", "kam.work.reassigned.v1"
#: how far an alert is by the state of its work item
_PROGRESS: dict[str, AlertState] = {"accepted": "acknowledged", "acted": "acted"}
_MOST_PAYMENTS = 500  # of one customer, behind the last ARR

# --- payloads: the fields we ask for; others have checked the whole record -------------------------------------------


class CustomerRecord(Struct):
    customer_id: str
    name: str | None = None
    phone: str | None = None
    language: Language | None = None
    do_not_disturb: bool | None = None
    status: str | None = None


class Departure(Struct):
    customer_id: str


class PaymentRecord(Struct):
    customer_id: str
    payment_id: str
    paid_at: datetime
    amount_fen: int


class ArrearsRecord(Struct):
    customer_id: str
    as_of: date
    amount_fen: int


class WorkItem(Struct):
    customer_id: str
    alert_id: str
    work_id: str
    state: str
    revision: int = 0
    at: datetime | None = None


class MovedRecord(Struct):
    customer_id: str
    kind: str
    record_id: str


def _recency(ctx: Context) -> Recency | None:
    """That of a BOSS record; None where it says neither when it came about nor how often it has changed."""
    return Recency(parse_time(ctx.time), ctx.revision) if ctx.time and ctx.revision else None


def _is_overtaken(ctx: Context, known: Recency | None) -> bool:
    recency = _recency(ctx)
    return recency is not None and recency.is_before(known)


# --- customers ------------------------------------------------------------------------------------------------------


def on_customer(send_policy: SendPolicy, state: Customer | None, data: CustomerRecord, ctx: Context) -> Decision:
    """How to reach the customer; leaving cancels what waits, and only ``active`` brings them back."""
    builder = DecisionBuilder(send_policy, state, data.customer_id, ctx)
    before = builder.contact
    if _is_overtaken(ctx, before.recency):
        return unchanged(state)
    builder.contact = replace(
        before,
        name=data.name,
        phone=send_policy.policy.e164(data.phone),
        language=data.language or "zh",
        do_not_disturb=bool(data.do_not_disturb),
        left=data.status == "left" or (before.left and data.status != "active"),
        recency=_recency(ctx) or before.recency,
    )
    if builder.contact.left:
        cancel_left(builder)
    return builder.decision()


def on_left(send_policy: SendPolicy, state: Customer | None, data: Departure, ctx: Context) -> Decision:
    """The customer left the network."""
    builder = DecisionBuilder(send_policy, state, data.customer_id, ctx)
    if _is_overtaken(ctx, builder.contact.recency):
        return unchanged(state)
    builder.contact = replace(builder.contact, left=True, recency=_recency(ctx) or builder.contact.recency)
    cancel_left(builder)
    return builder.decision()


# --- debt -----------------------------------------------------------------------------------------------------------


def on_arrears(send_policy: SendPolicy, state: Customer | None, data: ArrearsRecord, ctx: Context) -> Decision:
    """What BOSS says is owed; payments up to its effective time are in it."""
    builder = DecisionBuilder(send_policy, state, data.customer_id, ctx)
    if _is_overtaken(ctx, builder.debt.recency):
        return unchanged(state)
    day_end = end_of(data.as_of)
    effective = min(parse_time(ctx.time), day_end) if ctx.time else day_end
    builder.debt = replace(builder.debt, amount_fen=data.amount_fen, recency=_recency(ctx) or builder.debt.recency)
    _in_it_until(builder, effective)
    return builder.decision()


def on_arrears_confirmed(
    send_policy: SendPolicy, state: Customer | None, data: ArrearsConfirmed, ctx: Context
) -> Decision:
    """BOSS says the same at a later time: payments up to then are in it."""
    builder = DecisionBuilder(send_policy, state, data.customer_id, ctx)
    if _is_overtaken(ctx, builder.debt.recency):
        return unchanged(state)
    builder.debt = replace(builder.debt, recency=_recency(ctx) or builder.debt.recency)
    _in_it_until(builder, data.confirmed_at)
    return builder.decision()


def _in_it_until(builder: DecisionBuilder, effective: datetime) -> None:
    payments = {id: paid for id, paid in builder.debt.payments.items() if paid[0] > effective}
    builder.debt = replace(builder.debt, effective=effective, payments=payments)
    cancel_paid(builder)


def on_payment(send_policy: SendPolicy, state: Customer | None, data: PaymentRecord, ctx: Context) -> Decision:
    """A payment, or its correction: later than the last ARR it lowers the debt that SMS look at."""
    return _on_payment(
        send_policy, state, data.customer_id, ctx, data.payment_id, (in_range(data.paid_at), data.amount_fen)
    )


def on_moved(send_policy: SendPolicy, state: Customer | None, data: MovedRecord, ctx: Context) -> Decision:
    """A record is another customer's now: a payment no longer counts here. What else moves, its alert tells us."""
    if data.kind != "PAY":
        return unchanged(state)
    return _on_payment(send_policy, state, data.customer_id, ctx, data.record_id, None)


def _on_payment(
    send_policy: SendPolicy,
    state: Customer | None,
    customer_id: str,
    ctx: Context,
    id_: str,
    paid: tuple[datetime, int] | None,
) -> Decision:
    builder = DecisionBuilder(send_policy, state, customer_id, ctx)
    debt, since = builder.debt, _counted_since(builder)
    if _is_overtaken(ctx, debt.corrected.get(id_)):
        return unchanged(state)
    payments = {id: known for id, known in debt.payments.items() if known[0] > since and id != id_}
    if paid is not None and paid[0] > since:
        payments[id_] = paid
    corrected = {id: known for id, known in debt.corrected.items() if known.at > since}
    if ctx.revision > 1 and (recency := _recency(ctx)) is not None:
        corrected[id_] = recency
    payments = _folded(payments)
    corrected = dict(sorted(corrected.items(), key=lambda known: known[1].at)[-_MOST_PAYMENTS:])
    if (payments, corrected) == (debt.payments, debt.corrected):
        return unchanged(state)
    builder.debt = replace(debt, payments=payments, corrected=corrected)
    cancel_paid(builder)
    return builder.decision()


def _folded(payments: dict[str, tuple[datetime, int]]) -> dict[str, tuple[datetime, int]]:
    """A bound: beyond it the oldest are one sum, which a correction of theirs no longer finds."""
    if len(payments) <= _MOST_PAYMENTS:
        return payments
    *_, latest = oldest = sorted(payments, key=lambda id: payments[id][0])[: len(payments) - _MOST_PAYMENTS + 1]
    log.warning("payments.folded", payments=len(payments))
    rest = {id: paid for id, paid in payments.items() if id not in oldest}
    return rest | {latest: (payments[latest][0], sum(payments[id][1] for id in oldest))}


def _counted_since(builder: DecisionBuilder) -> datetime:
    """Time after which payments count. Without a debt they are kept for a while: its ARR may come after them."""
    debt = builder.debt
    oldest = later(builder.ctx.now, -timedelta(days=builder.send_policy.policy.payments_kept_days))
    if debt.effective is None:
        return oldest
    return debt.effective if debt.amount_fen > 0 else max(debt.effective, oldest)


# --- alerts ---------------------------------------------------------------------------------------------------------


def on_alert(send_policy: SendPolicy, state: Customer | None, data: Alert, ctx: Context) -> Decision:
    """Detection says how an alert stands now: plan what its new step sends, cancel what it has overtaken."""
    builder = DecisionBuilder(send_policy, state, data.customer_id, ctx)
    before = builder.cases.get(data.alert_id, AlertProgress())
    recency = Recency(data.at, data.revision)
    if recency.is_passed_by(before.recency):
        return unchanged(state)
    ended = data.state if data.state in ("resolved", "expired") else None
    # A work item that has reopened since the end is of the life that begins now: it may be faster than the alert.
    begins = ended is not None or (data.reopened and before.ended is None)
    after = replace(
        before,
        alert=data,
        recency=recency,
        ended=ended,
        progress="raised" if begins else before.progress,
        recorded_at=before.recorded_at or send_policy.system_clock(),
    )
    builder.cases[data.alert_id] = after
    if after.ended is None:
        after = _go_on(builder, before, after, data)
    else:
        after = _end(builder, after, data)
    after = follow(builder, before, after)
    builder.keep(data.alert_id, after)
    was_open = before.alert is not None and before.ended is None
    if after.ended is None and not was_open and after.progress != "raised":
        builder.tell(after.progress, after)  # the manager was faster than the alert's own event
    return builder.decision()


def _go_on(builder: DecisionBuilder, before: AlertProgress, after: AlertProgress, alert: Alert) -> AlertProgress:
    policy = builder.send_policy.policy
    for message in builder.waiting(alert.alert_id):
        if before.ended is not None:
            builder.move(message, "cancelled", "reopened")
        elif alert.kind in policy.ladders and message.step != alert.stage:
            builder.move(message, "cancelled", "superseded")
    after = builder.cases[alert.alert_id]
    if alert.suppressed is not None:
        return after
    if alert.kind not in policy.ladders:
        return builder.plan(after, "opened")
    # Of what was held nothing has been sent.
    was_told = before.is_open and before.alert is not None and before.alert.suppressed is None
    known = before.alert.stage if was_told and before.alert is not None else None
    if policy.rank(alert.kind, alert.stage) > policy.rank(alert.kind, known):
        return builder.plan(after, alert.stage)
    return after


def _end(builder: DecisionBuilder, after: AlertProgress, alert: Alert) -> AlertProgress:
    for message in builder.waiting(alert.alert_id):
        if message.step != alert.outcome:
            builder.move(message, "cancelled", "resolved")
    return after if alert.suppressed is not None else builder.plan(after, alert.outcome)


def on_work(send_policy: SendPolicy, state: Customer | None, data: WorkItem, ctx: Context) -> Decision:
    """The work item of an alert: its id, and that its manager has accepted it or acted on it, has taken that back or
    has handed it over to one who has not."""
    builder = DecisionBuilder(send_policy, state, data.customer_id, ctx)
    before = builder.cases.get(data.alert_id, AlertProgress())
    recency = None if data.at is None else Recency(data.at, data.revision)
    if recency is not None and recency.is_passed_by(before.work_recency):
        return unchanged(state)
    is_new_again = data.state == "new" and ctx.type in (_RELEASED, _REASSIGNED)
    verb: AlertState | None = "raised" if is_new_again else _PROGRESS.get(data.state)
    after = replace(before, work_id=data.work_id, work_recency=recency)
    if verb is not None and (before.ended is None or ctx.type == _REOPENED or before.progress != "raised"):
        after = replace(after, progress=verb)
    if after == before:
        return unchanged(state)
    after = follow(builder, before, after)
    builder.keep(data.alert_id, after)
    if after.progress != before.progress and after.is_open:
        builder.tell("unacknowledged" if is_new_again else after.progress, after)
    return builder.decision()


# --- receipts and the clock ------------------------------------------------------------------------------------------


def on_receipt(send_policy: SendPolicy, state: Customer | None, data: ReceiptReceived, ctx: Context) -> Decision:
    """A delivery receipt. One that belongs to no message of this partition is asked of the next; where nobody is left
    to ask it is the only message's without an answer, or else kept for people to look at."""
    if data.sms_id is None:
        return replace(unchanged(state), **_of_nobody(data, ctx))
    if state is None:
        return unchanged(state)
    builder = DecisionBuilder(send_policy, state, state.customer_id, ctx)
    sending.receive(builder, data)
    return builder.decision()


def _of_nobody(data: ReceiptReceived, ctx: Context) -> dict[str, Any]:
    """What a decision says of a receipt that was not found here."""
    if left := data.to_ask[1:]:
        event = replace(data, to_ask=left)
        return {"events": (OutgoingEvent(ctx.type, event, subject=hidden(data.phone), partition=left[0]),)}
    if len(data.unanswered) == 1:
        ((sms_id, customer_id),) = data.unanswered.items()
        event = replace(data, sms_id=sms_id, customer_id=customer_id, to_ask=(), unanswered={})
        return {"events": (OutgoingEvent(ctx.type, event, subject=customer_id),)}
    document = {
        "message_id": data.message_id,
        "reference": data.reference,
        "phone": data.phone,
        "state": data.state,
        "error": data.error,
        "received_at": iso(data.received_at),
    }
    return {"writes": (DocumentWrite("unmatched_receipts", ctx.id, document),)}


def on_timer(send_policy: SendPolicy, state: Customer | None, ctx: Context) -> Decision:
    """A tick has come by behind everything accepted before it: decide on what is fresh or has waited long enough, and
    tell of what nobody has taken in hand."""
    if state is None:
        return Decision(None)
    builder = DecisionBuilder(send_policy, state, state.customer_id, ctx)
    decide(builder)
    climb(builder)
    return builder.decision()


Handler = Callable[[SendPolicy, Customer | None, Any, Context], Decision]

HANDLERS: dict[str, tuple[type, Handler]] = {
    "kam.boss.customer.changed.v1": (CustomerRecord, on_customer),
    "kam.boss.customer.left.v1": (Departure, on_left),
    "kam.boss.arrears.changed.v1": (ArrearsRecord, on_arrears),
    "kam.boss.arrears.confirmed.v1": (ArrearsConfirmed, on_arrears_confirmed),
    "kam.boss.payment.received.v1": (PaymentRecord, on_payment),
    "kam.boss.record.moved.v1": (MovedRecord, on_moved),
    "kam.alert.raised.v1": (Alert, on_alert),
    "kam.alert.changed.v1": (Alert, on_alert),
    "kam.alert.resolved.v1": (Alert, on_alert),
    "kam.alert.expired.v1": (Alert, on_alert),
    "kam.work.opened.v1": (WorkItem, on_work),
    "kam.work.accepted.v1": (WorkItem, on_work),
    "kam.work.acted.v1": (WorkItem, on_work),
    _RELEASED: (WorkItem, on_work),
    _REASSIGNED: (WorkItem, on_work),
    _REOPENED: (WorkItem, on_work),
    "kam.sms.receipt.received.v1": (ReceiptReceived, on_receipt),
    "kam.sms.subscriber.opted_out.v1": (OptedOut, on_opted_out),
    "kam.sms.subscriber.opted_in.v1": (OptedIn, on_opted_in),
    sending.INTEND: (sending.Intend, sending.on_intend),
    sending.HOLD: (sending.Hold, sending.on_hold),
    sending.CONFIRM: (sending.Confirm, sending.on_confirm),
    sending.ANSWERED: (sending.Answered, sending.on_answered),
    sending.LOST: (sending.Lost, sending.on_lost),
    handwritten.WRITE: (handwritten.Write, handwritten.on_write),
    to_oneself.SEND: (to_oneself.Send, to_oneself.on_send),
}
