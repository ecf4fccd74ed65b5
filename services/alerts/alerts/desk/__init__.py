"""The desk: alerts as people see them, and which SMS leaves when."""

from functools import partial

from alerts.desk.book import Book
from alerts.desk.handlers import HANDLERS, on_wake
from alerts.desk.state import Customer
from alerts.desk.turn import APP
from servicekit.app import On
from servicekit.pipeline import App, Effects


def app(book: Book, effects: Effects | None = None, partitions: int = 4) -> App:
    """The app as a unit runs it: key = customer id, ``effects`` (Ready, Blocked) are handed over after each commit."""
    return App(
        name=APP,
        service="alerts",
        state=Customer,
        handlers={type_: On(payload, partial(handle, book)) for type_, (payload, handle) in HANDLERS.items()},
        on_wake=partial(on_wake, book),
        clock_topics=("boss.events", "alert.events"),
        partitions=partitions,
        effects=effects,
    )
