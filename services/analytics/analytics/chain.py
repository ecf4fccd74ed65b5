"""The chain of facts behind an id: back to the BOSS records, forward to the outcome, in the order it happened.

Whatever the start (alert, SMS, work item, event, id of a fed event, ``file:<name>#<line>``), the chain holds the alerts
concerned: their evidence and triggers with the BOSS records, their life, their SMS and their work. For one SMS the
others of its alert are left out.
"""

from collections.abc import Iterable
from typing import Any, Protocol

from msgspec import Struct

from analytics.domain import BOSS_TOPIC, MOVE, Node
from analytics.texts import summary

RECORD = "boss.record"
#: link that stands for evidence which is no longer kept here
EARLIER = "lineage.earlier"
#: link that stands for what is beyond the most events of a chain
CUT, MOST = "lineage.cut", 2000
#: where every event is, however old
ARCHIVE = "topic=*/date=*/*.parquet"
_SUBMITTED = "kam.sms.submitted.v1"
#: within one millisecond causes come before what they cause
_ORDER = (BOSS_TOPIC, "customer.events", "alert.events", "work.events", "sms.outbound")
_RANK = {topic: rank for rank, topic in enumerate(_ORDER)}


class Link(Struct, frozen=True):
    """One fact of the chain, as ``kam why`` shows it."""

    id: str
    type: str
    at: str
    service: str
    caused_by: str | None
    summary_zh: str
    summary_en: str
    detail: dict[str, Any]


class Web(Protocol):
    """What the walk needs to look up; ``days``: how long events are kept there."""

    days: int

    def node(self, id_: str) -> Node | None: ...

    def children(self, parent: str) -> list[str]: ...

    def telling_of(self, about: str) -> list[str]: ...


def why(web: Web, id_: str) -> list[Link]:
    """The chain for this id, from the BOSS record to the outcome; empty when nothing is known of it."""
    walk = _Walk(web)
    walk.start(id_)
    return walk.chain()


