"""``first-load``: months of nightly files of two cities into an empty instance, until all is settled.

``limit``: pyarrow parses the same files, the same messages are produced, the same documents upserted in bulk, one after
the other. With it, of each process CPU seconds and memory; of each app the events read and when the last one was.
"""

import asyncio
import contextlib
import json
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from calendar import monthrange
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil
from aiokafka import AIOKafkaConsumer, TopicPartition
from motor.motor_asyncio import AsyncIOMotorClient
from pyarrow import csv
from pymongo import UpdateOne

from bench.machine import database_kind, free_port_base
from kam.embedded import topics
from servicekit.kafka import start_producer

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from harness.boss_files import write_pair

KAM = Path(sys.executable).with_name("kam")
PROVINCE = "320000"
# The second city's BOSS is the older one: another encoding, another separator.
CITIES: dict[str, dict[str, str]] = {"320100": {}, "320500": {"encoding": "gb18030", "separator": "\t"}}
SERVICES = {"billing-sync": 1, "customer-profile": 2, "alerts": 3, "manager-work": 4, "analytics": 5}
FALLING, OWING, ENDING, COMPLAINING, PAYING, MANAGERS = 0.03, 0.02, 0.02, 0.005, 0.05, 40
Row = dict[str, Any]


def month_ends(last: date, months: int) -> list[date]:
    """Last days of so many calendar months, the last of them that of ``last``, oldest first."""
    found = []
    for back in range(months):
        year, month = divmod(last.year * 12 + last.month - 1 - back, 12)
        found.append(date(year, month + 1, monthrange(year, month + 1)[1]))
    return found[::-1]


def customer(number: int, city: str, day: date) -> Row:
    id_ = f"C{number:08d}"
    return {
        "customer_id": id_, "kind": "person", "name": f"测试{number}", "phone": f"139{number:08d}",
        "id_number": f"320100{number:012d}", "birth_date": date(1950 + number % 50, 1 + number % 12, 1), "gender": "f",
        "city": city, "district": f"{city[:4]}02", "area": "rural" if number % 4 == 0 else "urban", "brand": "GoTone",
        "plan_code": f"P{number % 7}99", "monthly_fee_fen": 9900 + number % 7 * 10000,
        "opened_on": day - timedelta(days=700 + number % 900), "status": "active", "credit_class": "A",
        "language": "en" if number % 10 == 0 else "zh", "do_not_disturb": 0, "manager_id": f"M{number % MANAGERS:03d}",
    }  # fmt: skip


def bill(rng: random.Random, row: Row, day: date, low: bool) -> Row:
    amount = int(row["monthly_fee_fen"] * rng.uniform(0.95, 1.05)) // (3 if low else 1)
    return {
        "customer_id": row["customer_id"], "period": f"{day:%Y%m}", "issued_on": day, "due_on": day,
        "amount_fen": amount, "voice_fen": amount // 3, "data_fen": amount // 3, "sms_fen": 0, "other_fen": 0,
    }  # fmt: skip


def usage(rng: random.Random, row: Row, day: date, low: bool) -> Row:
    minutes = int(600 * rng.uniform(0.95, 1.05)) // (3 if low else 1)
    return {
        "customer_id": row["customer_id"], "period": f"{day:%Y%m}", "voice_minutes": minutes,
        "out_calls": minutes // 3, "sms_count": 20, "data_mb": 4000, "active_days": 30, "competitor_calls": 2,
        "care_calls": 0,
    }  # fmt: skip


