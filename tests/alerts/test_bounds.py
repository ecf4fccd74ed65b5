"""What must not grow without end, and what must not end with its database (defects 15 and 22)."""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from prometheus_client import REGISTRY

from alerts import bootstrap, rules, store
from alerts.notifications import decision_builder, sender
from alerts.notifications.answers import Kept, KeptAnswers
from alerts.notifications.channel.transport import SubmitOutcome, SubmitResult
from alerts.notifications.composition import Watch
from alerts.notifications.send_policy import SendPolicy
from alerts.notifications.sending import Answered
from alerts.notifications.state import Forgotten
from alerts.settings import Settings
from contracts.alert import ReceiptReceived
from harness.notifications_feed import BOOK, PHONE, Story
from harness.one_processor import NOON
from harness.sms_life import FakeSmsc, Process
from harness.waiting import eventually
from servicekit.clock import iso
from servicekit.decision import Decision
from servicekit.memory_store import MemoryDocuments, MemoryStore
from servicekit.store import Batch, Transient


class Away:
    """A database that can't be reached until it is."""

    def __init__(self) -> None:
        self.away = False
        self.refused = 0

    def ask(self) -> None:
        if self.away:
            self.refused += 1
            raise Transient("no primary")


class AwayStore(MemoryStore, Away):
    def __init__(self) -> None:
        MemoryStore.__init__(self)
        Away.__init__(self)

    async def commit(self, batch: Batch) -> None:
        self.ask()
        await super().commit(batch)


class AwayRows(MemoryDocuments, Away):
    def __init__(self, *stores: MemoryStore) -> None:
        MemoryDocuments.__init__(self, *stores)
        Away.__init__(self)

    async def find(self, *args: Any, **kwargs: Any) -> Any:
        self.ask()
        return await super().find(*args, **kwargs)

    async def get(self, *args: Any) -> Any:
        self.ask()
        return await super().get(*args)


@pytest.mark.long
async def test_answers_in_hand_are_kept_while_the_database_is_away() -> None:
    """Defect 15: up to a hundred SMS in hand became unknown although the SMSC had answered."""
    customers = [f"c{n}" for n in range(1, 101)]
    stored, smsc = AwayStore(), FakeSmsc()
    smsc.speaks.clear()
    async with Process(stored, smsc) as life:
        life.start()
        await life.complain(*customers)
        await eventually(lambda: len(smsc.submitted) == 100)
        stored.away = True
        smsc.speaks.set()
        await eventually(lambda: stored.refused > 1)
        assert not life.sender_run.done()
        stored.away = False
        for customer in customers:
            await life.until("sent", customer)
    assert len(smsc.accepted) == 100


@pytest.mark.long
async def test_answers_in_hand_outlive_a_stop_while_the_database_is_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sender, "_LAST_SECONDS", 0.05)
    monkeypatch.setattr(sender, "_KEEP_SECONDS", 0.01)
    customers, kept = [f"c{n}" for n in range(1, 101)], KeptAnswers(tmp_path / "answers")
    stored, smsc = AwayStore(), FakeSmsc()
    smsc.speaks.clear()
    async with Process(stored, smsc, kept=kept) as life:
        life.start()
        await life.complain(*customers)
        await eventually(lambda: len(smsc.submitted) == 100)
        stored.away = True
        smsc.speaks.set()
        await eventually(lambda: len(kept.read()) == 100)
        life.sender_run.cancel()
        await asyncio.gather(life.sender_run, return_exceptions=True)
        life.processor_run.cancel()
    assert len(kept.read()) == 100
    (tmp_path / "answers" / "torn.json").write_text('{"customer_id')
    stored.away = False
    async with Process(stored, smsc, kept=kept) as life:
        life.start()
        for customer in customers:
            assert (await life.until("sent", customer))["parts"][0]["message_id"]
        await eventually(lambda: not kept.read())
    assert len(smsc.accepted) == 100


