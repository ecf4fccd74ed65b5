"""Kafka clients, made in one place: aiokafka, idempotent producer, static assignment, no group rebalancing."""

import asyncio
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Iterable
from functools import lru_cache
from struct import unpack
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition, conn
from aiokafka.errors import (
    KafkaConnectionError,
    KafkaError,
    MessageSizeTooLargeError,
    UnknownTopicOrPartitionError,
)

from servicekit import record_batches
from servicekit.envelope import Headers, OutgoingMessage
from servicekit.pace import Pace
from servicekit.paced_consumer import PacedConsumer

log = structlog.get_logger()
MAX_MESSAGE_BYTES = 8 << 20
_RESPONSE_BYTES = 4 << 20
_CLOSE_SECONDS = 40.0


@lru_cache(1 << 14)
def partition_of(key: str | bytes, partitions: int) -> int:
    """Partition of a key, as Kafka's own default partitioner has it (murmur2). What happens to a customer comes in
    messages of one key soon after each other."""
    return (_murmur2(key.encode() if isinstance(key, str) else key) & 0x7FFFFFFF) % partitions


def _murmur2(key: bytes) -> int:
    """As ``aiokafka.partitioner``, in two thirds of the time: it is part of the cost of every message."""
    length = len(key)
    whole = length & ~3
    h = 0x9747B28C ^ length
    for k in unpack(f"<{whole >> 2}I", key[:whole]):
        k = k * 0x5BD1E995 & 0xFFFFFFFF
        h = h * 0x5BD1E995 & 0xFFFFFFFF ^ (k ^ k >> 24) * 0x5BD1E995 & 0xFFFFFFFF
    if whole < length:
        h = (h ^ int.from_bytes(key[whole:], "little")) * 0x5BD1E995 & 0xFFFFFFFF
    h = (h ^ h >> 13) * 0x5BD1E995 & 0xFFFFFFFF
    return h ^ h >> 15


class Publisher:
    """Publishes messages in order, and replaces its producer after each failure (ADR 0008).

    An idempotent producer whose batch failed for good has a gap in its sequence: the partition refuses whatever it
    sends from then on, or, where it doesn't know the producer yet, takes later batches without the earlier ones. So a
    call has at most one batch a partition under way, and nothing that stands behind a failed batch is ever sent by
    that producer.
    """

    def __init__(self, start: Callable[[], Awaitable[AIOKafkaProducer]]) -> None:
        self._start = start
        self._producer: AIOKafkaProducer | None = None
        self._replacing = asyncio.Lock()
        self._closing: set[asyncio.Task[None]] = set()

    async def start(self) -> "Publisher":
        """Connect; waits for the broker as long as it takes."""
        await self._current()
        return self

    async def publish(self, messages: list[OutgoingMessage]) -> None:
        """Returns when the broker has acknowledged all of them; per partition they stand in this order.

        Raises what the client raises; then what was acknowledged is out of the list, and the caller sends the rest of
        it again: one partition without a leader must not fill the others with repeats.
        """
        producer = await self._current()
        left: dict[tuple[str, int], deque[OutgoingMessage]] = defaultdict(deque)
        for message in messages:
            left[message.topic, message.partition].append(message)
        open_ = {place: len(queue) for place, queue in left.items()}
        try:
            while left:
                sends = [await self._batch(producer, *place, queue) for place, queue in left.items()]
                answers = await asyncio.gather(*sends, return_exceptions=True)
                for (place, queue), answer in zip(left.items(), answers, strict=True):
                    if not isinstance(answer, BaseException):
                        open_[place] = len(queue)
                if failures := [answer for answer in answers if isinstance(answer, BaseException)]:
                    raise failures[0]
                left = {place: queue for place, queue in left.items() if queue}
        except BaseException:
            self._retire(producer)
            messages[:] = _last_of(messages, open_)
            raise

    async def append(self, messages: list[OutgoingMessage]) -> int:
        """Messages of one partition, in this order; the offset behind the last when the broker has all of them.

        Raises what the client raises; then the broker may have any number of them.
        """
        producer = await self._current()
        queue, end = deque(messages), 0
        try:
            while queue:
                before = len(queue)
                answer: Any = await (await self._batch(producer, messages[0].topic, messages[0].partition, queue))
                if answer.offset < 0:
                    raise KafkaError("the broker has it already and does not say where")
                end = answer.offset + before - len(queue)
        except BaseException:
            self._retire(producer)
            raise
        return end

    async def send_and_wait(
        self, topic: str, value: bytes | None, *, key: bytes | None, partition: int, headers: Headers
    ) -> None:
        """One message."""
        await self.publish([OutgoingMessage(topic, partition, key, value, headers)])

    async def stop(self) -> None:
        """Close the connections."""
        if self._producer is not None:
            self._retire(self._producer)
        await asyncio.gather(*self._closing, return_exceptions=True)

    async def _current(self) -> AIOKafkaProducer:
        async with self._replacing:
            if self._producer is None:
                self._producer = await self._start()
            return self._producer

    async def _batch(
        self, producer: AIOKafkaProducer, topic: str, partition: int, queue: "deque[OutgoingMessage]"
    ) -> "asyncio.Future[object]":
        """Send as many messages of a partition as one batch holds."""
        batch = producer.create_batch()
        # What is larger than a batch is the first of one: behind the first comes only what fits.
        if (size := _size(queue[0])) > MAX_MESSAGE_BYTES:
            raise MessageSizeTooLargeError(f"{size} bytes for {topic}/{partition}")
        while queue:
            message = queue[0]
            if batch.append(timestamp=None, key=message.key, value=message.value, headers=message.headers) is None:
                break
            queue.popleft()
        batch.close()
        try:
            future: asyncio.Future[object] = await producer.send_batch(batch, topic, partition=partition)
        except (AssertionError, TypeError) as error:
            # How aiokafka says that there is no such partition: nothing is wrong with the messages, they wait for it.
            raise UnknownTopicOrPartitionError(f"there is no partition {topic}/{partition}") from error
        return future

    def _retire(self, producer: AIOKafkaProducer) -> None:
        if self._producer is producer:
            self._producer = None
            task = asyncio.create_task(_close(producer))
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)