def write(folder: Path, customers: int, days: list[date], rng: random.Random) -> int:
    """All pairs of these business dates; returns the number of rows."""
    first, last = days[0], days[-1]
    rows = 0

    def put(kind: str, city: str, day: date, sequence: int, found: list[Row], how: dict[str, str]) -> None:
        nonlocal rows
        rows += len(found)
        write_pair(folder, kind, city, day, sequence, found, **how)  # type: ignore[arg-type]

    processors = [{"unit_id": "U1", "name": "省大客户部", "city": PROVINCE}]
    managers = [
        {"manager_id": f"M{n:03d}", "name": f"经理{n}", "unit_id": "U1", "status": "active"} for n in range(MANAGERS)
    ]
    put("UNIT", PROVINCE, first, 1, processors, {})
    put("MGR", PROVINCE, first, 1, managers, {})
    for place, (city, how) in enumerate(CITIES.items()):
        people = [customer(n, city, first) for n in range(place, customers, len(CITIES))]
        put("CUST", city, first, 1, people, how)
        for sequence, day in enumerate(days, 1):
            low = {row["customer_id"] for row in people if rng.random() < FALLING}
            put("BILL", city, day, sequence, [bill(rng, row, day, row["customer_id"] in low) for row in people], how)
            put("USAGE", city, day, sequence, [usage(rng, row, day, row["customer_id"] in low) for row in people], how)
        some = {share: [r for r in people if rng.random() < share] for share in (OWING, ENDING, COMPLAINING, PAYING)}
        noon = f"{last}T12:00:00+08:00"
        put("CONT", city, last, 1, [
            {"contract_id": f"K{r['customer_id']}", "customer_id": r["customer_id"], "product_code": "P1",
             "starts_on": last - timedelta(days=700), "ends_on": last + timedelta(days=45), "monthly_fee_fen": 9900,
             "auto_renew": 0} for r in some[ENDING]], how)  # fmt: skip
        put("PAY", city, last, 1, [
            {"payment_id": f"P{r['customer_id']}", "customer_id": r["customer_id"], "paid_at": noon,
             "amount_fen": 9900, "channel": "bank"} for r in some[PAYING]], how)  # fmt: skip
        put("ARR", city, last, 1, [
            {"customer_id": r["customer_id"], "as_of": last, "amount_fen": 12345,
             "oldest_due_on": last - timedelta(days=5), "suspended": 0} for r in some[OWING]], how)  # fmt: skip
        put("COMP", city, last, 1, [
            {"complaint_id": f"Q{r['customer_id']}", "customer_id": r["customer_id"], "opened_at": noon,
             "category": "coverage", "channel": "10086", "severity": 2, "status": "opened", "text": "信号差"}
            for r in some[COMPLAINING]], how)  # fmt: skip
    return rows


class Watch:
    """Looks at every process once a second: CPU, memory, and how far its processors have read."""

    def __init__(self, pids: dict[str, int], port_base: int) -> None:
        self._processes = {name: psutil.Process(pid) for name, pid in pids.items()}
        self._urls = {name: f"http://127.0.0.1:{port_base + port}/internal/settle" for name, port in SERVICES.items()}
        self._began = time.monotonic()
        self.cpu = {name: self._cpu(name) for name in pids}
        self.peak = dict.fromkeys(pids, 0.0)
        self.read: dict[str, tuple[int, float]] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._stop.wait(1.0):
            for name, process in self._processes.items():
                self.peak[name] = max(self.peak[name], process.memory_info().rss / (1 << 20))
            for processor, offset in self._offsets():
                if offset > self.read.get(processor, (0, 0.0))[0]:
                    self.read[processor] = (offset, time.monotonic() - self._began)

    def _offsets(self) -> Iterator[tuple[str, int]]:
        for name, url in self._urls.items():
            with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=5) as answer:
                apps: dict[str, int] = {}
                for processor in json.load(answer)["processors"]:
                    app = str(processor["processor"]).rpartition(".")[0]
                    apps[app] = (
                        apps.get(app, 0)
                        + sum(processor["offsets"].values())
                        + (name == "billing-sync") * processor["sequence"]
                    )
                yield from apps.items()

    def _cpu(self, name: str) -> float:
        times = self._processes[name].cpu_times()
        return float(times.user + times.system)

    def result(self) -> dict[str, Any]:
        self._stop.set()
        self._thread.join()
        return {
            "processes": {
                name: {
                    "cpu_seconds": round(self._cpu(name) - before, 1),
                    "mb": round(self._processes[name].memory_info().rss / (1 << 20)),
                    "peak_mb": round(self.peak[name]),
                }
                for name, before in self.cpu.items()
            },
            "processors": {
                processor: {"read": n, "at_second": round(at, 1)} for processor, (n, at) in sorted(self.read.items())
            },
        }


def kam(*words: str) -> Any:
    done = subprocess.run([KAM, *words, "--json"], stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout or "null")


def load(customers: int, months: int, last: date, data: Path, port_base: int) -> dict[str, Any]:
    """One first load; the instance's data stays in ``data``. With what the parts of the limit take, see ``limits``."""
    files = data.with_name(data.name + "-files")
    rows = write(files, customers, month_ends(last, months), random.Random(1))
    place = ("--data", str(data))
    up = kam("up", "--detach", "--no-sim", "--clock", "feed", "--port-base", str(port_base), *place)
    try:
        watch = Watch(up["pids"], port_base)
        began = time.monotonic()
        receipts = kam("file", "deliver", *map(str, sorted(files.glob("*.dat.gz"))), "--timeout", "3000", *place)
        seconds = time.monotonic() - began
        found = watch.result()
        counts = {name: len(kam(name, *place)) for name in ("alerts", "work", "sms")}
        parts = asyncio.run(limits(files, up["kafka"], up["mongodb"]))
    finally:
        kam("down", *place)
        shutil.rmtree(files)
    loading = sum(_seconds(r) for r in receipts)
    return {
        "customers": customers, "months": months, "rows": rows, "seconds": round(seconds, 1),
        "files_seconds": round(loading, 1), "limit_seconds": parts,
        "loaded": sum(r["loaded"] for r in receipts), "rejected": sum(r["rejected"] for r in receipts),
        **counts, **found,
    }  # fmt: skip


