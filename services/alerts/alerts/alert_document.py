"""How an alert looks to those who query it."""

from typing import Any

import msgspec

from contracts.alert import Alert, AlertState
from servicekit.clock import iso


def alert_document(alert: Alert, state: AlertState) -> dict[str, Any]:
    """Fields of ``kam alerts --json`` that detection knows; ``state``: with what was learnt of it since."""
    return {
        "alert_id": alert.alert_id,
        "kind": alert.kind,
        "customer_id": alert.customer_id,
        "state": state,
        "stage": alert.stage,
        "severity": alert.severity,
        "rule": {"id": alert.rule.id, "version": alert.rule.version},
        "period": alert.period,
        "late": alert.late,
        "city": alert.city,
        "outcome": alert.outcome,
        "reasons": [
            {
                "rule": {"id": reason.rule.id, "version": reason.rule.version},
                "code": reason.code,
                "values": reason.values,
                "evidence": list(reason.evidence),
            }
            for reason in alert.reasons
        ],
        "values": alert.values,
        "evidence": list(alert.evidence),
        "raised_at": iso(alert.raised_at),
        "due_at": None if alert.due_at is None else iso(alert.due_at),
        "calendar": None if alert.calendar is None else msgspec.to_builtins(alert.calendar),
        "suppressed": None if alert.suppressed is None else msgspec.to_builtins(alert.suppressed),
    }
