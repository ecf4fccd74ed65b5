"""TD and back: the subscriber's last word counts, whichever partition or process hears of it first."""

import itertools
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from alerts.notifications.blocked import Blocked, Said, entry_of, said_in
from alerts.notifications.channel.transport import InboundSms
from alerts.notifications.opting import on_opted_in, on_opted_out
from alerts.notifications.send_policy import seeded
from alerts.notifications.state import Customer, entries
from alerts.store import read_blocked
from contracts.alert import OptedIn, OptedOut
from harness.one_processor import NOON
from harness.sms_life import FakeSmsc, Process, phone
from harness.sms_workers import PARTITIONS, Log, Worker, customers_of
from harness.waiting import eventually
from servicekit.decision import Context
from servicekit.memory_store import MemoryDocuments, MemoryStore

NUMBER = "8613900000001"
POLICY = seeded()
WORDS = [(False, 0), (True, 1), (False, 2), (True, 3)]


def said(wants: bool, minute: int) -> OptedIn | OptedOut:
    at = NOON + timedelta(minutes=minute)
    return (OptedIn if wants else OptedOut)(phone=NUMBER, text="x", received_at=at)


def heard(words: list[tuple[bool, int]]) -> Customer | None:
    state: Customer | None = None
    for wants, minute in words:
        word = said(wants, minute)
        context = Context(NOON, f"w-{wants}-{minute}", "kam.sms.subscriber", "w")
        state = (on_opted_in if wants else on_opted_out)(POLICY, state, word, context).state  # type: ignore[arg-type]
    return state


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_in_whatever_order_words_come_the_last_one_counts(count: int) -> None:
    words = WORDS[:count]
    wants = words[-1][0]
    for order in itertools.permutations(words):
        state = heard(list(order))
        assert state is not None
        ((index, entry),) = entries(state)
        assert (index, said_in(entry, wants)) == (
            "allowed" if wants else "blocked",
            Said(NUMBER, NOON + timedelta(minutes=words[-1][1]), wants),
        )
        blocked = Blocked()
        for each, minute in order:
            blocked.hear(Said(NUMBER, NOON + timedelta(minutes=minute), each))
        assert (NUMBER in blocked) is not wants


def test_of_two_words_of_one_moment_td_counts() -> None:
    for order in itertools.permutations([(False, 0), (True, 0)]):
        blocked = Blocked()
        for wants, _ in order:
            blocked.hear(Said(NUMBER, NOON, wants))
        assert NUMBER in blocked
        state = heard(list(order))
        assert state is not None and state.contact.opted_out == NUMBER


def test_what_was_blocked_before_there_was_a_way_back() -> None:
    """By rows of the database and by states without a time."""
    blocked = Blocked(opted_out=[NUMBER])
    assert NUMBER in blocked and "8613900000002" not in blocked
    blocked.hear(said_in(entry_of(NUMBER, None), wants=False))
    assert NUMBER in blocked
    blocked.hear(Said(NUMBER, NOON, wants=True))
    blocked.hear(said_in(NUMBER, wants=False))
    assert NUMBER not in blocked


@pytest.mark.parametrize(
    ("told", "blocked"),
    [
        # (wants, minute it was told at, word), as they were told
        ([(False, 0, "a"), (True, 1, "b"), (False, 2, "a")], False),  # the same TD told again
        ([(True, 0, "a"), (False, 1, "b"), (True, 2, "a")], True),
        ([(False, 0, "a"), (True, 1, "b"), (False, 2, "c")], True),  # another one
        ([(False, 0, None), (True, 1, None), (False, 2, None)], True),  # nobody can tell: the safe side
        ([(False, 0, "a"), (True, 1, "b"), (False, 2, "a"), (True, 3, "b")], False),
        ([(False, 0, "a"), *((True, n, f"b{n}") for n in range(1, 30)), (False, 31, "b29")], False),
    ],
)
def test_a_word_that_is_told_again_is_the_same_one(told: list[tuple[bool, int, str | None]], blocked: bool) -> None:
    state: Customer | None = None
    for wants, minute, word in told:
        data = replace(said(wants, minute), word=word)
        context = Context(NOON, f"w-{minute}", "kam.sms.subscriber", "w")
        state = (on_opted_in if wants else on_opted_out)(POLICY, state, data, context).state  # type: ignore[arg-type]
    assert state is not None and (state.contact.opted_out == NUMBER) is blocked
    assert len(state.contact.words) <= 20


