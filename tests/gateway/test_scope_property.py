"""Nothing leaks out of a scope: whoever asks whatever, the answer is the one that there would be if what they may not
see had never been. Routes, their filters and bodies come from the OpenAPI document, so that a new one is asked too.

Two provinces are asked the same requests, the whole one and one without what is out of scope; the answers are compared,
whatever their status: a row, a count, a total, an id in an error, another error, all make a difference.
"""

import asyncio
import contextlib
import json
import re
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import msgspec
import pytest

from gateway.access.grants import Role
from gateway.access.rights import SEEDS, Area, Verb
from gateway.access.roles import Roles
from harness.asked import Asked, Operation, Told, ask, operations, requests
from harness.people import SECRET, Gateway, gateway
from harness.two_worlds import (
    BATCH,
    ELSEWHERE,
    EVERYTHING,
    IN_SHADOW,
    MATE,
    MINE,
    NEIGHBOUR,
    OTHER_KIND,
    Household,
    Services,
    told,
)
from servicekit.auth import issue_token
from servicekit.memory_store import MemoryDocuments, MemoryStore

#: how the platform is doing, in numbers of its log: of no customer
OF_THE_PLATFORM = {"get_metrics", "get_standing", "get_digests", "get_status", "wait_until_settled"}
#: what differs by chance or by the clock, and what numbers all changes of the read model
_BY_CHANCE = re.compile(
    r'"(?:position|seconds_behind|as_of|correlation_id|seconds|link|token|until)":\s*(?:"[^"]*"|[^,}]*)'
    r"|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
    r"|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)"
    r"|nonce-[\w+/=-]+|nonce=\"[^\"]*\"|^id: .*$",
    re.MULTILINE,
)


class Viewer(NamedTuple):
    """Somebody with a scope, what is out of it, and what they are to see at all: else the test would show nothing."""

    name: str
    role: Role
    subject: str
    scope: dict[str, Any]
    unseen: tuple[Household, ...]
    works: bool = True
    #: rights that an administrator has given their role besides
    more: Mapping[Area, tuple[Verb, ...]] = MappingProxyType({})


PLACES = (NEIGHBOUR, ELSEWHERE)
VIEWERS = [
    Viewer("manager", "manager", "M0001", {"manager_id": "M0001"}, (MATE, *PLACES, IN_SHADOW)),
    Viewer("head", "head", "H0001", {"units": ["U11"]}, (*PLACES, IN_SHADOW)),
    Viewer("city_head", "city_head", "C0001", {"cities": ["320100"]}, (ELSEWHERE, IN_SHADOW)),
    Viewer("analyst", "analyst", "A0001", {"units": ["U11"]}, PLACES, works=False),
    Viewer("operations", "operations", "O0001", {"cities": ["320100"]}, (ELSEWHERE, IN_SHADOW)),
    Viewer("operations-of-all", "operations", "O0002", {}, (IN_SHADOW,), works=False),
    Viewer(
        "manager-of-a-kind",
        "manager",
        "M0001",
        {"manager_id": "M0001", "kinds": ["arrears"]},
        (*PLACES, OTHER_KIND, IN_SHADOW),
    ),
    Viewer(
        "city-of-a-kind",
        "city_head",
        "C0002",
        {"cities": ["320100"], "kinds": ["arrears"]},
        (ELSEWHERE, OTHER_KIND, IN_SHADOW),
    ),
    Viewer("analyst-of-a-kind", "analyst", "A0002", {"kinds": ["arrears"]}, (OTHER_KIND, IN_SHADOW), works=False),
    Viewer(
        "head-who-administrates",
        "head",
        "H0002",
        {"units": ["U11"]},
        (*PLACES, IN_SHADOW),
        more={"admin": ("see", "change")},
    ),
    Viewer("integrator", "integrator", "I0001", {"units": ["U11"]}, EVERYTHING, works=False),
    Viewer("nobody", "manager", "M0404", {"manager_id": "M0404"}, EVERYTHING, works=False),
]


class World:
    """A gateway before a province, as somebody asks it."""

    def __init__(self, house: Gateway, services: Services, headers: dict[str, str]) -> None:
        self.house, self.services, self._headers = house, services, headers
        #: ids of what this person has made
        self.made: list[str] = []

    async def ask(self, asked: Asked) -> Told:
        found = await ask(self.house.app, asked, self._headers)
        if asked.path == "/v1/exports" and found.status == 202:
            await self._until_done(json.loads(found.text)["id"])
        if asked.method == "POST" and 200 <= found.status < 300 and found.text.startswith("{"):
            self.made += [value for name, value in json.loads(found.text).items() if name in ("id", "job_id")]
        return found

    async def _until_done(self, job: str) -> None:
        """How many may be asked for depends on how many are under way."""
        asked = Asked("GET", f"/v1/jobs/{job}", "", None, {})
        async with asyncio.timeout(10):
            while json.loads((await ask(self.house.app, asked, self._headers)).text)["state"] in ("queued", "running"):
                await asyncio.sleep(0.01)


