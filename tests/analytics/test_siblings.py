"""``why`` over several workers: however the log's events are shared out, the chain is that of one worker alone."""

import asyncio
import random
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from analytics.api import routes
from analytics.chain import Web, why
from analytics.domain import Node
from analytics.settings import Settings
from analytics.siblings import AT_ONCE, Siblings, WholeWeb, known
from harness.moved_records import contract, move
from servicekit.auth import issue_token
from servicekit.decision import Refused


class Share:
    """What one worker keeps of a web: the events of some ids."""

    days = 400

    def __init__(self, whole: Web, kept: set[str]) -> None:
        self._whole, self._kept, self.asked = whole, kept, 0

    def node(self, id_: str) -> Node | None:
        return self._whole.node(id_) if id_ in self._kept else None

    def children(self, parent: str) -> list[str]:
        return [id_ for id_ in self._whole.children(parent) if id_ in self._kept]

    def telling_of(self, about: str) -> list[str]:
        return [id_ for id_ in self._whole.telling_of(about) if id_ in self._kept]

    def ask(self, names: list[str]) -> Any:
        assert len(names) <= AT_ONCE
        self.asked += 1
        return known(self, names)


def shares(log: Any, whole: Web, workers: int, seed: int) -> Iterator[Share]:
    dice = random.Random(seed)
    owner = {message.id: dice.randrange(workers) for message in log.messages()}
    return (Share(whole, {id_ for id_, one in owner.items() if one == worker}) for worker in range(workers))


@pytest.mark.parametrize("story", ["churn", "arrears", "moves"])
async def test_a_chain_is_the_same_however_its_events_are_shared_out(request: Any, story: str) -> None:
    if story == "moves":
        log = request.getfixturevalue("log")
        contract(log, 1, "A")
        move(log, 2, "A", "B")
        contract(log, 2, "B", owner=2)
        move(log, 4, "B", "A", owner=2)
        contract(log, 4, "A", owner=4)
    else:
        log = request.getfixturevalue(story)
    whole = await log.read()
    nodes = [whole.node(message.id) for message in log.messages()]
    starts = {name for node in nodes for name in (node.id, *node.about, *node.parents)}
    for seed in range(6):
        for start in sorted(starts):
            own, *others = shares(log, whole, 3, seed)
            assert why(WholeWeb(own, [other.ask for other in others]), start) == why(whole, start), (seed, start)


async def test_names_go_together(churn: Any) -> None:
    whole = await churn.read()
    other = Share(whole, {message.id for message in churn.messages()})
    chain = why(WholeWeb(Share(whole, set()), [other.ask]), "alert")
    assert chain == why(whole, "alert") and other.asked < len(chain)


def test_a_worker_knows_its_siblings_by_its_partitions(tmp_path: Path) -> None:
    def siblings(ordinals: str, *urls: str) -> list[str]:
        peers = {"analytics": urls} if urls else {}
        common = {"service_data": tmp_path, "archive_dir": tmp_path, "kafka": "-"}
        return Siblings(Settings(**common, peers=peers, ordinals=ordinals))._urls  # type: ignore[arg-type]

    assert siblings("") == []
    assert siblings("", "http://a") == []
    assert siblings("0,2", "http://a", "http://b") == ["http://b"]
    assert siblings("1,3", "http://a", "http://b") == ["http://a"]


async def test_a_chain_that_would_be_incomplete_is_refused(churn: Any, tmp_path: Path) -> None:
    settings = Settings(
        service_data=tmp_path,
        archive_dir=tmp_path,
        kafka="-",
        ordinals="0,2",
        peers={"analytics": ("http://a", "http://127.0.0.1:1")},
    )
    web = Siblings(settings).web(await churn.read(), "Bearer x")
    with pytest.raises(Refused, match="another worker of analytics") as refused:
        why(web, "alert")
    assert refused.value.status == httpx.codes.SERVICE_UNAVAILABLE


async def test_walks_that_wait_for_siblings_keep_no_sibling_waiting(churn: Any, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("0123456789abcdef0123456789abcdef")
    settings = Settings(service_data=tmp_path, archive_dir=tmp_path, kafka="-", secret_file=secret)
    app, done = FastAPI(), threading.Event()
    app.include_router(routes(await churn.read(), Siblings(settings), Any, Any, settings))  # type: ignore[arg-type]
    headers = {"authorization": f"Bearer {issue_token(secret.read_text(), 'gateway', 'service')}"}
    waiting = [asyncio.create_task(asyncio.to_thread(done.wait, 10)) for _ in range(40)]
    await asyncio.sleep(0)
    try:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://a") as client:
            async with asyncio.timeout(5):
                answer = await client.post("/v1/lineage", json={"names": ["alert"]}, headers=headers)
    finally:
        done.set()
        await asyncio.gather(*waiting)
    assert answer.status_code == httpx.codes.OK and answer.json()["names"].keys() == {"alert"}
