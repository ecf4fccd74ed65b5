"""A transport that writes messages to a file instead of sending them: for development and dry runs.

One JSON object a line: {"kind": "accepted", message_id, part_id, reference, destination, encoding, concat, text, at},
and {"kind": "receipt", message_id} once the receipt of it has been handled.
"""

from __future__ import annotations

import asyncio
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

import msgspec
import structlog

from .transport import (
    DeliveryReceipt,
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


class FileTransport:
    """See transport.Transport. Every part is ACCEPTED once its line is on the disk; a DELIVRD receipt follows at once.
    What the disk does not take is UNKNOWN: some of it may be there.

    Receipts that were not handled when the process ended are given again after the next start.
    """

    def __init__(self, path: Path, retry_delay: float = 0.5) -> None:
        self._path = path
        self._retry_delay = retry_delay
        self._file: BinaryIO | None = None
        self._lock = asyncio.Lock()
        self._count = 0
        self._on_receipt: OnReceipt = _not_started
        self._receipts: set[asyncio.Task[None]] = set()

    async def start(
        self, on_receipt: OnReceipt, on_inbound: OnInbound, on_late_answer: OnLateAnswer | None = None
    ) -> None:
        self._on_receipt = on_receipt
        pending = await asyncio.to_thread(self._open)
        for receipt in pending:
            self._deliver(receipt)

    @property
    def connected(self) -> bool:
        return self._file is not None

    @property
    def down_since(self) -> float | None:
        return None  # until it is open nothing is asked of it

    @property
    def is_ready(self) -> bool:
        return self._file is not None

    async def ready(self) -> None:
        if self._file is None:
            raise TransportClosed

    async def submit(self, part: SubmitRequest, permit: Permit | None = None) -> SubmitResult:
        async with self._lock:
            if self._file is None:
                return SubmitResult(part.part_id, SubmitOutcome.NOT_WRITTEN, None, None, "not open")
            while permit is not None and not permit.is_valid():
                if not await permit.renew():
                    return SubmitResult(part.part_id, SubmitOutcome.NOT_WRITTEN, None, None, "waited too long")
            self._count += 1
            message_id = f"file-{self._count}"
            at = datetime.now(UTC).isoformat(timespec="milliseconds")
            line = {
                "kind": "accepted", "message_id": message_id, "part_id": part.part_id, "reference": part.reference,
                "destination": part.destination, "encoding": part.encoding, "concat": part.concat, "text": part.text,
                "at": at,
            }  # fmt: skip
            try:
                await asyncio.to_thread(_append, self._file, line)
            except OSError as error:
                log.error("sms_file.not_written", path=str(self._path), part_id=part.part_id, error=repr(error))
                return SubmitResult(part.part_id, SubmitOutcome.UNKNOWN, None, None, type(error).__name__)
        self._deliver(_receipt(line))
        return SubmitResult(part.part_id, SubmitOutcome.ACCEPTED, message_id, 0, "written to the file")

    async def close(self) -> None:
        if self._receipts:
            await asyncio.wait(self._receipts, timeout=5)
        for task in self._receipts:
            task.cancel()
        async with self._lock:
            if self._file is not None:
                self._file.close()
                self._file = None

    def _open(self) -> list[DeliveryReceipt]:
        """Open for appending, cut off a line torn by a crash, and return the receipts that were not handled."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        file = self._path.open("a+b")
        file.seek(0)
        pending: dict[str, DeliveryReceipt] = {}
        whole = 0
        for raw in file:
            if not raw.endswith(b"\n"):
                break
            whole += len(raw)
            try:
                line = msgspec.json.decode(raw)
                if line["kind"] == "accepted":
                    self._count += 1
                    pending[line["message_id"]] = _receipt(line)
                else:
                    pending.pop(line["message_id"], None)
            except (msgspec.MsgspecError, KeyError, TypeError, ValueError) as error:
                log.error("sms_file.unreadable_line", path=str(self._path), octets=whole, error=repr(error)[:200])
        file.truncate(whole)
        self._file = file
        return list(pending.values())

    def _deliver(self, receipt: DeliveryReceipt) -> None:
        task = asyncio.create_task(self._until_handled(receipt))
        self._receipts.add(task)
        task.add_done_callback(self._receipts.discard)

    async def _until_handled(self, receipt: DeliveryReceipt) -> None:
        while True:
            try:
                await self._on_receipt(receipt)
                break
            except Exception:
                log.exception("sms_file.handler_failed", message_id=receipt.message_id)
                await asyncio.sleep(self._retry_delay)
        async with self._lock:
            if self._file is not None:
                await asyncio.to_thread(_append, self._file, {"kind": "receipt", "message_id": receipt.message_id})


async def _not_started(receipt: DeliveryReceipt) -> None:
    raise TransportClosed


def _append(file: BinaryIO, line: dict[str, object]) -> None:
    file.write(msgspec.json.encode(line) + b"\n")
    file.flush()
    os.fsync(file.fileno())


def _receipt(line: dict[str, object]) -> DeliveryReceipt:
    message_id, at = str(line["message_id"]), datetime.fromisoformat(str(line["at"]))
    return DeliveryReceipt(
        message_id=message_id,
        state="DELIVRD",
        reference=int(str(line["reference"])),
        destination=str(line["destination"]),
        error="000",
        done_at=f"{at:%y%m%d%H%M}",
        text=f"id:{message_id} stat:DELIVRD err:000",
    )
