"""What was asked under an ``Idempotency-Key`` happens once, at whatever gateway it is asked again: the answer that was
given is given again, and another request under that key is refused.

Each attempt is a document that only one request can add. An attempt without an answer is under way, or its process has
ended in the middle: after a while the next request takes its place. No answer kept here holds anything personal or
secret; what would is made anew (``check``).
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from hashlib import sha256
from http import HTTPStatus
from typing import Any, TypeVar

import msgspec
import structlog
from pydantic import BaseModel

from gateway.access.grants import Principal
from servicekit.clock import SystemClock, iso, system_now
from servicekit.decision import KeyUsed
from servicekit.ids import derive
from servicekit.problem import Problem
from servicekit.store import Documents, Transient

T = TypeVar("T")
log = structlog.get_logger()
REPEATS = "repeats"
#: for how long a request is known again, and for how long one without an answer is taken for one that is under way
KEPT, UNDER_WAY = timedelta(hours=24), timedelta(seconds=60)
_MOST_ATTEMPTS = 20
_FORGET_SECONDS = 600.0


class _Attempt(msgspec.Struct, frozen=True):
    """``asked``: digest of the body; ``answer``: as JSON, None for none yet."""

    asked: str
    begun: str
    answer: str | None = None


class Repeats:
    """Requests under a key, by who asked for what. Raises ``Transient`` where the database does not answer."""

    def __init__(self, rows: Documents, clock: SystemClock = system_now) -> None:
        self._rows, self._clock = rows, clock

    async def once(
        self, who: Principal, key: str | None, what: str, asked: BaseModel, act: Callable[[], Awaitable[T]]
    ) -> T:
        """What ``act`` gives (plain values), or has given for this request. ``what`` names the action and its object.

        Raises ``Refused`` (422) for another body under the same key, ``Problem`` (409) while the first is under way,
        and whatever ``act`` raises: a refusal is not kept, and the next request is a first one.
        """
        if key is None:
            return await act()
        id, said = _name(who, key, what), _digest(asked)
        for number in range(_MOST_ATTEMPTS):
            name = f"{id}@{number}"
            attempt = _Attempt(said, iso(self._clock()))
            if await self._rows.add(REPEATS, name, msgspec.to_builtins(attempt)):
                return await self._carry_out(name, act)
            row = await self._rows.get(REPEATS, name)
            if row is None:  # refused at this moment
                break
            before = msgspec.convert(row, _Attempt)
            if before.asked != said:
                raise KeyUsed()
            if before.answer is not None:
                given: T = msgspec.json.decode(before.answer)
                return given
            if self._clock() - datetime.fromisoformat(before.begun) < UNDER_WAY:
                break
        raise Problem(
            HTTPStatus.CONFLICT,
            "under_way",
            "相同的请求正在处理，请稍后再试",
            "the same request is under way; ask again in a moment",
            {"Retry-After": "1"},
        )

    async def check(self, who: Principal, key: str | None, what: str, asked: BaseModel) -> None:
        """For what may be done again as often as it is asked for: raises ``Refused`` (422) for another body under the
        same key, and keeps nothing but a digest."""
        if key is None:
            return
        name, attempt = f"{_name(who, key, what)}@0", _Attempt(_digest(asked), iso(self._clock()), "null")
        if not await self._rows.add(REPEATS, name, msgspec.to_builtins(attempt)):
            before = await self._rows.get(REPEATS, name)
            if before is not None and before["asked"] != attempt.asked:
                raise KeyUsed()

    async def noted(self, who: Principal, key: str | None, what: str) -> str | None:
        """What an earlier request under this key set about last, by ``note``, however it ended."""
        row = None if key is None else await self._rows.get(REPEATS, _note(who, key, what))
        return None if row is None else str(row["noted"])

    async def note(self, who: Principal, key: str | None, what: str, object_: str | None) -> None:
        """For an action that looks for its own object: the one it is about to change, so that a repeat begins with it
        and takes no second one. None: nothing came of it, and nothing will."""
        if key is None:
            return
        name = _note(who, key, what)
        if object_ is None:
            await self._rows.forget(REPEATS, {"_id": name})
        else:
            await self._rows.put(REPEATS, name, {"begun": iso(self._clock()), "noted": object_})

    async def forget(self) -> None:
        """Job: remove what is past its time."""
        while True:
            try:
                await self._rows.forget(REPEATS, {"begun": {"$lt": iso(self._clock() - KEPT)}})
            except Transient as error:
                log.warning("repeats.not_forgotten", error=str(error)[:200])
            await asyncio.sleep(_FORGET_SECONDS)

    async def _carry_out(self, name: str, act: Callable[[], Awaitable[T]]) -> T:
        try:
            answer = await act()
        except Exception:
            await self._rows.forget(REPEATS, {"_id": name})
            raise
        await self._rows.patch(REPEATS, name, {"answer": msgspec.json.encode(answer).decode()})
        return answer


def _name(who: Principal, key: str, what: str) -> str:
    return derive(REPEATS, msgspec.json.encode((who.owner, what, key)).decode())


def _note(who: Principal, key: str, what: str) -> str:
    return f"{_name(who, key, what)}@noted"


def _digest(asked: BaseModel) -> str:
    plain: Any = asked.model_dump(mode="json")
    return sha256(msgspec.json.encode(plain, order="deterministic")).hexdigest()
