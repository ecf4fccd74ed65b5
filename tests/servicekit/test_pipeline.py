"""The processor, without servers: what becomes of messages, commands and wake-ups, whatever fails and whenever it
dies.
"""

import asyncio
import errno
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiokafka.errors import KafkaConnectionError

from contracts.boss import Arrears, Balance, ClockTicked
from contracts.misc import CustomerChanged
from contracts.registry import TICK
from harness.one_processor import NOON, OneProcessor, header
from harness.waiting import eventually
from servicekit import dead_letter, pipeline, relay
from servicekit.app import App, HandlerEntry
from servicekit.clock import iso
from servicekit.committer import Stopped
from servicekit.decision import Context, Decision, DocumentWrite, Forward, Invalid, OutgoingEvent, Refused
from servicekit.envelope import Message, OutgoingMessage, command, encode_data, parse_time
from servicekit.memory_store import MemoryStore
from servicekit.store import Batch, Fenced, Transient

PAID = "kam.boss.balance.changed.v1"
OWES = "kam.boss.arrears.changed.v1"
CHANGED = "kam.customer.changed.v1"
DAY = timedelta(days=1)


class Sum(msgspec.Struct, frozen=True):
    """State of the toy app: what was added up, and when it woke."""

    total: Any = 0
    woken: tuple[datetime, ...] = ()


# --- a toy app: adds amounts up; some amounts mean trouble ------------------------------------------------------

REFUSED, INVALID, BROKEN, UNENCODABLE, TELL, TELL_BROKEN = -1, -2, -3, -4, -5, -6


def tell_of(n: int) -> OutgoingEvent:
    changed = CustomerChanged(customer_id="c1", revision=n, archive="active", city=None, manager_id=None, changes=())
    return OutgoingEvent(CHANGED, changed)


def on_paid(state: Sum | None, paid: Balance, context: Context) -> Decision:
    state, amount = state or Sum(), paid.balance_fen
    if amount == REFUSED:
        raise Refused("no", "不行", "no")
    if amount == INVALID:
        raise Invalid("never")
    if amount == BROKEN:
        raise ZeroDivisionError("a bug")
    if amount == UNENCODABLE:
        return Decision(Sum(object()))
    if amount in (TELL, TELL_BROKEN):
        told = Forward(
            "other", PAID, Balance(customer_id="other", at=NOON, balance_fen=7 if amount == TELL else BROKEN)
        )
        return Decision(Sum(state.total + 1), (tell_of(1),), forwards=(told,))
    total = state.total + amount
    row = DocumentWrite("sums", paid.customer_id, {"total": total})
    return Decision(Sum(total, state.woken), (tell_of(total),), context.now + DAY, (row,), ("effect",), total)


def on_owes(state: Sum | None, owes: Arrears, context: Context) -> Decision:
    """Wakes that many days after noon."""
    return Decision(state or Sum(), timer_at=NOON + owes.amount_fen * DAY)


def on_timer(state: Sum | None, context: Context) -> Decision:
    assert state is not None
    if state.total == 13:
        raise ZeroDivisionError("a bug in a wake-up")
    woken = (*state.woken, context.now)
    return Decision(msgspec.structs.replace(state, woken=woken), (tell_of(len(woken)),))


def app(**fields: Any) -> App:
    handlers = {PAID: HandlerEntry(Balance, on_paid), OWES: HandlerEntry(Arrears, on_owes)}
    return App(name="toy", service="toy-service", state=Sum, handlers=handlers, **fields)


def clocked() -> App:
    return app(on_timer=on_timer, clock_topics=("boss.events", "alert.events"), forward_clock_to="customer.events")


class Toy(OneProcessor):
    def paid(self, amount: int, key: str = "c1", topic: str = "boss.events", **about: Any) -> Any:
        return self.record(topic, PAID, Balance(customer_id=key, at=NOON, balance_fen=amount), key=key, **about)

    def owes(self, days: int, key: str = "c1", **about: Any) -> Any:
        data = Arrears(customer_id=key, as_of=NOON.date(), amount_fen=days)
        return self.record("boss.events", OWES, data, key=key, **about)

    def state(self, key: str = "c1") -> Sum:
        return msgspec.msgpack.decode(self.store.states[key], type=Sum)

    async def letters(self) -> list[tuple[str, str]]:
        """(reason, original type) of the dead letters."""
        return [(header(m, "dlq_error"), header(m, "ce_type")) for m in await self.outbox() if m.topic.endswith(".dlq")]


