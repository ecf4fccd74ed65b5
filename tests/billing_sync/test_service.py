"""The whole service on a real broker: HTTP and boss.feed in, boss.events, ticks and dead letters out."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from billing_sync.bootstrap import build
from billing_sync.settings import Settings
from harness.boss_files import write_pair
from harness.intake import event, plain, until
from harness.typed_answers import TypedAnswers
from servicekit.auth import issue_token
from servicekit.dead_letter import MAX_BODY
from servicekit.envelope import OutgoingMessage

pytestmark = pytest.mark.embedded
STRUCTURED = [("content-type", b"application/cloudevents+json")]
LIMIT = 8 << 20


@pytest.fixture
async def client(contract_topics: str, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    secret = tmp_path / "secret"
    secret.write_text("0123456789abcdef0123456789abcdef")
    settings = Settings(
        service_data=tmp_path, kafka=contract_topics, secret_file=secret, boss_dir=tmp_path / "boss", clock="feed"
    )
    service = build(settings)
    stopping = asyncio.Event()
    task = asyncio.create_task(service.run(stopping))
    await until(lambda: task.done() or service.ready()[0], 30)
    headers = {"authorization": f"Bearer {issue_token(secret.read_text(), 'test', 'integrator')}"}
    transport = TypedAnswers(service.asgi())
    async with httpx.AsyncClient(transport=transport, base_url="http://billing", headers=headers) as client:
        yield client
    stopping.set()
    await task


async def read(bootstrap: str, topic: str, wanted: Any, seconds: float = 20) -> list[dict[str, Any]]:
    """Messages of a topic until ``wanted(messages)``."""
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    found: list[dict[str, Any]] = []
    try:
        async with asyncio.timeout(seconds):
            while not wanted(found):
                for records in (await consumer.getmany(timeout_ms=200)).values():
                    found += [
                        plain(OutgoingMessage(r.topic, r.partition, r.key, r.value, list(r.headers))) for r in records
                    ]
    finally:
        await consumer.stop()
    return found


async def test_every_road_ends_in_boss_events(contract_topics: str, client: httpx.AsyncClient, tmp_path: Path) -> None:
    answer = await client.post(
        "/v1/events",
        content=json.dumps(event("customer.changed", {"customer_id": "k1", "status": "active"})),
        headers={"content-type": "application/cloudevents+json"},
    )
    assert answer.status_code == 202, answer.text
    assert answer.json()["status"] == "accepted"

    producer = AIOKafkaProducer(bootstrap_servers=contract_topics)
    await producer.start()
    bill = event("bill.issued", {"customer_id": "k1", "period": "202605", "amount_fen": 5}, subject="k1")
    headers = [(f"ce_{k}", v.encode()) for k, v in bill.items() if k != "data"]
    await producer.send_and_wait("boss.feed", json.dumps(bill["data"]).encode(), key=b"k1", headers=headers)
    await producer.send_and_wait("boss.feed", b"\x00 poison", key=b"k1")
    usage = event("usage.summarised", {"customer_id": "k1", "period": "202605", "voice_minutes": 5})
    await producer.send_and_wait(
        "boss.feed",
        json.dumps(usage).encode(),
        key=b"k1",
        headers=[("content-type", b"application/cloudevents+json; charset=utf-8")],
    )
    await producer.stop()

    row = {"payment_id": "p1", "customer_id": "k1", "paid_at": "2026-05-31T09:00:00+08:00", "amount_fen": -5}
    name = write_pair(tmp_path / "boss" / "inbox", "PAY", "320100", "2026-05-31", 1, [row], encoding="gb18030")
    await client.post("/v1/files/scan")
    async with asyncio.timeout(10):
        while not (receipts := [r for r in (await client.get(f"/v1/files?name={name}")).json() if "ended" in r]):
            await asyncio.sleep(0.02)
    assert (receipts[0]["result"], receipts[0]["amount"]) == ("accepted", -5)

    types = ["kam.boss.customer.changed.v1", "kam.boss.bill.issued.v1", "kam.boss.usage.summarised.v1"]
    types.append("kam.boss.payment.received.v1")
    found = await read(
        contract_topics,
        "boss.events",
        lambda ms: (
            len([m for m in ms if m["key"] == "k1" and m["type"] in types]) == 4
            and len({m["partition"] for m in ms if m["key"] == "clock"}) == 4
        ),
    )
    assert sorted(m["type"] for m in found if m["key"] == "k1" and m["type"] in types) == sorted(types)
    (dead,) = await read(contract_topics, "boss.feed.billing-sync.dlq", lambda ms: ms)
    assert dead["data"] == b"\x00 poison"
    assert dead["dlq_service"] == "billing-sync"
    assert "CloudEvent" in dead["dlq_reason"] or "missing" in dead["dlq_reason"]


async def test_strange_records_on_boss_feed_stop_nothing(
    contract_topics: str,
    client: httpx.AsyncClient,
) -> None:
    for codec in ("lz4", "zstd", "snappy", "gzip"):
        producer = AIOKafkaProducer(
            bootstrap_servers=contract_topics,
            compression_type=codec,
            max_request_size=30 << 20,
            enable_idempotence=True,
        )
        await producer.start()
        try:
            bill = event("bill.issued", {"customer_id": codec, "period": "202605", "amount_fen": 5})
            await producer.send_and_wait("boss.feed", json.dumps(bill).encode(), key=b"k", headers=STRUCTURED)
            headers = [("ce_id", None), ("", b"\xff"), ("ce_type", None), ("trace", None)]
            await producer.send_and_wait("boss.feed", b"{}", key=None, headers=headers)
            await producer.send_and_wait("boss.feed", b"x" * (LIMIT - 400), key=b"k", headers=[("h", b"y" * 100)])
            bill = event("bill.issued", {"customer_id": codec, "period": "202604", "amount_fen": 5})
            with_null = [*STRUCTURED, ("traceparent", None)]
            await producer.send_and_wait("boss.feed", json.dumps(bill).encode(), key=b"k", headers=with_null)
        finally:
            await producer.stop()
    await _null_record(contract_topics)
    answer = await client.post(
        "/v1/events",
        content=json.dumps(event("customer.changed", {"customer_id": "ordinary", "status": "active"})),
        headers={"content-type": "application/cloudevents+json"},
    )
    assert answer.json()["status"] == "accepted"
    names = ("lz4", "zstd", "snappy", "gzip")
    found = await read(
        contract_topics,
        "boss.events",
        lambda ms: len([m for m in ms if m["key"] in names]) == 8 and any(m["key"] == "ordinary" for m in ms),
    )
    assert len(found) >= 9
    letters = await read(contract_topics, "boss.feed.billing-sync.dlq", lambda ms: len(ms) >= 10)
    cut = [letter for letter in letters if "dlq_truncated" in letter]
    assert len(cut) == 4 and all(int(letter["dlq_truncated"]) == LIMIT - 400 > MAX_BODY for letter in cut)
    assert [letter["dlq_null_value"] for letter in letters if "dlq_null_value" in letter] == ["1"]


async def _null_record(bootstrap: str) -> None:
    """A record without key and value: aiokafka's ``send`` refuses one, other clients don't."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap)
    await producer.start()
    try:
        batch = producer.create_batch()
        batch.append(timestamp=None, key=None, value=None, headers=[("ce_id", None)])
        batch.close()
        place = TopicPartition("boss.feed", 0)
        await (await producer.send_batch(batch, place.topic, partition=place.partition))
    finally:
        await producer.stop()
