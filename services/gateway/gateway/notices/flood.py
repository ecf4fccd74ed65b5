"""When many notices to one person become one: what the work rules in force say."""

from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Any

import msgspec
import structlog

from contracts.work_rules import Flood
from gateway.access.grants import Principal
from gateway.peers import Peers
from servicekit.decision import Refused

log = structlog.get_logger()
#: what was read is believed for so long; while manager-work is away, as long as that lasts
_BELIEVED_SECONDS = 60.0
FloodRule = Callable[[], Awaitable[Flood | None]]


async def never() -> Flood | None:
    """No rule: each notice by itself."""
    return None


class _Version(msgspec.Struct):
    state: str
    document: dict[str, Any]


class _WorkRules(msgspec.Struct):
    flood: Flood | None = None


_decode = msgspec.json.Decoder(list[_Version]).decode


class WorkRulesFlood:
    """The rule of the work rules in force, asked of manager-work."""

    def __init__(self, peers: Peers, since_start: Callable[[], float] = monotonic) -> None:
        self._peers, self._since_start = peers, since_start
        self._known: Flood | None = None
        self._until = float("-inf")

    async def __call__(self) -> Flood | None:
        if self._until <= self._since_start():
            try:
                who = Principal("gateway", "service", ())
                answer = await self._peers.call("manager-work", "GET", "/v1/work-rules", actor=who)
                active = [each.document for each in _decode(answer.content) if each.state == "active"]
                self._known = msgspec.convert(active[-1], _WorkRules).flood if active else None
            except (Refused, msgspec.MsgspecError) as error:
                log.warning("notices.flood_as_read_before", error=str(error)[:200])
            self._until = self._since_start() + _BELIEVED_SECONDS
        return self._known
