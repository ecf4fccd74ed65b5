"""Delivery receipts of the simulated SMSC: when they are due, what they say, and their repetition until answered."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable
from datetime import UTC, datetime

import smpp34
import structlog

from .smsc_faults import Chance, Faults
from .smsc_links import Link, Links
from .smsc_log import Accepted, AcceptedLog

log = structlog.get_logger()

#: deliver_sm without an answer at once, over all links
WINDOW = 32
#: seconds until an unanswered deliver_sm counts as lost
ANSWER_TIMEOUT = 5.0
#: after so many unanswered attempts the SMSC gives a receipt up
MAX_ATTEMPTS = 100
_FINAL_REFUSALS = (0x65, 0x66)  # ESME_RX_P_APPN, ESME_RX_R_APPN: do not repeat (§5.1.3)
_RECEIPT, _STATES = 0x04, {"DELIVRD": 2, "UNDELIV": 5}  # esm_class §5.2.12, message_state §5.2.28
_RECEIPTED_MESSAGE_ID, _MESSAGE_STATE, _USER_MESSAGE_REFERENCE = 0x001E, 0x0427, 0x0204  # §5.3.2
_CHINA = 8 * 3600


class Receipts:
    """Runs until cancelled (see run). settings is read anew for every receipt."""

    def __init__(self, links: Links, accepted: AcceptedLog, chance: Chance, settings: Callable[[], Faults]) -> None:
        self._links, self._log, self._chance, self._settings = links, accepted, chance, settings
        self._due: list[tuple[float, int, int, Accepted]] = []  # (when, number, attempt, message)
        self._added = asyncio.Event()
        self._window = asyncio.Semaphore(WINDOW)
        self._sending: set[asyncio.Task[None]] = set()
        self.running = asyncio.Event()  # cleared while paused
        self.running.set()

    @property
    def waiting(self) -> int:
        """Receipts not yet taken by an ESME."""
        return len(self._due) + len(self._sending)

    def expect(self, message: Accepted) -> None:
        """The message has been accepted; its receipt follows in due time."""
        delay = self._chance.delay(message.message_id, self._settings().receipt_delay_ms)
        self._push(message, delay, attempt=1)

    async def run(self) -> None:
        clock = asyncio.get_running_loop().time
        try:
            while True:
                await self.running.wait()
                await self._links.receiver_bound.wait()
                if not self._due or self._due[0][0] > clock():
                    self._added.clear()
                    try:
                        async with asyncio.timeout(self._due[0][0] - clock() if self._due else None):
                            await self._added.wait()
                    except TimeoutError:
                        pass
                    continue
                _, _, attempt, message = heapq.heappop(self._due)
                await self._window.acquire()
                task = asyncio.create_task(self._send(message, attempt))
                self._sending.add(task)
                task.add_done_callback(self._sending.discard)
        finally:
            for task in self._sending:
                task.cancel()

    def _push(self, message: Accepted, delay: float, attempt: int) -> None:
        heapq.heappush(self._due, (asyncio.get_running_loop().time() + delay, message.number, attempt, message))
        self._added.set()

    async def _send(self, message: Accepted, attempt: int) -> None:
        try:
            links = self._links.receivers(message.system_id)
            if not links:
                self._push(message, 0.05, attempt)
                return
            status = await _deliver(links[-1], message, self._settings().receipt_echo_reference)
            if status == 0:
                if attempt > 0:
                    self._log.settled(message.message_id)
                for copy in range(self._settings().receipt_repeat if attempt > 0 else 0):
                    self._push(message, 0.02 * (copy + 1), attempt=-1)  # a copy is not repeated when unanswered
            elif attempt > 0 and (status in _FINAL_REFUSALS or attempt >= MAX_ATTEMPTS):
                self._log.settled(message.message_id)
                log.warning("smsc.receipt_given_up", message_id=message.message_id, status=status, attempts=attempt)
            elif attempt > 0:
                self._push(message, min(0.2 * 2 ** min(attempt, 6), 10.0), attempt + 1)
        finally:
            self._window.release()


async def _deliver(link: Link, message: Accepted, echo: bool) -> int | None:
    """Send one receipt; the command_status of the answer, None without one."""
    state = message.fate
    submitted = datetime.fromisoformat(message.accepted_at).timestamp() + _CHINA
    done = datetime.now(UTC).timestamp() + _CHINA
    dates = [datetime.fromtimestamp(moment, UTC).strftime("%y%m%d%H%M") for moment in (submitted, done)]
    delivered, error = ("001", "000") if state == "DELIVRD" else ("000", "011")
    text = (
        f"id:{message.message_id} sub:001 dlvrd:{delivered} submit date:{dates[0]} done date:{dates[1]} "
        f"stat:{state} err:{error} text:{message.text[:20].encode('ascii', 'replace').decode()}"
    )
    tlvs = [
        smpp34.Tlv(_RECEIPTED_MESSAGE_ID, message.message_id.encode() + b"\0"),
        smpp34.Tlv(_MESSAGE_STATE, bytes([_STATES[state]])),
    ]
    if echo and message.reference is not None:
        tlvs.append(smpp34.Tlv(_USER_MESSAGE_REFERENCE, message.reference.to_bytes(2, "big")))
    return await deliver(link, message.source, message.destination, text.encode(), esm_class=_RECEIPT, tlvs=tlvs)


async def deliver(
    link: Link,
    destination: str,
    source: str,
    octets: bytes,
    *,
    esm_class: int = 0,
    data_coding: int = 0,
    tlvs: list[smpp34.Tlv] | None = None,
) -> int | None:
    """One deliver_sm to an ESME; the command_status of its answer, None when the link or the patience ended first."""
    sending = asyncio.ensure_future(
        link.esme.result().deliver_sm(
            destination,
            octets,
            source_addr=source,
            source_addr_ton=1,
            source_addr_npi=1,
            dest_addr_npi=1,
            esm_class=esm_class,
            data_coding=data_coding,
            tlvs=tlvs or [],
        )
    )
    # The engine does not always notice that the session ends under it.
    both: set[asyncio.Future[smpp34.DeliverSmResp] | asyncio.Future[None]] = {sending, link.gone}
    await asyncio.wait(both, timeout=ANSWER_TIMEOUT, return_when=asyncio.FIRST_COMPLETED)
    if not sending.done():
        sending.cancel()
        return None
    try:
        return sending.result().command_status
    except smpp34.SmppError:
        return None
