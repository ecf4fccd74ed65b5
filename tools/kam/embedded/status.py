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
from servicekit.lag import COUNTS, SECONDS, given_a_second

TIMEOUT = 3.0
_CPU_SECONDS = 0.3  # what CPU is measured over at least
WAITING = {"seconds_behind": "落后 / behind", "outbox_seconds": "待发 / outbox"}
_WORTH_SAYING = 0.1  # seconds
DELAYS = {"event_to_alert": "事件到预警 / event to alert", "event_to_sms": "事件到短信 / event to SMS"}
#: whom SMS may reach, by the environment that alerts were started in
ENVIRONMENTS = {
    "production": "生产环境：短信发给客户 / production: SMS go to customers",
    "test": "测试环境：短信只发到短信策略允许的号码 / test: SMS go only to numbers that the SMS policy allows",
    "demo": "演示环境：短信只到本机的模拟短信中心 / demo: SMS go to the simulated SMSC of this machine only",
}
HEADINGS = (
    "进程\nprocess",
    "\npid",
    "运行\nup",
    "就绪\nready",
    "重启\nagain",
    "内存\nMB",
    "CPU\n%",
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
    """``memory_mb``, ``up_seconds`` and ``cpu_seconds`` of a process; None where it is gone."""
    try:
        process = psutil.Process(pid) if pid else None
        if process is not None:
            memory, cpu = round(process.memory_info().rss / 2**20), process.cpu_times()
            up = round(time.time() - process.create_time())
            return {"memory_mb": memory, "up_seconds": up, "cpu_seconds": round(cpu.user + cpu.system, 2)}
    except psutil.NoSuchProcess:
        process = None
    return {"memory_mb": None, "up_seconds": None, "cpu_seconds": None}


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
    """``lag`` (messages behind the end of the inputs, None when not known), ``COUNTS``, ``SECONDS``, ``pending``,
    ``delays``, ``failed``, ``gaps`` (records that a log dropped before they were read), ``switch`` (number of the last
    switch of documents that all its processors have come to; None: it takes none).
    """
    if settle is None:
        unknown = dict.fromkeys(("lag", *COUNTS, *SECONDS, "pending", "switch"))
        return {**unknown, "delays": {}, "failed": [], "gaps": {}}
    processors = settle.get("processors") or []
    behind = [ends[key] - next_one for key, next_one in offsets(settle) if key in ends]
    pending = settle.get("pending")
    return {
        "lag": sum(max(0, count) for count in behind) if ends else None,
        **{name: sum(int(processor.get(name) or 0) for processor in processors) for name in COUNTS},
        **{name: max((float(processor.get(name) or 0) for processor in processors), default=0.0) for name in SECONDS},
        "pending": sum(int(n) for n in pending.values()) if isinstance(pending, dict) else None,
        "switch": min((p["switch"] for p in processors if p.get("switch") is not None), default=None),
        "delays": settle.get("delays") or {},
        "failed": [
            f"{processor.get('processor')}: {processor['failed']}"
            for processor in processors
            if processor.get("failed")
        ],
        "gaps": {
            f"{processor.get('processor')} {name}": count
            for processor in processors
            for name, count in (processor.get("gaps") or {}).items()
        },
    }


def collect(description: Mapping[str, Any]) -> dict[str, Any]:
    """The whole report: ``ready``, addresses and ``processes`` {name: pid, ready, restarts, memory, lag, settle …}."""
    processes: dict[str, Any] = description["processes"]
    urls = {
        name: f"http://{HOST}:{known['ports']['http']}" for name, known in processes.items() if "http" in known["ports"]
    }
    started, cpu = time.monotonic(), {name: _process(known["pid"])["cpu_seconds"] for name, known in processes.items()}
    with ThreadPoolExecutor(max(1, len(urls))) as pool:
        inputs = {key for answer in pool.map(_ask, urls.values()) for key, _ in offsets(answer["settle"])}
        ends = end_offsets(description["kafka"], sorted(inputs))

        async def ask() -> dict[str, dict[str, Any]]:
            return dict(zip(urls, pool.map(_ask, urls.values()), strict=True))

        def lags(asked: dict[str, dict[str, Any]]) -> bool:
            return any(summary(each["settle"], ends)["lag"] for each in asked.values())

        asked = asyncio.run(given_a_second(ask, lags))
    time.sleep(max(0.0, started + _CPU_SECONDS - time.monotonic()))
    rows: dict[str, Any] = {}
    for name, known in processes.items():
        # Servers without HTTP are as ready as their supervisor last saw them.
        answer = asked.get(name, {"ready": known["ready"], "detail": None, "settle": None})
        process, seconds = _process(known["pid"]), time.monotonic() - started
        rows[name] = {
            "pid": known["pid"],
            **process,
            "cpu_percent": _percent(cpu[name], process["cpu_seconds"], seconds),
            "restarts": known["restarts"],
            "ports": known["ports"],
            "log": known["log"],
            **answer,
            **summary(answer["settle"], ends),
            "freshness": (answer["settle"] or {}).get("freshness"),
        }
    return {
        "running": True,
        "kafka_answers": bool(ends) or not inputs,
        "ready": description["state"] == "running" and all(row["ready"] for row in rows.values()),
        "state": description["state"],
        "data": description["data"],
        "gateway": description["gateway"],
        "clock": description["clock"],
        "processes": rows,
    }


def _percent(before: float | None, after: float | None, seconds: float) -> int | None:
    """CPU used in so many seconds, of one core."""
    return None if before is None or after is None else round(100 * max(0.0, after - before) / seconds)


def _waiting(row: Mapping[str, Any]) -> str:
    """How old the oldest is that waits in a process; empty when nothing has for long."""
    found = [f"{text} {row[name]:.1f} s" for name, text in WAITING.items() if (row[name] or 0.0) >= _WORTH_SAYING]
    if row["documents"]:
        found.append(f"待写 / documents {row['documents']} ({row['documents_seconds']:.1f} s)")
    return " · ".join(found)


def _delays(report: Mapping[str, Any]) -> str:
    """How long alerts and SMS take lately: the worst process of each; empty where there were none."""
    worst: dict[str, float] = {}
    for row in report["processes"].values():
        for name, seconds in row["delays"].items():
            if seconds is not None:
                worst[name] = max(seconds, worst.get(name, 0.0))
    return " · ".join(f"{DELAYS.get(name, name)} p99 {seconds:.2f} s" for name, seconds in sorted(worst.items()))


def _duration(seconds: int | None) -> str:
    if seconds is None:
        return "–"
    hours, rest = divmod(seconds, 3600)
    return f"{hours}:{rest // 60:02}:{rest % 60:02}"


def unreached(report: Mapping[str, Any]) -> dict[str, tuple[int, int]]:
    """Of processes that have not come to the last switch of documents: the last they have come to, and the last."""
    reached = {name: row["switch"] for name, row in report["processes"].items() if row.get("switch") is not None}
    last = max(reached.values(), default=0)
    return {name: (number, last) for name, number in reached.items() if number < last}


def not_allowed(report: Mapping[str, Any]) -> int:
    """SMS that did not leave because their number is not allowed outside production; each worker counts them all."""
    rows = report["processes"].values()
    return max((int((row["freshness"] or {}).get("sms_not_allowed", 0)) for row in rows), default=0)


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
    for environment in {(row["freshness"] or {}).get("environment") for row in report["processes"].values()}:
        if environment is not None:
            console.print(ENVIRONMENTS.get(environment, environment), markup=False, highlight=False)
    if kept := not_allowed(report):
        text = f"{kept} 条短信因号码不在允许名单而未发 / {kept} SMS did not leave: their numbers are not allowed"
        console.print(text, style="yellow", markup=False, highlight=False)
    table = Table(box=None, pad_edge=False, collapse_padding=True)
    for heading in HEADINGS:
        table.add_column(heading, no_wrap=True)
    for name, row in report["processes"].items():
        ready = "✓" if row["ready"] else f"✗ {row['detail'] or ''}"
        cells = [row["pid"], _duration(row["up_seconds"]), ready, row["restarts"], row["memory_mb"]]
        cells += [row["cpu_percent"], row["lag"], row["outbox"], row["pending"]]
        table.add_row(name, *("–" if cell is None else str(cell) for cell in cells))
    console.print(table)
    if not report["kafka_answers"]:
        console.print("✗ Kafka 不应答，积压不明 / Kafka does not answer, lag is not known", style="red")
    for name, (number, last) in unreached(report).items():
        text = f"{name}: 规则等切换到第 {number} 个，最新第 {last} 个 / has come to switch {number} of {last}"
        console.print(text, style="yellow", markup=False, highlight=False)
    if delays := _delays(report):
        console.print(delays, markup=False, highlight=False)
    for name, row in report["processes"].items():
        if waiting := _waiting(row):
            console.print(f"{name}: {waiting}", markup=False, highlight=False)
        if row["freshness"]:
            console.print(f"{name}: {_fresh(row['freshness'])}", markup=False, highlight=False)
        for place, count in row["gaps"].items():
            text = f"✗ {place}: 有 {count} 条记录未读先被清除 / {count} records were dropped before they were read"
            console.print(text, style="red", markup=False, highlight=False)
        for failure in row["failed"]:
            console.print(f"✗ {failure}", style="red", markup=False)
