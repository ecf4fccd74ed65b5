"""Versioned documents: one suite for the fake and for the real database."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from motor.motor_asyncio import AsyncIOMotorClient

from servicekit.decision import Refused
from servicekit.memory_store import MemoryDocuments, MemoryStore
from servicekit.mongo import MongoDocuments
from servicekit.store import Documents, Transient
from servicekit.versioned import Clash, VersionedDocuments, version_of

NOON = datetime(2026, 6, 30, 4, tzinfo=UTC)
FOR_REAL = pytest.param("real", marks=pytest.mark.embedded)


class Rule(msgspec.Struct, frozen=True):
    limit: int
    text: str = ""


@pytest.fixture(params=["fake", FOR_REAL])
async def rows(request: pytest.FixtureRequest) -> AsyncIterator[Documents]:
    if request.param == "fake":
        yield MemoryDocuments(MemoryStore())
        return
    client: Any = AsyncIOMotorClient(request.getfixturevalue("mongodb"), tz_aware=True)
    database = request.getfixturevalue("mongo_database")
    yield MongoDocuments(client[database])
    await client.drop_database(database)
    client.close()


@pytest.fixture
def rules(rows: Documents) -> VersionedDocuments[Rule]:
    return VersionedDocuments(rows, "rules", Rule, lambda: NOON)


async def save(rules: VersionedDocuments[Rule], limit: int, after: int, id: str = "r", **more: Any) -> Any:
    return await rules.save(id, Rule(limit), after=after, **{"author": "li", "reason": "试试", **more})


async def test_every_version_says_who_when_why_and_in_which_state(rules: VersionedDocuments[Rule]) -> None:
    await save(rules, 70, 0, state="draft")
    second = await save(rules, 65, 1, author="王芳", reason="调整阈值", state="active")
    assert await rules.get("r") == second
    assert (second.version, second.etag, second.state, second.author, second.reason, second.at) == (
        2, '"2"', "active", "王芳", "调整阈值", NOON,
    )  # fmt: skip
    assert [(v.version, v.document.limit, v.state) for v in await rules.history("r")] == [
        (2, 65, "active"),
        (1, 70, "draft"),
    ]
    assert (await rules.version("r", 1) or second).document.limit == 70
    assert await rules.get("other") is None and await rules.history("other") == []
    await save(rules, 1, 0, id="a")
    assert [version.id for version in await rules.all()] == ["a", "r"]


@pytest.mark.parametrize("after", [0, 1, 3, 99])
async def test_a_save_from_another_version_keeps_nothing_and_says_who_was_faster(
    rules: VersionedDocuments[Rule], after: int
) -> None:
    await save(rules, 70, 0)
    faster = await save(rules, 65, 1, author="王芳")
    with pytest.raises(Clash, match="王芳") as refused:
        await save(rules, 1, after)
    assert (refused.value.current, refused.value.status) == (faster, 412)
    assert [v.version for v in await rules.history("r")] == [2, 1]


async def test_what_is_not_there_can_not_be_changed(rules: VersionedDocuments[Rule]) -> None:
    with pytest.raises(Clash) as refused:
        await save(rules, 1, 1)
    assert refused.value.current is None and await rules.all() == []


async def test_of_many_at_once_one_wins(rules: VersionedDocuments[Rule]) -> None:
    for after in range(4):
        done = await asyncio.gather(*(save(rules, n, after) for n in range(8)), return_exceptions=True)
        (won,) = [one for one in done if not isinstance(one, Exception)]
        assert all(isinstance(one, Clash) for one in done if one is not won)
        assert await rules.get("r") == won


async def test_a_repeat_with_its_key_gives_what_the_first_one_made(rules: VersionedDocuments[Rule]) -> None:
    first = await save(rules, 70, 0, key="k1")
    assert await save(rules, 70, 0, key="k1") == first
    second = await save(rules, 60, 1, key="k2")
    assert await save(rules, 60, 1, key="k2") == second and len(await rules.history("r")) == 2
    for other in ({"key": "k3"}, {"key": "k2", "author": "somebody else"}, {}):
        with pytest.raises(Clash):
            await save(rules, 60, 1, **other)


async def test_a_process_that_ended_half_way_blocks_nobody(rows: Documents, rules: VersionedDocuments[Rule]) -> None:
    class Dying:
        """The database goes away behind the first write."""

        def __getattr__(self, name: str) -> Any:
            return getattr(rows, name)

        async def put(self, *_: Any, **__: Any) -> None:
            raise Transient("gone")

    await save(rules, 70, 0)
    dying: Any = Dying()
    with pytest.raises(Transient):
        await save(VersionedDocuments(dying, "rules", Rule, lambda: NOON), 60, 1, key="k")
    with pytest.raises(Clash) as refused:
        await save(rules, 50, 1)
    assert refused.value.current is not None and refused.value.current.document.limit == 60
    assert (await save(rules, 60, 1, key="k")).version == 2, "its repeat finds what it had made"
    assert (await save(rules, 50, 2)).version == 3


async def test_an_older_version_that_comes_late_replaces_nothing(rows: Documents) -> None:
    await rows.put("things", "a", {"version": 2, "n": 2}, newer_by="version")
    await rows.put("things", "a", {"version": 1, "n": 1}, newer_by="version")
    assert await rows.get("things", "a") == {"_id": "a", "version": 2, "n": 2}
    await rows.put("things", "a", {"version": 3, "n": "$version"}, newer_by="version")
    assert await rows.get("things", "a") == {"_id": "a", "version": 3, "n": "$version"}
    await rows.put("things", "b", {"version": None})
    await rows.put("things", "b", {"version": 1}, newer_by="version")
    assert await rows.get("things", "b") == {"_id": "b", "version": 1}, "none at all is older than any"
    await rows.put("things", "a", {"n": 0})
    assert await rows.get("things", "a") == {"_id": "a", "n": 0}


async def test_fields_are_set_where_there_is_a_document(rows: Documents) -> None:
    assert not await rows.patch("things", "a", {"n": 1}) and await rows.get("things", "a") is None
    assert await rows.add("things", "a", {"n": 1, "m": 1}) and not await rows.add("things", "a", {"n": 2})
    assert await rows.patch("things", "a", {"n": 3}) and await rows.get("things", "a") == {"_id": "a", "n": 3, "m": 1}
    assert await rows.forget("things", {"_id": "a"}) == 1 and await rows.forget("things", {"_id": "a"}) == 0


async def test_words_of_the_query_language_are_plain_text(rules: VersionedDocuments[Rule]) -> None:
    text = '$$ROOT {"$set": 1} \x00 数'
    await rules.save("$r.x", Rule(1, text), after=0, author="$li", reason="$version")
    saved = await rules.save("$r.x", Rule(2, text), after=1, author="$li", reason="$version")
    assert await rules.get("$r.x") == saved and saved.document.text == text and saved.author == "$li"


@pytest.mark.parametrize(
    ("given", "status"),
    [(None, 428), ("", 412), ("3", 412), ('"x"', 412), ("*", 412), ('"1", "2"', 412), ('"9999999999"', 412)],
)
def test_what_names_no_version_is_refused(given: str | None, status: int) -> None:
    with pytest.raises(Refused) as refused:
        version_of(given)
    assert refused.value.status == status


def test_an_etag_names_its_version() -> None:
    assert [version_of(text) for text in ('"3"', ' "3" ', 'W/"3"', '"0"')] == [3, 3, 3, 0]
