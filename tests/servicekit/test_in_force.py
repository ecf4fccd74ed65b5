"""Documents come into force at one place of the log, however it is cut into batches and whatever dies meanwhile."""

import asyncio
import json
import random
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from contracts.boss import Balance
from contracts.documents import DocumentSwitched
from contracts.registry import SWITCH
from harness.away_store import AwayStore
from harness.memory_journal import MemoryLog
from harness.one_processor import NOON, OneProcessor, header
from servicekit.app import App, HandlerEntry
from servicekit.checkpoint import Checkpoints
from servicekit.decision import Context, Decision, Forward
from servicekit.documents.in_force import KEY, Edition, Taken
from servicekit.envelope import Message
from servicekit.journal import Journal
from servicekit.rocksdb_store import LocalStore

PAID, ASK = "kam.boss.balance.changed.v1", "kam.command.ask"
BOSS, ALERTS, WORK = "boss.events", "alert.events", "work.events"
#: an amount that breaks its handler, one that a store refuses, one that passes the word on
BROKEN, UNENCODABLE, TELL = -1, -2, -3


class Judged(msgspec.Struct, frozen=True):
    """State of the toy app: by what each message, wake-up and command was judged, in order."""

    by: tuple[Any, ...] = ()


def on_paid(state: Judged | None, paid: Balance, ctx: Context) -> Decision:
    if paid.balance_fen == BROKEN:
        raise ZeroDivisionError("a bug")
    if paid.balance_fen == UNENCODABLE:
        return Decision(Judged((object(),)))
    told = Balance(customer_id="other", at=NOON, balance_fen=1)
    forwards = (Forward("other", PAID, told),) if paid.balance_fen == TELL else ()
    judged = Judged((*(state or Judged()).by, ctx.in_force))
    return Decision(judged, timer_at=ctx.now + timedelta(days=1), forwards=forwards)


def on_ask(state: Judged | None, data: Any, ctx: Context) -> Decision:
    return Decision(state, answer=ctx.in_force)


def on_timer(state: Judged | None, ctx: Context) -> Decision:
    return Decision(Judged((*(state or Judged()).by, f"woken by {ctx.in_force}")))


def compile_(editions: Sequence[Edition]) -> str:
    """Such as ``a1 b2``: the version of each document that is in force."""
    newest = {edition.id: edition for edition in editions}
    if any("bad" in edition.document for edition in editions):
        raise ValueError("it can't be worked with")
    return " ".join(f"{e.id}{e.version}" for e in newest.values() if e.state == "active")


def toy(**fields: Any) -> App:
    handlers = {PAID: HandlerEntry(Balance, on_paid), ASK: HandlerEntry(dict, on_ask)}
    fields = {"clock_topics": (BOSS,), "documents": Taken(frozenset({"rule", "list"}), compile_), **fields}
    return App(name="toy", service="toy", state=Judged, handlers=handlers, on_timer=on_timer, **fields)


class Toy(OneProcessor):
    def paid(self, amount: int = 1, *, topic: str = BOSS, key: str = "c1") -> Message:
        return self.record(topic, PAID, Balance(customer_id=key, at=NOON, balance_fen=amount), key=key)

    def switch(
        self, number: int, version: int, id: str = "a", *, topic: str = BOSS, state: Any = "active", **more: Any
    ) -> Message:
        switched = DocumentSwitched(
            number=number,
            kind=more.get("kind", "rule"),
            document_id=id,
            version=version,
            state=state,
            document=more.get("document", {}),
            by="who",
            why="why",
            switched_at=NOON,
        )
        return self.record(topic, SWITCH, switched, key=f"document/rule/{id}", correlation=f"switch:{number}")

    def judged(self, key: str = "c1") -> tuple[Any, ...]:
        raw = self.store.states.get(key)
        return () if raw is None else msgspec.msgpack.decode(raw, type=Judged).by

    async def letters(self) -> list[str]:
        return [header(m, "dlq_reason") for m in await self.outbox() if m.topic.endswith(".dlq")]


async def opened(app: App | None = None, *topics: str, **more: Any) -> Toy:
    made = Toy(app or toy(), *topics, **more)
    await made.open()
    return made


