"""``cost``: CPU of all our processes and the database an event; the JVM and the simulated SMSC shown apart.

``ours``: payments, of which nothing follows, in HTTP batches; ``alerting_us``: single HTTP events, each an alert, an
SMS and a work item. What the instance uses at rest is part of it, at the rate that is said. ``full_speed_us``
and ``alerting_full_speed_us``: the same for the machine at its quickest, by the times of a fixed loop beside it, which
stand with them: while a neighbour of a virtual machine works, all CPU times are up to twice as long.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable
from itertools import pairwise
from statistics import linear_regression, mean
from typing import Any

from bench.instance import Client, Event, Instance, Offered, owes, pays, running
from bench.machine import database_kind
from bench.pulse import Pulse

RATE, BATCHES, ALERTING = 1000, 10, 200
_SLICE_SECONDS, _SLICES = 1.0, 20
_APART = {"kafka": "jvm", "smsc": "smsc", "sms-http": "smsc", "mongodb": "database"}


def shares(before: dict[str, float], after: dict[str, float], events: int) -> dict[str, float]:
    """Microseconds an event: of the services, the database, the JVM, the SMSC."""
    found = {"services": 0.0, "database": 0.0, "jvm": 0.0, "smsc": 0.0}
    for name, seconds in after.items():
        found[_APART.get(name, "services")] += (seconds - before.get(name, 0.0)) / events * 1e6
    return found


def by_process(before: dict[str, float], after: dict[str, float], events: int) -> dict[str, int]:
    """Microseconds an event, by process."""
    return {name: round((seconds - before.get(name, 0.0)) / events * 1e6) for name, seconds in after.items()}


#: when, and CPU seconds of each process so far
Sample = tuple[float, dict[str, float]]


async def offer(
    instance: Instance, client: Client, rate: int, seconds: int, make: Callable[[int], Event | list[Event]]
) -> tuple[Offered, list[Sample]]:
    """Offer events, and look at the CPU times every second meanwhile."""
    samples: list[Sample] = []

    async def look() -> None:
        while True:
            samples.append((time.time(), await asyncio.to_thread(instance.cpu)))
            await asyncio.sleep(_SLICE_SECONDS)

    looking = asyncio.create_task(look())
    offered = await client.offer(rate, seconds, make)
    looking.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await looking
    if offered.failed:
        raise RuntimeError(offered.failed[0])
    return offered, samples


def at_full_speed(samples: list[Sample], pulse: Pulse, rate: int) -> tuple[int | None, int, int]:
    """Microseconds an event of our processes and the database if the fixed loop had taken what it takes at its
    quickest, by a straight line through the seconds (the first three are left out: caches and connections); the loop's
    ms then, and its mean while this was measured."""
    slices = []
    for (start, before), (end, after) in pairwise(samples[3:]):
        found = shares(before, after, round(rate * (end - start)))
        if (ms := pulse.of(start, end)) is not None:
            slices.append((ms, found["services"] + found["database"]))
    times, costs = zip(*slices, strict=True)
    quickest, usual = pulse.quickest(), round(mean(times))
    # A straight line through seconds that were all alike would be drawn by chance.
    if len(slices) < _SLICES or max(times) < 1.2 * min(times):
        return None, round(quickest), usual
    slope, base = linear_regression(times, costs)
    return round(base + slope * quickest), round(quickest), usual


async def settled(instance: Instance) -> dict[str, float]:
    await asyncio.to_thread(instance.kam, "wait")
    return instance.cpu()


async def measure(quick: bool) -> list[dict[str, Any]]:
    seconds = 15 if quick else 40
    with Pulse() as pulse, running() as instance:
        client, alerting = Client(instance), ALERTING * seconds
        await client.load(range(1, alerting + 1))
        await client.offer(5, 2, lambda n: [pays(1 + k, -n * 100 - k) for k in range(100)])
        start = await settled(instance)
        size = RATE // BATCHES
        _, quiet_samples = await offer(
            instance, client, BATCHES, seconds,
            lambda n: [pays(1 + (n * size + k) % alerting, n * size + k) for k in range(size)],
        )  # fmt: skip
        quiet = shares(start, (middle := await settled(instance)), RATE * seconds)
        offered, loud_samples = await offer(instance, client, ALERTING, seconds, lambda n: owes(1 + n))
        loud = shares(middle, (end := await settled(instance)), alerting)
        alerted = len(await asyncio.to_thread(instance.accepted))
    if alerted != alerting:
        raise RuntimeError(f"{alerted} of {alerting} events led to an SMS")
    ours, theirs = (f["services"] + f["database"] for f in (quiet, loud))
    full_speed_us, *_ = at_full_speed(quiet_samples, pulse, RATE)
    alerting_full_speed_us, quickest_ms, loop_ms = at_full_speed(loud_samples, pulse, ALERTING)
    return [
        {
            "name": "cost", "ours": round(ours), "peer": None, "limit": None, "unit": "us", "ours_vs_peer": None,
            "ours_vs_limit": None, "alerting_us": round(theirs), "full_speed_us": full_speed_us,
            "alerting_full_speed_us": alerting_full_speed_us, "loop_ms": loop_ms, "loop_quickest_ms": quickest_ms,
            "jvm_us": round(quiet["jvm"]),
            "alerting_jvm_us": round(loud["jvm"]), "database_us": round(quiet["database"]),
            "alerting_database_us": round(loud["database"]), "alerting_smsc_us": round(loud["smsc"]),
            "processes_us": by_process(start, middle, RATE * seconds),
            "alerting_processes_us": by_process(middle, end, alerting),
            "rate": RATE, "alerting_rate": ALERTING, "refused": offered.refused, "database": database_kind(),
        }
    ]  # fmt: skip
