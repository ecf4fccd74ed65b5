"""One SMPP session over one TCP connection: framing, sequence numbers, answers, keep-alive, unbind.

A session never comes back: when its link is lost a new one takes its place (see smpp.py). Written on asyncio.Protocol
and not on streams or a client library, because only here it is certain whether a PDU was handed to the socket.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import cast

import smpp34
import structlog
from prometheus_client import Counter

from . import pdu
from .transport import DeliveryReceipt, InboundSms

log = structlog.get_logger()
BAD = Counter("kam_smpp_bad_pdus_total", "What the SMSC sent and must not have, by what was wrong with it", ["reason"])

#: Receipts and inbound messages being handled at once; beyond it the SMSC is told to repeat.
MAX_HANDLING = 1_000
#: Answers still awaited after their time ran out; beyond it the oldest are forgotten.
MAX_OVERDUE = 10_000
#: Bad PDUs without a good one between them; then the link is given up, and the next one comes with back-off.
MAX_BAD = 100
#: Octets of our answers that the SMSC has not read; beyond it the link is cut.
MAX_UNREAD = 1 << 20

_PATIENCE = 10.0  # seconds for answers on a link that is given up

#: command_status and body of an answer
Response = tuple[int, bytes]
OnDeliver = Callable[[DeliveryReceipt | InboundSms], Awaitable[None]]
OnLate = Callable[[str, Response], Awaitable[None]]


class LinkLost(Exception):
    """The connection ended before the answer came."""


class NotBound(Exception):
    """The SMSC refused the bind; status is its command_status."""

    def __init__(self, status: int) -> None:
        super().__init__(f"bind refused with command_status 0x{status:08x}")
        self.status = status


class Session(asyncio.Protocol):
    """on_deliver: awaited before the OK of each deliver_sm. on_late: (part_id, answer) for a request given up on."""

    def __init__(self, on_deliver: OnDeliver, on_late: OnLate) -> None:
        self._on_deliver = on_deliver
        self._on_late = on_late
        self._transport: asyncio.Transport | None = None
        self._buffer = bytearray()
        self._sequence = 0
        #: sequence_number → (command_id, part_id or "", future); a cancelled future: its answer would be late
        self._pending: dict[int, tuple[int, str, asyncio.Future[Response]]] = {}
        self._handlers: set[asyncio.Task[None]] = set()
        self._writable = asyncio.Event()
        self._writable.set()
        self._heard_at = 0.0
        self._ending = False
        self._bad = 0
        self.lost: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    # asyncio.Protocol -------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        for _, _, answer in self._pending.values():
            if not answer.done():
                answer.set_exception(LinkLost(repr(exc) if exc else "closed by the other side"))
        self._pending.clear()
        self._writable.set()  # whoever waits for room sees that the link is gone
        if not self.lost.done():
            self.lost.set_result(repr(exc) if exc else "closed")

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    def data_received(self, data: bytes) -> None:
        self._heard_at = asyncio.get_running_loop().time()
        self._buffer += data
        start, buffered = 0, len(self._buffer)
        while buffered - start >= pdu.HEADER.size:
            length, command_id, status, sequence = pdu.HEADER.unpack_from(self._buffer, start)
            if not pdu.HEADER.size <= length <= pdu.MAX_LENGTH:
                self._refuse("framing_lost", command_length=length)
                self.abort()
                return
            if buffered - start < length:
                break
            self._dispatch(command_id, status, sequence, bytes(self._buffer[start : start + length]))
            start += length
        del self._buffer[:start]

    # what the transport uses ------------------------------------------------------------------------------------

    @property
    def alive(self) -> bool:
        return self._transport is not None and not self._transport.is_closing() and not self.lost.done()

    @property
    def takes_requests(self) -> bool:
        """Alive, and not about to be left."""
        return self.alive and not self._ending

    @property
    def outstanding(self) -> list[asyncio.Future[Response]]:
        """The requests that somebody still waits for."""
        return [answer for _, _, answer in self._pending.values() if not answer.done()]

    @property
    def is_writable(self) -> bool:
        """Whether the socket takes more."""
        return self._writable.is_set()

    async def writable(self) -> None:
        """Returns when the socket takes more, or when the link is lost."""
        await self._writable.wait()

    def request(self, build: Callable[[int], bytes], part_id: str = "") -> asyncio.Future[Response] | None:
        """Hand one request to the socket. build: sequence_number → octets, whose errors leave nothing written.

        None: the link is gone and nothing was written. Otherwise the octets may have left, whatever happens next; the
        future brings the answer or LinkLost. Cancel it to give up waiting: its answer then goes to on_late.
        """
        return None if self._ending else self._request(build, part_id)

    def _request(self, build: Callable[[int], bytes], part_id: str) -> asyncio.Future[Response] | None:
        sequence = self._sequence % 0x7FFFFFFF + 1  # §5.1.4: 1 to 0x7FFFFFFF
        octets = build(sequence)
        if not self.alive:
            return None
        assert self._transport is not None
        self._sequence = sequence
        answer: asyncio.Future[Response] = asyncio.get_running_loop().create_future()
        self._pending[sequence] = (pdu.command_id(octets), part_id, answer)
        self._transport.write(octets)
        if len(self._pending) > MAX_OVERDUE:
            self._forget_oldest_overdue()
        return answer

    async def bind(self, system_id: str, password: str, system_type: str, timeout: float) -> None:
        """Bind as transceiver. Raises NotBound, LinkLost, TimeoutError."""
        status, _ = await self._ask(
            lambda sequence: pdu.bind_transceiver(sequence, system_id, password, system_type), timeout
        )
        # ESME_RALYBND is a refusal too: the SMSC holds an earlier session, and answers each submit of this one with no.
        if status != pdu.OK:
            raise NotBound(status)

    async def keep_alive(self, interval: float, timeout: float) -> None:
        """Ask for a sign of life whenever the link was silent for `interval` seconds; abort it when none comes within
        `timeout` seconds (§2.9: the inactivity and response timers). Runs until the link is lost."""
        clock = asyncio.get_running_loop().time
        while self.alive:
            silent = clock() - self._heard_at
            if silent < interval:
                await asyncio.wait({self.lost}, timeout=interval - silent)
                continue
            try:
                await self._ask(lambda sequence: pdu.header_only(pdu.ENQUIRE_LINK, 0, sequence), timeout)
            except LinkLost:
                return
            except TimeoutError:
                if clock() - self._heard_at >= interval:  # other traffic is a sign of life too
                    log.warning("smpp.link_silent", seconds=round(clock() - self._heard_at, 1))
                    self.abort()
                    return

    async def unbind(self, timeout: float) -> None:
        """Wait for outstanding answers and running handlers, unbind, disconnect; each at most `timeout` seconds."""
        self._ending = True
        waiting: set[asyncio.Future[Response] | asyncio.Task[None]] = {*self.outstanding, *self._handlers}
        if waiting and self.alive:
            await asyncio.wait(waiting, timeout=timeout)
        with contextlib.suppress(LinkLost, TimeoutError):
            await self._ask(lambda sequence: pdu.header_only(pdu.UNBIND, 0, sequence), timeout)
        if self._transport is not None:
            self._transport.close()
        await asyncio.wait({self.lost}, timeout=timeout)
        self.abort()
        for task in self._handlers:
            task.cancel()

    def retire(self, timeout: float) -> None:
        """The SMSC does not take us for bound: take no more requests, wait for outstanding answers, disconnect."""
        if not self._ending:
            self._ending = True
            self._spawn(self._after_answers(timeout))

    async def _after_answers(self, timeout: float) -> None:
        if waiting := self.outstanding:
            await asyncio.wait(waiting, timeout=timeout)
        self.abort()

    def abort(self) -> None:
        """Cut the link now."""
        if self._transport is not None:
            self._transport.abort()

    # inside -----------------------------------------------------------------------------------------------------

    async def _ask(self, build: Callable[[int], bytes], timeout: float) -> Response:
        answer = self._request(build, "")
        if answer is None:
            raise LinkLost("not connected")
        async with asyncio.timeout(timeout):
            return await answer

    def _dispatch(self, command_id: int, status: int, sequence: int, octets: bytes) -> None:
        if command_id & pdu.RESPONSE:
            self._answered(command_id, sequence, (status, octets[pdu.HEADER.size :]))
        elif command_id == pdu.DELIVER_SM:
            self._deliver(sequence, octets)
        elif command_id == pdu.ENQUIRE_LINK:
            self._write(pdu.header_only(command_id | pdu.RESPONSE, pdu.OK, sequence))
        elif command_id == pdu.UNBIND:
            log.info("smpp.unbound_by_smsc")
            self._write(pdu.header_only(command_id | pdu.RESPONSE, pdu.OK, sequence))
            if self._transport is not None:
                self._transport.close()
        else:
            self._refuse("unexpected_command", command_id=hex(command_id))
            self._write(pdu.header_only(pdu.GENERIC_NACK, pdu.INVALID_COMMAND_ID, sequence))

    def _answered(self, command_id: int, sequence: int, response: Response) -> None:
        asked, part_id, answer = self._pending.get(sequence, (0, "", None))
        if answer is None:
            return self._refuse("stray_answer", command_id=hex(command_id), status=response[0], sequence=sequence)
        refused = command_id == pdu.GENERIC_NACK and response[0] != pdu.OK
        if command_id != asked | pdu.RESPONSE and not refused:
            return self._refuse("wrong_answer", command_id=hex(command_id), status=response[0], sequence=sequence)
        del self._pending[sequence]
        self._bad = 0
        if not answer.done():
            answer.set_result(response)
        elif part_id:
            self._spawn(self._on_late(part_id, response))
        return None

    def _refuse(self, reason: str, **about: object) -> None:
        BAD.labels(reason).inc()
        log.warning(f"smpp.{reason}", **about)
        self._bad += 1
        if self._bad == MAX_BAD:
            log.error("smpp.too_much_nonsense", pdus=MAX_BAD)
            self.retire(_PATIENCE)

    def _deliver(self, sequence: int, octets: bytes) -> None:
        try:
            message = pdu.parse_deliver_sm(octets)
        except (smpp34.SmppError, ValueError, IndexError) as problem:
            # A repetition would be as unreadable, so the SMSC is told not to.
            self._refuse("unreadable_deliver_sm", problem=str(problem)[:200], octets=len(octets))
            self._write(pdu.deliver_sm_resp(pdu.PERMANENT_APP_ERROR, sequence))
            return
        if len(self._handlers) >= MAX_HANDLING:
            # Nothing is wrong with it: we are slow, or our broker is away. The link stays.
            BAD.labels("too_many_at_once").inc()
            log.warning("smpp.too_many_at_once", handling=len(self._handlers))
            self._write(pdu.deliver_sm_resp(pdu.TEMPORARY_APP_ERROR, sequence))
            return
        self._bad = 0
        self._spawn(self._handle(sequence, message))

    async def _handle(self, sequence: int, message: DeliveryReceipt | InboundSms) -> None:
        try:
            await self._on_deliver(message)
        except Exception:
            log.exception("smpp.handler_failed", kind=type(message).__name__)
            self._write(pdu.deliver_sm_resp(pdu.TEMPORARY_APP_ERROR, sequence))
        else:
            self._write(pdu.deliver_sm_resp(pdu.OK, sequence))

    def _spawn(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._handlers.add(task)
        task.add_done_callback(self._reap)

    def _reap(self, task: asyncio.Future[None]) -> None:
        self._handlers.discard(cast("asyncio.Task[None]", task))
        if not task.cancelled() and (problem := task.exception()) is not None:
            log.error("smpp.late_answer_handler_failed", exc_info=problem)

    def _write(self, octets: bytes) -> None:
        if self.alive and self._transport is not None:
            if self._transport.get_write_buffer_size() > MAX_UNREAD:
                self._refuse("does_not_read", octets=self._transport.get_write_buffer_size())
                self.abort()
                return
            self._transport.write(octets)

    def _forget_oldest_overdue(self) -> None:
        overdue = next((sequence for sequence, (_, _, answer) in self._pending.items() if answer.done()), None)
        if overdue is not None:
            del self._pending[overdue]
