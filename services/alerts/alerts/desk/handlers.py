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

from alerts.desk import sending
from alerts.desk.book import Book, Language
from alerts.desk.decide import cancel_left, cancel_paid, decide
from alerts.desk.state import Blocked, Case, Customer, Recency
from alerts.desk.turn import Turn, unchanged
from contracts.alert import Alert, OptedOut, ReceiptReceived
from contracts.boss import ArrearsConfirmed
from servicekit.clock import end_of, iso
from servicekit.decision import Context, Decision, Row
from servicekit.envelope import parse_time

log = structlog.get_logger()
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


def on_customer(book: Book, state: Customer | None, data: CustomerRecord, ctx: Context) -> Decision:
    """How to reach the customer; leaving cancels what waits, and only ``active`` brings them back."""
    turn = Turn(book, state, data.customer_id, ctx)
    before = turn.contact
    if _is_overtaken(ctx, before.recency):
        return unchanged(state)
    turn.contact = replace(
        before,
        name=data.name,
        phone=book.policy.e164(data.phone),
        language=data.language or "zh",
        do_not_disturb=bool(data.do_not_disturb),
        left=data.status == "left" or (before.left and data.status != "active"),
        recency=_recency(ctx) or before.recency,
    )
    if turn.contact.phone != before.phone:
        phone = turn.contact.phone
        known = None if phone is None else {"customer_id": data.customer_id, "phone": phone}
        turn.row(Row("contacts", data.customer_id, known, new=before.phone is None))
    if turn.contact.left:
        cancel_left(turn)
    return turn.decision()


def on_left(book: Book, state: Customer | None, data: Departure, ctx: Context) -> Decision:
    """The customer left the network."""
    turn = Turn(book, state, data.customer_id, ctx)
    if _is_overtaken(ctx, turn.contact.recency):
        return unchanged(state)
    turn.contact = replace(turn.contact, left=True, recency=_recency(ctx) or turn.contact.recency)
    cancel_left(turn)
    return turn.decision()


# --- debt -----------------------------------------------------------------------------------------------------------


def on_arrears(book: Book, state: Customer | None, data: ArrearsRecord, ctx: Context) -> Decision:
    """What BOSS says is owed; payments up to its effective time are in it."""
    turn = Turn(book, state, data.customer_id, ctx)
    if _is_overtaken(ctx, turn.debt.recency):
        return unchanged(state)
    day_end = end_of(data.as_of)
    effective = min(parse_time(ctx.time), day_end) if ctx.time else day_end
    turn.debt = replace(turn.debt, amount_fen=data.amount_fen, recency=_recency(ctx) or turn.debt.recency)
    _in_it_until(turn, effective)
    return turn.decision()


def on_arrears_confirmed(book: Book, state: Customer | None, data: ArrearsConfirmed, ctx: Context) -> Decision:
    """BOSS says the same at a later time: payments up to then are in it."""
    turn = Turn(book, state, data.customer_id, ctx)
    if _is_overtaken(ctx, turn.debt.recency):
        return unchanged(state)
    turn.debt = replace(turn.debt, recency=_recency(ctx) or turn.debt.recency)
    _in_it_until(turn, data.confirmed_at)
    return turn.decision()


def _in_it_until(turn: Turn, effective: datetime) -> None:
    payments = {id: paid for id, paid in turn.debt.payments.items() if paid[0] > effective}
    turn.debt = replace(turn.debt, effective=effective, payments=payments)
    cancel_paid(turn)


def on_payment(book: Book, state: Customer | None, data: PaymentRecord, ctx: Context) -> Decision:
    """A payment, or its correction: later than the last ARR it lowers the debt that SMS look at."""
    return _on_payment(book, state, data.customer_id, ctx, data.payment_id, (data.paid_at, data.amount_fen))


def on_moved(book: Book, state: Customer | None, data: MovedRecord, ctx: Context) -> Decision:
    """A record is another customer's now: a payment no longer counts here. What else moves, its alert tells us."""
    if data.kind != "PAY":
        return unchanged(state)
    return _on_payment(book, state, data.customer_id, ctx, data.record_id, None)


def _on_payment(
    book: Book, state: Customer | None, customer_id: str, ctx: Context, id_: str, paid: tuple[datetime, int] | None
) -> Decision:
    turn = Turn(book, state, customer_id, ctx)
    debt, since = turn.debt, _counted_since(turn)
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
    turn.debt = replace(debt, payments=payments, corrected=corrected)
    cancel_paid(turn)
    return turn.decision()


def _folded(payments: dict[str, tuple[datetime, int]]) -> dict[str, tuple[datetime, int]]:
    """A bound: beyond it the oldest are one sum, which a correction of theirs no longer finds."""
    if len(payments) <= _MOST_PAYMENTS:
        return payments
    *_, latest = oldest = sorted(payments, key=lambda id: payments[id][0])[: len(payments) - _MOST_PAYMENTS + 1]
    log.warning("payments.folded", payments=len(payments))
    rest = {id: paid for id, paid in payments.items() if id not in oldest}
    return rest | {latest: (payments[latest][0], sum(payments[id][1] for id in oldest))}


def _counted_since(turn: Turn) -> datetime:
    """Time after which payments count. Without a debt they are kept for a while: its ARR may come after them."""
    debt = turn.debt
    oldest = turn.ctx.now - timedelta(days=turn.book.policy.payments_kept_days)
    if debt.effective is None:
        return oldest
    return debt.effective if debt.amount_fen > 0 else max(debt.effective, oldest)


