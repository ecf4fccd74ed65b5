"""A whole instance of our own for the time of a benchmark, its data in a temporary directory, and a stranger's client.

The client speaks HTTP as any sender would, offers events at a rate whatever the answers (an open loop), and reads the
SMSC's own log: nothing of what it measures comes from the services.
"""

import asyncio
import contextlib
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil

from bench.machine import free_port_base

KAM = Path(sys.executable).with_name("kam")
_CONNECTIONS = 64
_BATCH_CUSTOMERS = 500
#: yesterday, so that nothing lies in the future; 10:00 in Asia/Shanghai, no quiet hour
DAY = (datetime.now(UTC) - timedelta(days=1)).date()
AT = f"{DAY}T10:00:00+08:00"
Event = dict[str, Any]


def event(type_: str, id_: str, data: dict[str, Any], at: str = AT) -> Event:
    """A CloudEvent of BOSS."""
    about = {"specversion": "1.0", "source": "/bench", "id": id_, "type": f"kam.boss.{type_}.v1", "time": at}
    return {**about, "subject": data["customer_id"], "datacontenttype": "application/json", "data": data}


def person(number: int) -> Event:
    """A customer of whom nothing else is known."""
    data = {
        "customer_id": f"8{number:07d}", "name": "张三", "kind": "person", "phone": f"139{number:08d}",
        "city": "320100", "area": "urban", "status": "active", "language": "zh", "opened_on": "2015-01-01",
    }  # fmt: skip
    return event("customer.changed", f"c-{number}", data, f"{DAY}T09:00:00+08:00")


def owes(number: int) -> Event:
    """A debt five days old: an alert, a work item and an SMS."""
    data = {
        "customer_id": f"8{number:07d}", "as_of": str(DAY), "amount_fen": 12900,
        "oldest_due_on": str(DAY - timedelta(days=5)), "suspended": False,
    }  # fmt: skip
    return event("arrears.changed", f"a-{number}", data)


def pays(number: int, sequence: int) -> Event:
    """A payment: kept by everybody who keeps payments, and nothing follows from it."""
    data = {"payment_id": f"p-{sequence}", "customer_id": f"8{number:07d}", "paid_at": AT, "amount_fen": 100}
    return event("payment.received", f"p-{sequence}", data)


@dataclass
class Instance:
    """A running instance: ``kam up --json`` and a token for its feed."""

    data: Path
    about: dict[str, Any]
    token: str

    def kam(self, *words: str) -> str:
        """Output of a command on this instance."""
        return kam(*words, "--data", str(self.data))

    def cpu(self) -> dict[str, float]:
        """CPU seconds of each process so far. A process that was started again counts from its start."""
        pids = json.loads((self.data / "instance.json").read_text())["pids"]
        return {name: sum(psutil.Process(pid).cpu_times()[:2]) for name, pid in pids.items()}

    def restarts(self) -> int:
        processes = json.loads((self.data / "instance.json").read_text())["processes"]
        return sum(process["restarts"] for process in processes.values())

    def accepted(self) -> dict[str, float]:
        """Number -> system time at which the SMSC accepted the first part of its first message."""
        found: dict[str, float] = {}
        with (self.data / "smsc" / "accepted.jsonl").open("rb") as lines:
            for line in lines:
                if line.endswith(b"\n"):
                    one = json.loads(line)
                    found.setdefault(
                        one["destination"].lstrip("+"), datetime.fromisoformat(one["accepted_at"]).timestamp()
                    )
        return found