@pytest.mark.long
async def test_a_kept_answer_says_nothing_of_a_later_intent(tmp_path: Path) -> None:
    stored, smsc, kept = MemoryStore(), FakeSmsc(), KeptAnswers(tmp_path)
    smsc.speaks.clear()
    async with Process(stored, smsc) as life:
        life.start()
        await life.complain("c1")
        await eventually(lambda: smsc.submitted)
        (row,) = stored.documents["sms"].values()
        answered = Answered(row["sms_id"], (SubmitResult(f"{row['sms_id']}/1", SubmitOutcome.THROTTLED, None, 0x58),))
        kept.keep(Kept("c1", answered, {1: row["parts"][0]["reference"] - 1}))
    smsc.speaks.set()
    async with Process(stored, smsc, kept=kept) as life:
        life.start()
        await life.until("unknown")
        await eventually(lambda: not kept.read())
    assert len(smsc.submitted) == 1


@pytest.mark.parametrize("error", [Transient("no primary"), RuntimeError("anything")])
async def test_the_watch_job_looks_again(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    """Defect 15: the watch job ended, and the service with it."""
    looks: list[int] = []

    async def look(*_: Any) -> dict[str, int]:
        looks.append(1)
        if len(looks) < 3:
            raise error
        return {"sms_unknown": 7}

    monkeypatch.setattr(store, "count_loose_ends", look)
    watch = Watch(MemoryDocuments(MemoryStore()), every=0.01)
    watching = asyncio.create_task(watch.run())
    await eventually(lambda: watch.loose_ends == {"sms_unknown": 7})
    watching.cancel()


async def test_nothing_is_put_together_before_the_database_answers(tmp_path: Path) -> None:
    """Defect 15 at the start: it waits, and then all jobs are there with what they need."""
    rows = AwayRows(MemoryStore())
    rows.away = True
    settings = Settings(service_data=tmp_path, kafka="nowhere:1", sms_transport="file", environment="demo")
    memory = {name: lambda *_: MemoryStore() for name in ("detection_stores", "notification_stores")}
    service = bootstrap.build(settings, rows=rows, **memory)
    starting = asyncio.gather(*(prepare() for prepare in service.prepare))
    await eventually(lambda: rows.refused > 1)
    assert not service.jobs
    rows.away = False
    await starting
    jobs = [job.__qualname__ for job in service.jobs]  # type: ignore[attr-defined]
    assert jobs == ["ControlTopic.run", "Sender.run", "Watch.run", "PolicyWatch.run", "Trials.run", "HeldWatch.run"]
    assert service.freshness() == {"smsc_connected": False, "environment": "demo"} and service.pending["sms"]() == 1


def sent(hours: float) -> tuple[Story, list[Any]]:
    """A message that was accepted so long ago, and the effects of what happens to its customer next."""
    now, effects = [NOON], []

    class Listening(Story):
        def _desk_takes(self, decision: Decision) -> None:
            effects.extend(decision.effects)
            super()._desk_takes(decision)

    s = Listening(
        send_policy=SendPolicy(BOOK.policy, list(BOOK.templates.values()), system_clock=lambda: now[0])
    ).customer()
    s.complains("2026-03-10")
    s.tick()
    s.send()
    effects.clear()
    now[0] += timedelta(hours=hours)
    s.customer(name="李四")
    return s, effects


def test_a_message_without_its_receipt_leaves_the_state_after_receipt_hours() -> None:
    s, effects = sent(71)
    assert s.customer_state is not None and len(s.customer_state.messages) == 1 and not effects
    s, effects = sent(73)
    assert s.customer_state is not None and not s.customer_state.messages
    assert effects == [Forgotten(s.sms[0]["sms_id"], "sent")]
    assert s.states == ["opened sent"], "its row stays"
    s.receipt(s.sms[0]["sms_id"], "m1")
    s.complains("2026-03-14", "closed")
    assert s.states[0] == "opened sent"


def test_of_too_many_alerts_the_ended_ones_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decision_builder, "MOST_CASES", 3)
    s = Story().customer()
    for n in range(1, 7):
        s.complains(f"2026-03-1{n}", complaint_id=f"k{n}")
        s.work("opened", s.alerts()[-1].alert_id, f"w{n}")
        if n not in (1, 6):
            s.complains(f"2026-03-1{n} 11:00", "closed", complaint_id=f"k{n}")
        s.tick()
        for intent in s.send():
            s.receipt(intent.sms_id, f"m{intent.parts[0].reference}")
    assert s.customer_state is not None
    states = [s.documents["alerts"][id]["state"] for id in s.customer_state.cases]
    assert states == ["raised", "resolved", "raised"], "the oldest is still open"
    assert len(s.alert_rows) == 6, "the rows stay"


