"""States that version 0.1.0 kept in MongoDB, beside the documents: an empty local store takes them over, once.

Of an app: ``<app>_state`` {_id key, u processor, w wake ms or 0, s state}, ``<app>_outbox`` {_id, u, n last sequence,
m messages}, ``<app>_units`` {_id processor, owner, position}. The store that begins puts its epoch into the unit's
``taken_over_by``: no other ever takes the same, and a process of the earlier version is fenced. A crash on the way
begins anew; the last batch makes it whole. What was taken over is dropped, but for the units.
"""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec
import structlog
from pymongo.errors import AutoReconnect, ConnectionFailure

from servicekit.envelope import OutgoingMessage
from servicekit.store import Batch, Position, Transient

if TYPE_CHECKING:
    from motor.motor_asyncio import AsyncIOMotorDatabase

    from servicekit.committer import Committer

log = structlog.get_logger()
_MARK, _BEGUN, _DONE, _NOTHING = "states_of_0.1.0", "begun", "taken over", "there were none"
_BATCH = 2000
_decode_position = msgspec.msgpack.Decoder(Position).decode
_decode_pack = msgspec.msgpack.Decoder(list[tuple[int, OutgoingMessage]]).decode


class MongoStates:
    """What ``apps`` of a service have in its database."""

    def __init__(self, database: "AsyncIOMotorDatabase[dict[str, Any]]", *apps: str) -> None:
        self._db, self._apps = database, apps

    async def take_over(self, committer: "Committer") -> None:
        """Bring the states of this processor into its store, which is open, unless it has begun already. Waits for the
        database: only a processor that has never committed anything asks it."""
        position = committer.position
        if committer.app.name not in self._apps or position.offsets or position.marks.get(_MARK, _BEGUN) != _BEGUN:
            return
        if _MARK not in position.marks:
            await committer.write(Batch(marks={_MARK: _BEGUN}))  # from now on its epoch stays
        earlier = await committer.patiently(partial(self._claim, committer))
        if earlier is None:
            return await committer.write(Batch(marks={_MARK: _NOTHING}))
        count = await committer.patiently(partial(self._bring, committer))
        outbox = await committer.patiently(partial(self._outbox, committer))
        await committer.write(
            Batch(
                outbox=outbox,
                offsets=earlier.offsets,
                marks={**earlier.marks, _MARK: _DONE},
                next_sequence=earlier.next_sequence,
            )
        )
        await committer.patiently(partial(self._say_so, committer))
        log.info("states.taken_over", processor=committer.name, states=count, outbox=len(outbox), of="MongoDB")

    async def drop(self) -> None:
        """Drop what every processor of an app has taken over. Raises ``Transient``."""
        for app in self._apps:
            async with _reached():
                units = await self._of(app, "units").find({}).to_list(None)
                if units and all(unit.get("taken_over") for unit in units):
                    for name in ("state", "outbox"):
                        await self._of(app, name).drop()

    async def _claim(self, committer: "Committer") -> Position | None:
        """Where the earlier version stood; None if there was none, or another store has taken it over."""
        units, name = self._of(committer.app.name, "units"), {"_id": committer.name}
        async with _reached():
            unit = await units.find_one(name)
            if unit is None:
                return None
            if unit.get("taken_over_by") not in (None, committer.position.epoch):
                log.error("states.taken_over_before", processor=committer.name, by=unit["taken_over_by"])
                return None
            claim = {"owner": secrets.token_hex(8), "taken_over_by": committer.position.epoch}
            await units.update_one(name, {"$set": claim})
            # Read again: an owner that was still alive may have committed until then.
            unit = await units.find_one(name)
        return None if unit is None else _decode_position(unit["position"])

    async def _bring(self, committer: "Committer") -> int:
        count, states = 0, dict[str, tuple[bytes | None, int | None]]()
        async with _reached():
            async for row in self._of(committer.app.name, "state").find({"u": committer.name}):
                states[row["_id"]] = row["s"], row["w"] or None
                if len(states) >= _BATCH:
                    count += await _keep(committer, states)
            return count + await _keep(committer, states)

    async def _outbox(self, committer: "Committer") -> list[tuple[int, OutgoingMessage]]:
        async with _reached():
            packs = await self._of(committer.app.name, "outbox").find({"u": committer.name}).sort("n", 1).to_list(None)
        return [numbered for pack in packs for numbered in _decode_pack(pack["m"])]

    async def _say_so(self, committer: "Committer") -> None:
        async with _reached():
            await self._of(committer.app.name, "units").update_one(
                {"_id": committer.name}, {"$set": {"taken_over": True}}
            )

    def _of(self, app: str, what: str) -> Any:
        return self._db[f"{app.replace('-', '_')}_{what}"]


async def _keep(committer: "Committer", states: dict[str, tuple[bytes | None, int | None]]) -> int:
    """Commit these states with their entries in the index, and empty the dict."""
    count, index = len(states), dict[tuple[str, str, str], bool]()
    for key, (state, _) in states.items():
        if committer.app.index is not None and state is not None:
            entries = committer.app.index(committer.decode_state(state))
            index |= {(name, value, key): True for name, value in entries}
    await committer.write(Batch(states=dict(states), index=index))
    states.clear()
    return count


@asynccontextmanager
async def _reached() -> AsyncIterator[None]:
    try:
        yield
    except (AutoReconnect, ConnectionFailure) as error:
        raise Transient(str(error)) from error