@pytest.fixture
async def toy() -> Toy:
    toy = Toy(app())
    await toy.open()
    return toy


@pytest.fixture
async def clock() -> Toy:
    toy = Toy(clocked(), "boss.events", "alert.events")
    await toy.open()
    return toy


class Dying(MemoryStore):
    """A store whose process dies at the n-th commit from now: before it, or just after it."""

    dies_at, after = 0, False

    async def commit(self, batch: Batch) -> None:
        self.dies_at -= 1
        if self.dies_at == 0 and not self.after:
            raise Fenced("killed")
        await super().commit(batch)
        if self.dies_at == 0:
            raise Fenced("killed")


# --- messages ---------------------------------------------------------------------------------------------------


async def test_a_batch_is_one_write_of_states_rows_events_and_position(toy: Toy) -> None:
    await toy.take(toy.paid(1), toy.paid(2), toy.paid(5, "c2"), toy.record("boss.events", CHANGED, b"not for us"))
    assert (toy.state("c1").total, toy.state("c2").total) == (3, 5)
    assert toy.store.documents["sums"] == {"c1": {"_id": "c1", "total": 3}, "c2": {"_id": "c2", "total": 5}}
    assert [e.revision for _, e in await toy.events("customer.events")] == [1, 3, 5]
    assert toy.store.position.offsets == {"boss.events/0": 4} and toy.store.position.next_sequence == 4
    assert await toy.store.next_due() == (NOON + DAY).timestamp() * 1000


async def test_an_event_names_its_causes_and_a_rising_number(toy: Toy) -> None:
    await toy.take(toy.paid(1, id="e1", correlation="file:x#7"), toy.paid(2))
    first, second = await toy.outbox()
    assert (header(first, "ce_causationid"), header(first, "ce_correlationid")) == ("e1", "file:x#7")
    assert (header(first, "ce_subject"), header(first, "ce_source")) == ("c1", "kam/toy-service")
    assert [header(m, "ce_sequence") for m in (first, second)] == ["toy.0.memory:1", "toy.0.memory:2"]
    assert header(first, "ce_businessclock") == header(first, "ce_time") == iso(NOON)


async def test_what_a_crash_undid_is_done_again_with_the_same_ids() -> None:
    toy = Toy(app(), store=Dying())
    await toy.open()
    records = [toy.paid(1), toy.paid(2)]
    toy.store.dies_at = 1
    with pytest.raises(Fenced):
        await toy.take(*records)
    assert toy.store.states == {} and await toy.outbox() == []
    await toy.open()
    await toy.take(*records)
    ids = [header(m, "ce_id") for m in await toy.outbox()]
    fresh = Toy(app())
    await fresh.open()
    await fresh.take(fresh.paid(1), fresh.paid(2))
    assert ids == [header(m, "ce_id") for m in await fresh.outbox()] and len(set(ids)) == 2


async def test_repeats_of_a_producer_are_dropped_by_its_sequence(toy: Toy) -> None:
    await toy.take(toy.paid(1, sequence="intake.0.e1:1"), toy.paid(1, sequence="intake.0.e1:2"))
    await toy.open()
    await toy.take(
        toy.paid(100, sequence="intake.0.e1:1"),
        toy.paid(100, sequence="intake.0.e1:2"),
        toy.paid(1, sequence="intake.0.e1:9"),  # numbers of other partitions lie between
        toy.paid(1, sequence="intake.1.e1:1"),  # another processor
        toy.paid(1, sequence="intake.0.e2:1"),  # its store was created anew
    )
    assert toy.state().total == 5


async def test_messages_of_foreign_producers_are_handled(toy: Toy) -> None:
    await toy.take(toy.paid(1), toy.paid(1, sequence="7"), toy.paid(1, sequence="7"))
    assert toy.state().total == 3


