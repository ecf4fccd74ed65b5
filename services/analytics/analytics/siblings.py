"""The web of causes over all workers of analytics: what this one keeps, and what the others say (ADR 0013).

A chain may cross partitions (a record goes to another customer), so the worker that is asked walks it alone and asks
the others for what they have under a name. Names that a walk is about to ask for go along, so that a chain of twenty
events takes a handful of requests.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from itertools import islice

import httpx
import msgspec
from msgspec import Struct

from analytics.chain import Web
from analytics.domain import Node
from analytics.settings import Settings
from servicekit.decision import Refused

#: names in a request at most
AT_ONCE = 200
_SECONDS, _IDLE_SECONDS = 5.0, 2.0


class Known(Struct, frozen=True, omit_defaults=True):
    """What a worker has under a name: the event of this id, events caused by it, events that tell of it."""

    node: Node | None = None
    children: list[str] = []
    telling_of: list[str] = []


class _Answer(Struct, frozen=True):
    """What a sibling says."""

    names: dict[str, Known]


#: of a sibling: what it has under these names; names of which it has nothing may be left out
Ask = Callable[[list[str]], dict[str, Known]]
_NOTHING = Known()
_decode = msgspec.json.Decoder(_Answer).decode


def known(web: Web, names: Iterable[str]) -> dict[str, Known]:
    """What this web has under these names."""
    found = {name: Known(web.node(name), web.children(name), web.telling_of(name)) for name in names}
    return {name: one for name, one in found.items() if one != _NOTHING}


class WholeWeb:
    """This worker's web and its siblings', for one walk: what they said is remembered. It blocks: for a thread."""

    def __init__(self, own: Web, siblings: Sequence[Ask]) -> None:
        self._own, self._siblings, self.days = own, siblings, own.days
        self._said: dict[str, list[Known]] = {}
        self._ahead: dict[str, None] = {}

    def node(self, id_: str) -> Node | None:
        node = self._own.node(id_) or next((k.node for k in self._of_others(id_) if k.node is not None), None)
        if node is not None:
            self._ahead |= dict.fromkeys((node.id, *node.about, *node.parents))
        return node

    def children(self, parent: str) -> list[str]:
        others = self._of_others(parent)
        self._ahead |= dict.fromkeys(id_ for one in others for id_ in one.children)
        return [*self._own.children(parent), *(id_ for one in others for id_ in one.children)]

    def telling_of(self, about: str) -> list[str]:
        others = self._of_others(about)
        self._ahead |= dict.fromkeys(id_ for one in others for id_ in one.telling_of)
        return [*self._own.telling_of(about), *(id_ for one in others for id_ in one.telling_of)]

    def _of_others(self, name: str) -> list[Known]:
        if name not in self._said:
            self._ahead.pop(name, None)
            names = [name, *islice((n for n in self._ahead if n not in self._said), AT_ONCE - 1)]
            answers = [ask(names) for ask in self._siblings]
            for one in names:
                self._ahead.pop(one, None)
                self._said[one] = [answer[one] for answer in answers if one in answer]
        return self._said[name]


class Siblings:
    """The other workers of analytics, found by KAM_PEERS: worker i of N has partitions i, i + N, …"""

    def __init__(self, settings: Settings) -> None:
        urls = settings.peers.get("analytics", ())
        ours = {ordinal % len(urls) for ordinal in settings.owned()} if urls else set()
        self._urls = [url for number, url in enumerate(urls) if number not in ours]
        limits = httpx.Limits(keepalive_expiry=_IDLE_SECONDS)
        self._client = httpx.Client(timeout=_SECONDS, limits=limits, trust_env=False)

    def web(self, own: Web, authorization: str) -> Web:
        """The web of all workers; ``authorization``: the header of whoever asks us."""
        return WholeWeb(own, [self._ask(url, authorization) for url in self._urls]) if self._urls else own

    async def close_at_end(self) -> None:
        """Job: keeps the connections until the service stops."""
        try:
            await asyncio.Event().wait()
        finally:
            self._client.close()

    def _ask(self, url: str, authorization: str) -> Ask:
        def ask(names: list[str]) -> dict[str, Known]:
            try:
                headers = {"authorization": authorization}
                answer = self._client.post(f"{url}/v1/lineage", json={"names": names}, headers=headers)
                return _decode(answer.raise_for_status().content).names
            except (httpx.HTTPError, msgspec.MsgspecError, RecursionError) as error:
                raise Refused(
                    "lineage_incomplete",
                    "analytics 的另一个进程没有应答，链条会不完整，请稍后再试（kam status 可查看）",
                    "another worker of analytics does not answer and the chain would lack what it keeps, try again "
                    "soon (kam status shows it)",
                    503,
                ) from error

        return ask
