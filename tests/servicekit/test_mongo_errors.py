"""Errors of the database that pass, and those that do not: only the latter say something of what was to be written."""

from typing import Any

import pytest
from motor.motor_asyncio import AsyncIOMotorClient
from pymongo.errors import AutoReconnect, BulkWriteError, OperationFailure

from servicekit.envelope import OutgoingMessage
from servicekit.mongo_store import MongoStore, _packs
from servicekit.store import Batch, Position, Transient


@pytest.mark.parametrize(
    ("error", "passes"),
    [
        (AutoReconnect("gone"), True),
        (OperationFailure("no space left on device", 14031), True),
        (OperationFailure("lock timeout", 24), True),
        (BulkWriteError({"writeErrors": [{"code": 14031, "errmsg": "no space left on device"}]}), True),
        (OperationFailure("bad value", 2), False),
        (BulkWriteError({"writeErrors": [{"code": 2, "errmsg": "bad value"}]}), False),
    ],
    ids=["away", "disk full", "lock", "disk full within", "bad value", "bad value within"],
)
async def test_a_full_disk_of_the_database_makes_no_dead_letters(
    error: Exception, passes: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    client: AsyncIOMotorClient[Any] = AsyncIOMotorClient("mongodb://127.0.0.1:1")
    store = MongoStore(client["toy"], "toy", "toy.0")
    monkeypatch.setattr(store, "_position", Position(), raising=False)

    async def transact(*_: Any) -> None:
        raise error

    monkeypatch.setattr(store, "_transact", transact)
    with pytest.raises(Transient if passes else type(error)):
        await store.commit(Batch({"k": (b"s", None)}))
    client.close()


def test_a_pack_of_messages_counts_their_headers_too() -> None:
    """Two hundred dead letters with long headers were one document of 50 MiB: MongoDB takes 16."""
    headers = [("x", bytes(250 << 10))]
    letters = [(n, OutgoingMessage("t.dlq", 0, b"k", b"{}", headers)) for n in range(200)]
    packs = list(_packs(letters))
    assert max(len(pack) for pack in packs) <= 4
    assert [numbered for pack in packs for numbered in pack] == letters
