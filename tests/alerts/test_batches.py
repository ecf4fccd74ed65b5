"""Ticks of a batch are one leap where nobody is due between them, and come to what single messages come to."""

import random
from collections.abc import Iterator
from typing import Any

import pytest
from aiokafka import TopicPartition

from alerts import detection, notifications
from contracts.boss import ClockTicked
from contracts.registry import TICK
from fuzz.fuzz_customers import Customer, Year
from harness.detection_feed import RULES
from harness.notifications_feed import BOOK
from harness.seeds import seeds
from servicekit.aligned_processor import AlignedProcessor
from servicekit.clock import iso
from servicekit.decision import Context
from servicekit.envelope import Message, OutgoingMessage, encode_data, write_headers
from servicekit.memory_store import MemoryStore
from servicekit.pipeline import StreamProcessor

pytestmark = pytest.mark.parametrize("seed", seeds(2, 6, first=9))
BOSS, ALERTS = TopicPartition("boss.events", 0), TopicPartition("alert.events", 0)


class Heard:
    """What the customers of a history hear of BOSS and managers, and the ticks between, as records of boss.events."""

    def __init__(self, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
        self.records: list[Message] = []
        self._ticks = 0
        hear, tick = Customer._hear, Customer.tick

        def heard(who: Customer, type_: str, data: dict[str, Any], context: Context) -> list[str]:
            self._add(who, type_, data, context)
            return hear(who, type_, data, context)

        def ticked(who: Customer, when: str | None = None) -> list[str]:
            told = tick(who, when)
            self._ticks += 1
            clock = self.clock = max(self.clock, who.now)
            headers = write_headers(
                id=f"tick-{self._ticks}", type=TICK, source="test", subject="clock", time=iso(clock),
                correlation_id="tick",
            )  # fmt: skip
            self._put(b"clock", encode_data(ClockTicked(clock=clock, number=self._ticks)), headers)
            return told

        year = Year(seed)
        self.clock = year.customers[0].now
        monkeypatch.setattr(Customer, "_hear", heard)
        monkeypatch.setattr(Customer, "tick", ticked)
        year.run()
        monkeypatch.undo()

    def _add(self, who: Customer, type_: str, data: dict[str, Any], context: Context) -> None:
        if not type_.startswith("kam.boss."):
            return
        self.clock = max(self.clock, who.now)
        headers = write_headers(
            id=context.id,
            type=type_,
            source="test",
            subject=who.customer_id,
            time=context.time,
            correlation_id=context.correlation,
            sequence=f"intake.0.e:{len(self.records) + 1}",
            clock=iso(self.clock),
            revision=context.revision,
            owner_revision=context.owner_revision,
        )
        self._put(who.customer_id.encode(), encode_data(data), headers)

    def _put(self, key: bytes, body: bytes, headers: Any) -> None:
        self.records.append(_record(BOSS, len(self.records), key, body, headers))


def _record(tp: TopicPartition, offset: int, key: bytes | None, body: bytes | None, headers: Any) -> Message:
    return Message(tp.topic, tp.partition, offset, key, dict(headers), body)


class Published:
    """What a processor lets out, in order; ``commits`` of its store."""

    def __init__(self, processor: StreamProcessor) -> None:
        self.messages: list[OutgoingMessage] = []
        self.commits = 0
        processor.relay.offer = lambda rows: self.messages.extend(message for _, message in rows)  # type: ignore[method-assign]
        commit = processor.store.commit

        async def counted(batch: Any) -> None:
            self.commits += 1
            await commit(batch)

        processor.store.commit = counted  # type: ignore[method-assign]

    def told(self, ticks: bool = True) -> list[Any]:
        """Everything with ids, causes, clocks and bodies; the numbers of sequences alone may differ."""
        return [_but_sequence(m) for m in self.messages if ticks or not _is_tick(m)]

    def records(self) -> list[Message]:
        return [_record(ALERTS, n, m.key, m.value, m.headers) for n, m in enumerate(self.messages)]


def _is_tick(message: Message | OutgoingMessage) -> bool:
    return dict(message.headers)["ce_type"] == TICK.encode()


def _sizes(dice: random.Random, most: int) -> Iterator[int]:
    while True:
        yield dice.randint(1, most)


def _rounds(records: list[Message]) -> list[list[Message]]:
    """Up to and with each tick, and the rest."""
    rounds: list[list[Message]] = [[]]
    for record in records:
        rounds[-1].append(record)
        if _is_tick(record):
            rounds.append([])
    return rounds


def _joined(rounds: list[list[Message]]) -> list[Message]:
    return [record for records in rounds for record in records]


async def _detected(records: list[Message], sizes: Iterator[int]) -> tuple[Published, MemoryStore]:
    store = MemoryStore()
    processor = StreamProcessor(detection.app(RULES), 0, [BOSS], store, None)
    published = Published(processor)
    await processor.open()
    left = list(records)
    while left:
        size = next(sizes)
        await processor.process({BOSS: left[:size]})
        del left[:size]
    return published, store


async def test_detection_finds_the_same_in_batches_of_any_size(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    records = Heard(seed, monkeypatch).records
    alone, alone_store = await _detected(records, iter(lambda: 1, 0))
    for sizes in (_sizes(random.Random(seed), 40), iter(lambda: len(records), 0)):
        many, store = await _detected(records, sizes)
        assert many.told(ticks=False) == alone.told(ticks=False) != []
        assert (store.states, store.wakes) == (alone_store.states, alone_store.wakes)
        assert _order(many.messages) <= _order(alone.messages)
    assert many.commits == 1
    assert sum(map(_is_tick, many.messages)) < sum(map(_is_tick, alone.messages))
    assert many.told()[-1] == alone.told()[-1], "the last tick is always passed on"


def _but_sequence(message: OutgoingMessage) -> Any:
    headers = [(name, value) for name, value in message.headers if name != "ce_sequence"]
    return message.topic, message.key, message.value, headers


def _order(messages: list[OutgoingMessage]) -> set[tuple[bytes | None, str]]:
    """Each event with the tick that it stands behind: what a reader of two topics is held back by."""
    found, tick = set(), None
    for message in messages:
        if _is_tick(message):
            tick = message.value
        else:
            found.add((tick, dict(message.headers)["ce_id"].decode()))
    return found


async def _notified(batches: list[dict[TopicPartition, list[Message]]]) -> tuple[Published, MemoryStore]:
    store = MemoryStore()
    processor = AlignedProcessor(notifications.app(BOOK), 0, [BOSS, ALERTS], store, None)
    published = Published(processor)
    await processor.open()
    for batch in batches:
        await processor.process({tp: records for tp, records in batch.items() if records})
    return published, store


async def test_notifications_decide_the_same_in_batches_of_any_size(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    records = Heard(seed, monkeypatch).records
    published, _ = await _detected(records, iter(lambda: 1, 0))
    facts, alerts = _rounds(records), _rounds(published.records())
    assert len(facts) == len(alerts)
    rounds = [half for pair in zip(facts, alerts, strict=True) for half in zip((BOSS, ALERTS), pair, strict=True)]
    single = [{tp: [record]} for tp, half in rounds for record in half]
    alone, alone_store = await _notified(single)
    dice = random.Random(seed)
    for most in (7, len(facts)):
        batches, at = [], 0
        while at < len(facts):
            size = dice.randint(1, most) if most < len(facts) else most
            batches.append({BOSS: _joined(facts[at : at + size]), ALERTS: _joined(alerts[at : at + size])})
            at += size
        many, store = await _notified(batches)
        assert many.told() == alone.told() != []
        assert store.states == alone_store.states and store.documents == alone_store.documents
    assert many.commits == 1
