"""What comes back from the SMSC: delivery receipts find their message, TD is told to everyone; both go into the log.

The SMSC gets its OK only when the event is durable (``publish`` is awaited); what happens then is for the handlers.

Several processes may share an account, and the SMSC gives a receipt to any of them. One that belongs to no message of
this process goes round the other partitions: each looks among its own messages (``of_partition``) and hands it on. One
that none of them knows is of the only message without an answer.
"""

import asyncio
import contextlib
import unicodedata
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Iterator
from datetime import datetime, timedelta
from time import monotonic
from typing import Any

import msgspec
import structlog
from msgspec import Struct
from msgspec.structs import replace
from prometheus_client import Counter

from alerts.notifications.channel.channels import HTTP
from alerts.notifications.channel.transport import DeliveryReceipt, InboundSms
from alerts.notifications.lookup import Lookup, submitted_to
from alerts.notifications.matching import Found, SmsDocument, Submitted, found_only, match, unanswered
from alerts.notifications.send_policy import SmsPolicy
from alerts.notifications.sending import Intent
from alerts.notifications.state import hidden, local_number
from contracts.alert import OptedIn, OptedOut, ReceiptReceived
from servicekit import telemetry
from servicekit.clock import SystemClock, iso, system_now
from servicekit.envelope import Headers, OutgoingMessage, encode_data, write_headers
from servicekit.ids import derive
from servicekit.kafka import partition_of
from servicekit.personal import mask_number
from servicekit.pipeline import StreamProcessor
from servicekit.store import Documents

log = structlog.get_logger()
RECEIPTS = Counter("kam_sms_receipts_total", "Delivery receipts, by how their message was found", ["found"])
OPT_OUTS = Counter("kam_sms_opt_outs_total", "Subscribers who answered TD")
OPT_INS = Counter("kam_sms_opt_ins_total", "Subscribers who asked for SMS again")

TOPIC = "sms.receipts"
RECEIPT = "kam.sms.receipt.received.v1"
OPTED_OUT, OPTED_IN = "kam.sms.subscriber.opted_out.v1", "kam.sms.subscriber.opted_in.v1"
_REMEMBERED = 50_000
_PATIENCE = 5.0  # seconds a receipt waits for answers to its number that are on their way
_DATABASE_SECONDS = 1.0  # that the database has to answer; one that does not is left alone for a while
_LEFT_ALONE_SECONDS = 10.0

_TOGETHER_SECONDS = 0.02  # that one waits for others, which are published with it

Publish = Callable[[str, int, bytes, bytes, Headers], Awaitable[Any]]


class PublishedTogether:
    """A ``Publish`` that sends what comes within some milliseconds in one go: a batch for each would cost the broker
    and its readers as much as one for all. ``publish`` returns when all is durable; its error is everybody's.
    """

    def __init__(self, publish: Callable[[list[OutgoingMessage]], Awaitable[None]]) -> None:
        self._publish = publish
        self._waiting: list[OutgoingMessage] = []
        self._round: asyncio.Task[None] | None = None

    async def __call__(self, topic: str, partition: int, key: bytes, value: bytes, headers: Headers) -> None:
        self._waiting.append(OutgoingMessage(topic, partition, key, value, headers))
        self._round = self._round or asyncio.create_task(self._go())
        await asyncio.shield(self._round)  # the others' handlers wait for it too

    async def _go(self) -> None:
        await asyncio.sleep(_TOGETHER_SECONDS)
        messages, self._waiting, self._round = self._waiting, [], None
        await self._publish(messages)


class OnItsWay:
    """A message that is being submitted: when its answers are here, and when they are written."""

    def __init__(self) -> None:
        self.answered, self.written = asyncio.Event(), asyncio.Event()


