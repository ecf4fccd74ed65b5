"""The two real-time roads into the platform: HTTP with a receipt an event, and Kafka's ``boss.feed``."""

from __future__ import annotations

import asyncio
import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

import httpx
import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from kam.feeding import BATCH, binary
from servicekit.auth import issue_token
from servicekit.clock import system_now
from servicekit.kafka import start_producer

log = structlog.get_logger()
Event = dict[str, Any]
Receipt = dict[str, Any]
_CLOCK_SECONDS = 5.0


class Roads(Protocol):
    """What the simulator needs of the platform; tests put their own in."""

    async def http(self, events: list[Event]) -> list[Receipt]: ...

    async def kafka(self, events: list[Event]) -> list[Receipt]: ...

    async def now(self) -> datetime: ...

    async def files_delivered(self) -> None: ...

    async def close(self) -> None: ...


class Sender:
    """Sends until there is an answer: an event with the same id may be sent again at any time."""

    def __init__(self, billing_sync: str, bootstrap: str, secret_file: Path) -> None:
        self._client = httpx.AsyncClient(base_url=billing_sync, timeout=30, trust_env=False)
        self._bootstrap, self._secret = bootstrap, secret_file
        self._producer: AIOKafkaProducer | None = None
        self._ahead = timedelta(0)
        self._asked_at = 0.0

    def _headers(self) -> dict[str, str]:
        token = issue_token(self._secret.read_text().strip(), "boss-simulator", "integrator", hours=1)
        return {"Authorization": f"Bearer {token}"}

    async def _ask(self, method: str, path: str, *, media: str | None = None, body: bytes | None = None) -> Any:
        """The answer's body, however long the service is away or busy. Raises for an answer that won't get better."""
        delay = 0.2
        headers = self._headers() | ({"Content-Type": media} if media else {})
        while True:
            try:
                answer = await self._client.request(method, path, headers=headers, content=body)
            except httpx.HTTPError as error:
                log.warning("boss.no_answer", path=path, error=repr(error))
            else:
                if answer.status_code not in (429, 502, 503, 504):
                    answer.raise_for_status()
                    return answer.json()
                delay = max(delay, float(answer.headers.get("Retry-After") or 0))
            await asyncio.sleep(delay)
            delay = min(delay * 2, 5.0)

    async def http(self, events: list[Event]) -> list[Receipt]:
        """Receipts of a batch."""
        body = json.dumps(events, ensure_ascii=False).encode()
        receipts: list[Receipt] = await self._ask("POST", "/v1/events", media=BATCH, body=body)
        return receipts

    async def kafka(self, events: list[Event]) -> list[Receipt]:
        """``accepted`` means that Kafka has them."""
        if self._producer is None:
            self._producer = await start_producer(self._bootstrap, "boss-simulator")
        receipts = []
        for event in events:
            key, headers, body = binary(event)
            while True:
                try:
                    await self._producer.send_and_wait("boss.feed", body, key=key, headers=headers)
                    break
                except KafkaError as error:
                    log.warning("boss.no_answer", path="boss.feed", error=repr(error))
                    await asyncio.sleep(1.0)
            receipts.append({"source": event["source"], "id": event["id"], "status": "accepted"})
        return receipts

    async def now(self) -> datetime:
        """Business time; system time while it is unset."""
        loop = asyncio.get_running_loop()
        if loop.time() - self._asked_at > _CLOCK_SECONDS:
            clock = (await self._ask("GET", "/v1/clock")).get("clock")
            self._ahead = datetime.fromisoformat(clock) - system_now() if clock else timedelta(0)
            self._asked_at = loop.time()
        return system_now() + self._ahead

    async def files_delivered(self) -> None:
        """Tell billing-sync to look into the inbox."""
        await self._ask("POST", "/v1/files/scan")

    async def close(self) -> None:
        """End the connections."""
        await self._client.aclose()
        if self._producer is not None:
            await self._producer.stop()