@pytest.mark.parametrize(
    "poison, error",
    [
        (lambda toy: toy.paid(INVALID), "Invalid"),
        (lambda toy: toy.paid(BROKEN), "ZeroDivisionError"),
        (lambda toy: toy.record("boss.events", PAID, b"{not json"), "Invalid"),
        (lambda toy: toy.record("boss.events", PAID, b'{"customer_id": "c1"}'), "Invalid"),
        (lambda toy: toy.record("boss.events", PAID, b""), "Invalid"),
        (lambda toy: toy.record("boss.events", "kam.boss.nobody.knows.v1", b"{}"), "Invalid"),
        (lambda toy: toy.record("boss.events", "", b"\xff\x00"), "Invalid"),
        (lambda toy: toy.paid(UNENCODABLE, "c9"), "TypeError"),
        (lambda toy: toy.paid(TELL_BROKEN, "c9"), "ZeroDivisionError"),
    ],
)
@pytest.mark.parametrize("company", [True, False], ids=["among others", "alone"])
async def test_poison_is_set_aside_and_the_rest_is_handled_once(
    toy: Toy, poison: Any, error: str, company: bool
) -> None:
    before = [toy.paid(1)] if company else []
    bad = poison(toy)
    after = [toy.paid(2), toy.paid(4, "c2")] if company else []
    await toy.take(*before, bad, *after)
    assert await toy.letters() == [(error, dict(bad.headers)["ce_type"].decode())]
    (letter,) = (m for m in await toy.outbox() if m.topic.endswith(".dlq"))
    assert (letter.topic, letter.value, letter.key) == ("boss.events.toy.dlq", bad.body, bad.raw_key)
    assert (header(letter, "dlq_offset"), header(letter, "dlq_service")) == (str(bad.offset), "toy")
    assert {name: value for name, value in letter.headers if not name.startswith("dlq_")} == dict(bad.headers)
    assert toy.store.position.offsets == {"boss.events/0": 4 if company else 1}
    assert sorted(toy.store.states) == (["c1", "c2"] if company else [])
    if company:
        assert (toy.state("c1").total, toy.state("c2").total) == (3, 4)
        assert [e.revision for _, e in await toy.events("customer.events")] == [1, 3, 4]


@pytest.mark.parametrize("value", [None, b"\xff\xfe"], ids=["null", "no text"])
@pytest.mark.parametrize("name", ["ce_type", "ce_id", "ce_time", "ce_revision", "ce_correlationid", "ce_sequence"])
async def test_headers_that_nobody_can_read_stop_nothing(toy: Toy, name: str, value: bytes | None) -> None:
    odd = toy.paid(1)
    odd = Message(odd.topic, odd.partition, odd.offset, odd.raw_key, {**odd.headers, name: value}, odd.body)
    await toy.take(toy.paid(1), odd, toy.paid(2))
    assert toy.state().total in (3, 4)
    letters = [m for m in await toy.outbox() if m.topic.endswith(".dlq")]
    assert len(letters) == 4 - toy.state().total
    assert all(v is not None for letter in letters for _, v in letter.headers)


async def test_too_many_dead_letters_in_a_row_stop_the_processor_and_drain_nothing() -> None:
    toy = Toy(app(), dead_letters_in_a_row=3)
    await toy.open()
    await toy.take(*(toy.paid(BROKEN) for _ in range(3)), toy.paid(1))
    assert len(await toy.letters()) == 3
    with pytest.raises(dead_letter.TooMany):
        await toy.take(*(toy.paid(BROKEN) for _ in range(4)))
    assert len(await toy.letters()) == 3 and toy.store.position.offsets == {"boss.events/0": 4}


async def test_invalid_messages_and_malformed_ticks_in_a_row_stop_nothing_however_many() -> None:
    toy = Toy(clocked(), dead_letters_in_a_row=3)
    await toy.open()
    ticks = (toy.record("boss.events", "kam.clock.ticked.v1", b"{}") for _ in range(9))
    strange = (toy.record("boss.events", "what.is.that", b"{}") for _ in range(9))
    await toy.take(*ticks, *(toy.paid(INVALID) for _ in range(9)), *strange, toy.paid(1))
    assert len(await toy.letters()) == 27 and toy.state().total == 1


