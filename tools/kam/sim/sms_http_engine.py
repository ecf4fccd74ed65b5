"""The simulated SMS provider over HTTP: what it accepts, what it answers, and the books it keeps.

Every accepted order is on the disk before its answer leaves. An order whose key it has seen is answered with what it
said of the first, and is not taken twice; but who relies on that has not kept the books in order, so it is counted.
"""

from __future__ import annotations

import asyncio
import hmac
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import msgspec
import structlog

from .sms_http_callbacks import Callbacks
from .sms_http_faults import HttpFaults
from .sms_http_log import Taken, TakenLog
from .smsc_faults import Chance

log = structlog.get_logger()
_SIGNED_WITHIN = 300.0
_STATUS = {"rate_limited": 429, "unauthorized": 401, "bad_request": 400}


@dataclass(frozen=True, slots=True)
class ProviderSettings:
    """``secret`` signs orders, ``callback_secret`` callbacks, which go to ``callback_url``."""

    log_path: Path
    account: str
    secret: bytes = field(repr=False)
    callback_url: str = ""
    callback_secret: bytes = field(default=b"", repr=False)
    seed: int = 1


class Order(msgspec.Struct):
    """What our client sends, as the provider reads it."""

    key: str
    to: str
    template: str
    language: str
    variables: dict[str, str]
    reference: int | None = None
    signature: str = ""


@dataclass(frozen=True, slots=True)
class Reply:
    """``status`` None: the connection is cut without an answer."""

    status: int | None
    body: bytes = b""


class Provider:
    """`await start()`, use, `await stop()`. A second one on the same log goes on where the first ended."""

    def __init__(self, settings: ProviderSettings, faults: HttpFaults | None = None) -> None:
        self._settings, self._faults = settings, faults or HttpFaults()
        self._log = TakenLog(settings.log_path)
        self._chance = Chance(settings.seed)
        self.callbacks = Callbacks(
            settings.callback_url, settings.callback_secret, self._log, self._chance, lambda: self._faults
        )
        self._books = asyncio.Lock()
        self.repeated = 0
        self.change(self._faults)

    async def start(self) -> None:
        for message in self._log.unsettled:
            self.callbacks.expect(message)
        log.info("sms_http.started", accepted=self._log.count, receipts=self.callbacks.waiting)

    async def stop(self) -> None:
        await self.callbacks.close()
        self._log.close()

    @property
    def faults(self) -> HttpFaults:
        return self._faults

    @property
    def state(self) -> dict[str, int]:
        """accepted: since the log began; repeated: orders with a key that was seen; receipts_waiting: not taken yet."""
        return {"accepted": self._log.count, "repeated": self.repeated, "receipts_waiting": self.callbacks.waiting}

    def change(self, faults: HttpFaults) -> None:
        """New settings from the next order on; the "every" counters begin anew."""
        self._faults = faults
        self._chance.reset()
        (self.callbacks.running.clear if faults.pause else self.callbacks.running.set)()

    def messages(self, destination: str | None = None, limit: int = 1_000) -> list[Taken]:
        return self._log.messages(destination, limit)

    async def inbound(self, source: str, text: str, at: datetime | None = None) -> int | None:
        """A customer's message; the status that its callback is answered with, None without one."""
        at = at or datetime.now(UTC)
        return await self.callbacks.tell({"type": "inbound", "from": source, "text": text, "at": at.isoformat()})

    async def order(self, headers: dict[str, str], body: bytes) -> Reply:
        """What an order is answered with, when it is time to."""
        await self.callbacks.running.wait()
        reply = await self._decide(headers, body)
        await asyncio.sleep(self._faults.answer_delay_ms / 1000)
        return reply

    # inside -----------------------------------------------------------------------------------------------------

    async def _decide(self, headers: dict[str, str], body: bytes) -> Reply:
        if not self._is_signed(headers, body):
            return _said("unauthorized")
        try:
            order = msgspec.json.decode(body, type=Order)
        except msgspec.MsgspecError:
            return _said("bad_request")
        async with self._books:
            known = self._log.by_key.get(order.key)
            if known is not None:
                self.repeated += 1
                return _said("ok", known.message_id)
            if (refusal := self._refusal(order)) is not None:
                return refusal
            record = self._record(order)
            await asyncio.to_thread(self._log.append, record)
            reply = self._reply(record)
        if record.fate != "LOST":
            if self._faults.callback_before_answer:
                await self.callbacks.receipt(record)
            self.callbacks.expect(record)
        return reply

    def _is_signed(self, headers: dict[str, str], body: bytes) -> bool:
        timestamp = headers.get("sms-timestamp", "")
        if headers.get("sms-account") != self._settings.account or not timestamp.isdecimal():
            return False
        signed = hmac.new(self._settings.secret, timestamp.encode() + b"." + body, sha256).hexdigest()
        fresh = abs(time.time() - int(timestamp)) <= _SIGNED_WITHIN
        return fresh and hmac.compare_digest(signed, headers.get("sms-signature", ""))

    def _refusal(self, order: Order) -> Reply | None:
        """Where it is not taken."""
        faults, chance = self._faults, self._chance
        chance.next_submit()
        if chance.submit(faults.drop_before_taking_every):
            return Reply(None)
        if chance.submit(faults.fail_before_taking_every):
            return Reply(500, b"internal error")
        if not order.to.isdecimal() or order.to.startswith(tuple(faults.refuse_prefixes)):
            return _said("number_invalid")
        return _said(faults.refuse_code) if chance.submit(faults.refuse_every) else None

    def _reply(self, record: Taken) -> Reply:
        """To an order that was taken."""
        faults, chance = self._faults, self._chance
        if chance.submit(faults.lose_answer_every):
            return Reply(None)
        if chance.submit(faults.fail_after_taking_every):
            return Reply(502, b"bad gateway")
        if chance.submit(faults.garble_answer_every):
            return Reply(200, b"<html>please sign in</html>")
        return _said("ok", record.message_id)

    def _record(self, order: Order) -> Taken:
        self._chance.next_accepted()
        self._log.count += 1
        lost = self._chance.accepted(self._faults.receipt_lose_every)
        failed = self._chance.accepted(self._faults.deliver_fail_every)
        return Taken(
            message_id=f"{self._settings.seed % 0x1000:03x}{self._log.count:08x}",
            number=self._log.count,
            account=self._settings.account,
            key=order.key,
            reference=order.reference,
            destination=order.to,
            template=order.template,
            language=order.language,
            variables=order.variables,
            signature=order.signature,
            fate="LOST" if lost else "UNDELIV" if failed else "DELIVRD",
            accepted_at=datetime.now(UTC).isoformat(timespec="milliseconds"),
        )


def _said(code: str, message_id: str | None = None) -> Reply:
    return Reply(_STATUS.get(code, 200), msgspec.json.encode({"code": code, "message_id": message_id}))
