"""Complaints: one alert a complaint, with a clock of its own that starts again when BOSS reopens it."""

from datetime import datetime, timedelta

from alerts.detect.memory import FOLLOWED, clipped
from alerts.detect.state import Cause, Held, Ticket
from alerts.detect.turn import Turn
from alerts.rules import Complaint
from servicekit.clock import in_range, later
from servicekit.envelope import parse_time
from servicekit.ids import derive


def report(
    turn: Turn, complaint_id: str, status: str, opened_at: datetime, category: str | None, severity: int | None
) -> None:
    """BOSS says how a complaint stands now."""
    owner = turn.ctx.owner_revision
    before = turn.tickets.get(complaint_id)
    if before is not None and before.owner != owner:
        move_away(turn, complaint_id)  # it was elsewhere in between, whenever we hear of that
        before = None
    if before is None and turn.profile is not None and turn.profile.left:
        return
    # What is no longer followed was closed.
    was_closed = before.status == "closed" if before is not None else _alert_id(complaint_id, owner) in turn.ended
    is_closed = status == "closed"
    turning = status == "reopened" and (before is None or before.status != "reopened")
    restarts = not is_closed and (was_closed or turning)
    ticket = Ticket(
        status=status,
        clock_from=_effective(turn) if restarts else before.clock_from if before is not None else in_range(opened_at),
        reopened=restarts or (before is not None and before.reopened),
        values={
            "complaint_id": complaint_id,
            "opened_at": opened_at.isoformat(),
            "category": clipped(category),
            "complaint_severity": severity,
        },
        evidence=turn.ctx.id,
        seen_at=turn.now,
        owner=owner,
        unjudged=not turn.may_raise and not is_closed and (was_closed or (before is not None and before.unjudged)),
    )
    turn.tickets[complaint_id] = ticket
    held = turn.alerts.get(_key(complaint_id))
    if is_closed:
        if held is not None and held.outcome is None:
            turn.resolve(_key(complaint_id), "closed")
    elif held is None:
        look(turn, complaint_id)
    elif turn.may_raise and (
        was_closed
        or held.outcome == "left"
        or (before is not None and before.unjudged)
        or (restarts and held.outcome is None)
    ):
        _restart(turn, complaint_id, held)


def move_away(turn: Turn, complaint_id: str) -> None:
    """The complaint is another customer's now: here it is gone, and its alert with it."""
    turn.tickets.pop(complaint_id, None)
    held = turn.alerts.get(_key(complaint_id))
    if held is not None:
        if held.outcome is None:
            turn.resolve(_key(complaint_id), "withdrawn")
        del turn.alerts[_key(complaint_id)]


def look(turn: Turn, complaint_id: str) -> None:
    """Bring the alert of a complaint in line with the clock."""
    ticket, key = turn.tickets[complaint_id], _key(complaint_id)
    held = turn.alerts.get(key)
    if ticket.status == "closed" or not turn.may_raise or (held is not None and held.outcome is not None):
        return
    if held is None:
        if turn.waking:
            return  # only a record raises; time alone moves what was raised
        rule = turn.rules.complaint
        due_at = _due_at(turn, rule, ticket)
        stage = stage_at(rule, ticket, due_at, turn.now)
        reasons, severity = _reasons(rule, ticket), rule.severity[stage]
        parts = _parts(complaint_id, ticket.owner)
        turn.raise_(key, "complaint_opened", parts, reasons, severity, stage=stage, due_at=due_at)
        return
    assert held.due_at is not None
    rule = _version(turn, held)
    stage = stage_at(rule, ticket, held.due_at, turn.now)
    if stage != held.stage:
        turn.change(key, stage=stage, severity=rule.severity[stage], reasons=_reasons(rule, ticket))


def stage_at(rule: Complaint, ticket: Ticket, due_at: datetime, now: datetime) -> str:
    """Stage by the share of the time that is gone."""
    if now >= due_at:
        return "overdue"
    if now >= _due_soon_at(rule, ticket, due_at):
        return "due_soon"
    return "reopened" if ticket.reopened else "opened"


def wake(turn: Turn) -> datetime | None:
    """Next step of any open complaint's clock."""
    steps = []
    for complaint_id, ticket in turn.tickets.items():
        held = turn.alerts.get(_key(complaint_id))
        if held is not None and held.outcome is None and held.due_at is not None:
            steps += [_due_soon_at(_version(turn, held), ticket, held.due_at), held.due_at]
    return min((at for at in steps if at > turn.now), default=None)


def forget(turn: Turn) -> None:
    """No longer follow what was closed long ago; of too many, nor the oldest, closed ones first."""
    oldest = later(turn.now, -timedelta(days=turn.rules.complaint.forget_after_days))
    gone = [i for i, t in turn.tickets.items() if t.status == "closed" and t.seen_at < oldest]
    if len(turn.tickets) - len(gone) > FOLLOWED:
        order = sorted(turn.tickets, key=lambda i: (turn.tickets[i].status != "closed", turn.tickets[i].seen_at))
        gone = order[: len(turn.tickets) - FOLLOWED]
    for complaint_id in gone:
        del turn.tickets[complaint_id]
        if _key(complaint_id) in turn.alerts:
            turn.let_go(_key(complaint_id))


def _restart(turn: Turn, complaint_id: str, held: Held) -> None:
    ticket, rule = turn.tickets[complaint_id], _version(turn, held)
    due_at = _due_at(turn, rule, ticket)
    stage = stage_at(rule, ticket, due_at, turn.now)
    changes = {"stage": stage, "severity": rule.severity[stage], "reasons": _reasons(rule, ticket), "due_at": due_at}
    turn.change(_key(complaint_id), outcome=None, **changes)


def _due_at(turn: Turn, rule: Complaint, ticket: Ticket) -> datetime:
    area = turn.profile.area if turn.profile is not None else None
    return later(ticket.clock_from, timedelta(hours=rule.due_hours.get(area or "", rule.due_hours_unknown_area)))


def _due_soon_at(rule: Complaint, ticket: Ticket, due_at: datetime) -> datetime:
    return ticket.clock_from + (due_at - ticket.clock_from) * rule.due_soon_percent / 100


def _reasons(rule: Complaint, ticket: Ticket) -> tuple[Cause, ...]:
    return (Cause(rule.id, rule.version, "complaint", ticket.values, (ticket.evidence,)),)


def _effective(turn: Turn) -> datetime:
    return in_range(parse_time(turn.ctx.time)) if turn.ctx.time else turn.now


def _version(turn: Turn, held: Held) -> Complaint:
    rule = turn.rules.versions[held.rule, held.version]
    assert isinstance(rule, Complaint)
    return rule


def _parts(complaint_id: str, owner: int) -> tuple[object, ...]:
    return (complaint_id, owner) if owner else (complaint_id,)


def _alert_id(complaint_id: str, owner: int) -> str:
    return derive("alert", "complaint_opened", *_parts(complaint_id, owner))


def _key(complaint_id: str) -> str:
    return f"complaint/{complaint_id}"
