"""``list``, ``search``, ``caller`` and ``overview``: pages and counts, searches, who calls, and the figures of a month
over 100,000 customers, through the gateway as it runs, its audit records acknowledged by a real broker, while alerts go
on coming. Who asks sees everything: the most.

``peer``: a bare FastAPI endpoint that answers one query on the same file. ``limit``: what the workbench promises.
"""

import asyncio
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import httpx
import psutil

from bench import broker
from bench.figures import percentile
from bench.machine import free_port_base
from gateway.projection.follow import NAME, TOPICS
from gateway.projection.rows import Rows
from gateway.projection.store import ProjectionStore
from kam.embedded.process import guarded
from kam.sim.boss import people
from servicekit.auth import issue_token
from servicekit.clock import iso
from servicekit.envelope import Message, encode_data, write_headers
from servicekit.kafka import partition_of, start_producer

SECONDS, LIVE = 30, 20
PARTITIONS = 4
_IDLE_SECONDS = 2.0
SECRET = "0123456789abcdef0123456789abcdef"
NOW = datetime(2026, 6, 30, 2, tzinfo=UTC)
CITIES = [f"32{number:02}00" for number in range(1, 21)]
GROUPS = 10
#: what people open in the morning, and what they narrow it by
PAGES = (
    "alerts?state=raised,acknowledged,acted&limit=100",
    "alerts?state=raised&sort=severity&limit=100",
    "alerts?kind=arrears&severity=critical,major&open=1",
    "alerts?city=320500&open=1",
    "alerts?unit=U320700&sort=-amount&open=1",
    "alerts?sort=-raised",
    "work?state=new,accepted,acted&limit=100",
    "work?holder=M00005&open=1",
    "work?holder=none&due=overdue,today",
    "sms?state=failed",
    "customers?limit=100",
    "customers?unit=U3207003",
    "customers?city=320900&status=suspended&sort=-fee",
    "alerts/facets?open=1",
    "work/facets?unit=U320300&open=1",
)
TEXTS = ("王", "张伟", "小明", "zhangwei", "zw", "wangx", "南京", "njkj", "0123", "13900012345", "1004567", "100")
#: the figures of a month and of a day, of the province and of a part of it; the year before is compared with, too
OVERVIEWS = ("period=202606", "period=202606&compare=yoy", "period=202606&city=320500", "period=20260630&unit=U320700")
#: one call in eleven comes from a number that nobody has
_NUMBERS, _STRIDE = 110_000, 7919


@dataclass(frozen=True)
class Line:
    """What is asked, so often a second, by which role, and within how many milliseconds the answer is promised."""

    name: str
    rate: int
    limit_ms: int
    role: str
    ask: Callable[[int], tuple[str, str, Any]]
    peer: Callable[[int], str]


LINES = (
    Line(
        "list", 50, 150, "operations",
        lambda n: ("GET", f"/lists/{PAGES[n % len(PAGES)]}", None), lambda n: f"/customers/{CITIES[n % len(CITIES)]}",
    ),
    Line(
        "search", 50, 200, "operations",
        lambda n: ("POST", "/search", {"text": TEXTS[n % len(TEXTS)]}),
        lambda n: f"/customers/{CITIES[n % len(CITIES)]}",
    ),
    Line(
        "caller", 100, 50, "integrator",
        lambda n: ("POST", "/callers", {"number": f"139{n * _STRIDE % _NUMBERS:08}"}),
        lambda n: f"/callers/{1_000_000 + n * _STRIDE % _NUMBERS}",
    ),
    Line(
        "overview", 2, 300, "analyst",
        lambda n: ("GET", f"/overview?{OVERVIEWS[n % len(OVERVIEWS)]}", None), lambda n: "/alerts/counts",
    ),
)  # fmt: skip


def event(type_: str, data: dict[str, Any]) -> Message:
    headers = {"ce_type": type_.encode(), "ce_time": iso(NOW).encode(), "ce_revision": b"1"}
    return Message("", 0, 0, None, headers, json.dumps(data).encode())


