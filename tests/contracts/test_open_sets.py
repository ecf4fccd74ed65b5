"""Kinds of alerts and work and codes of reasons are open sets: who does not know one takes it all the same."""

from pathlib import Path
from typing import Any

import pytest

from alerts import detection, notifications, rules
from analytics.domain import TOPICS
from analytics.settings import Settings as AnalyticsSettings
from analytics.texts import summary
from analytics.worker import lineage_app
from contracts.alert import Alert, Reason, RuleRef, WorkItem
from harness.notifications_feed import BOOK
from harness.one_processor import NOON, OneProcessor
from harness.work_items import RULES
from manager_work import worker
from servicekit.pipeline import App

RULE = RuleRef(id="staff-made", version=1)
ALERT = Alert(
    alert_id="a1", kind="quite_new", customer_id="c1", revision=1, state="raised", stage="unheard_of", severity="major",
    rule=RULE, reasons=(Reason(rule=RULE, code="never_seen", values={"x": 1}, evidence=("e1",)),),
    raised_at=NOON, at=NOON,
)  # fmt: skip
WORK = WorkItem(
    work_id="w1", kind="new_work", alert_id="a1", customer_id="c1", revision=1, state="new", due_at=NOON,
    opened_at=NOON, at=NOON,
)  # fmt: skip


def apps(folder: Path) -> dict[str, tuple[App, list[str]]]:
    settings = AnalyticsSettings(service_data=folder, archive_dir=folder, kafka="-:1")
    return {
        "detection": (detection.app(rules.load()), ["boss.events", "work.events"]),
        "notifications": (notifications.app(BOOK), ["boss.events", "alert.events", "work.events", "sms.receipts"]),
        "manager-work": (worker.app(RULES, 4), worker.TOPICS),
        "analytics": (lineage_app(settings), list(TOPICS)),
    }


@pytest.mark.parametrize("name", ["detection", "notifications", "manager-work", "analytics"])
async def test_every_app_takes_kinds_it_does_not_know(name: str, tmp_path: Path) -> None:
    app, topics = apps(tmp_path)[name]
    processor = await OneProcessor(app, *topics).open()
    said: list[tuple[str, str, Any]] = [
        ("alert.events", "kam.alert.raised.v1", ALERT),
        ("work.events", "kam.work.opened.v1", WORK),
    ]
    await processor.take(*(processor.record(topic, type_, data) for topic, type_, data in said if topic in topics))
    assert [m for m in await processor.outbox() if m.topic.endswith(".dlq")] == []


def test_people_read_the_code_where_there_is_no_word() -> None:
    for type_, data, code in (
        ("kam.alert.raised.v1", {"kind": "quite_new", "customer_id": "c1"}, "quite_new"),
        ("kam.work.opened.v1", {"kind": "new_work", "customer_id": "c1"}, "new_work"),
    ):
        assert all(code in text for text in summary(type_, data))
