"""Defect 15: answers of the SMSC that wait for the database outlive the process."""

import asyncio
from pathlib import Path

import pytest

from alerts.notifications import sender
from alerts.notifications.answers import Kept, KeptAnswers
from alerts.notifications.channel.transport import SubmitOutcome, SubmitResult
from alerts.notifications.sending import Answered
from harness.sms_life import FakeSmsc, Process
from harness.waiting import eventually
from servicekit.memory_store import MemoryStore
from servicekit.store import Batch, Transient


class Database(MemoryStore):
    """``away``: it takes nothing just now."""

    away = False

    async def commit(self, batch: Batch) -> None:
        if self.away:
            raise Transient("away")
        await super().commit(batch)


def files(folder: Path) -> list[Path]:
    return list(folder.iterdir())


async def dies_with_an_answer(
    store: Database, smsc: FakeSmsc, kept: KeptAnswers, folder: Path, outcome: SubmitOutcome
) -> None:
    """The SMSC answers while the database is away, and the process is killed before it comes back."""
    async with Process(store, smsc, kept=kept) as life:
        life.start()
        smsc.speaks.clear()
        smsc.answers.append(outcome)
        await life.complain("c1")
        await eventually(lambda: smsc.submitted)
        store.away = True
        smsc.speaks.set()
        await eventually(lambda: files(folder))
        for task in (life.sender_run, life.processor_run, *life.sender._tasks):
            task.cancel()
        await asyncio.gather(life.sender_run, life.processor_run, return_exceptions=True)
    store.away = False


@pytest.mark.parametrize("outcome", [SubmitOutcome.ACCEPTED, SubmitOutcome.THROTTLED])
async def test_the_next_process_hears_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, outcome: SubmitOutcome
) -> None:
    monkeypatch.setattr(sender, "_KEEP_SECONDS", 0.02)
    monkeypatch.setattr(sender, "_LAST_SECONDS", 0.02)
    store, smsc, kept = Database(), FakeSmsc(), KeptAnswers(tmp_path)
    await dies_with_an_answer(store, smsc, kept, tmp_path, outcome)
    (file,) = files(tmp_path)
    told = file.read_bytes()
    async with Process(store, smsc, kept=kept) as life:
        assert life.sms()["state"] == "sending"
        life.start()
        row = await life.until("sent")
        assert row["parts"][0]["message_id"] == "m1"
        await eventually(lambda: not files(tmp_path))
    assert len(smsc.accepted) == 1
    # The process died between the commit and the end of the file, or a folder was brought back: it is old news.
    file.write_bytes(told)
    async with Process(store, smsc, kept=kept) as life:
        life.start()
        await eventually(lambda: not files(tmp_path) and life.sender.pending() == 0)
        assert life.sms() == row
    assert len(smsc.accepted) == 1


@pytest.mark.parametrize("outcome", [SubmitOutcome.ACCEPTED, SubmitOutcome.THROTTLED])
async def test_answers_that_find_their_processor_ended_are_heard_by_the_next_process(
    tmp_path: Path, outcome: SubmitOutcome
) -> None:
    """It was fenced, or an error ended it: nobody takes the answer any more."""
    store, smsc, kept = MemoryStore(), FakeSmsc(), KeptAnswers(tmp_path)
    smsc.speaks.clear()
    smsc.answers.append(outcome)
    async with Process(store, smsc, kept=kept) as life:
        life.start()
        await life.complain("c1")
        await eventually(lambda: smsc.submitted)
        await MemoryStore(same_as=store).open()
        smsc.speaks.set()
        await eventually(lambda: life.processor_run.done())
    async with Process(MemoryStore(same_as=store), smsc, kept=kept) as life:
        life.start()
        assert (await life.until("sent"))["parts"][0]["message_id"] == "m1"
    assert (len(smsc.accepted), files(tmp_path)) == (1, [])


async def test_a_part_that_waited_while_its_processor_ended_was_surely_not_written(tmp_path: Path) -> None:
    store, smsc, kept = MemoryStore(), FakeSmsc(), KeptAnswers(tmp_path)
    smsc.has_room.clear()
    clocks: dict[str, float] = {"now": 0.0}
    async with Process(store, smsc, kept=kept, ticking=lambda: clocks["now"]) as life:
        life.start()
        await life.complain("c1")
        await eventually(lambda: life.sms()["state"] == "sending")
        clocks["now"] += 3.0  # its intent is to be confirmed
        await MemoryStore(same_as=store).open()
        smsc.has_room.set()
        await eventually(lambda: life.processor_run.done())
    async with Process(MemoryStore(same_as=store), smsc, kept=kept) as life:
        life.start()
        await life.until("sent")
    assert len(smsc.accepted) == 1


async def test_what_can_t_be_read_or_is_nobody_s_stops_nothing_and_does_not_gather(tmp_path: Path) -> None:
    kept = KeptAnswers(tmp_path)
    answer = SubmitResult("none/1", SubmitOutcome.ACCEPTED, "m9", 0)
    kept.keep(Kept("c9", Answered("none", (answer,)), {1: 7}))
    (tmp_path / "torn.json").write_bytes(b'{"customer_id":')
    async with Process(MemoryStore(), FakeSmsc(), kept=kept) as life:
        life.start()
        await life.complain("c1")
        await life.until("sent")
    assert [path.name for path in files(tmp_path)] == ["torn.json"]


def test_an_answer_is_whole_on_disk_or_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = KeptAnswers(tmp_path)
    monkeypatch.setattr("os.fsync", full)
    kept.keep(Kept("c1", Answered("s1", ()), {}))
    assert kept.read() == [] and not [file for file in files(tmp_path) if file.suffix == ".json"]


def full(_: int) -> None:
    raise OSError(28, "No space left on device")


def test_a_file_that_is_no_text_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(b'{"customer_id": "\xff"}')
    assert KeptAnswers(tmp_path).read() == [] and len(files(tmp_path)) == 1