_STRANGE = {
    "ce_id": b"\xff", "ce_revision": b"x", "ce_sequence": b"a:x", "kam-replay-for": b"\xff",
    "ce_businessclock": b"2026-01-01T00:00:00", "ce_time": b"\xff",
}  # fmt: skip


@pytest.mark.parametrize("name", _STRANGE)
async def test_strange_headers_in_a_row_stop_nothing_however_many(name: str) -> None:
    """They are their sender's errors, none of ours."""
    toy = Toy(app(), dead_letters_in_a_row=3)
    await toy.open()
    odd = [toy.paid(1) for _ in range(9)]
    strange = ({**m.headers, name: _STRANGE[name]} for m in odd)
    await toy.take(*(Message(m.topic, 0, m.offset, m.raw_key, h, m.body) for m, h in zip(odd, strange, strict=True)))
    await toy.take(toy.paid(1))
    assert [error for error, _ in await toy.letters()] == ["Invalid"] * 9 and toy.state().total == 1


@pytest.mark.parametrize("clock", [b"9999-12-31T23:59:59+00:00", b"9999-12-30T00:00:00-14:00"])
async def test_a_business_clock_at_the_end_of_time_is_none(toy: Toy, clock: bytes) -> None:
    odd = toy.paid(1)
    odd = Message(odd.topic, 0, odd.offset, odd.raw_key, {**odd.headers, "ce_businessclock": clock}, odd.body)
    await toy.take(odd, toy.paid(2))
    assert [error for error, _ in await toy.letters()] == ["Invalid"] and toy.processor.now.year < 9999


async def test_what_a_record_says_of_another_than_its_key_changes_nobody(toy: Toy) -> None:
    odd = toy.record("boss.events", PAID, Balance(customer_id="c2", at=NOON, balance_fen=5), key="c1")
    await toy.take(toy.paid(1), odd)
    assert [error for error, _ in await toy.letters()] == ["Invalid"]
    assert toy.state("c1").total == 1 and "c2" not in toy.store.states


async def test_an_event_for_a_partition_that_there_is_not_is_not_promised() -> None:
    """The outbox keeps its order: nothing behind it would ever leave."""

    def to_nowhere(state: Sum | None, paid: Balance, context: Context) -> Decision:
        return Decision(state, events=(msgspec.structs.replace(tell_of(1), partition=99),))

    toy = Toy(App(name="toy", service="toy-service", state=Sum, handlers={PAID: HandlerEntry(Balance, to_nowhere)}))
    await toy.open()
    await toy.take(toy.paid(1))
    assert [error for error, _ in await toy.letters()] == ["Invalid"]


async def test_numbers_that_boss_gives_its_own_events_are_none_of_ours() -> None:
    toy = Toy(app(), "boss.feed")
    await toy.open()
    for sequence in (b"shop:5", b"shop:3", b"2026-06-30T10:00:00+08:00", b"2026-06-30T10:01:00+08:00"):
        m = toy.paid(1, topic="boss.feed")
        await toy.take(Message(m.topic, 0, m.offset, m.raw_key, {**m.headers, "ce_sequence": sequence}, m.body))
    assert toy.state().total == 4 and not [name for name in toy.store.position.marks if "shop" in name]


async def test_a_replay_is_handled_by_the_app_it_names_although_its_number_is_old(toy: Toy) -> None:
    bad = toy.record("boss.events", PAID, b"{", sequence="intake.0.e1:5")
    await toy.take(bad)
    (letter,) = await toy.outbox()
    original, allowed = dead_letter.replay(letter.headers, letter.key, letter.value)
    assert allowed and (original.topic, original.partition, original.key) == ("boss.events", 0, b"c1")
    mended = encode_data(Balance(customer_id="c1", at=NOON, balance_fen=8))
    again = toy.record("boss.events", PAID, mended)
    again.headers = dict(original.headers)
    for_others = toy.paid(100, headers=[(dead_letter.REPLAY_FOR, b"analytics")])
    await toy.take(again, for_others)
    assert toy.state().total == 8


