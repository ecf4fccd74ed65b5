"""The read model on a real broker: to the end of the log, on after a stop, and quiet where the broker is asked."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest
from aiokafka import TopicPartition

from contracts.registry import EVENTS
from gateway.projection.follow import Projection
from gateway.projection.store import ProjectionStore
from harness.read_model import ROWS, alert, customer, nothing_to_bring, table, until, work
from servicekit.envelope import Message
from servicekit.kafka import Publisher, partition_of, start_consumer, start_producer

PARTITIONS = 2


@contextlib.asynccontextmanager
async def following(kafka: str, folder: Path) -> AsyncIterator[Projection]:
    connect = partial(start_consumer, kafka, "gateway-projection", pace=0.05)
    store = ProjectionStore(folder, ROWS.identity)
    projection = Projection(store, ROWS, PARTITIONS, connect, nothing_to_bring)
    job = asyncio.create_task(projection.run())
    try:
        await until(lambda: not projection.settle()["busy"], 30)
        yield projection
    finally:
        job.cancel()
        await asyncio.gather(job, return_exceptions=True)


async def publish(publisher: Publisher, *events: Message) -> None:
    for event in events:
        headers = [(name, value) for name, value in event.headers.items()]
        await publisher.send_and_wait(
            EVENTS[event.type].topic, event.body, key=b"c1", partition=partition_of("c1", PARTITIONS), headers=headers
        )


def reached(projection: Projection, topic: str, offset: int) -> bool:
    place = TopicPartition(topic, partition_of("c1", PARTITIONS))
    return bool(projection.settle()["offsets"].get(f"{place.topic}/{place.partition}", 0) >= offset)


@pytest.mark.embedded
async def test_it_follows_and_goes_on(contract_topics: str, tmp_path: Path) -> None:
    publisher = Publisher(partial(start_producer, contract_topics, "test"))
    try:
        async with following(contract_topics, tmp_path) as lists:
            begin = lists.settle()["offsets"]
            place = f"/{partition_of('c1', PARTITIONS)}"
            await publish(publisher, customer(), alert("raised"))
            await until(lambda: reached(lists, "alert.events", begin["alert.events" + place] + 1), 20)
            await until(lambda: reached(lists, "boss.events", begin["boss.events" + place] + 1), 20)
            assert await table(lists.store, "SELECT name, state FROM customers, alerts") == [("王小明", "raised")]
            await until(lambda: lists.settle()["seconds_behind"] == 0 and not lists.settle()["busy"])
        await publish(publisher, work("opened"), alert("acknowledged", state="acknowledged"))
        async with following(contract_topics, tmp_path) as lists:
            await until(lambda: reached(lists, "work.events", begin["work.events" + place] + 1), 20)
            await until(lambda: reached(lists, "alert.events", begin["alert.events" + place] + 2), 20)
            assert await table(lists.store, "SELECT a.state, w.state FROM alerts a, work w") == [
                ("acknowledged", "new")
            ]
    finally:
        await publisher.stop()
