"""Dead letters on the broker: listing, showing, replaying.

A dead letter's id is ``<dead-letter topic>/<partition>/<offset>``. What has been replayed is noted in the same topic by
a marker behind it, written after the broker has taken the replay: selective, durable, seen by everybody. A crash
between the two lists the letter once more; replaying it again is harmless, since effects are keyed.
"""

import json
from collections.abc import Iterable
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from servicekit import dead_letter, record_batches
from servicekit.clock import from_millis, iso

MARKER = "dlq-replayed"
SUFFIX = ".dlq"
_READ_MILLIS = 1000


class Letter:
    """One dead letter as it lies in its topic."""

    def __init__(self, record: Any) -> None:
        self.id = f"{record.topic}/{record.partition}/{record.offset}"
        self.key, self.value = record.key, record.value
        self.headers: list[tuple[str, bytes]] = [(name, value or b"") for name, value in record.headers]
        self._at = record.timestamp
        self._known = {name: value.decode("utf-8", "replace") for name, value in self.headers}

    @property
    def topic(self) -> str:
        """Topic of the original message."""
        return self._known.get("dlq_topic", "")

    @property
    def service(self) -> str:
        """App that could not handle it."""
        return self._known.get("dlq_service", "")

    def summary(self) -> dict[str, Any]:
        """What a list shows of it; no payload, so no personal data."""
        known = self._known
        replays = dead_letter.replays_of(dict(self.headers).get(dead_letter.REPLAYS))
        return {
            "id": self.id,
            "topic": self.topic,
            "partition": int(known.get("dlq_partition", "0")),
            "offset": int(known.get("dlq_offset", "0")),
            "service": self.service,
            "source": known.get("ce_source"),
            "type": known.get("ce_type"),
            "event_id": known.get("ce_id"),
            "error": known.get("dlq_error"),
            "reason": known.get("dlq_reason"),
            "at": iso(from_millis(self._at)),
            "replays": replays,
            "quarantined": replays >= dead_letter.MAX_REPLAYS,
        }

    def whole(self) -> dict[str, Any]:
        """Everything: summary, key, headers, body (as JSON where it is, else as text)."""
        body = (self.value or b"").decode("utf-8", "replace")
        try:
            data: Any = json.loads(body)
        except ValueError:
            data = body
        key = None if self.key is None else self.key.decode("utf-8", "replace")
        return {**self.summary(), "key": key, "headers": self._known, "body": data}


async def waiting(bootstrap: str) -> list[Letter]:
    """All dead letters that have not been replayed, oldest first. Raises ``KafkaError`` when no broker answers."""
    topics = await partitions(bootstrap)
    places = [TopicPartition(t, p) for t, count in topics.items() if t.endswith(SUFFIX) for p in range(count)]
    if not places:
        return []
    record_batches.install()
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, client_id="kam-dlq", enable_auto_commit=False)
    try:
        await consumer.start()
        consumer.assign(places)
        ends = await consumer.end_offsets(places)
        begins = await consumer.beginning_offsets(places)
        filled = {place: ends[place] for place in places if ends[place] > begins[place]}
        if not filled:
            return []
        consumer.assign(list(filled))
        for place in filled:
            consumer.seek(place, begins[place])
        return await _read(consumer, filled)
    finally:
        await consumer.stop()


async def _read(consumer: AIOKafkaConsumer, ends: dict[TopicPartition, int]) -> list[Letter]:
    letters: dict[str, tuple[int, Letter]] = {}
    replayed: set[str] = set()
    left = dict(ends)
    while left:
        for records in (await consumer.getmany(*left, timeout_ms=_READ_MILLIS)).values():
            for record in records:
                headers = dict(record.headers)
                marker = headers.get(MARKER)
                # A letter may carry what a stranger wrote: only what is no letter is a mark.
                if marker is not None and "dlq_topic" not in headers:
                    replayed.add(marker.decode("utf-8", "replace"))
                else:
                    letter = Letter(record)
                    letters[letter.id] = (record.timestamp, letter)
        for place in list(left):
            if await consumer.position(place) >= left[place]:
                del left[place]
    return [letter for id_, (_, letter) in sorted(letters.items(), key=lambda item: item[1][0]) if id_ not in replayed]


async def replay(bootstrap: str, letters: Iterable[Letter]) -> tuple[list[str], list[str]]:
    """Send the originals again, each for the one app that failed; returns the ids replayed and those in quarantine.
    Raises ``KafkaError``."""
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap, client_id="kam-dlq", enable_idempotence=True, max_request_size=8 << 20
    )
    done: list[str] = []
    quarantined: list[str] = []
    try:
        await producer.start()
        for letter in letters:
            message, allowed = dead_letter.replay(letter.headers, letter.key, letter.value)
            if not allowed:
                quarantined.append(letter.id)
                continue
            await producer.send_and_wait(
                message.topic, message.value, key=message.key, partition=message.partition, headers=message.headers
            )
            topic, partition, _ = letter.id.rsplit("/", 2)
            marker = [(MARKER, letter.id.encode())]
            await producer.send_and_wait(topic, b"", partition=int(partition), headers=marker)
            done.append(letter.id)
    finally:
        await producer.stop()
    return done, quarantined


async def partitions(bootstrap: str) -> dict[str, int]:
    """Name and number of partitions of every topic. Raises ``KafkaError`` when the broker does not answer."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, client_id="kam-topics")
    try:
        await admin.start()
        described = await admin.describe_topics()
    finally:
        await admin.close()
    return {t["topic"]: len(t["partitions"]) for t in described if not t["topic"].startswith("__")}
