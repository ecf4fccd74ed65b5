"""The real service on a real Kafka: archive, counts, ``why`` and live rates, over a stop, after a ``wait``."""

import asyncio
import json
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiokafka import AIOKafkaProducer

from analytics.bootstrap import build
from analytics.rates import Rates
from analytics.settings import Settings
from contracts.registry import EVENTS
from gateway import bootstrap as gateway
from gateway.projection.follow import Projection
from gateway.projection.store import ProjectionStore
from gateway.settings import Settings as GatewaySettings
from harness.read_model import ROWS, nothing_to_bring
from harness.typed_answers import TypedAnswers
from harness.waiting import eventually
from servicekit.auth import Principal, issue_token
from servicekit.clock import iso
from servicekit.kafka import partition_of, start_consumer, start_producer
from servicekit.memory_store import MemoryDocuments, MemoryStore
from servicekit.service import Service

pytestmark = pytest.mark.embedded
EXAMPLES = Path(__file__).resolve().parents[2] / "schemas" / "examples"
SECRET = "0123456789abcdef0123456789abcdef"


@asynccontextmanager
async def running(service: Service) -> AsyncIterator[Service]:
    stopping = asyncio.Event()
    work = asyncio.create_task(service.run(stopping))
    try:
        await eventually(lambda: service.ready()[0] or work.done())
        yield service
    finally:
        stopping.set()
        await work


@pytest.fixture
async def producer(contract_topics: str) -> AsyncIterator[AIOKafkaProducer]:
    producer = await start_producer(contract_topics, "test")
    yield producer
    await producer.stop()


@pytest.fixture
def settings(contract_topics: str, tmp_path: Path) -> Settings:
    secret = tmp_path / "secret"
    secret.write_text(SECRET)
    return Settings(
        service_data=tmp_path / "data", archive_dir=tmp_path / "archive", kafka=contract_topics, secret_file=secret
    )


async def send(
    producer: AIOKafkaProducer, type_: str, key: str, headers: dict[str, str], *, at: int | None = None, **data: Any
) -> str:
    golden = json.loads((EXAMPLES / f"{type_}.json").read_text())
    about = {"customer_id": key} if "customer_id" in golden["data"] else {}
    found = {**golden["headers"], "ce_id": str(uuid.uuid4()), "ce_subject": key, "ce_sequence": "", **headers}
    await producer.send_and_wait(
        EVENTS[type_].topic,
        json.dumps({**golden["data"], **about, **data}).encode(),
        key=key.encode(),
        partition=partition_of(key, 4),
        headers=[(name, value.encode()) for name, value in found.items() if value],
        timestamp_ms=None if at is None else at * 1000,
    )
    return str(found["ce_id"])


async def story(producer: AIOKafkaProducer, customer: str) -> str:
    """A debt and its alert; returns the alert's id."""
    alert = f"alert-{customer}"
    debt = await send(producer, "kam.boss.arrears.changed.v1", customer, {"ce_correlationid": "file:ARR.dat.gz#1"})
    caused = {"ce_causationid": debt, "ce_correlationid": "file:ARR.dat.gz#1"}
    await send(producer, "kam.alert.raised.v1", customer, caused, alert_id=alert, evidence=[debt])
    return alert


@asynccontextmanager
async def asking(service: Service, gateway_settings: GatewaySettings) -> AsyncIterator[httpx.AsyncClient]:
    """People's client of a gateway that knows only this service; others have no documents for its read model."""

    async def audit(_: Principal, *__: str) -> None:
        raise AssertionError("nothing personal is read here")

    peer = httpx.AsyncClient(transport=TypedAnswers(service.asgi()))
    connect = partial(start_consumer, gateway_settings.kafka, "test-lists")
    store = ProjectionStore(gateway_settings.service_data / "lists", ROWS.identity)
    lists = Projection(store, ROWS, gateway_settings.partitions, connect, nothing_to_bring)
    documents = MemoryDocuments(MemoryStore())
    app = gateway.build(gateway_settings, client=peer, audit=audit, projection=lists, documents=documents)
    jobs = [asyncio.ensure_future(job()) for job in (*app.jobs[1:], lists.run)]
    async with httpx.AsyncClient(transport=TypedAnswers(app.asgi()), base_url="http://gateway", timeout=60) as client:
        client.headers["authorization"] = f"Bearer {issue_token(SECRET, 'li', 'analyst')}"
        yield client
    for job in jobs:
        job.cancel()
    await asyncio.gather(*jobs, return_exceptions=True)


async def test_what_was_sent_is_found_after_the_wait_and_after_a_stop(
    producer: AIOKafkaProducer, settings: Settings
) -> None:
    for_gateway = GatewaySettings(
        service_data=settings.service_data,
        kafka=settings.kafka,
        secret_file=settings.secret_file,
        peers={"analytics": "http://analytics"},
    )
    customer = uuid.uuid4().hex[:8]
    first = await story(producer, customer)
    async with running(build(settings)) as service, asking(service, for_gateway) as people:
        assert (await people.get("/v1/wait", params={"timeout": 30})).json()["settled"] is True
        chain = (await people.get(f"/v1/why/{first}")).json()["chain"]
        recounted = (await people.get("/v1/recount")).json()
        second = await story(producer, customer)

    assert [link["type"] for link in chain] == [
        "boss.record", "kam.boss.arrears.changed.v1", "kam.alert.raised.v1"
    ]  # fmt: skip
    assert recounted["agree"] and recounted["events"] >= 2, recounted["differences"]

    async with running(build(settings)) as service, asking(service, for_gateway) as people:
        waited = (await people.get("/v1/wait", params={"timeout": 30})).json()
        chain = (await people.get(f"/v1/why/{second}")).json()["chain"]
        again = (await people.get("/v1/recount")).json()
        status = (await people.get("/v1/status")).json()

    assert waited["settled"] is True and len(chain) >= 3
    assert again["agree"] and again["events"] == recounted["events"] + 2
    assert status["services"]["analytics"]["lag"] == 0 and status["services"]["analytics"]["ready"]


@pytest.mark.slow
async def test_live_rates_come_back_after_a_stop(producer: AIOKafkaProducer, settings: Settings) -> None:
    """An alert counts in the minute in which it came to the log, however late its batch is handled."""
    city = str(uuid.uuid4().int)[:6]
    now = int(time.time())
    for customer, at in (("1", now - 600), ("2", now - 600), ("3", now)):
        await send(producer, "kam.alert.raised.v1", customer, {}, at=at, city=city)
    await send(producer, "kam.alert.changed.v1", "1", {}, at=now, city=city)
    wanted = {iso(datetime.fromtimestamp(at // 60 * 60, UTC)): n for at, n in ((now - 600, 2), (now, 1))}

    async with running(build(settings)):
        assert await _live(settings, city) == wanted
    assert await _live(settings, city) == wanted, "not found again in the changelog"


async def _live(settings: Settings, city: str) -> dict[str, int]:
    """Alerts of a city by their minute, once the agent, which is started and stopped here, has three of them."""
    rates = Rates(settings)

    def found() -> dict[str, int]:
        return {rate["from"]: rate["alerts"] for rate in rates.current() if rate["city"] == city}

    job = asyncio.create_task(rates.run())
    await eventually(lambda: sum(found().values()) >= 3 or job.done(), timeout=60)
    job.cancel()
    with pytest.raises(asyncio.CancelledError):
        await job
    return found()
