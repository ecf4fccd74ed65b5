"""Facts of BOSS, outcomes of managers and the business clock -> decisions about alerts. Pure; one table at the foot."""

from collections.abc import Callable
from operator import attrgetter
from typing import Any, get_args

from msgspec.structs import replace

from alerts.conditions.figures import CARRIED
from alerts.detection import (
    arrears,
    bounds,
    braking,
    churn,
    complaint,
    conditioned,
    contract,
    maintenance,
    why_not,
    whynot,
)
from alerts.detection.decision_builder import DecisionBuilder
from alerts.detection.months import month_of, month_of_instant
from alerts.detection.payloads import (
    ArrearsRecord,
    BalanceRecord,
    BillRecord,
    ComplaintRecord,
    ContractRecord,
    CustomerRecord,
    Departure,
    MovedRecord,
    PaymentRecord,
    RequestRecord,
    UsageRecord,
    WorkClosed,
)
from alerts.detection.rows import COLUMNS, is_row, packed, said, with_request, with_row, without_request
from alerts.detection.series import is_old, with_figure
from alerts.detection.state import CustomerState, Profile
from alerts.rules import Rules
from contracts.alert import ManagerOutcome
from servicekit.decision import Context, Decision

_OUTCOMES = frozenset(get_args(ManagerOutcome))

# --- customers ------------------------------------------------------------------------------------------------------


def on_customer(rules: Rules, state: CustomerState | None, data: CustomerRecord, ctx: Context) -> Decision:
    """The profile is known or has changed. Only its first arrival makes rules run; leaving ends what is open."""
    state = state or CustomerState(data.customer_id)
    old = state.profile
    left = data.status == "left" or (old is not None and old.left and data.status != "active")
    # A record that says no city does not move the customer out of the one he is known to be of.
    city = data.city or (old.city if old is not None else None)
    profile = Profile(data.status, city, data.area, data.opened_on, data.plan_code, data.manager_id, left=left)
    builder = DecisionBuilder(state, ctx, rules)
    builder.profile = profile
    _says(
        builder,
        kind=bounds.clipped(data.kind),
        district=bounds.clipped(data.district),
        brand=bounds.clipped(data.brand),
        monthly_fee_fen=data.monthly_fee_fen,
        credit_class=bounds.clipped(data.credit_class),
        role=bounds.clipped(data.role),
    )
    if left:
        _leave(builder)
    elif old is None:
        churn.look_at_all(builder)
        conditioned.look_at_all(builder)
        _look_at_clock(builder)
    elif old.left:
        arrears.come_back(builder)
        contract.pass_over(builder)
    _look_at_conditions(builder, "CUST")
    return _done(builder, state)


def on_left(rules: Rules, state: CustomerState | None, data: Departure, ctx: Context) -> Decision:
    """The customer left the network."""
    state = state or CustomerState(data.customer_id)
    builder = DecisionBuilder(state, ctx, rules)
    builder.profile = replace(state.profile or Profile(), status="left", left=True)
    _leave(builder)
    return _done(builder, state)


def _leave(builder: DecisionBuilder) -> None:
    for key, held in list(builder.alerts.items()):
        if held.outcome is None:
            builder.resolve(key, "left")
    builder.asked = ()
    # What no alert was raised for is forgotten: after a win-back only new facts count.
    if arrears.KEY not in builder.alerts:
        builder.debt = None
    builder.tickets = {
        i: t for i, t in builder.tickets.items() if f"complaint/{i}" in builder.alerts or t.status == "closed"
    }


# --- facts ----------------------------------------------------------------------------------------------------------


def _on_figure(kind: str) -> "Handler":
    """A bill or a usage summary: its first figure is what most rules ask for, the others are a row."""
    figure = CARRIED[kind]
    value_of, row_of = attrgetter(figure), attrgetter(*COLUMNS[kind])

    def on_figure(rules: Rules, state: CustomerState | None, data: Any, ctx: Context) -> Decision:
        # The hot path: most figures touch no alert, and then nothing else of the state is looked at.
        state = state or CustomerState(data.customer_id)
        month, value, row = month_of(data.period), value_of(data), row_of(data)
        known, rows = state.figures.get(figure), state.rows
        # A month that nobody has spoken of looks like one of which nothing was said: the row tells them apart.
        if (
            known is not None
            and is_old(known, month, value, ctx.revision)
            and (ctx.revision < known.revisions.get(month, 1) or is_row(rows.get(kind), month, row))
        ):
            return _unchanged(state)
        figures = state.figures.copy()
        figures[figure] = with_figure(known, month, value, ctx.revision)
        before = rows.get(kind)
        if (now := with_row(before, month, row)) is not before and now is not None:
            rows = rows.copy()
            rows[kind] = now
        after, profile = replace(state, figures=figures, rows=rows), state.profile
        if profile is None or profile.left:
            return Decision(after, timer_at=state.wake)
        if not (
            churn.is_touched(state, figures, month, rules)
            or ((rules.watching or state.judged) and conditioned.is_touched(rules, after, kind, month, row, ctx))
        ):
            return Decision(after, timer_at=state.wake)
        builder = DecisionBuilder(after, ctx, rules)
        churn.look_around(builder, month)
        conditioned.look_around(builder, kind, month)
        return _done(builder, state)

    return on_figure


