"""Budgets of a day: counted once, held at the limit, decided anew on the next day or when the budget is raised."""

from datetime import date, timedelta
from random import Random
from typing import Any

import pytest
from msgspec.structs import replace

from alerts.notifications.budget import Ledger, counted_in, own_share
from alerts.notifications.channel.transport import SubmitOutcome
from alerts.notifications.limits import Budget, Campaign
from alerts.notifications.send_policy import SendPolicy
from alerts.notifications.state import Counted, Customer, ReadyToSend, Spent, entries
from harness.notifications_feed import BOOK, Story
from harness.one_processor import NOON
from harness.sms_life import QUICK, FakeSmsc, Process
from harness.waiting import eventually
from servicekit.memory_store import MemoryStore

DAY = date(2026, 7, 1)
CUSTOMERS = [f"c{n}" for n in range(1, 8)]


def policy(**budget: Any) -> Any:
    return replace(QUICK, budget=Budget(**budget))


# --- the ledger -------------------------------------------------------------------------------------------------------


def ready(id_: str, parts: int = 1, campaign: str = "") -> ReadyToSend:
    return ReadyToSend("c1", id_, 50, campaign=campaign, parts=parts)


def ledger(limits: Any, share: Any = lambda n: n) -> Ledger:
    return Ledger(lambda: limits, lambda: DAY, share)


def test_parts_and_fen_are_kept_to_by_whichever_is_scarcer() -> None:
    book = ledger(replace(QUICK, fen_per_part=5, budget=Budget(parts=10, fen=24)))
    assert [book.reserve(ready(f"s{n}")) for n in range(6)] == [True] * 4 + [False] * 2
    book.free("s0")
    assert book.reserve(ready("s9"))


def test_a_message_of_many_parts_needs_room_for_all() -> None:
    book = ledger(policy(parts=3))
    assert book.reserve(ready("s1", 2))
    assert not book.reserve(ready("s2", 2))
    assert book.reserve(ready("s3", 1))


def test_a_campaign_takes_from_its_own_budget_and_from_the_day_s() -> None:
    limits = replace(QUICK, budget=Budget(parts=3), campaigns={"care": Campaign(parts=1)})
    book = ledger(limits)
    assert book.reserve(ready("s1", campaign="care"))
    assert not book.reserve(ready("s2", campaign="care"))
    assert book.reserve(ready("s3")) and book.reserve(ready("s4"))
    assert not book.reserve(ready("s5"))


def test_what_a_commit_counted_is_no_longer_reserved_and_counts_once() -> None:
    book = ledger(policy(parts=2))
    assert book.reserve(ready("s1"))
    counted = Counted("s1", None, Spent(DAY, 1, 4))
    book.count([counted])
    assert [(line.campaign, line.parts, line.fen) for line in book.lines()] == [("all", 1, 4)]
    assert book.reserve(ready("s2")) and not book.reserve(ready("s3"))
    book.count([Counted("s1", Spent(DAY, 1, 4), None)])  # the SMSC took none of it
    assert book.reserve(ready("s3"))


def test_another_day_begins_anew() -> None:
    today = [DAY]
    book = Ledger(lambda: policy(parts=1), lambda: today[0])
    book.count([Counted("s1", None, Spent(DAY, 1, 4))])
    assert not book.reserve(ready("s2"))
    today[0] = DAY + timedelta(days=1)
    assert book.reserve(ready("s2"))
    assert book.lines()[0].parts == 0


def test_what_is_found_at_a_start_stays_though_the_business_clock_is_not_known_yet() -> None:
    today = [date(2030, 1, 1)]
    book = Ledger(lambda: policy(parts=2), lambda: today[0])
    book.count([Counted("s1", None, Spent(DAY, 1, 4)), Counted("s0", None, Spent(DAY - timedelta(days=30), 1, 4))])
    today[0] = DAY
    assert book.lines()[0].parts == 1
    today[0] = DAY - timedelta(days=30)
    assert book.lines()[0].parts == 0, "days long past are forgotten"


@pytest.mark.parametrize("limit", [0, 1, 2, 3, 7, 100, 101])
@pytest.mark.parametrize("workers", [1, 2, 3, 4])
def test_shares_of_all_processes_are_the_whole(limit: int, workers: int) -> None:
    shares = [own_share(4, range(first, 4, workers))(limit) for first in range(workers)]
    assert sum(shares) == limit
    assert max(shares) - min(shares) <= (limit + 3) // 4 * 2


@pytest.mark.parametrize("workers", [1, 2, 3])
@pytest.mark.parametrize("limit", [0, 3, 50, 1000])
@pytest.mark.parametrize("seed", range(5))
def test_what_stays_unused_is_bounded(limit: int, workers: int, seed: int) -> None:
    """ADR 0022: the shares of workers that held nothing, and less than a message of each that did."""
    chance, partitions, longest = Random(seed), 4, 3
    owned = [[p for p in range(partitions) if p % workers == n] for n in range(workers)]
    books = [ledger(policy(parts=limit), own_share(partitions, mine)) for mine in owned]
    used, held = [0] * workers, [False] * workers
    busy = chance.randrange(1, workers + 1)  # of some workers no customer is written to
    for n in range(2 * limit + 10):
        worker, parts = chance.randrange(busy), chance.randint(1, longest)
        if books[worker].reserve(ready(f"s{n}", parts)):
            used[worker] += parts
        else:
            held[worker] = True
    assert sum(used) <= limit
    if any(held):
        idle = sum(own_share(partitions, mine)(limit) for mine, has in zip(owned, held, strict=True) if not has)
        assert limit - sum(used) <= idle + sum(held) * (longest - 1)