def kam(*words: str) -> str:
    done = subprocess.run([str(KAM), *words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"kam {' '.join(words)}: exit {done.returncode}: {done.stderr[-2000:]}")
    return done.stdout


@contextlib.contextmanager
def running(*words: str) -> Iterator[Instance]:
    """An empty province whose clock follows the feed; it is stopped afterwards."""
    base = free_port_base()
    with tempfile.TemporaryDirectory(prefix="kam-bench-") as folder:
        data = Path(folder)
        where = ("--data", folder)
        print("启动一个实例 / starting an instance …", file=sys.stderr, flush=True)
        up = ("up", "--detach", "--no-sim", "--clock", "feed", "--json", "--port-base", str(base), *words, *where)
        about = json.loads(kam(*up))
        try:
            token = json.loads(kam("token", "integrator", "--json", *where))
            yield Instance(data, about, token["token"] if isinstance(token, dict) else token)
        finally:
            kam("down", *where)


class Connection:
    """One kept-alive connection to the feed."""

    def __init__(self, url: str, token: str) -> None:
        host, _, port = url.rpartition("//")[2].rpartition(":")
        self._host, self._port, self._token = host, int(port.rstrip("/")), token
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def post(self, body: bytes, media: str) -> tuple[int, float, bytes]:
        """Status, seconds to wait before another try, and body of the answer."""
        head = (
            f"POST /v1/events HTTP/1.1\r\nhost: {self._host}\r\nauthorization: Bearer {self._token}\r\n"
            f"content-type: {media}\r\ncontent-length: {len(body)}\r\n\r\n"
        )
        while True:
            fresh = self._streams is None
            self._streams = self._streams or await asyncio.open_connection(self._host, self._port)
            reader, writer = self._streams
            try:
                writer.write(head.encode() + body)
                lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
                headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
                answer = await reader.readexactly(int(headers.get("content-length", 0)))
            except (OSError, asyncio.IncompleteReadError):
                self._streams = None  # it was idle for too long: the same once more
                if fresh:
                    raise
                continue
            if headers.get("connection", "").lower() == "close":
                writer.close()
                self._streams = None
            return int(lines[0].split()[1]), float(headers.get("retry-after", 0)), answer


@dataclass
class Offered:
    """What came of the requests: when each was due, answered and how often it was refused for now (429)."""

    due: dict[int, float] = field(default_factory=dict)
    answered: dict[int, float] = field(default_factory=dict)
    refused: int = 0
    failed: list[str] = field(default_factory=list)


class Client:
    """Sends requests over some connections; an open loop: a slow answer does not slow the next request."""

    def __init__(self, instance: Instance) -> None:
        url = instance.about["billing_sync"]
        self._idle: asyncio.LifoQueue[Connection] = asyncio.LifoQueue()
        for _ in range(_CONNECTIONS):
            self._idle.put_nowait(Connection(url, instance.token))

    async def load(self, numbers: range) -> None:
        """Let these customers be known."""
        for first in range(numbers.start, numbers.stop, _BATCH_CUSTOMERS):
            people = [person(n) for n in range(first, min(first + _BATCH_CUSTOMERS, numbers.stop))]
            await self._request(people, told := Offered(), 0)
            if told.failed:
                raise RuntimeError(f"customers were not taken: {told.failed[0]}")

    async def offer(self, rate: float, seconds: float, make: Callable[[int], Event | list[Event]]) -> Offered:
        """``rate`` requests a second, the n-th with what ``make(n)`` gives."""
        offered = Offered()
        begin = time.time() + 0.2
        tasks = []
        async with asyncio.TaskGroup() as group:
            for n in range(int(rate * seconds)):
                offered.due[n] = due = begin + n / rate
                if (early := due - time.time()) > 0:
                    await asyncio.sleep(early)
                tasks.append(group.create_task(self._request(make(n), offered, n)))
        return offered

    async def _request(self, what: Event | list[Event], offered: Offered, n: int) -> None:
        media = "application/cloudevents-batch+json" if isinstance(what, list) else "application/cloudevents+json"
        body = json.dumps(what).encode()
        connection = await self._idle.get()
        try:
            while True:
                status, wait, answer = await connection.post(body, media)
                if status != 429:
                    break
                offered.refused += 1  # told to come later: the wait is part of its delay
                await asyncio.sleep(wait)
        finally:
            self._idle.put_nowait(connection)
        if status == 202:
            offered.answered[n] = time.time()
        else:
            offered.failed.append(f"{status} {answer[:200]!r}")


async def until_accepted(instance: Instance, numbers: set[str], seconds: float) -> dict[str, float]:
    """``Instance.accepted`` once all these numbers are there, or the time is over."""
    deadline = time.monotonic() + seconds
    while not numbers <= (found := await asyncio.to_thread(instance.accepted)).keys() and time.monotonic() < deadline:
        await asyncio.sleep(1)
    return found
