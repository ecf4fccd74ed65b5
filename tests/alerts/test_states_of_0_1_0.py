"""States and SMS rows that version 0.1.0 wrote are read and acted upon.

``states_of_0_1_0.json`` holds customers in the midst of their alerts and SMS, as that version stored them: MessagePack
of detection and notifications (zlib, base64), the business time, and the rows of SMS that may still change.
"""

import json
import zlib
from base64 import b64decode
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from alerts.detection.state import CustomerState
from alerts.notifications.state import ReadyToSend
from harness.notifications_feed import Story

STORED: list[dict[str, Any]] = json.loads((Path(__file__).parent / "states_of_0_1_0.json").read_text())


class Taken(Story):
    """A customer taken over: what became of alerts is not compared with a history that is not known."""

    def __init__(self, stored: dict[str, Any]) -> None:
        super().__init__()
        self.now = datetime.fromisoformat(stored["now"])
        self.raw = zlib.decompress(b64decode(stored["detection"]))
        self.desk_raw = zlib.decompress(b64decode(stored["notifications"]))
        self.begun = self.now
        for row in stored["sms"]:  # what the sender does when it starts
            if row["state"] == "sending":
                self.lose(row["_id"])
            elif row["state"] == "queued":
                self.may_go.append(ReadyToSend(self.customer_id, row["_id"], row["priority"]))

    def day(self, days: int) -> str:
        return f"{self.begun + timedelta(days=days):%Y-%m-%d} 10:00"

    def _take(self, decision: Any, context: Any) -> list[str]:
        self.raw = None if decision.state is None else msgspec.msgpack.encode(decision.state)
        self.wake = decision.timer_at
        self.emits += decision.events
        return []

    def open_alerts(self) -> int:
        state = msgspec.msgpack.decode(self.raw or b"", type=CustomerState)
        return sum(held.outcome is None for held in state.alerts.values())


@pytest.mark.parametrize("stored", STORED, ids=lambda stored: stored["now"][:10])
def test_the_life_of_alerts_and_sms_goes_on(stored: dict[str, Any]) -> None:
    s = Taken(stored)
    s.wake = s.desk_wake = s.now
    s.customer(s.day(0))
    for day in range(1, 130, 7):
        s.owes(100 * day, s.day(day), s.day(-100)[:10])
        s.complains(s.day(day), "opened" if day % 2 else "closed", "k0")
        s.tick(s.day(day))
        s.send()
    told = {message["sms_id"]: message["state"] for message in s.sms}
    assert told and not {"queued", "held", "sending"} & set(told.values())
    assert all(told[row["_id"]] == "unknown" for row in stored["sms"] if row["state"] == "sending")
    s.customer(s.day(140), status="left")
    assert s.open_alerts() == 0
