"""Defect 4: any date of the years 0001 to 9999 is valid, before and after the customer is known.

9999-12-31 means no end.
"""

import itertools
from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec
import pytest

from alerts.detection import app
from alerts.detection.months import month_of, months_later, period_of
from harness.detection_feed import RULES, Feed
from harness.notifications_feed import Story
from harness.one_processor import OneProcessor
from servicekit import clock

CUSTOMER = {"status": "active", "city": "320100", "area": "urban"}
EDGES = ("0001-01-01", "0001-01-02", "0004-02-29", "1970-01-01", "9999-12-30", "9999-12-31")
INSTANTS = (
    "0001-01-01T00:00:00+08:00",
    "0001-01-01T00:00:00-12:00",
    "9999-12-31T23:59:59-08:00",
    "9999-12-31T23:59:59.999999+14:00",
)


def records(day: str) -> list[tuple[str, dict[str, Any]]]:
    return [
        ("contract.changed", {"contract_id": "k1", "ends_on": day}),
        ("arrears.changed", {"as_of": day, "amount_fen": 100, "oldest_due_on": day}),
        ("customer.left", {"left_on": day}),
    ]


@pytest.mark.parametrize(("day", "first"), list(itertools.product(EDGES, (True, False))))
def test_a_strange_date_poisons_nobody(day: str, first: bool) -> None:
    for type_, data in records(day):
        feed = Feed()
        if first:
            feed.boss("customer.changed", "2026-06-01", **CUSTOMER, opened_on=day)
        feed.boss(type_, "2026-06-02", **data)
        if not first:
            feed.boss("customer.changed", "2026-06-03", **CUSTOMER, opened_on=day)
        feed.tick("2026-06-03")
        feed.boss("customer.changed", "2026-06-04", **CUSTOMER)
        assert feed.boss(
            "complaint.changed", "2026-06-05", complaint_id="c", status="opened", opened_at="2026-06-05T09:00:00+08:00"
        ) == ["complaint_opened raised opened"]


@pytest.mark.parametrize(("instant", "first"), list(itertools.product(INSTANTS, (True, False))))
def test_a_strange_instant_poisons_nobody(instant: str, first: bool) -> None:
    feed = Feed()
    if first:
        feed.boss("customer.changed", "2026-06-01", **CUSTOMER)
    feed.boss("complaint.changed", "2026-06-02", complaint_id="k", status="opened", opened_at=instant)
    feed.boss("service.requested", "2026-06-02", request_id="s", kind="stop", requested_at=instant)
    if not first:
        feed.boss("customer.changed", "2026-06-03", **CUSTOMER)
    assert {a.kind for a in feed.alerts()} == {"complaint_opened", "churn_warning"}
    feed.tick("2026-06-04")
    assert feed.boss("complaint.changed", "2026-06-05", complaint_id="k", status="closed", opened_at=instant) != []


@pytest.mark.parametrize("period", ["000101", "000112", "197001", "999901", "999912"])
def test_figures_of_strange_periods(period: str) -> None:
    feed = Feed()
    feed.boss("customer.changed", "2026-06-01", **CUSTOMER, opened_on="9999-11-30")
    month = month_of(period)
    for each in range(max(month - 3, 12), month + 1):
        feed.boss("bill.issued", None, period=period_of(each), amount_fen=100 if each < month else 1)
    feed.boss("bill.issued", None, period=period, amount_fen=2)
    assert feed.boss("service.requested", "2026-06-05", request_id="s", kind="stop",
                     requested_at="2026-06-05T09:00:00+08:00")  # fmt: skip


def test_no_end_never_comes_near() -> None:
    feed = Feed()
    feed.boss("customer.changed", "2026-06-01", **CUSTOMER)
    assert feed.boss("contract.changed", "2026-06-02", contract_id="k", ends_on="2026-07-01") != []
    assert feed.boss("contract.changed", "2026-06-03", contract_id="k", ends_on="9999-12-31") == [
        "contract_expiring resolved 30 renewed"
    ]
    assert feed.boss("arrears.changed", "2026-06-03", amount_fen=5, oldest_due_on="9999-12-31") == [
        "arrears raised opened"
    ]
    assert feed.wake is None
    assert feed.tick("9999-12-31 08:00") == []
    assert feed.boss("contract.changed", None, contract_id="k2", ends_on="9999-12-31") == []


def test_calendar_ends_hold() -> None:
    assert clock.at_local(date.min) == clock.FIRST
    assert clock.end_of(date.max) == clock.LAST
    assert clock.end_of(date(2026, 6, 30)) == datetime(2026, 6, 30, 16, tzinfo=UTC)
    assert (clock.later_day(date.max, 1), clock.later_day(date.min, -1)) == (date.max, date.min)
    assert (clock.later(clock.LAST, timedelta(9)), clock.later(clock.FIRST, -timedelta(9))) == (clock.LAST, clock.FIRST)
    assert clock.local_date(datetime.max.replace(tzinfo=UTC)) == date.max
    for instant in INSTANTS:
        kept = clock.in_range(datetime.fromisoformat(instant))
        assert msgspec.msgpack.decode(msgspec.msgpack.encode(kept), type=datetime) == kept
    assert months_later(date(9999, 11, 30), 3) == date.max


async def test_a_hundred_contracts_without_end_stop_no_processor() -> None:
    unit = await OneProcessor(app(RULES, 1), "boss.events", "work.events").open()
    customers = [{"customer_id": f"c{n}"} for n in range(101)]
    contracts = [{**customer, "contract_id": "k", "ends_on": "9999-12-31"} for customer in customers]
    records = [("contract", data) for data in contracts] + [("customer", data) for data in customers]
    await unit.take(
        *(
            unit.record(
                "boss.events", f"kam.boss.{noun}.changed.v1", msgspec.json.encode(data), key=data["customer_id"]
            )
            for noun, data in records
        )
    )
    assert [type_ for type_, _ in await unit.events()] == []


@pytest.mark.parametrize("instant", INSTANTS)
def test_a_payment_of_a_strange_time_poisons_nobody(instant: str) -> None:
    story = Story().customer()
    story.owes(5000, "2026-06-01")
    story.boss("payment.received", "2026-06-02", payment_id="p1", paid_at=instant, amount_fen=100)
    story.owes(0, "2026-06-03")
    assert story.customer_state is not None
