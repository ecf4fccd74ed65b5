"""What event -> alert and event -> SMS measure: from a record's acceptance, each alert and message once."""

from typing import Any

import pytest

from alerts.detection import app
from alerts.detection.state import AlertRaised
from alerts.notifications import sender
from alerts.notifications.channel.transport import SubmitOutcome
from harness.detection_feed import RULES, at
from harness.one_processor import OneProcessor
from harness.sms_life import FakeSmsc, Process
from servicekit.envelope import encode_data
from servicekit.memory_store import MemoryStore

ACCEPTED = b"1800000000123"
NIGHT = at("2026-07-01 22:00")
COMPLAINT = {"customer_id": "c1", "complaint_id": "k1", "opened_at": "2026-07-01T09:00:00+08:00", "status": "opened"}


async def test_an_alert_counts_once_from_the_record_that_raised_it() -> None:
    raised: list[Any] = []

    async def collect(effects: list[Any]) -> None:
        raised.extend(effects)

    one = await OneProcessor(app(RULES, 1, collect), "boss.events", "work.events").open()
    header = [("ce_acceptedat", ACCEPTED)]

    def record(type_: str, data: Any) -> Any:
        return one.record("boss.events", f"kam.boss.{type_}.v1", encode_data(data), headers=header)

    await one.take(record("customer.changed", {"customer_id": "c1", "status": "active"}))
    assert raised == []
    await one.take(record("complaint.changed", COMPLAINT))
    await one.take(record("complaint.changed", {**COMPLAINT, "category": "network"}))
    assert raised == [AlertRaised(ACCEPTED)]


@pytest.fixture
def observed(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    found: list[bytes] = []
    monkeypatch.setattr(sender.TO_SMS, "observe_since", lambda accepted: found.append(accepted) if accepted else None)
    return found


async def test_a_message_counts_once_at_its_acceptance_also_after_another_try(observed: list[bytes]) -> None:
    smsc = FakeSmsc()
    smsc.answers = [SubmitOutcome.THROTTLED]
    async with Process(MemoryStore(), smsc) as life:
        life.start()
        await life.complain("c1", accepted=ACCEPTED)
        await life.until("sent")
    assert (len(smsc.accepted), observed) == (1, [ACCEPTED])


async def test_a_message_held_for_the_night_is_not_counted(observed: list[bytes]) -> None:
    async with Process(MemoryStore(), FakeSmsc()) as life:
        life.start()
        await life.complain("c1", clock=NIGHT, accepted=ACCEPTED)
        assert life.sms()["state"] == "held"
        morning = at("2026-07-02 08:00")
        await life.desk.take(*(life.desk.tick(t, 2, morning) for t in ("boss.events", "alert.events")))
        await life.until("sent")
    assert observed == []
