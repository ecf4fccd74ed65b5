"""Batches as they were fetched, as messages; also those that aiokafka can't read.

aiokafka raises out of ``getmany`` for a batch with an unknown codec, damaged octets or a header name that is no UTF-8,
and would meet the same batch at every start. Here such a batch is read once more with patience, and what still can't be
read becomes one record without a type, with the reason in a header and the batch's octets as its value: it goes the way
of all bad input, into the dead letters, and the partition goes on. (Lengths within a batch are the broker's to check
when it is produced: aiokafka's parser in C trusts them.)

So is a batch that unpacks to more than ``MAX_UNPACKED`` bytes: a few kilobytes of zstd can hold more than any memory.
And no more batches of a response are handed out once they have unpacked to that: the rest is fetched again.

Our consumers get ``Message``s, many at a time: a ``ConsumerRecord`` for each, one by one through aiokafka's iterators,
would cost as much as the parsing itself.
"""

import gzip
import io
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import dropwhile, islice
from struct import unpack_from
from typing import Any

import cramjam
import structlog
from aiokafka.consumer import fetcher
from aiokafka.record.default_records import DefaultRecord, _DefaultRecordBatchPy
from aiokafka.record.memory_records import MemoryRecords

from servicekit.envelope import HeaderNames, ReceivedMessage

log = structlog.get_logger()
UNREADABLE = "kam-unreadable"
_FRAME = 12  # base offset and length, before every batch
_LAST_OFFSET_DELTA = 23
_ATTRIBUTES, _RECORDS = 21, 61
_GZIP, _LZ4, _ZSTD = 1, 3, 4
_KEPT_BYTES, _KEPT_NAMES = 1 << 20, 1000
MAX_UNPACKED = 64 << 20


def install() -> None:
    """Let aiokafka's fetcher use what is here."""
    fetcher.MemoryRecords = Batches
    fetcher.PartitionRecords = PatientRecords
    fetcher.FetchResult = Fetched


def as_messages(key: bytes) -> bytes:
    """The ``key_deserializer`` of a consumer that wants ``Message``s: it is what aiokafka passes on to its records."""
    return key


class Batches:
    """The batches of one fetch response; ``raw`` is the one handed out last. Same methods as aiokafka's
    MemoryRecords.
    """

    def __init__(self, data: bytes) -> None:
        self._data, self._at, self._unpacked = memoryview(data), 0, 0
        self.raw = b""

    def size_in_bytes(self) -> int:
        return len(self._data)

    def has_next(self) -> bool:
        return self._unpacked <= MAX_UNPACKED and self._end() is not None

    def next_batch(self) -> Any:
        end = self._end()
        if end is None:
            return None
        self.raw = bytes(self._data[self._at : end])
        self._at = end
        if len(self.raw) >= _LAST_OFFSET_DELTA + 4 and unpack_from(">i", self.raw, _LAST_OFFSET_DELTA)[0] < 0:
            raise ValueError("its last offset lies before its first")
        self._unpacked += _unpacked_size(self.raw)
        return MemoryRecords(self.raw).next_batch()

    def _end(self) -> int | None:
        if self._at + _FRAME > len(self._data):
            return None
        end = int(self._at + _FRAME + unpack_from(">i", self._data, self._at + 8)[0])
        return end if self._at + _FRAME < end <= len(self._data) else None


def _unpacked_size(raw: bytes) -> int:
    """Bytes that a compressed batch unpacks to; 0 where there is nothing to look at: not compressed, can't be unpacked
    (aiokafka will say so), or snappy, which never makes more than 22 times of it. Raises ``ValueError`` for more than
    ``MAX_UNPACKED``.
    """
    codec = unpack_from(">h", raw, _ATTRIBUTES)[0] & 7 if len(raw) > _RECORDS else 0
    if not codec:
        return 0
    packed, size = raw[_RECORDS:], None
    if codec == _GZIP:
        with gzip.open(io.BytesIO(packed)) as file:
            size = len(file.read(MAX_UNPACKED + 1))
    elif codec in (_LZ4, _ZSTD):
        unpack_into = (cramjam.lz4 if codec == _LZ4 else cramjam.zstd).decompress_into
        # The small buffer first: most batches are small, and zeroing a large one takes its time.
        for room in (1 << 20, MAX_UNPACKED):
            try:
                size = unpack_into(packed, bytearray(room))
                break
            except cramjam.DecompressionError as error:
                size = MAX_UNPACKED + 1 if "whole buffer" in str(error) else 0
    if size is not None and size > MAX_UNPACKED:
        raise ValueError(f"it unpacks to more than {MAX_UNPACKED >> 20} MiB")
    return size or 0


class Fetched(fetcher.FetchResult):  # type: ignore[misc]  # aiokafka has no types
    """What was fetched of a partition, as it is handed out."""

    _partition_records: Any

    def getall(self, max_records: int | None = None) -> list[Any]:
        if not self.has_more() or not self.check_assignment(self._topic_partition):
            return []
        records: list[Any]
        records, more = self._partition_records.take(max_records)
        self._update_position()
        if not more:
            self._partition_records = None
        return records


