"""Callbacks of the simulated SMS provider: when they are due, how they are signed, and their repetition until taken."""

from __future__ import annotations

import asyncio
import hmac
import time
from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import httpx
import msgspec
import structlog

from .sms_http_faults import HttpFaults
from .sms_http_log import Taken, TakenLog
from .smsc_faults import Chance

log = structlog.get_logger()
#: callbacks unanswered at once
WINDOW = 32
ANSWER_TIMEOUT = 10.0
MAX_ATTEMPTS = 100


class Callbacks:
    """``url``: who is told; ``secret``: what callbacks are signed with. ``faults`` is read anew for every callback."""

    def __init__(
        self, url: str, secret: bytes, accepted: TakenLog, chance: Chance, faults: Callable[[], HttpFaults]
    ) -> None:
        self._url, self._secret, self._log, self._chance, self._faults = url, secret, accepted, chance, faults
        self._client = httpx.AsyncClient(timeout=ANSWER_TIMEOUT, trust_env=False)
        self._window = asyncio.Semaphore(WINDOW)
        self._tasks: set[asyncio.Task[None]] = set()
        self._count = 0
        self.running = asyncio.Event()  # cleared while paused
        self.running.set()

    @property
    def waiting(self) -> int:
        """Receipts not yet taken."""
        return len(self._tasks)

    def expect(self, message: Taken) -> None:
        """The message has been accepted; its receipt is told in due time."""
        delay = self._chance.delay(message.message_id, self._faults().callback_delay_ms)
        task = asyncio.create_task(self._until_taken(message, delay))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def tell(self, *events: dict[str, Any]) -> int | None:
        """One callback; its status, None where nobody answers."""
        body = msgspec.json.encode({"events": events})
        self._count += 1
        every = self._faults().callback_bad_signature_every
        secret = b"another" if every and self._count % every == 0 else self._secret
        timestamp = str(int(time.time()))
        signed = hmac.new(secret, timestamp.encode() + b"." + body, sha256).hexdigest()
        headers = {"Content-Type": "application/json", "Sms-Timestamp": timestamp, "Sms-Signature": signed}
        try:
            return (await self._client.post(self._url, content=body, headers=headers)).status_code
        except httpx.HTTPError:
            return None

    async def receipt(self, message: Taken) -> int | None:
        """Tell once what became of a message."""
        echo = self._faults().callback_echo_reference
        return await self.tell(
            {
                "type": "receipt",
                "message_id": message.message_id,
                "reference": message.reference if echo else None,
                "to": message.destination,
                "state": message.fate,
                "error": "000" if message.fate == "DELIVRD" else "011",
                "done_at": datetime.now(UTC).strftime("%y%m%d%H%M"),
            }
        )

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._client.aclose()

    async def _until_taken(self, message: Taken, delay: float) -> None:
        for attempt in range(MAX_ATTEMPTS):
            await asyncio.sleep(delay)
            await self.running.wait()
            async with self._window:
                status = await self.receipt(message)
            if status == 200:
                self._log.settled(message.message_id)
                for _ in range(self._faults().callback_repeat):
                    await self.receipt(message)
                return
            delay = min(0.2 * 2 ** min(attempt, 6), 10.0)
        self._log.settled(message.message_id)
        log.warning("sms_http.receipt_given_up", message_id=message.message_id)
