"""A record that changes its customer (defects 14, 31), from the detector's decisions to the items of manager-work."""

from itertools import permutations
from typing import Any

import pytest

from harness.detection_feed import Feed
from harness.work_items import RULES, Desk
from manager_work import worker
from manager_work.domain import Command, work_id_of
from servicekit.decision import OutgoingEvent

WHAT = {
    "complaint.changed": {"complaint_id": "k1", "opened_at": "2026-03-10T02:00:00+00:00", "status": "opened"},
    "contract.changed": {"contract_id": "k1", "ends_on": "2026-04-01"},
}


def customer(id: str) -> Feed:
    feed = Feed(id)
    feed.boss("customer.changed", "2026-01-01", status="active", city="320100")
    return feed


async def desk_of(*emits: OutgoingEvent) -> Desk:
    desk = Desk(worker.app(RULES, 4), *worker.TOPICS)
    await desk.open()
    for emit in emits:
        alert: Any = emit.data
        await desk.take(desk.record("alert.events", emit.type, alert, key=alert.customer_id, clock=alert.at))
    return desk


async def items(desk: Desk) -> dict[str, tuple[str, str, str | None]]:
    return {i["work_id"]: (i["customer_id"], i["state"], i["outcome"]) for i in await desk.rows.find("work")}


@pytest.mark.parametrize("type_", WHAT)
async def test_the_old_item_is_withdrawn_and_the_new_customer_has_one_of_their_own(type_: str) -> None:
    a, b = customer("A"), customer("B")
    a.boss(type_, "2026-03-10", **WHAT[type_])
    a.hand_over(b, type_, "2026-03-11", **WHAT[type_])
    (old,), (new,) = a.alerts(), b.alerts()
    told = {work_id_of(old.alert_id): ("A", "closed", "withdrawn"), work_id_of(new.alert_id): ("B", "new", None)}

    assert await items(await desk_of(*a.emits, *b.emits)) == told
    assert await items(await desk_of(*b.emits, *a.emits)) == told  # they come on partitions of their own


@pytest.mark.parametrize("type_", WHAT)
async def test_a_record_that_comes_back_has_a_third_item(type_: str) -> None:
    a, b = customer("A"), customer("B")
    a.boss(type_, "2026-03-10", **WHAT[type_])
    a.hand_over(b, type_, "2026-03-11", **WHAT[type_])
    b.hand_over(a, type_, "2026-03-12", **WHAT[type_])

    found = sorted((await items(await desk_of(*a.emits, *b.emits))).values())
    assert found == [("A", "closed", "withdrawn"), ("A", "new", None), ("B", "closed", "withdrawn")]


async def test_whatever_order_one_customers_events_are_replayed_in_the_item_ends_withdrawn() -> None:
    """A dead letter replayed late: the raising after the withdrawal."""
    type_ = "complaint.changed"
    a, b = customer("A"), customer("B")
    a.boss(type_, "2026-03-10", **WHAT[type_])
    a.hand_over(b, type_, "2026-03-11", **WHAT[type_])
    for order in permutations(a.emits):
        desk = await desk_of(*order)
        assert [state for _, state, _ in (await items(desk)).values()] in ([], ["closed"])


async def test_what_a_manager_closed_while_its_record_moved_has_the_outcome_of_its_alert() -> None:
    type_ = "complaint.changed"
    a, b = customer("A"), customer("B")
    a.boss(type_, "2026-03-10", **WHAT[type_])
    desk = await desk_of(*a.emits)
    work_id = work_id_of(a.alerts()[0].alert_id)
    await desk.take(commands=[("close", work_id, Command(by="m1", outcome="false_alarm"))])
    known = len(a.emits)
    a.hand_over(b, type_, "2026-03-11", **WHAT[type_])
    for emit in (*a.emits[known:], *b.emits):
        alert: Any = emit.data
        await desk.take(desk.record("alert.events", emit.type, alert, key=alert.customer_id, clock=alert.at))
    assert sorted((await items(desk)).values()) == [("A", "closed", "withdrawn"), ("B", "new", None)]