# --- one topic --------------------------------------------------------------------------------------------------


def flow(t: Toy) -> list[Message]:
    return [t.paid(), t.switch(1, 1), t.paid(), t.paid(), t.switch(2, 2), t.switch(3, 1, "b"), t.paid()]


FLOWN = (None, "a1", "a1", "a2 b1")


@pytest.mark.parametrize("cuts", [(), (1,), (2,), (1, 2, 3, 4, 5, 6), (5,), (6,)])
async def test_a_message_is_judged_by_the_switches_before_it(cuts: tuple[int, ...]) -> None:
    t = await opened()
    records = flow(t)
    for start, end in zip((0, *cuts), (*cuts, len(records)), strict=True):
        await t.take(*records[start:end])
    assert t.judged() == FLOWN


@settings(deadline=None, max_examples=60)
@given(st.lists(st.sampled_from(["paid", "a", "b", "tell", "stop"]), max_size=25), st.randoms())
async def test_every_way_to_cut_the_log_comes_to_the_same_store(what: list[str], chance: random.Random) -> None:
    digests = set()
    for whole in (True, False):
        t = await opened()
        records = []
        for n, each in enumerate(what, 1):
            if each in ("paid", "tell"):
                records.append(t.paid(TELL if each == "tell" else 1))
            else:
                records.append(
                    t.switch(n, n, "b" if each == "b" else "a", state="stopped" if each == "stop" else "active")
                )
        cuts = [] if whole else sorted(chance.sample(range(len(records)), k=chance.randint(0, len(records))))
        for start, end in zip((0, *cuts), (*cuts, len(records)), strict=True):
            await t.take(*records[start:end])
            if not whole and chance.random() < 0.3:
                await t.open()
        digests.add(repr(sorted(t.store.states.items())))
    assert len(digests) == 1


async def test_a_switch_that_was_seen_is_passed_over() -> None:
    t = await opened()
    await t.take(t.switch(1, 1), t.switch(2, 2))
    before = dict(t.store.states)
    await t.take(t.switch(2, 2), t.switch(1, 1), t.paid())
    assert t.judged() == ("a2",) and t.store.states[KEY] == before[KEY]


async def test_what_cannot_be_worked_with_is_a_dead_letter_and_the_version_before_stays() -> None:
    t = await opened()
    bad = [t.switch(2, 2, document={"bad": 1}), t.record(BOSS, SWITCH, b"[]"), t.record(BOSS, SWITCH, b'{"number":0}')]
    await t.take(t.switch(1, 1), *bad, t.paid(), t.switch(3, 3), t.paid())
    assert t.judged() == ("a1", "a3")
    assert len(await t.letters()) == 3 and "it can't be worked with" in (await t.letters())[0]


def body(number: int = 1, **more: Any) -> bytes:
    plain = {"kind": "rule", "document_id": "a", "version": 1, "state": "active", "document": {}, "by": "x", "why": "y"}
    return json.dumps({"number": number, **plain, "switched_at": "2026-07-01T00:00:00Z", **more}).encode()


@pytest.mark.parametrize(
    "raw",
    [
        body(10**30),
        body(1 << 53),
        body(1 << 40),
        body(1_900_000_000),
        body(1 << 37, switched_at="9000-01-01T00:00:00Z"),
        body(switched_at="0001-01-01T00:00:00+12:00"),
        body(switched_at="9999-12-31T23:59:59-12:00"),
        body(document={"x": 10**30}),
        b'{"document":{"a":' + b"[" * 5000 + b"]" * 5000 + b"}}",
    ],
)
async def test_a_switch_is_taken_whole_or_not_at_all(raw: bytes) -> None:
    t = await opened(toy(forward_clock_to=ALERTS), clock_bound=lambda: NOON)
    await t.take(t.record(BOSS, SWITCH, raw, key="document/rule/a"))
    assert len(await t.letters()) == 1 and KEY not in t.store.states and not await t.events(ALERTS)
    await t.take(t.switch(5, 5), t.paid())
    assert t.judged() == ("a5",), "no number is so great that those after it are passed over"
    assert len(await t.events(ALERTS)) == 1


