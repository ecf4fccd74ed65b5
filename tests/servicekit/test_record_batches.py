"""Batches on the wire as a stranger may have written them: whatever they are, the partition goes on."""

import random
import struct
import tracemalloc
from typing import Any

import pytest
from aiokafka.consumer import fetcher
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.util import calc_crc32c
from aiokafka.structs import ConsumerRecord, TopicPartition
from structlog.testing import capture_logs

from harness.seeds import seeds
from servicekit import record_batches
from servicekit.envelope import Message
from servicekit.record_batches import MAX_UNPACKED, UNREADABLE, Batches, PatientRecords, as_messages

FEED = TopicPartition("boss.feed", 0)


def batch(
    offset: int = 0, values: tuple[bytes | None, ...] = (b"{}",), codec: int = 0, patch: Any = None, compress: int = 0,
    key: bytes | None = b"k", header: tuple[str, bytes | None] = ("ce_id", b"1"), crc: int | None = None,
) -> bytes:  # fmt: skip
    """One record batch; ``codec`` overwrites what it says of its compression, ``patch`` some of its octets."""
    builder = DefaultRecordBatchBuilder(
        2, compress, is_transactional=0, producer_id=-1, producer_epoch=-1, base_sequence=-1, batch_size=1 << 20
    )
    for number, value in enumerate(values):
        builder.append(number, None, key=key, value=value, headers=[header])
    raw = bytearray(builder.build())
    if patch:
        at = raw.index(patch[0])
        raw[at : at + len(patch[0])] = patch[1]
    struct.pack_into(">qi", raw, 0, offset, len(raw) - 12)
    if codec:
        attributes = struct.unpack_from(">h", raw, 21)[0]
        struct.pack_into(">h", raw, 21, attributes & ~7 | codec)
    struct.pack_into(">I", raw, 17, calc_crc32c(bytes(raw[21:])) if crc is None else crc)
    return bytes(raw)


def read(*batches: bytes, start: int = 0) -> tuple[list[Message], int]:
    """Records of a fetch, and the offset the consumer would go on at."""
    records = PatientRecords(FEED, Batches(b"".join(batches)), [], start, as_messages, None, True, 0)
    return records.take(None)[0], records.next_fetch_offset


@pytest.mark.parametrize("codec", [1, 2, 3, 4], ids=["gzip", "snappy", "lz4", "zstd"])
def test_every_compression_of_kafka_is_read(codec: int) -> None:
    records, at = read(batch(values=(b"1", b"2"), compress=codec))
    assert ([r.body for r in records], at) == ([b"1", b"2"], 2)


@pytest.mark.long
@pytest.mark.parametrize("codec", [1, 3, 4], ids=["gzip", "lz4", "zstd"])
def test_a_small_batch_that_unpacks_without_end_is_shown_and_passed(codec: int) -> None:
    """A few kilobytes of zstd can hold more than any memory: a loader that dies of it meets it again at every start."""
    bomb = batch(1, values=(bytes(MAX_UNPACKED + 1),), compress=codec)
    tracemalloc.start()
    records, at = read(batch(0), bomb, batch(2, values=(b"after",)))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [r.offset for r in records] == [0, 1, 2] and at == 3
    assert b"more than 64 MiB" in records[1].headers[UNREADABLE]
    assert peak < 5 * MAX_UNPACKED


@pytest.mark.long
def test_many_batches_that_unpack_to_much_come_a_few_at_a_time() -> None:
    """2,000 records of 40 MiB each, in a fetch of 20 KB."""
    many = [batch(n, values=(bytes(40 << 20),), compress=4) for n in range(6)]
    got, start = [], 0
    while start < 6:
        records, start = read(*many[start:], start=start)
        got.append([r.offset for r in records])
    assert got == [[0, 1], [2, 3], [4, 5]]


