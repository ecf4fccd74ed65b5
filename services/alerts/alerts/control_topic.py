"""Where stops stand: a control topic of one partition, which each process of alerts reads whole before it sends, and
follows from then on. Whoever stops or releases is answered when the broker has it.

What was not confirmed may still come, behind what was said after it: a stop then stands, a release that is older than
the stop does not count, and the stop is said again, for the topic keeps the last word alone.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import partial
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError
from prometheus_client import Gauge

from alerts.notifications.stops import Stops
from contracts.control import RELEASED, STOPPED, TOPIC, Stop
from servicekit import correlation
from servicekit.clock import EPOCH, SystemClock, iso, system_now
from servicekit.decision import Refused
from servicekit.envelope import Headers, encode_data, write_headers
from servicekit.ids import derive
from servicekit.kafka import start_consumer
from servicekit.service import Service

log = structlog.get_logger()
STANDING = Gauge("kam_sms_stops", "Stops that stand, as this process knows them")
_PLACE = TopicPartition(TOPIC, 0)
_POLL_MS, _BATCH = 1000, 1000
_WRITE_SECONDS = 5.0
_RECONNECT_SECONDS = 1.0
_SEEN_SECONDS, _LOOK_SECONDS = 1.0, 0.01

#: as ``Publisher.send_and_wait``: returns when the broker has it
Write = Callable[..., Awaitable[None]]


class NotStopped(Refused):
    """There is nothing to release."""

    def __init__(self, what: str) -> None:
        super().__init__("not_stopped", f"{what} 没有停发", f"{what} is not stopped", 404, "what")


class ControlTopic:
    """Brings ``stops`` up to the control topic, and writes to it. ``changed`` is called after each change once all of
    it has been read (``read``)."""

    def __init__(
        self,
        stops: Stops,
        connect: Callable[[list[TopicPartition]], Awaitable[AIOKafkaConsumer]],
        write: Write,
        system_clock: SystemClock = system_now,
    ) -> None:
        self.stops, self._connect, self._write, self._system_clock = stops, connect, write, system_clock
        self.changed: Callable[[], None] = lambda: None
        self.read = asyncio.Event()
        self._told: list[Stop] | None = None

    # --- what people say --------------------------------------------------------------------------------------------

    async def stop(self, what: str, by: str, why: str) -> Stop:
        """In force within a second, in every process. Raises ``Refused`` 503 where the broker has not confirmed it."""
        return await self._say(STOPPED, what, by, why)

    async def release(self, what: str, by: str, why: str) -> Stop:
        """What was held back is decided on anew. Raises ``Refused``: 404 where nothing is stopped, 503 as ``stop``."""
        if not self.read.is_set():
            raise _away()
        standing = self.stops.get(what)
        if standing is None:
            raise NotStopped(what)
        # Not before the stop, whatever another process's clock said then.
        return await self._say(RELEASED, what, by, why, since=standing.at)

    async def _say(self, type_: str, what: str, by: str, why: str, since: datetime = EPOCH) -> Stop:
        stop = Stop(what=what, by=by, why=why, at=max(since, self._system_clock()))
        try:
            await self._publish(type_, stop)
        except (KafkaError, OSError, TimeoutError) as error:
            raise _away() from error
        log.warning("sms.stopped" if type_ == STOPPED else "sms.released", what=what, by=by)
        with contextlib.suppress(TimeoutError):  # so that who asks next finds it
            async with asyncio.timeout(_SEEN_SECONDS):
                while not self._has_seen(type_, stop):
                    await asyncio.sleep(_LOOK_SECONDS)
        return stop

    async def _publish(self, type_: str, stop: Stop) -> None:
        headers = _headers(type_, stop)
        async with asyncio.timeout(_WRITE_SECONDS):
            await self._write(TOPIC, encode_data(stop), key=stop.what.encode(), partition=0, headers=headers)

    def _has_seen(self, type_: str, stop: Stop) -> bool:
        standing = self.stops.get(stop.what)
        if type_ == STOPPED:
            return standing is not None and (standing == stop or standing.at > stop.at)
        return standing is None or standing.at > stop.at

    # --- what is said -----------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Job: follow until cancelled. While the broker is away, what is known holds."""
        while True:
            try:
                consumer = await self._connect([_PLACE])
                try:
                    await self._follow(consumer)
                finally:
                    await consumer.stop()
            except (KafkaError, OSError, TimeoutError) as error:
                log.warning("stops.not_read", error=repr(error)[:200])
                await asyncio.sleep(_RECONNECT_SECONDS)

    async def _follow(self, consumer: Any) -> None:
        begin = (await consumer.beginning_offsets([_PLACE]))[_PLACE]
        end = (await consumer.end_offsets([_PLACE]))[_PLACE]
        # From the beginning also where the link was lost: what is there is little. Until it is read, what is known
        # holds: a stop that was released once must not seem to be in between.
        consumer.seek(_PLACE, begin)
        found, overtaken = Stops(), list[Stop]()
        while await consumer.position(_PLACE) < end:
            overtaken += await self._next(consumer, found)
        if lost := self.stops.become(found):
            # The topic keeps a last word of each: it was lost and made anew.
            log.error("stops.lost", what=[stop.what for stop in lost])
            overtaken += lost
        self.read.set()
        self._tell()
        while True:
            # Also after a start: whoever took a late release may have ended before it said the stop again.
            for stop in overtaken:
                if self.stops.get(stop.what) == stop:
                    await self._publish(STOPPED, stop)
            overtaken = await self._next(consumer, self.stops)
            self._tell()

    async def _next(self, consumer: Any, stops: Stops) -> list[Stop]:
        """Takes what comes; gives back the stops that a late release did not release."""
        records = await consumer.getmany(_PLACE, timeout_ms=_POLL_MS, max_records=_BATCH)
        taken = [stops.take(message) for message in records.get(_PLACE, ())]
        return [stop for stop in taken if stop is not None]

    def _tell(self) -> None:
        STANDING.set(len(self.stops.all()))
        if self._told != (now := self.stops.all()):
            self._told = now
            self.changed()


def _headers(type_: str, stop: Stop) -> Headers:
    return write_headers(
        id=derive(type_, stop.what, iso(stop.at)),
        type=type_,
        source="kam/alerts",
        subject=stop.what,
        time=iso(stop.at),
        correlation_id=correlation.current(),
    )


def _away() -> Refused:
    return Refused(
        "stop_not_confirmed",
        "消息总线没有确认，停发或恢复不一定生效；请再试一次",
        "the log has not confirmed it, so it may not hold: try again",
        503,
    )


def control_topic(service: Service) -> ControlTopic:
    """That of a process; whoever composes it runs it as a job."""
    connect = partial(start_consumer, service.settings.kafka, f"{service.name}-stops")
    return ControlTopic(Stops(), connect, service.publisher.send_and_wait)
