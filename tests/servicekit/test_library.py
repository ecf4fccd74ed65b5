"""The life of a document at its owner: saved, in force, rolled back, stopped; whoever is faster, whatever dies."""

import asyncio
from collections.abc import AsyncIterator
from datetime import date, timedelta
from itertools import permutations
from typing import Any

import msgspec
import pytest

from harness.switchboard import AT, Board
from servicekit.decision import KeyUsed, Refused
from servicekit.documents import library
from servicekit.documents.fault import Fault, Faulty
from servicekit.documents.kinds import Kind
from servicekit.documents.library import Library
from servicekit.memory_store import MemoryDocuments, MemoryStore
from servicekit.versioned import Clash

DAY, NEXT = date(2026, 8, 1), date(2026, 8, 2)


class Text(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    id: str
    text: str
    version: int = 0


def check(text: Text, others: Any) -> list[Fault]:
    return [Fault("text", "空", "empty")] if not text.text else []


KIND = Kind(name="text", read=lambda document: msgspec.convert(document, Text), check=check, has_shadow=True)


class World:
    def __init__(self) -> None:
        self.board, self.rows = Board(), MemoryDocuments(MemoryStore())
        self.library = self.worker()

    def worker(self) -> Library:
        return Library(KIND, self.rows, self.board, lambda: AT)

    async def save(self, text: str, after: int | None, **more: Any) -> int:
        asked = {"author": "A1", "why": "so", **more}
        return (await self.library.save("t", {"id": "t", "text": text}, after=after, **asked)).version.version

    async def activate(self, version: int, **more: Any) -> str:
        return (await self.library.activate("t", version, by="A1", why="so", **more)).state

    async def states(self, library: Library | None = None) -> list[str]:
        return [shown["state"] for shown in await (library or self.library).brief()]


@pytest.fixture
async def world() -> World:
    """With version 1, as delivered."""
    made = World()
    await made.library.plant([(1, {"id": "t", "text": "one"})], is_in_force=lambda id, version: True)
    return made


async def test_what_was_delivered_is_in_force_from_the_beginning_and_planted_once(world: World) -> None:
    await world.save("two", 1)
    await world.library.plant([(1, {"id": "t", "text": "ONE"})], is_in_force=lambda id, version: True)
    plain, second = await world.library.brief()
    assert (plain["state"], second["state"]) == ("active", "draft")
    assert plain["active_from"] is None and plain["created_at"] == AT.isoformat()
    assert plain["document"] == {"id": "t", "text": "one"} and plain["text"] == "one" and plain["author"] == "kam"
    assert (await world.library.get("t")).version.version == 2 and (await world.library.get("t", 1)).state == "active"


async def test_saves_are_versions_and_the_second_of_two_people_is_told(world: World) -> None:
    assert await world.save("two", 1) == 2
    with pytest.raises(Clash, match="A1 just changed this"):
        await world.save("other", 1, author="B2")
    with pytest.raises(Refused) as refused:
        await world.save("other", None)
    assert refused.value.status == 428
    assert await world.save("three", 2) == 3 and await world.states() == ["active", "draft", "draft"]


async def test_a_repeat_under_its_key_is_the_same_save(world: World) -> None:
    assert await world.save("two", 1, key="k") == await world.save("two", 1, key="k") == 2
    with pytest.raises(KeyUsed):
        await world.save("other", 1, key="k")
    made = [await world.library.save("u", {"text": "x"}, after=None, author="A1", why="so", key="k") for _ in range(2)]
    assert [shown.version.version for shown in made] == [1, 1]


async def test_a_repeat_under_its_key_is_the_same_change(world: World) -> None:
    await world.save("two", 1)
    assert [await world.activate(2, key="k1") for _ in range(2)] == ["active", "active"]
    back = [await world.library.rollback("t", by="B2", why="worse", key="k2") for _ in range(2)]
    assert [(shown.version.version, shown.state) for shown in back] == [(3, "active")] * 2
    assert [(await world.library.stop("t", by="B2", why="no", key="k3")).state for _ in range(2)] == ["stopped"] * 2
    assert len(world.board.placed) == 3
    for key, version, on in (("k1", 2, DAY), ("k1", 3, None)):
        with pytest.raises(KeyUsed):
            await world.activate(version, key=key, on=on)
    with pytest.raises(KeyUsed):
        await world.library.stop("t", by="A1", why="no", key="k1")


@pytest.mark.parametrize(
    ("document", "field"),
    [
        ({"text": ""}, "text"),
        ({"text": 5}, "text"),
        ({"x": 1, "text": "a"}, "x"),
    ],
)
async def test_what_is_wrong_is_refused_and_nothing_kept(world: World, document: dict[str, Any], field: str) -> None:
    with pytest.raises(Faulty) as refused:
        await world.library.save("t", document, after=1, author="A1", why="so")
    assert refused.value.field == field and await world.states() == ["active"]


async def test_a_document_that_is_too_large_is_refused(world: World) -> None:
    with pytest.raises(Faulty, match="256 KiB"):
        await world.save("x" * (256 << 10), 1)


async def test_a_version_comes_into_force_and_is_rolled_back(world: World) -> None:
    await world.save("two", 1)
    assert await world.activate(2) == "active" and await world.states() == ["retired", "active"]
    assert world.board.asked == [("t", 2, "active", {"id": "t", "text": "two"})]
    back = await world.library.rollback("t", by="B2", why="worse")
    assert (back.version.version, back.state, back.version.document["text"]) == (3, "active", "one")
    assert await world.states() == ["retired", "retired", "active"]


async def test_without_anything_before_there_is_no_roll_back(world: World) -> None:
    with pytest.raises(Refused, match="no version was in force before"):
        await world.library.rollback("t", by="B2", why="worse")
    with pytest.raises(Refused) as refused:
        await world.library.rollback("nowhere", by="B2", why="worse")
    assert refused.value.status == 404


async def test_it_is_stopped_once_and_can_come_back(world: World) -> None:
    assert (await world.library.stop("t", by="A1", why="wrong")).state == "stopped"
    with pytest.raises(Refused, match="nothing to stop"):
        await world.library.stop("t", by="A1", why="wrong")
    assert await world.activate(1) == "active"
    assert [asked[2] for asked in world.board.asked] == ["stopped", "active"]


async def test_of_a_day_to_come_it_waits_and_is_in_force_when_that_is_here(world: World) -> None:
    await world.save("two", 1)
    assert await world.activate(2, on=DAY) == "scheduled"
    assert (await world.library.get("t", 2)).active_from == DAY
    assert await world.activate(2, on=NEXT) == "scheduled" and (await world.library.get("t", 2)).active_from == NEXT
    assert len(world.board.placed) == 1
    world.board.reach_the_day()
    await world.library.look()
    assert await world.states() == ["retired", "active"] and (await world.library.get("t", 2)).active_from == AT


async def test_what_waits_is_taken_back_and_what_is_in_force_stays(world: World) -> None:
    await world.save("two", 1)
    await world.activate(2, on=DAY)
    assert (await world.library.take_back("t", 2, by="B2", why="no")).state == "draft"
    assert not [p for p in world.board.placed.values() if p.number is None]
    assert await world.states() == ["active", "draft"]
    assert (await world.library.take_back("t", 2, by="B2", why="no")).state == "draft", "said again nothing changes"
    assert (await world.library.take_back("t", 1, by="B2", why="no")).state == "active", (
        "what is in force waits for nothing"
    )
    with pytest.raises(Refused):
        await world.library.take_back("t", 9, by="B2", why="no")


async def test_stopping_gives_up_what_waits(world: World) -> None:
    await world.save("two", 1)
    await world.activate(2, on=DAY)
    assert (await world.library.stop("t", by="A1", why="no")).state == "stopped"
    assert not [p for p in world.board.placed.values() if p.number is None]
    assert await world.states() == ["stopped", "draft"]


async def test_a_stop_of_what_only_waits_says_who_stopped_it_and_why(world: World) -> None:
    await world.library.stop("t", by="A1", why="first")
    await world.save("two", 1)
    await world.activate(2, on=DAY)
    assert (await world.library.stop("t", by="B2", why="金额写错")).state == "draft"
    for worker in (world.library, world.worker()):
        await worker.look()
        (step,) = (await worker.get("t", 2)).switches
        assert (step.state, step.by, step.why, step.on, step.number) == ("taken_back", "B2", "金额写错", DAY, None)
        assert step.at is not None and step.plain()["state"] == "taken_back"
    await world.activate(2, on=DAY)
    assert [s.state for s in (await world.library.get("t", 2)).switches] == ["taken_back", "active"]
    afterwards = Library(KIND, world.rows, world.board, lambda: AT + timedelta(seconds=1))
    await afterwards.take_back("t", 2, by="A1", why="no")
    assert [s.by for s in (await world.library.get("t", 2)).switches] == ["B2", "A1"]
    world.board.reach_the_day()
    await world.library.look()
    assert (await world.states())[1] == "draft"


async def test_a_version_that_waits_is_placed_anew_before_it_is_given_up(world: World) -> None:
    await world.save("two", 1)
    await world.activate(2, on=DAY)
    world.board.full = True
    for asked in ({"on": NEXT}, {}):
        with pytest.raises(Refused):
            await world.activate(2, **asked)
    assert [(p.version, p.on) for p in world.board.placed.values()] == [(2, DAY)], "it waits as it did"
    world.board.full = False
    world.board.keeps = True
    for asked in ({"on": NEXT}, {}):
        with pytest.raises(Refused):
            await world.activate(2, **asked)
    assert await world.states() == ["retired", "active"] and len(world.board.placed) == 3
    world.board.keeps = False
    assert await world.activate(2) == "active", "asked again, the rest is done"
    assert [p.number for p in world.board.placed.values()] == [1]


async def test_a_repeat_under_its_key_gives_up_what_was_left(world: World) -> None:
    await world.save("two", 1)
    await world.activate(2, on=DAY)
    world.board.keeps = True
    with pytest.raises(Refused):
        await world.activate(2, on=NEXT, key="k")
    world.board.keeps = False
    assert await world.activate(2, on=NEXT, key="k") == "scheduled"
    assert [p.on for p in world.board.placed.values()] == [NEXT]


async def test_a_roll_back_gives_up_what_is_scheduled(world: World) -> None:
    await world.save("two", 1)
    await world.activate(2)
    await world.save("three", 2)
    await world.activate(3, on=DAY)
    back = await world.library.rollback("t", by="B2", why="worse", key="k")
    assert (back.version.version, back.state) == (4, "active")
    world.board.reach_the_day()
    await world.library.look()
    assert await world.states() == ["retired", "retired", "draft", "active"]
    await world.activate(3, on=NEXT)
    assert (await world.library.rollback("t", by="B2", why="worse", key="k")).version.version == 4
    assert (await world.library.get("t", 3)).state == "scheduled", "a repeat gives up nothing that came since"


async def test_a_roll_back_that_can_t_be_asked_for_loses_nothing(world: World) -> None:
    await world.save("two", 1)
    await world.activate(2)
    await world.activate(1, on=DAY)
    world.board.away = True
    with pytest.raises(Refused):
        await world.library.rollback("t", by="B2", why="worse", key="k")
    assert (await world.library.get("t", 1)).state == "scheduled"
    world.board.away = False
    assert (await world.library.rollback("t", by="B2", why="worse", key="k")).version.version == 3
    assert all(p.number for p in world.board.placed.values())


async def test_a_new_version_must_go_with_what_is_in_force_or_waits_and_with_no_draft(world: World) -> None:
    seen: list[Any] = []

    def look(text: Text, others: Any) -> list[Fault]:
        seen.append([(other["id"], other["text"]) for other in others])
        return []

    world.library = Library(msgspec.structs.replace(KIND, check=look), world.rows, world.board, lambda: AT)
    await world.library.save("u", {"text": "u1"}, after=None, author="A1", why="so")
    await world.save("two", 1)
    assert seen[-1] == [("t", "one")], "u1 is a draft"
    await world.activate(2, on=DAY)
    await world.save("three", 2)
    assert seen[-1] == [("t", "one"), ("t", "two")]
    await world.library.activate("u", 1, by="A1", why="so")
    await world.library.stop("t", by="A1", why="so")
    await world.activate(3)
    assert sorted(seen[-1]) == [("t", "one"), ("u", "u1")], "one that is stopped can come back"


async def test_a_process_that_ends_between_asking_and_noting_loses_nothing(world: World) -> None:
    await world.save("two", 1)
    world.board.dies = True
    with pytest.raises(ConnectionError):
        await world.activate(2)
    assert await world.states() == ["active", "draft"]
    other = world.worker()
    await other.look()
    assert await world.states() == ["retired", "active"]
    world.board.dies = True
    with pytest.raises(ConnectionError):
        await world.activate(1)
    assert await world.activate(1) == "active", "asked again it has the place it had"
    assert len(world.board.placed) == 2


async def test_a_roll_back_that_ended_half_way_goes_on(world: World) -> None:
    await world.save("two", 1)
    await world.activate(2)
    world.board.away = True
    with pytest.raises(Refused):
        await world.library.rollback("t", by="B2", why="worse")
    world.board.away = False
    assert (await world.library.rollback("t", by="B2", why="worse")).version.version == 3


async def test_every_worker_learns_of_what_was_placed_and_of_what_was_given_up(world: World) -> None:
    other = world.worker()
    await world.save("two", 1)
    await world.activate(2, on=DAY)
    await other.look()
    assert await world.states(other) == ["active", "scheduled"]
    await world.library.take_back("t", 2, by="B2", why="no")
    await other.look()
    assert await world.states() == ["active", "draft"] and not world.board.placed


async def test_what_waits_is_asked_for_again_where_billing_sync_has_lost_it(world: World) -> None:
    """It fell back to a draft, and nobody was told."""
    await world.save("two", 1)
    await world.activate(2, on=DAY)
    orders = dict(world.board.placed)
    world.board.placed.clear()
    world.board.away = True
    with pytest.raises(Refused):
        await world.library.look()
    world.board.away = False
    await asyncio.gather(world.library.look(), world.worker().look())
    assert world.board.placed == orders, "the same order, with the same id"
    shown = await world.library.get("t", 2)
    assert (shown.state, shown.active_from) == ("scheduled", DAY)
    world.board.reach_the_day()
    await world.library.look()
    assert await world.states() == ["retired", "active"]


async def test_what_was_lost_comes_into_force_at_once_where_its_day_has_passed(world: World) -> None:
    await world.save("two", 1)
    await world.activate(2, on=DAY)
    world.board.placed.clear()
    world.board.today = NEXT
    await world.library.look()
    assert await world.states() == ["retired", "active"]
    assert [asked[1] for asked in world.board.asked] == [2, 2]


async def test_what_was_given_up_half_way_is_not_asked_for_again(world: World) -> None:
    await world.save("two", 1)
    await world.activate(2, on=DAY)
    world.board.keeps = True
    with pytest.raises(Refused):
        await world.library.take_back("t", 2, by="B2", why="no")
    assert await world.states() == ["active", "scheduled"], "as long as billing-sync has it"
    world.board.placed.clear()
    await world.library.look()
    assert await world.states() == ["active", "draft"] and not world.board.placed


async def test_what_was_given_up_half_way_and_asked_for_anew_waits(world: World) -> None:
    await world.save("two", 1)
    await world.activate(2, on=DAY)
    world.board.keeps = True
    with pytest.raises(Refused):
        await world.library.take_back("t", 2, by="B2", why="no")
    world.board.keeps = False
    assert await world.activate(2, on=DAY) == "scheduled"
    world.board.placed.clear()
    await world.library.look()
    assert await world.states() == ["active", "scheduled"] and len(world.board.placed) == 1


async def test_what_is_given_up_while_it_is_asked_for_again_is_taken_back(world: World) -> None:
    await world.save("two", 1)
    await world.activate(2, on=DAY)
    world.board.placed.clear()
    place = world.board.place

    async def meanwhile(*order: Any) -> Any:
        placed = await place(*order)
        await world.worker().take_back("t", 2, by="B2", why="no")
        return placed

    world.board.place = meanwhile  # type: ignore[method-assign]
    await world.library.look()
    assert await world.states() == ["active", "draft"] and not world.board.placed


async def test_the_follower_goes_on_whatever_happens(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library, "FOLLOW_SECONDS", 0.01)
    await world.save("two", 1)
    await world.activate(2)
    (row,) = await world.rows.find("text_documents.steps", {"version": 2})
    await world.rows.put("text_documents.steps", "later", {**row, "state": "paused"})
    assert await world.states() == ["retired", "active"], "a row of another release is left out"
    other = world.worker()
    broken = world.board.after

    async def breaks(number: int, kind: str) -> Any:
        world.board.after = broken  # type: ignore[method-assign]
        raise ZeroDivisionError("a bug")

    world.board.after = breaks  # type: ignore[method-assign]
    world.board.dies = True
    with pytest.raises(ConnectionError):
        await world.activate(1)
    following = asyncio.create_task(other.follow())
    for _ in range(100):
        if await world.states() == ["active", "retired"]:
            break
        await asyncio.sleep(0.01)
    assert await world.states() == ["active", "retired"] and not following.done()
    following.cancel()


class Racing(MemoryDocuments):
    """Before each write others have their turn; the write itself is one."""

    async def add(self, *row: Any) -> bool:
        await asyncio.sleep(0)
        return await MemoryDocuments(*self._stores).add(*row)

    async def put(self, *row: Any, newer_by: str | None = None) -> None:
        await asyncio.sleep(0)
        await MemoryDocuments(*self._stores).put(*row, newer_by=newer_by)


async def test_of_two_workers_that_note_at_once_neither_takes_the_place_away(world: World) -> None:
    await world.save("two", 1)
    await world.activate(2, on=DAY)
    (waiting,) = world.board.placed.values()
    world.board.reach_the_day()
    (placed,) = world.board.placed.values()
    for order in permutations((waiting, waiting, placed)):
        store = MemoryStore()
        workers = [Library(KIND, Racing(store), world.board, lambda: AT) for _ in order]
        await asyncio.gather(*(worker.note(each) for worker, each in zip(workers, order, strict=True)))
        (row,) = await MemoryDocuments(store).find("text_documents.steps")
        assert row["number"] == placed.number


async def test_an_order_that_could_not_be_noted_is_told_again_and_keeps_back_none(world: World) -> None:
    await world.save("two", 1)
    await world.save("three", 2)
    for version in (2, 3):
        world.board.dies = True
        with pytest.raises(ConnectionError):
            await world.activate(version)
    other, note = world.worker(), Library.note

    async def fails_once(placed: Any) -> None:
        if placed.version == 2 and not failed:
            failed.append(placed)
            raise ZeroDivisionError("a bug")
        await note(other, placed)

    failed: list[Any] = []
    other.note = fails_once  # type: ignore[method-assign]
    with pytest.raises(ZeroDivisionError):
        await other.look()
    assert await world.states() == ["retired", "draft", "active"]
    await other.look()
    assert await world.states() == ["retired", "retired", "active"]


async def test_a_place_that_was_noted_as_waiting_by_one_that_was_late_is_found_again(world: World) -> None:
    await world.save("two", 1)
    await world.activate(2, on=DAY)
    (row,) = await world.rows.find("text_documents.steps", {"version": 2})
    late = dict(row)
    world.board.reach_the_day()
    await world.library.look()
    await world.rows.put("text_documents.steps", late["_id"], late)
    await world.library.look()
    assert await world.states() == ["retired", "active"]


async def test_an_order_that_was_asked_for_anew_waits_for_its_new_day(world: World) -> None:
    await world.save("two", 1)
    await world.activate(2, on=DAY)
    (old,) = world.board.placed.values()
    await world.library.note(msgspec.structs.replace(old, on=NEXT))
    assert (await world.library.get("t", 2)).active_from == NEXT


async def test_one_that_was_noted_by_nobody_is_found_behind_one_that_was(world: World) -> None:
    await world.save("two", 1)
    await world.save("three", 2)
    world.board.dies = True
    with pytest.raises(ConnectionError):
        await world.activate(2)
    await world.activate(3)
    again = world.worker()
    await again.look()
    assert await world.states(again) == ["retired", "retired", "active"]


async def test_while_billing_sync_is_away_nothing_changes(world: World) -> None:
    world.board.away = True
    for call in (lambda: world.activate(1, shadow=True), lambda: world.library.stop("t", by="A1", why="x")):
        with pytest.raises(Refused) as refused:
            await call()
        assert refused.value.code in ("switches_away", "already_active")
    assert await world.states() == ["active"]


async def test_a_shadow_only_where_the_kind_has_one(world: World) -> None:
    await world.save("two", 1)
    assert await world.activate(2, shadow=True) == "shadow"
    plain = Library(msgspec.structs.replace(KIND, has_shadow=False), world.rows, world.board)
    with pytest.raises(Refused) as refused:
        await plain.activate("t", 2, by="A1", why="x", shadow=True)
    assert refused.value.code == "no_shadow"


async def test_what_is_not_there_is_not_found(world: World) -> None:
    for call in (world.library.get("t", 9), world.library.get("u"), world.library.activate("t", 9, by="", why="")):
        with pytest.raises(Refused) as refused:
            await call
        assert refused.value.status == 404
    assert (await world.library.get("t", 1)).version.at == AT


class OneByOne(MemoryDocuments):
    """A list of 20,000 customers that is replaced each day: all its versions at once fill the memory."""

    async def find(self, collection: str, *where: Any, **more: Any) -> list[dict[str, Any]]:
        assert not collection.endswith(".versions"), "they are gone through one by one"
        return await super().find(collection, *where, **more)

    async def each(self, collection: str, *where: Any, at_once: int = 0, **more: Any) -> AsyncIterator[dict[str, Any]]:
        assert 0 < at_once <= 100
        for row in await super().find(collection, *where, **more):
            yield row


async def test_versions_are_listed_one_by_one_and_only_those_that_decide_are_held() -> None:
    world = World()
    world.library = Library(KIND, OneByOne(MemoryStore()), world.board, lambda: AT)
    await world.library.plant([(1, {"id": "t", "text": "one"})], is_in_force=lambda id, version: True)
    for version, text in enumerate(("two", "three", "four"), 2):
        await world.save(text, version - 1)
    await world.activate(2)
    await world.activate(4, on=date(2026, 7, 9))
    assert await world.states() == ["retired", "active", "draft", "scheduled"]
    assert [(s.version.version, s.state) for s in await world.library.held()] == [(2, "active"), (4, "scheduled")]
    assert [document["text"] for document in await world.library.others()] == ["two", "four"]
