"""The real-time feed: what an event must be, and what a second copy does."""

from datetime import date, datetime
from typing import Any

import msgspec
import pytest

from billing_sync.domain.events import event_of
from billing_sync.domain.kinds import FEED_KINDS, KINDS
from billing_sync.domain.reasons import Bad
from contracts.registry import FEED
from harness.intake import NOW, event, feed, running, until
from servicekit.clock import to_millis

BILL = {"customer_id": "1", "period": "202605", "amount_fen": 100}
COMP = {"complaint_id": "c", "customer_id": "1", "opened_at": "2026-05-31T09:00:00+08:00", "status": "opened"}


def bad(field: str | None, made: Any, says: str = "") -> None:
    with pytest.raises(Bad) as caught:
        event_of(made, NOW)
    assert caught.value.field == field
    zh, en = str(caught.value).split(" / ", 1)
    assert says in en and any("\u4e00" <= c <= "\u9fff" for c in zh)


@pytest.mark.parametrize(
    ("field", "changes", "says"),
    [
        ("type", {"type": "kam.boss.unknown.v1"}, "unknown event type"),
        ("type", {"type": "kam.boss.unit.changed.v1"}, "unknown event type"),
        ("id", {"id": ...}, "missing"),
        ("id", {"id": ""}, "missing"),
        ("id", {"id": 7}, "text"),
        ("id", {"id": "x" * 501}, "500"),
        ("source", {"source": ...}, "missing"),
        ("time", {"time": ...}, "missing"),
        ("time", {"time": "2026-05-31 10:00"}, "offset"),
        ("time", {"time": "2026-05-31T10:00:00"}, "offset"),
        ("time", {"time": "2026-07-01T12:00:01+08:00"}, "sender's clock"),
        ("specversion", {"specversion": "0.3"}, "1.0"),
        ("data", {"data": [1]}, "object"),
        ("data", {"data": ...}, "object"),
    ],
)
def test_bad_attributes(field: str, changes: dict[str, Any], says: str) -> None:
    bad(field, event("bill.issued", BILL, **changes), says)


def test_no_event_at_all() -> None:
    bad(None, 7, "CloudEvents object")


@pytest.mark.parametrize(
    ("type_", "field", "changes", "says"),
    [
        ("bill.issued", "amount_fen", {"amount_fen": 12.5}, "integer fen"),
        ("bill.issued", "amount_fen", {"amount_fen": "100"}, "integer fen"),
        ("bill.issued", "amount_fen", {"amount_fen": True}, "integer fen"),
        ("bill.issued", "amount_fen", {"amount_fen": 2**53 + 1}, "integer fen"),
        ("bill.issued", "period", {"period": "2026-05"}, "yyyymm"),
        ("bill.issued", "period", {"period": 202605}, "yyyymm"),
        ("bill.issued", "period", {"period": "202607"}, "a day after"),
        ("bill.issued", "customer_id", {"customer_id": None}, "missing"),
        ("bill.issued", "customer_id", {"customer_id": "a b"}, "id"),
        ("bill.issued", "customer_id", {"customer_id": "ab\n"}, "id"),
        ("bill.issued", "issued_on", {"issued_on": "2026-06-02"}, "a day after"),
        ("bill.issued", "issued_on", {"issued_on": "2026-02-30"}, "date"),
        ("bill.issued", "issued_on", {"issued_on": "20260530"}, "date"),
        ("bill.issued", "amount", {"amount": 1}, "unknown field"),
        ("usage.summarised", "voice_minutes", {"voice_minutes": -1}, "not below 0"),
        ("arrears.changed", "amount_fen", {"as_of": "2026-05-31", "amount_fen": -1}, "not below 0"),
        ("arrears.changed", "suspended", {"as_of": "2026-05-31", "amount_fen": 1, "suspended": 1}, "boolean"),
        ("complaint.changed", "status", {**COMP, "status": "new"}, "one of"),
        ("complaint.changed", "severity", {**COMP, "severity": 4}, "from 1 to 3"),
        ("complaint.changed", "closed_at", {**COMP, "closed_at": "2026-06-01T10:00:01+08:00"}, "a day after"),
        ("customer.changed", "city", {"city": "3201"}, "six-digit"),
        ("customer.left", "left_on", {}, "missing"),
    ],
)
def test_bad_data(type_: str, field: str, changes: dict[str, Any], says: str) -> None:
    base: dict[str, dict[str, Any]] = {
        "bill.issued": BILL,
        "usage.summarised": {"customer_id": "1", "period": "202605"},
    }
    bad(field, event(type_, {**base.get(type_, {"customer_id": "1"}), **changes}), says)


