"""What comes back from the SMSC: delivery receipts find their message, TD finds its customers; both go into the log.

The SMSC gets its OK only when the event is durable (``send_and_wait``); what happens then is for the handlers.
"""

import asyncio
import contextlib
import hashlib
import unicodedata
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator
from datetime import datetime, timedelta
from time import monotonic
from typing import Any

import structlog
from msgspec import Struct
from prometheus_client import Counter

from alerts.notifications.channel import message_id
from alerts.notifications.channel.transport import DeliveryReceipt, InboundSms
from alerts.notifications.send_policy import SmsPolicy
from alerts.notifications.sending import Intent
from contracts.alert import OptedOut, ReceiptReceived
from servicekit.clock import SystemClock, iso, system_now
from servicekit.envelope import Headers, encode_data, write_headers
from servicekit.ids import derive
from servicekit.kafka import partition_of
from servicekit.store import Documents
from servicekit.words import mask_number

log = structlog.get_logger()
RECEIPTS = Counter("kam_sms_receipts_total", "Delivery receipts, by how their message was found", ["found"])
OPT_OUTS = Counter("kam_sms_opt_outs_total", "Subscribers who answered TD")

TOPIC = "sms.receipts"
_RECEIPT, _OPTED_OUT = "kam.sms.receipt.received.v1", "kam.sms.subscriber.opted_out.v1"
_REMEMBERED = 50_000
_PATIENCE = 5.0  # seconds a receipt waits for answers to its number that are on their way
_LOOK_AGAIN = 0.25  # seconds between looks for an answer that another process awaits
_LOCAL = 11  # digits of a number that the SMSC writes with or without country code

Publish = Callable[[str, int, bytes, bytes, Headers], Awaitable[Any]]


class Found(Struct, frozen=True):
    """The message a receipt belongs to; ``part`` None: one of those without an answer."""

    how: str
    customer_id: str
    sms_id: str
    part: int | None
    event: str
    correlation: str


