"""One processor of an app without servers: hand it records and commands in batches, look at what it committed."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import msgspec
from aiokafka import TopicPartition

from contracts.boss import ClockTicked
from contracts.registry import EVENTS, TICK
from servicekit.app import App
from servicekit.clock import iso
from servicekit.envelope import Message, OutgoingMessage, command, encode_data, parse_time, write_headers
from servicekit.memory_store import MemoryDocuments, MemoryStore
from servicekit.pipeline import StreamProcessor

NOON = parse_time("2026-07-01T04:00:00+00:00")


class FakeProducer:
    """A broker that answers at once; ``fails`` so many calls fail before."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, int | None, bytes | None]] = []
        self.fails: list[Exception] = []

    async def publish(self, messages: list[OutgoingMessage]) -> None:
        if self.fails:
            raise self.fails.pop(0)
        self.sent += [(m.topic, m.partition, m.value) for m in messages]


class OneProcessor:
    """A processor over ``topics``, partition ``ordinal`` of each, over a memory store. Offsets count up."""

    def __init__(
        self,
        app: App,
        *topics: str,
        store: Any = None,
        make: Any = StreamProcessor,
        ordinal: int = 0,
        **processor: Any,
    ) -> None:
        self.app, self.topics = app, topics or ("boss.events",)
        self.store: Any = store or MemoryStore()
        self.rows = MemoryDocuments(self.store)
        self.producer = FakeProducer()
        self._make, self._options, self.ordinal = make, processor, ordinal
        self._offsets: dict[str, int] = defaultdict(int)

    async def open(self) -> "OneProcessor":
        """Take the store over, as a new process does."""
        inputs = [TopicPartition(t, self.ordinal) for t in self.topics]
        self.processor: StreamProcessor = self._make(
            self.app, self.ordinal, inputs, self.store, self.producer, **self._options
        )
        await self.processor.open()
        return self

    def record(self, topic: str, type_: str, data: Any, *, key: str = "c1", **about: Any) -> Message:
        """A record as Kafka hands it over; ``data`` is a payload, or the bytes of its body."""
        offset = self._offsets[topic]
        self._offsets[topic] += 1
        clock = iso(about.get("clock", NOON))
        headers = write_headers(
            id=about.get("id", f"{topic}-{offset}"),
            type=type_,
            source="test",
            subject=key,
            time=iso(about["time"]) if "time" in about else clock,
            correlation_id=about.get("correlation", f"file:{topic}#{offset}"),
            sequence=about.get("sequence"),
            clock=clock,
        )
        headers += about.get("headers", [])
        body = data if isinstance(data, bytes) else encode_data(data)
        return Message(topic, self.ordinal, offset, key.encode(), dict(headers), body)

    def tick(self, topic: str, number: int, clock: Any, epoch: int = 0) -> Message:
        return self.record(topic, TICK, ClockTicked(clock=clock, number=number, epoch=epoch), key="clock", clock=clock)

    async def take(self, *records: Message, commands: Sequence[tuple[str, str, Any]] = ()) -> list[Any]:
        """One batch; the answers of its commands (or the errors they were refused with)."""
        batch: dict[TopicPartition, list[Message]] = {}
        for record in records:
            batch.setdefault(TopicPartition(record.topic, record.partition), []).append(record)
        loop = asyncio.get_running_loop()
        orders = [(command(t, k, d, id=f"command-{t}-{k}"), loop.create_future()) for t, k, d in commands]
        await self.processor.process(batch, orders)
        return await asyncio.gather(*(future for _, future in orders), return_exceptions=True)

    async def events(self, topic: str | None = None) -> list[tuple[str, Any]]:
        """(type, payload) of everything in the outbox, in order; dead letters and ticks by their own type."""
        found = []
        for message in await self.outbox():
            if topic in (None, message.topic):
                found.append((header(message, "ce_type"), _payload(message)))
        return found

    async def outbox(self) -> list[OutgoingMessage]:
        return [message for _, message in await self.store.outbox(0, 10_000)]


def header(message: OutgoingMessage, name: str) -> str:
    """A header as text, empty where absent."""
    return dict(message.headers).get(name, b"").decode()


def _payload(message: OutgoingMessage) -> Any:
    type_ = header(message, "ce_type")
    if message.topic.endswith(".dlq") or type_ not in EVENTS:
        return message.value
    return msgspec.json.decode(message.value or b"", type=EVENTS[type_].payload)