async def test_after_five_replays_a_letter_is_quarantined(toy: Toy) -> None:
    await toy.take(toy.record("boss.events", PAID, b"{"))
    for replays in range(1, dead_letter.MAX_REPLAYS + 2):
        letter = (await toy.outbox())[-1]
        original, allowed = dead_letter.replay(letter.headers, letter.key, letter.value)
        assert allowed == (replays <= dead_letter.MAX_REPLAYS)
        again = toy.record("boss.events", PAID, b"{")
        again.headers = dict(original.headers)
        await toy.take(again)


# --- keys that speak to each other ------------------------------------------------------------------------------


async def test_a_told_key_is_handled_before_the_next_message_in_the_same_write(toy: Toy) -> None:
    await toy.take(toy.paid(TELL, id="e1"), toy.paid(100, "other"))
    assert (toy.state("c1").total, toy.state("other").total) == (1, 107)
    events = await toy.outbox()
    assert [header(m, "ce_subject") for m in events] == ["c1", "other", "other"]
    assert header(events[1], "ce_causationid") == "e1"
    assert len({header(m, "ce_id") for m in events}) == 3


# --- commands ---------------------------------------------------------------------------------------------------


def pay(amount: int, key: str = "c1") -> tuple[str, str, Balance]:
    return PAID, key, Balance(customer_id=key, at=NOON, balance_fen=amount)


async def test_commands_are_answered_after_the_commit_and_refusals_change_nothing(toy: Toy) -> None:
    answers = await toy.take(toy.paid(1), commands=[pay(2), pay(REFUSED), pay(BROKEN), pay(4)])
    assert answers[0] == 3 and answers[3] == 7
    assert isinstance(answers[1], Refused) and isinstance(answers[2], ZeroDivisionError)
    assert toy.state().total == 7


async def test_a_command_that_can_not_be_written_fails_alone(toy: Toy) -> None:
    answers = await toy.take(toy.paid(1), commands=[pay(2), pay(UNENCODABLE, "c2"), pay(TELL_BROKEN, "c3"), pay(4)])
    assert answers[0] == 3 and answers[3] == 7
    assert isinstance(answers[1], TypeError) and isinstance(answers[2], ZeroDivisionError)
    assert sorted(toy.store.states) == ["c1"] and toy.state().total == 7


async def test_a_caller_who_has_gone_does_no_harm(toy: Toy) -> None:
    gone: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    gone.cancel()
    type_, key, refused = pay(REFUSED)
    await toy.processor.process({}, [(command(type_, key, refused, id="x"), gone)])
    await toy.take(toy.paid(1), commands=[pay(2)])
    assert toy.state().total == 3


# --- the business clock -----------------------------------------------------------------------------------------


async def test_a_key_wakes_once_the_tick_has_come_by_on_all_topics(clock: Toy) -> None:
    await clock.take(clock.owes(1), clock.tick("boss.events", 1, NOON + DAY))
    assert clock.state().woken == ()
    late = clock.paid(5, topic="alert.events", clock=NOON + DAY / 2)
    await clock.take(late, clock.tick("alert.events", 1, NOON + DAY))
    assert clock.state() == Sum(5, ()), "the record before the tick moved its wish to a day after"
    ticks = [clock.tick(topic, 2, NOON + DAY) for topic in clock.topics]
    await clock.take(clock.owes(1, "c2"), *ticks)
    assert clock.state("c2").woken == (NOON + DAY,)


async def test_every_wish_is_fulfilled_once_at_the_clock_reached(clock: Toy) -> None:
    await clock.take(clock.owes(1), clock.owes(3, "c3"), clock.owes(30, "c30"))
    for number, days in ((1, 0.5), (2, 7), (3, 7), (3, 8), (4, 9)):
        at = NOON + days * DAY
        await clock.take(clock.tick("boss.events", number, at), clock.tick("alert.events", number, at))
        await clock.open()
    assert [clock.state(key).woken for key in ("c1", "c3", "c30")] == [(NOON + 7 * DAY,), (NOON + 7 * DAY,), ()]