def replayed(message: Message) -> Message:
    message.headers["kam-replay-for"] = b"toy"
    return message


async def test_a_dead_letter_that_is_replayed_is_taken_at_its_number() -> None:
    app = toy(forward_clock_to=ALERTS)
    t = await opened(app)
    await t.take(t.switch(1, 1, document={"bad": 1}), t.switch(2, 2, "b"), t.switch(4, 4, "c"))
    await t.take(replayed(t.switch(1, 1)), t.paid())
    assert t.judged() == ("a1 b2 c4",) and t.processor.committer.shelf.reached == 4
    await t.take(replayed(t.switch(1, 1)), replayed(t.switch(2, 9, "b")), t.switch(3, 3), t.paid())
    assert t.judged()[-1] == "a1 b2 c4", "once, and what is no replay is passed over"
    assert len(await t.events(ALERTS)) == 3
    await t.open()
    assert t.processor.committer.shelf.least() == "a1 b2 c4"


async def test_a_batch_that_is_taken_apart_begins_with_the_old_set_again() -> None:
    t = await opened()
    await t.take(t.switch(1, 1))
    await t.take(t.paid(), t.switch(2, 2), t.paid(UNENCODABLE, key="other"), t.paid())
    assert t.judged() == ("a1", "a2") and len(await t.letters()) == 1


async def test_a_commit_that_fails_leaves_the_old_set_in_force() -> None:
    store = AwayStore()
    t = await opened(store=store)
    store.away = True
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await t.take(t.switch(1, 1))
    assert t.processor.committer.shelf.least() is None


async def test_commands_wake_ups_and_words_between_keys_are_judged_by_what_holds() -> None:
    t = await opened()
    assert await t.take(commands=[(ASK, "nobody", {})]) == [None]
    await t.take(t.paid(), t.switch(1, 1), t.paid(TELL))
    assert await t.take(t.switch(2, 2), commands=[(ASK, "nobody", {})]) == ["a2"]
    await t.take(t.switch(3, 3), t.tick(BOSS, 1, NOON + timedelta(days=2)), t.switch(4, 4))
    assert t.judged() == (None, "a1", "woken by a3") and t.judged("other") == ("a1", "woken by a3")


async def test_a_leap_that_wakes_many_wakes_them_by_what_stands_before_its_tick() -> None:
    t = await opened()
    await t.take(*(t.paid(key=f"c{n}") for n in range(600)))
    await t.take(t.switch(1, 1), t.tick(BOSS, 1, NOON + timedelta(days=2)), t.paid(key="c7"), t.switch(2, 2))
    assert t.judged("c7") == (None, "woken by a1", "a1") and t.judged("c599") == (None, "woken by a1")


async def test_other_kinds_change_nothing_and_go_on() -> None:
    t = await opened(toy(forward_clock_to=ALERTS))
    await t.take(t.switch(1, 1, kind="template"), t.paid())
    assert t.judged() == (None,) and len(await t.events(ALERTS)) == 1


async def test_an_app_without_documents_skips_them() -> None:
    t = await opened(toy(documents=None))
    await t.take(t.switch(1, 1), t.paid())
    assert t.judged() == (None,) and KEY not in t.store.states and not await t.letters()


async def test_on_a_topic_that_carries_none_nobody_switches() -> None:
    t = await opened(None, BOSS, WORK)
    await t.take(t.switch(1, 1, topic=WORK), t.paid(topic=WORK))
    assert t.judged() == (None,)
    await t.take(t.switch(1, 1), t.paid(topic=WORK))
    assert t.judged() == (None, "a1")


# --- what stays -------------------------------------------------------------------------------------------------


async def test_it_is_in_force_after_a_restart() -> None:
    t = await opened()
    await t.take(t.switch(1, 1))
    await t.open()
    await t.take(t.paid())
    assert t.judged() == ("a1",)


