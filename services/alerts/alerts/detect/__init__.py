"""The detector: what BOSS says of a customer, and the business clock, in; alerts raised, changed and resolved, out."""

from functools import partial

from alerts.detect.handlers import HANDLERS, on_wake
from alerts.detect.state import State
from alerts.detect.turn import APP
from alerts.rules import Rules
from servicekit.app import On
from servicekit.pipeline import App


def app(rules: Rules, partitions: int = 4) -> App:
    """The app as a unit runs it: inputs boss.events and work.events, key = customer id, events on alert.events."""
    return App(
        name=APP,
        service="alerts",
        state=State,
        handlers={type_: On(payload, partial(handle, rules)) for type_, (payload, handle) in HANDLERS.items()},
        on_wake=partial(on_wake, rules),
        clock_topics=("boss.events",),
        forward_clock_to="alert.events",
        partitions=partitions,
    )
