"""Our messages are CloudEvents to others: written by us, read by the public SDK; and the other way round."""

import uuid
from datetime import UTC, datetime
from typing import Any

import pytest
from aiokafka.partitioner import murmur2 as murmur2_of_aiokafka
from cloudevents.core.bindings import kafka
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from hypothesis import given
from hypothesis import strategies as st

from contracts import boss
from customer_profile import worker
from harness.one_processor import NOON, OneProcessor
from servicekit.envelope import (
    HeaderNames,
    Message,
    OutgoingMessage,
    ReceivedMessage,
    encode_data,
    parse_time,
    write_headers,
)
from servicekit.ids import boss_event_id, derive
from servicekit.kafka import partition_of


def read_by_sdk(message: OutgoingMessage) -> CloudEvent:
    event = kafka.from_kafka(
        kafka.KafkaMessage(headers=dict(message.headers), key=message.key, value=message.value or b""), JSON
    )
    assert isinstance(event, CloudEvent)
    return event


JSON = JSONFormat()


async def test_what_a_service_emits_is_read_by_the_sdk() -> None:
    processor = await OneProcessor(worker.app(4)).open()
    customer = boss.Customer(customer_id="c1", name="张三", status="active")
    await processor.take(
        processor.record(
            "boss.events", "kam.boss.customer.changed.v1", customer, id="e1", correlation="file:CUST.dat.gz#7"
        )
    )
    (message,) = await processor.outbox()
    event = read_by_sdk(message)
    assert event.get_specversion() == "1.0"
    assert (event.get_type(), event.get_source()) == ("kam.customer.created.v1", "kam/customer-profile")
    assert (event.get_subject(), event.get_time()) == ("c1", NOON)
    assert event.get_datacontenttype() == "application/json"
    assert event.get_extension("correlationid") == "file:CUST.dat.gz#7"
    assert event.get_extension("causationid") == "e1"
    assert event.get_extension("businessclock") == NOON.isoformat()
    data = event.get_data()
    assert isinstance(data, dict) and (data["customer_id"], data["archive"]) == ("c1", "active")
    assert {"field": "name", "old": None, "new": "张*"} in data["changes"]


def test_what_the_sdk_writes_is_read_by_us() -> None:
    attributes = {
        "id": "x-1",
        "source": "boss/320100",
        "type": "kam.boss.balance.changed.v1",
        "subject": "c1",
        "time": datetime(2026, 7, 1, 4, tzinfo=UTC),
        "datacontenttype": "application/json",
        "correlationid": "feed:boss#1",
    }
    written = kafka.to_binary(CloudEvent(attributes, {"customer_id": "c1"}), JSON, lambda event: "c1")
    headers = {name: value if isinstance(value, bytes) else value.encode() for name, value in written.headers.items()}
    message = Message("boss.feed", 0, 0, b"c1", headers, bytes(written.value))
    assert (message.id, message.type, message.key) == ("x-1", "kam.boss.balance.changed.v1", "c1")
    assert message.attribute("source") == "boss/320100" and message.correlation_id == "feed:boss#1"
    assert parse_time(message.attribute("time") or "") == attributes["time"]
    assert message.body == b'{"customer_id": "c1"}' or message.body == b'{"customer_id":"c1"}'


def test_attributes_that_are_absent_are_none_and_the_event_is_its_own_beginning() -> None:
    headers = dict(
        write_headers(id="1", type="t", source="s", subject="c", time="2026-07-01T04:00:00Z", correlation_id="1")
    )
    message = Message("t", 0, 0, None, headers, encode_data({}))
    assert (message.key, message.correlation_id, message.revision) == ("c", "1", 0)
    assert message.attribute("causationid") is None and message.attribute("sequence") is None
    assert Message("t", 0, 0, None, {}, None).id == ""


@pytest.mark.parametrize(
    "key, murmur2", [("21", -973932308), ("foobar", -790332482), ("a-little-bit-long-string", -985981536)]
)
def test_partitions_are_those_of_kafkas_own_partitioner(key: str, murmur2: int) -> None:
    """Hashes from Kafka's own processor test (UtilsTest.testMurmur2)."""
    assert partition_of(key, 12) == partition_of(key.encode(), 12) == (murmur2 & 0x7FFFFFFF) % 12


@given(st.binary(max_size=40))
def test_partitions_are_those_of_aiokafka(key: bytes) -> None:
    assert partition_of(key, 1 << 31) == murmur2_of_aiokafka(key) & 0x7FFFFFFF


def test_ids_are_uuids_of_version_5() -> None:
    for n in range(200):
        made = derive("test", n)
        assert str(uuid.UUID(made)) == made and uuid.UUID(made).version == 5
        assert uuid.UUID(made) == uuid.uuid5(uuid.UUID("6f1c7b1a-5d0e-5a0e-9a53-c6a4f2f0b7d1"), f"test|{n}")
    assert boss_event_id("BILL", "c1/202605", 3) == derive("boss", "BILL", "c1/202605", 3)


@pytest.mark.parametrize("headers", [
    [], [("ce_id", b"1")], [("ce_type", b"kam.boss.bill.issued.v1"), ("ce_id", None), ("x", b"")],
    [("ce_id", b"1"), ("ce_type", b"a"), ("ce_id", b"2"), ("ce_subject", b"c9"), ("ce_sequence", b"p:1")],
    [("ce_type", b"\xff"), ("ce_subject", None), ("kam-replay-for", b"app")],
])  # fmt: skip
@pytest.mark.parametrize("key", [None, b"", b"c1", b"\xff"])
def test_a_message_as_it_is_read_is_what_a_dictionary_of_its_headers_makes(headers: Any, key: bytes | None) -> None:
    names, values = tuple(name for name, _ in headers), tuple(value for _, value in headers)
    read = ReceivedMessage("t", 1, 7, key, HeaderNames(names), values, b"{}", 5)
    made = Message("t", 1, 7, key, dict(headers), b"{}", 5)
    for name in ("topic", "partition", "offset", "raw_key", "body", "timestamp", "headers", "type", "key", "hot", "id",
                 "correlation_id", "data"):  # fmt: skip
        assert getattr(read, name) == getattr(made, name), name