class PatientRecords(fetcher.PartitionRecords):  # type: ignore[misc]
    """aiokafka's reader, which goes on behind a batch that it can't read: messages, or aiokafka's own records."""

    next_fetch_offset: int
    _most = 1

    def __next__(self) -> Any:
        for record in self.take(1)[0]:
            return record
        raise StopIteration

    def take(self, most: int | None) -> tuple[list[Any], bool]:
        """So many records at most (None: all), and whether there may be more."""
        taken: list[Any] = []
        while most is None or len(taken) < most:
            self._most = 1 << 30 if most is None else most - len(taken)
            chunk = next(self._records_iterator, None)
            if chunk is None:
                return taken, False
            taken += chunk
        return taken, True

    def _unpack_records(self) -> Iterator[list[Any]]:
        """Up to ``_most`` records at a time."""
        while self._records.has_next():
            try:
                batch = self._records.next_batch()
                if not self._is_passed_over(batch):
                    yield from self._chunks(batch)
                self.next_fetch_offset = batch.next_offset
            except Exception as error:
                yield from self._once_more(self._records.raw, error)

    def _is_passed_over(self, batch: Any) -> bool:
        """Whether a batch is an aborted transaction's, or a marker of one."""
        if self._check_crcs and not batch.validate_crc():
            raise ValueError("its checksum is wrong")
        if self._isolation_level == fetcher.READ_COMMITTED and batch.producer_id is not None:
            self._consume_aborted_up_to(batch.base_offset)
            if batch.is_control_batch and self._contains_abort_marker(batch):
                self._aborted_producers.discard(batch.producer_id)
            if batch.is_transactional and batch.producer_id in self._aborted_producers:
                return True
        return bool(batch.is_control_batch)

    def _chunks(self, batch: Iterable[Any]) -> Iterator[list[Any]]:
        """The records of a batch from the next offset on."""
        topic, partition = self._tp
        start = self.next_fetch_offset
        records = dropwhile(lambda record: record.offset < start, batch)
        wanted = got = 0
        while got == wanted:  # aiokafka's iterator must not be asked again once it has ended
            wanted = self._most
            if self._key_deserializer is as_messages:
                chunk = _messages(topic, partition, islice(records, wanted))
            else:
                chunk = [self._consumer_record(self._tp, r) for r in islice(records, wanted)]
            if got := len(chunk):
                self.next_fetch_offset = chunk[-1].offset + 1
                yield chunk

    def _once_more(self, raw: bytes, error: Exception) -> Iterator[list[Any]]:
        base, last = unpack_from(">q", raw)[0], 0
        if len(raw) >= _LAST_OFFSET_DELTA + 4:
            last = max(0, unpack_from(">i", raw, _LAST_OFFSET_DELTA)[0])
        log.error(
            "batch.unreadable", topic=self._tp.topic, partition=self._tp.partition, offset=base, error=repr(error)
        )
        try:
            yield from self._chunks(_LenientBatch(raw))
        except Exception as final:
            reason = f"batch at {base} can't be read: {final!r}"[:500].encode("utf-8", "replace")
            offset = max(base, self.next_fetch_offset)
            unreadable = DefaultRecord(offset, 0, 0, b"", raw[:_KEPT_BYTES], [(UNREADABLE, reason)])
            yield from self._chunks([unreadable])
        self.next_fetch_offset = max(self.next_fetch_offset, base + last + 1)


def _messages(topic: str, partition: int, records: Iterable[Any]) -> list[ReceivedMessage]:
    messages = []
    known = HeaderNames()
    for record in records:
        headers = record.headers
        names, values = zip(*headers) if headers else ((), ())  # noqa: B905 - to say it takes as long again
        if names != known.names:
            # What a stranger calls his headers is not kept.
            known = (_names_of if sum(map(len, names)) < _KEPT_NAMES else HeaderNames)(names)
        messages.append(
            ReceivedMessage(topic, partition, record.offset, record.key, known, values, record.value, record.timestamp)
        )
    return messages


@lru_cache(maxsize=100)
def _names_of(names: tuple[str, ...]) -> HeaderNames:
    return HeaderNames(names)


class _LenientBatch(_DefaultRecordBatchPy):  # type: ignore[misc]
    """Header names that are no UTF-8 are shown with escapes."""

    _buffer: bytearray

    def _maybe_uncompress(self) -> None:
        if not self._decompressed and not self.validate_crc():
            raise ValueError("its checksum is wrong")
        _unpacked_size(bytes(self._buffer))
        super()._maybe_uncompress()
        self._buffer = _LenientText(self._buffer)


class _LenientText(bytearray):
    def __getitem__(self, index: Any) -> Any:
        found = super().__getitem__(index)
        return _LenientText(found) if isinstance(index, slice) else found

    def decode(self, encoding: str = "utf-8", errors: str = "backslashreplace") -> str:
        return super().decode(encoding, "backslashreplace")