def on_request(rules: Rules, state: CustomerState | None, data: RequestRecord, ctx: Context) -> Decision:
    """A request to stop or to ask about porting; before the profile is known it is remembered."""
    state = state or CustomerState(data.customer_id)
    cause = churn.request_cause(rules, data.kind, data.request_id, data.requested_at, ctx)
    asked = churn.without(state.asked, data.request_id)  # an earlier revision of it that still waits
    month = month_of_instant(data.requested_at)
    builder = DecisionBuilder(state, ctx, rules)
    builder.asked = asked
    builder.said = packed(with_request(said(state.said), data.request_id, data.requested_at, builder.now))
    if cause is None or (state.profile is not None and state.profile.left):
        pass
    elif builder.may_raise:
        churn.ask(builder, month, cause)
    else:
        builder.asked = churn.remember(builder.asked, month, cause)
    _look_at_conditions(builder, "SERV")
    return _done(builder, state)


def on_arrears(rules: Rules, state: CustomerState | None, data: ArrearsRecord, ctx: Context) -> Decision:
    """What the customer owes."""
    if data.amount_fen == 0 and (state is None or (state.debt is None and not _may_look(rules, state, "ARR"))):
        return _unchanged(state)
    state = state or CustomerState(data.customer_id)
    builder = DecisionBuilder(state, ctx, rules)
    arrears.owe(builder, data.amount_fen, data.oldest_due_on, bool(data.suspended))
    _look_at_conditions(builder, "ARR")
    return _done(builder, state)


def on_complaint(rules: Rules, state: CustomerState | None, data: ComplaintRecord, ctx: Context) -> Decision:
    """How a complaint stands."""
    state = state or CustomerState(data.customer_id)
    builder = DecisionBuilder(state, ctx, rules)
    complaint.report(builder, data.complaint_id, data.status, data.opened_at, data.category, data.severity)
    _look_at_conditions(builder, "COMP")
    return _done(builder, state)


def on_contract(rules: Rules, state: CustomerState | None, data: ContractRecord, ctx: Context) -> Decision:
    """How a contract stands."""
    state = state or CustomerState(data.customer_id)
    builder = DecisionBuilder(state, ctx, rules)
    contract.agree(builder, data.contract_id, data.ends_on, data.product_code)
    _look_at_conditions(builder, "CONT")
    return _done(builder, state)


def on_moved(rules: Rules, state: CustomerState | None, data: MovedRecord, ctx: Context) -> Decision:
    """A record belongs to another customer now: here its alert, or its reason, is withdrawn."""
    state = state or CustomerState(data.customer_id)
    builder = DecisionBuilder(state, ctx, rules)
    if data.kind == "CONT":
        contract.move_away(builder, data.record_id)
    elif data.kind == "COMP":
        complaint.move_away(builder, data.record_id)
    elif data.kind == "SERV":
        churn.take_back(builder, data.record_id)
        builder.said = packed(without_request(said(state.said), data.record_id))
    return _done(builder, state)


def on_balance(rules: Rules, state: CustomerState | None, data: BalanceRecord, ctx: Context) -> Decision:
    """What the customer has left."""
    builder = DecisionBuilder(state or CustomerState(data.customer_id), ctx, rules)
    _says(builder, balance_fen=data.balance_fen)
    _look_at_conditions(builder, "BAL")
    return _done(builder, state or CustomerState(data.customer_id))


def on_payment(rules: Rules, state: CustomerState | None, data: PaymentRecord, ctx: Context) -> Decision:
    """A payment: no figure, but conditions may look on it."""
    state = state or CustomerState(data.customer_id)
    if state.profile is None and "PAY" not in state.heard:
        # Nothing of it is remembered but that one came: once the customer is known, all rules run.
        state = bounds.hear(state, "PAY", bounds.recency_of(ctx) or (0, 0))
    if not _may_look(rules, state, "PAY"):
        return _unchanged(state)
    builder = DecisionBuilder(state, ctx, rules)
    _look_at_conditions(builder, "PAY")
    return _done(builder, state)


def _says(builder: DecisionBuilder, **told: Any) -> None:
    builder.said = packed(replace(said(builder.said), **told))


def _look_at_conditions(builder: DecisionBuilder, kind: str) -> None:
    """A record that is not of a month came: conditions that look on it judge the month of the business clock."""
    if _may_look(builder.rules, builder, kind) and builder.may_raise and builder.clock_known:
        conditioned.look_around(builder, kind, month_of_instant(builder.now))


