"""A careless or hostile writer on every internal topic, before every consumer there is, in memory.

Records of random bytes, none at all, huge ones, valid ones with something changed, strange headers, ticks of the
business clock and batches nobody can read come over the wire. Nothing loops or ends; each is handled, skipped or a dead
letter with a reason; handlers see them in their order; what a store or a broker would refuse stops nothing; the next
valid event passes.

By hand: ``python tests/fuzz/fuzz_records.py --seconds 60 --seed 7``. A fault names its seed; the same seed sends the
same.
"""

import json
import random
import struct
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
from aiokafka import TopicPartition
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.util import calc_crc32c

sys.path.insert(0, str(Path(__file__).parents[1]))

from alerts import detection, notifications, rules
from alerts.detection.composition import TOPICS as DETECT
from alerts.notifications.composition import TOPICS as DESK
from alerts.notifications.send_policy import seeded
from analytics.archive import Archive
from analytics.domain import TOPICS
from analytics.raised import read
from analytics.recount import recount
from analytics.settings import Settings
from analytics.store import LineageStore
from analytics.worker import Archiver, lineage_app
from contracts.registry import TICK
from customer_profile import worker as profile_worker
from fuzz.doors import Fault, by_hand
from harness.one_processor import NOON, FakeProducer
from manager_work import rules as work_rules
from manager_work import worker as work_worker
from manager_work.settings import Settings as WorkSettings
from servicekit.aligned_processor import AlignedProcessor
from servicekit.app import App, HandlerEntry
from servicekit.clock import iso
from servicekit.dead_letter import REPLAY_FOR
from servicekit.decision import Context, Decision
from servicekit.envelope import Message
from servicekit.kafka import MAX_MESSAGE_BYTES
from servicekit.memory_store import MemoryStore
from servicekit.pipeline import StreamProcessor
from servicekit.record_batches import Batches, PatientRecords, as_messages
from servicekit.store import Batch

EXAMPLES = Path(__file__).resolve().parents[2] / "schemas" / "examples"
GOLDEN = {p.stem: json.loads(p.read_text()) for p in EXAMPLES.glob("*.json") if p.stem != TICK}
Headers = list[tuple[str, bytes | None]]
Raw = tuple[bytes | None, bytes | None, Headers]
LAST = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)


class StrictStore(MemoryStore):
    """Refuses what the local store could not keep."""

    async def commit(self, batch: Batch) -> None:
        documents = [row.doc for row in batch.writes if isinstance(row.doc, dict)]
        msgspec.msgpack.encode([batch.offsets, batch.marks, batch.outbox, documents])
        await super().commit(batch)


class Consumer:
    """An app as its service runs it, over partition 0 of its topics. ``handled``: places in the order of handlers."""

    def __init__(
        self, app: App, topics: list[str], keep: Path, store: Any = None, make: type[StreamProcessor] = StreamProcessor
    ) -> None:
        self.name, self.topics = app.name, topics
        self.handled: list[tuple[str, int]] = []
        app = msgspec.structs.replace(
            app, handlers={type_: self._watched(type_, on) for type_, on in app.handlers.items()}, partitions=1
        )
        self.types = sorted(type_ for type_ in app.handlers if type_ in GOLDEN and GOLDEN[type_]["topic"] in topics)
        self.store = store or StrictStore()
        inputs = [TopicPartition(topic, 0) for topic in topics]
        self.processor = make(app, 0, inputs, self.store, FakeProducer(), dead_letters_in_a_row=10**9, keep=keep)
        self.ends = dict.fromkeys(topics, 0)

    def _watched(self, type_: str, on: HandlerEntry) -> HandlerEntry:
        def handle(state: Any, data: Any, context: Context) -> Decision:
            if context.message is not None:
                self.handled.append((context.message.topic, context.message.offset))
            return on.handle(state, data, context)

        watched = HandlerEntry(dict, handle)
        watched.decode = on.decode
        return watched

    async def take(self, batches: dict[str, list[Message]]) -> None:
        """One fetch, to its commit."""
        self.handled.clear()
        records = {TopicPartition(topic, 0): found for topic, found in batches.items() if topic in self.topics}
        await self.processor.process(records)

    def must_be_in_order(self) -> None:
        """Handlers see records in order; once more from the first, where their batch had to be taken apart."""
        seen: dict[str, int] = {}
        again = set()
        for topic, offset in self.handled:
            if offset < seen.get(topic, -1):
                if topic in again:
                    raise Fault(f"{self.name} handled {topic}@{offset} behind {seen[topic]}")
                again.add(topic)
            seen[topic] = offset

    async def letters(self) -> dict[str, str]:
        """Reasons of new dead letters by place; the outbox is then empty, as the relay leaves it."""
        found = {}
        last = 0
        for number, message in await self.store.outbox(0, 1_000_000):
            last = number
            _must_be_sendable(message)
            if message.topic.endswith(".dlq"):
                headers = dict(message.headers)
                place = headers["dlq_topic"].decode() + "@" + headers["dlq_offset"].decode()
                found[place] = headers["dlq_reason"].decode()
        if last:
            await self.store.sent(last)
        return found