def test_a_batch_that_unpacks_to_much_is_read() -> None:
    records, _ = read(batch(values=(bytes(MAX_UNPACKED // 2),), compress=4))
    assert len(records[0].body or b"") == MAX_UNPACKED // 2


@pytest.mark.parametrize(
    "bad",
    [
        batch(1, codec=3),
        batch(1, codec=7),
        batch(1, crc=1),
        batch(1, values=(b"12345678",), patch=(b"12345678", b"")),
        batch(1, values=(b"abc",), patch=(b"ce_id", b"\xff\xff\xff\xff\xff")),
    ],
    ids=["not lz4 at all", "unknown codec", "checksum", "cut short", "header name"],
)
def test_a_batch_nobody_can_read_is_shown_and_passed(bad: bytes) -> None:
    records, at = read(batch(0), bad, batch(2, values=(b"after",)))
    assert (records[0].offset, records[-1].body, at) == (0, b"after", 3)
    for record in records[1:-1]:
        assert record.offset == 1
        (name,) = record.headers
        assert name == UNREADABLE or "\\xff" in name
    assert len(records) == 3


def test_a_header_name_that_is_no_text_costs_only_its_name() -> None:
    bad = batch(5, values=(b"1", b"2", b"3"), patch=(b"ce_id", b"ce_\xff\xfe"))
    records, at = read(bad, start=5)
    assert [(r.offset, r.body) for r in records] == [(5, b"1"), (6, b"2"), (7, b"3")]
    assert [r.headers for r in records] == [{"ce_\\xff\\xfe": b"1"}, {"ce_id": b"1"}, {"ce_id": b"1"}]
    assert at == 8


def test_what_was_handled_of_a_batch_does_not_come_again() -> None:
    records, at = read(batch(5, values=(b"1", b"2"), patch=(b"ce_id", b"\xffxxxx")), start=6)
    assert ([r.body for r in records], at) == ([b"2"], 7)


def test_null_key_and_value_are_read_as_they_are_and_a_null_header_as_empty() -> None:
    ((record,), _) = read(batch(key=None, values=(None,), header=("ce_id", None)))
    assert (record.raw_key, record.body, record.headers) == (None, None, {"ce_id": b""})


@pytest.mark.parametrize("seed", seeds(40, 200))
def test_whatever_the_broker_lets_pass_never_raises_and_always_moves_on(seed: int) -> None:
    """The broker checks lengths and compression of what is produced; it looks at no header name, key or value."""
    chance = random.Random(seed)
    junk = chance.randbytes(5)
    bad = batch(1, values=(chance.randbytes(9), None), patch=(b"ce_id", junk), key=chance.choice([None, junk]))
    records, at = read(batch(0), bad, batch(3, values=(b"after",)))
    assert ([r.offset for r in records], records[-1].body, at) == ([0, 1, 2, 3], b"after", 4)


@pytest.mark.parametrize("most", [1, 2, 3, 100])
def test_as_many_at_a_time_as_are_asked_for(most: int) -> None:
    """Across batches, also of one that is read once more."""
    strange = batch(2, values=(b"2", b"3", b"4"), patch=(b"ce_id", b"\xffxxxx"))
    wire = batch(0, values=(b"0", b"1")) + strange + batch(5, crc=1) + batch(6, values=(b"6",))
    records = PatientRecords(FEED, Batches(wire), [], 1, as_messages, None, True, 0)
    offsets, more = [], True
    while more:
        messages, more = records.take(most)
        assert len(messages) == most or not more
        offsets += [m.offset for m in messages]
        assert records.next_fetch_offset == offsets[-1] + 1
    assert offsets == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize("deserializer", [as_messages, None], ids=["ours", "another's"])
def test_a_consumer_of_ours_gets_messages_and_another_records(deserializer: Any) -> None:
    record_batches.install()
    wire, assignment = fetcher.MemoryRecords(batch() + batch(1, crc=1)), Assignment()
    records = fetcher.PartitionRecords(FEED, wire, [], 0, deserializer, None, True, 0)
    fetched = fetcher.FetchResult(FEED, assignment=assignment, partition_records=records, backoff=0)
    with capture_logs() as logs:
        first = fetched.getone()
    assert isinstance(first, Message if deserializer else ConsumerRecord) and (first.offset, assignment.position) == (
        0,
        1,
    )
    assert not logs
    (second,) = fetched.getall(5)
    assert UNREADABLE in dict(second.headers)
    assert (assignment.position, fetched.has_more(), fetched.getall(5)) == (2, False, [])


class Assignment:
    """What the fetcher knows of the one partition it may fetch."""

    active, paused, position = True, False, 0

    def state_value(self, tp: TopicPartition) -> "Assignment":
        return self

    def consumed_to(self, offset: int) -> None:
        self.position = offset