# --- alerts ---------------------------------------------------------------------------------------------------------


def on_alert(book: Book, state: Customer | None, data: Alert, ctx: Context) -> Decision:
    """The detector says how an alert stands now: plan what its new step sends, cancel what it has overtaken."""
    turn = Turn(book, state, data.customer_id, ctx)
    before = turn.cases.get(data.alert_id, Case())
    recency = Recency(data.at, data.revision)
    if recency.is_passed_by(before.recency):
        return unchanged(state)
    after = replace(
        before,
        alert=data,
        recency=recency,
        ended=data.state if data.state in ("resolved", "expired") else None,
        progress="raised" if before.ended is not None or data.reopened else before.progress,
        recorded_at=before.recorded_at or book.wall(),
    )
    turn.cases[data.alert_id] = after
    if after.ended is None:
        after = _go_on(turn, before, after, data)
    else:
        after = _end(turn, after, data)
    turn.keep(data.alert_id, after)
    if before.alert is None and before.ended is None and after.progress != "raised":
        turn.tell(after.progress, after)  # the manager was faster than the alert's own event
    return turn.decision()


def _go_on(turn: Turn, before: Case, after: Case, alert: Alert) -> Case:
    policy = turn.book.policy
    for message in turn.waiting(alert.alert_id):
        if before.ended is not None:
            turn.move(message, "cancelled", "reopened")
        elif alert.kind in policy.ladders and message.step != alert.stage:
            turn.move(message, "cancelled", "superseded")
    if alert.kind not in policy.ladders:
        return turn.plan(after, "opened")
    known = before.alert.stage if before.is_open and before.alert is not None else None
    if policy.rank(alert.kind, alert.stage) > policy.rank(alert.kind, known):
        return turn.plan(after, alert.stage)
    return after


def _end(turn: Turn, after: Case, alert: Alert) -> Case:
    for message in turn.waiting(alert.alert_id):
        if message.step != alert.outcome:
            turn.move(message, "cancelled", "resolved")
    return turn.plan(after, alert.outcome)


def on_work(book: Book, state: Customer | None, data: WorkItem, ctx: Context) -> Decision:
    """The work item of an alert: its id, and that its manager has accepted it or acted on it."""
    turn = Turn(book, state, data.customer_id, ctx)
    before = turn.cases.get(data.alert_id, Case())
    recency = None if data.at is None else Recency(data.at, data.revision)
    if recency is not None and recency.is_passed_by(before.work_recency):
        return unchanged(state)
    verb = {"accepted": "acknowledged", "acted": "acted"}.get(data.state)
    after = replace(before, work_id=data.work_id, work_recency=recency)
    if before.ended is None and verb is not None:
        after = replace(after, progress=verb)
    if after == before:
        return unchanged(state)
    turn.keep(data.alert_id, after)
    if after.progress != before.progress and after.alert is not None:
        turn.tell(after.progress, after)
    return turn.decision()


# --- the subscriber's word and the clock ------------------------------------------------------------------------------


def on_opted_out(book: Book, state: Customer | None, data: OptedOut, ctx: Context) -> Decision:
    """TD: the number gets no more SMS, whoever owns it. Without a customer (key = the number) only the row is kept."""
    row = Row("blocked_numbers", data.phone, {"phone": data.phone, "since": iso(data.received_at)})
    effects = (Blocked(data.phone),)
    if state is None:
        return Decision(None, rows=(row,), effects=effects)
    turn = Turn(book, state, state.customer_id, ctx)
    turn.contact = replace(turn.contact, opted_out=data.phone)
    turn.row(row)
    turn.effects.extend(effects)
    return turn.decision()


def on_receipt(book: Book, state: Customer | None, data: ReceiptReceived, ctx: Context) -> Decision:
    """A delivery receipt; one that belongs to no known message is kept for people to look at."""
    if data.sms_id is None:
        document = {
            "message_id": data.message_id,
            "reference": data.reference,
            "phone": data.phone,
            "state": data.state,
            "error": data.error,
            "received_at": iso(data.received_at),
        }
        return Decision(state, wake_at=unchanged(state).wake_at, rows=(Row("unmatched_receipts", ctx.id, document),))
    if state is None:
        return unchanged(state)
    turn = Turn(book, state, state.customer_id, ctx)
    sending.receive(turn, data)
    return turn.decision()


def on_wake(book: Book, state: Customer | None, ctx: Context) -> Decision:
    """A tick has come by behind everything accepted before it: decide on what is fresh or has waited long enough."""
    if state is None:
        return Decision(None)
    turn = Turn(book, state, state.customer_id, ctx)
    decide(turn)
    return turn.decision()


Handler = Callable[[Book, Customer | None, Any, Context], Decision]

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
    "kam.work.reopened.v1": (WorkItem, on_work),
    "kam.sms.receipt.received.v1": (ReceiptReceived, on_receipt),
    "kam.sms.subscriber.opted_out.v1": (OptedOut, on_opted_out),
    sending.INTEND: (sending.Intend, sending.on_intend),
    sending.CONFIRM: (sending.Confirm, sending.on_confirm),
    sending.ANSWERED: (sending.Answered, sending.on_answered),
    sending.LOST: (sending.Lost, sending.on_lost),
}