class Receipts:
    """Callbacks of the transport. ``publish(topic, partition, key, value, headers)`` returns when it is durable.

    ``messages``: those of the ``owned`` partitions; ``rows``: documents, asked only for what is settled already;
    ``policy`` gives the one in force. ``clock`` is business time, at which the events stand beside others; their
    payload says system time.
    """

    def __init__(
        self,
        publish: Publish,
        messages: Lookup,
        rows: Documents,
        policy: Callable[[], SmsPolicy],
        partitions: int,
        *,
        owned: Iterable[int] | None = None,
        clock: Callable[[], datetime] = system_now,
        system_clock: SystemClock = system_now,
    ) -> None:
        self._publish, self._messages, self._rows, self._policy_now = publish, messages, rows, policy
        self._partitions, self._clock, self._system_clock = partitions, clock, system_clock
        mine = range(partitions) if owned is None else set(owned)
        self._elsewhere = tuple(n for n in range(partitions) if n not in mine)
        self._known: dict[tuple[str | None, str], tuple[str, Found]] = {}
        self._expected: dict[str, set[OnItsWay]] = defaultdict(set)
        self._left_alone_until = 0.0

    @property
    def _policy(self) -> SmsPolicy:
        return self._policy_now()

    # --- what the sender tells --------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def expecting(self, intent: Intent) -> Iterator[OnItsWay]:
        """While a message is on its way, receipts of its number wait for its answers."""
        number, on_its_way = local_number(intent.phone), OnItsWay()
        self._expected[number].add(on_its_way)
        try:
            yield on_its_way
        finally:
            on_its_way.answered.set()
            on_its_way.written.set()
            self._expected[number].discard(on_its_way)
            if not self._expected[number]:
                del self._expected[number]

    def remember(self, id_: str, intent: Intent, part: int) -> None:
        """A part was accepted under this id."""
        found = Found("memory", intent.customer_id, intent.sms_id, part, intent.event, intent.correlation)
        self._known[intent.channel or None, id_] = (local_number(intent.phone), found)
        if len(self._known) > _REMEMBERED:
            del self._known[next(iter(self._known))]

    # --- what the SMSC tells ----------------------------------------------------------------------------------------

    async def on_receipt(self, receipt: DeliveryReceipt) -> None:
        """Publish a receipt with the message it belongs to; one that belongs to none is published all the same."""
        # Behind the SMSC's answer, also where it is known whose it is: that the message was submitted is told first.
        await self._wait_for(receipt.destination, "written")
        found = self._remembered(receipt)
        waiting: list[Submitted] = []
        if found is None:
            found, waiting = await self._look_up(receipt)
        elsewhere = self._elsewhere if found is None else ()
        telemetry.of(RECEIPTS, "elsewhere" if elsewhere else "none" if found is None else found.how).inc()
        if found is None:
            log.warning(
                "receipt.unmatched" if not elsewhere else "receipt.of_another_process",
                message_id=receipt.message_id,
                destination=mask_number(receipt.destination),
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
            to_ask=elsewhere,
            unanswered=_by_id(waiting) if elsewhere else {},
            channel=receipt.channel,
        )
        named = receipt.message_id if receipt.channel != HTTP else f"{HTTP}/{receipt.message_id}"
        id_ = derive("receipt", named, receipt.destination, receipt.state, receipt.done_at)
        key = found.customer_id if found else hidden(receipt.destination)
        partition = elsewhere[0] if elsewhere else partition_of(key, self._partitions)
        correlation, causation = (found.correlation, found.event) if found else (id_, None)
        await self._send(RECEIPT, partition, key, id_, event, correlation, causation)

    async def on_inbound(self, inbound: InboundSms) -> None:
        """TD blocks the number, whoever has it, 订阅 opens it again: every partition is told. Any other text is nothing
        to us."""
        text = unicodedata.normalize("NFKC", inbound.text).strip().upper()  # Chinese keyboards write ＴＤ too
        wants = text in self._policy.opt_in
        if not wants and text not in self._policy.opt_out:
            log.info("sms.inbound_ignored", source=mask_number(inbound.source))
            return
        phone = self._policy.e164(inbound.source)
        if phone is None:
            log.warning("opt_out.of_no_number", source=mask_number(inbound.source))
            return
        (OPT_INS if wants else OPT_OUTS).inc()
        made, now = OptedIn if wants else OptedOut, self._system_clock()
        # What is told again is the same word again, whatever was said meanwhile.
        at = now if inbound.at is None else min(inbound.at, now)
        event = made(phone=phone, text=inbound.text.strip(), received_at=at, word=inbound.word)
        type_, key = OPTED_IN if wants else OPTED_OUT, hidden(phone)
        id_ = derive("opted-in" if wants else "opted-out", key, phone, inbound.word or iso(event.received_at))
        everywhere = range(self._partitions)
        await asyncio.gather(*(self._send(type_, n, key, id_, event, id_, None) for n in everywhere))

    # --- finding ----------------------------------------------------------------------------------------------------

    async def of_partition(self, processor: StreamProcessor, event: ReceiptReceived) -> ReceiptReceived:
        """A receipt that goes round, with its message where that is one of this processor's customers, or with those of
        them that have no answer."""
        receipt = DeliveryReceipt(
            event.message_id, event.state, event.reference, event.phone, "", None, "", event.channel
        )
        found = self._remembered(receipt)
        if found is None:
            # Not until they are written: that is for this very processor to do.
            await self._wait_for(receipt.destination, "answered")
            found = self._remembered(receipt)
        if found is None:
            here = await submitted_to(processor, receipt.destination)
            found = match(receipt, here, *self._recent(receipt))
            if found is None and (waiting := unanswered(receipt, here, *self._recent(receipt))):
                return replace(event, unanswered=event.unanswered | _by_id(waiting))
        if found is None or partition_of(found.customer_id, self._partitions) != processor.ordinal:
            return event
        RECEIPTS.labels(found.how).inc()
        return replace(event, sms_id=found.sms_id, part=found.part, customer_id=found.customer_id)

    def _remembered(self, receipt: DeliveryReceipt) -> Found | None:
        number, found = self._known.get((receipt.channel, receipt.message_id), ("", None))
        return found if number == local_number(receipt.destination) else None

    async def _wait_for(self, destination: str, what: str) -> None:
        if not (expected := self._expected.get(local_number(destination))):
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_PATIENCE):
                for message in list(expected):
                    await getattr(message, what).wait()

    async def _look_up(self, receipt: DeliveryReceipt) -> tuple[Found | None, list[Submitted]]:
        """Among what is not settled here; else with what the documents say, where settled messages are too. Where it is
        not found, what has no answer here: the only one is meant where there is nobody else to ask."""
        here = await self._messages.submitted_to(receipt.destination)
        if found := match(receipt, here, *self._recent(receipt)):
            return found, []
        documents = await self._documents(receipt)
        known: dict[str, Submitted] = {m.sms_id: m for m in documents} | {m.sms_id: m for m in here}
        if found := match(receipt, known.values(), *self._recent(receipt)):
            return found, []
        waiting = unanswered(receipt, known.values(), *self._recent(receipt))
        if not self._elsewhere and len(waiting) == 1:
            return found_only(waiting[0]), []
        return None, [m for m in waiting if partition_of(m.customer_id, self._partitions) not in self._elsewhere]

    def _recent(self, receipt: DeliveryReceipt) -> tuple[str, datetime]:
        return self._phone(receipt), self._oldest()

    async def _documents(self, receipt: DeliveryReceipt) -> list[SmsDocument]:
        """What the database says, where it answers at once."""
        if monotonic() < self._left_alone_until:
            return []
        wheres: list[dict[str, Any]] = [
            {"phone": self._phone(receipt), "submitted_at": {"$gte": iso(self._oldest())}},
            {"parts.message_id": receipt.message_id},
        ]
        try:
            async with asyncio.timeout(_DATABASE_SECONDS):
                found = [row for where in wheres for row in await self._rows.find("sms", where)]
            return msgspec.convert(found, list[SmsDocument])
        except Exception as error:
            self._left_alone_until = monotonic() + _LEFT_ALONE_SECONDS
            log.warning("receipts.without_database", error=repr(error)[:200])
            return []

    def _phone(self, receipt: DeliveryReceipt) -> str:
        return self._policy.e164(receipt.destination) or receipt.destination

    def _oldest(self) -> datetime:
        return self._system_clock() - timedelta(hours=self._policy.receipt_hours)

    async def _send(
        self, type_: str, partition: int, key: str, id_: str, event: Struct, correlation: str, causation: str | None
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
        await self._publish(TOPIC, partition, key.encode(), encode_data(event), headers)


def _by_id(messages: Iterable[Submitted]) -> dict[str, str]:
    """sms_id -> customer_id."""
    return {message.sms_id: message.customer_id for message in messages}