async def test_a_topic_that_is_ahead_wakes_nothing_before_its_time(clock: Toy) -> None:
    """boss.events is at day 9, alert.events at day 2: what is due on day 5 must wait."""
    await clock.take(clock.owes(1), clock.owes(5, "c5"))
    await clock.take(clock.paid(1, "far", clock=NOON + 9 * DAY))
    ticks = [clock.tick("boss.events", n, NOON + day * DAY) for n, day in ((1, 2), (2, 9))]
    await clock.take(*ticks, clock.tick("alert.events", 1, NOON + 2 * DAY))
    assert clock.state("c1").woken == (NOON + 2 * DAY,) and clock.state("c5").woken == ()
    await clock.take(clock.tick("alert.events", 2, NOON + 9 * DAY))
    assert clock.state("c5").woken == (NOON + 9 * DAY,)


async def test_a_tick_whose_clock_is_no_instant_wakes_nobody_and_holds_nobody_up(clock: Toy) -> None:
    await clock.take(clock.owes(1), clock.tick("boss.events", 1, NOON + DAY))
    year_1 = parse_time("0001-01-01T00:00:00+14:00")  # no instant in UTC
    paid = clock.paid(1, topic="alert.events")
    bad = clock.record("alert.events", TICK, ClockTicked(clock=year_1, number=2), key="clock")
    await clock.take(paid, bad, clock.paid(1, "behind", topic="alert.events"))
    assert clock.state("c1").woken == () and clock.state("behind").total == 1
    assert [t for t, _ in await clock.letters()] == ["Invalid"]
    await clock.take(clock.tick("alert.events", 1, NOON + DAY))
    assert clock.state("c1").woken == (NOON + DAY,)
    revisions = [data.revision for type_, data in await clock.events() if type_ == CHANGED]
    assert revisions == [1] * 4, "two payments and two wake-ups, each once"


async def test_a_clock_far_ahead_of_system_time_is_believed_no_further_than_machines_differ() -> None:
    at = NOON
    toy = Toy(clocked(), "boss.events", "alert.events", clock_bound=lambda: at)
    await toy.open()

    async def ticks(number: int, clock: datetime) -> datetime:
        await toy.take(*(toy.tick(topic, number, clock) for topic in toy.topics))
        return toy.processor.now

    await toy.take(toy.owes(1), toy.owes(2, "c2"), toy.paid(1, "far", clock=NOON + 400 * DAY))
    assert toy.processor.now == NOON + DAY
    assert await ticks(1, NOON + 400 * DAY) == NOON + DAY
    assert toy.state().woken == (NOON + DAY,) and toy.state("c2").woken == () and not await toy.letters()
    at = NOON - 9000 * DAY
    assert await ticks(2, NOON + 3 * DAY) == NOON + DAY, "system time was set back: the clock stays where it is"
    at = NOON + 3 * DAY
    assert await ticks(3, NOON + 3 * DAY) == NOON + 3 * DAY
    assert toy.state("c2").woken == (NOON + 3 * DAY,)


async def test_an_app_without_a_clock_does_not_look_at_ticks(toy: Toy) -> None:
    await toy.take(toy.tick("boss.events", 1, NOON), toy.record("boss.events", TICK, b"[]"))
    assert await toy.outbox() == [] and toy.processor.position.offsets == {"boss.events/0": 2}


async def test_the_tick_goes_on_behind_what_it_caused(clock: Toy) -> None:
    await clock.take(clock.owes(1), clock.tick("boss.events", 1, NOON + DAY), clock.tick("alert.events", 1, NOON + DAY))
    types = [(header(m, "ce_type"), m.topic, m.partition) for m in await clock.outbox()]
    assert [t for t, *_ in types] == [CHANGED, "kam.clock.ticked.v1"]
    assert types[1] == ("kam.clock.ticked.v1", "customer.events", 0)
    (_, forwarded) = await clock.events()
    assert (forwarded[1].number, forwarded[1].clock) == (1, NOON + DAY)
    assert len({header(m, "ce_sequence") for m in await clock.outbox()}) == 2


