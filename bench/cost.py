"""``cost``: CPU of all our processes and the database an event; the JVM and the simulated SMSC shown apart.

``ours``: payments, of which nothing follows, in HTTP batches; ``alerting_us``: single HTTP events, each an alert, an
SMS and a work item. What the instance uses at rest is part of it, at the rate that is said.
"""

import asyncio
from typing import Any

from bench.instance import Client, Instance, owes, pays, running
from bench.machine import database_kind

RATE, BATCHES, ALERTING = 1000, 10, 200
_APART = {"kafka": "jvm", "smsc": "smsc", "mongodb": "database"}


def shares(before: dict[str, float], after: dict[str, float], events: int) -> dict[str, float]:
    """Microseconds an event: of the services, the database, the JVM, the SMSC."""
    found = {"services": 0.0, "database": 0.0, "jvm": 0.0, "smsc": 0.0}
    for name, seconds in after.items():
        found[_APART.get(name, "services")] += (seconds - before.get(name, 0.0)) / events * 1e6
    return found


def by_process(before: dict[str, float], after: dict[str, float], events: int) -> dict[str, int]:
    """Microseconds an event, by process."""
    return {name: round((seconds - before.get(name, 0.0)) / events * 1e6) for name, seconds in after.items()}


async def settled(instance: Instance) -> dict[str, float]:
    await asyncio.to_thread(instance.kam, "wait")
    return instance.cpu()


async def measure(quick: bool) -> list[dict[str, Any]]:
    seconds = 15 if quick else 40
    with running() as instance:
        client, alerting = Client(instance), ALERTING * seconds
        await client.load(range(1, alerting + 1))
        await client.offer(5, 2, lambda n: [pays(1 + k, -n * 100 - k) for k in range(100)])
        start = await settled(instance)
        size = RATE // BATCHES
        await client.offer(
            BATCHES, seconds, lambda n: [pays(1 + (n * size + k) % alerting, n * size + k) for k in range(size)]
        )
        quiet = shares(start, (middle := await settled(instance)), RATE * seconds)
        offered = await client.offer(ALERTING, seconds, lambda n: owes(1 + n))
        loud = shares(middle, (end := await settled(instance)), alerting)
    ours, theirs = (f["services"] + f["database"] for f in (quiet, loud))
    return [
        {
            "name": "cost", "ours": round(ours), "peer": None, "limit": None, "unit": "us", "ours_vs_peer": None,
            "ours_vs_limit": None, "alerting_us": round(theirs), "jvm_us": round(quiet["jvm"]),
            "alerting_jvm_us": round(loud["jvm"]), "database_us": round(quiet["database"]),
            "alerting_database_us": round(loud["database"]), "alerting_smsc_us": round(loud["smsc"]),
            "processes_us": by_process(start, middle, RATE * seconds),
            "alerting_processes_us": by_process(middle, end, alerting),
            "rate": RATE, "alerting_rate": ALERTING, "refused": offered.refused, "database": database_kind(),
        }
    ]  # fmt: skip