def _must_be_sendable(message: Any) -> None:
    """As the publisher does it: a message that can't be put into a batch would be put aside."""
    builder = DefaultRecordBatchBuilder(2, 0, is_transactional=0, producer_id=-1, producer_epoch=-1, base_sequence=-1,
                                        batch_size=2 * MAX_MESSAGE_BYTES)  # fmt: skip
    if message.key is None and message.value is None:
        raise Fault(f"{message.topic}: neither key nor value")
    builder.append(0, None, key=message.key, value=message.value, headers=message.headers)
    if len(builder.build()) > MAX_MESSAGE_BYTES:
        raise Fault(f"{message.topic}: {len(message.value or b'')} bytes and headers are more than the broker takes")


class Writer:
    """Makes records of one topic out of one seed."""

    def __init__(self, dice: random.Random) -> None:
        self._dice, self._pick = dice, dice.choice
        self._ticks = 0
        self.by_topic: dict[str, list[str]] = {}
        for name in GOLDEN:
            self.by_topic.setdefault(GOLDEN[name]["topic"], []).append(name)
        self._number = 0

    def record(self, topic: str) -> Raw:
        match self._dice.randrange(12):
            case 0:
                return self._pick(_KEYS), self._bytes(), self._headers([])
            case 1:
                return self._pick(_KEYS), self._pick(_BODIES), self._headers(self._event(topic)[2])
            case 2 | 3:
                key, body, headers = self._event(topic)
                return key, body, self._headers(headers)
            case 4:
                return self._tick()
            case 5:
                key, body, headers = self._event(self._pick(list(self.by_topic)))
                return key, body, headers
            case _:
                return self._spoiled(topic)

    def valid(self, type_: str) -> tuple[str, Raw]:
        """A golden event of somebody new; its id."""
        self._number += 1
        golden, id_ = GOLDEN[type_], f"valid-{self._number}"
        data = {name: _renamed(name, value, self._number) for name, value in golden["data"].items()}
        headers: Headers = [(name, value.encode()) for name, value in golden["headers"].items()]
        headers = [h for h in headers if h[0] not in ("ce_id", "ce_sequence", "ce_subject")]
        key = _renamed("customer_id", golden["key"], self._number)
        headers += [("ce_id", id_.encode()), ("ce_subject", key.encode())]
        return id_, (key.encode(), json.dumps(data, ensure_ascii=False).encode(), headers)

    def ticks(self, days: float) -> Raw:
        """The next tick of the business clock, so many days on."""
        self._ticks += 2  # a forged one in between holds nobody up for longer than this round
        body = json.dumps({"clock": iso(NOON + timedelta(days=days)), "number": self._ticks})
        return b"clock", body.encode(), [("ce_type", TICK.encode()), ("ce_id", b"tick%d" % self._ticks)]

    def _event(self, topic: str) -> Raw:
        golden = deepcopy(GOLDEN[self._pick(self.by_topic.get(topic) or list(GOLDEN))])
        headers: Headers = [(name, value.encode()) for name, value in golden["headers"].items()]
        headers = [h for h in headers if h[0] not in ("ce_id", "ce_sequence")]
        headers.append(("ce_id", b"e%d" % self._dice.randrange(10**6)))
        key = self._pick([golden["key"], "c1", "c2", "c3"])
        data = golden["data"]
        if "customer_id" in data:
            data["customer_id"] = key
        return key.encode(), json.dumps(data, ensure_ascii=False).encode(), headers

    def _spoiled(self, topic: str) -> Raw:
        """A valid event with some of its values changed."""
        key, body, headers = self._event(topic)
        data = json.loads(body or b"{}")
        for _ in range(self._pick([1, 1, 1, 2, 5])):
            places = list(_places(data))
            if places:
                where, name = self._pick(places)
                if self._dice.random() < 0.1 and isinstance(where, dict):
                    del where[name]
                else:
                    where[name] = deepcopy(self._pick(_VALUES))
        text = json.dumps(data, ensure_ascii=self._dice.random() < 0.5)
        return key, text.encode("utf-8", "surrogatepass"), headers

    def _tick(self) -> Raw:
        body: dict[str, Any] = {"clock": iso(NOON), "number": self._ticks + 1}
        body[self._pick(["clock", "number", "epoch"])] = self._pick(_TICK_VALUES)
        text = json.dumps(body).encode() if self._dice.random() < 0.7 else self._pick(_BODIES)
        return b"clock", text, self._headers([("ce_type", TICK.encode()), ("ce_id", b"tick")])

    def _bytes(self) -> bytes | None:
        if self._dice.random() < 0.01:
            return b"x" * (MAX_MESSAGE_BYTES - 1000)
        return self._pick([None, b"", self._dice.randbytes(self._pick([1, 10, 1000]))])

    def _headers(self, headers: Headers) -> Headers:
        headers = list(headers)
        for _ in range(self._pick([0, 1, 1, 2, 4])):
            match self._dice.randrange(3):
                case 0 if headers:
                    headers.pop(self._dice.randrange(len(headers)))
                case 1 if headers:
                    place = self._dice.randrange(len(headers))
                    headers[place] = (headers[place][0], self._pick(_HEADER_VALUES))
                case _:
                    headers.append((self._pick(_HEADER_NAMES), self._pick(_HEADER_VALUES)))
        return headers


