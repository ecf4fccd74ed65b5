"""The embedded Kafka and database as other tests use them."""

from __future__ import annotations

import asyncio
import uuid
from functools import partial
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete

from kam.embedded import topics
from servicekit.envelope import OutgoingMessage
from servicekit.kafka import Publisher, start_consumer, start_producer
from servicekit.log_reader import LogReader
from servicekit.store import Position

pytestmark = pytest.mark.embedded


async def test_a_message_comes_back(kafka: str) -> None:
    name = f"t-{uuid.uuid4().hex[:8]}"
    assert await topics.create(kafka, [topics.Topic(name, 2, 1)]) == 1
    async with AIOKafkaProducer(bootstrap_servers=kafka, enable_idempotence=True, max_request_size=8 << 20) as producer:
        await producer.send_and_wait(name, b"x" * (7 << 20), key=b"k")
    consumer = AIOKafkaConsumer(
        name, bootstrap_servers=kafka, group_id=name, auto_offset_reset="earliest", max_partition_fetch_bytes=8 << 20
    )
    async with consumer:
        message = await consumer.getone()
    assert (message.key, len(message.value)) == (b"k", 7 << 20)


async def test_records_larger_than_a_part_of_a_response_come_on_every_partition(kafka: str) -> None:
    """A consumer of ours asks for 4 MiB at once and 1 MiB a partition: what is larger comes alone, and all of it."""
    name, sizes = f"t-{uuid.uuid4().hex[:8]}", [10, 7 << 20, 10, 3 << 20, 5 << 20, 10]
    places = [TopicPartition(name, partition) for partition in range(3)]
    await topics.create(kafka, [topics.Topic(name, len(places), 1)])
    publisher = await Publisher(partial(start_producer, kafka, name)).start()
    for place in places:
        await publisher.publish([OutgoingMessage(name, place.partition, b"k", bytes(size), []) for size in sizes])
    consumer = await start_consumer(kafka, name, places, pace=0.03)

    async def read(place: TopicPartition) -> list[int]:
        found: list[int] = []
        while len(found) < len(sizes):
            records = await consumer.getmany(place, timeout_ms=1000, max_records=2)
            found += [len(record.body) for record in records.get(place, ())]
        return found

    try:
        async with asyncio.timeout(60):
            assert await asyncio.gather(*map(read, places)) == [sizes] * len(places)
    finally:
        await consumer.stop()
        await publisher.stop()


async def test_a_log_that_is_cut_beneath_a_reader_is_said(kafka: str) -> None:
    name = f"t-{uuid.uuid4().hex[:8]}"
    place = TopicPartition(name, 0)
    await topics.create(kafka, [topics.Topic(name, 1, 1)])
    publisher = await Publisher(partial(start_producer, kafka, name)).start()
    consumer, admin = await start_consumer(kafka, name, [place]), AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()

    async def write(count: int) -> None:
        for _ in range(count):  # a batch each: a log is cut between batches
            await publisher.publish([OutgoingMessage(name, 0, b"k", b"x", [])])

    async def read() -> list[int]:
        async with asyncio.timeout(30):
            while not (records := (await reader.fetch(consumer)).get(place)):
                pass
        return [record.offset for record in records]

    try:
        reader = LogReader("x.0", [place], 3)
        reader.seek(consumer, {}, Position())
        await write(3)
        assert await read() == [0, 1, 2] and reader.gaps == {}
        await write(5)
        await admin.delete_records({place: RecordsToDelete(6)})
        consumer.seek(place, 3)  # what it may have fetched before the cut is forgotten
        assert await read() == [6, 7] and reader.gaps == {f"{name}/0": 3}
        await write(2)
        await admin.delete_records({place: RecordsToDelete(10)})
        consumer.seek(place, 8)
        async with asyncio.timeout(30):
            while reader.gaps != {f"{name}/0": 5}:  # though nothing comes behind it
                await reader.fetch(consumer)
                await reader.look_past(consumer, Position(offsets={f"{name}/0": 8}), ())
        await write(1)
        assert await read() == [10] and reader.gaps == {f"{name}/0": 5}
    finally:
        await consumer.stop()
        await publisher.stop()
        await admin.close()


async def test_creating_topics_twice_changes_nothing_and_unknown_ones_are_not_made(kafka: str) -> None:
    wanted = [topics.Topic(f"t-{uuid.uuid4().hex[:8]}", n, -1, "compact") for n in (1, 3)]
    assert await topics.create(kafka, wanted) == 2
    assert await topics.create(kafka, wanted) == 0
    with pytest.raises(topics.TopicError, match="3 ≠ 4"):
        await topics.create(kafka, [topics.Topic(wanted[1].name, 4, -1)])
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    try:
        described = await admin.describe_topics(["nobody-made-this"])
        assert described[0]["error_code"] != 0
        assert "nobody-made-this" not in await admin.list_topics()
    finally:
        await admin.close()


async def test_a_transaction_over_two_collections_is_whole(mongodb: str, mongo_database: str) -> None:
    from motor.motor_asyncio import AsyncIOMotorClient

    client: Any = AsyncIOMotorClient(mongodb)
    database = client[mongo_database]

    async def write(session: Any) -> None:
        await database.states.insert_one({"_id": 1}, session=session)
        await database.outbox.insert_one({"_id": "1-0"}, session=session)

    async def broken(session: Any) -> None:
        await database.states.insert_one({"_id": 2}, session=session)
        raise ZeroDivisionError

    async with await client.start_session() as session:
        await session.with_transaction(write)
        with pytest.raises(ZeroDivisionError):
            await session.with_transaction(broken)
    assert [found["_id"] async for found in database.states.find()] == [1]
    assert await database.outbox.count_documents({}) == 1
    client.close()
