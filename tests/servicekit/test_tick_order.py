"""Tick N comes after every record accepted before it, on every topic, across epochs, restarts and batches of any size.

Facts on the first topic; a first processor tells of some of them on the second, and passes the ticks on; a second one
reads both topics. Each process ends at any moment: what was not written or not sent is gone.
"""

import random
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from aiokafka import TopicPartition

from contracts.boss import Balance, ClockTicked
from contracts.registry import TICK
from harness.one_processor import NOON
from harness.seeds import seeds
from servicekit.aligned_processor import AlignedProcessor, _number
from servicekit.app import App, HandlerEntry
from servicekit.clock import iso
from servicekit.decision import Context, Decision, Invalid, OutgoingEvent
from servicekit.envelope import Message, encode_data, write_headers
from servicekit.memory_store import MemoryStore
from servicekit.pipeline import StreamProcessor
from servicekit.timers import _read

FACT, TOLD = "kam.boss.balance.changed.v1", "kam.alert.raised.v1"
FACTS, TOLDS = TopicPartition("boss.events", 0), TopicPartition("alert.events", 0)
SECOND = timedelta(seconds=1)


def is_told(number: int) -> bool:
    return number % 3 == 0


def tell(state: int | None, fact: Balance, ctx: Context) -> Decision:
    """The first processor: every third fact is told of; it changes nothing by some of the others."""
    number = fact.balance_fen
    if is_told(number):
        told = OutgoingEvent(TOLD, Balance(customer_id="c1", at=NOON, balance_fen=number), topic="alert.events")
        return Decision(number, (told,))
    return Decision(state, timer_at=ctx.now + 2 * SECOND if number % 3 == 1 else None)


def wake_first(state: int, ctx: Context) -> Decision:
    return Decision(state)


class Seen(msgspec.Struct, frozen=True):
    """The last fact and the last that was told of."""

    fact: int = 0
    told: int = 0


def see(state: Seen | None, data: Balance, ctx: Context) -> Decision:
    state, number = state or Seen(), data.balance_fen
    assert number > (state.fact if ctx.type == FACT else state.told), "in order, and once"
    seen = Seen(number, state.told) if ctx.type == FACT else Seen(state.fact, number)
    return Decision(seen, timer_at=ctx.now)


