"""Documents that wait in a local store for the query database: the newest of each id, none forgotten by a crash."""

import asyncio
import random
import time
from pathlib import Path
from typing import Any

import pytest

from harness.seeds import seeds
from harness.waiting import eventually
from servicekit.decision import DocumentWrite
from servicekit.rocksdb_store import LocalStore
from servicekit.store import Batch
from servicekit.unfollowed import Unfollowed, UnfollowedDocuments


def batch(*rows: DocumentWrite) -> Batch:
    return Batch(writes=list(rows))


def row(id_: str, n: int | None, **more: Any) -> DocumentWrite:
    return DocumentWrite("things", id_, None if n is None else {"n": n}, **more)


async def opened(path: Path, most: int = 20_000, clock: Any = lambda: 1.0) -> LocalStore:
    store = LocalStore(path)
    await store.open()
    store.documents = UnfollowedDocuments(store._db, most, clock)
    return store


def told(rows: list[Unfollowed]) -> dict[str, Any]:
    return {r.id: None if r.doc is None else r.doc["n"] for r in rows}


async def test_the_newest_of_each_id_waits_until_it_is_followed(tmp_path: Path) -> None:
    store = await opened(tmp_path)
    assert store.documents is not None and (store.documents.waiting, store.documents.since) == (0, None)
    await store.commit(batch(row("a", 1, new=True), row("a", 2), row("b", 1)))
    await store.commit(batch(row("b", None), DocumentWrite("others", "a", {"n": 9})))
    found = await store.unfollowed(10)
    assert [(r.collection, r.id, r.commit, r.doc, r.new) for r in found] == [
        ("things", "a", 1, {"n": 2}, True),
        ("things", "b", 2, None, False),
        ("others", "a", 2, {"n": 9}, False),
    ]
    assert (await store.unfollowed_of("things", "a"), await store.unfollowed_of("things", "c")) == (found[0], None)
    await store.followed(found[:2])
    assert [r.collection for r in await store.unfollowed(10)] == ["others"] and store.documents.waiting == 1
    await store.followed(found)
    assert await store.unfollowed(10) == [] and store.documents.waiting == 0
    await store.close()


async def test_a_document_may_rest_until_it_changes_no_more(tmp_path: Path) -> None:
    now = 100.0
    store = await opened(tmp_path, clock=lambda: now)
    await store.commit(batch(row("a", 1, new=True)))
    now = 101.5
    await store.commit(batch(row("b", 1, new=True), row("a", 2)))
    assert await store.unfollowed(10, rested=2.0) == []
    now = 102.0
    found = await store.unfollowed(10, rested=2.0)
    assert (told(found), found[0].new) == ({"a": 2}, True), "one insert of what is newest"
    await store.followed(found)
    assert await store.unfollowed(10, rested=2.0) == [] and told(await store.unfollowed(10)) == {"b": 1}
    await store.close()


async def test_a_wall_clock_that_is_set_back_lets_nothing_wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = LocalStore(tmp_path)
    await store.open()
    assert store.documents is not None
    now = time.time()
    await store.commit(batch(row("a", 1, new=True)))
    monkeypatch.setattr(time, "time", lambda: now - 600)
    await store.commit(batch(row("b", 1, new=True)))
    await eventually(lambda: store.documents_waiting()[1] > 0.05)
    assert [r.id for r in await store.unfollowed(10, rested=0.01)] == ["a", "b"]
    await store.close()


async def test_what_the_database_has_never_had_is_new_until_it_is_followed(tmp_path: Path) -> None:
    store = await opened(tmp_path)
    await store.commit(batch(row("a", 1, new=True), row("b", 1)))
    await store.commit(batch(row("a", 2), row("b", 2)))
    found = await store.unfollowed(10)
    assert [(r.id, r.new) for r in found] == [("a", True), ("b", False)]
    await store.followed(found)
    await store.commit(batch(row("a", 3)))
    assert [(r.id, r.new) for r in await store.unfollowed(10)] == [("a", False)]
    await store.close()


async def test_a_version_that_came_meanwhile_stays(tmp_path: Path) -> None:
    times = iter(range(1, 100))
    store = await opened(tmp_path, clock=lambda: float(next(times)))
    await store.commit(batch(row("a", 1), row("b", 1)))
    found = await store.unfollowed(10)
    await store.commit(batch(row("a", 2)))
    await store.followed(found)
    left = await store.unfollowed(10)
    assert told(left) == {"a": 2} and store.documents is not None and store.documents.waiting == 1
    await store.followed(found)  # once more, as after a lost answer
    assert told(await store.unfollowed(10)) == {"a": 2}
    await store.followed(left)
    assert await store.unfollowed(10) == [] and store.documents.since is None
    await store.close()


