"""A careless or hostile BOSS at the doors of billing-sync, HTTP and ``boss.feed``, with the intake in memory.

Whatever comes is taken (and published, or unchanged, stale, a duplicate) or refused with a reason, told on
``feed.events`` and, from Kafka, kept in the dead letters; what is published keeps its contract; the next ordinary event
passes; nothing stops the intake.

By hand: ``python tests/fuzz/fuzz_feed.py --seconds 60 --seed 7``. A fault names its seed; the same seed sends the same.
"""

import asyncio
import json
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
from aiokafka import TopicPartition

sys.path.insert(0, str(Path(__file__).parents[1]))

from billing_sync.bootstrap import build
from billing_sync.domain.kinds import FEED_KINDS
from billing_sync.intake import Intake
from billing_sync.settings import Settings
from contracts.registry import EVENTS
from fuzz.careless_boss import FEED, JSON, MARK, SECRET, TOKENS, Boss
from fuzz.doors import Fault, ask, by_hand
from harness.intake import NOW, Producer, running
from servicekit.envelope import Message, OutgoingMessage
from servicekit.kafka import partition_of
from servicekit.memory_store import MemoryStore

MOVED = "kam.boss.record.moved.v1"
DEAD = "boss.feed.billing-sync.dlq"
_DECODERS = {name: msgspec.json.Decoder(event.payload).decode for name, event in EVENTS.items()}
_ANSWERS = {200, 202, 400, 401, 403, 404, 405, 409, 413, 415, 422}


class Doors:
    """The intake behind its doors, and what must hold whatever came in."""

    _intake: Intake
    _app: Any

    def __init__(self, folder: Path, producer: Producer) -> None:
        self._folder, self._producer = folder, producer
        self._offset = self._ordinary = self._looked = 0
        self._ids: set[str] = set()
        self._owners: dict[str, str] = {}
        self.outcomes: Counter[str] = Counter()

    def opened(self, intake: Intake, app: Any) -> None:
        """The service came up, for the first time or again over the same store."""
        self._intake, self._app = intake, app

    async def over_kafka(self, records: list[Callable[[int], Message]]) -> None:
        """A batch of records. Raises ``Fault``."""
        made = [make(self._offset + n) for n, make in enumerate(records)]
        self._offset += len(made)
        await self._intake.process({self._intake.inputs[0]: made})
        sent = await self._sent()
        if self._intake.position.offsets.get(f"{FEED}/0") != self._offset:
            raise Fault(f"{made} -> position {self._intake.position.offsets}")
        letters = {int(dict(m.headers)["dlq_offset"]): m for m in sent if m.topic == DEAD}
        told = [m for m in sent if m.topic == "feed.events"]
        if len(letters) != len(told):
            raise Fault(f"{made} -> {len(letters)} dead letters, {len(told)} told")
        for record in made:
            if record.offset in letters:
                self._must_be_kept(record, letters[record.offset])
        self.outcomes["kafka rejected"] += len(told)
        self.outcomes["kafka taken or skipped"] += len(made) - len(told)

    def _must_be_kept(self, record: Message, letter: OutgoingMessage) -> None:
        headers = dict(letter.headers)
        kept: bytes | None = letter.value
        if "dlq_truncated" in headers:
            kept = (self._folder / headers["dlq_sha256"].decode()).read_bytes()
            if sha256(kept).hexdigest() != headers["dlq_sha256"].decode():
                raise Fault(f"{record.offset} is kept with another digest")
        if (kept or b"") != (record.body or b"") or letter.value is letter.key is None:
            raise Fault(f"{record} -> its dead letter is {letter}")
        _must_be_said(headers["dlq_reason"].decode(), str(record)[:500])

    async def over_http(self, request: dict[str, Any]) -> None:
        """One request. Raises ``Fault``."""
        status, body = await ask(self._app, request, MARK)
        if status not in _ANSWERS:
            raise Fault(f"{request} -> {status} {body[:300]!r}")
        self.outcomes[f"http {status}"] += 1
        told = [m for m in await self._sent() if m.topic == "feed.events"]
        answered = json.loads(body) if status == 202 and request["path"] == "/v1/events" else []
        refused = 0
        for receipt in answered if isinstance(answered, list) else [answered]:
            self.outcomes[f"http {receipt['status']}"] += 1
            if receipt["status"] == "rejected":
                refused += 1
                _must_be_said(receipt["reason"], str(request)[:500])
        if len(told) != refused:
            raise Fault(f"{request} -> {refused} refused, {len(told)} told")

    async def an_ordinary_event(self, over_kafka: bool) -> None:
        """What an honest BOSS sends next passes. Raises ``Fault``."""
        self._ordinary += 1
        name = f"n{self._ordinary}"
        made = {"specversion": "1.0", "source": "honest", "id": name, "type": "kam.boss.customer.changed.v1",
                "time": NOW.isoformat(), "data": {"customer_id": "honest", "name": name}}  # fmt: skip
        raw = json.dumps(made).encode()
        before = len(self._producer.messages)
        if over_kafka:
            headers = (("content-type", JSON.encode()),)
            await self.over_kafka([lambda at: Message(FEED, 0, at, b"h", dict(headers), raw)])
        else:
            headers = [(b"authorization", TOKENS[0]), (b"content-type", JSON.encode())]
            await self.over_http({"method": "POST", "path": "/v1/events", "query": b"", "headers": headers,
                                  "body": [raw]})  # fmt: skip
        passed = [m for m in self._producer.messages[before:] if m.key == b"honest" and m.topic == "boss.events"]
        if [dict(m.headers)["ce_revision"] for m in passed] != [b"%d" % self._ordinary]:
            raise Fault(f"the {self._ordinary}th ordinary event came out as {passed}")

    async def _sent(self) -> list[OutgoingMessage]:
        """What was published since; each message keeps its contract."""
        before = self._looked
        async with asyncio.timeout(20):
            while self._intake.relay.pending and self._intake.failed is None:
                await asyncio.sleep(0)
        if self._intake.failed is not None:
            raise Fault(f"the intake stopped: {self._intake.failed!r}")
        sent, self._looked = self._producer.messages[before:], len(self._producer.messages)
        for message in sent:
            if message.topic != DEAD:
                self._must_keep_its_contract(message)
        return sent

    def _must_keep_its_contract(self, message: OutgoingMessage) -> None:
        headers = {name: value.decode() for name, value in message.headers}
        type_, key = headers["ce_type"], (message.key or b"").decode()
        try:
            data = _DECODERS[type_](message.value or b"")
        except msgspec.MsgspecError as error:
            raise Fault(f"{message} -> {error}") from error
        if EVENTS[type_].topic != message.topic:
            raise Fault(f"{message} stands on a foreign topic")
        if key != "clock" and message.partition != partition_of(key, self._intake.app.partitions):
            raise Fault(f"{message} stands on a foreign partition")
        if (id_ := headers["ce_id"]) in self._ids and key != "clock":
            raise Fault(f"{message} -> its id was there before")
        self._ids.add(id_)
        record = f"{data.kind} {data.record_id}" if type_ == MOVED else _record_of(type_, data)
        if record is not None:
            self._must_have_one_owner(record, data, type_ == MOVED)

    def _must_have_one_owner(self, record: str, data: Any, moves: bool) -> None:
        """A record that changes its customer leaves the old one before it comes to the new one."""
        owner = self._owners.get(record, data.customer_id)
        if owner != data.customer_id:
            raise Fault(f"{record} of {owner} came to {data.customer_id} unannounced")
        self._owners[record] = data.moved_to if moves else data.customer_id
        self.outcomes["moved"] += moves


