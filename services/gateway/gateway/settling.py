"""Collecting until settled: polls the services and the ends of the log, leaves the judgement to the domain."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from gateway.domain import Blocker, Collection, blockers
from servicekit.kafka import start_consumer
from servicekit.lag import COUNTS, SECONDS, given_a_second

_PAUSE = 0.02
_ENDS_SECONDS = 3.0
Collect = Callable[[], Awaitable[Collection]]
Ends = Callable[[Collection], Awaitable[dict[str, int] | None]]
IsGone = Callable[[], Awaitable[bool]]


async def _never() -> bool:
    return False


class LogEnds:
    """End offsets of the input partitions, all in one request; a consumer that reads nothing."""

    def __init__(self, bootstrap: str) -> None:
        self._bootstrap = bootstrap
        self._consumer: AIOKafkaConsumer | None = None

    async def run(self) -> None:
        """Job: stay connected until the service stops."""
        consumer = await start_consumer(self._bootstrap, "gateway", [])
        self._consumer = consumer
        try:
            await asyncio.Event().wait()
        finally:
            await consumer.stop()

    async def __call__(self, collection: Collection) -> dict[str, int] | None:
        """``topic/partition`` -> end offset for every input a processor has; None while the broker does not answer."""
        names = {
            tp for s in collection.values() if s is not None for processor in s.processors for tp in processor.inputs
        }
        wanted = [TopicPartition(topic, int(number)) for topic, _, number in (n.rpartition("/") for n in names)]
        if self._consumer is None:
            return None
        if not wanted:
            return {}
        try:
            async with asyncio.timeout(_ENDS_SECONDS):
                ends = await self._consumer.end_offsets(wanted)
                starts = await self._consumer.beginning_offsets([tp for tp in wanted if self._unread(tp, collection)])
        except (KafkaError, TimeoutError):
            return None
        # A log emptied by its retention has nothing left to read, wherever a new processor stands.
        return {f"{tp.topic}/{tp.partition}": end for tp, end in ends.items() if starts.get(tp) != end}

    @staticmethod
    def _unread(tp: TopicPartition, collection: Collection) -> bool:
        name = f"{tp.topic}/{tp.partition}"
        processors = [u for s in collection.values() if s is not None for u in s.processors if name in u.inputs]
        return any(name not in processor.offsets for processor in processors)


async def wait_until_settled(
    collect: Collect, ends: Ends, timeout: float, is_gone: IsGone = _never
) -> tuple[float, list[Blocker]]:
    """Seconds it took, and what was still in the way when ``timeout`` seconds had passed (empty: settled) or when
    whoever asked had gone."""
    started = time.monotonic()
    before = await collect()
    while True:
        after, limits = await asyncio.gather(collect(), ends(before))
        left = blockers(before, after, limits or {})
        if limits is None:
            left.append(Blocker("kafka", "没有应答", "does not answer"))
        passed = time.monotonic() - started
        if not left or passed >= timeout or await is_gone():
            return passed, left
        # Tight at first, since people and tests wait; gentler the longer it takes.
        await asyncio.sleep(min(max(_PAUSE, passed / 20), 0.25))
        before = after


async def left_behind(collect: Collect, ends: Ends) -> tuple[Collection, dict[str, int] | None]:
    """Where every service stands, and ends of the log that it had a second to reach. None: the broker does not answer.
    Who did not answer at first is left out, for nobody has asked for the ends of what they read.
    """
    known = {name: standing for name, standing in (await collect()).items() if standing is not None}
    limits = await ends(known)

    async def ask() -> Collection:
        now = await collect()
        return {name: now.get(name) for name in known}

    def lags(collection: Collection) -> bool:
        standings = [standing for standing in collection.values() if standing is not None]
        return any(processor.lag(limits or {}) for standing in standings for processor in standing.processors)

    return await given_a_second(ask, lags), limits


def standing_of(collection: Collection, ends: dict[str, int] | None) -> dict[str, dict[str, Any]]:
    """Lag, outbox, documents, delays, pending work, clock and freshness of every service, for people."""
    return {
        name: {
            "processors": {
                u.processor: {
                    "lag": None if ends is None else u.lag(ends),
                    **{name: getattr(u, name) for name in (*COUNTS, *SECONDS)},
                    "busy": u.busy,
                    "clock": u.clock,
                    "failed": u.failed,
                }
                for u in standing.processors
            },
            "lag": None if ends is None else sum(u.lag(ends) for u in standing.processors),
            **{name: sum(getattr(u, name) for u in standing.processors) for name in COUNTS},
            **{name: max((getattr(u, name) for u in standing.processors), default=0.0) for name in SECONDS},
            "delays": standing.delays,
            "pending": standing.pending,
            "freshness": standing.freshness,
        }
        for name, standing in collection.items()
        if standing is not None
    }
