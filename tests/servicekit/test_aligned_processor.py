"""A wake-up at tick N sees nothing that was caused by what comes after tick N."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from harness.one_processor import NOON, OneProcessor
from servicekit.aligned_processor import AlignedProcessor
from servicekit.app import App, HandlerEntry
from servicekit.decision import Context, Decision

FACT, ALERT = "kam.boss.balance.changed.v1", "kam.alert.raised.v1"


class Seen(msgspec.Struct):
    """What came, in order; ``woke`` is how much of it a wake-up saw."""

    facts: int = 0
    alerts: int = 0
    woke: tuple[tuple[int, int], ...] = ()


def handle(state: Seen | None, data: Any, ctx: Context) -> Decision:
    state = state or Seen()
    fact = ctx.type == FACT
    return Decision(Seen(state.facts + fact, state.alerts + (not fact), state.woke), timer_at=ctx.now)


def wake(state: Seen, ctx: Context) -> Decision:
    return Decision(Seen(state.facts, state.alerts, (*state.woke, (state.facts, state.alerts))))


class Aligned(OneProcessor):
    async def open(self) -> "Aligned":
        from aiokafka import TopicPartition

        inputs = [TopicPartition(t, 0) for t in self.topics]
        self.processor = AlignedProcessor(self.app, 0, inputs, self.store, self.producer)
        await self.processor.open()
        return self

    def state(self) -> Seen:
        return msgspec.msgpack.decode(self.store.states["c1"], type=Seen)


@pytest.fixture
async def processor() -> Aligned:
    handlers = {FACT: HandlerEntry(dict, handle), ALERT: HandlerEntry(dict, handle)}
    app = App(name="a", service="a", state=Seen, handlers=handlers, on_timer=wake, partitions=1,
              clock_topics=("boss.events", "alert.events"))  # fmt: skip
    return await Aligned(app, "boss.events", "alert.events").open()


def flow(processor: OneProcessor, rounds: int) -> tuple[list[Any], list[Any]]:
    """Fact n, tick n on the first topic; alert n (caused by fact n), tick n on the second."""
    facts, alerts = [], []
    for n in range(1, rounds + 1):
        facts += [processor.record("boss.events", FACT, b"{}"), processor.tick("boss.events", n, NOON)]
        alerts += [processor.record("alert.events", ALERT, b"{}"), processor.tick("alert.events", n, NOON)]
    return facts, alerts


async def test_a_second_topic_that_is_read_faster_is_held_back(processor: Aligned) -> None:
    facts, alerts = flow(processor, 3)
    await processor.take(*alerts)
    assert (processor.state().facts, processor.state().alerts) == (0, 1)
    await processor.take(*facts[:2])
    assert processor.state().woke == ((1, 1),)
    assert processor.state().alerts == 2, "handled up to tick 2, which waits for the facts before it"
    await processor.take(*facts[2:])
    assert processor.state() == Seen(3, 3, ((1, 1), (2, 2), (3, 3)))


async def test_a_first_topic_that_is_read_faster_is_not(processor: Aligned) -> None:
    facts, alerts = flow(processor, 3)
    await processor.take(*facts)
    await processor.take(*alerts)
    assert processor.state() == Seen(3, 3, ((3, 1), (3, 2), (3, 3)))


async def test_after_a_restart_it_goes_on_holding_back(processor: Aligned) -> None:
    facts, alerts = flow(processor, 2)
    await processor.take(*alerts)
    assert processor.store.position.offsets["alert.events/0"] == 2, "what is held back is not passed"
    again = await Aligned(processor.app, *processor.topics, store=processor.store).open()
    await again.take(*alerts[2:])
    assert again.state().alerts == 1
    await again.take(*facts)
    assert again.state() == Seen(2, 2, ((1, 1), (2, 2)))


DAY = timedelta(days=1)


async def test_ticks_of_a_store_made_anew_count_although_their_numbers_start_again(processor: Aligned) -> None:
    await processor.take(processor.tick("boss.events", 500, NOON), processor.tick("alert.events", 500, NOON))
    later = [processor.tick(topic, 1, NOON + DAY, epoch=7) for topic in ("boss.events", "alert.events")]
    await processor.take(*later)
    assert processor.processor.now == NOON + DAY and processor.processor.position.marks["ticked"] == "7.1"
    stale = [processor.tick(topic, 501, NOON + 9 * DAY) for topic in ("boss.events", "alert.events")]
    await processor.take(*stale)
    assert processor.processor.now == NOON + DAY, "of the epoch before"


async def test_a_malformed_tick_is_a_dead_letter_on_any_topic(processor: Aligned) -> None:
    bad = [
        processor.record(topic, "kam.clock.ticked.v1", b"[]", key="clock") for topic in ("boss.events", "alert.events")
    ]
    await processor.take(*bad)
    assert [m.topic for m in await processor.outbox()] == ["boss.events.a.dlq", "alert.events.a.dlq"]
