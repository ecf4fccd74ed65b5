"""What ``kam status`` shows: every process of the running instance, its health, lag and freshness."""

from __future__ import annotations

import asyncio
import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psutil

from kam.instance import HOST

TIMEOUT = 3.0
HEADINGS = (
    "进程\nprocess",
    "\npid",
    "运行\nup",
    "就绪\nready",
    "重启\nagain",
    "内存\nMB",
    "积压\nlag",
    "待发\noutbox",
    "待办\npending",
)


def _get(url: str) -> tuple[int, dict[str, Any]] | None:
    """Status and JSON object (empty, if the body is none) of an answer, whatever its status; None without answer."""
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT) as answer:
            status, text = answer.status, answer.read()
    except urllib.error.HTTPError as error:
        status, text = error.code, error.read()
    except OSError:
        return None
    try:
        body = json.loads(text)
    except ValueError:
        body = {}
    return status, body if isinstance(body, dict) else {}


def _ask(url: str) -> dict[str, Any]:
    """``ready``, ``detail`` (why not) and ``settle`` (the service's own account, see servicekit) of one process."""
    health = _get(f"{url}/health/ready")
    settle = _get(f"{url}/internal/settle")
    return {
        "ready": health is not None and health[0] == 200,
        "detail": "no answer" if health is None else health[1].get("status"),
        "settle": settle[1] if settle is not None and settle[0] == 200 else None,
    }


def _process(pid: int | None) -> dict[str, Any]:
    """``memory_mb`` and ``up_seconds`` of a process; None where it is gone."""
    try:
        process = psutil.Process(pid) if pid else None
        if process is not None:
            memory = round(process.memory_info().rss / 2**20)
            return {"memory_mb": memory, "up_seconds": round(time.time() - process.create_time())}
    except psutil.NoSuchProcess:
        process = None
    return {"memory_mb": None, "up_seconds": None}


def offsets(settle: Mapping[str, Any] | None) -> list[tuple[str, int]]:
    """(``topic/partition``, next offset) of every processor of a service; two stages may read the same partition."""
    processors = (settle or {}).get("processors") or ()
    return [(key, int(offset)) for processor in processors for key, offset in (processor.get("offsets") or {}).items()]


def end_offsets(bootstrap: str, partitions: Iterable[str]) -> dict[str, int]:
    """The end of each ``topic/partition``; empty when Kafka does not answer."""
    from aiokafka import AIOKafkaConsumer, TopicPartition
    from aiokafka.errors import KafkaError

    wanted = [TopicPartition(topic, int(number)) for topic, number in (key.rsplit("/", 1) for key in partitions)]

    async def ask() -> dict[str, int]:
        consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, request_timeout_ms=3000)
        try:
            await consumer.start()
            return {f"{p.topic}/{p.partition}": end for p, end in (await consumer.end_offsets(wanted)).items()}
        except (KafkaError, OSError):
            return {}
        finally:
            await consumer.stop()

    return asyncio.run(ask()) if wanted else {}


def summary(settle: Mapping[str, Any] | None, ends: Mapping[str, int]) -> dict[str, Any]:
    """``lag`` (messages behind the end of the inputs, None when not known), ``outbox``, ``pending``, ``failed``."""
    if settle is None:
        return {"lag": None, "outbox": None, "pending": None, "failed": []}
    processors = settle.get("processors") or []
    behind = [ends[key] - next_one for key, next_one in offsets(settle) if key in ends]
    pending = settle.get("pending")
    return {
        "lag": sum(max(0, count) for count in behind) if ends else None,
        "outbox": sum(int(processor.get("outbox") or 0) for processor in processors),
        "pending": sum(int(n) for n in pending.values()) if isinstance(pending, dict) else None,
        "failed": [
            f"{processor.get('processor')}: {processor['failed']}"
            for processor in processors
            if processor.get("failed")
        ],
    }


def collect(description: Mapping[str, Any]) -> dict[str, Any]:
    """The whole report: ``ready``, addresses and ``processes`` {name: pid, ready, restarts, memory, lag, settle …}."""
    processes: dict[str, Any] = description["processes"]
    urls = {
        name: f"http://{HOST}:{known['ports']['http']}" for name, known in processes.items() if "http" in known["ports"]
    }
    with ThreadPoolExecutor(max(1, len(urls))) as pool:
        asked = dict(zip(urls, pool.map(_ask, urls.values()), strict=True))
    inputs = {key for answer in asked.values() for key, _ in offsets(answer["settle"])}
    ends = end_offsets(description["kafka"], sorted(inputs))
    rows: dict[str, Any] = {}
    for name, known in processes.items():
        # Servers without HTTP are as ready as their supervisor last saw them.
        answer = asked.get(name, {"ready": known["ready"], "detail": None, "settle": None})
        rows[name] = {
            "pid": known["pid"],
            **_process(known["pid"]),
            "restarts": known["restarts"],
            "ports": known["ports"],
            "log": known["log"],
            **answer,
            **summary(answer["settle"], ends),
            "freshness": (answer["settle"] or {}).get("freshness"),
        }
    return {
        "running": True,
        "ready": description["state"] == "running" and all(row["ready"] for row in rows.values()),
        "state": description["state"],
        "data": description["data"],
        "gateway": description["gateway"],
        "clock": description["clock"],
        "processes": rows,
    }


def _duration(seconds: int | None) -> str:
    if seconds is None:
        return "–"
    hours, rest = divmod(seconds, 3600)
    return f"{hours}:{rest // 60:02}:{rest % 60:02}"


def _fresh(freshness: Mapping[str, Any]) -> str:
    """Scalars as they are; of records with a time ``at`` (one a file kind and city, say) only the newest."""
    parts = [f"{key}={value}" for key, value in freshness.items() if not isinstance(value, dict | list)]
    dated = [(str(value["at"]), key) for key, value in freshness.items() if isinstance(value, dict) and "at" in value]
    if dated:
        at, key = max(dated)
        parts.append(f"{key} {at[:19]} (+{len(dated) - 1})")
    return " ".join(parts)


def show(report: Mapping[str, Any]) -> None:
    """A table on stdout."""
    from rich.console import Console
    from rich.table import Table

    console = Console()
    console.print(f"{report['data']}  {report['gateway']}  {report['state']}", highlight=False)
    table = Table(box=None, pad_edge=False)
    for heading in HEADINGS:
        table.add_column(heading, no_wrap=True)
    for name, row in report["processes"].items():
        ready = "✓" if row["ready"] else f"✗ {row['detail'] or ''}"
        cells = [row["pid"], _duration(row["up_seconds"]), ready, row["restarts"], row["memory_mb"]]
        cells += [row["lag"], row["outbox"], row["pending"]]
        table.add_row(name, *("–" if cell is None else str(cell) for cell in cells))
    console.print(table)
    for name, row in report["processes"].items():
        if row["freshness"]:
            console.print(f"{name}: {_fresh(row['freshness'])}", markup=False, highlight=False)
        for failure in row["failed"]:
            console.print(f"✗ {failure}", style="red", markup=False)