@pytest.mark.parametrize(
    "changes",
    [
        {"issued_on": "2026-06-01"},
        {"due_on": "2030-01-01"},
        {"amount_fen": -100},
        {"amount_fen": ""},
        {"issued_on": None, "voice_fen": ""},
        {"period": "202606"},
    ],
)
def test_good_data(changes: dict[str, Any]) -> None:
    event_of(event("bill.issued", {**BILL, **changes}), NOW)


def test_personal_data_is_not_repeated_in_reasons() -> None:
    with pytest.raises(Bad) as caught:
        event_of(event("customer.changed", {"customer_id": "1", "phone": 13912345678}), NOW)
    assert "139" not in str(caught.value)


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.name)
def test_wire_values_keep_the_contract(kind: Any) -> None:
    """Whatever the readers let through, by either road, the contract's own decoder takes too."""
    samples: dict[str, tuple[Any, str]] = {
        "date": ("2026-05-31", "2026-05-31"),
        "instant": ("2026-05-31T10:00:00.5+08:00", "2026-05-31T02:00:00.5Z"),
        "period": ("202605", "202605"),
    }
    of_json, of_text = {}, {}
    for field in kind.fields:
        options = [samples[field.dated]] if field.dated else []
        options += [(5, "5"), (True, "1"), ("320100", "320100"), ("2026-05-31",) * 2, ("active",) * 2, ("opened",) * 2]
        options += [("stop",) * 2, ("person",) * 2, ("urban",) * 2, ("member",) * 2, ("zh",) * 2, (2, "2")]
        for value, cell in options:
            try:
                of_json[field.name], of_text[field.name] = field.take_json(value), field.take_text(cell)
                break
            except Bad:
                continue
        else:
            raise AssertionError(field.name)
    assert of_json == of_text
    record = msgspec.json.decode(kind.body(tuple(of_json.values())), type=kind.record)
    assert isinstance(record, kind.record)
    assert all(not isinstance(v, datetime) or v.tzinfo for v in msgspec.structs.astuple(record))
    assert date(2026, 5, 31) in msgspec.structs.astuple(record) or not any(f.dated == "date" for f in kind.fields)


async def test_a_second_copy_changes_nothing_and_other_content_is_rejected() -> None:
    async with running() as (intake, producer):
        made = {"id": "x", "source": "s"}
        assert (await feed(intake, "bill.issued", BILL, **made)).status == "accepted"
        assert (await feed(intake, "bill.issued", {**BILL, "voice_fen": ""}, **made)).status == "duplicate"
        other = await feed(intake, "bill.issued", {**BILL, "amount_fen": 1}, **made)
        assert (other.status, other.field) == ("rejected", "id")
        # The same id of another source, and the same record under another id.
        assert (await feed(intake, "bill.issued", BILL, id="x", source="t")).status == "accepted"
        await until(lambda: not intake.settle()["outbox"])
        assert len(producer.of("boss.events")) == 1


async def test_a_rejected_event_is_not_remembered() -> None:
    async with running() as (intake, _):
        assert (await feed(intake, "bill.issued", {**BILL, "amount_fen": 1.5}, id="x")).status == "rejected"
        assert (await feed(intake, "bill.issued", BILL, id="x")).status == "accepted"


async def test_identities_are_forgotten_after_ninety_days() -> None:
    from datetime import timedelta

    from billing_sync.intake import Pulse
    from servicekit.memory_store import MemoryStore

    store = MemoryStore()
    async with running(store) as (intake, _):
        await feed(intake, "bill.issued", BILL, id="x")
        await intake.submit(Pulse())
        assert any(key.startswith("ID/") for key in store.states)
    async with running(store, now=NOW + timedelta(days=91)) as (intake, _):
        await intake.submit(Pulse())
        assert not any(key.startswith("ID/") for key in store.states)


def test_every_type_that_boss_may_feed_is_taken() -> None:
    assert FEED_KINDS.keys() == FEED.keys()


async def test_what_follows_can_be_measured_from_the_system_time_of_acceptance() -> None:
    async with running() as (intake, producer):
        await feed(intake, "bill.issued", BILL)
        await until(lambda: not intake.settle()["outbox"])
        assert [m["acceptedat"] for m in producer.of("boss.events")] == [str(to_millis(NOW))]
