"""Feeding events: lines of a file become batches, batches go out over HTTP or Kafka, every event gets its receipt."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from kam.client import Client, Failed

BATCH = "application/cloudevents-batch+json"
BATCH_EVENTS = 500
BATCH_BYTES = 4 << 20
#: how long a feed waits for a service that is just being started again
PATIENCE_SECONDS = 60.0
#: how often one that is busy is told of
TOLD_SECONDS = 5.0
Receipt = dict[str, Any]


class Line(NamedTuple):
    """One event of a feed file: its place among the events, its exact bytes, and the event."""

    place: int
    raw: bytes
    event: dict[str, Any]


def _no_constant(text: str) -> None:
    raise ValueError(f"{text} is not JSON")


def read_lines(lines: Iterable[bytes]) -> tuple[list[Line], dict[int, Receipt]]:
    """The events of a JSONL file, and a rejected receipt for each line that is none; empty lines don't count."""
    events: list[Line] = []
    rejected: dict[int, Receipt] = {}
    index = 0
    for number, text in enumerate(lines, 1):
        raw = text.removeprefix(b"\xef\xbb\xbf").strip()
        if not raw:
            continue
        try:
            event = json.loads(raw.decode("utf-8"), parse_constant=_no_constant)
            if not isinstance(event, dict):
                raise ValueError("not a JSON object")
            events.append(Line(index, raw, event))
        except (ValueError, RecursionError) as error:
            reason = f"第 {number} 行不是 CloudEvent：{error} / line {number} is not a CloudEvent in JSON: {error}"
            rejected[index] = refusal({}, reason, f"line {number}")
        index += 1
    return events, rejected


def refusal(event: dict[str, Any], reason: str, field: str | None = None) -> Receipt:
    """A rejected receipt written on this side."""
    return {
        "source": event.get("source"),
        "id": event.get("id"),
        "status": "rejected",
        "field": field,
        "reason": reason,
    }


def batches(lines: Iterable[Line], events: int = BATCH_EVENTS, size: int = BATCH_BYTES) -> Iterator[list[Line]]:
    """Groups of at most ``events`` lines and ``size`` bytes; a longer line goes alone."""
    group: list[Line] = []
    total = 0
    for line in lines:
        if group and (len(group) >= events or total + len(line.raw) + 1 > size):
            yield group
            group, total = [], 0
        group.append(line)
        total += len(line.raw) + 1
    if group:
        yield group


def over_http(client: Client, lines: list[Line]) -> dict[int, Receipt]:
    """Send to billing-sync; receipts by index. Raises ``Failed`` when it does not answer or lets nobody in."""
    receipts: dict[int, Receipt] = {}
    for batch in batches(lines):
        receipts.update(_send(client, batch))
    return receipts


def _send(client: Client, batch: list[Line]) -> dict[int, Receipt]:
    body, told_at = b"[" + b",".join(line.raw for line in batch) + b"]", time.monotonic()
    while True:
        # Patience is safe: the same events with the same ids change nothing if the lost answer was a good one.
        answer = client.call(
            "POST", "billing-sync", "/v1/events", body, content_type=BATCH, role="integrator", patience=PATIENCE_SECONDS
        )
        if answer.status not in (429, 503):
            break
        if time.monotonic() >= told_at + TOLD_SECONDS:
            told_at = time.monotonic()
            print("稍等，会重发 / waiting to send again:", " / ".join(answer.problem()), file=sys.stderr, flush=True)
        time.sleep(_pause(answer.header("Retry-After")))
    if answer.status in (200, 202) and isinstance(answer.data, list) and len(answer.data) == len(batch):
        return {line.place: receipt for line, receipt in zip(batch, answer.data, strict=True)}
    if answer.status in (400, 413, 422):
        # One event that can't be read must not spoil the others: find it.
        if len(batch) > 1:
            half = len(batch) // 2
            return {**_send(client, batch[:half]), **_send(client, batch[half:])}
        return {batch[0].place: refusal(batch[0].event, " / ".join(answer.problem()))}
    client.checked(answer)
    raise Failed(f"billing-sync 的答复看不懂：{answer.data!r}", f"unexpected answer of billing-sync: {answer.data!r}")


def _pause(said: str | None) -> float:
    """Seconds that a busy service asks for (RFC 9110 allows a date as well: then one)."""
    return min(float(said), PATIENCE_SECONDS) if said and said.isdigit() else 1.0


def over_kafka(bootstrap: str, lines: list[Line]) -> dict[int, Receipt]:
    """Put the events on ``boss.feed`` in binary content mode; ``accepted`` means that Kafka has them."""
    import asyncio

    return asyncio.run(_produce(bootstrap, lines))


async def _produce(bootstrap: str, lines: list[Line]) -> dict[int, Receipt]:
    import asyncio

    from aiokafka import AIOKafkaProducer
    from aiokafka.errors import KafkaError

    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap,
        client_id="kam-feed",
        enable_idempotence=True,
        max_request_size=8 << 20,
    )
    try:
        await producer.start()
    except KafkaError as error:
        raise Failed(f"Kafka 没有应答：{bootstrap}；看 kam status", f"Kafka does not answer: {error!r}") from error
    receipts: dict[int, Receipt] = {}
    try:
        waiting = []
        for line in lines:
            try:
                key, headers, body = binary(line.event)
                waiting.append((line, await producer.send("boss.feed", body, key=key, headers=headers)))
            except (KafkaError, UnicodeEncodeError) as error:  # too large, or text that is no UTF-8
                receipts[line.place] = refusal(line.event, f"Kafka 不能收 / can't be sent to Kafka: {error}")
        for line, future in waiting:
            source, id_ = line.event.get("source"), line.event.get("id")
            try:
                await asyncio.wait_for(future, 60)
            except (KafkaError, TimeoutError) as error:
                receipts[line.place] = refusal(line.event, f"Kafka 未收下：{error!r} / not taken by Kafka: {error!r}")
            else:
                receipts[line.place] = {
                    "source": source,
                    "id": id_,
                    "status": "accepted",
                    "field": None,
                    "reason": None,
                }
    finally:
        await producer.stop()
    return receipts


def encode(event: dict[str, Any]) -> bytes:
    """An event in structured mode."""
    return json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()


def binary(event: dict[str, Any]) -> tuple[bytes | None, list[tuple[str, bytes]], bytes]:
    """Key, headers and body of an event for Kafka (CloudEvents Kafka binding 1.0.2, section 3.2); key = customer id."""
    data = event.get("data")
    customer = data.get("customer_id") if isinstance(data, dict) else None
    key = customer or event.get("subject")
    headers = [("content-type", str(event.get("datacontenttype") or "application/json").encode())]
    for name, value in event.items():
        if name not in ("data", "datacontenttype") and value is not None:
            headers.append((f"ce_{name}", str(value).encode()))
    body = json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode()
    return (None if key is None else str(key).encode()), headers, body