def province(customers: int, dice: random.Random) -> Iterator[Message]:
    """Units, managers and customers; for every second customer an alert with its work item and SMS."""
    for city in CITIES:
        yield event("kam.boss.unit.changed.v1", {"unit_id": f"U{city}", "name": city, "city": city})
        for group in range(GROUPS):
            unit = {"unit_id": f"U{city}{group}", "parent_id": f"U{city}", "name": city, "city": city}
            yield event("kam.boss.unit.changed.v1", unit)
    managers = max(len(CITIES), customers // 33)
    for number in range(managers):
        unit_id = f"U{CITIES[number % len(CITIES)]}{number // len(CITIES) % GROUPS}"
        name = people.person(dice)[0]
        yield event("kam.boss.manager.changed.v1", {"manager_id": f"M{number:05}", "name": name, "unit_id": unit_id})
    for number in range(customers):
        manager = dice.randrange(managers)
        corporate = dice.random() < 0.04
        name = people.company(dice, dice.choice(list(people.CITIES))) if corporate else people.person(dice)[0]
        record = {
            "customer_id": str(1_000_000 + number), "kind": "corporate" if corporate else "person", "name": name,
            "phone": f"139{number:08}", "city": CITIES[manager % len(CITIES)], "area": dice.choice(("urban", "rural")),
            "status": dice.choices(("active", "suspended", "left"), (95, 3, 2))[0], "manager_id": f"M{manager:05}",
            "monthly_fee_fen": dice.randrange(5_000, 200_000), "opened_on": f"20{dice.randrange(10, 26)}-06-01",
        }  # fmt: skip
        yield event("kam.boss.customer.changed.v1", record)
    for number in range(customers // 2):
        yield from (event(type_, data) for type_, data in story(number, customers, managers, dice))


def story(number: int, customers: int, managers: int, dice: random.Random) -> Iterator[tuple[str, dict[str, Any]]]:
    """An alert, its work item and SMS; three of five are over."""
    at = NOW - timedelta(minutes=dice.randrange(60 * 24 * 60))
    over, kind = dice.random() < 0.6, dice.choice(("churn_warning", "arrears", "complaint_opened", "contract_expiring"))
    rule, values = {"id": kind, "version": 1}, {"amount_fen": dice.randrange(1_000_000), "days_overdue": 3}
    about = {"alert_id": f"alert-{number:08}", "customer_id": str(1_000_000 + dice.randrange(customers)), "revision": 1}
    about["at"] = iso(at)
    values["sent_us"] = time.time_ns() // 1000
    reason = {"rule": rule, "code": kind, "values": values, "evidence": ["event"]}
    yield (
        "kam.alert.resolved.v1" if over else "kam.alert.raised.v1",
        {
            **about, "kind": kind, "state": "resolved" if over else "raised",
            "severity": dice.choice(("critical", "major", "minor")),
            "stage": dice.choice(("reminder", "final_notice")), "rule": rule, "reasons": [reason], "values": values,
            "evidence": ["event"], "raised_at": iso(at), "outcome": "cleared" if over else None,
        },
    )  # fmt: skip
    due = at + timedelta(hours=dice.randrange(24 * 90))
    state = "closed" if over else dice.choice(("new", "accepted", "acted"))
    holder = f"M{dice.randrange(managers):05}" if dice.random() < 0.9 else None
    yield (
        "kam.work.opened.v1",
        {
            **about, "work_id": f"work-{number:08}", "kind": "dunning", "state": state, "manager_id": holder,
            "due_at": iso(due), "opened_at": iso(at),
        },
    )  # fmt: skip
    yield (
        "kam.sms.planned.v1",
        {
            **about, "sms_id": f"sms-{number:08}", "step": "reminder", "template": kind, "language": "zh",
            "segments": 1, "phone": "8613900000001",
            "state": dice.choice(("delivered", "queued", "failed")), "planned_at": iso(at),
        },
    )  # fmt: skip


async def fill(folder: Path, customers: int) -> float:
    """A read model of such a province, at the beginning of an empty log; seconds it took."""
    rows = Rows(SECRET.encode())
    store = ProjectionStore(folder / NAME, rows.identity)
    await store.open()
    began, events = time.monotonic(), province(customers, random.Random(1))
    while batch := list(islice(events, 2000)):
        await store.apply((row for message in batch for row in rows.of_event(message)), {})
    seconds = time.monotonic() - began
    beginning = {f"{topic}/{number}": 0 for topic in TOPICS for number in range(PARTITIONS)}
    await store.apply([], beginning, whole="1")
    await store.analyse()
    await store.close()
    return seconds


def environment(folder: Path, kafka: str, mongodb: str, secret: Path, port: int) -> dict[str, str]:
    """Of a gateway over such a read model, alone but for its broker."""
    return {
        "KAM_SERVICE_DATA": str(folder), "KAM_KAFKA": kafka, "KAM_MONGODB": mongodb, "KAM_SECRET_FILE": str(secret),
        "KAM_HTTP_PORT": str(port), "KAM_PEERS": "{}", "KAM_PARTITIONS": str(PARTITIONS), "KAM_LOG_FORMAT": "json",
    }  # fmt: skip


@asynccontextmanager
async def serving(port: int, *words: str, **env: str) -> AsyncIterator[psutil.Process]:
    """A process that answers on this port."""
    process = _start(*words, **env)
    try:
        async with asyncio.timeout(60), httpx.AsyncClient(trust_env=False) as client:
            while True:
                try:
                    if (await client.get(f"http://127.0.0.1:{port}/health/ready")).is_success:
                        break
                except httpx.HTTPError:
                    await asyncio.sleep(0.1)
        yield psutil.Process(process.pid)
    finally:
        process.terminate()
        await asyncio.to_thread(process.wait, 20)


def resident(process: psutil.Process) -> dict[str, int]:
    """MiB: all that is resident, and what of it is the process's own. Each of the read model's readers maps the file,
    and each mapping counts, though the pages are the same ones and the kernel takes them back when it likes."""
    memory = process.memory_info()
    return {"rss_mib": memory.rss >> 20, "own_mib": (memory.rss - memory.shared) >> 20}


def _start(*words: str, **env: str) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(guarded([sys.executable, *words]), env={**os.environ, **env}, start_new_session=True)


async def offer(rate: float, seconds: float, ask: Callable[[httpx.AsyncClient, int], Any]) -> list[float]:
    """Ask at a rate, whatever the answers; milliseconds from when each was due to its answer. Raises for a refusal."""
    found: list[float] = []
    # A connection rests shorter than the server lets one rest: no request meets one that is being closed.
    limits = httpx.Limits(max_connections=64, max_keepalive_connections=64, keepalive_expiry=_IDLE_SECONDS)
    async with httpx.AsyncClient(trust_env=False, limits=limits, timeout=30) as client, asyncio.TaskGroup() as group:

        async def one(n: int, due: float) -> None:
            answer = await ask(client, n)
            answer.raise_for_status()
            found.append((time.monotonic() - due) * 1000)

        begin = time.monotonic() + 0.1
        for n in range(int(rate * seconds)):
            due = begin + n / rate
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            group.create_task(one(n, due))
    return found


async def alerts_come(kafka: str, rate: float) -> None:
    """New alerts, work items and SMS, until cancelled."""
    producer, dice = await start_producer(kafka, "bench"), random.Random(2)
    topics = {"alert": "alert.events", "work": "work.events", "sms": "sms.outbound"}
    try:
        number = 10_000_000
        while True:
            for type_, data in story(number, 100_000, 3000, dice):
                key = data["customer_id"]
                headers = write_headers(
                    id=f"{number}", type=type_, source="bench", subject=key, time=iso(NOW), correlation_id="bench"
                )
                place = {"partition": partition_of(key, PARTITIONS), "headers": headers, "key": key.encode()}
                await producer.send(topics[type_.split(".")[1]], encode_data(data), **place)
            number += 1
            await asyncio.sleep(1 / rate)
    finally:
        await producer.stop()


async def measure(quick: bool) -> list[dict[str, Any]]:
    """A line of each."""
    customers, seconds = (5_000, 5) if quick else (100_000, SECONDS)
    async with broker.running(PARTITIONS, *TOPICS, "audit.log") as (kafka, scratch), broker.database() as mongodb:
        folder, secret = scratch / "gateway", scratch / "secret"
        secret.write_text(SECRET)
        print(f"{customers} 个客户 / customers …", file=sys.stderr, flush=True)
        filled = await fill(folder, customers)
        base = free_port_base()
        env = environment(folder, kafka, mongodb, secret, base)
        url = f"http://127.0.0.1:{base}/v1"
        ours: dict[str, list[float]] = {}
        async with serving(base, "-m", "gateway", **env) as process:
            live = asyncio.create_task(alerts_come(kafka, LIVE))
            for line in LINES:
                ask = partial(_ask, line, url)
                await offer(line.rate, 2, ask)
                ours[line.name] = await offer(line.rate, seconds, ask)
            live.cancel()
            await asyncio.gather(live, return_exceptions=True)
            memory = resident(process)
        file = folder / NAME / "projection.sqlite"
        async with serving(base, "-m", "bench.lists_peer", BENCH_FILE=str(file), BENCH_PORT=str(base)):
            peers = {line.name: await offer(line.rate, seconds, partial(_ask_peer, line, url)) for line in LINES}
        size = sum(path.stat().st_size for path in (folder / NAME).iterdir()) >> 20
    common = {"customers": customers, **memory, "file_mib": size, "fill_seconds": round(filled)}
    return [
        compared(line.name, ours[line.name], peers[line.name], line.limit_ms) | {"rate": line.rate} | common
        for line in LINES
    ]


def _ask(line: Line, url: str, client: httpx.AsyncClient, n: int) -> Any:
    method, path, body = line.ask(n)
    headers = {"authorization": f"Bearer {issue_token(SECRET, 'bench', line.role)}"}
    return client.request(method, url + path, json=body, headers=headers)


def _ask_peer(line: Line, url: str, client: httpx.AsyncClient, n: int) -> Any:
    return client.get(url + line.peer(n))


def compared(name: str, found: list[float], peer: list[float], limit_ms: int) -> dict[str, Any]:
    """A line in milliseconds: the 99th percentiles of both."""
    ours, theirs = percentile(found, 0.99), percentile(peer, 0.99)
    return {
        "name": name,
        "ours": round(ours, 1),
        "peer": round(theirs, 1),
        "limit": limit_ms,
        "unit": "ms",
        "ours_vs_peer": round(ours / theirs, 2),
        "ours_vs_limit": round(ours / limit_ms, 3),
        "p50_ms": round(percentile(found, 0.5), 1),
        "peer_p50_ms": round(percentile(peer, 0.5), 1),
    }
