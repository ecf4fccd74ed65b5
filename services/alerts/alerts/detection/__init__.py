"""Detection: what BOSS says of a customer, and the business clock, in; alerts raised, changed and resolved, out."""

from functools import partial

from alerts.detection.decision_builder import APP
from alerts.detection.handlers import HANDLERS, on_timer
from alerts.detection.state import CustomerState
from alerts.rules import Rules
from contracts import DEFAULT_PARTITIONS
from servicekit.app import App, Effects, HandlerEntry


def app(rules: Rules, partitions: int = DEFAULT_PARTITIONS, effects: Effects | None = None) -> App:
    """The app as a processor runs it: inputs boss.events and work.events, key = customer id, events on alert.events."""
    return App(
        name=APP,
        service="alerts",
        state=CustomerState,
        handlers={
            type_: HandlerEntry(payload, partial(handle, rules)) for type_, (payload, handle) in HANDLERS.items()
        },
        on_timer=partial(on_timer, rules),
        clock_topics=("boss.events",),
        forward_clock_to="alert.events",
        partitions=partitions,
        effects=effects,
        behind=0.02,  # the intake's records of the beat are there by then
    )
