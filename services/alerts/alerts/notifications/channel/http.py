"""A provider over HTTP: takes templates, answers each message at once, and tells of receipts by callbacks.

Never submits a message twice. What can't have left is NOT_WRITTEN; from the first octet on, whatever is no clear answer
is UNKNOWN. Then it is *down*, and takes nothing but a trial: one message, after a pause, and after a sign of life where
it was silent, for which no message is risked.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from dataclasses import dataclass, field
from http import HTTPStatus
from time import monotonic
from typing import Any

import httpx
import structlog

from servicekit.clock import SystemClock, system_now
from servicekit.decision import Refused
from servicekit.personal import mask_number

from . import http_protocol, signature
from .transport import (
    DeliveryReceipt,
    InboundSms,
    OnInbound,
    OnLateAnswer,
    OnReceipt,
    Permit,
    SubmitOutcome,
    SubmitRequest,
    SubmitResult,
    TransportClosed,
)

log = structlog.get_logger()
_WAITED = "waited too long"
_MOST_ANSWER = 65_536
_MOST_HANDLING = 1_000  # events of callbacks at once
_LONGEST_THROTTLE = 10.0  # seconds, whatever a Retry-After says: what is behind it in line waits as well
_DOWN = (SubmitOutcome.UNKNOWN, SubmitOutcome.NOT_WRITTEN)
#: httpcore's name of the moment before the first octet of a request
_ABOUT_TO_WRITE = "http11.send_request_headers.started"


@dataclass(frozen=True, slots=True)
class HttpSettings:
    """An account at a provider. Times in seconds; ``rate``: messages a second, ``window``: unanswered at once, both as
    agreed with the provider. ``signature``: the name it puts before each text.
    """

    url: str
    account: str
    secret: bytes = field(repr=False)
    signature: str = ""
    window: int = 20
    rate: float = 100.0
    connect_timeout: float = 5.0
    response_timeout: float = 15.0
    close_timeout: float = 5.0
    pause_min: float = 0.25
    pause_max: float = 30.0


class HttpTransport:
    """See transport.Transport. ``called_back`` takes what the provider tells by itself."""

    def __init__(
        self, settings: HttpSettings, rng: random.Random | None = None, system_clock: SystemClock = system_now
    ) -> None:
        self._settings, self._rng, self._system_clock = settings, rng or random.Random(), system_clock
        self._url = f"{settings.url.rstrip('/')}/messages"
        self._client: httpx.AsyncClient | None = None
        self._window = asyncio.Semaphore(settings.window)
        self._closing = asyncio.Event()
        self._paused_until = self._next_at = 0.0
        self._pause = settings.pause_min
        self._down_since: float | None = None
        self._is_silent = self._is_elsewhere = False  # answers nothing clear; answers that somebody else will
        self._open = asyncio.Event()  # not down, or a trial is due
        self._open.set()
        self._is_down = asyncio.Event()  # and nobody has said yet when it may be tried
        self._keeper: asyncio.Task[None] | None = None
        self._handling = 0
        self._on_receipt: OnReceipt | None = None
        self._on_inbound: OnInbound | None = None

    async def start(
        self, on_receipt: OnReceipt, on_inbound: OnInbound, on_late_answer: OnLateAnswer | None = None
    ) -> None:
        if self._client is not None:
            raise RuntimeError("the transport has been started already")
        s = self._settings
        # Nothing of the environment: a proxy would read along. The time as a whole is bounded below.
        self._client = httpx.AsyncClient(
            timeout=httpx.Timeout(None, connect=s.connect_timeout, pool=s.connect_timeout),
            limits=httpx.Limits(max_connections=s.window, keepalive_expiry=5.0),
            follow_redirects=False,
            trust_env=False,
        )
        self._on_receipt, self._on_inbound = on_receipt, on_inbound
        self._keeper = asyncio.create_task(self._keep_looking(self._client), name="sms-http")

    @property
    def connected(self) -> bool:
        return self._client is not None and self._down_since is None

    @property
    def down_since(self) -> float | None:
        return None if self._open.is_set() else self._down_since

    @property
    def is_ready(self) -> bool:
        if self._client is None or self._closing.is_set() or not self._open.is_set():
            return False
        return not self._window.locked() and self._wait() <= 0

    async def ready(self) -> None:
        while self._client is not None and not self._closing.is_set():
            await self._open.wait()
            async with self._window:
                await self._clear_to_write()
            if self.is_ready:
                return
        raise TransportClosed

    async def submit(self, part: SubmitRequest, permit: Permit | None = None) -> SubmitResult:
        try:
            body = http_protocol.order(part, self._settings.signature)
        except ValueError as problem:
            return SubmitResult(part.part_id, SubmitOutcome.REFUSED, None, None, f"cannot be encoded: {problem}")
        if self._closing.is_set():
            return _not_written(part, "closing")
        async with self._window:
            await self._clear_to_write()
            if self._client is None or self._closing.is_set():
                return _not_written(part, "closing")
            if not self._open.is_set():
                return _not_written(part, "away")
            if self._down_since is not None:
                self._open.clear()  # this is the trial
            self._next_at = max(monotonic(), self._next_at) + 1 / self._settings.rate
            try:
                answer = await self._order(self._client, part, body, permit)
            except asyncio.CancelledError:
                self._learn(SubmitOutcome.UNKNOWN, "cancelled")
                raise
            self._learn(answer.outcome, answer.detail)
        log_it = log.warning if answer.outcome is SubmitOutcome.UNKNOWN else log.debug
        log_it(
            f"sms_http.{answer.outcome.value}",
            part_id=part.part_id,
            destination=mask_number(part.destination),
            detail=answer.detail,
        )
        return answer

    async def called_back(self, body: bytes, signed: str) -> dict[str, int]:
        """What a callback tells, whose signature (of the time ``signed``) is right; returns when all of it is durable:
        how many of it were ``taken``, and how many are ``unreadable``.

        Raises ``Refused``: 422 can't be read, 503 come again.
        """
        told, unreadable = http_protocol.read_callback(body, signed)
        if unreadable:
            # Told again they would be as unreadable, so the provider is not asked to.
            log.warning("sms_http.unreadable_events", events=unreadable)
        if self._on_receipt is None or self._on_inbound is None or self._handling + len(told) > _MOST_HANDLING:
            raise _come_again()
        self._handling += len(told)
        try:
            await asyncio.gather(*(self._deliver(each) for each in told))
        except Exception as error:
            log.warning("sms_http.callback_not_taken", events=len(told), error=repr(error)[:200])
            raise _come_again() from error
        finally:
            self._handling -= len(told)
        return {"taken": len(told), "unreadable": unreadable}

    async def close(self) -> None:
        if self._closing.is_set():
            return
        self._closing.set()
        self._open.set()  # wakes whoever waits in ready()
        if self._client is None or self._keeper is None:
            return
        self._keeper.cancel()
        await asyncio.gather(self._keeper, return_exceptions=True)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._settings.close_timeout):
                for _ in range(self._settings.window):  # whoever has an order out comes back first
                    await self._window.acquire()
        await self._client.aclose()

    # --- inside -----------------------------------------------------------------------------------------------------

    async def _deliver(self, told: DeliveryReceipt | InboundSms) -> None:
        assert self._on_receipt is not None and self._on_inbound is not None
        if isinstance(told, DeliveryReceipt):
            await self._on_receipt(told)
        else:
            await self._on_inbound(told)

    def _wait(self) -> float:
        """Seconds until the rate and the last pause allow an order."""
        return max(self._paused_until, self._next_at) - monotonic()

    async def _clear_to_write(self) -> None:
        while not self._closing.is_set() and (wait := self._wait()) > 0:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._closing.wait()

    async def _order(
        self, client: httpx.AsyncClient, part: SubmitRequest, body: bytes, permit: Permit | None
    ) -> SubmitResult:
        writing = _Writing(permit)
        seconds = self._settings.response_timeout
        try:
            async with asyncio.timeout(seconds):
                request = client.build_request(
                    "POST",
                    self._url,
                    content=body,
                    headers=self._headers(part, body),
                    extensions={"trace": writing.trace},
                )
                answer = await client.send(request, stream=True)
                try:
                    said = await _at_most(answer, _MOST_ANSWER)
                finally:
                    await answer.aclose()
        except _NotPermitted:
            return _not_written(part, _WAITED)
        except Exception as error:
            # The text of an error may hold the address, which is nobody's business in a log.
            what = f"no answer within {seconds:g} s" if isinstance(error, TimeoutError) else type(error).__name__
            if writing.is_asking:
                return _not_written(part, _WAITED)  # it is our own commit that is slow
            if not writing.has_begun:
                return SubmitResult(part.part_id, SubmitOutcome.NOT_WRITTEN, None, None, what, "unreachable")
            return SubmitResult(part.part_id, SubmitOutcome.UNKNOWN, None, None, what)
        self._is_elsewhere = answer.is_redirect
        result = http_protocol.judge(part.part_id, answer.status_code, said)
        if result.outcome is SubmitOutcome.THROTTLED:
            self._hold_off(_seconds(answer.headers.get("retry-after")))
        return result

    def _headers(self, part: SubmitRequest, body: bytes) -> dict[str, str]:
        timestamp = str(int(self._system_clock().timestamp()))
        return {
            "Content-Type": "application/json",
            "Accept-Encoding": "identity",
            "Sms-Account": self._settings.account,
            "Idempotency-Key": http_protocol.key_of(part),
            signature.TIMESTAMP: timestamp,
            signature.SIGNATURE: signature.sign(self._settings.secret, timestamp, body),
        }

    def _learn(self, outcome: SubmitOutcome, detail: str) -> None:
        """What an answer says of the provider itself."""
        if outcome is SubmitOutcome.NOT_WRITTEN and detail == _WAITED:
            if self._down_since is not None:
                self._open.set()  # the trial was none
            return
        if outcome not in _DOWN:
            if self._down_since is not None:
                log.info("sms_http.up", seconds=round(monotonic() - self._down_since, 1))
            self._down_since = None
            self._open.set()
            if outcome is not SubmitOutcome.THROTTLED:
                self._pause = self._settings.pause_min
            return
        if self._down_since is None:
            self._down_since = monotonic()
            log.warning("sms_http.down", detail=detail)
        self._is_silent = self._is_silent or outcome is SubmitOutcome.UNKNOWN
        self._open.clear()
        self._is_down.set()

    async def _keep_looking(self, client: httpx.AsyncClient) -> None:
        """While it is down: when it may be tried again."""
        while True:
            await self._is_down.wait()
            await asyncio.sleep(self._next_pause())
            if self._is_silent and not await self._is_alive(client):
                continue
            self._is_silent = False
            self._is_down.clear()
            self._open.set()

    async def _is_alive(self, client: httpx.AsyncClient) -> bool:
        """Whether anybody answers, whatever it is; where it sent the last order elsewhere, whether it does so still."""
        try:
            async with asyncio.timeout(self._settings.response_timeout):
                answer = await client.head(self._url)
        except Exception:
            return False
        return not (answer.is_server_error or (self._is_elsewhere and answer.is_redirect))

    def _hold_off(self, least: float) -> None:
        """It is throttling."""
        now = monotonic()
        if now >= self._paused_until:  # a whole window may be answered so: one pause for all of them
            self._paused_until = now + min(max(self._next_pause(), least), _LONGEST_THROTTLE)

    def _next_pause(self) -> float:
        pause = self._pause * self._rng.uniform(0.75, 1.25)
        self._pause = min(self._pause * 2, self._settings.pause_max)
        return pause


class _NotPermitted(Exception):
    """The permit was withdrawn before anything was written."""


class _Writing:
    """Whether anything of an order was handed to the socket, and the permit's word just before."""

    def __init__(self, permit: Permit | None) -> None:
        self._permit = permit
        self.is_asking = self.has_begun = False

    async def trace(self, event: str, info: dict[str, Any]) -> None:
        if event != _ABOUT_TO_WRITE:
            return
        self.is_asking = True
        while self._permit is not None and not self._permit.is_valid():
            if not await self._permit.renew():
                raise _NotPermitted
        self.is_asking, self.has_begun = False, True


async def _at_most(answer: httpx.Response, most: int) -> bytes:
    found = b""
    async for piece in answer.aiter_bytes():
        found += piece
        if len(found) > most:
            break
    return found[:most]


def _seconds(retry_after: str | None) -> float:
    return float(retry_after) if retry_after and retry_after.isascii() and retry_after.isdecimal() else 0.0


def _not_written(part: SubmitRequest, detail: str) -> SubmitResult:
    return SubmitResult(part.part_id, SubmitOutcome.NOT_WRITTEN, None, None, detail)


def _come_again() -> Refused:
    return Refused(
        "not_taken",
        "暂时没有收下，请稍后重发",
        "not taken just now: send it again shortly",
        HTTPStatus.SERVICE_UNAVAILABLE,
    )
