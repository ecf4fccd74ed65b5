"""The embedded Kafka and database as other tests use them."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient

from kam.embedded import topics

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
