"""SMPP 3.4 transport: stays bound as a transceiver, obeys window and throttling, never submits a part twice."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from time import monotonic

import smpp34
import structlog

from servicekit.personal import mask_number

from . import pdu
from .session import LinkLost, NotBound, Response, Session
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


@dataclass(frozen=True, slots=True)
class SmppSettings:
    """An account at an SMSC. Times in seconds.

    source: the service number the customer sees. window: submits unanswered at once (agree it with the operator).
    """

    host: str
    port: int
    system_id: str
    password: str = field(repr=False)
    source: str = "10086"
    system_type: str = ""
    window: int = 50
    response_timeout: float = 10.0
    enquire_interval: float = 15.0
    connect_timeout: float = 10.0
    close_timeout: float = 5.0
    reconnect_min: float = 0.2
    reconnect_max: float = 30.0
    throttle_min: float = 0.25
    throttle_max: float = 10.0


class SmppTransport:
    """See transport.Transport for the meaning of each method."""

    def __init__(self, settings: SmppSettings, rng: random.Random | None = None) -> None:
        self._settings = settings
        self._rng = rng or random.Random()
        self._session: Session | None = None
        self._window = asyncio.Semaphore(settings.window)
        self._bound = asyncio.Event()
        self._closing = asyncio.Event()
        self._keeper: asyncio.Task[None] | None = None
        self._paused_until = 0.0
        self._pause = settings.throttle_min
        self._failures = 0
        self._lost_at: float | None = monotonic()

    async def start(
        self, on_receipt: OnReceipt, on_inbound: OnInbound, on_late_answer: OnLateAnswer | None = None
    ) -> None:
        if self._keeper is not None:
            raise RuntimeError("the transport has been started already")
        new_session = partial(Session, partial(_deliver, on_receipt, on_inbound), partial(self._late, on_late_answer))
        self._keeper = asyncio.create_task(self._keep_bound(new_session), name="smpp")

    @property
    def connected(self) -> bool:
        return self._bound.is_set() and self._session is not None and self._session.takes_requests

    @property
    def down_since(self) -> float | None:
        if self.connected:
            return None
        return monotonic() if self._lost_at is None else self._lost_at

    @property
    def is_ready(self) -> bool:
        session = self._session
        if session is None or not session.takes_requests or self._closing.is_set():
            return False
        paused = self._paused_until > asyncio.get_running_loop().time()
        return not (paused or self._window.locked()) and session.is_writable

    async def ready(self) -> None:
        while True:
            if self._closing.is_set():
                raise TransportClosed
            session = self._session
            if session is None or not session.takes_requests:
                self._bound.clear()
                await self._bound.wait()
                continue
            async with self._window:
                await self._clear_to_write(session)
            if session.takes_requests and not self._closing.is_set():
                return

    async def submit(self, part: SubmitRequest, permit: Permit | None = None) -> SubmitResult:
        session = self._session
        if self._closing.is_set() or session is None or not session.takes_requests:
            return _not_written(part, "not connected")
        async with self._window:  # freed in turn when the link is lost, so that nobody waits for a dead session
            await self._clear_to_write(session)
            while permit is not None and not permit.is_valid():
                if not await permit.renew():
                    return _not_written(part, "waited too long")
                await self._clear_to_write(session)
            if self._closing.is_set():
                return _not_written(part, "closing")
            try:
                answer = session.request(
                    lambda number: pdu.submit_sm(part, self._settings.source, number), part.part_id
                )
            except (ValueError, OverflowError, smpp34.SmppError) as problem:
                return SubmitResult(part.part_id, SubmitOutcome.REFUSED, None, None, f"cannot be encoded: {problem}")
            if answer is None:
                return _not_written(part, "link lost before the write")
            try:
                async with asyncio.timeout(self._settings.response_timeout):
                    response = await answer
            except TimeoutError:
                detail = f"no answer within {self._settings.response_timeout:g} s"
            except LinkLost as lost:
                detail = f"link lost before the answer: {lost}"
            else:
                if response[0] == pdu.NOT_BOUND:
                    session.retire(self._settings.response_timeout)
                return self._judge(part.part_id, response)
        log.warning("smpp.unknown", part_id=part.part_id, destination=mask_number(part.destination), detail=detail)
        return SubmitResult(part.part_id, SubmitOutcome.UNKNOWN, None, None, detail)

    async def close(self) -> None:
        if self._closing.is_set():
            return
        self._closing.set()
        self._bound.set()  # wakes whoever waits in ready()
        if self._keeper is None:
            return
        if self._session is not None:
            await self._session.unbind(self._settings.close_timeout)
        self._keeper.cancel()
        await asyncio.gather(self._keeper, return_exceptions=True)
        log.info("smpp.closed")

    # inside -----------------------------------------------------------------------------------------------------

    async def _clear_to_write(self, session: Session) -> None:
        """Returns when no throttle pause is on and the socket takes more, or at once when the link is lost."""
        clock = asyncio.get_running_loop().time
        while session.alive and not self._closing.is_set() and (wait := self._paused_until - clock()) > 0:
            await asyncio.wait({session.lost}, timeout=wait)
        await session.writable()

    def _judge(self, part_id: str, response: Response) -> SubmitResult:
        """What an answer of the SMSC means (§4.4.2, §5.1.3)."""
        status, body = response
        if status == pdu.OK:
            self._failures = 0
            if asyncio.get_running_loop().time() >= self._paused_until:
                self._pause = self._settings.throttle_min
            return SubmitResult(part_id, SubmitOutcome.ACCEPTED, pdu.message_id(body), status, "accepted")
        if status in (pdu.THROTTLED, pdu.QUEUE_FULL):
            self._slow_down()
            return SubmitResult(
                part_id, SubmitOutcome.THROTTLED, None, status, f"throttled, command_status 0x{status:08x}"
            )
        if status == pdu.NOT_BOUND:
            return SubmitResult(part_id, SubmitOutcome.NOT_WRITTEN, None, status, "the SMSC says that we are not bound")
        log.info("smpp.refused", part_id=part_id, command_status=hex(status))
        return SubmitResult(part_id, SubmitOutcome.REFUSED, None, status, f"refused, command_status 0x{status:08x}")

    def _slow_down(self) -> None:
        now = asyncio.get_running_loop().time()
        if now < self._paused_until:
            return  # a whole window may be answered so: one pause for all of them
        pause = self._pause * self._rng.uniform(0.75, 1.25)
        self._paused_until = now + pause
        self._pause = min(self._pause * 2, self._settings.throttle_max)
        log.info("smpp.throttled", pause_s=round(pause, 3))

    async def _late(self, on_late_answer: OnLateAnswer | None, part_id: str, response: Response) -> None:
        answer = self._judge(part_id, response)
        log.info("smpp.late_answer", part_id=part_id, outcome=answer.outcome.value)
        if on_late_answer is not None:
            await on_late_answer(answer)

    async def _keep_bound(self, new_session: Callable[[], Session]) -> None:
        settings = self._settings
        while not self._closing.is_set():
            try:
                session = await self._connect(new_session)
            except (OSError, LinkLost, TimeoutError, NotBound, ValueError) as problem:
                log.warning("smpp.connect_failed", problem=str(problem) or type(problem).__name__, host=settings.host)
            else:
                await self._serve(session)
            if self._closing.is_set():
                return
            delay = min(settings.reconnect_min * 2**self._failures, settings.reconnect_max)
            self._failures = min(self._failures + 1, 16)
            await asyncio.sleep(delay * self._rng.uniform(0.5, 1.0))

    async def _connect(self, new_session: Callable[[], Session]) -> Session:
        settings = self._settings
        async with asyncio.timeout(settings.connect_timeout):
            _, session = await asyncio.get_running_loop().create_connection(new_session, settings.host, settings.port)
        try:
            await session.bind(settings.system_id, settings.password, settings.system_type, settings.connect_timeout)
        except BaseException:
            session.abort()
            raise
        return session

    async def _serve(self, session: Session) -> None:
        """Let submits use the session until its link is lost."""
        clock = asyncio.get_running_loop().time
        bound_at = clock()
        self._session = session
        self._lost_at = None
        self._bound.set()
        log.info("smpp.bound", host=self._settings.host, port=self._settings.port, system_id=self._settings.system_id)
        keeper = asyncio.create_task(
            session.keep_alive(self._settings.enquire_interval, self._settings.response_timeout), name="smpp-keep-alive"
        )
        try:
            reason = await session.lost
        finally:
            keeper.cancel()
            self._bound.clear()
            self._session = None
            self._lost_at = monotonic()
            if self._closing.is_set():
                self._bound.set()
        # An SMSC that takes the bind and drops the link at once must not be hammered.
        if clock() - bound_at >= self._settings.reconnect_max:
            self._failures = 0
        log.warning("smpp.lost", reason=reason, seconds=round(clock() - bound_at, 1))


async def _deliver(on_receipt: OnReceipt, on_inbound: OnInbound, message: DeliveryReceipt | InboundSms) -> None:
    if isinstance(message, DeliveryReceipt):
        await on_receipt(message)
    else:
        await on_inbound(message)


def _not_written(part: SubmitRequest, detail: str) -> SubmitResult:
    return SubmitResult(part.part_id, SubmitOutcome.NOT_WRITTEN, None, None, detail)