class _Walk:
    def __init__(self, web: Web) -> None:
        self._web = web
        self._nodes: dict[str, Node] = {}
        self._alerts: set[str] = set()
        self._only_sms: str | None = None
        self._is_cut = False

    def start(self, id_: str) -> None:
        node = self._web.node(id_) or next(iter(self._tellers([id_])), None)
        if node is None:
            # A BOSS record, by its place in a file or by the id of the event that BOSS fed.
            for child in self._web.children(id_):
                self._enter(child)
            return
        if id_ in (node.id, node.data.get("sms_id")):
            self._only_sms = node.data.get("sms_id")
        self._enter(node.id)

    def chain(self) -> list[Link]:
        nodes = sorted(self._nodes.values(), key=lambda n: (self._told_at(n), _RANK.get(n.topic, 9), n.offset))
        links: dict[str, Link] = {}
        for link in (link for node in nodes for link in _links(node)):
            links.setdefault(link.id, link)  # a record that gave several events is told once, before the first of them
        if self._is_cut:
            zh, en = f"只显示 {MOST} 个事件", f"only {MOST} events are shown"
            links[CUT] = Link(CUT, CUT, "", "analytics", None, zh, en, {})
        return [*self._earlier(), *links.values()]

    def _earlier(self) -> list[Link]:
        """What an alert rests on and is not kept any more, in one link: the chain does not begin where it seems to."""
        lists = (node.data.get("evidence") for node in self._nodes.values())
        named = dict.fromkeys(id_ for ids in lists if isinstance(ids, list) for id_ in ids)
        gone = [id_ for id_ in named if id_ not in self._nodes]
        if not gone:
            return []
        days = self._web.days
        zh = f"依据中有 {len(gone)} 个事件早于 {days} 天，见归档 {ARCHIVE}"
        en = f"{len(gone)} event(s) of its evidence are older than {days} days: see the archive, {ARCHIVE}"
        return [Link(gone[0], EARLIER, "", "analytics", None, zh, en, {"ids": gone, "archive": ARCHIVE})]

    def _told_at(self, node: Node) -> int:
        """Time in the log; a receipt comes after the submit it answers, even where it was written down first."""
        if node.topic != "sms.receipts":
            return node.timestamp
        answered = (n for n in self._nodes.values() if n.type == _SUBMITTED and not set(n.about).isdisjoint(node.about))
        return max([node.timestamp, *(n.timestamp for n in answered)])

    def _enter(self, id_: str) -> None:
        """Take an event in, with the alerts it belongs to or is evidence of."""
        node = self._take(id_)
        if node is None:
            return
        family = [node]
        if "alert_id" not in node.data:
            children = (self._take(name) for name in self._web.children(id_))
            tellers = (teller for teller in self._tellers(node.about) if _is_of(teller, node.data.get("sms_id")))
            family = [*tellers, *(child for child in children if child is not None)]
        for member in family:
            if alert := member.data.get("alert_id"):
                self._take_alert(str(alert))
        self._ancestors(node)

    def _take_alert(self, alert_id: str) -> None:
        if alert_id in self._alerts:
            return
        self._alerts.add(alert_id)
        for node in self._tellers([alert_id]):
            sms = node.data.get("sms_id")
            if sms is not None and self._only_sms not in (None, sms):
                continue
            if self._keep(node) and sms is not None:
                for receipt in self._tellers(name for name in node.about if name != alert_id):
                    if _is_of(receipt, sms):
                        self._keep(receipt)
            self._ancestors(node)

    def _ancestors(self, node: Node) -> None:
        waiting = [node]
        while waiting:
            for parent in waiting.pop().parents:
                if parent in self._nodes:
                    continue
                # A record that came from another customer: how is part of the story, what it meant there is not.
                is_move = parent.startswith(MOVE)
                found = self._tellers([parent]) if is_move else [self._web.node(parent)]
                waiting += [n for n in found if n is not None and n.id not in self._nodes and self._keep(n)]

    def _take(self, id_: str) -> Node | None:
        node = self._nodes.get(id_) or self._web.node(id_)
        return node if node is not None and self._keep(node) else None

    def _keep(self, node: Node) -> bool:
        """Into the chain, while there is room."""
        if node.id in self._nodes or len(self._nodes) < MOST:
            self._nodes[node.id] = node
            return True
        self._is_cut = True
        return False

    def _tellers(self, names: Iterable[str]) -> list[Node]:
        ids = dict.fromkeys(id_ for name in names for id_ in self._web.telling_of(name))
        return [node for id_ in ids if (node := self._web.node(id_)) is not None]


def _is_of(node: Node, sms: object) -> bool:
    """Whether an event may be of this SMS: SMSCs give the same message id again, after a while."""
    return sms is None or node.data.get("sms_id") in (None, sms)


def _links(node: Node) -> list[Link]:
    """An event of the chain; before an event of BOSS, the record in which BOSS said so."""
    zh, en = summary(node.type, node.data)
    detail = {**node.data, "log": {"topic": node.topic, "partition": node.partition, "offset": node.offset}}
    if node.topic != BOSS_TOPIC:
        return [Link(node.id, node.type, node.time, node.service, node.causation or None, zh, en, detail)]
    source, record_zh, record_en = origin(node.correlation)
    record = Link(node.correlation, RECORD, node.time, "boss", None, record_zh, record_en, {**source, **node.data})
    return [record, Link(node.id, node.type, node.time, node.service, node.correlation, zh, en, detail)]


def origin(correlation: str) -> tuple[dict[str, Any], str, str]:
    """Where a BOSS record came from: ``file:<name>#<line>`` or ``feed:<source>#<id>``, taken apart and in words."""
    road, _, rest = correlation.partition(":")
    name, _, number = rest.rpartition("#")
    if road == "file" and name:
        line = int(number) if number.isdecimal() else number
        return {"file": name, "line": line}, f"文件 {name} 第 {number} 行", f"file {name}, line {number}"
    if road == "feed" and rest:
        source, _, event = rest.partition("#")
        return {"source": source, "event": event}, f"来自 {source} 的事件 {event}", f"event {event} of {source}"
    return {"record": correlation}, f"记录 {correlation}", f"record {correlation}"
