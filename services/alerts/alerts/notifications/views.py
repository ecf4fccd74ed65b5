"""How alerts and SMS look to others: the documents that people query and the payload of SMS events."""

from datetime import datetime
from typing import Any

import msgspec
from msgspec.structs import replace

from alerts.alert_document import alert_document
from alerts.notifications.channel import segments
from alerts.notifications.state import AlertProgress, Notification
from contracts.alert import Sms
from servicekit.clock import iso

_OF_THE_SENDER = ("accepted", "declined", "group", "kind", "ready", "refusals", "revision", "trying_since", "values")


def case_document(case: AlertProgress) -> dict[str, Any]:
    """Fields of ``kam alerts --json`` and ``recorded_at``, the system time at which the alert was first written."""
    assert case.alert is not None
    return {
        **alert_document(case.alert, case.state),
        "escalated_to": case.level,
        "escalations": case.went_up,
        "work_id": case.work_id,
        "recorded_at": _iso(case.recorded_at),
    }


def sms_document(message: Notification) -> dict[str, Any]:
    """Fields of ``kam sms --json`` (the phone still in clear) and what sender and receipts need to find it again."""
    m = message
    plan = segments.plan(m.text)
    return {
        "sms_id": m.sms_id,
        "alert_id": m.alert_id,
        "customer_id": m.customer_id,
        "step": m.step,
        "template": m.template,
        "template_version": m.template_version,
        "language": m.language,
        "phone": m.phone,
        "text": m.text,
        "encoding": plan.encoding,
        "segments": len(plan.parts),
        "priority": m.priority,
        "by": m.by,
        "channel": m.channel,
        "campaign": m.campaign,
        "state": m.state,
        "reason": m.reason,
        "attempts": m.attempts,
        "hold_until": _iso(m.hold_until),
        "stop": msgspec.to_builtins(m.stop),
        "parts": [msgspec.to_builtins(part) for part in m.parts],
        "receipts": [{"part": r.part, "state": r.state, "at": iso(r.at), "error": r.error} for r in m.receipts],
        "planned_at": iso(m.planned_at),
        "at": iso(m.at),
        "submitted_at": _iso(m.submitted_at),
        "correlation": m.correlation,
        "event": m.event,
    }


def is_same_document(one: Notification, other: Notification) -> bool:
    """Whether two states of a message look the same to people: what differs, if anything, is for the sender alone."""
    if one.state != other.state:
        return False
    own = {name: getattr(other, name) for name in _OF_THE_SENDER}
    return replace(one, **own) == other


def sms_payload(message: Notification) -> Sms:
    """The whole message, as its events carry it."""
    m = message
    plan = segments.plan(m.text)
    return Sms(
        sms_id=m.sms_id,
        alert_id=m.alert_id,
        customer_id=m.customer_id,
        revision=m.revision,
        step=m.step,
        template=m.template,
        language=m.language,
        phone=m.phone,
        text=m.text,
        encoding=plan.encoding,
        segments=len(plan.parts),
        priority=m.priority,
        channel=m.channel,
        state=m.state,
        reason=m.reason,
        parts=m.parts,
        receipts=m.receipts,
        stop=m.stop,
        planned_at=m.planned_at,
        at=m.at,
    )


def _iso(at: datetime | None) -> str | None:
    return None if at is None else iso(at)