def _renamed(name: str, value: Any, number: int) -> Any:
    return f"{value}-{number}" if isinstance(value, str) and name.endswith("_id") else value


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    for name, inner in value.items() if isinstance(value, dict) else enumerate(value):
        yield value, name
        if isinstance(inner, dict | list):
            yield from _places(inner)


_KEYS: list[bytes | None] = [None, b"", b"c1", b"c2", b"\xff\xfe", "王芳".encode(), b"\x00", b"k" * 70_000, b"clock"]
_BODIES: list[bytes | None] = [
    None, b"", b"null", b"[]", b"{}", b"7", b"\xff", b"[" * 50_000, b"{\"customer_id\": 7", b'{"a":' * 5000,
    b"1" * 5000, b'{"customer_id": "c1", "customer_id": 7}', b"\xef\xbb\xbf{}", b'{"x": "\\ud800"}', b"NaN",
]  # fmt: skip
_VALUES: list[Any] = [
    None, "", "x", "\x00", "\ud800", "𝕏" * 300, "y" * 70_000, -1, 0, 1, 2**31, 2**63 - 1, -(2**63), 10**30, 1.5, 1e308,
    float("nan"), True, [], {}, [[]], [None], {"": ""}, "9999-12-31", "0001-01-01", "9999-12-31T23:59:59.999999-14:00",
    "0001-01-01T00:00:00+14:00", "2026-06-30T10:00:00", "2026-02-30", "202613", "999912", "000101", "c1", "raised",
]  # fmt: skip
_TICK_VALUES: list[Any] = [
    None, "", "soon", -1, 1.5, "1", [], {}, True, "2026-06-30T10:00:00", "0001-01-01T00:00:00+14:00",
]  # fmt: skip
_TIMESTAMPS = [1_780_000_000_000] * 9 + [-1, 0, 1, -(2**62), 2**62, 253_402_300_799_999, -62_135_596_800_000]
_HEADER_NAMES = [
    "", "x", "ce_", "ce_id", "ce_type", "ce_sequence", "ce_businessclock", "ce_revision", "ce_ownerrevision", "ce_time",
    "ce_correlationid", "ce_causationid", "ce_subject", "dlq_topic", "dlq_reason", "kam-unreadable", REPLAY_FOR, "名",
    "n" * 9000,
]  # fmt: skip
_HEADER_VALUES: list[bytes | None] = [
    None, b"", b"\xff\xfe", b"0", b"-1", b"1", b"1e3", b"9" * 30, b"9" * 5000, b"a:b", b"x:", b":", b"p.0.e:1",
    b"\xe7\x8e\x8b", b"2026-06-30T10:00:00+08:00", b"2026-06-30T10:00:00", b"yesterday", b"0001-01-01T00:00:00+14:00",
    b"9999-12-31T23:59:59-14:00", b"v" * 300_000,
    TICK.encode(), b"kam.nobody.knows.v1", b"\x00", b" 7 ", "７".encode(),
]  # fmt: skip


