"""Complaints: one alert a complaint, with a clock of its own that starts again when BOSS reopens it."""

from datetime import datetime, timedelta
from typing import Any, NamedTuple

from alerts.detection.bounds import FOLLOWED, clipped
from alerts.detection.decision_builder import DecisionBuilder
from alerts.detection.state import AlertReason, TrackedAlert, TrackedComplaint
from alerts.rules import Complaint
from contracts.alert import CalendarRef
from servicekit.clock import in_range, later
from servicekit.envelope import parse_time
from servicekit.ids import derive

KIND = "complaint_opened"


class Clock(NamedTuple):
    """When a complaint is due and due soon; ``calendar``: by which, None: every hour counts."""

    due_at: datetime
    soon_at: datetime
    calendar: CalendarRef | None

    @property
    def kept(self) -> dict[str, Any]:
        """What an alert keeps of it; in plain hours, when it is due soon follows from when it is due."""
        return {**self._asdict(), "soon_at": self.soon_at if self.calendar is not None else None}


def report(
    builder: DecisionBuilder,
    complaint_id: str,
    status: str,
    opened_at: datetime,
    category: str | None,
    severity: int | None,
) -> None:
    """BOSS says how a complaint stands now."""
    owner = builder.ctx.owner_revision
    before = builder.tickets.get(complaint_id)
    if before is not None and before.owner != owner:
        move_away(builder, complaint_id)  # it was elsewhere in between, whenever we hear of that
        before = None
    if before is None and builder.profile is not None and builder.profile.left:
        return
    # What is no longer followed was closed.
    was_closed = before.status == "closed" if before is not None else _alert_id(complaint_id, owner) in builder.ended
    is_closed = status == "closed"
    turning = status == "reopened" and (before is None or before.status != "reopened")
    restarts = not is_closed and (was_closed or turning)
    ticket = TrackedComplaint(
        status=status,
        clock_from=_effective(builder)
        if restarts
        else before.clock_from
        if before is not None
        else in_range(opened_at),
        reopened=restarts or (before is not None and before.reopened),
        values={
            "complaint_id": complaint_id,
            "opened_at": opened_at.isoformat(),
            "category": clipped(category),
            "complaint_severity": severity,
        },
        evidence=builder.ctx.id,
        seen_at=builder.now,
        owner=owner,
        unjudged=not builder.may_raise and not is_closed and (was_closed or (before is not None and before.unjudged)),
    )
    builder.tickets[complaint_id] = ticket
    held = builder.alerts.get(_key(complaint_id))
    if is_closed:
        if held is not None and held.outcome is None:
            builder.resolve(_key(complaint_id), "closed")
    elif held is None:
        look(builder, complaint_id)
    elif builder.may_raise and (
        was_closed
        or held.outcome == "left"
        or (before is not None and before.unjudged)
        or (restarts and held.outcome is None)
    ):
        _restart(builder, complaint_id, held)


def move_away(builder: DecisionBuilder, complaint_id: str) -> None:
    """The complaint is another customer's now: here it is gone, and its alert with it."""
    builder.tickets.pop(complaint_id, None)
    held = builder.alerts.get(_key(complaint_id))
    if held is not None:
        if held.outcome is None:
            builder.resolve(_key(complaint_id), "withdrawn")
        del builder.alerts[_key(complaint_id)]


def look(builder: DecisionBuilder, complaint_id: str) -> None:
    """Bring the alert of a complaint in line with the clock."""
    ticket, key = builder.tickets[complaint_id], _key(complaint_id)
    held = builder.alerts.get(key)
    if ticket.status == "closed" or not builder.may_raise or (held is not None and held.outcome is not None):
        return
    if held is None:
        rule = builder.rules.complaint
        if builder.waking or rule.id in builder.rules.stopped:
            return  # only a record raises; time alone moves what was raised
        clock = _clock(builder, rule, ticket)
        stage = _stage_at(ticket, clock, builder.now)
        reasons, severity = _reasons(rule, ticket), rule.severity[stage]
        parts = _parts(complaint_id, ticket.owner)
        builder.raise_(key, KIND, parts, reasons, severity, stage=stage, **clock.kept)
        return
    rule = _version(builder, held)
    stage = _stage_at(ticket, _clock_of(rule, ticket, held), builder.now)
    if stage != held.stage:
        builder.change(key, stage=stage, severity=rule.severity[stage], reasons=_reasons(rule, ticket))


