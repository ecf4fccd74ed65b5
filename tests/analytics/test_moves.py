"""A record that changes its customer (defects 14, 31): counts of both sides are right, and the trace follows it."""

from typing import Any

from analytics.chain import why
from analytics.domain import Counts
from analytics.recount import differences, recount
from harness.moved_records import FILE, contract, move


async def test_the_trace_follows_a_record_there_and_back(log: Any) -> None:
    contract(log, 1, "A")
    move(log, 2, "A", "B")
    contract(log, 2, "B", owner=2)
    contract(log, 3, "B", owner=2)
    move(log, 4, "B", "A", owner=2)
    contract(log, 4, "A", owner=4)

    lineage = await log.read()

    def ids(start: str) -> list[str]:
        return [link.id for link in why(lineage, start)]

    assert ids("alert-A-0") == [f"{FILE}1", "cont1", "raised1", f"{FILE}2", "moved2", "resolved2"]
    theirs = [
        f"{FILE}2",
        "moved2",
        "cont2",
        "raised2",
        f"{FILE}3",
        "cont3",
        "raised3",
        f"{FILE}4",
        "moved4",
        "resolved4",
    ]
    assert ids("alert-B-2") == theirs
    assert ids("alert-A-4") == [f"{FILE}2", "moved2", f"{FILE}4", "moved4", "cont4", "raised4"]
    # The record of the move leads to both sides.
    assert {"raised1", "resolved2", "raised2", "raised3"} <= set(ids(f"{FILE}2"))
    assert "CONT K1 转到客户 B" in next(link.summary_zh for link in why(lineage, "alert-B-2") if link.id == "moved2")


async def test_both_sides_are_counted_under_their_own_city(log: Any) -> None:
    log.add("boss.customer.changed", "a", key="A", city="320100", customer_id="A")
    log.add("boss.customer.changed", "b", key="B", city="320500", customer_id="B")
    log.add("boss.record.moved", "moved", key="A", revision=2, customer_id="A", moved_to="B")
    log.add("boss.contract.changed", "cont", key="B", revision=2, owner=2, customer_id="B")

    assert {(c.kind, c.city) for c in await agreed(log)} >= {
        ("boss.record.moved", "320100"),
        ("boss.contract.changed", "320500"),
    }


async def test_an_older_record_of_the_customer_does_not_move_their_city_back(log: Any) -> None:
    """A replayed dead letter (defect 7)."""
    log.add("boss.customer.changed", "new", city="320500", revision=3)
    log.add("boss.customer.changed", "old", city="320100", revision=2)
    log.add("boss.customer.changed", "unknown", city=None, revision=4)
    log.add("boss.bill.issued", "bill", revision=1)

    counts = await agreed(log)

    assert {cell.city for cell in counts} == {"320500"} and counts.total() == 4


async def agreed(log: Any) -> Counts:
    live: Counts
    live, positions = (await log.read()).counts()
    log.archive()
    assert differences(live, recount(log.settings.archive_dir, positions, log.settings.service_data)) == []
    return live