def _must_be_said(reason: str, about: str) -> None:
    zh, _, en = reason.partition(" / ")
    if not (en and any("\u4e00" <= c <= "\u9fff" for c in zh)):
        raise Fault(f"{about} -> no reason: {reason!r}")
    if MARK in reason:
        raise Fault(f"{about} -> repeats personal data: {reason!r}")


def _record_of(type_: str, data: Any) -> str | None:
    kind = FEED_KINDS.get(type_)
    return f"{kind.name} {getattr(data, kind.keys[0])}" if kind is not None and kind.is_movable else None


def _never(*_: Any) -> Any:
    raise Fault("a batch could not be taken as a whole")


async def fuzz(seed: int, *, seconds: float = 0.0, rounds: int = 0) -> Counter[str]:
    """Send until ``seconds`` and ``rounds`` are over; how often each outcome was seen. Raises ``Fault``."""
    dice = random.Random(seed)
    until, done = time.monotonic() + seconds, 0
    store, boss = MemoryStore(), Boss(dice)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "secret").write_text(SECRET)
        settings = Settings(service_data=folder, kafka="-", boss_dir=folder, secret_file=folder / "secret")
        (folder / "inbox").mkdir()
        producer = Producer()
        doors = Doors(folder, producer)
        while time.monotonic() < until or done < rounds:
            async with running(store, keep=folder, producer=producer) as (intake, _):
                intake.inputs = [TopicPartition(FEED, 0)]
                intake._one_by_one = _never  # type: ignore[method-assign]
                service = build(settings)
                service.processors.append(intake)
                doors.opened(intake, service.asgi())
                for _ in range(dice.choice([10, 100, 500])):
                    try:
                        await _round(doors, boss, dice)
                    except Fault as fault:
                        raise Fault(f"seed {seed}, round {done}: {fault}") from fault
                    done += 1
    return doors.outcomes


async def _round(doors: Doors, boss: Boss, dice: random.Random) -> None:
    if dice.random() < 0.5:
        await doors.over_kafka([boss.record] * dice.choice([1, 1, 3, 20]))
    else:
        await doors.over_http(boss.request())
    if dice.random() < 0.3:
        await doors.an_ordinary_event(dice.random() < 0.5)


def main() -> None:
    """Entry point by hand."""
    by_hand(lambda seed: fuzz(seed, rounds=1000), __doc__, "inputs")


if __name__ == "__main__":
    main()
