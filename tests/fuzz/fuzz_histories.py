"""Random histories of BOSS's records before customer-profile and analytics, in memory, beside a tiny model.

Records change, move from customer to customer and back, clocks leap; messages come twice, as dead letters replayed much
later, for another app, in batches of any size, and the process ends between batches. At the end every page, archive,
event, count and trace must be what the model says.

By hand: ``python tests/fuzz/fuzz_histories.py --seconds 60 --seed 7``. A fault names its seed; the same seed tells the
same.
"""

import random
import sys
import tempfile
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

sys.path.insert(0, str(Path(__file__).parents[1]))

from analytics.archive import Archive, row_of
from analytics.chain import why
from analytics.recount import differences, recount
from analytics.settings import Settings
from analytics.store import Lineage, LineageStore
from analytics.worker import lineage_app
from customer_profile import worker
from customer_profile.account import KindRecords, key
from fuzz.boss_history import MOVED, Account, Boss, Counted, Person, Told
from fuzz.doors import Fault, by_hand
from harness.one_processor import OneProcessor
from servicekit.app import App
from servicekit.clock import to_millis
from servicekit.dead_letter import REPLAY_FOR
from servicekit.envelope import Message

TODAY = datetime(2026, 11, 25, tzinfo=UTC)
_decode = msgspec.msgpack.Decoder(KindRecords).decode


class Reader:
    """An app that reads the history, some of it late. ``taken``: what it heard, in that order."""

    def __init__(self, app: App, dice: random.Random, store: Any = None) -> None:
        self.name, self._dice = app.name, dice
        self.processor = OneProcessor(app, store=store)
        self.taken: list[Told] = []
        self.log: list[Message] = []
        self._waiting: list[Message] = []
        self._late: list[Told] = []
        self._number = 0

    def hear(self, told: Told) -> None:
        """The next message: now, or as a dead letter that is replayed later; perhaps both, perhaps twice."""
        dice = self._dice
        if dice.random() < 0.1:
            self._late.append(told)
            return
        self._put(told)
        if dice.random() < 0.1:
            self._late.append(told)
        if dice.random() < 0.05:
            # Sent once more, with the number it had: dropped before anyone sees it.
            self._waiting.append(self._record(told, f"test.0.e:{self._number}"))
        if dice.random() < 0.05:
            self._waiting.append(self._record(told, None, "someone-else"))
        if self._late and dice.random() < 0.1:
            self._replay(dice.randrange(len(self._late)))

    async def read(self, last: bool = False) -> None:
        """What waits, in one batch; after it the process may end. ``last``: all letters have been replayed."""
        while last and self._late:
            self._replay(0)
        if last or self._dice.random() < 0.2:
            await self.processor.take(*self._waiting)
            self.log += self._waiting
            self._waiting = []
            if self._dice.random() < 0.1:
                await self.processor.store.close()
                await self.processor.open()

    def _put(self, told: Told) -> None:
        self._number += 1
        self._waiting.append(self._record(told, f"test.0.e:{self._number}"))
        self.taken.append(told)

    def _replay(self, at: int) -> None:
        told = self._late.pop(at)
        self._waiting.append(self._record(told, None, self.name))
        self.taken.append(told)

    def _record(self, told: Told, sequence: str | None, replay_for: str = "") -> Message:
        replay = [(REPLAY_FOR, replay_for.encode())] if replay_for else []
        record = self.processor.record(
            "boss.events",
            told.type,
            told.data,
            key=told.key,
            id=told.id,
            time=told.time,
            clock=told.clock,
            correlation=told.correlation,
            sequence=sequence,
            headers=told.headers() + replay,
        )
        stamp = self._dice.choice((-1, 0, to_millis(TODAY) + record.offset, 2**53))
        record.timestamp = stamp
        return record


async def fuzz(seed: int, *, steps: int = 300) -> Counter[str]:
    """So many facts of one history; what was told and checked. Raises ``Fault`` naming the seed."""
    dice = random.Random(seed)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        settings = Settings(service_data=folder, archive_dir=folder / "archive", kafka="-", partitions=1)
        store = LineageStore(folder / "lineage", clock=lambda: TODAY)
        readers = [
            Reader(worker.account_app(1), dice),
            Reader(worker.app(1), dice),
            Reader(lineage_app(settings), dice, store),
        ]
        for reader in readers:
            await reader.processor.open()
        boss, told = Boss(dice), Counter[str]()
        try:
            for _ in range(steps):
                for message in boss.tell():
                    told[message.type] += 1
                    for reader in readers:
                        reader.hear(message)
                for reader in readers:
                    await reader.read()
            for reader in readers:
                await reader.read(last=True)
            await _account_must_be(readers[0])
            await _archive_must_be(readers[1])
            _counts_must_be(readers[2], store, settings)
            _traces_must_lead_back(readers[2], Lineage([store]))
        except Exception as error:
            raise Fault(f"seed {seed}: {error!r}") from error
        finally:
            await store.close()
    return told


