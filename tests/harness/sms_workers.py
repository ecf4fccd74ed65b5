"""Workers of alerts' notifications: each has partitions, a folder and an SMSC link of its own. They share a log, and
their database is away.
"""

import asyncio
from collections import defaultdict
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from alerts import notifications
from alerts.notifications.answers import KeptAnswers
from alerts.notifications.blocked import Blocked
from alerts.notifications.budget import Ledger, own_share
from alerts.notifications.channel.channels import Channels
from alerts.notifications.composition import TOPICS, take_effects
from alerts.notifications.lookup import Lookup
from alerts.notifications.processor import NotificationsProcessor
from alerts.notifications.receipts import Receipts
from alerts.notifications.send_policy import SendPolicy
from alerts.notifications.sender import Sender
from alerts.notifications.state import Notification
from harness.notifications_feed import BOOK
from harness.one_processor import NOON, OneProcessor
from harness.sms_life import QUICK, FakeSmsc, complain
from servicekit.clock import local_date
from servicekit.envelope import Headers, Message, OutgoingMessage
from servicekit.kafka import partition_of
from servicekit.memory_store import MemoryDocuments
from servicekit.rocksdb_store import LocalStore
from servicekit.store import Transient

PARTITIONS = 4


class Log:
    """What was published, by topic and partition."""

    def __init__(self) -> None:
        self.records: dict[tuple[str, int], list[Message]] = defaultdict(list)

    async def append(self, topic: str, partition: int, key: Any, value: Any, headers: Headers) -> None:
        records = self.records[topic, partition]
        records.append(Message(topic, partition, len(records), key, dict(headers), value))

    async def publish(self, messages: list[OutgoingMessage]) -> None:
        """As a relay does."""
        for m in messages:
            await self.append(m.topic, m.partition, m.key, m.value, m.headers)

    def told(self, customer: str) -> list[str]:
        """What sms.outbound says of a customer's message: ``state reason``."""
        mine = self.records["sms.outbound", partition_of(customer, PARTITIONS)]
        said = [msgspec.json.decode(record.body or b"") for record in mine]
        return [" ".join(filter(None, (s["state"], s["reason"]))) for s in said if s["customer_id"] == customer]


class AwayRows(MemoryDocuments):
    """A database that is away. ``asked``: how often it was asked all the same."""

    asked = 0

    async def find(self, *_: Any, **__: Any) -> Any:
        self.asked += 1
        raise Transient("away")

    get = count = forget = find


class Worker:
    """``async with`` runs it over ``folder``, from where the last one left it."""

    def __init__(self, log: Log, owned: tuple[int, ...], folder: Path, smsc: FakeSmsc) -> None:
        self.log, self.owned, self.smsc = log, owned, smsc
        self.blocked = Blocked()
        self.rows = AwayRows()
        policy = SendPolicy(QUICK, list(BOOK.templates.values()), blocked=self.blocked.__contains__)
        messages = Lookup(self.processors)
        self.receipts = Receipts(log.append, messages, self.rows, lambda: QUICK, PARTITIONS, owned=owned)
        self.heard = asyncio.Event()
        self.heard.set()
        self.ledger = Ledger(lambda: policy.policy, lambda: local_date(NOON), own_share(PARTITIONS, owned))
        self.sender = Sender(
            Channels({"smpp": smsc}),
            self.receipts,
            self.of,
            messages,
            policy,
            kept=KeptAnswers(None),
            heard=self.heard.wait,  # type: ignore[arg-type]
            ledger=self.ledger,
        )
        app = notifications.app(policy, self._effects, PARTITIONS)
        make = partial(
            NotificationsProcessor,
            receipts=self.receipts,
            blocked=self.blocked,
            claim=self.sender.claim,
            in_turn=self.sender.in_turn,
            ledger=self.ledger,
        )
        self.desks = {
            n: OneProcessor(app, *TOPICS, store=LocalStore(folder / str(n)), make=make, ordinal=n) for n in owned
        }

    async def __aenter__(self) -> "Worker":
        for desk in self.desks.values():
            desk.producer = self.log  # type: ignore[assignment]
            await desk.open()
            for place, offset in desk.processor.position.offsets.items():
                desk._offsets[place.rpartition("/")[0]] = offset
        self._running = [asyncio.create_task(desk.processor.run(None)) for desk in self.desks.values()]
        self._running.append(asyncio.create_task(self.sender.run()))
        return self

    async def __aexit__(self, *_: object) -> None:
        self._running[-1].cancel()
        await asyncio.gather(self._running[-1], return_exceptions=True)
        for desk in self.desks.values():
            desk.processor.stop()
        await asyncio.gather(*self._running, return_exceptions=True)

    def of(self, customer: str) -> Any:
        desk = self.desks.get(partition_of(customer, PARTITIONS))
        return None if desk is None else desk.processor

    def processors(self) -> list[Any]:
        return [desk.processor for desk in self.desks.values()]

    async def complain(self, customer: str) -> None:
        """A customer of this worker complains, and a tick comes by."""
        await complain(self.desks[partition_of(customer, PARTITIONS)], customer)

    async def read(self) -> int:
        """Read what is new on sms.receipts; how much it was."""
        new = 0
        for n, desk in self.desks.items():
            offset = desk.processor.position.offsets.get(f"sms.receipts/{n}", 0)
            records = self.log.records["sms.receipts", n][offset:]
            await desk.take(*records)
            new += len(records)
        return new

    async def message(self, customer: str) -> Notification | None:
        """The unsettled message of a customer, None where there is none."""
        processor = self.of(customer)
        raw = (await processor.store.load([customer]))[customer]
        return next(iter(processor.committer.decode_state(raw).messages.values()), None)

    async def _effects(self, effects: list[Any]) -> None:
        await take_effects(self.sender, self.blocked, self.ledger, effects)


def customers_of(owned: tuple[int, ...]) -> list[str]:
    """Some customers whose partitions these are."""
    return [name for name in (f"c{n}" for n in range(1, 200)) if partition_of(name, PARTITIONS) in owned]
