"""``growth``: what an event costs at a million customers, against ten thousand; CPU of the whole process, its disk's
threads included. Detection judges bills, notifications plan and hold the SMS of arrears; stores as in production, no
broker: ``python -m bench.growth detection|notifications --customers N --folder F`` is one run.
"""

import argparse
import asyncio
import json
import random
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

import msgspec
from aiokafka import TopicPartition

from alerts import notifications, rules
from alerts.detection import app as detection_app
from alerts.notifications.send_policy import seeded
from alerts.notifications.state import Contact, Customer
from bench import load
from bench.child import child
from contracts.alert import Alert, RuleRef
from servicekit.app import App
from servicekit.clock import iso
from servicekit.envelope import Message, encode_data, write_headers
from servicekit.pipeline import StreamProcessor
from servicekit.rocksdb_store import LocalStore
from servicekit.store import Batch

#: as many events at either size; alerts no more than the small one has customers, one each: a customer's second alert
#: and the SMS already held cost something of their own, whatever the number of customers
BILLS, ALERTS = 40_000, 10_000
BATCH, ROUNDS, SMALL, LARGE = 500, 3, 10_000, 1_000_000


class Nobody:
    """A broker that answers at once."""

    async def publish(self, messages: list[Any]) -> None:
        return None


def bill_records(customers: int) -> Iterator[tuple[str, bytes, Any]]:
    dice, months = random.Random(2), max(1, BILLS // customers)
    for key, body, headers in load.bills(customers, months):
        if dice.random() < BILLS / (customers * months):
            yield key.decode(), body, headers


def alert_records(customers: int) -> Iterator[tuple[str, bytes, Any]]:
    at = load.CLOCK
    for n, number in enumerate(random.Random(3).sample(range(customers), ALERTS)):
        id_ = load.customer(number)
        alert = Alert(
            alert_id=f"a-{n}", kind="arrears", customer_id=id_, state="raised", stage="reminder", severity="minor",
            rule=RuleRef(id="arrears", version=1), reasons=(), values={"amount_fen": 12900}, evidence=(), at=at,
            raised_at=at, revision=1,
        )  # fmt: skip
        headers = write_headers(
            id=f"e-{n}", type="kam.alert.raised.v1", source="kam/alerts", subject=id_, time=iso(at),
            correlation_id=f"feed:bench#{n}", sequence=f"alerts-detect.0.5f2c91aa:{n + 1}", clock=iso(at),
        )  # fmt: skip
        yield id_, encode_data(alert), headers


async def remember_contacts(folder: Path, customers: int) -> None:
    encode = msgspec.msgpack.Encoder().encode
    store = LocalStore(folder / "0")
    await store.open()
    for first in range(0, customers, 20_000):
        batch = Batch()
        for number in range(first, min(first + 20_000, customers)):
            id_ = load.customer(number)
            contact = Contact(phone=f"+86139{number:08d}", name="张三")
            batch.states[id_] = (encode(Customer(id_, contact)), None)
            batch.index["phone", f"139{number:08d}", id_] = True
        await store.commit(batch)
    await store.close()


async def measure(quick: bool) -> list[dict[str, Any]]:
    sizes = (SMALL, SMALL * 10 if quick else LARGE)
    lines = []
    for which in ("detection", "notifications"):
        small, large = [median([await _once(which, customers) for _ in range(ROUNDS)]) for customers in sizes]
        lines.append({"which": which, "small_us": small, "large_us": large, "ratio": round(large / small, 3)})
    worst = max(line["ratio"] for line in lines)
    return [
        {
            "name": "growth", "ours": worst, "peer": None, "limit": None, "unit": "ratio", "ours_vs_peer": None,
            "ours_vs_limit": None, "customers": sizes, "apps": lines,
        }
    ]  # fmt: skip


async def _once(which: str, customers: int) -> float:
    with tempfile.TemporaryDirectory(prefix="kam-bench-") as folder:
        found = await child("bench.growth", which, "--customers", str(customers), "--folder", folder)
    return float(found["us"])


async def quiet() -> None:
    """Wait until the disk's threads have done what loading left to them."""
    used = -1.0
    while time.process_time() - used > 0.02:
        used = time.process_time()
        await asyncio.sleep(0.5)


async def run(which: str, customers: int, folder: Path) -> dict[str, Any]:
    """Microseconds of CPU an event, after a tenth of them has warmed caches up."""
    if which == "detection":
        app, topic, records = detection_app(rules.load(), 1), "boss.events", bill_records(customers)
        await load.remember(folder, customers, partitions=1)
    else:
        app, topic, records = notifications.app(seeded(), partitions=1), "alert.events", alert_records(customers)
        await remember_contacts(folder, customers)
    processor = StreamProcessor(app, 0, [TopicPartition(topic, 0)], LocalStore(folder / "0"), Nobody())
    await processor.open()
    await quiet()
    relaying = asyncio.create_task(processor.relay.run())
    batches = list(_batches(app, topic, records))
    warm = len(batches) // 10
    seconds, events = 0.0, 0
    for number, batch in enumerate(batches):
        began = time.process_time()
        await processor.process({TopicPartition(topic, 0): batch})
        await processor.relay.drain()
        if number >= warm:
            seconds += time.process_time() - began
            events += len(batch)
    relaying.cancel()
    await processor.store.close()
    return {"which": which, "customers": customers, "events": events, "us": round(seconds / events * 1e6, 2)}


def _batches(app: App, topic: str, records: Iterator[tuple[str, bytes, Any]]) -> Iterator[list[Any]]:
    batch: list[Any] = []
    for offset, (key, body, headers) in enumerate(records):
        batch.append(Message(topic, 0, offset, key.encode(), dict(headers), body))
        if len(batch) == BATCH:
            yield batch
            batch = []


def main() -> None:
    words = argparse.ArgumentParser()
    words.add_argument("which", choices=("detection", "notifications"))
    words.add_argument("--customers", type=int, required=True)
    words.add_argument("--folder", type=Path, required=True)
    given = words.parse_args()
    print(json.dumps(asyncio.run(run(given.which, given.customers, given.folder))))


if __name__ == "__main__":
    main()
