"""Budgets of a day: counted once, held at the limit, decided anew on the next day or when the budget is raised."""

import asyncio
from datetime import date, timedelta
from random import Random
from typing import Any

import pytest
from msgspec.structs import replace

from alerts.notifications.budget import Ledger, counted_in, own_share
from alerts.notifications.channel.transport import SubmitOutcome, SubmitResult
from alerts.notifications.limits import Budget, Campaign
from alerts.notifications.send_policy import SendPolicy
from alerts.notifications.sending import Intent
from alerts.notifications.state import Counted, Customer, ReadyToSend, Spent, entries
from harness.notifications_feed import BOOK, Story
from harness.one_processor import NOON
from harness.sms_life import QUICK, FakeSmsc, Process
from harness.waiting import eventually
from servicekit.memory_store import MemoryStore
from servicekit.store import Batch

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


# --- what a message counts for ----------------------------------------------------------------------------------------

LONG = [
    replace(t, en="Dear {name}, " + "x" * 300, provider_ids={"http": "SMS_1"}) if t.kind == "complaint_opened" else t
    for t in BOOK.templates.values()
]


def counted(s: Story) -> tuple[int, int, int]:
    """Parts and fen that the day's budget has it for, and how many messages the day's cap."""
    state = s.customer_state
    assert state is not None
    spent = [(spent.parts, spent.fen) for spent in state.spent.values()]
    return sum(parts for parts, _ in spent), sum(fen for _, fen in spent), len(state.sent_on)


def tried(*answers: tuple[str, ...], status: int | None = 0x0B, channel: str = "smpp") -> tuple[Story, Intent]:
    """A message of three parts, and the answers to its intent, one after another: of each part."""
    policy = replace(BOOK.policy, fen_per_part=5, channels={"any": (channel,)})
    s = Story(send_policy=SendPolicy(policy, LONG, configured=("smpp", "http")))
    s.customer(language="en", name="Ann")
    s.complains("2026-03-10")
    s.tick()
    (intent,) = s.intend()
    for outcomes in answers:
        s.answer(intent, *outcomes, status=status)
    return s, intent


@pytest.mark.parametrize(
    ("answers", "status", "parts", "capped"),
    [
        ([], None, 3, 1),
        ([("accepted",)], 0, 3, 1),
        ([("unknown",)], None, 3, 1),  # who knows
        # surely nothing was taken
        ([("refused",)], 0x0B, 0, 0),
        ([("throttled",)], 0x58, 0, 0),
        ([("not_written",)], None, 0, 0),
        ([("refused", "throttled")], 0x0B, 0, 0),
        # some of it may have been: what surely was not counts no more, once it has failed
        ([("accepted", "refused", "refused")], 0x0B, 1, 1),
        ([("accepted", "accepted", "refused")], 0x0B, 2, 1),
        ([("refused", "unknown", "refused")], 0x0B, 1, 1),
        ([("accepted", "refused", "throttled")], 0x0B, 1, 1),  # the rest of what has failed does not go
        ([("refused", "throttled", "unknown")], 0x0B, 1, 1),
        # or as long as its rest goes on
        ([("accepted", "throttled", "throttled")], 0x58, 3, 1),
        ([("unknown", "throttled", "throttled")], 0x58, 3, 1),
        # answers that come late
        ([("unknown",), ("refused",)], 0x0B, 0, 0),
        ([("unknown",), ("throttled",)], 0x58, 0, 0),
        ([("throttled", "unknown", "unknown"), ("throttled",)], 0x58, 0, 0),
        ([("throttled", "unknown", "unknown"), ("refused",)], 0x0B, 0, 0),
        ([("refused", "unknown", "unknown"), ("refused",)], 0x0B, 0, 0),
        ([("refused", "unknown", "unknown"), ("refused", "accepted", "refused")], 0x0B, 1, 1),
        ([("unknown",), ("accepted",)], 0, 3, 1),
    ],
)
def test_what_may_have_been_taken_counts_and_what_surely_was_not_does_not(
    answers: list[tuple[str, ...]], status: int | None, parts: int, capped: int
) -> None:
    s, _ = tried(*answers, status=status)
    assert counted(s) == (parts, parts * 5, capped)


