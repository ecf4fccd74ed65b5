"""What was acknowledged before a kill -9 of the supervisor is there after a restart."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from harness.embedded_servers import running
from harness.waiting import until
from kam.embedded import topics
from kam.embedded.process import Identity
from kam.instance import describe

pytestmark = pytest.mark.embedded
COUNT = 500


async def _produce(bootstrap: str) -> None:
    await topics.create(bootstrap, [topics.Topic("kept", 1, -1)])
    async with AIOKafkaProducer(bootstrap_servers=bootstrap, enable_idempotence=True) as producer:
        await asyncio.gather(*[await producer.send("kept", str(n).encode()) for n in range(COUNT)])


async def _consume(bootstrap: str) -> list[int]:
    found: list[int] = []
    async with AIOKafkaConsumer("kept", bootstrap_servers=bootstrap, auto_offset_reset="earliest") as consumer:
        while len(found) < COUNT:
            for messages in (await consumer.getmany(timeout_ms=1000)).values():
                found += [int(message.value) for message in messages]
    return found


def test_kafka_keeps_what_it_acknowledged_through_kill_9(tmp_path: Path) -> None:
    with running(tmp_path, "kafka") as options:
        asyncio.run(_produce(options.address("kafka")))
        description: Any = describe(options.place)
        kafka = description["processes"]["kafka"]
        child = Identity(kafka["pid"], kafka["started"])
        os.kill(description["supervisor"]["pid"], signal.SIGKILL)
        until(lambda: not child.alive())
    with running(tmp_path, "kafka") as options:
        assert asyncio.run(_consume(options.address("kafka"))) == list(range(COUNT))