def _last_of(messages: list[OutgoingMessage], counts: dict[tuple[str, int], int]) -> list[OutgoingMessage]:
    """So many of each partition's messages, its last ones, in their order."""
    rest, found = dict(counts), deque[OutgoingMessage]()
    for message in reversed(messages):
        place = message.topic, message.partition
        if rest[place]:
            rest[place] -= 1
            found.appendleft(message)
    return list(found)


def _size(message: OutgoingMessage) -> int:
    """Bytes on the wire, rounded up."""
    headers = sum(3 * len(name) + len(value) + 10 for name, value in message.headers)
    return len(message.key or b"") + len(message.value or b"") + headers + 128


async def _close(producer: AIOKafkaProducer) -> None:
    try:
        async with asyncio.timeout(_CLOSE_SECONDS):
            await producer.stop()
    except (KafkaError, OSError, TimeoutError) as error:
        log.warning("producer.not_closed", error=repr(error))


async def start_producer(bootstrap: str, client_id: str) -> AIOKafkaProducer:
    """An idempotent producer, started; waits for the broker as long as it takes."""
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap,
        client_id=client_id,
        enable_idempotence=True,
        acks="all",
        linger_ms=0,
        max_batch_size=1 << 20,
        max_request_size=MAX_MESSAGE_BYTES,
        request_timeout_ms=30_000,
    )
    await _until_connected(producer)
    return producer


async def start_consumer(
    bootstrap: str, client_id: str, partitions: Iterable[TopicPartition], *, pace: float | Pace = 0.0
) -> PacedConsumer:
    """A consumer with a fixed assignment; positions are the store's, the group's commits only show lag.

    ``pace``: of its requests, or seconds between them, under load (``PacedConsumer``). Whoever is in no hurry spares
    both sides hundreds of requests a second.

    It gives ``Message``s. Records of aborted transactions are no facts; a batch that can't be read becomes messages
    that say so (``record_batches``).
    """
    record_batches.install()
    # aiokafka stops reading where twice this waits for the rest of a response: with its own 64 KiB one of a megabyte
    # takes eight turns of the loop, each as long as other processors' batches, which then have nothing left to do.
    conn.READER_LIMIT = _RESPONSE_BYTES
    consumer = PacedConsumer(
        pace=pace if isinstance(pace, Pace) else Pace(pace),
        bootstrap_servers=bootstrap,
        client_id=client_id,
        group_id=client_id,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
        fetch_max_wait_ms=500,
        # Responses as large as the processor's cache: of 32 MiB each byte cost three times as much. Of a long log each
        # partition gives its part: a response full of one leaves the other processors without work. (A batch that is
        # larger comes alone.)
        max_partition_fetch_bytes=1 << 20,
        fetch_max_bytes=_RESPONSE_BYTES,
        key_deserializer=record_batches.as_messages,
    )
    consumer.assign(list(partitions))
    await _until_connected(consumer)
    return consumer


async def start_reader(bootstrap: str, client_id: str) -> AIOKafkaConsumer:
    """A consumer without a group, for whoever reads a part of a log once; ``assign`` and ``seek`` are the caller's."""
    record_batches.install()  # before it fetches: what came half by aiokafka's own reader could not be handed out
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap,
        client_id=client_id,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        fetch_max_wait_ms=100,
        max_partition_fetch_bytes=MAX_MESSAGE_BYTES,
    )
    await _until_connected(consumer)
    return consumer


async def _until_connected(client: AIOKafkaConsumer | AIOKafkaProducer) -> None:
    delay = 0.1
    while True:
        try:
            await client.start()
            return
        except (KafkaConnectionError, KafkaError, OSError):
            await asyncio.sleep(delay)
            delay = min(delay * 2, 2.0)