def test_eighty_percent_are_said_once(caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]) -> None:
    book = ledger(policy(parts=10))
    for n in range(7):
        book.count([Counted(f"s{n}", None, Spent(DAY, 1, 4))])
    assert not book.lines()[0].is_near
    for n in range(7, 10):
        book.count([Counted(f"s{n}", None, Spent(DAY, 1, 4))])
    assert book.lines()[0].is_near
    said = capsys.readouterr()
    assert (said.out + said.err).count("sms.budget_near") == 1


def test_an_index_entry_says_what_was_counted() -> None:
    spent = Spent(DAY, 2, 8, "care")
    (entry,) = [value for index, value in entries(Customer("c1", spent={"s-1": spent})) if index == "spent"]
    assert counted_in(entry) == Counted("s-1", None, spent)


# --- what becomes of messages -----------------------------------------------------------------------------------------


async def settled(life: Process, sent: int, held: int) -> None:
    def so() -> bool:
        states = [(row["state"], row["reason"]) for row in life.store.documents["sms"].values()]
        return states.count(("sent", None)) == sent and states.count(("held", "budget")) == held

    await eventually(so, 5, 0.005)


async def test_at_the_limit_messages_are_held_and_none_is_sent_twice() -> None:
    store, smsc = MemoryStore(), FakeSmsc()
    async with Process(store, smsc, policy(parts=3)) as life:
        life.start()
        await life.complain(*CUSTOMERS)
        await settled(life, 3, 4)
        assert life.sender.pending() == 0, "kam wait does not wait for tomorrow"
        row = next(row for row in store.documents["sms"].values() if row["state"] == "held")
        assert row["hold_until"] == "2026-07-02T00:00:00+00:00", "08:00 of the next day"
    # Another process counts what the one before it has sent.
    async with Process(store, smsc, policy(parts=3)) as life:
        life.start()
        await life.complain("c9")
        await settled(life, 3, 5)
    assert len(smsc.accepted) == 3


async def test_a_raised_budget_lets_them_go() -> None:
    async with Process(MemoryStore(), FakeSmsc(), policy(parts=2)) as life:
        life.start()
        await life.complain(*CUSTOMERS)
        await settled(life, 2, 5)
        life.in_force = SendPolicy(policy(parts=6), list(BOOK.templates.values()))
        life.sender.look_at_policy()
        await settled(life, 6, 1)
    assert len(life.smsc.accepted) == 6


async def test_the_next_day_lets_them_go() -> None:
    async with Process(MemoryStore(), FakeSmsc(), policy(parts=4)) as life:
        life.start()
        await life.complain(*CUSTOMERS)
        await settled(life, 4, 3)
        await life.complain("c9", clock=NOON + timedelta(days=1))
        await settled(life, 8, 0)


async def test_what_the_smsc_did_not_take_is_not_counted() -> None:
    smsc = FakeSmsc()
    smsc.answers, smsc.status = [SubmitOutcome.REFUSED], 0x0B  # for good
    async with Process(MemoryStore(), smsc, policy(parts=1)) as life:
        life.start()
        await life.complain("c1")
        await life.until("failed")
        await life.complain("c2")
        await life.until("sent", "c2")
    assert life.ledger.lines()[0].parts == 1


async def test_room_that_nobody_needed_goes_to_who_found_none() -> None:
    smsc = FakeSmsc()
    smsc.speaks.clear()
    smsc.answers, smsc.status = [SubmitOutcome.REFUSED], 0x0B
    async with Process(MemoryStore(), smsc, policy(parts=1)) as life:
        life.start()
        await life.complain("c1")
        await eventually(lambda: len(smsc.submitted) == 1, 5, 0.005)
        await life.complain("c2")
        await eventually(lambda: life.sms("c2")["state"] == "held", 5, 0.005)
        smsc.speaks.set()
        await life.until("failed")
        await life.until("sent", "c2")


async def test_a_flood_over_the_budget_neither_blocks_nor_spins() -> None:
    customers = [f"c{n}" for n in range(1, 501)]
    async with Process(MemoryStore(), FakeSmsc(), policy(parts=10)) as life:
        await life.complain(*customers)
        life.start()
        await settled(life, 10, 490)
        await eventually(lambda: life.sender.pending() == 0, 5, 0.005)


def test_held_dunning_is_cancelled_when_it_is_paid() -> None:
    s = Story(send_policy=SendPolicy(replace(BOOK.policy, budget=Budget(parts=0)), list(BOOK.templates.values())))
    s.customer()
    s.owes(5000, "2026-03-10 10:00", "2026-03-01")
    s.tick()
    (message,) = s.may_go
    s.hold_short(message)
    assert s.states == ["reminder held budget"]
    s.pays(5000, "2026-03-10 11:00")
    assert s.states == ["reminder cancelled paid"]
