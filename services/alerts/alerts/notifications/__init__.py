"""Notifications: alerts as people see them, which SMS leaves when, and the road to the SMSC and back."""

from collections.abc import Callable
from typing import Any

from alerts.notifications.decision_builder import APP
from alerts.notifications.handlers import HANDLERS, Handler, on_timer
from alerts.notifications.ladders import KINDS as LADDERS
from alerts.notifications.send_policy import POLICY_KIND, TEMPLATE_KIND, SendPolicy
from alerts.notifications.state import Customer, entries
from contracts import DEFAULT_PARTITIONS
from servicekit.app import App, Effects, HandlerEntry
from servicekit.decision import Context, Decision
from servicekit.documents.in_force import Taken

KINDS = frozenset({POLICY_KIND, TEMPLATE_KIND}) | LADDERS


def _by_what_is_in_force(
    send_policy: SendPolicy, handle: Handler
) -> Callable[[Customer | None, Any, Context], Decision]:
    """The handler, by the policy and texts at the place of each message in the log; before any switch by these."""

    def judge(state: Customer | None, data: Any, ctx: Context) -> Decision:
        return handle(ctx.in_force or send_policy, state, data, ctx)

    return judge


def app(send_policy: SendPolicy, effects: Effects | None = None, partitions: int = DEFAULT_PARTITIONS) -> App:
    """The app as a processor runs it: key = customer id; ``effects`` (ReadyToSend, HeldBack, Said) are handed over
    after each commit.
    """
    return App(
        name=APP,
        service="alerts",
        state=Customer,
        handlers={
            type_: HandlerEntry(payload, _by_what_is_in_force(send_policy, handle))
            for type_, (payload, handle) in HANDLERS.items()
        },
        on_timer=lambda state, ctx: on_timer(ctx.in_force or send_policy, state, ctx),
        documents=Taken(KINDS, send_policy.switched, newest_only=KINDS),
        clock_topics=("boss.events", "alert.events"),
        partitions=partitions,
        effects=effects,
        light_pace=0.05,
        behind=0.07,  # where detection has nothing to say in a beat
        follows="alerts-detect",
        index=entries,
    )