def _stage_at(ticket: TrackedComplaint, clock: Clock, now: datetime) -> str:
    """Stage by the share of the time that is gone."""
    if now >= clock.due_at:
        return "overdue"
    if now >= clock.soon_at:
        return "due_soon"
    return "reopened" if ticket.reopened else "opened"


def wake(builder: DecisionBuilder) -> datetime | None:
    """Next step of any open complaint's clock."""
    steps = []
    for complaint_id, ticket in builder.tickets.items():
        held = builder.alerts.get(_key(complaint_id))
        if held is not None and held.outcome is None and held.due_at is not None:
            clock = _clock_of(_version(builder, held), ticket, held)
            steps += [clock.soon_at, clock.due_at]
    return min((at for at in steps if at > builder.now), default=None)


def forget(builder: DecisionBuilder) -> None:
    """No longer follow what was closed long ago; of too many, nor the oldest, closed ones first."""
    oldest = later(builder.now, -timedelta(days=builder.rules.complaint.forget_after_days))
    gone = [i for i, t in builder.tickets.items() if t.status == "closed" and t.seen_at < oldest]
    if len(builder.tickets) - len(gone) > FOLLOWED:
        order = sorted(
            builder.tickets, key=lambda i: (builder.tickets[i].status != "closed", builder.tickets[i].seen_at)
        )
        gone = order[: len(builder.tickets) - FOLLOWED]
    for complaint_id in gone:
        del builder.tickets[complaint_id]
        if _key(complaint_id) in builder.alerts:
            builder.let_go(_key(complaint_id))


def _restart(builder: DecisionBuilder, complaint_id: str, held: TrackedAlert) -> None:
    ticket, rule = builder.tickets[complaint_id], _version(builder, held)
    clock = _clock(builder, rule, ticket)
    stage = _stage_at(ticket, clock, builder.now)
    changes = {"stage": stage, "severity": rule.severity[stage], "reasons": _reasons(rule, ticket)}
    builder.change(_key(complaint_id), outcome=None, **changes, **clock.kept)


def _clock(builder: DecisionBuilder, rule: Complaint, ticket: TrackedComplaint) -> Clock:
    """A clock that begins: by the calendar that is in force for complaints, else every hour counts."""
    area = builder.profile.area if builder.profile is not None else None
    hours = rule.due_hours.get(area or "", rule.due_hours_unknown_area)
    calendars = builder.rules.calendars
    due_at, calendar = calendars.due(KIND, ticket.clock_from, hours * 3600)
    if calendar is None:
        return Clock(due_at, _share(rule, ticket, due_at), None)
    soon_at, _ = calendars.due(KIND, ticket.clock_from, hours * 36 * rule.due_soon_percent)
    return Clock(due_at, soon_at, calendar)


def _clock_of(rule: Complaint, ticket: TrackedComplaint, held: TrackedAlert) -> Clock:
    """The clock that an alert was given."""
    assert held.due_at is not None
    return Clock(held.due_at, held.soon_at or _share(rule, ticket, held.due_at), held.calendar)


def _share(rule: Complaint, ticket: TrackedComplaint, due_at: datetime) -> datetime:
    return ticket.clock_from + (due_at - ticket.clock_from) * rule.due_soon_percent / 100


def _reasons(rule: Complaint, ticket: TrackedComplaint) -> tuple[AlertReason, ...]:
    return (AlertReason(rule.id, rule.version, "complaint", ticket.values, (ticket.evidence,)),)


def _effective(builder: DecisionBuilder) -> datetime:
    return in_range(parse_time(builder.ctx.time)) if builder.ctx.time else builder.now


def _version(builder: DecisionBuilder, held: TrackedAlert) -> Complaint:
    rule = builder.rules.of(held.rule, held.version)
    assert isinstance(rule, Complaint)
    return rule


def _parts(complaint_id: str, owner: int) -> tuple[object, ...]:
    return (complaint_id, owner) if owner else (complaint_id,)


def _alert_id(complaint_id: str, owner: int) -> str:
    return derive("alert", KIND, *_parts(complaint_id, owner))


def _key(complaint_id: str) -> str:
    return f"complaint/{complaint_id}"
