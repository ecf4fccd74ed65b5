"""``live``: 200 people look at their lists on one gateway while alerts come in; how soon each hears of what they see,
and what the gateway's memory does meanwhile. Ten see the whole province, the others a city each; five more connections
never read what they are sent.
"""

import asyncio
import contextlib
import re
import sys
import time
from typing import Any

import psutil

from bench import broker, lists
from bench.figures import percentile
from bench.machine import free_port_base
from gateway.projection.follow import TOPICS
from servicekit.auth import issue_token

LISTENERS, WHOLE, DEAF = 200, 10, 5
#: alerts a second, each with its work item and its SMS, whose rows change too
RATE = 10
SECONDS, WARM_SECONDS = 120, 15
LIMIT_MS = 1000
_SENT, _ALERT = re.compile(rb'"sent_us":([0-9]+)'), re.compile(rb'"alert_id":"([^"]+)"')


class Heard:
    """What all listeners have heard together."""

    def __init__(self) -> None:
        self.messages = self.resets = self.bytes = 0
        self.delays: list[float] = []

    async def listen(self, port: int, token: str) -> None:
        """A connection, until cancelled."""
        reader, writer = await _open(port, token)
        known: set[bytes] = set()
        try:
            while True:
                line = await reader.readline()
                if not line:
                    raise RuntimeError("a stream has ended")
                self.bytes += len(line)
                self.messages += line.startswith(b"id: ")
                self.resets += line.startswith(b"event: reset")
                # An alert is told with its work item or before it, and again with its SMS: the first counts.
                if (sent := _SENT.search(line)) and (alert := _ALERT.search(line)) and alert[1] not in known:
                    known.add(alert[1])
                    self.delays.append((time.time_ns() // 1000 - int(sent[1])) / 1000)
        finally:
            writer.close()


async def _open(port: int, token: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    request = f"GET /v1/live HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\r\n"
    for _ in range(40):
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 20)
        writer.write(request.encode())
        head = await reader.readuntil(b"\r\n\r\n")
        if head.startswith(b"HTTP/1.1 200"):
            return reader, writer
        writer.close()
        if not head.startswith(b"HTTP/1.1 503"):  # so long as nothing can be audited yet
            raise RuntimeError(head.decode())
        await asyncio.sleep(0.5)
    raise RuntimeError("refused for too long")


def _tokens() -> list[str]:
    whole = issue_token(lists.SECRET, "bench", "operations")
    cities = [issue_token(lists.SECRET, "bench", "city_head", scope={"cities": [city]}) for city in lists.CITIES]
    return [whole if n < WHOLE else cities[n % len(cities)] for n in range(LISTENERS)]


async def measure(quick: bool) -> list[dict[str, Any]]:
    """One line."""
    customers, seconds = (5_000, 20) if quick else (100_000, SECONDS)
    async with broker.running(lists.PARTITIONS, *TOPICS, "audit.log") as (kafka, scratch), broker.database() as mongodb:
        folder, secret = scratch / "gateway", scratch / "secret"
        secret.write_text(lists.SECRET)
        print(f"{customers} 个客户 / customers …", file=sys.stderr, flush=True)
        await lists.fill(folder, customers)
        base = free_port_base()
        env = lists.environment(folder, kafka, mongodb, secret, base)
        async with lists.serving(base, "-m", "gateway", **env) as process, asyncio.TaskGroup() as tasks:
            heard, tokens = Heard(), _tokens()
            alone = process.memory_info().rss
            listening = [tasks.create_task(heard.listen(base, token)) for token in tokens]
            deaf = [await _open(base, tokens[0]) for _ in range(DEAF)]
            coming = tasks.create_task(lists.alerts_come(kafka, RATE))
            await asyncio.sleep(WARM_SECONDS)
            heard.delays.clear()
            heard.messages = heard.bytes = 0
            begin, cpu = process.memory_info().rss, sum(process.cpu_times()[:2])
            most = await _peak(process, seconds)
            end, cpu = process.memory_info().rss, sum(process.cpu_times()[:2]) - cpu
            for task in (*listening, coming):
                task.cancel()
            for _, writer in deaf:
                writer.close()
            with contextlib.suppress(asyncio.CancelledError):
                await coming
    ours = percentile(heard.delays, 0.99)
    return [
        {
            "name": "live",
            "ours": round(ours),
            "peer": None,
            "limit": LIMIT_MS,
            "unit": "ms",
            "ours_vs_peer": None,
            "ours_vs_limit": round(ours / LIMIT_MS, 3),
            "p50_ms": round(percentile(heard.delays, 0.5)),
            "listeners": LISTENERS,
            "deaf": DEAF,
            "messages_per_second": round(heard.messages / seconds),
            "resets": heard.resets,
            "cpu_share": round(cpu / seconds, 3),
            "rss_mib": {"alone": alone >> 20, "begin": begin >> 20, "end": end >> 20, "most": most >> 20},
            "customers": customers,
        }
    ]


async def _peak(process: psutil.Process, seconds: float) -> int:
    most, until = 0, time.monotonic() + seconds
    while time.monotonic() < until:
        most = max(most, process.memory_info().rss)
        await asyncio.sleep(1)
    return most