async def _nothing_dead(reader: Reader) -> None:
    letters = [m for m in await reader.processor.outbox() if m.topic.endswith(".dlq")]
    if letters:
        raise Fault(f"{reader.name}: dead letters {letters[:2]}")


async def _account_must_be(reader: Reader) -> None:
    await _nothing_dead(reader)
    model = Account()
    for told in reader.taken:
        model.hear(told)
    for customer in {told.key for told in reader.taken}:
        for list_, ids in model.page(customer).items():
            name = key(customer, list_)
            raw = (await reader.processor.store.load([name])).get(name)
            found = set() if raw is None else {fact.event_id for fact in _decode(raw).known.values()}
            if found != ids:
                raise Fault(f"{name}: {sorted(found)}, and should be {sorted(ids)}")


async def _archive_must_be(reader: Reader) -> None:
    await _nothing_dead(reader)
    people: dict[str, Person] = {}
    newest: dict[tuple[str, str], Told] = {}
    for told in reader.taken:
        kind, id_ = told.record
        if kind == "CUST":
            people.setdefault(id_, Person()).hear(told)
        elif told.record not in newest or told.newness > newest[told.record].newness:
            newest[told.record] = told
    documents = reader.processor.store.documents
    for (kind, id_), told in newest.items():
        if kind in ("UNIT", "MGR"):
            found = documents["units" if kind == "UNIT" else "managers"][id_]["name"]
            if found != told.data.name:
                raise Fault(f"{kind} {id_} is {found}, and should be {told.data.name}")
    steps: dict[str, list[str]] = {}
    for type_, event in await reader.processor.events("customer.events"):
        steps.setdefault(event.customer_id, []).append(type_.split(".")[2])
    for id_, person in people.items():
        document = documents["customers"][id_]
        found = {name: document[name] for name in (*_SHOWN, *person.fields) if document.get(name) is not None}
        if found != person.fields or steps[id_] != person.steps:
            raise Fault(f"{id_}: {found} {steps[id_]}, and should be {person.fields} {person.steps}")
        _history_must_lead_there(id_, documents)


_SHOWN = ("name", "status", "city", "plan_code", "archive", "left_on", "reason", "destination")


def _history_must_lead_there(id_: str, documents: dict[str, dict[str, Any]]) -> None:
    """Every change begins where the one before ended, and the last ends with what the document says."""
    value: dict[str, Any] = {}
    lines = [line for line in documents["history"].values() if line["customer_id"] == id_]
    for line in sorted(lines, key=lambda line: line["revision"]):
        if line["field"] in value and value[line["field"]] != line["old"]:
            raise Fault(f"{id_}: {line} follows {value[line['field']]!r}")
        value[line["field"]] = line["new"]
    if wrong := {name: v for name, v in value.items() if documents["customers"][id_].get(name) != v}:
        raise Fault(f"{id_}: the history ends with {wrong}")


def _counts_must_be(reader: Reader, store: LineageStore, settings: Settings) -> None:
    model = Counted()
    for told in reader.taken:
        model.hear(told)
    live, positions = store.counts()
    found = {(cell.day, cell.city, cell.kind): n for cell, n in live.items()}
    if found != model.cells:
        cells = found.keys() | model.cells.keys()
        wrong = {cell: pair for cell in cells if len(set(pair := (found.get(cell), model.cells.get(cell)))) > 1}
        raise Fault(f"cells (counted, should be): {wrong}")
    archive = Archive(settings.archive_dir, [0])
    archive.open()
    archive.write([row_of(message) for message in reader.log], positions)
    archive.close()
    if left := differences(live, recount(settings.archive_dir, positions, settings.service_data)):
        raise Fault(f"the archive counts otherwise: {left}")


def _traces_must_lead_back(reader: Reader, lineage: Lineage) -> None:
    """From any event to the record of BOSS; of a record that came from another customer also by the move."""
    moves = {(told.record, told.revision): told.id for told in reader.taken if told.type == MOVED}
    for told in reader.taken[:: max(1, len(reader.taken) // 60)]:
        chain = [link.id for link in why(lineage, told.id)]
        wanted = [told.correlation, told.id]
        if told.owner:
            wanted.append(moves[told.record, told.owner])
        if missing := [id_ for id_ in wanted if id_ not in chain]:
            raise Fault(f"{told.id}: {missing} is not in {chain}")


def main() -> None:
    """Entry point by hand."""
    by_hand(lambda seed: fuzz(seed, steps=1000), __doc__, "facts")


if __name__ == "__main__":
    main()
