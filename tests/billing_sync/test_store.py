"""Walking the keys of a store in order, on both stores; an intake that finds everything again in RocksDB."""

from pathlib import Path
from typing import Any

import pytest

from billing_sync.domain.keys import identity_key
from harness.intake import feed, running, until
from servicekit.memory_store import MemoryStore
from servicekit.rocksdb_store import LocalStore
from servicekit.store import Batch

BILL = {"customer_id": "1", "period": "202605", "amount_fen": 100}


@pytest.fixture(params=["memory", "local"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    return MemoryStore() if request.param == "memory" else LocalStore(tmp_path / "db")


async def test_keys_are_walked_in_order(store: Any) -> None:
    await store.open()
    names = ["I/ARR/*/7", "I/ARR/320100/1", "I/ARR/320100/2", "I/ARR/320100/3", "I/ARR/3201000/1", "I/BRR/1"]
    await store.commit(Batch({name: (b"", 5 if name.endswith("2") else None) for name in names}))
    assert await store.keys("I/ARR/320100/", "", 10) == names[1:4]
    assert await store.keys("I/ARR/320100/", "I/ARR/320100/1", 1) == names[2:3]
    assert await store.keys("I/ARR/320100/", "I/ARR/320100/3", 10) == []
    assert await store.keys("I/ARR/", "", 10) == names[:5]
    assert await store.keys("X/", "", 10) == []
    await store.commit(Batch({names[1]: (None, None)}))
    assert await store.keys("I/ARR/320100/", "", 10) == names[2:4]
    await store.close()


async def test_everything_is_found_again(tmp_path: Path) -> None:
    async with running(LocalStore(tmp_path / "db")) as (intake, producer):
        await feed(intake, "bill.issued", BILL, id="a")
        await until(lambda: not intake.settle()["outbox"] and not intake.settle()["busy"])
        clock, number = intake.reading(), producer.ticks[-1]["data"]["number"]
    async with running(LocalStore(tmp_path / "db")) as (intake, producer):
        assert intake.reading() == clock
        assert (await feed(intake, "bill.issued", BILL, id="a")).status == "duplicate"
        await feed(intake, "bill.issued", {**BILL, "amount_fen": 7}, id="b")
        await until(lambda: not intake.settle()["outbox"] and not intake.settle()["busy"])
        assert [e["revision"] for e in producer.of("boss.events")] == ["2"]
        assert producer.ticks[-1]["data"]["number"] > number


def test_identities_do_not_run_into_each_other() -> None:
    assert identity_key("a", "b/c") != identity_key("a/b", "c")
