"""Work rules and calendars change at one place of the log: what begins behind it is due by them, an open item keeps its
due; a restart and a rebuild come to the same.
"""

from datetime import datetime, timedelta
from typing import Any

import pytest

from contracts.alert import CalendarRef, Suppressed
from contracts.documents import DocumentSwitched, State
from contracts.registry import SWITCH
from contracts.work_rules import WORK_RULES_KIND
from harness.calendars import CALENDAR, WORK
from harness.one_processor import NOON
from harness.work_items import RULES, Desk
from harness.work_items import WORK as FIRST
from manager_work import worker
from manager_work.domain import work_id_of
from servicekit.calendar import CALENDAR_KIND

#: Wednesday noon; 48 working hours are six days on, over the weekend
_WORKING = "2026-07-09T04:00:00+00:00"
_HELD = Suppressed(reason="割接", until=NOON + timedelta(hours=3))


class Switched(Desk):
    """manager-work's processor and the switches on its topics."""

    number = 0

    def switch(
        self,
        kind: str,
        document: dict[str, Any],
        version: int = 1,
        state: State = "active",
        topic: str = "alert.events",
    ) -> Any:
        self.number += topic == "alert.events"
        switched = DocumentSwitched(
            number=max(self.number, 1), kind=kind, document_id=document["id"], version=version, state=state,
            document=document, by="li", why="改了", switched_at=NOON,
        )  # fmt: skip
        return self.record(topic, SWITCH, switched, key=f"document/{kind}/{document['id']}")

    async def due(self, alert_id: str = "a1") -> str:
        return str((await self.item(work_id_of(alert_id)))["due_at"])


@pytest.fixture
async def desk() -> Switched:
    desk = Switched(worker.app(RULES, 4), *worker.TOPICS)
    await desk.open()
    return desk


def raised(desk: Desk, n: int, **fields: Any) -> Any:
    return desk.alert("raised", alert_id=f"a{n}", customer_id=f"c{n}", **fields)


async def test_the_next_item_is_due_in_working_time_and_an_open_one_keeps_its_due(desk: Switched) -> None:
    await desk.take(raised(desk, 1), desk.switch(CALENDAR_KIND, CALENDAR), raised(desk, 2))
    assert await desk.due("a1") == (NOON + timedelta(hours=48)).isoformat()
    assert await desk.due("a2") == _WORKING
    named = [(await desk.item(work_id_of(f"a{n}")))["calendar"] for n in (1, 2)]
    assert named == [
        None, {"id": "office", "version": 1, "name_zh": "办公时间", "name_en": "Office hours", "assumed": False},
    ]  # fmt: skip
    (told,) = [w for _, w in await desk.events("work.events") if w.alert_id == "a2"]
    assert told.calendar == CalendarRef(id="office", version=1, name_zh="办公时间", name_en="Office hours")


async def test_a_reopened_item_is_due_by_what_is_in_force_then(desk: Switched) -> None:
    await desk.take(raised(desk, 1), desk.alert("resolved", alert_id="a1", customer_id="c1", outcome="recovered"))
    await desk.take(desk.switch(CALENDAR_KIND, CALENDAR))
    await desk.take(desk.alert("changed", alert_id="a1", customer_id="c1", reopened=True))
    assert await desk.due("a1") == _WORKING


async def test_a_stopped_calendar_counts_no_more(desk: Switched) -> None:
    await desk.take(desk.switch(CALENDAR_KIND, CALENDAR), desk.switch(CALENDAR_KIND, CALENDAR, 1, "stopped"))
    await desk.take(raised(desk, 1))
    assert await desk.due("a1") == (NOON + timedelta(hours=48)).isoformat()