async def limits(files: Path, kafka: str, mongodb: str) -> dict[str, float]:
    """Seconds to parse the files, to produce the same messages, and to write the same documents in bulk, one after the
    other, while the instance is idle."""
    found = {"parse": await asyncio.to_thread(_parse, files)}
    partitions = 4
    await topics.create(kafka, [topics.Topic("bench.first-load", partitions, 1)])
    found["produce"] = await produce_again(kafka, "boss.events", "bench.first-load", partitions)
    found["documents"] = await _write_again(mongodb)
    return {name: round(seconds, 2) for name, seconds in found.items()}


def _parse(files: Path) -> float:
    began = time.monotonic()
    for path in sorted(files.glob("*.dat.gz")):
        how = next(how for city, how in {PROVINCE: {}, **CITIES}.items() if f"_{city}_" in path.name)
        options = csv.ParseOptions(delimiter=how.get("separator", "|"))
        csv.read_csv(path, csv.ReadOptions(encoding=how.get("encoding", "utf-8")), options)
    return time.monotonic() - began


async def produce_again(kafka: str, source: str, target: str, partitions: int) -> float:
    """Seconds that producing what stands in one topic to another takes; reading it is not counted."""
    inputs = [TopicPartition(source, p) for p in range(partitions)]
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka, group_id=None, auto_offset_reset="earliest")
    consumer.assign(inputs)
    await consumer.start()
    producer = await start_producer(kafka, "bench")
    seconds = 0.0
    try:
        ends = await consumer.end_offsets(inputs)
        while any([await consumer.position(tp) < end for tp, end in ends.items()]):
            batches = await consumer.getmany(timeout_ms=1000, max_records=20_000)
            began = time.monotonic()
            futures = [
                await producer.send(target, r.value, key=r.key, partition=tp.partition, headers=list(r.headers))
                for tp, records in batches.items()
                for r in records
            ]
            await asyncio.gather(*futures)
            seconds += time.monotonic() - began
    finally:
        await consumer.stop()
        await producer.stop()
    return seconds


async def _write_again(mongodb: str) -> float:
    """Seconds that bulk upserts of all documents of the services into another database take."""
    client: AsyncIOMotorClient[dict[str, Any]] = AsyncIOMotorClient(mongodb)
    seconds = 0.0
    for name in await client.list_database_names():
        if name in ("admin", "local", "config", "bench"):
            continue
        for collection in await client[name].list_collection_names():
            target = client["bench"][f"{name}_{collection}"]
            batch: list[UpdateOne] = []

            async def flush(target: Any = target) -> None:
                nonlocal seconds, batch
                began = time.monotonic()
                if batch:
                    await target.bulk_write(batch, ordered=False)
                seconds += time.monotonic() - began
                batch = []

            async for document in client[name][collection].find():
                id_ = document.pop("_id")
                batch.append(UpdateOne({"_id": id_}, {"$set": document}, upsert=True))
                if len(batch) == 1000:
                    await flush()
            await flush()
    await client.drop_database("bench")
    client.close()
    return seconds


async def measure(quick: bool) -> list[dict[str, Any]]:
    customers = 5_000 if quick else 51_000
    base = free_port_base()
    with tempfile.TemporaryDirectory(prefix="kam-bench-") as scratch:
        found = await asyncio.to_thread(load, customers, 5, date(2026, 7, 31), Path(scratch) / "data", base)
    ours, limit = (found["rows"] / seconds for seconds in (found["seconds"], sum(found["limit_seconds"].values())))
    line = {
        "name": "first-load", "ours": round(ours), "peer": None, "limit": round(limit), "unit": "rows/s",
        "ours_vs_peer": None, "ours_vs_limit": round(ours / limit, 3), "database": database_kind(),
    }  # fmt: skip
    return [line | found]


def _seconds(receipt: dict[str, Any]) -> float:
    return (datetime.fromisoformat(receipt["ended"]) - datetime.fromisoformat(receipt["started"])).total_seconds()
