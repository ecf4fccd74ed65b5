"""``page``: what the page of a customer begins with (``/v1/customers/{id}/view``), from a whole instance: the services
behind it have two years of bills and usage of each customer, alerts, SMS and work items with what was done.

``peer``: a bare FastAPI endpoint that reads the customer's document from the same database. ``limit``: what the
workbench promises.
"""

import json
import random
import sys
import tempfile
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import httpx

from bench.first_load import month_ends, write
from bench.instance import Instance, running
from bench.lists import compared, offer, serving
from bench.machine import database_kind, free_port_base

RATE, SECONDS, LIMIT_MS = 20, 30, 300
MONTHS, LAST = 24, date(2026, 7, 31)
#: every so many customers something was done about
_WORKED, _BULK = 3, 100


def load(instance: Instance, customers: int) -> None:
    """Two years of nightly files."""
    with tempfile.TemporaryDirectory(prefix="kam-bench-") as folder:
        write(Path(folder), customers, month_ends(LAST, MONTHS), random.Random(1))
        files = sorted(str(path) for path in Path(folder).glob("*.dat.gz"))
        instance.kam("file", "deliver", *files, "--timeout", "3000")


def work_on(instance: Instance, items: list[dict[str, Any]]) -> None:
    """Accept items, and log a call for each."""
    url, headers = f"{instance.about['gateway']}/v1/work/bulk", _bearer(instance, "operations")
    with httpx.Client(trust_env=False, timeout=120, headers=headers) as client:
        for first in range(0, len(items), _BULK):
            ids = [item["work_id"] for item in items[first : first + _BULK]]
            for action in ({"action": "accept"}, {"action": "act", "kind": "call", "result": "no_answer"}):
                client.post(url, json={"ids": ids, **action}).raise_for_status()
    instance.kam("wait")


def _bearer(instance: Instance, role: str) -> dict[str, str]:
    told = json.loads(instance.kam("token", role, "--json"))
    return {"authorization": f"Bearer {told['token'] if isinstance(told, dict) else told}"}


async def measure(quick: bool) -> list[dict[str, Any]]:
    """One line."""
    customers, seconds = (500, 5) if quick else (10_000, SECONDS)
    with running() as instance:
        print(f"{customers} 个客户 / customers …", file=sys.stderr, flush=True)
        load(instance, customers)
        items = json.loads(instance.kam("work", "--json"))
        work_on(instance, [item for item in items if item["state"] == "new"][::_WORKED])
        # Every second one asked for has something to show.
        ids = [f"C{number:08d}" for number in random.Random(2).sample(range(customers), min(customers, 200))]
        ids = [id_ for pair in zip(ids, (item["customer_id"] for item in items), strict=False) for id_ in pair]
        ask = partial(_ask, f"{instance.about['gateway']}/v1/customers", _bearer(instance, "analyst"), ids)
        await offer(RATE, 2, ask)
        ours = await offer(RATE, seconds, ask)
        port = free_port_base()
        about = {"BENCH_MONGODB": instance.about["mongodb"], "BENCH_PORT": str(port)}
        async with serving(port, "-m", "bench.page_peer", **about):
            ask_peer = partial(_ask_peer, f"http://127.0.0.1:{port}/v1/customers", ids)
            peer = await offer(RATE, seconds, ask_peer)
        restarts = instance.restarts()
    about = {"rate": RATE, "customers": customers, "months": MONTHS, "restarts": restarts, "database": database_kind()}
    return [compared("page", ours, peer, LIMIT_MS) | about]


def _ask(url: str, headers: dict[str, str], ids: list[str], client: httpx.AsyncClient, n: int) -> Any:
    return client.get(f"{url}/{ids[n % len(ids)]}/view", headers=headers)


def _ask_peer(url: str, ids: list[str], client: httpx.AsyncClient, n: int) -> Any:
    return client.get(f"{url}/{ids[n % len(ids)]}")
