"""What of a message people see, and what is the sender's alone."""

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import fields, replace

from alerts.notifications.state import Notification
from alerts.notifications.views import is_same_document, sms_document
from contracts.alert import SmsPart, SmsReceipt
from contracts.control import Stop
from harness.one_processor import NOON

MESSAGE = Notification(
    sms_id="s", alert_id="a", customer_id="c", kind="arrears", step="opened", template="t", template_version=1,
    priority=1, planned_at=NOON, at=NOON, correlation="r", text="hello",
)  # fmt: skip
OTHER: dict[str, Any] = {
    "planned_at": NOON + timedelta(1), "at": NOON + timedelta(1), "hold_until": NOON, "submitted_at": NOON,
    "trying_since": NOON, "state": "sent", "reason": "x", "ready": True, "language": "en", "phone": "1", "text": "你好",
    "parts": (SmsPart(number=1, reference=1, state="sent"),), "accepted": b"1", "by": "m1",
    "channel": "http", "declined": ("smpp",), "values": {"name": "x"},
    "stop": Stop(what="kind/arrears", by="li", why="wrong", at=NOON),
    "receipts": (SmsReceipt(part=1, state="DELIVRD", at=NOON, error=None),),
}  # fmt: skip


@pytest.mark.parametrize("name", [field.name for field in fields(Notification)])
def test_a_document_is_written_exactly_when_it_looks_different(name: str) -> None:
    now = getattr(MESSAGE, name)
    other = OTHER[name] if name in OTHER else now + type(now)(1) if isinstance(now, int) else now + "x"
    after = replace(MESSAGE, **{name: other})
    assert after != MESSAGE
    assert is_same_document(MESSAGE, after) == (sms_document(MESSAGE) == sms_document(after))
