"""Making the read model anew while the services go on: the same rows, wherever it began and in whatever order the log
and the documents came."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.domain import ProcessorStanding, Standing
from gateway.projection.rebuild import SOURCES, Rebuild
from harness.read_model import (
    ROWS,
    alert,
    alert_data,
    at,
    customer,
    documents,
    everything,
    manager,
    opened,
    rows_of,
    sms,
    sms_data,
    table,
    unit,
    work,
    work_data,
)
from servicekit.envelope import Message

#: what happens, and the document that a service has once it has (None: none changes)
Step = tuple[Message, tuple[str, dict[str, Any]] | None]


def _manager(id_: str, unit_id: str) -> Step:
    event = manager(id_, unit_id=unit_id)
    return event, ("managers", msgspec.json.decode(event.body or b""))


def _customer(revision: int, **fields: Any) -> Step:
    event = customer(revision=revision, time=at(revision), **fields)
    document = {**msgspec.json.decode(event.body or b""), "archive": "active", "revision": revision, "since": at()}
    return event, ("customers", document)


def _alert(verb: str, revision: int, state: str, shown: str, minute: float, **fields: Any) -> Step:
    event = alert(verb, "a1", revision, state, at=at(minute), **fields)
    return event, ("alerts", {**alert_data("a1", revision, shown, at=at(minute), **fields), "work_id": None})


def _work(verb: str, revision: int, state: str, **fields: Any) -> Step:
    event = work(verb, "w1", revision, state, at=at(revision), **fields)
    return event, ("work", work_data("w1", revision, state, at=at(revision), **fields))


def _sms(verb: str, revision: int, state: str) -> Step:
    return sms(verb, "s1", revision, state), ("sms", sms_data("s1", revision, state))


#: a life of every kind of row; alerts end and begin again, and are told of by two
TOPICS: dict[str, list[Step]] = {
    "boss": [
        (unit(), ("units", {"unit_id": "u1", "name": "单位u1", "city": "320100"})),
        _manager("m1", "u1"),
        _customer(1),
        _customer(2, name="王大明"),
        _manager("m2", "u2"),
        _customer(3, name="王大明", manager_id="m2"),
        _customer(4, name="王大明", manager_id="m2", city="320200"),
    ],
    "alerts": [
        _alert("raised", 1, "raised", "raised", 1),
        _alert("acknowledged", 1, "acknowledged", "acknowledged", 2),
        _alert("changed", 2, "raised", "acknowledged", 3, stage="final_notice"),
        _alert("acted", 2, "acted", "acted", 4, stage="final_notice"),
        _alert("resolved", 3, "resolved", "resolved", 5, outcome="cleared"),
        _alert("changed", 4, "raised", "raised", 6, reopened=True),
        _alert("acknowledged", 4, "acknowledged", "acknowledged", 7, reopened=True),
        _alert("changed", 5, "raised", "acknowledged", 8, stage="suspended"),
    ],
    "work": [
        _work("opened", 1, "new"),
        _work("accepted", 2, "accepted"),
        _work("due_changed", 3, "accepted", due_at=at(200)),
        _work("closed", 4, "closed", outcome="paid", due_at=at(200)),
        _work("reopened", 5, "accepted", due_at=at(300)),
    ],
    "sms": [
        _sms("planned", 1, "queued"),
        _sms("intended", 2, "sending"),
        _sms("submitted", 3, "sent"),
        _sms("delivered", 4, "delivered"),
    ],
}


@given(st.randoms(use_true_random=False))
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_the_same_rows_wherever_it_begins(tmp_path_factory: pytest.TempPathFactory, rng: random.Random) -> None:
    """``noted``: where the log is read from; each document is as its service had it then or at any time later."""
    whole, anew = await opened(tmp_path_factory.mktemp("whole")), await opened(tmp_path_factory.mktemp("anew"))
    await whole.apply(rows_of(_mixed(rng, [[event for event, _ in steps] for steps in TOPICS.values()])), {})
    found: dict[tuple[str, str], list[list[Any]]] = {}
    left: list[list[Any]] = []
    for steps in TOPICS.values():
        noted = rng.randrange(len(steps) + 1)
        read_at = rng.randrange(noted, len(steps) + 1)
        shown: dict[tuple[str, str], dict[str, Any]] = {}
        for _, document in steps[:read_at]:
            assert document is not None
            collection, fields = document
            shown[collection, next(iter(fields.values()))] = fields
        for (collection, id_), fields in shown.items():
            found[collection, id_] = [documents(collection, fields)]
        repeated = steps[rng.randrange(noted + 1) : noted] if rng.random() < 0.3 else []
        left.append([list(ROWS.of_event(event)) for event, _ in [*repeated, *steps[noted:]]])
    for rows in _mixed(rng, [*left, *found.values()]):
        await anew.apply(rows, {})
    assert await everything(anew) == await everything(whole)


def _mixed(rng: random.Random, lists: list[list[Any]]) -> list[Any]:
    """One list of all, each of them in its order."""
    left, mixed = [list(each) for each in lists if each], []
    while left:
        chosen = rng.choice(left)
        mixed.append(chosen.pop(0))
        left = [each for each in left if each]
    return mixed


class Services:
    """Services that pass the noted offsets after a while, and export what they have."""

    def __init__(self) -> None:
        self.collections: dict[str, list[bytes]] = {name: [] for name in SOURCES}
        self.standings: list[dict[str, Standing | None]] = []
        self.fails: list[Exception] = []
        self.asked: list[str] = []

    async def collect(self) -> dict[str, Standing | None]:
        return self.standings.pop(0) if len(self.standings) > 1 else self.standings[0]

    async def export(self, service: str, collection: str) -> AsyncIterator[bytes]:
        self.asked.append(collection)
        for number, line in enumerate(self.collections[collection]):
            if number and self.fails:
                raise self.fails.pop()
            yield line


def standing(offset: int = 9, documents: int = 0, seconds: float = 0.0, ready: bool = True) -> Standing:
    processor = ProcessorStanding(
        "p", ("boss.events/0",), {"boss.events/0": offset}, documents=documents, documents_seconds=seconds
    )
    return Standing("s", ready, (processor,))


def all_of(make: Callable[[], Standing | None]) -> dict[str, Standing | None]:
    return {name: make() for name in ("customer-profile", "alerts", "alerts-2", "manager-work", "analytics")}


async def test_documents_are_read_once_they_tell_of_everything_before(tmp_path: Path) -> None:
    services = Services()
    late: dict[str, Standing | None] = all_of(standing)
    services.standings = [
        {**late, "alerts-2": None},
        {**late, "alerts-2": standing(8)},
        {**late, "customer-profile": standing(ready=False)},
        {**late, "manager-work": standing(documents=1, seconds=1e6)},
        {**late, "analytics": None},
    ]
    store = await opened(tmp_path)
    await Rebuild(services.collect, services.export, poll=0)(store, ROWS, {"boss.events/0": 9, "other/0": 99})
    assert len(services.standings) == 1
    assert services.asked == list(SOURCES)
    assert (await store.open()).marks["whole"] == "1"


async def test_an_export_that_breaks_is_begun_again_and_what_can_not_be_read_is_left_out(tmp_path: Path) -> None:
    services = Services()
    services.standings = [all_of(standing)]
    services.collections["units"] = [b'{"unit_id": "u1"}', b"no json", b"{}", b'{"unit_id": "u2"}']
    services.fails = [httpx.ReadError("broken"), OSError("away")]
    store = await opened(tmp_path)
    from gateway.projection import rebuild

    rebuild._PAUSE_SECONDS, before = 0, rebuild._PAUSE_SECONDS
    try:
        async with asyncio.timeout(10):
            await Rebuild(services.collect, services.export, poll=0)(store, ROWS, {})
    finally:
        rebuild._PAUSE_SECONDS = before
    assert services.asked.count("units") == 3
    assert await table(store, "SELECT unit_id FROM units ORDER BY 1") == [("u1",), ("u2",)]
