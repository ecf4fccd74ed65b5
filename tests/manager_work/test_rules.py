"""Kinds of work are documents: staff add some, a slip is said and stops no work."""

import msgspec
import pytest

from harness.work_items import Desk
from manager_work import rules, store, worker
from manager_work.rules import WorkRules
from manager_work.settings import Settings
from servicekit.memory_store import MemoryDocuments, MemoryStore

GIVEN = rules.load(Settings.model_fields["work_rules"].default)


def next_version(**changes: object) -> dict[str, object]:
    return {**msgspec.to_builtins(GIVEN), "version": GIVEN.version + 1, **changes}


async def read(*documents: dict[str, object]) -> WorkRules:
    kept = MemoryStore()
    kept.documents["work_rules"] = {f"work@{n}": document for n, document in enumerate(documents)}
    return await store.read_rules(MemoryDocuments(kept), GIVEN)


async def test_a_kind_that_staff_add_is_work_of_its_own() -> None:
    hours = {"critical": 1, "major": 2, "minor": 3}
    added = next_version(
        kinds={**msgspec.to_builtins(GIVEN.kinds), "courtesy": {"zh": "问候", "en": "courtesy"}},
        alerts={**msgspec.to_builtins(GIVEN.alerts), "quiet": {"work": "courtesy", "due_hours": hours}},
    )
    desk = Desk(worker.app(await read(msgspec.to_builtins(GIVEN), added), 4), *worker.TOPICS)
    await desk.open()
    await desk.take(desk.alert("raised", kind="quiet"))
    assert (await desk.item())["kind"] == "courtesy"


async def test_an_alert_of_a_kind_that_nobody_has_named_is_work_all_the_same() -> None:
    desk = Desk(worker.app(GIVEN, 4), *worker.TOPICS)
    await desk.open()
    await desk.take(desk.alert("raised", kind="quite_new"))
    assert (await desk.item())["kind"] == "follow_up"


@pytest.mark.parametrize(
    ("slip", "said"),
    [
        (
            {"other": {"work": "folow_up", "due_hours": {"critical": 1, "major": 1, "minor": 1}}},
            "known are attention, complaint_",
        ),
        ({"other": {"work": "follow_up", "due_hours": {"critical": 1}}}, "major, minor"),
        ({"other": {"work": "follow_up", "due_hours": {"critical": -1, "major": 1, "minor": 1}}}, "due_hours"),
        ({"kinds": {}}, "add it to the kinds"),
        ({"alerts": None}, "alerts"),
        ({"extra": 1}, "extra"),
    ],
)
async def test_a_slip_in_a_document_is_said_and_passed_over(slip: dict[str, object], said: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=said):
        msgspec.convert(next_version(**slip), WorkRules)
    assert await read(next_version(**slip), {"version": "?"}) == GIVEN


async def test_rules_as_kept_are_the_rules_given() -> None:
    assert await read(msgspec.to_builtins(GIVEN)) == GIVEN
