"""Very many keys wake at one tick: chunk by chunk, in bounds, and nobody else waits for the last of them."""

import asyncio
import resource
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest

from contracts.boss import Balance
from harness.one_processor import NOON, FakeProducer, OneProcessor
from servicekit.app import App, HandlerEntry
from servicekit.decision import Context, Decision, OutgoingEvent
from servicekit.envelope import OutgoingMessage, command
from servicekit.rocksdb_store import LocalStore
from servicekit.store import Batch

ASK = "ask"
TOLD = "kam.customer.changed.v1"
KEYS, CHUNK = 200_000, 2_000
_MOST_MEGABYTES, _LONGEST_PAUSE, _LONGEST_ANSWER = 200, 0.5, 1.0


class Woken(msgspec.Struct, frozen=True):
    times: int = 0


def wake(state: Woken, context: Context) -> Decision:
    told = OutgoingEvent("kam.boss.balance.changed.v1", Balance(customer_id="c", at=context.now, balance_fen=1))
    return Decision(Woken(state.times + 1), (told,))


def asked(state: Woken | None, data: Any, context: Context) -> Decision:
    return Decision(state, answer=data)


def many() -> App:
    handlers = {ASK: HandlerEntry(int, asked)}
    return App(
        name="leap", service="leap", state=Woken, handlers=handlers, on_timer=wake, clock_topics=("boss.events",),
        forward_clock_to="alert.events",
    )  # fmt: skip


class SlowBroker(FakeProducer):
    """Takes its time, so that the outbox would grow if nothing held the wake-ups back."""

    def __init__(self) -> None:
        super().__init__()
        self.count, self.last = 0, ""

    async def publish(self, messages: list[OutgoingMessage]) -> None:
        await asyncio.sleep(0.02)
        self.count += len(messages)
        self.last = messages[-1].topic


@pytest.mark.long
async def test_two_hundred_thousand_keys_wake_at_one_moment(tmp_path: Path) -> None:
    store = LocalStore(tmp_path / "store")
    one = OneProcessor(many(), store=store)
    one.producer = broker = SlowBroker()
    await one.open()
    state, due = msgspec.msgpack.encode(Woken()), int(NOON.timestamp() * 1000)
    for first in range(0, KEYS, CHUNK):
        await store.commit(Batch({f"c{n:07}": (state, due) for n in range(first, first + CHUNK)}))
    await store.close()
    await one.open()
    processor = one.processor
    running = asyncio.create_task(processor.run(None))
    before, started = _megabytes(), time.monotonic()
    leap = asyncio.create_task(one.take(one.tick("boss.events", 1, NOON)))
    longest_pause = longest_answer = stuck = outbox = answers = 0.0
    while not leap.done():
        at = time.monotonic()
        await asyncio.sleep(0.01)
        longest_pause = max(longest_pause, time.monotonic() - at)
        stuck = max(stuck, time.monotonic() - processor.progressed_at)
        outbox = max(outbox, processor.relay.pending)
        at = time.monotonic()
        assert await processor.command(command(ASK, "c0000001", 7, id="a")) == 7
        answers, longest_answer = answers + 1, max(longest_answer, time.monotonic() - at)
    await leap
    seconds, grown = time.monotonic() - started, _megabytes() - before
    print(f"{KEYS / seconds:.0f} keys/s, {grown:.0f} MB more, pause {longest_pause:.3f}, answer {longest_answer:.3f}")
    await processor.relay.drain()
    processor.stop()
    await running
    assert broker.count == KEYS + 1 and broker.last == "alert.events", "the tick goes on behind all it caused"
    assert answers > 10 and longest_answer < _LONGEST_ANSWER and longest_pause < _LONGEST_PAUSE
    assert stuck < 5 and outbox < 25_000 and grown < _MOST_MEGABYTES


def _megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