class Receipts:
    """Callbacks of the transport. ``publish(topic, partition, key, value, headers)`` returns when it is durable.

    ``clock`` is business time, at which the events stand beside others; their payload says system time.
    """

    def __init__(
        self,
        publish: Publish,
        rows: Documents,
        policy: SmsPolicy,
        partitions: int,
        *,
        clock: Callable[[], datetime] = system_now,
        system_clock: SystemClock = system_now,
    ) -> None:
        self._publish, self._rows, self._policy = publish, rows, policy
        self._partitions, self._clock, self._system_clock = partitions, clock, system_clock
        self._known: dict[str, tuple[str, Found]] = {}
        self._expected: dict[str, set[asyncio.Future[None]]] = defaultdict(set)

    # --- what the sender tells --------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def expecting(self, intent: Intent) -> Iterator[None]:
        """While a message is on its way, receipts of its number wait for its answers."""
        number = _local(intent.phone)
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._expected[number].add(done)
        try:
            yield
        finally:
            done.set_result(None)
            self._expected[number].discard(done)
            if not self._expected[number]:
                del self._expected[number]

    def remember(self, id_: str, intent: Intent, part: int) -> None:
        """A part was accepted under this id."""
        found = Found("memory", intent.customer_id, intent.sms_id, part, intent.event, intent.correlation)
        self._known[id_] = (_local(intent.phone), found)
        if len(self._known) > _REMEMBERED:
            del self._known[next(iter(self._known))]

    # --- what the SMSC tells ----------------------------------------------------------------------------------------

    async def on_receipt(self, receipt: DeliveryReceipt) -> None:
        """Publish a receipt with the message it belongs to; one that belongs to none is published all the same."""
        found = self._remembered(receipt)
        if found is None:
            await self._answers_of(receipt.destination)
            found = self._remembered(receipt) or await self._look_up_patiently(receipt)
        RECEIPTS.labels("none" if found is None else found.how).inc()
        if found is None:
            log.warning(
                "receipt.unmatched", message_id=receipt.message_id, destination=mask_number(receipt.destination)
            )
        event = ReceiptReceived(
            sms_id=found.sms_id if found else None,
            part=found.part if found else None,
            customer_id=found.customer_id if found else None,
            message_id=receipt.message_id,
            reference=receipt.reference,
            phone=receipt.destination,
            state=receipt.state,
            error=receipt.error,
            received_at=self._system_clock(),
        )
        id_ = derive("receipt", receipt.message_id, receipt.destination, receipt.state, receipt.done_at)
        key = found.customer_id if found else _hidden(receipt.destination)
        await self._send(_RECEIPT, key, id_, event, found.correlation if found else id_, found.event if found else None)

    async def on_inbound(self, inbound: InboundSms) -> None:
        """TD blocks the number for each customer who has it; any other text is nothing to us."""
        text = unicodedata.normalize("NFKC", inbound.text).strip().upper()  # Chinese keyboards write ＴＤ too
        if text not in self._policy.opt_out:
            log.info("sms.inbound_ignored", source=mask_number(inbound.source))
            return
        phone = self._policy.e164(inbound.source)
        if phone is None:
            log.warning("opt_out.of_no_number", source=mask_number(inbound.source))
            return
        OPT_OUTS.inc()
        event = OptedOut(phone=phone, text=inbound.text.strip(), received_at=self._system_clock())
        customers = [row["customer_id"] for row in await self._rows.find("contacts", {"phone": phone})]
        for key in customers or [_hidden(phone)]:
            id_ = derive("opted-out", key, phone, iso(event.received_at))
            await self._send(_OPTED_OUT, key, id_, event, id_, None)

    # --- finding ----------------------------------------------------------------------------------------------------

    def _remembered(self, receipt: DeliveryReceipt) -> Found | None:
        number, found = self._known.get(receipt.message_id, ("", None))
        return found if number == _local(receipt.destination) else None

    async def _answers_of(self, destination: str) -> None:
        if expected := self._expected.get(_local(destination)):
            await asyncio.wait(set(expected), timeout=_PATIENCE)

    async def _look_up_patiently(self, receipt: DeliveryReceipt) -> Found | None:
        """Another process may have submitted it: its answer is in the rows a moment after the SMSC gave it."""
        until = monotonic() + _PATIENCE
        while True:
            found = await self._look_up(receipt)
            if found is not None or monotonic() >= until or not await self._is_on_its_way(receipt):
                return found
            await asyncio.sleep(_LOOK_AGAIN)

    async def _is_on_its_way(self, receipt: DeliveryReceipt) -> bool:
        phone = self._policy.e164(receipt.destination) or receipt.destination
        return await self._rows.count("sms", {"phone": phone, "state": "sending"}) > 0

    async def _look_up(self, receipt: DeliveryReceipt) -> Found | None:
        """By message id; else, among the latest messages to that number, by our reference, by an id written
        differently, or the only one without an answer."""
        if receipt.message_id:
            for row in await self._rows.find("sms", {"parts.message_id": receipt.message_id}, sort="-submitted_at"):
                if row["phone"] is not None and _local(row["phone"]) == _local(receipt.destination):
                    return _found("id", row, lambda p: p["message_id"] == receipt.message_id)
        phone = self._policy.e164(receipt.destination) or receipt.destination
        oldest = iso(self._system_clock() - timedelta(hours=self._policy.receipt_hours))
        rows = await self._rows.find("sms", {"phone": phone, "submitted_at": {"$gte": oldest}}, sort="-submitted_at")
        ways: dict[str, Callable[[dict[str, Any]], bool]] = {
            "reference": lambda p: p["state"] != "queued" and p["reference"] == receipt.reference,
            "similar_id": lambda p: message_id.is_same(p["message_id"], receipt.message_id),
        }
        for how, is_it in ways.items():
            for row in rows:
                if any(map(is_it, row["parts"])):
                    return _found(how, row, is_it)
        rows = [row for row in rows if any(map(_has_no_answer, row["parts"]))]
        return _found("only", rows[0], None) if receipt.reference is None and len(rows) == 1 else None

    async def _send(
        self, type_: str, key: str, id_: str, event: Struct, correlation: str, causation: str | None
    ) -> None:
        headers = write_headers(
            id=id_,
            type=type_,
            source="kam/alerts",
            subject=key,
            time=iso(self._clock()),
            correlation_id=correlation,
            causation_id=causation,
        )
        await self._publish(TOPIC, partition_of(key, self._partitions), key.encode(), encode_data(event), headers)


def _found(how: str, row: dict[str, Any], is_it: Callable[[dict[str, Any]], bool] | None) -> Found:
    part = None if is_it is None else next(p["number"] for p in row["parts"] if is_it(p))
    return Found(how, row["customer_id"], row["sms_id"], part, row["event"], row["correlation"])


def _has_no_answer(part: dict[str, Any]) -> bool:
    return part["state"] in ("sending", "unknown", "sent") and part["message_id"] is None


def _local(phone: str) -> str:
    return phone[-_LOCAL:]


def _hidden(phone: str) -> str:
    """A key that does not show the number."""
    return hashlib.sha256(phone.encode()).hexdigest()[:16]