def test_payments_behind_an_arr_are_bounded_and_their_sum_is_right() -> None:
    s = Story().customer()
    s.owes(100_000, "2026-03-01")
    for n in range(510):
        s.pays(10, f"2026-03-02 {n // 60:02}:{n % 60:02}", f"p{n}")
    assert s.customer_state is not None
    assert (len(s.customer_state.debt.payments), s.customer_state.debt.due_fen) == (500, 100_000 - 5_100)


@pytest.mark.parametrize(
    ("collection", "version", "read", "still"),
    [
        ("policies", {"rate_per_second": 0}, store.read_policy, lambda policy: policy.version == BOOK.policy.version),
        ("policies", {"retry": 7}, store.read_policy, lambda policy: policy.version == BOOK.policy.version),
        ("templates", {"zh": "{id_number}"}, store.read_templates, lambda found: {t.version for t in found} == {1}),
        ("rules", {"type": "poem"}, store.read_rules, lambda rules: {r.version for r in rules.documents} == {1}),
    ],
)
async def test_a_version_that_makes_no_sense_leaves_the_one_before_in_force(
    collection: str, version: dict[str, Any], read: Any, still: Any
) -> None:
    memory = MemoryStore()
    documents: list[Any] = {
        "policies": [BOOK.policy], "templates": list(BOOK.templates.values()), "rules": rules.load().documents,
    }[collection]  # fmt: skip
    rows = [msgspec.to_builtins(document) for document in documents]
    rows.append({**rows[-1], **version, "version": 9})
    memory.documents[collection] = {f"{r['id']}@{r['version']}": {"_id": "x", **r} for r in rows}
    assert still(await read(MemoryDocuments(memory)))


async def test_unmatched_receipts_are_bounded_by_age_and_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "UNMATCHED_MOST", 10)
    memory = MemoryStore()
    kept = memory.documents["unmatched_receipts"] = {}

    def keep(name: str, **age: float) -> None:
        kept[name] = {"_id": name, "received_at": iso(NOON - timedelta(**age))}

    before = REGISTRY.get_sample_value("kam_sms_receipts_forgotten_total") or 0
    keep("old", days=31)
    for n in range(11):
        keep(f"r{n}", minutes=n)
    await store.forget_receipts(MemoryDocuments(memory), NOON)
    assert sorted(kept) == sorted(f"r{n}" for n in range(10)), "the oldest go"
    keep("r10", minutes=10)
    await store.forget_receipts(MemoryDocuments(memory), NOON)
    assert len(kept) == 11, "not each time one comes"
    assert (REGISTRY.get_sample_value("kam_sms_receipts_forgotten_total") or 0) - before == 2


async def test_counting_loads_nothing() -> None:
    class Rows(MemoryDocuments):
        async def find(self, *args: Any, **kwargs: Any) -> Any:
            raise AssertionError("documents are loaded")

        async def count(self, collection: str, where: Any = None) -> int:
            return 3

    assert await store.count_loose_ends(Rows()) == {"sms_unknown": 3, "receipts_unmatched": 3}


def test_a_receipt_in_why_stands_at_business_time() -> None:
    """Defect 32: the SMSC's receipt stood at wall time beside business times."""
    s = Story().customer()
    s.complains("2026-03-10")
    s.tick()
    (intent,) = s.send()
    told = ReceiptReceived(
        sms_id=intent.sms_id, part=1, customer_id="c1", message_id=f"m{intent.parts[0].reference}", reference=None,
        phone="86" + PHONE, state="DELIVRD", error="000", received_at=NOON,
    )  # fmt: skip
    s.hears(told)
    assert s.sms[0]["receipts"][0]["at"] == iso(s.now)
