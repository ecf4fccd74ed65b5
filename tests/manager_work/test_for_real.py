"""manager-work and customer-profile as they run: on Kafka and MongoDB, stopped and started again in between."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from contracts import boss
from contracts.alert import Alert, RuleRef, WorkItem
from customer_profile import bootstrap as profile_root
from customer_profile.settings import Settings as ProfileSettings
from customer_profile.store import Pages
from manager_work import bootstrap as work_root
from manager_work.domain import Command, work_id_of
from manager_work.settings import Settings as WorkSettings
from servicekit.clock import iso
from servicekit.envelope import command, encode_data, parse_time, write_headers
from servicekit.kafka import partition_of
from servicekit.mongo import MongoDocuments, connect
from servicekit.pipeline import StreamProcessor
from servicekit.service import Service

pytestmark = pytest.mark.embedded
NOON = parse_time("2026-07-01T04:00:00+00:00")
RUN = uuid.uuid4().hex[:8]  # the topics are shared with other tests of the session
CUSTOMERS = [f"{RUN}-c{n}" for n in range(12)]
MANAGER = f"{RUN}-m1"


@asynccontextmanager
async def running(service: Service) -> AsyncIterator[Service]:
    """The service from ready to stopped."""
    stopping = asyncio.Event()
    task = asyncio.create_task(service.run(stopping))
    try:
        while not service.ready()[0]:
            assert not task.done() or task.result() is None
            await asyncio.sleep(0.02)
        yield service
    finally:
        stopping.set()
        await task


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(30):
        while not await condition():
            await asyncio.sleep(0.05)


@pytest.fixture
async def send(contract_topics: str) -> AsyncIterator[Callable[..., Awaitable[None]]]:
    async with AIOKafkaProducer(bootstrap_servers=contract_topics) as producer:

        async def sender(topic: str, type_: str, key: str, data: Any) -> None:
            headers = write_headers(
                id=f"{type_}/{key}", type=type_, source="test", subject=key, time=iso(NOON),
                correlation_id="file:x#1", clock=iso(NOON),
            )  # fmt: skip
            await producer.send_and_wait(topic, encode_data(data), key.encode(), partition_of(key, 4), headers=headers)

        yield sender


async def caught_up(bootstrap: str, unit: StreamProcessor) -> None:
    """Until the unit has read everything there is, and sent what follows."""
    async with AIOKafkaConsumer(bootstrap_servers=bootstrap) as consumer:
        ends = await consumer.end_offsets(unit.inputs)

    async def done() -> bool:
        read = unit.position.offsets
        return unit.relay.pending == 0 and all(read.get(f"{tp.topic}/{tp.partition}", 0) >= e for tp, e in ends.items())

    await until(done)


async def work_told(bootstrap: str) -> list[tuple[str, WorkItem]]:
    """Everything on work.events about our customers, by partition."""
    partitions = [TopicPartition("work.events", p) for p in range(4)]
    found = []
    async with AIOKafkaConsumer(bootstrap_servers=bootstrap, auto_offset_reset="earliest") as consumer:
        consumer.assign(partitions)
        ends = await consumer.end_offsets(partitions)
        while any([await consumer.position(tp) < end for tp, end in ends.items()]):
            for records in (await consumer.getmany(timeout_ms=500)).values():
                for r in records:
                    work = msgspec.json.decode(r.value, type=WorkItem)
                    found.append((dict(r.headers)["ce_type"].decode(), work))
    return [(type_, work) for type_, work in found if work.customer_id in CUSTOMERS]


def alert_of(customer: str) -> Alert:
    return Alert(
        alert_id=f"a-{customer}",
        kind="arrears",
        customer_id=customer,
        revision=1,
        state="raised",
        severity="minor",
        rule=RuleRef(id="arrears", version=1),
        city="320100",
        manager_id=MANAGER,
        raised_at=NOON,
        at=NOON,
    )


async def test_every_alert_has_one_item_and_reaches_the_manager_who_comes_after_a_restart(
    send: Callable[..., Awaitable[None]], contract_topics: str, mongodb: str, mongo_database: str, tmp_path: Path
) -> None:
    settings = WorkSettings(service_data=tmp_path, kafka=contract_topics, mongodb=mongodb, database=mongo_database)
    for _ in range(2):
        for customer in CUSTOMERS:
            await send("alert.events", "kam.alert.raised.v1", customer, alert_of(customer))
    first = work_id_of(f"a-{CUSTOMERS[0]}")
    async with running(work_root.build(settings)) as service:
        unit = service.processor_of("manager-work", 0)
        await caught_up(contract_topics, unit)
        answer = await unit.command(command("act", first, Command(by="m9", kind="call"), id="x"))
        assert (answer.state, answer.manager_id) == ("acted", None)
    await send("boss.events", "kam.boss.manager.changed.v1", MANAGER, boss.Manager(manager_id=MANAGER))
    async with running(work_root.build(settings)) as service:
        unit = service.processor_of("manager-work", 0)
        await caught_up(contract_topics, unit)
    told = await work_told(contract_topics)
    by_item: dict[str, list[str]] = {}
    for type_, work in told:
        by_item.setdefault(work.customer_id, []).append(type_.split(".")[2])
    assert by_item == {c: ["opened", *(["acted"] if c == CUSTOMERS[0] else []), "reassigned"] for c in CUSTOMERS}
    assert {work.manager_id for type_, work in told if type_.endswith("reassigned.v1")} == {MANAGER}


async def test_the_archive_and_its_page_stand_in_the_database(
    send: Callable[..., Awaitable[None]], contract_topics: str, mongodb: str, mongo_database: str, tmp_path: Path
) -> None:
    for customer in CUSTOMERS:
        record = boss.Customer(customer_id=customer, name="张三", status="active", manager_id=MANAGER)
        await send("boss.events", "kam.boss.customer.changed.v1", customer, record)
        bill = boss.Bill(customer_id=customer, period="202606", amount_fen=100)
        await send("boss.events", "kam.boss.bill.issued.v1", customer, bill)
    await send("boss.events", "kam.boss.manager.changed.v1", MANAGER, boss.Manager(manager_id=MANAGER, name="李经理"))
    settings = ProfileSettings(service_data=tmp_path, kafka=contract_topics, mongodb=mongodb, database=mongo_database)
    async with running(profile_root.build(settings)) as service:
        pages = Pages(MongoDocuments(connect(mongodb, mongo_database)), partial(profile_root.account_of, service))

        async def complete() -> bool:
            found = [await pages.page(c, personal=False) for c in CUSTOMERS]
            return all(p is not None and p["bills"] and p["history"] and p["manager"] for p in found)

        await until(complete)
        page = await pages.page(CUSTOMERS[3], personal=True)
    assert page is not None and page["customer"]["name"] == "张三" and page["bills"][0]["amount_fen"] == 100
