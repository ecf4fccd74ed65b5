"""Maintenance windows: what is raised in one is held until its end, and told of then if it is still open and no other
window holds it on: one that has begun by then, as windows that touch or overlap do. Pure."""

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


def held_on(held: TrackedAlert, windows: Sequence[Window], now: datetime) -> Suppressed | None:
    """By what an open alert is held from now on: by its window until that ends; then by another that holds such alerts
    now, if there is one. An alert that was told of is held by none."""
    if held.suppressed is None or held.suppressed.until > now:
        return held.suppressed
    return held_by(windows, held.kind, held.city, now)


def look(builder: "DecisionBuilder") -> None:
    """Tell of what was held and is still open; of what is held on, until when."""
    for key, held in list(builder.alerts.items()):
        if held.outcome is None and held_on(held, builder.rules.maintenance, builder.now) != held.suppressed:
            builder.change(key)


def wake(builder: "DecisionBuilder") -> datetime | None:
    """The next end of a window that holds something open."""
    ends = [held.suppressed.until for held in builder.alerts.values() if held.suppressed and held.outcome is None]
    return min((at for at in ends if at > builder.now), default=None)