def on_the_wire(dice: random.Random, topic: str, offset: int, raws: list[Raw]) -> tuple[list[Message], int]:
    """What a consumer of ours reads of these records, some in batches nobody can read, and its next offset."""
    wire, last = b"", offset
    for key, value, headers in raws:
        builder = DefaultRecordBatchBuilder(2, dice.choice([0, 0, 1, 2, 3, 4]), is_transactional=0, producer_id=-1,
                                            producer_epoch=-1, base_sequence=-1, batch_size=1 << 25)  # fmt: skip
        builder.append(0, dice.choice(_TIMESTAMPS), key=key, value=value, headers=headers)
        batch = builder.build()
        struct.pack_into(">q", batch, 0, last)
        damage = dice.randrange(60)
        if damage == 0 and not batch[22] & 7:
            # Not the other way round: what the C parser takes for lengths, the broker has checked.
            batch[22] |= dice.randrange(1, 8)
        if damage == 1 and (at := batch.find(b"ce_id")) > 0:
            batch[at : at + 5] = b"\xff\xfe\xff\xfe\xff"
        struct.pack_into(">I", batch, 17, 7 if damage == 2 else calc_crc32c(bytes(batch[21:])))
        wire, last = wire + bytes(batch), last + 1
    found = PatientRecords(TopicPartition(topic, 0), Batches(wire), [], offset, as_messages, None, True, 0)
    records, _ = found.take(None)
    if found.next_fetch_offset != last:
        raise Fault(f"{topic}: the consumer goes on at {found.next_fetch_offset}, not at {last}")
    return records, last


def consumers(folder: Path) -> list[Consumer]:
    """Every consumer of internal topics, with the topics that its service gives it."""
    common: dict[str, Any] = {"service_data": folder, "kafka": "-"}
    settings = Settings(**common, archive_dir=folder / "archive")
    work = work_worker.app(work_rules.load(WorkSettings(**common).work_rules), 1)
    made: list[tuple[App, list[str], dict[str, Any]]] = [
        (profile_worker.app(1), profile_worker.TOPICS, {}),
        (profile_worker.account_app(1), profile_worker.TOPICS, {}),
        (detection.app(rules.load(), 1), DETECT, {}),
        (notifications.app(seeded(), None, 1), DESK, {"make": AlignedProcessor}),
        (work, work_worker.TOPICS, {}),
        (lineage_app(settings), TOPICS, {"store": LineageStore(folder / "lineage")}),
    ]
    return [Consumer(app, topics, folder / "undeliverable", **more) for app, topics, more in made]


