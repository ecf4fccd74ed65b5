"""The archive of a customer: what changes, leaving and win-back, and what of it may be seen."""

from datetime import date, datetime

import pytest

from contracts.boss import Customer, CustomerLeft
from customer_profile.domain import Archive, take_leaving, take_record

AT = datetime.fromisoformat("2026-06-30T16:00:00+00:00")
LATER = datetime.fromisoformat("2026-07-15T02:00:00+00:00")
DAY = date(2026, 6, 30)
ZHANG = Customer(customer_id="1", name="张三", phone="13900000001", status="active", plan_code="P199")


def known(**fields: object) -> Archive:
    return Archive(record=ZHANG, since=AT, **fields)  # type: ignore[arg-type]


def gone(**fields: object) -> Archive:
    record = Customer(customer_id="1", name="张三", phone="13900000001", status="left", plan_code="P199")
    return Archive(record=record, since=AT, archive="retained", left_on=DAY, reason="price", **fields)  # type: ignore[arg-type]


def test_the_first_record_creates_with_every_known_field_new() -> None:
    turn = take_record(None, ZHANG, AT, DAY)
    assert turn is not None and turn.step == "created" and turn.archive.revision == 1
    assert {(c.field, c.old, c.new) for c in turn.changes} == {
        ("name", None, "张三"),
        ("phone", None, "13900000001"),
        ("status", None, "active"),
        ("plan_code", None, "P199"),
        ("archive", None, "active"),
    }


def test_the_same_record_changes_nothing() -> None:
    assert take_record(known(), ZHANG, LATER, DAY) is None


def test_a_field_that_is_no_longer_known_is_cleared() -> None:
    turn = take_record(
        known(), Customer(customer_id="1", name="张三", phone="13900000001", status="active"), LATER, DAY
    )
    assert turn is not None and turn.step == "changed" and turn.archive.revision == 2
    assert [(c.field, c.old, c.new) for c in turn.changes] == [("plan_code", "P199", None)]


@pytest.mark.parametrize(
    "status, step, archive",
    [
        ("active", "returned", "active"),  # win-back
        ("suspended", "changed", "retained"),  # only active is a win-back
        (None, "changed", "retained"),
        ("left", None, "retained"),
    ],
)
def test_what_a_record_does_to_a_customer_who_left(status: str | None, step: str | None, archive: str) -> None:
    record = Customer(customer_id="1", name="张三", phone="13900000001", status=status, plan_code="P199")  # type: ignore[arg-type]
    turn = take_record(gone(), record, LATER, date(2026, 7, 15))
    assert (turn and turn.step) == step
    if turn is not None:
        assert turn.archive.archive == archive
        assert turn.archive.left_on == (None if archive == "active" else DAY)
        assert turn.archive.since == (LATER if archive == "active" else AT)


def test_status_left_is_a_leaving_on_the_business_date() -> None:
    left = Customer(customer_id="1", status="left")
    turn = take_record(known(), left, LATER, DAY)
    assert turn is not None and turn.step == "left"
    assert (turn.archive.archive, turn.archive.left_on, turn.archive.since) == ("retained", DAY, LATER)


def test_customer_left_keeps_the_fields_and_tells_why() -> None:
    turn = take_leaving(known(), CustomerLeft(customer_id="1", left_on=DAY, reason="price", destination="CU"), LATER)
    assert turn is not None and turn.step == "left" and turn.archive.record.name == "张三"
    assert [(c.field, c.new) for c in turn.changes] == [
        ("status", "left"),
        ("archive", "retained"),
        ("left_on", "2026-06-30"),
        ("reason", "price"),
        ("destination", "CU"),
    ]


def test_a_corrected_reason_is_a_change_not_a_second_leaving() -> None:
    turn = take_leaving(gone(), CustomerLeft(customer_id="1", left_on=DAY, reason="moved"), LATER)
    assert turn is not None and turn.step == "changed" and turn.archive.since == AT
    assert [(c.field, c.old, c.new) for c in turn.changes] == [("reason", "price", "moved")]


def test_first_seen_as_left_is_archived_at_once() -> None:
    turn = take_leaving(None, CustomerLeft(customer_id="1", left_on=DAY), AT)
    assert turn is not None and (turn.step, turn.archive.archive) == ("created", "retained")
