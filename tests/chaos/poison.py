"""Poison at every door while traffic flows, then ordinary events: nobody stops, nobody is started again."""

import asyncio
import contextlib
import json
import os
import struct
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from aiokafka import AIOKafkaProducer
from aiokafka.record.util import calc_crc32c
from province import Province, say, wait_for
from scenarios import START, Story, interleave, stories

CONTRACTS = Path(__file__).resolve().parents[2] / "schemas" / "topics"
TICK = "kam.clock.ticked.v1"
FEED = "boss.feed"
LARGE = 8 << 20
CODECS = ("gzip", "snappy", "lz4", "zstd")
#: customers of the ordinary events behind the poison
LATE = 600_000
Headers = list[tuple[str, Any]]


def poison(province: Province, at_once: int = 1) -> list[Story]:
    """Everything ``at_once`` times, then customers whose events come through the same doors; their stories."""
    province.wait_ready()
    before = province.restarts()
    say("poison at every door")
    for number in range(at_once):
        asyncio.run(_to_kafka(province))
        _to_inbox(province, number)
        _to_http(province)
    late = asyncio.run(_ordinary(province))
    wait_for(lambda: _has_come(province, late), 120, "ordinary events behind the poison had no alert or SMS")
    province.wait_ready(60)
    again = {name: count - before[name] for name, count in province.restarts().items() if count != before[name]}
    province.restarts_by_input += sum(again.values())
    say(f"behind the poison: alert and SMS came; restarts {again or 'none'}")
    return late


# --- Kafka ------------------------------------------------------------------------------------------------------------


async def _to_kafka(province: Province) -> None:
    contracts = [yaml.safe_load(path.read_text()) for path in CONTRACTS.glob("*.yaml")]
    topics = sorted(contract["name"] for contract in contracts)
    compacted = {contract["name"] for contract in contracts if contract.get("cleanup") == "compact"}
    for codec in (None, *CODECS):
        async with _producer(province, codec) as producer:
            for topic in topics if codec is None else (FEED,):
                for key, value, headers in _records(topic):
                    if key is None and topic in compacted:
                        continue  # the broker itself takes none without a key there
                    await _send(producer, topic, value, key, headers)
    async with _producer(province, None) as producer:
        for topic in topics:
            for found, put in ((b"ce_id", b"\xff\xfe\xfd\xfc\xfb"), (b"ce_id", b"ce_\x80\xff")):
                batch = producer.create_batch()
                batch.append(timestamp=None, key=b"P1", value=b"12345678", headers=[("ce_id", b"1")])
                await (await producer.send_batch(_Patched(batch, found, put), topic, partition=0))


def _producer(province: Province, codec: str | None) -> AIOKafkaProducer:
    return AIOKafkaProducer(
        bootstrap_servers=province.urls["kafka"], compression_type=codec, max_request_size=2 * LARGE
    )


async def _send(
    producer: AIOKafkaProducer, topic: str, value: bytes | None, key: bytes | None, headers: Headers
) -> None:
    batch = producer.create_batch()
    if batch.append(timestamp=None, key=key, value=value, headers=headers) is None:
        raise RuntimeError("the record does not fit into a batch")
    await (await producer.send_batch(batch, topic, partition=0))


class _Patched:
    """A batch some of whose octets are others on the wire, with a checksum that is right."""

    def __init__(self, batch: Any, found: bytes, put: bytes) -> None:
        self._batch, self._found, self._put = batch, found, put

    def __getattr__(self, name: str) -> Any:
        return getattr(self._batch, name)

    def _build(self) -> bytearray:
        raw = self._batch._build()
        at = raw.find(self._found)
        if at >= 0:
            raw[at : at + len(self._put)] = self._put
            struct.pack_into(">I", raw, 17, calc_crc32c(bytes(raw[21:])))
        return bytearray(raw)