@pytest.mark.parametrize(("answer", "parts"), [("accepted", 3), ("unknown", 3), ("refused", 0), ("throttled", 0)])
def test_as_one_for_a_provider_it_counts_whole(answer: str, parts: int) -> None:
    s, _ = tried((answer,), channel="http")
    assert s.sms[0]["channel"] == "http" and counted(s)[0] == parts


@pytest.mark.parametrize("state", ["UNDELIV", "DELIVRD"])
@pytest.mark.parametrize("message_id", ["m9", ""])
def test_who_tells_of_a_part_has_had_it(state: str, message_id: str) -> None:
    s, intent = tried(("unknown",))
    s.receipt(s.sms[0]["sms_id"], message_id, state, 1)
    assert counted(s)[0] == 3
    s.answer(intent, "refused", status=0x0B)
    assert counted(s)[0] == 1


def test_tried_again_it_counts_once() -> None:
    s, _ = tried(("throttled", "unknown", "unknown"), ("throttled",), status=0x58)
    s.send()
    assert s.states == ["opened sent"] and counted(s) == (3, 15, 1)


def test_the_rest_that_is_stopped_counts_no_more() -> None:
    s, _ = tried(("accepted", "throttled", "throttled"), status=0x58)
    s.opts_out()
    s.intend()
    assert s.states == ["opened failed opted_out"] and counted(s)[0] == 1


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


async def test_what_is_tried_again_takes_no_room_besides_its_own() -> None:
    """Some of it throttled, some of it unknown, and then that it was not taken either: it is counted once, and nothing
    stays reserved."""
    smsc = FakeSmsc()
    smsc.answers, smsc.status = [SubmitOutcome.THROTTLED, SubmitOutcome.UNKNOWN, SubmitOutcome.UNKNOWN], 0x58
    patient = replace(policy(parts=3), retry=replace(QUICK.retry, first_seconds=0.2))
    async with Process(MemoryStore(), smsc, patient, templates=LONG) as life:
        life.start()
        await life.complain("c1")
        await eventually(lambda: life.sms()["reason"] == "throttled", 5, 0.005)
        for part in smsc.submitted[1:]:
            await smsc.on_late_answer(SubmitResult(part.part_id, SubmitOutcome.THROTTLED, None, 0x58))  # type: ignore[misc]
        await life.until("sent")
        assert (life.ledger.lines()[0].parts, life.ledger._reserved) == (3, {})
    assert len(smsc.accepted) == 3


async def test_room_that_is_given_back_late_goes_to_who_found_none() -> None:
    smsc = FakeSmsc()
    smsc.answers, smsc.status = [SubmitOutcome.UNKNOWN], 0x0B
    async with Process(MemoryStore(), smsc, policy(parts=1)) as life:
        life.start()
        await life.complain("c1")
        await life.until("unknown")
        await life.complain("c2")
        await eventually(lambda: life.sms("c2")["state"] == "held", 5, 0.005)
        late = SubmitResult(smsc.submitted[0].part_id, SubmitOutcome.REFUSED, None, 0x0B)
        await smsc.on_late_answer(late)  # type: ignore[misc]
        await life.until("sent", "c2")


async def test_room_that_comes_while_a_message_is_being_held_is_not_missed() -> None:
    class Slow(MemoryStore):
        """The hold is written when it may be."""

        may = asyncio.Event()

        async def commit(self, batch: Batch) -> None:
            if any(value == b"kam.sms.held.v1" for _, m in batch.outbox for _, value in m.headers):
                await self.may.wait()
            await super().commit(batch)

    store, smsc = Slow(), FakeSmsc()
    async with Process(store, smsc, policy(parts=1)) as life:
        life.start()
        await life.complain("c1")
        await life.until("sent")
        await life.complain("c2")
        await eventually(lambda: life.sender._holding, 5, 0.005)
        life.ledger._counted.clear()  # what was counted is given back
        life.sender.look_at_budget(1)
        store.may.set()
        await eventually(lambda: len(smsc.accepted) == 2, 5, 0.005)


async def test_a_budget_that_was_raised_while_nobody_was_there_lets_them_go() -> None:
    store, smsc = MemoryStore(), FakeSmsc()
    async with Process(store, smsc, policy(parts=1)) as life:
        life.start()
        await life.complain("c1", "c2", "c3")
        await settled(life, 1, 2)
    async with Process(store, smsc, policy(parts=2)) as life:
        life.start()
        await settled(life, 2, 1)


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
