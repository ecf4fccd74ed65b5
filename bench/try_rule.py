"""``try``: a version of drop-30 tried on the archive of a province, as ``kam rule try`` does it: a process of its own.

12 months of 100,000 customers, with the three months before on which they are judged: each a BILL and a USAGE record.
``peer``: polars parses the BOSS files that say the same and computes the same, both versions, on all cores. ``limit``:
one core reads the same columns of the same archive and decodes each body, nothing else. Ours and the peer's counts must
be the same. Ours is timed with the start of its process, the peer and the limit without: of ``--quick`` that start is
the most.
"""

import argparse
import asyncio
import json
import os
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from statistics import median
from typing import Any

import msgspec
import psutil
import pyarrow.parquet as pq

from alerts import rules
from alerts.detection.months import last_day, month_of, period_of
from alerts.detection.payloads import BillRecord, CustomerRecord, UsageRecord
from alerts.trial.archive import COLUMNS
from alerts.trial.order import Found, Order, Progress, Ruled
from analytics.archive import SCHEMA, Archive, Archived
from bench.child import child, say
from contracts.boss import Bill, Customer, Usage
from servicekit.clock import end_of, iso
from servicekit.ids import boss_event_id
from servicekit.kafka import partition_of

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from harness.boss_files import write_pair

#: where Polars is, in an environment of its own (``make bench`` makes it)
POLARS = Path(sys.prefix) / "polars" / "bin" / "python"
CITY, FIRST, MONTHS, BEFORE, PARTITIONS = "320100", "202507", 12, 3, 4
_TYPES = {
    "CUST": "kam.boss.customer.changed.v1",
    "BILL": "kam.boss.bill.issued.v1",
    "USAGE": "kam.boss.usage.summarised.v1",
}
_AT_ONCE = 50_000  # rows that analytics writes at once
_decode: msgspec.json.Decoder[Progress | Found] = msgspec.json.Decoder(Progress | Found)


def customers(number: int) -> Iterator[dict[str, Any]]:
    dice = random.Random(1)
    for n in range(number):
        yield {
            "customer_id": f"8{n:07d}", "kind": "person", "name": "王小明", "phone": "13800000000", "city": CITY,
            "area": "urban", "brand": "全球通", "plan_code": f"P{n % 20}", "monthly_fee_fen": 9900,
            "opened_on": date(2025 if n % 50 == 0 else 2015, 9, 1 + n % 28),
            "status": "suspended" if n % 40 == 0 else "active", "language": "zh", "do_not_disturb": False,
            "manager_id": f"M{dice.randrange(500):04}",
        }  # fmt: skip


def month_of_rows(number: int, month: int) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """A bill and a usage summary of each customer; about one in fifty falls."""
    dice, period = random.Random(month), period_of(month)
    for n in range(number):
        id, usual = f"8{n:07d}", 5000 + n * 7919 % 60000
        share = dice.randrange(40, 75) if dice.random() < 0.02 else dice.randrange(90, 110)
        minutes = (100 + n % 400) * (dice.randrange(40, 75) if dice.random() < 0.02 else dice.randrange(90, 110)) // 100
        yield (
            {
                "customer_id": id, "period": period, "issued_on": last_day(month), "due_on": last_day(month + 1),
                "amount_fen": usual * share // 100, "voice_fen": 1000, "data_fen": 2000, "sms_fen": 100, "other_fen": 0,
            },
            {
                "customer_id": id, "period": period, "voice_minutes": minutes, "out_calls": minutes // 2,
                "sms_count": n % 30, "data_mb": 1000 + n % 9000, "active_days": 28, "competitor_calls": 0,
                "care_calls": 0,
            },
        )  # fmt: skip


class _Writer:
    """The archive as analytics would have written it, and the files that say the same."""

    def __init__(self, root: Path, files: Path) -> None:
        self._files = files
        self._archive = Archive(root, range(PARTITIONS))
        self._archive.open()
        self._ends = dict.fromkeys(range(PARTITIONS), 0)

    def write(self, kind: str, day: date, rows: list[dict[str, Any]], record: Any) -> None:
        write_pair(self._files, kind, CITY, day, 1, rows)
        at = iso(end_of(day))
        waiting: list[Archived] = []
        for row in rows:
            waiting.append(self._row(kind, day, at, row, record))
            if len(waiting) == _AT_ONCE:
                self._flush(waiting)
                waiting = []
        self._flush(waiting)

    def close(self) -> None:
        self._archive.close()

    def _flush(self, rows: list[Archived]) -> None:
        self._archive.write(rows, {f"boss.events/{partition}": end for partition, end in self._ends.items()})

    def _row(self, kind: str, day: date, at: str, row: dict[str, Any], record: Any) -> Archived:
        id = row["customer_id"]
        partition = partition_of(id, PARTITIONS)
        offset = self._ends[partition]
        self._ends[partition] += 1
        key = f"{id}/{row['period']}" if "period" in row else id
        values = {
            "topic": "boss.events", "partition": partition, "offset": offset, "timestamp": None,
            "id": boss_event_id(kind, key, 1), "type": _TYPES[kind], "source": f"file:{kind}", "subject": id,
            "time": at, "correlationid": f"file:{kind}#{offset}", "businessclock": at,
            "sequence": f"billing-sync:{offset}", "revision": 1, "key": id,
            "data": msgspec.json.encode(record(**row)).decode(),
        }  # fmt: skip
        ordered = tuple(values.get(name) for name in SCHEMA.names)
        return Archived("boss.events", partition, offset, day.isoformat(), ordered)