async def test_hours_and_kinds_of_the_next_version(desk: Switched) -> None:
    churn = {"work": "follow_up", "due_hours": {"critical": 1, "major": 2, "minor": 3}}
    document = {**WORK, "alerts": {**WORK["alerts"], "churn_warning": churn}}
    await desk.take(raised(desk, 1), desk.switch(WORK_RULES_KIND, document, 3), raised(desk, 2))
    assert await desk.due("a2") == (NOON + timedelta(hours=2)).isoformat()
    kinds = [(await desk.item(work_id_of(f"a{n}")))["kind"] for n in (1, 2)]
    assert kinds == ["retention", "follow_up"]


async def test_the_due_that_an_alert_says_goes_before_with_its_calendar(desk: Switched) -> None:
    ref = CalendarRef(id="other", version=7, name_zh="甲", name_en="A")
    due = NOON + timedelta(hours=30)
    await desk.take(desk.switch(CALENDAR_KIND, CALENDAR), raised(desk, 1, due_at=due, calendar=ref))
    item = await desk.item(FIRST)
    assert (item["due_at"], item["calendar"]["version"]) == (due.isoformat(), 7)


async def test_what_can_not_be_worked_with_is_a_dead_letter_and_the_version_before_stays(desk: Switched) -> None:
    broken = {**CALENDAR, "weekdays": {"mon": ["25:00-26:00"]}}
    await desk.take(desk.switch(CALENDAR_KIND, CALENDAR))
    await desk.take(desk.switch(CALENDAR_KIND, broken, 2))
    assert [type_ for type_, _ in await desk.events("alert.events.manager-work.dlq")] == [SWITCH]
    await desk.take(raised(desk, 1))
    assert await desk.due("a1") == _WORKING


async def test_a_restart_in_mid_flight_and_a_rebuild_come_to_the_same(desk: Switched) -> None:
    def history(of: Switched) -> list[Any]:
        return [
            raised(of, 1), of.switch(CALENDAR_KIND, CALENDAR), raised(of, 2),
            of.switch(WORK_RULES_KIND, {**WORK, "other": WORK["alerts"]["contract_expiring"]}, 3),
            raised(of, 3, kind="x"),
            of.switch(CALENDAR_KIND, {**CALENDAR, "kinds": ["arrears"]}, 2), raised(of, 4),
        ]  # fmt: skip

    for record in history(desk):
        await desk.take(record)
        await desk.open()  # a new process over the store, between any two records
    at_once = Switched(worker.app(RULES, 4), *worker.TOPICS)
    await at_once.open()
    await at_once.take(*history(at_once))
    for n in range(1, 5):
        assert await desk.item(work_id_of(f"a{n}")) == await at_once.item(work_id_of(f"a{n}"))
    assert await desk.due("a4") == (NOON + timedelta(hours=48)).isoformat()


async def test_what_maintenance_holds_has_no_item_until_it_is_told(desk: Switched) -> None:
    await desk.take(raised(desk, 1, suppressed=_HELD))
    assert await desk.rows.find("work") == []
    later = NOON + timedelta(hours=3)
    await desk.take(desk.alert("changed", alert_id="a1", customer_id="c1", at=later))
    item = await desk.item(FIRST)
    assert (item["state"], datetime.fromisoformat(item["opened_at"])) == ("new", later)


async def test_what_ends_while_it_is_held_never_has_one(desk: Switched) -> None:
    await desk.take(raised(desk, 1, suppressed=_HELD))
    await desk.take(desk.alert("resolved", alert_id="a1", customer_id="c1", suppressed=_HELD, outcome="closed"))
    assert await desk.rows.find("work") == []


async def test_an_item_that_was_there_reopens_when_what_held_its_alert_is_over(desk: Switched) -> None:
    await desk.take(raised(desk, 1), desk.alert("resolved", alert_id="a1", customer_id="c1", outcome="closed"))
    about: dict[str, Any] = {"alert_id": "a1", "customer_id": "c1"}
    await desk.take(desk.alert("changed", **about, reopened=True, suppressed=_HELD))
    assert (await desk.item(FIRST))["state"] == "closed"
    await desk.take(desk.alert("changed", **about))
    assert (await desk.item(FIRST))["state"] == "new"
