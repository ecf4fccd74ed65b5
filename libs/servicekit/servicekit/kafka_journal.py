"""Journals in Kafka: one topic an app, one partition a processor."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from aiokafka.errors import KafkaError

from servicekit.envelope import Headers, OutgoingMessage
from servicekit.journal import Record
from servicekit.kafka import Publisher, start_reader
from servicekit.store import Transient

_POLL_MS, _AT_ONCE = 1000, 500


class JournalReader:
    """One consumer for all journals of a process, which are read one after the other: at the start, and when another
    process may have written."""

    def __init__(self, bootstrap: str, client_id: str) -> None:
        self.bootstrap, self._client_id = bootstrap, client_id
        self._turn = asyncio.Lock()
        self._consumer: AIOKafkaConsumer | None = None

    async def span(self, tp: TopicPartition) -> tuple[int, int]:
        async with self._turn:
            with _passing():
                consumer = await self._of(tp)
                begin, end = (await consumer.beginning_offsets([tp]))[tp], (await consumer.end_offsets([tp]))[tp]
        return begin, end

    async def read(self, tp: TopicPartition, start: int, end: int) -> AsyncIterator[Record]:
        while start < end:
            async with self._turn:
                with _passing():
                    consumer = await self._of(tp)
                    consumer.seek(tp, start)
                    found = await consumer.getmany(tp, timeout_ms=_POLL_MS, max_records=_AT_ONCE)
                    start = max(start, await consumer.position(tp))
            for record in found.get(tp, ()):
                if record.offset < end:
                    yield Record(record.offset, dict(record.headers), record.value or b"")

    async def stop(self) -> None:
        """Close the connection."""
        if self._consumer is not None:
            await self._consumer.stop()

    async def _of(self, tp: TopicPartition) -> AIOKafkaConsumer:
        if self._consumer is None:
            self._consumer = await start_reader(self.bootstrap, self._client_id)
        if self._consumer.assignment() != {tp}:
            self._consumer.assign([tp])
        return self._consumer


class KafkaJournal:
    """The journal's log of one processor (``journal.JournalLog``)."""

    def __init__(self, app: str, ordinal: int, reader: JournalReader, publisher: Publisher) -> None:
        self._tp = TopicPartition(f"{app}.journal", ordinal)
        self._reader, self._publisher = reader, publisher

    async def append(self, records: list[tuple[Headers, bytes]]) -> int:
        topic, partition = self._tp
        messages = [OutgoingMessage(topic, partition, None, value, headers) for headers, value in records]
        try:
            return await self._publisher.append(messages)
        except Exception as error:
            # Whatever it is: the broker may have some, so they are to be written again as they are, and nothing else.
            raise Transient(repr(error)) from error

    async def span(self) -> tuple[int, int]:
        return await self._reader.span(self._tp)

    def read(self, start: int, end: int) -> AsyncIterator[Record]:
        return self._reader.read(self._tp, start, end)

    async def cut(self, before: int) -> None:
        admin = AIOKafkaAdminClient(bootstrap_servers=self._reader.bootstrap)
        with _passing():
            await admin.start()
            try:
                await admin.delete_records({self._tp: RecordsToDelete(before)})
            finally:
                await admin.close()


@contextmanager
def _passing() -> Iterator[None]:
    """Whatever Kafka answers: nothing is wrong with what was to be written, it waits for the broker."""
    try:
        yield
    except (KafkaError, OSError) as error:
        raise Transient(repr(error)) from error
