"""``publish`` and ``nightly-file``: a large BILL file through billing-sync itself, a process with a broker of its own.

The first file is all new: every row is published (``limit``: bare aiokafka produces the same messages). The second one,
of the next day, says the same of everybody: nothing changes (``limit``: pyarrow reads the same file). Afterwards an
event older than the second file must be stale: each row was confirmed by it.
"""

import asyncio
import json
import os
import subprocess
import sys
import time
import urllib.request
from datetime import date
from pathlib import Path
from typing import Any

import psutil
from aiokafka import AIOKafkaConsumer, TopicPartition
from pyarrow import csv

from bench import broker
from bench.first_load import produce_again
from bench.machine import free_port_base
from contracts.apps import APPS
from kam.embedded.process import guarded
from servicekit.auth import issue_token

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from harness.boss_files import write_pair

CITY, DAYS = "320100", (date(2026, 6, 28), date(2026, 6, 29))
_SECRET = "of the benchmark alone, nobody else knows it"
_SECONDS = 900
_BILL = b"kam.boss.bill.issued.v1"


def bills(rows: int) -> list[dict[str, Any]]:
    return [
        {
            "customer_id": f"8{n:07d}", "period": "202606", "issued_on": DAYS[0], "due_on": "2026-07-20",
            "amount_fen": 5000 + n * 7919 % 60000, "voice_fen": 1000, "data_fen": 2000, "sms_fen": 0, "other_fen": 0,
        }
        for n in range(rows)
    ]  # fmt: skip


class BillingSync:
    """The service as a process."""

    def __init__(self, scratch: Path, kafka: str) -> None:
        base = free_port_base()
        self.inbox, self.url = scratch / "boss" / "inbox", f"http://127.0.0.1:{base}"
        (scratch / "secret").write_text(_SECRET)
        env = {
            "KAM_SERVICE_DATA": str(scratch / "data"), "KAM_CHECKPOINTS": str(scratch / "checkpoints"),
            "KAM_BOSS_DIR": str(scratch / "boss"), "KAM_KAFKA": kafka, "KAM_HTTP_PORT": str(base),
            "KAM_SECRET_FILE": str(scratch / "secret"), "KAM_CLOCK": "feed", "KAM_LOG_FORMAT": "json",
        }  # fmt: skip
        for folder in (self.inbox, scratch / "data", scratch / "checkpoints"):
            folder.mkdir(parents=True)
        self._log = (scratch / "billing-sync.log").open("wb")
        command = guarded([sys.executable, "-m", "billing_sync"])
        self.process = subprocess.Popen(command, env={**os.environ, **env}, stdout=self._log, stderr=self._log)
        self.peak_mb = 0.0

    def get(self, path: str) -> Any:
        token = issue_token(_SECRET, "bench", "service", hours=1)
        request = urllib.request.Request(self.url + path, headers={"authorization": f"Bearer {token}"})
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    def post(self, event: dict[str, Any]) -> Any:
        token = issue_token(_SECRET, "bench", "integrator", hours=1)
        headers = {"authorization": f"Bearer {token}", "content-type": "application/cloudevents+json"}
        request = urllib.request.Request(self.url + "/v1/events", json.dumps(event).encode(), headers)
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    def until_ready(self) -> None:
        deadline = time.monotonic() + 60
        while True:
            try:
                self.get("/health/ready")
                return
            except OSError:
                if time.monotonic() > deadline or self.process.poll() is not None:
                    raise
                time.sleep(0.1)

    def load(self, name: str) -> tuple[dict[str, Any], float, float]:
        """Receipt of a file that lies in the inbox, seconds until it was there and all was published, CPU seconds."""
        process, began = psutil.Process(self.process.pid), time.monotonic()
        cpu = sum(process.cpu_times()[:2])
        receipt = next(self.inbox.parent.rglob(f"{name}.rcp"), None)
        while receipt is None or any(p["outbox"] for p in self.get("/internal/settle")["processors"]):
            self.peak_mb = max(self.peak_mb, process.memory_info().rss / (1 << 20))
            if time.monotonic() - began > _SECONDS or self.process.poll() is not None:
                raise RuntimeError(f"{name} was not loaded: {Path(self._log.name).read_text()[-2000:]}")
            time.sleep(0.1)
            receipt = receipt or next(self.inbox.parent.rglob(f"{name}.rcp"), None)
        return json.loads(receipt.read_text()), time.monotonic() - began, sum(process.cpu_times()[:2]) - cpu

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(30)
        self._log.close()


async def measure(quick: bool) -> list[dict[str, Any]]:
    rows = 100_000 if quick else 1_000_000
    app = APPS["billing-sync"]
    names = (*app.reads, *app.writes, app.journal, *app.dead_letters(), "bench.publish")
    async with broker.running(4, *names) as (kafka, scratch):
        service = BillingSync(scratch, kafka)
        try:
            await asyncio.to_thread(service.until_ready)
            found = bills(rows)
            results = []
            for sequence, day in enumerate(DAYS, 1):
                name = write_pair(service.inbox, "BILL", CITY, day, sequence, found)
                results.append(await asyncio.to_thread(service.load, name))
            packed = next(service.inbox.parent.rglob(f"{name}.dat.gz"))
            began = time.monotonic()
            csv.read_csv(packed, csv.ReadOptions(), csv.ParseOptions(delimiter="|"))
            parse = time.monotonic() - began
            produce = await produce_again(kafka, "boss.events", "bench.publish", 4)
            bills_before = await _bills(kafka)
            await asyncio.to_thread(service.post, _older(found[rows // 2]))
            bills_after = await _bills(kafka)
        finally:
            service.stop()
    (first, publishing, publish_cpu), (second, seconds, cpu) = results
    return [
        _line("publish", rows, publishing, produce, publish_cpu, loaded=first["loaded"], events=bills_before),
        _line("nightly-file", rows, seconds, parse, cpu, unchanged=second["unchanged"], loaded=second["loaded"],
              peak_mb=round(service.peak_mb), older_is_stale=bills_after == bills_before),
    ]  # fmt: skip


def _line(name: str, rows: int, seconds: float, limit: float, cpu: float, **more: Any) -> dict[str, Any]:
    return {
        "name": name, "ours": round(rows / seconds), "peer": None, "limit": round(rows / limit), "unit": "rows/s",
        "ours_vs_peer": None, "ours_vs_limit": round(limit / seconds, 3), "rows": rows, "seconds": round(seconds, 2),
        "cpu_seconds": round(cpu, 2), **more,
    }  # fmt: skip


def _older(bill: dict[str, Any]) -> dict[str, Any]:
    """The same bill with another amount, said before the second file's day ended."""
    data = {**bill, "issued_on": str(bill["issued_on"]), "amount_fen": 1}
    return {
        "specversion": "1.0", "source": "/bench", "id": "older", "type": "kam.boss.bill.issued.v1",
        "time": f"{DAYS[1]}T12:00:00+08:00", "data": data,
    }  # fmt: skip


async def _bills(kafka: str) -> int:
    """How many events of bills stand in the log."""
    inputs, count = [TopicPartition("boss.events", p) for p in range(4)], 0
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka, group_id=None, auto_offset_reset="earliest")
    consumer.assign(inputs)
    await consumer.start()
    try:
        ends = await consumer.end_offsets(inputs)
        while any([await consumer.position(tp) < end for tp, end in ends.items()]):
            batches = await consumer.getmany(timeout_ms=1000)
            count += sum(("ce_type", _BILL) in r.headers for records in batches.values() for r in records)
    finally:
        await consumer.stop()
    return count
