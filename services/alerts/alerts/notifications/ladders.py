"""Who is told when nothing happens to an alert: rules of escalation as staff write them, and the times that follow.
Pure."""

from collections.abc import Sequence
from datetime import datetime

import msgspec
from msgspec import Struct

from contracts.alert import Alert, Cause, Escalation
from contracts.work_rules import WORK_RULES_KIND, EscalationRule
from servicekit.calendar import CALENDAR_KIND, Calendars
from servicekit.documents.in_force import Edition

#: kinds of documents that say so
KINDS = frozenset({WORK_RULES_KIND, CALENDAR_KIND})


class Step(Struct, frozen=True):
    """What is told of an open alert at an instant, unless something happens before."""

    at: datetime
    escalation: Escalation


class _WorkRules(Struct, frozen=True):
    """What is taken of the work rules."""

    escalation: tuple[EscalationRule, ...] = ()


class Ladders(Struct, frozen=True):
    """Rules of escalation in force, and the calendars that count their hours."""

    rules: tuple[EscalationRule, ...] = ()
    calendars: Calendars = Calendars()

    def steps(self, alert: Alert, cause: Cause, since: datetime) -> tuple[Step, ...]:
        """What an alert has before it whose clock begins now, by rising time."""
        rule = next((r for r in self.rules if r.cause == cause and r.fits(alert.kind, alert.severity)), None)
        found = []
        for step in () if rule is None else rule.steps:
            at, calendar = self.calendars.due(alert.kind, since, 3600 * step.after_hours)
            found.append(Step(at, Escalation(
                level=step.to, cause=cause, hours=step.after_hours, since=since, calendar=calendar
            )))  # fmt: skip
        return tuple(found)


def ladders_of(editions: Sequence[Edition]) -> Ladders:
    """What switches make. Raises ``ValueError``, ``msgspec.ValidationError``."""
    rules = [each.document for each in editions if (each.kind, each.state) == (WORK_RULES_KIND, "active")]
    found = msgspec.convert(rules[-1], _WorkRules) if rules else _WorkRules()
    return Ladders(found.escalation, Calendars.of_editions(editions))
