"""Recency and the one compare step, as tables."""

from typing import Any

import pytest

from billing_sync.domain.kinds import KINDS
from billing_sync.domain.record import Known, compare
from harness.boss_files import COLUMNS
from harness.intake import Producer, feed, running, until


@pytest.mark.parametrize(
    ("known", "incoming", "outcome"),
    [
        (None, (100, 0, b"a"), "changed"),
        ((100, 0, b"a"), (100, 0, b"a"), "unchanged"),
        ((100, 0, b"a"), (101, 0, b"b"), "changed"),
        ((100, 0, b"a"), (99, 0, b"b"), "stale"),
        ((100, 0, b"a"), (99, 0, b"a"), "stale"),
        # Equal time: the higher file sequence, else the later arrival.
        ((100, 2, b"a"), (100, 1, b"b"), "stale"),
        ((100, 1, b"a"), (100, 2, b"b"), "changed"),
        ((100, 2, b"a"), (100, 2, b"b"), "changed"),
        ((100, 2, b"a"), (100, 0, b"b"), "changed"),
        ((100, 0, b"a"), (100, 2, b"b"), "changed"),
        # Time goes before sequence.
        ((100, 9, b"a"), (101, 1, b"b"), "changed"),
    ],
)
def test_recency(known: tuple[int, int, bytes] | None, incoming: tuple[int, int, bytes], outcome: str) -> None:
    before = None if known is None else Known(known[0], known[1], 1, known[2])
    assert compare(before, *incoming) == outcome


def test_the_kinds_are_those_of_the_files() -> None:
    assert {name: " ".join(KINDS[name].columns) for name in COLUMNS} == COLUMNS


CUSTOMER = "customer.changed", {"customer_id": "1", "name": "王", "city": "320100", "status": "active"}


def changed(**more: Any) -> tuple[str, dict[str, Any]]:
    return CUSTOMER[0], {**CUSTOMER[1], **more}


def left(**more: Any) -> tuple[str, dict[str, Any]]:
    return "customer.left", {"customer_id": "1", "left_on": "2026-06-01", **more}


async def told(*facts: tuple[str, dict[str, Any]]) -> list[tuple[str, str]]:
    """Feed facts an hour apart; types and revisions that come out."""
    async with running() as (intake, producer):
        for hour, (type_, data) in enumerate(facts):
            receipt = await feed(intake, type_, data, time=f"2026-06-01T{hour:02d}:00:00+08:00")
            assert receipt.status == "accepted", receipt
        await until(lambda: not intake.settle()["outbox"])
        return [(e["type"].removeprefix("kam.boss.").removesuffix(".v1"), e["revision"]) for e in _of(producer)]


def _of(producer: Producer) -> list[dict[str, Any]]:
    return producer.of("boss.events")


_CHANGED = "customer.changed"
_LEFT_ONCE = (_CHANGED, "customer.left")


@pytest.mark.parametrize(
    ("facts", "out"),
    [
        ([CUSTOMER, CUSTOMER], ["customer.changed"]),
        ([CUSTOMER, changed(name="")], ["customer.changed"] * 2),
        ([CUSTOMER, changed(status="left")], ["customer.changed", "customer.left"]),
        ([CUSTOMER, changed(status="left", name="李")], ["customer.changed", "customer.changed", "customer.left"]),
        ([changed(status="left")], ["customer.changed", "customer.left"]),
        # The leaving is told once, by whatever road; later details are news.
        ([CUSTOMER, left(), changed(status="left")], ["customer.changed", "customer.left"]),
        ([CUSTOMER, left(), left()], ["customer.changed", "customer.left"]),
        ([CUSTOMER, left(), left(reason="price")], ["customer.changed", "customer.left", "customer.left"]),
        (
            [CUSTOMER, left(), changed(status="left", name="李")],
            ["customer.changed", "customer.left", "customer.changed"],
        ),
        # Win-back.
        ([CUSTOMER, left(), CUSTOMER], ["customer.changed", "customer.left", "customer.changed"]),
        ([CUSTOMER, left(), CUSTOMER, left()], ["customer.changed", "customer.left"] * 2),
        # Only "active" wins a customer back: a row that does not say, or says otherwise, leaves him where he went.
        ([CUSTOMER, left(), changed(status=""), changed(status="left")], [*_LEFT_ONCE, *["customer.changed"] * 2]),
        ([CUSTOMER, left(reason="price"), changed(status="suspended"), left(reason="price")], [*_LEFT_ONCE, _CHANGED]),
        # Someone of whom only the leaving is known.
        ([left()], ["customer.left"]),
        ([left(), changed(status="left")], ["customer.left", "customer.changed"]),
        ([left(), CUSTOMER], ["customer.left", "customer.changed"]),
    ],
)
async def test_customers_and_leaving(facts: list[tuple[str, dict[str, Any]]], out: list[str]) -> None:
    assert await told(*facts) == [(type_, str(n)) for n, type_ in enumerate(out, 1)]


async def test_there_and_back_is_two_changes() -> None:
    bill = {"customer_id": "1", "period": "202605"}
    facts = [("bill.issued", {**bill, "amount_fen": n}) for n in (200, 100, 200)]
    assert await told(*facts) == [("bill.issued", "1"), ("bill.issued", "2"), ("bill.issued", "3")]


async def test_leaving_is_judged_by_time_with_the_customer_record() -> None:
    async with running() as (intake, producer):
        await feed(intake, *CUSTOMER, time="2026-06-02T10:00:00+08:00")
        assert (await feed(intake, *left(), time="2026-06-01T10:00:00+08:00")).status == "accepted"
        await until(lambda: not intake.settle()["outbox"])
        assert len(_of(producer)) == 1
