"""Parts of the work rules (a document of manager-work) that others decide by as well: who is told when nothing happens,
and when nothing shall be told. Shapes alone; what is wrong with a document its owner says.
"""

from datetime import datetime
from typing import Annotated

from msgspec import Meta, Struct

from contracts.alert import Cause, Instant, Level, Severity

#: kind of document
WORK_RULES_KIND = "work_rules"
Hours = Annotated[int, Meta(ge=0, le=8760)]


class EscalationStep(Struct, frozen=True, forbid_unknown_fields=True):
    """Whom to tell when so many hours have gone by."""

    after_hours: Hours
    to: Level


class EscalationRule(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """For alerts of these ``kinds`` and ``severities`` (none named: all): ``steps`` in rising order. The first rule
    that fits an alert and a cause counts."""

    cause: Cause
    kinds: tuple[str, ...] = ()
    severities: tuple[Severity, ...] = ()
    steps: tuple[EscalationStep, ...]

    def fits(self, kind: str, severity: str) -> bool:
        """Whether it is about such alerts."""
        return (not self.kinds or kind in self.kinds) and (not self.severities or severity in self.severities)


class Window(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, rename={"from_": "from"}):
    """Maintenance: alerts of these ``kinds`` in these ``cities`` (none named: all) that are raised from ``from`` until
    ``to`` are held until its end."""

    from_: Instant
    to: Instant
    cities: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    reason: str

    def covers(self, kind: str, city: str | None, at: datetime) -> bool:
        """Whether an alert that is raised at this instant is held."""
        return (
            self.from_ <= at < self.to
            and (not self.kinds or kind in self.kinds)
            and (not self.cities or city in self.cities)
        )


class Flood(Struct, frozen=True, forbid_unknown_fields=True):
    """When more than ``more_than`` alerts would be told to one person within ``within_minutes``, the rest comes as one
    notice at the end of that time."""

    more_than: Annotated[int, Meta(ge=1, le=1000)]
    within_minutes: Annotated[int, Meta(ge=1, le=1440)]
