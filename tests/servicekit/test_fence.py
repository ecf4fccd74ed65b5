"""A process that was paused and comes back after another took its partitions: it writes nothing, and what it sends
again is known to consumers.

The pause may come between any two steps of its work: before and after each load, commit, batch on its way to the broker
and answer on its way back. Meanwhile another process takes the processor over and does the rest.
"""

import asyncio
import random
from typing import Any

import msgspec
import pytest
from aiokafka import TopicPartition

from contracts.boss import Balance
from contracts.misc import CustomerChanged
from harness.broker_stub import Broker, Gate
from harness.one_processor import NOON, OneProcessor
from harness.seeds import seeds
from harness.waiting import eventually
from servicekit import relay as relay_module
from servicekit.app import App, HandlerEntry
from servicekit.decision import Context, Decision, DocumentWrite, OutgoingEvent, Refused
from servicekit.envelope import Message, command
from servicekit.kafka import Publisher
from servicekit.memory_store import MemoryStore
from servicekit.pipeline import StreamProcessor
from servicekit.store import Fenced, Store

PAID, CHANGED = "kam.boss.balance.changed.v1", "kam.customer.changed.v1"
FEED, OUT = "boss.events", "customer.events"
INPUT = TopicPartition(FEED, 0)


class Sum(msgspec.Struct, frozen=True):
    """What was added up."""

    total: int = 0


def on_paid(state: Sum | None, paid: Balance, context: Context) -> Decision:
    total = (state or Sum()).total + paid.balance_fen
    changed = CustomerChanged(
        customer_id=paid.customer_id, revision=total, archive="active", city=None, manager_id=None, changes=()
    )
    events = tuple(OutgoingEvent(CHANGED, changed, partition=p) for p in (0, 1))
    return Decision(
        Sum(total), events, None, (DocumentWrite("sums", paid.customer_id, {"total": total}),), answer=total
    )


def adds() -> App:
    return App(name="adds", service="adds", state=Sum, handlers={PAID: HandlerEntry(Balance, on_paid)})


class Seen(msgspec.Struct, frozen=True):
    """Revisions in the order in which a consumer took them."""

    revisions: tuple[int, ...] = ()


def on_changed(state: Seen | None, changed: CustomerChanged, context: Context) -> Decision:
    return Decision(Seen((*(state or Seen()).revisions, changed.revision)))


async def taken(broker: Broker, partition: int) -> tuple[int, ...]:
    """What a consumer makes of a partition's log."""
    sees = App(name="sees", service="sees", state=Seen, handlers={CHANGED: HandlerEntry(CustomerChanged, on_changed)})
    consumer = await OneProcessor(sees, OUT).open()
    log = broker.records[OUT, partition]
    await consumer.take(*(_record(OUT, n, r.key, r.value, r.headers) for n, r in enumerate(log)))
    return msgspec.msgpack.decode(consumer.store.states["c1"], type=Seen).revisions


def _record(topic: str, offset: int, key: bytes | None, value: bytes | None, headers: Any) -> Message:
    return Message(topic, 0, offset, key, dict(headers), value)


class Pause:
    """Stops a process at its n-th step until it is let go on. Never at one it does not reach."""

    def __init__(self, at: int) -> None:
        self.at, self.steps = at, 0
        self.stopped, self.go_on = asyncio.Event(), asyncio.Event()

    async def __call__(self, step: str) -> None:
        self.steps += 1
        if self.steps == self.at:
            self.stopped.set()
        # A stopped process does nothing at all: every other task of it waits at its own next step.
        if self.stopped.is_set():
            await self.go_on.wait()
        await asyncio.sleep(0)


class Gated:
    """A store with a gate before and behind every call."""

    def __init__(self, store: Store, gate: Gate) -> None:
        self._store, self._gate = store, gate

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._store, name)

        async def gated(*args: Any) -> Any:
            await self._gate(f"before {name}")
            answer = await call(*args)
            await self._gate(f"after {name}")
            return answer

        return gated