def _may_look(rules: Rules, state: CustomerState | DecisionBuilder, kind: str) -> bool:
    """Whether a condition may look on such a record: one in force, or one that has judged this customer, by which that
    goes on though it was changed or stopped."""
    return kind in rules.watching or bool(state.judged)


# --- outcomes and the clock -----------------------------------------------------------------------------------------


def on_work_closed(rules: Rules, state: CustomerState | None, data: WorkClosed, ctx: Context) -> Decision:
    """A manager's outcome ends the alert; items that closed because their alert had ended carry nobody's name."""
    if state is None or data.by is None or data.outcome is None or data.outcome not in _OUTCOMES:
        return _unchanged(state)
    found = (k for k, held in state.alerts.items() if held.alert_id == data.alert_id and held.outcome is None)
    key = next(found, None)
    if key is None:
        return _unchanged(state)
    held = state.alerts[key]
    # A word that came late: of before the alert was opened (again), or older than what was heard of the work item.
    is_of_before = data.at is not None and held.opened_at is not None and data.at < held.opened_at
    if is_of_before or 0 < data.revision <= held.work_revision:
        return _unchanged(state)
    builder = DecisionBuilder(state, ctx, rules)
    builder.resolve(key, data.outcome, by=data.by, work_revision=data.revision)
    return _done(builder, state)


def on_timer(rules: Rules, state: CustomerState | None, ctx: Context) -> Decision:
    """The business clock has reached a step: look at everything that ages."""
    if state is None:
        return Decision(None)
    if state.brake is not None:
        return braking.on_timer(rules, state, ctx)
    builder = DecisionBuilder(state, ctx, rules)
    _look_at_clock(builder)
    return _done(builder, state)


def _look_at_clock(builder: DecisionBuilder) -> None:
    arrears.look(builder)
    for complaint_id in builder.tickets:
        complaint.look(builder, complaint_id)
    for contract_id in builder.terms:
        contract.look(builder, contract_id)
    maintenance.look(builder)


def _done(builder: DecisionBuilder, before: CustomerState) -> Decision:
    for part in (churn, conditioned, complaint, contract):
        part.forget(builder)
    # A step that is due but not yet taken (its tick is still to come) stays due.
    if not builder.waking and before.wake is not None and before.wake <= builder.now:
        return builder.decision(before.wake)
    if not builder.may_raise:
        return builder.decision(None)
    steps = (arrears.wake(builder), complaint.wake(builder), contract.wake(builder), maintenance.wake(builder))
    return builder.decision(min((at for at in steps if at is not None), default=None))


def _unchanged(state: CustomerState | None) -> Decision:
    return Decision(state, timer_at=None if state is None else state.wake)


Handler = Callable[[Rules, CustomerState | None, Any, Context], Decision]


def _newest(record_of: Callable[[Any], str], handle: Handler) -> Handler:
    """The handler that hears only what is newer than all it heard of the same record."""

    def heed(rules: Rules, state: CustomerState | None, data: Any, ctx: Context) -> Decision:
        state = state or CustomerState(data.customer_id)
        record, recency = record_of(data), bounds.recency_of(ctx)
        if recency is None:
            return handle(rules, state, data, ctx)
        if bounds.is_old(state, record, recency):
            return _unchanged(state)
        return handle(rules, bounds.hear(state, record, recency), data, ctx)

    return heed


HANDLERS: dict[str, tuple[type, Handler]] = {
    "kam.boss.customer.changed.v1": (CustomerRecord, _newest(lambda _: "CUST", on_customer)),
    "kam.boss.customer.left.v1": (Departure, _newest(lambda _: "CUST", on_left)),
    "kam.boss.bill.issued.v1": (BillRecord, _on_figure("BILL")),
    "kam.boss.usage.summarised.v1": (UsageRecord, _on_figure("USAGE")),
    "kam.boss.service.requested.v1": (RequestRecord, _newest(lambda d: f"SERV/{d.request_id}", on_request)),
    "kam.boss.arrears.changed.v1": (ArrearsRecord, _newest(lambda _: "ARR", on_arrears)),
    "kam.boss.complaint.changed.v1": (ComplaintRecord, _newest(lambda d: f"COMP/{d.complaint_id}", on_complaint)),
    "kam.boss.contract.changed.v1": (ContractRecord, _newest(lambda d: f"CONT/{d.contract_id}", on_contract)),
    "kam.boss.record.moved.v1": (MovedRecord, _newest(lambda d: f"{d.kind}/{d.record_id}", on_moved)),
    "kam.boss.balance.changed.v1": (BalanceRecord, _newest(lambda _: "BAL", on_balance)),
    "kam.boss.payment.received.v1": (PaymentRecord, on_payment),
    "kam.work.closed.v1": (WorkClosed, on_work_closed),
    why_not.ASK: (why_not.Ask, why_not.on_ask),
    whynot.ASK: (whynot.Ask, whynot.on_ask),
}
