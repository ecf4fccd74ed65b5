"""The simulated SMSC: smpp34.Server speaks SMPP 3.4, this decides what to accept and keeps the books.

Every accepted submit is on the disk before its answer leaves; many are synced together.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import smpp34
import structlog
from aiosmpplib.codec import find_codec_info

from .smsc_faults import Chance, Faults
from .smsc_links import Links, free_port
from .smsc_log import Accepted, AcceptedLog
from .smsc_receipts import Receipts, deliver

log = structlog.get_logger()

BATCH = 500
_BAD_DESTINATION, _THROTTLED = 0x0B, 0x58  # §5.1.3 ESME_RINVDSTADR, ESME_RTHROTTLED
_UDH_INDICATOR = 0x40
_USER_MESSAGE_REFERENCE = 0x0204  # §5.3.2.17
#: Not the codec of the project's own client, so that a wrong table on one side shows.
_GSM = find_codec_info("gsm0338")


@dataclass(frozen=True, slots=True)
class SmscSettings:
    """port 0 takes a free one (see SmscSimulator.port). system_id or password "" lets everybody bind."""

    log_path: Path
    host: str = "127.0.0.1"
    port: int = 0
    system_id: str = ""
    password: str = field(default="", repr=False)
    seed: int = 1


class SmscSimulator:
    """`await start()`, use, `await stop()`. A second one on the same log goes on where the first ended."""

    def __init__(self, settings: SmscSettings, faults: Faults | None = None) -> None:
        engine_port = free_port()
        self._settings = settings
        self._faults = faults or Faults()
        self._server = smpp34.Server("127.0.0.1", engine_port, system_id="KAM-SMSC", inbound_capacity=4096)
        self._links = Links(settings.host, settings.port, engine_port, settings.system_id, settings.password)
        self._log = AcceptedLog(settings.log_path)
        self._chance = Chance(settings.seed)
        self._receipts = Receipts(self._links, self._log, self._chance, lambda: self._faults)
        self._submits: asyncio.Queue[smpp34.SubmitSmEvent] = asyncio.Queue()
        self._tasks: list[asyncio.Task[None]] = []
        self._held = 0
        self._service_number = "10086"

    async def start(self) -> None:
        await self._server.start()
        for message in self._log.unsettled:
            self._receipts.expect(message)
        self._tasks = [asyncio.create_task(work) for work in (self._listen(), self._judge(), self._receipts.run())]
        for task in self._tasks:
            task.add_done_callback(self._ended)
        await self._links.start()
        log.info("smsc.listening", port=self.port, accepted=self._log.count, receipts=self._receipts.waiting)

    async def stop(self) -> None:
        await self._links.stop()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.stop()
        self._log.close()

    @property
    def working(self) -> bool:
        """False before start, after stop, and when it had to give up (the log can't be written)."""
        return bool(self._tasks) and not any(task.done() for task in self._tasks)

    @property
    def waiting(self) -> int:
        """Submits that have arrived and are not decided on (while paused)."""
        return self._submits.qsize() + self._held

    @property
    def port(self) -> int:
        return self._links.port

    @property
    def faults(self) -> Faults:
        return self._faults

    @property
    def state(self) -> dict[str, int]:
        """accepted: since the log began; bound: ESMEs now; receipts_waiting: not yet taken by an ESME."""
        return {
            "accepted": self._log.count,
            "bound": len(self._links.by_session),
            "receipts_waiting": self._receipts.waiting,
        }

    def change(self, faults: Faults) -> None:
        """New settings from the next submit on; the "every" counters begin anew."""
        self._faults = faults
        self._chance.reset()
        (self._receipts.running.clear if faults.pause else self._receipts.running.set)()

    def drop_links(self) -> int:
        """Cut all links; how many there were."""
        return self._links.cut_all()

    def messages(self, destination: str | None = None, limit: int = 1_000) -> list[Accepted]:
        return self._log.messages(destination, limit)

    async def inbound(self, source: str, text: str, destination: str | None = None) -> int | None:
        """A customer's message to the newest bound ESME; its command_status, None when there is none or no answer."""
        links = self._links.receivers()
        if not links:
            return None
        try:
            octets, coding = _GSM.encode(text)[0], 0
        except UnicodeEncodeError:
            octets, coding = text.encode("utf-16-be"), 8
        return await deliver(links[-1], destination or self._service_number, source, octets, data_coding=coding)

    # inside -----------------------------------------------------------------------------------------------------

    def _ended(self, task: asyncio.Task[None]) -> None:
        """A simulator that can't keep its books must not look alive."""
        if not task.cancelled() and (problem := task.exception()) is not None:
            log.error("smsc.broken", exc_info=problem)
            self._links.refuse_all()

    async def _listen(self) -> None:
        while True:
            event = await self._server.next()
            if isinstance(event, smpp34.Esme):
                self._links.bound(event)
            elif isinstance(event, smpp34.SubmitSmEvent):
                self._submits.put_nowait(event)
            else:
                self._links.unbound(event.session_id)

    async def _judge(self) -> None:
        while True:
            batch = [await self._submits.get()]
            self._held = 1
            await self._receipts.running.wait()  # while paused, what arrives waits here
            self._held = 0
            while len(batch) < BATCH and not self._submits.empty():
                batch.append(self._submits.get_nowait())
            taken = [decision for event in batch if (decision := self._take_or_refuse(event)) is not None]
            if taken:
                await asyncio.to_thread(self._log.append, [decision.record for decision in taken])
            for decision in taken:
                self._answer(decision)

    def _take_or_refuse(self, event: smpp34.SubmitSmEvent) -> _Taken | None:
        faults, chance = self._faults, self._chance
        chance.next_submit()
        if chance.submit(faults.drop_link_every):
            log.info("smsc.link_dropped", session=event.session_id, accepted=False)
            self._links.cut(event.session_id)
            return None
        if event.destination_addr.startswith(tuple(faults.refuse_prefixes)):
            event.reject(_BAD_DESTINATION)
            return None
        too_fast = chance.too_fast(faults.throttle_above_per_s, asyncio.get_running_loop().time())
        if too_fast or chance.submit(faults.throttle_every):
            event.reject(_THROTTLED)
            return None
        chance.next_accepted()
        self._log.count += 1
        self._service_number = event.source_addr
        record = self._record(event, self._log.count)
        return _Taken(event, record, cut=chance.accepted(faults.drop_before_answer_every))

    def _answer(self, taken: _Taken) -> None:
        if taken.record.fate not in ("LOST", "NONE"):
            self._receipts.expect(taken.record)
        if taken.cut:
            log.info("smsc.link_dropped", session=taken.event.session_id, accepted=True)
            self._links.cut(taken.event.session_id)
        else:
            taken.event.accept(taken.record.message_id)

    def _record(self, event: smpp34.SubmitSmEvent, number: int) -> Accepted:
        encoding, concat, text = decode(event.short_message, event.esm_class, event.data_coding)
        reference = next((tlv.value for tlv in event.tlvs if tlv.tag == _USER_MESSAGE_REFERENCE), None)
        return Accepted(
            message_id=f"{self._settings.seed % 0x1000:03x}{number:08x}",
            number=number,
            system_id=self._links.account(event.session_id),
            reference=int.from_bytes(reference, "big") if reference else None,
            source=event.source_addr,
            destination=event.destination_addr,
            encoding=encoding,
            concat=concat,
            text=text,
            fate=self._fate(event),
            accepted_at=datetime.now(UTC).isoformat(timespec="milliseconds"),
        )

    def _fate(self, event: smpp34.SubmitSmEvent) -> str:
        if not event.registered_delivery & 1:
            return "NONE"
        if self._chance.accepted(self._faults.receipt_lose_every):
            return "LOST"
        return "UNDELIV" if self._chance.accepted(self._faults.deliver_fail_every) else "DELIVRD"


@dataclass(frozen=True, slots=True)
class _Taken:
    """An accepted submit; cut: its link is to be cut instead of answered."""

    event: smpp34.SubmitSmEvent
    record: Accepted
    cut: bool


def decode(octets: bytes, esm_class: int, data_coding: int) -> tuple[str, tuple[int, int, int] | None, str]:
    """(encoding, concatenation header, text) of a short_message, as a handset would read it (see Accepted)."""
    concat = None
    if esm_class & _UDH_INDICATOR and octets:
        header, octets = octets[1 : 1 + octets[0]], octets[1 + octets[0] :]
        if header[:2] == b"\x00\x03" and len(header) == 5:  # TS 23.040 §9.2.3.24.1, 8-bit reference
            concat = (header[2], header[3], header[4])
    try:
        if data_coding == 0:
            return "gsm7", concat, _GSM.decode(octets)[0]
        if data_coding == 8:
            return "ucs2", concat, octets.decode("utf-16-be")
    except UnicodeError:
        log.warning("smsc.undecodable", data_coding=data_coding, octets=len(octets))
    return f"dcs-{data_coding}", concat, octets.hex()