class World:
    """Both topics with what was written to them, and both processors as they stand."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.logs: dict[TopicPartition, list[Message]] = {FACTS: [], TOLDS: []}
        self.facts = self.ticks = self.epoch = 0
        self.wakes = 0
        self.stores = MemoryStore(), MemoryStore()
        handlers = {FACT: HandlerEntry(Balance, tell)}
        self.first_app = App(
            name="first", service="first", state=int, handlers=handlers, on_timer=wake_first,
            clock_topics=("boss.events",), forward_clock_to="alert.events", partitions=1,
        )  # fmt: skip
        self.second_app = App(
            name="second", service="second", state=Seen, on_timer=self.wake_second, partitions=1,
            handlers={FACT: HandlerEntry(Balance, see), TOLD: HandlerEntry(Balance, see)},
            clock_topics=("boss.events", "alert.events"),
        )  # fmt: skip

    def wake_second(self, state: Seen, ctx: Context) -> Decision:
        before = round((ctx.now - NOON) / SECOND)
        expected = max((n for n in range(before + 1) if is_told(n)), default=0)
        assert state.fact >= before, f"ran ahead of fact {before}: {state}"
        assert state.told >= expected, f"ran ahead of what fact {expected} caused: {state}"
        assert state.told <= max(state.fact, 0), f"sees the effect of a fact it has not handled: {state}"
        self.wakes += 1
        return Decision(state)

    # --- what happens -------------------------------------------------------------------------------------------

    async def open_first(self) -> None:
        """The process starts (again): what was committed and not sent is sent again."""
        self.first = StreamProcessor(self.first_app, 0, [FACTS], self.stores[0], None)
        await self.first.open()
        self.first_at = self.stores[0].position.offsets.get("boss.events/0", 0)

    async def open_second(self) -> None:
        self.second = AlignedProcessor(self.second_app, 0, [FACTS, TOLDS], self.stores[1], None)
        await self.second.open()
        offsets = self.stores[1].position.offsets
        self.second_at = {tp: offsets.get(f"{tp.topic}/0", 0) for tp in (FACTS, TOLDS)}

    async def accept(self) -> None:
        """Facts, and mostly a tick behind them; now and then billing-sync has lost its store."""
        for _ in range(self.dice.randint(0, 3)):
            self.facts += 1
            fact = Balance(customer_id="c1", at=NOON, balance_fen=self.facts)
            self._write(FACTS, "c1", FACT, fact, f"intake.0.{self.epoch}:{self.facts}")
        if self.dice.random() < 0.05:
            self.epoch, self.ticks = self.epoch + 1, 0
        if self.dice.random() < 0.8:
            self.ticks += 1
            clock = NOON + self.facts * SECOND
            self._write(FACTS, "clock", TICK, ClockTicked(clock=clock, number=self.ticks, epoch=self.epoch), None)

    async def first_reads(self) -> None:
        records = self.logs[FACTS][self.first_at : self.first_at + self.dice.choice([1, 2, 5, 100])]
        self.first_at += len(records)
        await self.first.process({FACTS: records} if records else {})

    async def first_sends(self) -> None:
        waiting = self.first.relay._waiting
        for _ in range(self.dice.randint(0, len(waiting))):
            number, message = waiting.popleft()
            record = _record(TOLDS, len(self.logs[TOLDS]), message.key, message.value, message.headers)
            self.logs[TOLDS].append(record)
            if self.dice.random() < 0.9:  # else it will be sent again after a restart
                await self.stores[0].sent(number)

    async def second_reads(self) -> None:
        batch = {}
        for tp in self._some([FACTS, TOLDS]) or [TOLDS]:
            if tp not in self.second.set_aside():  # a paused partition
                batch[tp] = self.logs[tp][self.second_at[tp] : self.second_at[tp] + self.dice.choice([1, 3, 100])]
                self.second_at[tp] += len(batch[tp])
        await self.second.process({tp: records for tp, records in batch.items() if records})

    async def settle(self) -> None:
        """Everything there is gets read and sent."""
        while self.first_at < len(self.logs[FACTS]) or self.first.relay.pending or self._unread():
            await self.first_reads()
            await self.first_sends()
            await self.second_reads()

    def _unread(self) -> bool:
        return bool(self.second.set_aside()) or any(self.second_at[tp] < len(self.logs[tp]) for tp in (FACTS, TOLDS))

    def _some(self, queue: list[Any]) -> list[Any]:
        return self.dice.sample(queue, self.dice.randint(0, len(queue)))

    def _write(self, tp: TopicPartition, key: str, type_: str, data: Any, sequence: str | None) -> None:
        headers = write_headers(
            id=f"{tp.topic}-{len(self.logs[tp])}", type=type_, source="test", subject=key, time=iso(NOON),
            correlation_id="x", sequence=sequence, clock=iso(NOON),
        )  # fmt: skip
        self.logs[tp].append(_record(tp, len(self.logs[tp]), key.encode(), encode_data(data), headers))


def _record(tp: TopicPartition, offset: int, key: bytes | None, value: bytes | None, headers: Sequence[Any]) -> Message:
    return Message(tp.topic, tp.partition, offset, key, dict(headers), value)


@pytest.mark.parametrize("seed", seeds(8, 25))
async def test_a_tick_comes_after_every_record_before_it(seed: int) -> None:
    world = World(seed)
    await world.open_first()
    await world.open_second()
    doing = {
        world.accept: 8, world.first_reads: 6, world.first_sends: 6, world.second_reads: 8, world.open_first: 1,
        world.open_second: 1,
    }  # fmt: skip
    for _ in range(300):
        await world.dice.choices(list(doing), list(doing.values()))[0]()
    world.ticks += 1
    clock = ClockTicked(clock=NOON + world.facts * SECOND, number=world.ticks, epoch=world.epoch)
    world._write(FACTS, "clock", TICK, clock, None)
    await world.settle()
    state = msgspec.msgpack.decode(world.stores[1].states["c1"], type=Seen)
    assert state == Seen(world.facts, world.facts - world.facts % 3) and world.wakes > 20
    assert world.second.position.marks["ticked"] == world.first.position.marks["ticked"]
    assert await world.stores[1].next_due() is None, "all that was due has woken"


@pytest.mark.parametrize("body", [b'{"\xff": 1}', b'{"epoch": "\xff"}', b"[" * 100_000])
def test_a_tick_that_is_no_text_stops_nobody(body: bytes) -> None:
    message = Message("boss.events", 0, 0, b"", {"ce_type": TICK.encode()}, body)
    assert _number(message) is None
    with pytest.raises(Invalid):
        _read(message, believed=lambda clock: clock)
