"""A processor that adds up what is paid, as a process with a disk of its own that may die."""

import asyncio
from pathlib import Path
from typing import Any

import msgspec

from contracts.boss import Balance
from harness.memory_journal import MemoryLog
from harness.one_processor import NOON, FakeProducer
from servicekit.app import App, HandlerEntry
from servicekit.checkpoint import Checkpoints
from servicekit.decision import Context, Decision, OutgoingEvent
from servicekit.envelope import command
from servicekit.journal import Journal
from servicekit.pipeline import StreamProcessor
from servicekit.rocksdb_store import LocalStore

PAID = "kam.boss.balance.changed.v1"


class Sum(msgspec.Struct, frozen=True):
    """What was added up, and a text that makes it long."""

    total: int = 0
    text: str = ""


def on_paid(state: Sum | None, paid: Balance, context: Context) -> Decision:
    total = (state or Sum()).total + paid.balance_fen
    event = OutgoingEvent(PAID, Balance(customer_id=paid.customer_id, at=NOON, balance_fen=total), topic="boss.events")
    return Decision(Sum(total, str(total) * 30), (event,), NOON, answer=total)


ADDS = App(name="adds", service="adds", state=Sum, handlers={PAID: HandlerEntry(Balance, on_paid)})


class Process:
    """A process with a disk of its own that has the processor."""

    def __init__(self, folder: Path, log: MemoryLog, checkpoints: Path | None = None) -> None:
        self.log, self.store = log, LocalStore(folder)
        kept = None if checkpoints is None else Checkpoints(checkpoints, "adds.0")
        self.journal = Journal("adds.0", log, kept)
        self.processor = StreamProcessor(ADDS, 0, [], self.store, FakeProducer(), journal=self.journal)

    async def open(self) -> "Process":
        await self.processor.open()
        return self

    async def pay(self, customer: str, fen: int) -> Any:
        """What the process answers; it is in Kafka then."""
        order = command(PAID, customer, Balance(customer_id=customer, at=NOON, balance_fen=fen), id="order")
        future = asyncio.get_running_loop().create_future()
        await self.processor.process({}, [(order, future)])
        return await future

    async def checkpoint(self) -> int | None:
        """Take one, and cut the journal where that makes it longer than needed; where it was cut."""
        assert self.journal.checkpoints is not None
        before = await self.store.checkpoint(self.journal.checkpoints)
        if before is not None:
            await self.journal.cut(before)
        return before

    async def die(self) -> None:
        """Killed: nothing is finished, the disk stays as it is."""
        await self.store.close()