@pytest.mark.parametrize("after", [False, True], ids=["before the commit", "after the commit"])
@pytest.mark.parametrize("dies_at", [1, 2, 3, 4])
async def test_a_kill_anywhere_in_a_wake_up_loses_and_repeats_nothing(
    dies_at: int, after: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("servicekit.timers._DUE_CHUNK", 2)
    clock = Toy(clocked(), "boss.events", "alert.events", store=Dying())
    await clock.open()
    owing = [clock.owes(1, f"c{n}") for n in range(5)]
    await clock.take(*owing, clock.tick("boss.events", 1, NOON + DAY))
    last = [clock.tick("alert.events", 1, NOON + DAY), clock.paid(1, "behind", topic="alert.events")]
    clock.store.dies_at, clock.store.after = dies_at, after
    with pytest.raises(Fenced):
        await clock.take(*last)
    await clock.open()
    await clock.take(*(r for r in last if r.offset >= clock.store.position.offsets.get("alert.events/0", 0)))
    assert [clock.state(f"c{n}").woken for n in range(5)] == [(NOON + DAY,)] * 5
    types = [type_ for type_, _ in await clock.events()]
    assert types == [CHANGED] * 5 + ["kam.clock.ticked.v1", CHANGED]
    assert len({header(m, "ce_id") for m in await clock.outbox()}) == 7


async def test_a_wake_up_that_fails_stops_the_processor_and_is_not_lost(clock: Toy) -> None:
    await clock.take(clock.paid(13, clock=NOON - DAY), clock.tick("boss.events", 1, NOON + DAY))
    tick = clock.tick("alert.events", 1, NOON + DAY)
    with pytest.raises(Stopped, match="waking c1"):
        await clock.take(tick)
    assert await clock.letters() == [] and "alert.events/0" not in clock.store.position.offsets
    assert await clock.store.due(10**15, 10) != []


async def test_the_clock_never_goes_back(clock: Toy) -> None:
    await clock.take(clock.paid(1, clock=NOON + DAY))
    await clock.open()
    await clock.take(clock.paid(1, clock=NOON))
    assert clock.processor.now == NOON + DAY
    assert await clock.store.next_due() == (NOON + 2 * DAY).timestamp() * 1000


# --- stores and brokers that fail -------------------------------------------------------------------------------


class Flaky(MemoryStore):
    """Can't be reached ``times`` times; the commit whose answer is lost is repeated, as the real ones allow."""

    times = 0

    async def commit(self, batch: Batch) -> None:
        self._fail()
        await super().commit(batch)

    async def load(self, keys: list[str]) -> dict[str, bytes]:
        self._fail()
        return await super().load(keys)

    async def due(self, until_ms: int, limit: int) -> list[tuple[str, int]]:
        self._fail()
        return await super().due(until_ms, limit)

    def _fail(self) -> None:
        if self.times > 0:
            self.times -= 1
            raise Transient("away")


async def test_a_store_that_is_away_is_waited_for_in_order() -> None:
    toy = Toy(clocked(), "boss.events", "alert.events", store=Flaky())
    await toy.open()
    toy.store.times = 2
    await toy.take(toy.owes(1), toy.paid(1, "c2"))
    toy.store.times = 2
    await toy.take(toy.tick("boss.events", 1, NOON + DAY), toy.tick("alert.events", 1, NOON + DAY))
    assert toy.state("c1").woken == (NOON + DAY,) and toy.state("c2").total == 1
    assert await toy.letters() == []


async def test_a_unit_that_lost_its_store_stops_and_says_so() -> None:
    toy = Toy(app(), store=Dying())
    await toy.open()
    running = asyncio.create_task(toy.processor.run(None))
    toy.store.dies_at = 1
    asked = asyncio.create_task(toy.processor.command(command(*pay(1), id="x")))
    with pytest.raises(Fenced):
        await running
    assert isinstance(toy.processor.failed, Fenced) and "Fenced" in toy.processor.settle()["failed"]
    asked.cancel()


async def test_effects_come_after_the_commit_and_their_failure_repeats_nothing() -> None:
    toy: Toy
    seen: list[tuple[list[Any], dict[str, int]]] = []

    async def effects(found: list[Any]) -> None:
        seen.append((found, dict(toy.store.position.offsets)))
        if len(seen) == 2:
            raise ConnectionError("the SMSC is away")

    toy = Toy(app(effects=effects))
    await toy.open()
    await toy.take(toy.paid(1), toy.paid(2))
    assert seen == [(["effect", "effect"], {"boss.events/0": 2})]
    with pytest.raises(Stopped, match="effects"):
        await toy.take(toy.paid(4), toy.paid(8))
    assert toy.state().total == 15 and len(await toy.outbox()) == 4, "committed, and not done again"


async def test_a_batch_is_summed_up_in_its_own_commit_and_one_that_cannot_be_written_in_those_of_its_parts() -> None:
    def summary(writes: Sequence[DocumentWrite]) -> list[OutgoingMessage]:
        totals = [write.doc["total"] for write in writes if write.doc is not None]
        return [OutgoingMessage("sums", 0, None, encode_data(totals), [])]

    toy = Toy(app(summary=summary))
    await toy.open()
    await toy.take(toy.paid(1), toy.paid(2), toy.owes(1))
    await toy.take(toy.owes(2))
    await toy.take(toy.paid(4), toy.paid(UNENCODABLE), toy.paid(8))
    await toy.open()
    assert [m.value for m in await toy.outbox() if m.topic == "sums"] == [b"[1,3]", b"[7]", b"[15]"]


async def test_what_a_crash_left_in_the_outbox_is_sent_in_order_by_the_next_process(toy: Toy) -> None:
    await toy.take(*(toy.paid(1) for _ in range(5)))
    await toy.open()
    assert toy.processor.settle()["outbox"] == 5
    toy.producer.fails = [KafkaConnectionError("no broker")]
    running = asyncio.create_task(toy.processor.run(None))
    await eventually(lambda: toy.processor.relay.pending == 0)
    assert await toy.outbox() == []
    sent = [msgspec.json.decode(value, type=CustomerChanged).revision for _, _, value in toy.producer.sent if value]
    assert sent == [1, 2, 3, 4, 5]
    toy.processor.stop()
    await running


async def test_a_stop_finishes_the_batch_and_empties_the_outbox(toy: Toy) -> None:
    running = asyncio.create_task(toy.processor.run(None))
    answers = await asyncio.gather(*(toy.processor.command(command(*pay(1), id=f"x{n}")) for n in range(10)))
    assert sorted(answers) == list(range(1, 11))
    toy.processor.stop()
    await running
    assert len(toy.producer.sent) == 10 and await toy.outbox() == []


async def test_a_relay_that_ends_while_its_processor_waits_for_room_ends_it(
    toy: Toy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It waited for room for ever, and looked alive."""
    monkeypatch.setattr(relay, "_MOST", 0)
    monkeypatch.setattr(pipeline, "_ROOM_SECONDS", 0.01)
    toy.producer.fails = [RuntimeError("a bug in the client")]
    running = asyncio.create_task(toy.processor.run(None))
    assert await toy.processor.command(command(*pay(1), id="x")) == 1
    with pytest.raises(RuntimeError, match="a bug in the client"):
        await asyncio.wait_for(running, 5)


async def test_an_effect_that_leaves_no_state_is_not_repeated_after_a_crash() -> None:
    """Only its position speaks of it: that must not wait for the next change."""
    done: list[list[Any]] = []

    async def effects(found: list[Any]) -> None:
        done.append(found)

    handlers = {PAID: HandlerEntry(Balance, lambda *_: Decision(None, effects=("once",)))}
    toy = Toy(App(name="toy", service="toy-service", state=Sum, handlers=handlers, effects=effects))
    await toy.open()
    for _ in range(2):
        await toy.take(toy.paid(1))
    assert done == [["once"], ["once"]] and toy.store.position.offsets["boss.events/0"] == 2


async def test_a_huge_message_waits_until_there_is_room_to_keep_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk was full: the processor ended, and met the same message at its next start."""
    fails, write = [3], dead_letter.write_whole

    def full(*args: Any) -> Path:
        fails[0] -= 1
        if fails[0] >= 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(*args)

    monkeypatch.setattr(dead_letter, "write_whole", full)
    toy = Toy(app(), keep=tmp_path / "kept", dead_letters_in_a_row=1)
    await toy.open()
    await toy.take(toy.paid(1), toy.record("boss.events", PAID, bytes(8 << 20)), toy.paid(2))
    assert toy.state().total == 3 and len(await toy.letters()) == 1
    assert len(list((tmp_path / "kept").iterdir())) == 1
