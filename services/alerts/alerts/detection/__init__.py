"""Detection: what BOSS says of a customer, and the business clock, in; alerts raised, changed and resolved, out."""

from collections.abc import Callable
from typing import Any

from alerts import customer_lists
from alerts.detection import braking, shadow
from alerts.detection.decision_builder import APP
from alerts.detection.handlers import HANDLERS, Handler, on_timer
from alerts.detection.state import CustomerState
from alerts.rules import KIND, Rules, read_taken
from contracts import DEFAULT_PARTITIONS
from contracts.brake import KIND as BRAKE
from contracts.work_rules import WORK_RULES_KIND
from servicekit.app import App, Effects, HandlerEntry
from servicekit.calendar import CALENDAR_KIND
from servicekit.decision import Context, Decision
from servicekit.documents.in_force import Taken

#: besides rules; no alert refers to a version of these
_NEWEST_ONLY = frozenset({customer_lists.KIND, CALENDAR_KIND, WORK_RULES_KIND, BRAKE})


def _by_what_is_in_force(
    type_: str, rules: Rules, handle: Handler
) -> Callable[[CustomerState | None, Any, Context], Decision]:
    """The handler, judging each message by the rules at its place in the log; before any switch by these."""

    def judge(state: CustomerState | None, data: Any, ctx: Context) -> Decision:
        return handle(ctx.in_force or rules, state, data, ctx)

    def judge_beside(state: CustomerState | None, data: Any, ctx: Context) -> Decision:
        in_force = ctx.in_force or rules
        decided = handle(in_force, state, data, ctx)
        if in_force.has_shadow or (state is not None and state.shadow is not None):
            return shadow.judge(in_force, handle, state, data, ctx, decided)
        return decided

    # Rules in shadow look at what BOSS says; what managers do and staff ask is about alerts that count.
    return judge_beside if type_.startswith("kam.boss.") else judge


def app(rules: Rules, partitions: int = DEFAULT_PARTITIONS, effects: Effects | None = None) -> App:
    """The app as a processor runs it: inputs boss.events and work.events, key = customer id, events on alert.events."""
    return App(
        name=APP,
        service="alerts",
        state=CustomerState,
        handlers={
            type_: HandlerEntry(payload, _by_what_is_in_force(type_, rules, handle))
            for type_, (payload, handle) in {**HANDLERS, **braking.HANDLERS}.items()
        },
        on_timer=lambda state, ctx: on_timer(ctx.in_force or rules, state, ctx),
        clock_topics=("boss.events",),
        forward_clock_to="alert.events",
        partitions=partitions,
        effects=effects,
        light_pace=0.05,
        behind=0.03,  # the intake's records of the beat are there by then, also where its commit takes twice as long
        documents=Taken(frozenset({KIND}) | _NEWEST_ONLY, rules.switched, newest_only=_NEWEST_ONLY, read=read_taken),
    )