def prepare(root: Path, files: Path, number: int) -> None:
    """Archive and files of so many customers."""
    files.mkdir()
    writer = _Writer(root, files)
    first = month_of(FIRST)
    writer.write("CUST", last_day(first - BEFORE - 1), list(customers(number)), Customer)
    for month in range(first - BEFORE, first + MONTHS):
        bills, usages = zip(*month_of_rows(number, month), strict=True)
        writer.write("BILL", last_day(month + 1).replace(day=2), list(bills), Bill)
        writer.write("USAGE", last_day(month + 1).replace(day=3), list(usages), Usage)
    writer.close()


async def ours(root: Path, scratch: Path) -> dict[str, Any]:
    """The trial as alerts starts it, from its start to its result."""
    drop = msgspec.to_builtins(rules.load().fall)
    del drop["version"]
    last = period_of(month_of(FIRST) + MONTHS - 1)
    order = Order(
        str(root), str(scratch), Ruled(2, {**drop, "percent": 60}), Ruled(1, drop), Ruled(1, drop), FIRST, last
    )
    started, peak = time.perf_counter(), 0
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "alerts.trial",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=1 << 25,
    )  # fmt: skip
    os.setpriority(os.PRIO_PROCESS, process.pid, 19)
    assert process.stdin is not None and process.stdout is not None
    process.stdin.write(msgspec.json.encode(order) + b"\n")
    watched = psutil.Process(process.pid)
    async for line in process.stdout:
        said = _decode.decode(line)
        if isinstance(said, Found):
            seconds = time.perf_counter() - started
            process.stdin.close()
            await process.wait()
            return {
                "seconds": seconds, "alerts": said.alerts, "same": said.same, "gone": said.gone_count,
                "memory_mb": round(peak / 2**20),
            }  # fmt: skip
        peak = max(peak, watched.memory_info().rss)
    raise RuntimeError("the trial ended without a result")


def limit(root: Path) -> dict[str, Any]:
    """One core: the columns that a trial reads, and each body decoded as the record that it is."""
    records = {"CUST": CustomerRecord, "BILL": BillRecord, "USAGE": UsageRecord}
    decode = {_TYPES[kind]: msgspec.json.Decoder(record).decode for kind, record in records.items()}
    started, rows = time.perf_counter(), 0
    for path in sorted(root.glob("topic=boss.events/*/*.parquet")):
        table = pq.read_table(path, columns=COLUMNS, partitioning=None, use_threads=False)
        for type_, body in zip(table["type"].to_pylist(), table["data"].to_pylist(), strict=True):
            decode[type_](body)
            rows += 1
    return {"seconds": time.perf_counter() - started, "rows": rows}


async def measure(quick: bool) -> list[dict[str, Any]]:
    """One line, ``customer-months/s``."""
    number, rounds = (5_000, 1) if quick else (100_000, 3)
    with tempfile.TemporaryDirectory() as folder:
        root, files, scratch = Path(folder) / "archive", Path(folder) / "files", Path(folder) / "scratch"
        scratch.mkdir()
        say(f"写归档与文件 / writing archive and files of {number} customers …")
        await asyncio.to_thread(prepare, root, files, number)
        found: dict[str, list[dict[str, Any]]] = {"ours": [], "peer": [], "limit": []}
        for n in range(rounds):
            found["limit"].append(await child("bench.try_rule", str(root)))
            found["ours"].append(await ours(root, scratch))
            if POLARS.exists():
                peer = str(Path(__file__).with_name("try_peer.py"))
                found["peer"].append(await child(peer, str(files), FIRST, str(MONTHS), python=POLARS))
            say(
                f"{n + 1}/{rounds}: "
                + ", ".join(f"{who} {runs[-1]['seconds']:.1f} s" for who, runs in found.items() if runs)
            )
    counts = [{name: run[name] for name in ("alerts", "same", "gone")} for run in found["ours"] + found["peer"]]
    if any(each != counts[0] for each in counts):
        raise RuntimeError(f"the two do not agree: {counts}")
    rate = {
        who: number * MONTHS / median(run["seconds"] for run in runs) if runs else None for who, runs in found.items()
    }
    assert rate["ours"] is not None and rate["limit"] is not None
    return [
        {
            "name": "try",
            "ours": round(rate["ours"]),
            "peer": None if rate["peer"] is None else round(rate["peer"]),
            "limit": round(rate["limit"]),
            "unit": "customer-months/s",
            "ours_vs_peer": None if rate["peer"] is None else round(rate["ours"] / rate["peer"], 3),
            "ours_vs_limit": round(rate["ours"] / rate["limit"], 3),
            "customers": number,
            "months": MONTHS,
            **counts[0],
            "memory_mb": max(run["memory_mb"] for run in found["ours"]),
            "seconds": {who: [round(run["seconds"], 1) for run in runs] for who, runs in found.items()},
        }
    ]


if __name__ == "__main__":
    words = argparse.ArgumentParser()
    words.add_argument("archive", type=Path)
    print(json.dumps(limit(words.parse_args().archive)))
