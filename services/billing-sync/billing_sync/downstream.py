"""How far those behind us are: what is accepted now is handled so many seconds later.

Their positions (committed to their consumer groups) are held against where the ends of their topics stood a while ago.
"""

import asyncio
import time
from collections import deque
from collections.abc import Mapping

import structlog
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from billing_sync import metrics
from servicekit.kafka import start_consumer

log = structlog.get_logger()
Offsets = Mapping[TopicPartition, int]
DETECT, DESK = "alerts-detect", "alerts-desk"
_FACTS, _ALERTS = "boss.events", "alert.events"
#: who follows us, to the SMS: whose positions count, on which topics
FOLLOWERS = {DETECT: (_FACTS,), DESK: (_FACTS, _ALERTS)}
EVERY_SECONDS = 0.25
#: Who is behind and has not moved for so long is away. It finds everything in the log when it is back; until then
#: nobody waits for it.
AWAY_SECONDS = 15.0
_REMEMBERED_SECONDS = 120.0
#: Below this age a position is only not shown yet; from there on the rate of the last seconds tells how long it takes.
_SURE_SECONDS, _RATE_SECONDS = 1.0, 3.0
_RETRY_SECONDS, _LONGEST_RETRY = 1.0, 5


class Downstream:
    """Judges by what ``note`` is told. ``bound``: seconds behind at which new events are better refused.

    ``seconds``: how long what is accepted now will wait, at least as long as what is handled now has waited; 0 where
    nobody is known to be behind. ``is_slow`` goes on until they are well below the bound; ``fills_up`` says that
    whatever is not a single event should hold back.
    """

    def __init__(self, bound: float) -> None:
        self._bound = bound
        self.seconds = 0.0
        self.is_slow = False
        self._seen: deque[tuple[float, Offsets, Mapping[str, Offsets]]] = deque()
        self._moved: dict[tuple[str, TopicPartition], tuple[float, tuple[int, str]]] = {}
        self._signs: Mapping[str, Mapping[TopicPartition, str]] = {}

    @property
    def fills_up(self) -> bool:
        return self.seconds > self._bound / 2

    @property
    def retry_after(self) -> int:
        """Whole seconds after which it makes sense to ask again."""
        return int(min(max(1.0, self.seconds - self._bound / 2), _LONGEST_RETRY))

    def note(
        self,
        now: float,
        ends: Offsets,
        positions: Mapping[str, Offsets],
        signs: Mapping[str, Mapping[TopicPartition, str]] | None = None,
    ) -> None:
        """At ``now`` (seconds of any steady clock) the topics end there, and the groups have come so far; an offset
        below 0 is not known. ``signs``: what else they said with it: another word is a sign of life, since a position
        stands still while one tick wakes very many.
        """
        self._signs = signs or {}
        self._seen.append((now, ends, positions))
        while self._seen[0][0] < now - _REMEMBERED_SECONDS:
            self._seen.popleft()
        facts, alerts = self._wait(DETECT, _FACTS), self._wait(DESK, _ALERTS)
        self.seconds = max(facts + alerts, self._wait(DESK, _FACTS))
        self.is_slow = self.seconds > (self._bound / 2 if self.is_slow else self._bound)

    def forget(self) -> None:
        """Nothing is known just now: that holds nobody up."""
        self.seconds, self.is_slow = 0.0, False

    def _wait(self, group: str, topic: str) -> float:
        """Seconds from a record's place at the end of this topic to its turn."""
        now, ends, positions = self._seen[-1]
        reached = positions.get(group, {})
        live = [tp for tp in reached if tp.topic == topic and self._is_behind(group, tp)]
        age = max((now - self._written_before(tp, reached[tp]) for tp in live), default=0.0)
        if age < _SURE_SECONDS:
            return age
        then, _, before = next(seen for seen in self._seen if seen[0] >= now - _RATE_SECONDS)
        handled = sum(reached[tp] - before.get(group, {}).get(tp, reached[tp]) for tp in live)
        left = sum(ends[tp] - reached[tp] for tp in live)
        return max(age, left * (now - then) / handled) if handled > 0 else age

    def _is_behind(self, group: str, tp: TopicPartition) -> bool:
        """Whether it has something to do there, and does it."""
        now, ends, positions = self._seen[-1]
        reached = positions[group][tp]
        said = reached, self._signs.get(group, {}).get(tp, "")
        moved_at, before = self._moved.get((group, tp), (now, said))
        is_behind = 0 <= reached < ends.get(tp, 0)
        if said != before or not is_behind:
            moved_at = now
        self._moved[group, tp] = moved_at, said
        return is_behind and now - moved_at <= AWAY_SECONDS

    def _written_before(self, tp: TopicPartition, offset: int) -> float:
        """When this was the end of the partition, or earlier."""
        return next((at for at, ends, _ in reversed(self._seen) if ends.get(tp, 0) <= offset), self._seen[0][0])


async def watch(downstream: Downstream, bootstrap: str, partitions: int) -> None:
    """A job of the service: look for ever. While the broker does not answer, nothing is known."""
    consumer = await start_consumer(bootstrap, "billing-sync-downstream", [])
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, client_id="billing-sync-downstream")
    places = {
        group: [TopicPartition(topic, p) for topic in topics for p in range(partitions)]
        for group, topics in FOLLOWERS.items()
    }
    wanted = sorted({tp for each in places.values() for tp in each})
    coordinators: dict[str, int] = {}
    started = False
    try:
        while True:
            try:
                if not started:
                    await admin.start()
                    started = True
                positions, signs = {}, {}
                for group, tps in places.items():
                    if group not in coordinators:
                        coordinators[group] = await admin.find_coordinator(group)
                    found = await admin.list_consumer_group_offsets(group, coordinators[group], tps)
                    positions[group] = {tp: at.offset for tp, at in found.items()}
                    signs[group] = {tp: at.metadata for tp, at in found.items()}
                # Positions first: then an end is never older than the position it is held against.
                ends = await consumer.end_offsets(wanted)
                downstream.note(time.monotonic(), ends, positions, signs)
                pause = EVERY_SECONDS
            except Exception as error:
                # Also what the client makes of a broker that is just coming up: to know is not worth a service.
                log.debug("downstream.unknown", error=repr(error))
                coordinators.clear()
                downstream.forget()
                pause = _RETRY_SECONDS
            metrics.DOWNSTREAM_SECONDS.set(downstream.seconds)
            await asyncio.sleep(pause)
    finally:
        await consumer.stop()
        if started:
            await admin.close()