class House:
    """All consumers before the same log."""

    def __init__(self, folder: Path, dice: random.Random) -> None:
        self._dice, self._writer = dice, Writer(dice)
        self._ends = dict.fromkeys(TOPICS, 0)
        self.consumers = consumers(folder)
        self._archive = Archive(folder / "archive", [0])
        self._archiver = Archiver(
            Settings(service_data=folder, kafka="-", archive_dir=folder / "archive"), self._archive
        )
        self.outcomes: Counter[str] = Counter()
        self._days = 0.0

    async def open(self) -> "House":
        self._archive.open()
        for consumer in self.consumers:
            await consumer.processor.open()
        return self

    async def close(self) -> None:
        """The business clock reaches the last day there is. Everything is archived and can be counted once more."""
        tick = self._writer.ticks((LAST - NOON) / timedelta(days=1))
        await self._send({"boss.events": [tick], "alert.events": [tick]}, damage=False)
        await self._archiver.flush()
        recount(self._archive.root, {f"{topic}/0": end for topic, end in self._ends.items()}, self._archive.root)
        for consumer in self.consumers:
            await consumer.store.close()

    async def strange(self) -> None:
        """A round of whatever comes, behind it a tick on every clock topic, each of which all must pass."""
        raws = {t: [self._writer.record(t) for _ in range(self._dice.choice([0, 1, 3, 12]))] for t in TOPICS}
        self._days += self._dice.choice([0.0, 0.01, 1.0, 40.0])
        tick = self._writer.ticks(self._days)
        await self._send(raws)
        await self._send({"boss.events": [tick], "alert.events": [tick]}, damage=False)

    async def valid(self) -> None:
        """An event of each type that somebody handles, each of somebody new; no handler may have missed it."""
        for consumer in self.consumers:
            types = self._dice.sample(consumer.types, min(3, len(consumer.types)))
            raws: dict[str, list[Raw]] = {}
            for type_ in types:
                raws.setdefault(GOLDEN[type_]["topic"], []).append(self._writer.valid(type_)[1])
            before = dict(self._ends)
            letters = await self._send(raws, damage=False)
            for topic, found in raws.items():
                for offset in range(before[topic], before[topic] + len(found)):
                    if (topic, offset) not in consumer.handled:
                        reason = letters.get(consumer.name, {}).get(f"{topic}@{offset}")
                        raise Fault(f"{consumer.name}: a valid event was not handled: {reason or found}"[:1000])

    async def _send(self, raws: dict[str, list[Raw]], damage: bool = True) -> dict[str, dict[str, str]]:
        batches = {}
        dice = self._dice if damage else _Never()
        for topic, found in raws.items():
            if found:
                batches[topic], self._ends[topic] = on_the_wire(dice, topic, self._ends[topic], found)
        for topic, records in batches.items():
            self._archiver._take(TopicPartition(topic, 0), records)
            for record in records:
                read(record.body)
        if self._dice.random() < 0.1:
            await self._archiver.flush()
        letters = {}
        for consumer in self.consumers:
            await consumer.take(batches)
            letters[consumer.name] = await self._judge(consumer)
        return letters

    async def _judge(self, consumer: Consumer) -> dict[str, str]:
        offsets = consumer.processor.position.offsets
        for topic in consumer.topics:
            held = any(tp.topic == topic for tp in consumer.processor.set_aside())
            if not held and offsets.get(f"{topic}/0", 0) != self._ends[topic]:
                raise Fault(f"{consumer.name} stands at {offsets}, the log ends at {self._ends}")
        consumer.must_be_in_order()
        letters = await consumer.letters()
        if unsaid := [place for place, reason in letters.items() if not reason.strip()]:
            raise Fault(f"{consumer.name}: dead letters without a reason: {unsaid}")
        self.outcomes[f"{consumer.name} handled"] += len(consumer.handled)
        self.outcomes[f"{consumer.name} dead"] += len(letters)
        return letters


class _Never(random.Random):
    """Damages nothing."""

    def randrange(self, *_: Any) -> int:
        return 59

    def choice(self, options: Any) -> Any:
        return options[0]


async def fuzz(seed: int, *, rounds: int = 100) -> Counter[str]:
    """So many rounds; how often each consumer handled or dead-lettered. Raises ``Fault`` naming the seed."""
    dice = random.Random(seed)
    with tempfile.TemporaryDirectory() as name:
        house = await House(Path(name), dice).open()
        for done in range(rounds):
            try:
                await house.strange()
                if dice.random() < 0.3:
                    await house.valid()
            except Exception as error:
                raise Fault(f"seed {seed}, round {done}: {error!r}") from error
        try:
            await house.close()
        except Exception as error:
            raise Fault(f"seed {seed}, at the end: {error!r}") from error
    return house.outcomes


def main() -> None:
    """Entry point by hand."""
    by_hand(lambda seed: fuzz(seed, rounds=30), __doc__, "records")


if __name__ == "__main__":
    main()
