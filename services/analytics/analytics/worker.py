"""Topics to lineage, through the pipeline, and topics to the archive, with positions of the archive's own."""

import asyncio
import time
from pathlib import Path

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from analytics.archive import Archive, Archived, row_of
from analytics.domain import TOPICS, Counts
from analytics.handlers import HANDLERS, LastCity
from analytics.raised import summary
from analytics.recount import recount
from analytics.settings import Settings
from contracts.registry import TICK
from servicekit.app import App
from servicekit.decision import Refused
from servicekit.envelope import Message
from servicekit.kafka import start_consumer
from servicekit.log_reader import LogReader, place_of
from servicekit.store import Position

log = structlog.get_logger()
_ARCHIVE = "analytics-archive"
_BYTES_WAITING = 64 << 20
#: Nobody waits for the archive: what comes within a second is fetched at once.
_ARCHIVE_PACE_SECONDS = 1.0
_RETRY_SECONDS = 5.0


def lineage_app(settings: Settings) -> App:
    """Every event through the handlers; keys are those of the topics. It looks on at what anyone writes there."""
    return App(
        name="analytics",
        service="analytics",
        state=LastCity,
        handlers=HANDLERS,
        partitions=settings.partitions,
        open_door=True,
        summary=summary,
        pace=1.0,  # as the archive: nobody waits for it
    )


class Archiver:
    """Job that reads every topic into the archive: by rows, by age, and at the end. Ticks are not archived."""

    def __init__(self, settings: Settings, archive: Archive) -> None:
        self._settings, self.archive = settings, archive
        self._rows: list[Archived] = []
        self._bytes = 0
        self._read: dict[str, int] = {}
        self._since = time.monotonic()
        self._writing = asyncio.Lock()
        self._consumer: AIOKafkaConsumer | None = None
        inputs = [TopicPartition(topic, p) for topic in TOPICS for p in settings.owned()]
        self._reader = LogReader(_ARCHIVE, inputs, settings.batch_max)

    async def open(self) -> None:
        """Before anything else is taken over. Raises ``Fenced`` while another process writes one of our partitions."""
        self._read = dict(await asyncio.to_thread(self.archive.open))

    async def run(self) -> None:
        """Read until cancelled; then write what is left."""
        try:
            await self._read_on()
        finally:
            self.archive.close()

    async def _read_on(self) -> None:
        reader = self._reader
        consumer = await start_consumer(self._settings.kafka, _ARCHIVE, reader.inputs, pace=_ARCHIVE_PACE_SECONDS)
        self._consumer = consumer
        try:
            reader.seek(consumer, await consumer.beginning_offsets(reader.inputs), Position(offsets=self._read))
            while True:
                if self._is_due():
                    await self._flush_patiently()
                for tp, messages in (await reader.fetch(consumer)).items():
                    self._take(tp, messages)
        except asyncio.CancelledError:
            await self.flush()
            raise
        finally:
            await consumer.stop()

    def _is_due(self) -> bool:
        aged = bool(self._rows) and time.monotonic() - self._since >= self._settings.archive_seconds
        return aged or len(self._rows) >= self._settings.archive_rows or self._bytes >= _BYTES_WAITING

    async def _flush_patiently(self) -> None:
        """A full disk passes: nothing more is read until there is room again."""
        while True:
            try:
                return await self.flush()
            except OSError as error:
                log.error("archive.not_written", rows=len(self._rows), error=str(error), retry_seconds=_RETRY_SECONDS)
                await asyncio.sleep(_RETRY_SECONDS)

    async def flush(self) -> None:
        """Write what has been read."""
        async with self._writing:
            await self._flush()

    async def bring_up(self) -> None:
        """On return the archive has what the log holds now. Raises ``Refused`` where that takes too long."""
        try:
            async with asyncio.timeout(self._settings.recount_patience):
                while self._consumer is None:
                    await asyncio.sleep(0.02)
                consumer, inputs = self._consumer, self._reader.inputs
                begins, ends = await consumer.beginning_offsets(inputs), await consumer.end_offsets(inputs)
                awaited = {place_of(tp): end for tp, end in ends.items() if begins[tp] < end}
                while any(self._read.get(name, 0) < end for name, end in awaited.items()):
                    await asyncio.sleep(0.02)
        except (TimeoutError, KafkaError) as error:
            raise _behind() from error
        await self.flush()

    async def recount(self, positions: dict[str, int], scratch: Path) -> Counts:
        """Counts from the archive up to these positions, once everything before them is in it."""
        try:
            async with asyncio.timeout(self._settings.recount_patience):
                while any(self._read.get(name, 0) < offset for name, offset in positions.items()):
                    await asyncio.sleep(0.02)
        except TimeoutError as error:
            raise _behind() from error
        async with self._writing:
            await self._flush()
            return await asyncio.to_thread(recount, self.archive.root, positions, scratch)

    def freshness(self) -> dict[str, object]:
        """For ``kam status``: rows read and not yet written, how old they are, and what the log lost before us."""
        age = round(time.monotonic() - self._since, 1) if self._rows else 0.0
        return {
            "archive_rows_waiting": len(self._rows),
            "archive_seconds_behind": age,
            "archive_gaps": self._reader.gaps,
        }

    def _take(self, tp: TopicPartition, messages: list[Message]) -> None:
        if not self._rows:
            self._since, self._bytes = time.monotonic(), 0
        for message in messages:
            if message.type != TICK:
                self._rows.append(row_of(message))
                self._bytes += message.size
        self._read[f"{tp.topic}/{tp.partition}"] = messages[-1].offset + 1

    async def _flush(self) -> None:
        if not self._rows:
            return
        rows, positions, self._rows = self._rows, dict(self._read), []
        started = time.perf_counter()
        writing = asyncio.ensure_future(asyncio.to_thread(self.archive.write, rows, positions))
        try:
            await asyncio.shield(writing)
        except asyncio.CancelledError:
            await asyncio.wait([writing])  # a thread can't be called off: see it through
            raise
        finally:
            if not writing.done() or writing.exception() is not None:
                self._rows = rows + self._rows
        log.info("archive.written", rows=len(rows), seconds=round(time.perf_counter() - started, 3))


def _behind() -> Refused:
    return Refused(
        "archive_behind", "归档还没有跟上，请稍后再试", "the archive has not caught up yet, try again soon", 503
    )
