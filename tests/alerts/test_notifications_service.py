"""The whole service on real Kafka and MongoDB, SMS into a file: from a BOSS record to a delivered message."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from alerts.bootstrap import build
from alerts.settings import Settings
from contracts.boss import ClockTicked, Complaint, Customer
from contracts.registry import TICK
from harness.notifications_feed import BOOK
from harness.typed_answers import TypedAnswers
from harness.waiting import eventually
from servicekit import mongo
from servicekit.auth import issue_token
from servicekit.clock import iso
from servicekit.envelope import encode_data, write_headers
from servicekit.kafka import partition_of, start_producer
from servicekit.service import Service

pytestmark = pytest.mark.embedded
NOON = datetime(2026, 7, 1, 4, tzinfo=UTC)
SECRET = "a-secret-that-is-long-enough-for-hs256"


class Boss:
    """Writes boss.events as billing-sync does."""

    def __init__(self, producer: Any, customer: str) -> None:
        self.producer, self.partition, self.customer, self.ticks, self.records = (
            producer, partition_of(customer, 4), customer, 0, 0,
        )  # fmt: skip

    async def say(self, type_: str, data: Any) -> None:
        self.records += 1
        await self._send(type_, self.customer, data)
        self.ticks += 1
        await self._send(TICK, "clock", ClockTicked(clock=NOON, number=self.ticks))

    async def _send(self, type_: str, key: str, data: Any) -> None:
        id_ = f"{self.customer}-{self.records}-{type_}"
        headers = write_headers(
            id=id_,
            type=type_,
            source="test",
            subject=key,
            time=iso(NOON),
            correlation_id=id_,
            clock=iso(NOON),
            revision=self.records,
        )
        await self.producer.send_and_wait("boss.events", encode_data(data), partition=self.partition, headers=headers)


def complaint(customer: str, status: str) -> Complaint:
    return Complaint(complaint_id=f"k-{customer}", customer_id=customer, opened_at=NOON, status=status)  # type: ignore[arg-type]


async def test_from_record_to_delivery(contract_topics: str, mongodb: str, mongo_database: str, tmp_path: Path) -> None:
    secret_file = tmp_path / "secret"
    secret_file.write_text(SECRET)
    settings = Settings(
        service_data=tmp_path,
        kafka=contract_topics,
        mongodb=mongodb,
        database=mongo_database,
        secret_file=secret_file,
        sms_transport="file",
        environment="demo",
        clock="feed",
    )
    customer = f"c-{mongo_database}"
    rows = mongo.MongoDocuments(mongo.connect(mongodb, mongo_database))
    producer = await start_producer(contract_topics, "test")
    boss = Boss(producer, customer)

    async def state_of(collection: str) -> list[str]:
        return sorted(row["state"] for row in await rows.find(collection, {"customer_id": customer}))

    async def reaches(collection: str, *states: str) -> None:
        async with asyncio.timeout(30):
            while await state_of(collection) != sorted(states):
                await asyncio.sleep(0.05)

    service, stopping, running = await run(settings)
    await boss.say("kam.boss.customer.changed.v1", Customer(customer_id=customer, phone="13900000001", status="active"))
    await boss.say("kam.boss.complaint.changed.v1", complaint(customer, "opened"))
    await reaches("alerts", "raised")
    await reaches("sms", "delivered")
    await eventually(lambda: service.settle()["pending"] == {"sms": 0, "stops": 0})
    assert service.settle()["delays"].keys() == {"event_to_alert", "event_to_sms"}
    token = issue_token(SECRET, "test", "service")
    transport = TypedAnswers(service.asgi())
    async with httpx.AsyncClient(transport=transport, base_url="http://alerts") as client:
        assert (await client.get("/v1/sms")).status_code == 401
        client.headers["authorization"] = f"Bearer {token}"
        (alert,) = (await client.get("/v1/alerts", params={"customer": customer, "since": "2026-07-01"})).json()
        (sms,) = (await client.get("/v1/sms", params={"alert": alert["alert_id"], "state": "delivered"})).json()
        assert (sms["phone"], sms["template"], sms["segments"]) == ("139****0001", "complaint-opened", 1)
        assert sms["receipts"][0]["state"] == "DELIVRD"
        assert (await client.get("/v1/alerts", params={"since": "2026-07-02"})).json() == []
        assert (await client.get("/v1/alerts", params={"since": "yesterday"})).status_code == 422
        assert "drop-30" in {rule["id"] for rule in (await client.get("/v1/rules")).json()}
        assert (await client.get("/v1/sms/unknown")).json() == {"sms_unknown": 0, "receipts_unmatched": 0}
    stopping.set()
    await running

    service, stopping, running = await run(settings)
    await boss.say("kam.boss.complaint.changed.v1", complaint(customer, "closed"))
    await reaches("alerts", "resolved")
    await reaches("sms", "delivered", "delivered")
    stopping.set()
    await running
    await producer.stop()
    assert [document["version"] for document in await rows.find("policies")] == [BOOK.policy.version]


async def run(settings: Settings) -> tuple[Service, asyncio.Event, "asyncio.Task[None]"]:
    service, stopping = build(settings), asyncio.Event()
    running = asyncio.create_task(service.run(stopping))
    await eventually(lambda: service.ready()[0] or running.done())
    return service, stopping, running
