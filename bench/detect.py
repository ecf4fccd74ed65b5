"""The runs of the benchmark ``detect``, each a process of its own: ``python -m bench.detect ours|limit|rules …``.

Prints one JSON object: events, seconds, and for ``ours`` what it keeps in memory and on disk.
"""

import argparse
import asyncio
import json
import time
from pathlib import Path
from typing import Any

import msgspec
import psutil
import uvloop
from aiokafka import AIOKafkaConsumer, TopicPartition

from alerts import rules
from alerts.detection import app
from alerts.detection.payloads import BillRecord
from bench import condition_rules
from bench.load import PARTITIONS, TOPIC, remember
from servicekit.kafka import MAX_MESSAGE_BYTES
from servicekit.rocksdb_store import LocalStore
from servicekit.service import Service
from servicekit.settings import ServiceSettings
from servicekit.telemetry import setup_logging


async def limit(kafka: str, events: int) -> dict[str, Any]:
    """The bare loop: aiokafka ``getmany`` and a msgspec decode of the body, nothing else; nothing of ours."""
    decode = msgspec.json.Decoder(BillRecord).decode
    consumer = AIOKafkaConsumer(
        bootstrap_servers=kafka, auto_offset_reset="earliest", max_partition_fetch_bytes=MAX_MESSAGE_BYTES
    )
    consumer.assign([TopicPartition(TOPIC, p) for p in range(PARTITIONS)])
    await consumer.start()
    seen, started, cpu = 0, time.perf_counter(), time.thread_time()
    while seen < events:
        for records in (await consumer.getmany(timeout_ms=1000, max_records=10_000)).values():
            for record in records:
                decode(record.value)
            seen += len(records)
    seconds, cpu = time.perf_counter() - started, time.thread_time() - cpu
    await consumer.stop()
    return {"events": seen, "seconds": seconds, "cpu_seconds": cpu}


async def ours(kafka: str, events: int, folder: Path, customers: int, *, conditions: bool = False) -> dict[str, Any]:
    """The production detector, as the service alerts runs it, from the first fetch to the last answer of the broker;
    with the seeds, or twenty ``conditions`` besides."""
    await remember(folder, customers)
    settings = ServiceSettings(service_data=folder, kafka=kafka, partitions=PARTITIONS)
    service = Service("alerts", settings)
    detector = app(condition_rules.in_force() if conditions else rules.load(), PARTITIONS)
    # A journal of its own: that of another run would tell of another processor's life, and be believed.
    detector.name = folder.name
    service.consume(detector, [TOPIC, "work.events"], lambda _, ordinal: LocalStore(folder / str(ordinal)))
    process = psutil.Process()
    before = process.memory_info().rss
    stopping = asyncio.Event()
    running = asyncio.create_task(service.run(stopping))
    while not service.ready()[0]:
        await asyncio.sleep(0.001)
    started, cpu, process_cpu = time.perf_counter(), time.thread_time(), time.process_time()
    peak = before
    while not _finished(service, events):
        if running.done():
            running.result()
        peak = max(peak, process.memory_info().rss)
        await asyncio.sleep(0.02)
    seconds, cpu = time.perf_counter() - started, time.thread_time() - cpu
    process_cpu = time.process_time() - process_cpu
    commits = sum(processor.position.commits for processor in service.processors)
    alerts = sum(processor.position.next_sequence - 1 for processor in service.processors)
    stopping.set()
    await running
    per_million = 1_000_000 / customers / 2**20
    return {
        "events": events,
        "seconds": seconds,
        "cpu_seconds": cpu,
        "process_cpu_seconds": process_cpu,
        "commits": commits,
        "alert_events": alerts,
        "memory_mb": (peak - before) / 2**20,
        "disk_mb_per_million_customers": _size(folder) * per_million,
    }


def _size(folder: Path) -> int:
    return sum(file.stat().st_size for kind in ("*.sst", "*.log") for file in folder.rglob(kind))


def _finished(service: Service, events: int) -> bool:
    done = sum(processor.position.offsets.get(f"{TOPIC}/{processor.ordinal}", 0) for processor in service.processors)
    return done >= events and not any(processor.relay.pending for processor in service.processors)


def main() -> None:
    words = argparse.ArgumentParser()
    words.add_argument("run", choices=("limit", "ours", "rules"))
    words.add_argument("--kafka", required=True)
    words.add_argument("--events", type=int, required=True)
    words.add_argument("--folder", type=Path)
    words.add_argument("--customers", type=int, default=0)
    words.add_argument("--profile", type=Path, help="write cProfile's findings here")
    given = words.parse_args()
    setup_logging("bench", "json")
    run = (
        limit(given.kafka, given.events)
        if given.run == "limit"
        else ours(given.kafka, given.events, given.folder, given.customers, conditions=given.run == "rules")
    )
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        if given.profile is not None:
            import cProfile

            with cProfile.Profile() as profile:
                found = runner.run(run)
            profile.dump_stats(given.profile)
        else:
            found = runner.run(run)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
