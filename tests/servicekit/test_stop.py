"""A service that is told to stop ends in time, whatever it waits for: supervisors kill after ten seconds."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from aiokafka.errors import KafkaConnectionError

from harness.adds import ADDS, Process
from harness.memory_journal import MemoryLog
from harness.waiting import eventually
from servicekit import service as service_module
from servicekit.app import App
from servicekit.envelope import Message, OutgoingMessage, command
from servicekit.journal import Journal
from servicekit.memory_store import MemoryStore
from servicekit.pipeline import StreamProcessor
from servicekit.rocksdb_store import LocalStore
from servicekit.service import Service
from servicekit.settings import ServiceSettings
from servicekit.store import Batch, Position, Transient
from servicekit.unit_of_work import UnitOfWork

pytestmark = pytest.mark.long


class Away(MemoryStore):
    """A database that can't be reached, from its opening or from its first commit on."""

    from_start = True

    async def open(self) -> Position:
        if self.from_start:
            raise Transient("away")
        return await super().open()

    async def commit(self, batch: Batch) -> None:
        raise Transient("away")


class Writes(StreamProcessor):
    async def transact(self, messages: Sequence[Message], commands: Sequence[Any]) -> None:
        work = UnitOfWork(self.committer)
        work.send(OutgoingMessage("t", 0, b"k", b"v", []))
        await self.committer.commit(work)


class Unconnected:
    async def start(self) -> None:
        return None

    async def publish(self, messages: list[OutgoingMessage]) -> None:
        raise KafkaConnectionError("away")

    stop = start


def service(tmp_path: Path, store: MemoryStore) -> Service:
    made = Service("toy", ServiceSettings(service_data=tmp_path, kafka="127.0.0.1:1", partitions=1))
    made.publisher = Unconnected()  # type: ignore[assignment]
    made.consume(
        App(name="toy", service="toy", state=int, handlers={}),
        [],
        lambda app, ordinal: store,
        make_processor=Writes,
    )
    return made


async def test_a_start_that_waits_for_the_database_can_be_stopped(tmp_path: Path) -> None:
    stopping = asyncio.Event()
    running = asyncio.create_task(service(tmp_path, Away()).run(stopping))
    await asyncio.sleep(0)
    stopping.set()
    await asyncio.wait_for(running, 5)


async def test_a_start_says_how_far_it_is_with_rebuilding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log, stopping = MemoryLog(), asyncio.Event()
    before = await Process(tmp_path / "before", log).open()
    for _ in range(5):
        await before.pay("c1", 1)
    await before.die()
    monkeypatch.setattr(service_module, "KafkaJournal", lambda *_: log)
    toy, said = service(tmp_path, LocalStore(tmp_path / "empty")), []  # type: ignore[arg-type]
    toy._apps[0] = (ADDS, *toy._apps[0][1:-1], StreamProcessor)
    apply = Journal._apply

    async def watched(*given: Any) -> None:
        said.append(toy.ready())
        await apply(*given)

    monkeypatch.setattr(Journal, "_apply", watched)
    assert toy.ready() == (False, "starting")
    running = asyncio.create_task(toy.run(stopping))
    await eventually(lambda: toy.ready()[0])
    assert said[0] == (False, "rebuilding adds.0: checkpoint 0 KiB, journal 2 of 6")
    assert len(said) == len(set(said)) == 5
    stopping.set()
    await running


async def test_a_batch_that_waits_for_the_database_does_not_hold_up_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service_module, "PATIENCE_SECONDS", 0.05)
    store = Away()
    store.from_start = False
    toy, stopping = service(tmp_path, store), asyncio.Event()
    running = asyncio.create_task(toy.run(stopping))
    await eventually(lambda: toy.ready()[0])
    asked = asyncio.create_task(toy.processors[0].command(command("x", "k", None, id="1")))
    await eventually(lambda: toy.processors[0].settle()["busy"] and not toy.processors[0].commands.waiting)
    stopping.set()
    await asyncio.wait_for(running, 5)
    with pytest.raises(Exception, match="stopping"):
        await asked


def test_sigterm_ends_a_process_whose_broker_never_was_there(tmp_path: Path) -> None:
    code = """
from servicekit.service import Service, serve
from servicekit.settings import ServiceSettings
import sys
serve(Service("toy", ServiceSettings(service_data=sys.argv[1], kafka="127.0.0.1:1")))
"""
    with subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], env=os.environ, stderr=subprocess.PIPE) as toy:
        assert toy.stderr is not None
        while b"Unable connect" not in toy.stderr.readline():
            assert toy.poll() is None
        began = time.monotonic()
        toy.send_signal(signal.SIGTERM)
        assert toy.wait(9) == 0
        assert time.monotonic() - began < 8
        toy.stderr.close()
