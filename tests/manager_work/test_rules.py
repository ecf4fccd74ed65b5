"""Kinds of work are documents: staff add some, a slip is said and stops no work."""

from hashlib import sha256

import msgspec
import pytest

from harness.switchboard import Board
from harness.work_items import Desk
from manager_work import rules, store, worker
from manager_work.rules import WorkRules
from manager_work.settings import Settings
from manager_work.workbook import WORK_RULES, calendar_kind
from servicekit.documents.library import Library
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
    with pytest.raises(ValueError, match=said):
        rules.read(next_version(**slip))
    assert await read(next_version(**slip), {"version": "?"}) == GIVEN


async def test_rules_as_kept_are_the_rules_given() -> None:
    assert await read(msgspec.to_builtins(GIVEN)) == GIVEN


async def test_what_holds_before_any_switch_is_what_staff_find_and_calendars_are_drafts() -> None:
    kept = MemoryStore()
    kept.documents["work_rules"] = {"work@3": next_version(away=["left"]), "work@9": {"version": 9}}
    rows = MemoryDocuments(kept)
    libraries = Library(WORK_RULES, rows, Board()), Library(calendar_kind(), rows, Board())
    for _ in range(2):
        await store.plant(*libraries, rows, GIVEN)
    found = [(told["version"], told["state"]) for told in await libraries[0].brief()]
    assert found == [(2, "draft"), (3, "active")]
    assert list((await libraries[0].get("work")).version.document["away"]) == ["left"]
    (calendar,) = await libraries[1].brief()
    assert (calendar["id"], calendar["state"]) == ("working-days", "draft")


def test_the_seed_is_as_it_was_released() -> None:
    """It holds from the beginning of the log: staff bring versions into force, a release changes none."""
    path = Settings.model_fields["work_rules"].default
    digest = sha256(msgspec.json.encode(msgspec.yaml.decode(path.read_bytes()))).hexdigest()[:16]
    assert digest == "ee7aae20a46e89a9"