@pytest.mark.parametrize("has_checkpoint", [False, True])
async def test_it_is_in_force_on_a_new_disk(has_checkpoint: bool, tmp_path: Path) -> None:
    log, kept = MemoryLog(), Checkpoints(tmp_path / "checkpoints", "toy.0")
    t = await opened(store=LocalStore(tmp_path / "a"), journal=Journal("toy.0", log, kept))
    await t.take(t.paid(), t.switch(1, 1), t.paid())
    if has_checkpoint:
        await t.store.checkpoint(kept)
        await t.take(t.paid())
        if (before := await t.store.checkpoint(kept)) is not None:
            await t.processor.journal.cut(before)  # type: ignore[union-attr]
    kept_there = await t.store.load([KEY])
    await t.store.close()
    again = Toy(t.app, store=LocalStore(tmp_path / "b"), journal=Journal("toy.0", log, kept))
    await again.open()
    assert await again.store.load([KEY]) == kept_there and again.processor.committer.shelf.least() == "a1"
    await again.store.close()


@pytest.mark.parametrize("how", ["state", "document", "together"])
async def test_what_this_release_cannot_read_is_left_out_and_said(how: str) -> None:
    t = await opened()
    await t.take(t.switch(1, 1), t.switch(2, 2, "b"), t.switch(3, 3, "c"))
    kept = msgspec.msgpack.decode(t.store.states[KEY])
    kept[0][1][4 if how == "state" else 5] = "paused" if how == "state" else {"bad": 1}
    t.store.states[KEY] = later = msgspec.msgpack.encode(kept)

    def read(edition: Edition) -> Any:
        if "bad" in edition.document:
            raise KeyError("what is it?")
        return edition.document

    again = Toy(toy(documents=Taken(frozenset({"rule"}), compile_, **({} if how == "together" else {"read": read}))))
    again.store.states[KEY] = later
    with capture_logs() as logs:
        await again.open()
    (said,) = [each for each in logs if each["event"] == "switch.left_out"]
    assert (said["log_level"], said["document"], said["version"]) == ("error", "rule/b", 2)
    assert again.processor.committer.shelf.least() == "a1 c3"
    await again.take(again.switch(4, 4), again.paid())
    assert again.judged() == ("a4 c3",)
    assert msgspec.msgpack.decode(again.store.states[KEY])[0][1] == kept[0][1], "for the release that can read it"


# --- several topics ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fast", [BOSS, ALERTS])
async def test_two_topics_at_different_speeds_are_each_judged_by_their_own_place(fast: str) -> None:
    t = await opened(toy(clock_topics=(BOSS, ALERTS)), BOSS, ALERTS)
    lanes = {
        topic: [t.paid(topic=topic, key=topic), t.switch(1, 1, topic=topic), t.paid(topic=topic, key=topic),
                t.switch(2, 2, topic=topic), t.paid(topic=topic, key=topic)]
        for topic in (BOSS, ALERTS)
    }  # fmt: skip
    slow = ALERTS if fast == BOSS else BOSS
    await t.take(*lanes[fast])
    assert await t.take(commands=[(ASK, "nobody", {})]) == [None], "the other has not come to any"
    await t.take(*lanes[slow][:3])
    assert await t.take(commands=[(ASK, "nobody", {})]) == ["a1"]
    await t.take(*lanes[slow][3:])
    assert t.judged(BOSS) == t.judged(ALERTS) == (None, "a1", "a2")
    assert await t.take(commands=[(ASK, "nobody", {})]) == ["a2"]


async def test_it_goes_on_once_behind_what_came_before_it_on_the_same_partition() -> None:
    t = await opened(toy(forward_clock_to=ALERTS, partitions=4), ordinal=3)
    await t.take(t.tick(BOSS, 1, NOON), t.switch(1, 1), t.tick(BOSS, 2, NOON))
    await t.take(t.switch(1, 1))
    sent = [m for m in await t.outbox() if m.topic == ALERTS]
    assert [header(m, "ce_type") for m in sent[:2]] == ["kam.clock.ticked.v1", SWITCH]
    (forwarded,) = [m for m in sent if header(m, "ce_type") == SWITCH]
    assert forwarded.partition == 3 and header(forwarded, "ce_correlationid") == "switch:1"
    assert header(forwarded, "ce_causationid") == "boss.events-1" and forwarded.key == b"document/rule/a"
