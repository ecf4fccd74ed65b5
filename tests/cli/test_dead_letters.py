"""Dead letters on a real broker: listed, shown, replayed once, in quarantine after too many replays."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from kam import dead_letters
from kam.embedded import topics
from servicekit import dead_letter
from servicekit.dead_letter_log import Letter
from servicekit.envelope import Message

pytestmark = pytest.mark.embedded


async def put(kafka: str, topic: str, customer: str, replays: int = 0) -> None:
    """A dead letter as a service's outbox sends it."""
    headers = {"ce_type": b"kam.boss.bill.issued.v1", "ce_id": b"e1", dead_letter.REPLAYS: b"%d" % replays}
    original = Message(topic, 0, 7, customer.encode(), headers, b'{"customer_id": "9"}', 1)
    letter = dead_letter.letter(original, "tester", ValueError("金额不对 / wrong amount"))
    async with AIOKafkaProducer(bootstrap_servers=kafka) as producer:
        await producer.send_and_wait(letter.topic, letter.value, key=letter.key, headers=letter.headers)


async def first(kafka: str, topic: str) -> Any:
    """First message of a topic."""
    async with AIOKafkaConsumer(topic, bootstrap_servers=kafka, auto_offset_reset="earliest") as consumer:
        return await consumer.getone()


@pytest.fixture
async def topic(kafka: str) -> str:
    name = f"letters-{uuid4().hex[:8]}"
    await topics.create(kafka, [topics.Topic(name, 1, -1), topics.Topic(f"{name}.tester.dlq", 1, -1)])
    return name


async def waiting(kafka: str, topic: str) -> list[Letter]:
    return [letter for letter in await dead_letters.waiting(kafka) if letter.topic == topic]


async def test_a_replay_is_the_original_for_the_one_app_and_leaves_the_list(kafka: str, topic: str) -> None:
    await put(kafka, topic, "9")
    await put(kafka, topic, "10")
    one, two = await waiting(kafka, topic)
    assert one.summary()["reason"] == "金额不对 / wrong amount"
    assert one.whole()["body"] == {"customer_id": "9"}
    assert "9" not in str(one.summary()["event_id"])

    assert await dead_letters.replay(kafka, [two]) == ([two.id], [])
    assert [letter.id for letter in await waiting(kafka, topic)] == [one.id]
    message = await first(kafka, topic)
    known = dict(message.headers)
    assert (message.key, message.value) == (b"10", b'{"customer_id": "9"}')
    assert (known[dead_letter.REPLAY_FOR], known[dead_letter.REPLAYS]) == (b"tester", b"1")


async def test_too_many_replays_mean_quarantine(kafka: str, topic: str) -> None:
    await put(kafka, topic, "9", replays=dead_letter.MAX_REPLAYS)
    (letter,) = await waiting(kafka, topic)
    assert letter.summary()["quarantined"]
    assert await dead_letters.replay(kafka, [letter]) == ([], [letter.id])
    assert len(await waiting(kafka, topic)) == 1


async def test_the_brokers_topics_are_counted(kafka: str, topic: str) -> None:
    assert (await dead_letters.partitions(kafka))[topic] == 1