@contextlib.asynccontextmanager
async def world(folder: Path, parts: tuple[Household, ...], viewer: Viewer) -> AsyncIterator[World]:
    services = Services(parts)
    token = issue_token(SECRET, viewer.subject, viewer.role, scope=viewer.scope)
    documents = MemoryDocuments(MemoryStore())
    if viewer.more:
        seed = SEEDS[viewer.role]
        role = msgspec.structs.replace(seed, rights={**seed.rights, **viewer.more})
        await Roles(documents).save(viewer.role, role, after=0, author="X0001", reason="…", key=None)
    async with gateway(folder, documents, answer=services.answer, told=told(parts), people=[]) as house:
        yield World(house, services, {"authorization": f"Bearer {token}", "kam-request": "1"})


def texts_of(unseen: tuple[Household, ...]) -> tuple[list[str], dict[str, list[str]]]:
    """What may be asked for: ids of what is out of sight, of what is not, and of what there is not; and what of it fits
    a filter of some name."""
    found = ["c1", MINE.id("a"), MINE.id("w"), MINE.id("s"), BATCH, "U11", "nobody-404"]
    fitting: dict[str, list[str]] = {
        name: [] for name in ("customer", "alert", "city", "unit", "manager", "kind", "text")
    }
    for part in unseen:
        items = [part.id("a"), part.id("w"), part.id("s")]
        found += [part.customer_id, *items, part.cause, f"x{part.part}", part.unit_id, part.manager_id]
        fitting["customer"] += [part.customer_id, f"c1,{part.customer_id}"]
        fitting["alert"].append(part.id("a"))
        fitting["city"].append(part.city)
        fitting["unit"] += [part.unit_id, "U1"]
        fitting["manager"].append(part.manager_id)
        fitting["kind"].append(part.kind)
        found += [items[0][:6], "13901009876", "9876", "李"]  # how people search
    return list(dict.fromkeys(found)), {name: [*dict.fromkeys(values), "none"] for name, values in fitting.items()}


def plain(found: Told, made: list[str]) -> tuple[int, str]:
    text = found.text
    for number, id_ in enumerate(made):
        text = text.replace(id_, f"made-{number}")
    return found.status, _BY_CHANCE.sub("…", text)


async def compared(
    whole: World, without: World, operation: Operation, unseen: tuple[Household, ...], seen: set[str]
) -> None:
    """Asks both. Raises ``AssertionError`` where an answer tells that there is more."""
    document, (texts, fitting) = whole.house.app.openapi(), texts_of(unseen)
    pairs = zip(
        requests(document, operation, [*texts, *whole.made[:3]], fitting),
        requests(document, operation, [*texts, *without.made[:3]], fitting),
        strict=True,
    )
    for of_whole, of_without in pairs:
        there, never = await whole.ask(of_whole), await without.ask(of_without)
        if operation.id not in OF_THE_PLATFORM:
            is_alike = plain(there, whole.made) == plain(never, without.made)
            assert is_alike, f"{of_whole} tells of what is out of scope: {there} {never}"
        if 200 <= there.status < 300:
            seen.add(operation.id)


@pytest.mark.parametrize("viewer", VIEWERS, ids=lambda viewer: viewer.name)
@pytest.mark.long
@pytest.mark.timeout(900)  # half a minute on a machine of its own; its bound is against what hangs
async def test_nothing_leaks_out_of_a_scope(tmp_path: Path, viewer: Viewer) -> None:
    rest = tuple(part for part in EVERYTHING if part not in viewer.unseen)
    seen: set[str] = set()
    async with (
        world(tmp_path / "whole", EVERYTHING, viewer) as whole,
        world(tmp_path / "without", rest, viewer) as without,
    ):
        found = operations(whole.house.app.openapi())
        for operation in found:
            await compared(whole, without, operation, viewer.unseen, seen)
        await asyncio.sleep(1)  # what was begun in the background is done
        for operation in (each for each in found if each.method == "GET" and "{" in each.path):
            await compared(whole, without, operation, viewer.unseen, seen)
        # What runs in shadow has nothing that could be changed.
        untouchable = [part.part for part in viewer.unseen if not part.in_shadow]
        touched = [path for path in whole.services.commands if any(part in path for part in untouchable)]
        assert not touched, "nothing of it is changed"
    if MINE in rest:
        looked = {
            "get_alert",
            "get_work",
            "get_sms",
            "get_customer",
            "why",
            "list_alerts",
            "page_alerts",
            "page_customers",
        }
        looked |= {"count_alerts", "count_customers", "search", "list_units", "list_work", "list_sms"}
        if IN_SHADOW in rest:
            looked |= {"list_shadow_alerts", "get_rule_figures"}
        assert looked <= seen, "and it is not for want of rights that nothing was seen"
    if viewer.works:
        assert {"accept_work", "close_work"} <= seen
