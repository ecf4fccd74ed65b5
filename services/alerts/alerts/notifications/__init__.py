"""Notifications: alerts as people see them, which SMS leaves when, and the road to the SMSC and back."""

from functools import partial

from alerts.notifications.decision_builder import APP
from alerts.notifications.handlers import HANDLERS, on_timer
from alerts.notifications.send_policy import SendPolicy
from alerts.notifications.state import Customer, entries
from contracts import DEFAULT_PARTITIONS
from servicekit.app import App, Effects, HandlerEntry


def app(send_policy: SendPolicy, effects: Effects | None = None, partitions: int = DEFAULT_PARTITIONS) -> App:
    """The app as a processor runs it: key = customer id; ``effects`` (ReadyToSend, NumberBlocked) are handed over
    after each commit.
    """
    return App(
        name=APP,
        service="alerts",
        state=Customer,
        handlers={
            type_: HandlerEntry(payload, partial(handle, send_policy)) for type_, (payload, handle) in HANDLERS.items()
        },
        on_timer=partial(on_timer, send_policy),
        clock_topics=("boss.events", "alert.events"),
        partitions=partitions,
        effects=effects,
        behind=0.06,  # detection's alerts of the same beat are there by then
        index=entries,
    )
