"""Kafka clients, made in one place: aiokafka, idempotent producer, static assignment, no group rebalancing."""

import asyncio
from collections.abc import Iterable

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaConnectionError, KafkaError
from aiokafka.partitioner import murmur2

MAX_MESSAGE_BYTES = 8 << 20


def partition_of(key: str | bytes, partitions: int) -> int:
    """Partition of a key, as Kafka's own default partitioner has it (murmur2)."""
    return int(murmur2(key.encode() if isinstance(key, str) else key) & 0x7FFFFFFF) % partitions


async def start_producer(bootstrap: str, client_id: str) -> AIOKafkaProducer:
    """An idempotent producer, started; waits for the broker as long as it takes."""
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap,
        client_id=client_id,
        enable_idempotence=True,
        acks="all",
        linger_ms=0,
        max_batch_size=1 << 18,
        max_request_size=MAX_MESSAGE_BYTES,
        request_timeout_ms=30_000,
    )
    await _until_connected(producer)
    return producer


async def start_consumer(bootstrap: str, client_id: str, partitions: Iterable[TopicPartition]) -> AIOKafkaConsumer:
    """A consumer with a fixed assignment; positions are the store's, the group's commits only show lag."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap,
        client_id=client_id,
        group_id=client_id,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        fetch_max_wait_ms=500,
        max_partition_fetch_bytes=MAX_MESSAGE_BYTES,
        fetch_max_bytes=32 << 20,
    )
    consumer.assign(list(partitions))
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