async def test_what_waits_outlives_the_process_and_commits_are_counted_on(tmp_path: Path) -> None:
    store = await opened(tmp_path)
    await store.commit(batch(row("a", 1)))
    await store.commit(batch(row("b", 1)))
    await store.followed(await store.unfollowed(1))
    await store.close()
    store = LocalStore(tmp_path)
    assert (await store.open()).commits == 2
    assert told(await store.unfollowed(10)) == {"b": 1} and store.documents is not None and store.documents.since
    await store.commit(batch(row("c", 1)))
    assert [(r.id, r.commit) for r in await store.unfollowed(10)] == [("b", 2), ("c", 3)]
    await store.close()


async def test_documents_come_oldest_first_within_bounds(tmp_path: Path) -> None:
    store = await opened(tmp_path)
    await store.commit(batch(*(row(f"{9 - n}", n) for n in range(10))))
    assert list(told(await store.unfollowed(3))) == ["9", "8", "7"]
    await store.commit(batch(DocumentWrite("things", "9", {"n": 0, "long": "x" * 1000})))
    assert list(told(await store.unfollowed(10, byte_limit=100))) == ["9"], "at least one, however long"
    await store.close()


async def test_arrival_is_told_once_it_is_written(tmp_path: Path) -> None:
    store, rung = await opened(tmp_path), list[int]()
    store.on_unfollowed = lambda: rung.append(1)
    await store.commit(Batch(states={"a": (b"A", None)}))
    assert rung == []
    await store.commit(batch(row("a", 1)))
    assert rung == [1]
    await store.close()


@pytest.mark.parametrize("seed", seeds(4, 20))
async def test_more_than_are_remembered_are_all_followed(tmp_path: Path, seed: int) -> None:
    """Commits, follows and crashes in any order, remembering three keys: the view ends as the newest of each id."""
    rng, time = random.Random(seed), [1.0]
    store = await opened(tmp_path, most=3, clock=lambda: time[0])
    newest: dict[str, int | None] = {}
    view: dict[str, int | None] = {}
    for step in range(120):
        time[0] += 1
        match rng.randrange(8):
            case 0 | 1 | 2:
                rows = [row(str(rng.randrange(30)), rng.choice((step, None))) for _ in range(rng.randrange(1, 8))]
                await store.commit(batch(*rows))
                newest |= told([Unfollowed(r.collection, r.id, "", 0, r.doc) for r in rows])
            case 7:
                await store.close()
                store = await opened(tmp_path, most=3, clock=lambda: time[0])
            case _:
                found = await store.unfollowed(rng.randrange(1, 6))
                view |= told(found)
                if rng.random() < 0.3:  # something comes up meanwhile
                    await store.commit(batch(row("x", step)))
                    newest["x"] = step
                await store.followed(found)
        assert store.documents is not None
        is_behind = any(view.get(id_) != n for id_, n in newest.items() if id_ in view or n is not None)
        assert not is_behind or (store.documents.waiting and store.documents.since)
    while found := await store.unfollowed(4):
        view |= told(found)
        await store.followed(found)
    assert {i: n for i, n in view.items() if n is not None} == {i: n for i, n in newest.items() if n is not None}
    assert store.documents is not None and (store.documents.waiting, store.documents.since) == (0, None)
    await store.close()


async def test_what_is_written_at_once_while_documents_are_taken_waits_for_its_turn(tmp_path: Path) -> None:
    store = await opened(tmp_path)
    assert store.documents is not None
    with store.documents.turn:
        writing = asyncio.create_task(store.commit(Batch(writes=[row("a", 1)], journaled=(1, "owner"))))
        done, _ = await asyncio.wait({writing}, timeout=0.05)
        assert not done and store.documents.waiting == 0, "and the loop goes on"
    await writing
    assert told(await store.unfollowed(10)) == {"a": 1}
    await store.close()


async def test_no_version_is_lost_between_those_who_write_and_who_follow(tmp_path: Path) -> None:
    store, names, followed = await opened(tmp_path), "abcd", dict[str, Any]()
    assert store.documents is not None
    ended = False

    async def follow() -> None:
        while not ended or store.documents_waiting()[0]:
            rows = await store.unfollowed(3)
            followed.update(told(rows))
            await store.followed(rows)

    following = asyncio.create_task(follow())
    for n in range(2000):
        await store.commit(Batch(writes=[row(names[n % 4], n)], journaled=(n + 1, "owner")))
        await asyncio.sleep(0)
    ended = True
    await asyncio.wait_for(following, 10)
    assert followed == {"a": 1996, "b": 1997, "c": 1998, "d": 1999}
    await store.close()