async def test_what_people_blocked_no_subscriber_opens() -> None:
    """Whatever they say, and after a start too: the row that people wrote stays as it is."""
    by_people = {"_id": NUMBER, "phone": NUMBER}
    store = MemoryStore()
    store.documents["blocked_numbers"] = {NUMBER: by_people}

    async def blocked() -> Blocked:
        return Blocked(*await read_blocked(MemoryDocuments(store)))

    smsc = FakeSmsc()
    for customer, words in (("c1", ("订阅",)), ("c1-one", ("TD", "订阅")), ("c1-two", ())):
        async with Process(store, smsc, numbers=await blocked()) as life:
            life.start()
            await eventually(lambda life=life: life.sender._is_open)  # type: ignore[misc]
            for word in words:
                await smsc.on_inbound(InboundSms(NUMBER, "10086", word))
                await life.hear()
            await life.complain(customer)
            assert (await life.until("suppressed", customer))["reason"] == "opted_out"
        assert store.documents["blocked_numbers"] == {NUMBER: by_people} and NUMBER in await blocked()
    word = said(False, 0)
    context = Context(NOON, "w", "kam.sms.subscriber", "w")
    assert isinstance(word, OptedOut)
    (row,) = on_opted_out(POLICY, None, word, context).writes
    store.documents["blocked_numbers"] = {"x": {"_id": "x", **(row.doc or {})}}
    legacy = await blocked()
    assert NUMBER in legacy
    legacy.hear(Said(NUMBER, NOON + timedelta(days=1), wants=True))
    assert NUMBER not in legacy, "what TD blocked, 订阅 opens"


@pytest.mark.parametrize("text", ["订阅", " dy ", "ＤＹ", "DY\n"])
async def test_sms_go_again_to_whoever_asks_for_them(text: str) -> None:
    store, smsc = MemoryStore(), FakeSmsc()
    async with Process(store, smsc) as life:
        life.start()
        await life.complain("c1")
        await life.until("sent", "c1")
        await smsc.on_inbound(InboundSms(NUMBER, "10086", "TD"))
        await life.hear()
        await life.complain("c1-one")
        assert (await life.until("suppressed", "c1-one"))["reason"] == "opted_out"
        await smsc.on_inbound(InboundSms("13900000001", "10086", text))
        await life.hear()
        assert store.documents["blocked_numbers"] == {}
        await life.complain("c1-two")
        await life.until("sent", "c1-two")
    async with Process(store, smsc) as life:
        assert NUMBER not in life.blocked
        life.start()
        await life.complain("c1-three")
        await life.until("sent", "c1-three")
        assert life.sms("c1-one")["state"] == "suppressed", "what was not sent then is not sent now"


async def test_what_one_worker_is_told_opens_the_number_at_the_other(tmp_path: Path) -> None:
    log, smsc = Log(), {"a": FakeSmsc(), "b": FakeSmsc()}
    customer = customers_of((1, 3))[0]
    number = f"86{phone(customer)}"
    async with (
        Worker(log, (0, 2), tmp_path / "a", smsc["a"]) as a,
        Worker(log, (1, 3), tmp_path / "b", smsc["b"]) as b,
    ):
        for text in ("TD", "订阅"):
            await smsc["a"].on_inbound(InboundSms(number, "10086", text))
            while await a.read() + await b.read():
                pass
        assert [len(log.records["sms.receipts", n]) for n in range(PARTITIONS)] == [2] * PARTITIONS
        assert number not in a.blocked and number not in b.blocked
    async with Worker(log, (1, 3), tmp_path / "b", smsc["b"]) as b:
        assert number not in b.blocked
        await b.complain(customer)
        await eventually(lambda: log.told(customer)[-1:] == ["sent"])
