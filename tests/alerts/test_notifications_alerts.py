"""Alerts as people see them: rows, what managers do, and what the desk tells of it."""

from datetime import datetime

import msgspec
import pytest

from alerts.notifications.send_policy import seeded
from alerts.rules import examples, load
from harness.notifications_feed import Story
from servicekit.clock import iso
from servicekit.documents.in_force import Edition

FIELDS = {
    "alert_id", "kind", "customer_id", "state", "stage", "severity", "rule", "period", "late", "city", "outcome",
    "reasons", "values", "evidence", "raised_at", "work_id",
}  # fmt: skip


def complaint() -> Story:
    s = Story().customer(city="320100")
    s.complains("2026-03-10")
    s.tick()
    return s


def told(s: Story) -> list[str]:
    return [e.type.split(".")[2] for e in s.desk_emits if e.type.startswith("kam.alert.")]


def test_the_row_has_what_interfaces_promises() -> None:
    (row,) = complaint().alert_rows
    assert set(row) >= FIELDS
    assert row["rule"] == {"id": "complaint-opened", "version": 1}
    assert (row["state"], row["stage"], row["city"], row["late"]) == ("raised", "opened", "320100", False)
    assert row["raised_at"] == "2026-03-10T02:00:00+00:00"
    assert row["reasons"][0]["code"] == "complaint" and row["evidence"]


def test_the_first_document_of_an_alert_or_an_sms_is_said_to_be_new() -> None:
    """It is inserted then, which costs the database a fifth of an upsert; later ones replace it."""
    s = complaint()
    s.complains("2026-03-10 12:00", "closed")
    documents = [(collection, id) for collection in ("alerts", "sms") for id in s.documents[collection]]
    assert sorted(s.said_new) == sorted(documents) and {"alerts", "sms"} == {name for name, _ in documents}


def test_recorded_at_is_system_time_and_stays() -> None:
    times = iter(datetime.fromisoformat(f"2026-11-22T00:00:0{n}+00:00") for n in range(9))
    s = Story(send_policy=seeded(system_clock=lambda: next(times))).customer()
    s.complains("2026-03-10")
    first = s.alert_rows[0]["recorded_at"]
    s.complains("2026-03-10 12:00", "closed")
    assert s.alert_rows[0]["recorded_at"] == first == "2026-11-22T00:00:00+00:00"


def test_the_manager_s_steps_show_on_the_alert() -> None:
    s = complaint()
    alert_id = s.alert_rows[0]["alert_id"]
    for verb, state in [("opened", "raised"), ("accepted", "acknowledged"), ("acted", "acted")]:
        s.work(verb, alert_id)
        assert (s.alert_rows[0]["state"], s.alert_rows[0]["work_id"]) == (state, "w1")
    assert told(s) == ["acknowledged", "acted"]
    s.tick("2026-03-14")  # overdue
    assert (s.alert_rows[0]["state"], s.alert_rows[0]["stage"]) == ("acted", "overdue")
    s.complains("2026-03-14", "closed")
    assert (s.alert_rows[0]["state"], s.alert_rows[0]["outcome"]) == ("resolved", "closed")
    s.work("accepted", alert_id)
    assert s.alert_rows[0]["state"] == "resolved", "a resolved alert stays resolved"
    s.complains("2026-03-15", "reopened")
    assert (s.alert_rows[0]["state"], s.alert_rows[0]["work_id"]) == ("raised", "w1")


def test_what_is_taken_back_or_handed_over_is_unacknowledged_again() -> None:
    s = complaint()
    alert_id = s.alert_rows[0]["alert_id"]
    for verb, state in [
        ("accepted", "acknowledged"), ("released", "raised"), ("reassigned", "raised"), ("acted", "acted"),
        ("reassigned", "raised"),
    ]:  # fmt: skip
        s.work(verb, alert_id)
        assert s.alert_rows[0]["state"] == state
    assert told(s) == ["acknowledged", "unacknowledged", "acted", "unacknowledged"]
    back = [e.data for e in s.desk_emits if e.type == "kam.alert.unacknowledged.v1"]
    assert [alert.state for alert in back] == ["raised", "raised"]  # type: ignore[attr-defined]