def _records(topic: str) -> Iterator[tuple[bytes | None, bytes | None, Headers]]:
    """(key, value, headers): some fifteen bad records of a topic, less than a consumer bears in a row."""
    yield b"P1", b"\x00\xff\xfe rubbish", []
    yield b"P1", None, []
    yield None, b"{}", []
    yield b"\xff\xfe", b"{}", [("ce_type", b"\xff"), ("ce_id", b"\x00\xff")]
    yield b"", b"", [("ce_type", None), ("ce_id", None), ("", None)]
    yield b"P1", b"{}", [("ce_type", b"kam.nobody.knows.v1"), ("ce_sequence", b"x:y:z"), ("ce_revision", b"one")]
    yield b"P1", b"{}", [*_event(topic), ("ce_businessclock", b"yesterday"), ("ce_revision", b"-1"), ("x" * 9000, b"y")]
    yield b"P1", b"[" * 100_000, _event(topic)
    yield b"P1", b'{"customer_id": "P1", "clock": "9999-12-31T23:59:59.999999-14:00", "number": 1e400}', _event(topic)
    for tick in (b"", b"null", b'{"clock": "soon", "number": 1}', b'{"clock": 7, "number": "x"}', b"\xff"):
        yield b"clock", tick, [("ce_type", TICK.encode()), ("ce_id", b"tick"), ("ce_sequence", b"nobody.0.x:1")]
    if topic == FEED:
        yield from _of_the_year_9999()
        yield b"P1", b"x" * (LARGE - 100_000), _event(topic)
        yield b"P1", b"{}", [*_event(topic), ("huge", b"x" * (LARGE // 2))]


def _event(topic: str) -> Headers:
    types = {
        "alert.events": "alert.raised", "audit.log": "audit.recorded", "boss.events": "boss.arrears.changed",
        FEED: "boss.bill.issued", "customer.events": "customer.changed", "feed.events": "feed.file.accepted",
        "sms.outbound": "sms.intended", "sms.receipts": "sms.receipt.received", "work.events": "work.closed",
    }  # fmt: skip
    at = START.isoformat()
    return _headers(f"kam.{types.get(topic, 'nobody.knows')}.v1", f"poison-{topic}-{time.time_ns()}", at)


def _headers(type_: str, id_: str, at: str) -> Headers:
    said = {"specversion": "1.0", "type": type_, "id": id_, "source": "poison", "time": at, "subject": "P1"}
    return [(f"ce_{name}", text.encode()) for name, text in said.items()]


def _of_the_year_9999() -> Iterator[tuple[bytes, bytes, Headers]]:
    """Facts with dates as far away as there are: for someone known, and before anybody knew him."""
    last = "9999-12-31"
    for customer in ("P9998", "P9999"):
        facts: list[tuple[str, dict[str, Any]]] = [
            ("contract.changed", {"contract_id": f"ct-{customer}", "product_code": "B24", "starts_on": last,
                                  "ends_on": last, "monthly_fee_fen": 1, "auto_renew": False}),
            ("arrears.changed", {"as_of": last, "amount_fen": 1, "oldest_due_on": last, "suspended": False}),
            ("arrears.changed", {"as_of": "0001-01-01", "amount_fen": 1, "oldest_due_on": "0001-01-01",
                                 "suspended": True}),
            ("bill.issued", {"period": "999912", "issued_on": last, "due_on": last, "amount_fen": 1}),
        ]  # fmt: skip
        profile = {
            "kind": "person", "name": "末日", "phone": "13700009999", "city": "320100", "area": "urban",
            "plan_code": "P199", "opened_on": "0001-01-01", "status": "active", "language": "zh",
            "do_not_disturb": True,
        }  # fmt: skip
        facts.insert(0 if customer == "P9998" else len(facts), ("customer.changed", profile))
        for noun, data in facts:
            headers = _headers(f"kam.boss.{noun}.v1", f"{customer}-{noun}-{time.time_ns()}", START.isoformat())
            yield customer.encode(), json.dumps({"customer_id": customer, **data}).encode(), headers


async def _ordinary(province: Province) -> list[Story]:
    """New customers, some by each compression of Kafka."""
    late = stories(20, LATE, first=LATE)
    for number, codec in enumerate(CODECS):
        async with _producer(province, codec) as producer:
            for event in interleave(late[number :: len(CODECS)], number):
                body, subject = json.dumps(event["data"]).encode(), event["subject"].encode()
                headers = [(f"ce_{k}", v.encode()) for k, v in event.items() if isinstance(v, str)]
                await producer.send_and_wait(FEED, body, key=subject, headers=headers)
    return late


def _has_come(province: Province, late: list[Story]) -> bool:
    alerts = {alert["customer_id"] for alert in province.run("alerts")}
    sms = {row["customer_id"] for row in province.run("sms") if row["state"] in ("sent", "delivered")}
    wanted = {s.customer for s in late if any(state == "raised" for _, state in s.expected.alerts)}
    told = {s.customer for s in late if s.expected.sms and not s.expected.sms[0].endswith("?")}
    return wanted <= alerts and told <= sms


# --- files ------------------------------------------------------------------------------------------------------------


def _to_inbox(province: Province, number: int) -> None:
    """Names that nobody expects, and pairs whose halves are no files at all."""
    inbox = province.data / "boss" / "inbox"
    tail = ".dat.gz"
    names = [
        "话单_320100_20260630_0001".encode("gbk"), b"x" * (255 - len(tail)), b"\xff\xfe", b"a\nb", b" ", b"-rf",
        b"$(reboot)", b"CUST_320100_20260630_9999\x1b[2J", b"CUST_320100_99991231_0001", "𝕏".encode() * 60,
    ]  # fmt: skip
    for name in names:
        for ending, content in ((tail, b"\x1f\x8b rubbish"), (".chk", b"\xff=\xff\nrows=9" + b"9" * 5000)):
            (inbox / (os.fsdecode(name) + ending)).write_bytes(content)
    for ending in (tail, ".chk"):
        (inbox / f"BILL_320100_20260630_{7000 + number}{ending}").mkdir(exist_ok=True)
        with contextlib.suppress(FileExistsError):
            os.mkfifo(inbox / f"PAY_320100_20260630_{7000 + number}{ending}")
            (inbox / f"ARR_320100_20260630_{7000 + number}{ending}").symlink_to("/dev/zero")


# --- HTTP -------------------------------------------------------------------------------------------------------------


def _to_http(province: Province) -> None:
    """Large bodies of nobody, and bodies that no parser likes of somebody who may send."""
    doors = [
        ("POST", province.urls["billing_sync"] + "/v1/events"), ("PUT", province.urls["gateway"] + "/v1/clock"),
        ("POST", province.urls["gateway"] + "/v1/work/x/accept"), ("POST", province.urls["gateway"] + "/v1/nothing"),
    ]  # fmt: skip
    for method, url in doors:
        _ask(method, url, b"x" * 20_000_000, {})
    bad = [b"", b"\xff\xfe", b"[" * 100_000, b'{"data": ' * 5000, b"1" * 5000, b'[{"type": 7}]', b"null"]
    for body in bad:
        for media in ("application/cloudevents+json", "application/cloudevents-batch+json", "text/plain", "\xff"):
            _ask("POST", doors[0][1], body, {"Content-Type": media, "Authorization": f"Bearer {province.token}"})


def _ask(method: str, url: str, body: bytes, headers: dict[str, str]) -> None:
    """An answer of the services' own making, or a connection that was closed on too long a body."""
    status = 0
    try:
        with urllib.request.urlopen(urllib.request.Request(url, body, headers, method=method), timeout=60) as answer:
            status = answer.status
    except urllib.error.HTTPError as error:
        status = error.code
    except OSError as error:
        if len(body) < 1 << 20:
            raise RuntimeError(f"{method} {url} with {body[:40]!r}: {error!r}") from error
    if status >= 500:
        raise RuntimeError(f"{method} {url} with {body[:40]!r}: {status}")