class Process:
    """One process of the service over ``store``; ``work`` handles the whole log and sends what follows."""

    def __init__(self, store: Store, broker: Broker, gate: Gate) -> None:
        publisher = Publisher(lambda: broker.start(gate))
        gated: Any = Gated(store, gate)
        self.processor = StreamProcessor(adds(), 0, [INPUT], gated, publisher)

    async def work(self, log: list[Message]) -> None:
        await self.processor.open()
        relay = asyncio.create_task(self.processor.relay.run())
        try:
            while (at := self.processor.position.offsets.get(f"{FEED}/0", 0)) < len(log):
                await self.processor.process({INPUT: log[at : at + 3]})
                if relay.done():
                    relay.result()
            await eventually(lambda: self.processor.relay.pending == 0, every=0.001)
        finally:
            relay.cancel()


async def goes_on(step: str) -> None:
    await asyncio.sleep(0)


def feed() -> list[Message]:
    maker = OneProcessor(adds(), FEED)
    return [maker.record(FEED, PAID, Balance(customer_id="c1", at=NOON, balance_fen=1)) for _ in range(10)]


REVISIONS = tuple(range(1, 11))


async def steps_of_a_life() -> int:
    counting = Pause(at=0)
    await Process(MemoryStore(), Broker(), counting).work(feed())
    return counting.steps


async def judge(store: MemoryStore, broker: Broker, before: Any = None) -> None:
    for partition in (0, 1):
        assert await taken(broker, partition) == REVISIONS
    assert store.position.offsets == {f"{FEED}/0": 10} and store.documents["sums"]["c1"]["total"] == 10
    assert await store.outbox(0, 100) == []


async def test_a_paused_process_comes_back_after_another_did_all_the_rest() -> None:
    refused = 0
    for at in range(1, await steps_of_a_life() + 1):
        store, broker, pause = MemoryStore(), Broker(), Pause(at)
        paused = asyncio.create_task(Process(store, broker, pause).work(feed()))
        await pause.stopped.wait()
        await Process(MemoryStore(store), broker, goes_on).work(feed())
        written = (store.position, dict(store.states))
        pause.go_on.set()
        try:
            await paused
        except Fenced:
            refused += 1
        assert (store.position, dict(store.states)) == written, f"step {at}: the paused process wrote"
        await judge(store, broker)
    assert refused > 20, "most pauses leave something that can't be committed any more"


@pytest.mark.parametrize("seed", seeds(10, 40))
async def test_a_paused_process_comes_back_in_the_middle_of_the_others_work_before_a_failing_broker(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay_module, "_FIRST_DELAY", 0.001)
    monkeypatch.setattr(relay_module, "_LONGEST_DELAY", 0.002)
    monkeypatch.setattr(relay_module, "_CHUNK", 4)
    chance, steps = random.Random(seed), await steps_of_a_life()
    store, broker, pause = MemoryStore(), Broker(), Pause(chance.randrange(1, steps + 1))
    if seed % 2:
        broker.chance = chance
    paused = asyncio.create_task(Process(store, broker, pause).work(feed()))
    await pause.stopped.wait()
    returns_at, step = chance.randrange(1, steps), 0

    async def steps_on(_: str) -> None:
        nonlocal step
        step += 1
        if step == returns_at:
            pause.go_on.set()
        await asyncio.sleep(0)

    await Process(MemoryStore(store), broker, steps_on).work(feed())
    pause.go_on.set()
    await asyncio.gather(paused, return_exceptions=True)
    await judge(store, broker)


async def test_who_asked_a_unit_that_was_taken_over_is_told_so() -> None:
    """Its queue is never carried out: a caller must not wait for ever."""
    store = MemoryStore()
    processor = StreamProcessor(adds(), 0, [], store, Publisher(Broker().start))
    await processor.open()
    running = asyncio.create_task(processor.run(None))
    order = command(PAID, "c1", Balance(customer_id="c1", at=NOON, balance_fen=1), id="order")
    assert await processor.command(order) == 1
    await MemoryStore(store).open()
    asked = [asyncio.create_task(processor.command(order)) for _ in range(3)]
    with pytest.raises(Fenced):
        await running
    for refusal in [*await asyncio.gather(*asked, return_exceptions=True), *await _refusals(processor, order)]:
        assert isinstance(refusal, Refused) and (refusal.code, refusal.status) == ("stopping", 503)


async def _refusals(processor: StreamProcessor, order: Any) -> list[Any]:
    return await asyncio.gather(processor.command(order), return_exceptions=True)
