"""Maintenance windows: what is raised in one is held until its end, and told of then if it is still open. Pure."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from alerts.detection.state import TrackedAlert
from contracts.alert import Suppressed
from contracts.work_rules import Window

if TYPE_CHECKING:
    from alerts.detection.decision_builder import DecisionBuilder


def held_by(windows: Sequence[Window], kind: str, city: str | None, at: datetime) -> Suppressed | None:
    """By what an alert that is raised now is held: of several windows the one that ends last."""
    found = [window for window in windows if window.covers(kind, city, at)]
    last = max(found, key=lambda window: window.to, default=None)
    return None if last is None else Suppressed(reason=last.reason, until=last.to)


def is_over(held: TrackedAlert, now: datetime) -> bool:
    """Whether an alert was held by a window that has ended."""
    return held.suppressed is not None and held.suppressed.until <= now


def look(builder: "DecisionBuilder") -> None:
    """Tell of what was held and is still open."""
    for key, held in list(builder.alerts.items()):
        if held.outcome is None and is_over(held, builder.now):
            builder.change(key)


def wake(builder: "DecisionBuilder") -> datetime | None:
    """The next end of a window that holds something open."""
    ends = [held.suppressed.until for held in builder.alerts.values() if held.suppressed and held.outcome is None]
    return min((at for at in ends if at > builder.now), default=None)