def test_a_work_item_that_is_faster_than_its_alert() -> None:
    s = complaint()
    raised = s.emits[0]
    late = Story().customer(city="320100")
    late.work("opened", raised.data.alert_id)  # type: ignore[attr-defined]
    late.work("accepted", raised.data.alert_id)  # type: ignore[attr-defined]
    assert late.alert_rows == []
    late._desk_hears([raised])
    assert (late.alert_rows[0]["state"], late.alert_rows[0]["work_id"]) == ("acknowledged", "w1")
    assert told(late) == ["acknowledged"]


def test_a_work_item_that_reopens_faster_than_its_alert() -> None:
    s = complaint()
    alert = s.alerts()[0]
    s.work("accepted", alert.alert_id)
    s.complains("2026-03-11", "closed")
    assert s.alert_rows[0]["state"] == "resolved"
    s.work("reopened", alert.alert_id, state="accepted")
    assert s.alert_rows[0]["state"] == "resolved"
    s.complains("2026-03-12", "reopened")
    assert s.alert_rows[0]["state"] == "acknowledged"
    assert [e.type for e in s.desk_emits if "acknowledged" in e.type] == ["kam.alert.acknowledged.v1"] * 2


def test_the_work_item_of_an_alert_that_is_resolved_already() -> None:
    s = complaint()
    s.send()
    s.complains("2026-03-10 12:00", "closed")
    s.work("opened", s.alert_rows[0]["alert_id"])
    assert (s.alert_rows[0]["state"], s.alert_rows[0]["work_id"]) == ("resolved", "w1")


def test_delivered_is_told_once_an_alert() -> None:
    s = complaint()
    s.complains("2026-03-10 12:00", "closed")
    s.tick()
    for intent in s.send():
        s.receipt(intent.sms_id, f"m{intent.parts[0].reference}")
    s.complains("2026-03-11", complaint_id="k2")
    s.tick()
    s.complains("2026-03-12", "closed", complaint_id="k2")
    assert told(s) == ["delivered"]


@pytest.mark.parametrize("work", [True, False])
def test_a_resolved_alert_leaves_little_behind(work: bool) -> None:
    s = complaint()
    alert_id = s.alert_rows[0]["alert_id"]
    if work:
        s.work("opened", alert_id)
    for when in ("opened", "closed"):
        if when == "closed":
            s.complains("2026-03-10 12:00", "closed")
            s.tick()
        for intent in s.send():
            s.receipt(intent.sms_id, f"m{intent.parts[0].reference}")
    assert s.customer_state is not None
    case = s.customer_state.cases[alert_id]
    assert (case.alert is None) == work, "kept until the work item is known: its id goes into the row"
    assert case.steps == ("opened", "closed")
    assert len(msgspec.msgpack.encode(case)) < (200 if work else 2000)


def test_instants_of_rows_sort_as_text() -> None:
    assert iso(datetime.fromisoformat("2026-03-10T10:00:00+08:00")) < iso(
        datetime.fromisoformat("2026-03-10T10:00:00.5+08:00")
    )


def test_attention_is_an_alert_without_sms() -> None:
    """A rule of staff that asks for attention: its row is whole, and the customer hears nothing of it."""
    (seed,) = [each for each in examples() if each["id"] == "balance-before-month-end"]
    document = {**seed, "alert": "attention"}
    s = Story(rules=load().switched([Edition(1, "rule", document["id"], 1, "active", document)])).customer()
    s.boss("balance.changed", "2026-03-30", as_of="2026-03-30", balance_fen=100)
    s.tick("2026-04-02")
    (row,) = s.alert_rows
    assert row["kind"] == "attention" and row["reasons"][0]["code"] == row["rule"]["id"] == document["id"]
    assert set(row) >= FIELDS and s.sms == []
    s.work("opened", row["alert_id"])
    s.work("accepted", row["alert_id"])
    assert s.alert_rows[0]["state"] == "acknowledged"
