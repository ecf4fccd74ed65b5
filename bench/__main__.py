"""``python -m bench [NAME…] [--quick]``: prints one JSON line a benchmark and keeps it under bench/results.

Those of a whole instance are modules of their own: ``latency``, ``peak``, ``cost``, ``first-load``, ``screen``;
``nightly-file`` gives ``publish`` too: asked for by either name.

``detect``: boss.events already in Kafka, through the production detector in one process (fetch, decode, dedupe, load
state, decide, evidence, commit, produce); ``limit`` is the bare aiokafka and msgspec loop over the same messages,
``peer`` a plain Faust agent with the same rule. Runs alternate on the same broker; the figures are medians.
"""

import argparse
import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

from bench import (
    broker,
    cost,
    detect_quix,
    detect_rules,
    first_load,
    growth,
    latency,
    lists,
    live,
    load,
    machine,
    nightly_file,
    page,
    peak,
    try_rule,
)
from bench.child import child, rate, say

RESULTS = Path(__file__).parent / "results"
PEER_SECONDS = 60


async def detect(customers: int, months: int, rounds: int, peer_events: int) -> list[dict[str, Any]]:
    """Measure; two lines: speed and memory."""
    journals = [f"detect-{number}.journal" for number in range(rounds)]
    topics = (load.TOPIC, "work.events", load.PEER_TOPIC, load.OUT_TOPIC, *journals)
    async with broker.running(load.PARTITIONS, *topics) as (kafka, scratch):
        say(f"写入账单 / writing {customers * months} bills …")
        events = await load.write(kafka, [load.TOPIC], load.bills(customers, months))
        await load.write(kafka, [load.PEER_TOPIC], load.bills(peer_events // 4, 4))
        common = ("--kafka", kafka, "--events", str(events))
        limits, ours = [], []
        for number in range(rounds):
            limits.append(await child("bench.detect", "limit", *common))
            folder = scratch / f"detect-{number}"
            ours.append(
                await child("bench.detect", "ours", *common, "--folder", str(folder), "--customers", str(customers))
            )
            say(f"{number + 1}/{rounds}: limit {rate(limits[-1]):,.0f}/s, ours {rate(ours[-1]):,.0f}/s")
        peer = await child(
            "bench.faust_peer", "worker", "-l", "error",
            env={
                "BENCH_KAFKA": kafka, "BENCH_EVENTS": str(peer_events), "BENCH_SECONDS": str(PEER_SECONDS),
                "BENCH_FOLDER": str(scratch / "faust"),
            },
            seconds=PEER_SECONDS + 120,
        )  # fmt: skip
    our_rate, limit_rate, peer_rate = median(map(rate, ours)), median(map(rate, limits)), rate(peer)
    ratios = [rate(o) / rate(lim) for o, lim in zip(ours, limits, strict=True)]
    speed = {
        "name": "detect",
        "ours": round(our_rate),
        "peer": round(peer_rate),
        "limit": round(limit_rate),
        "unit": "events/s",
        "ours_vs_peer": round(our_rate / peer_rate, 1),
        "ours_vs_limit": round(median(ratios), 3),
        "events": events,
        "customers": customers,
        "alert_events": ours[-1]["alert_events"],
        "rounds": [{"limit": round(rate(lim)), "ours": round(rate(o))} for o, lim in zip(ours, limits, strict=True)],
        # The main thread's own time, less at the mercy of whatever else the machine does.
        "cpu_us_per_event": {"limit": cpu_us(limits), "ours": cpu_us(ours), "peer": cpu_us([peer])},
    }
    # States are on disk; memory is caches and batches, and was seen to grow slowly with the number of customers.
    memory = {
        "name": "detect-memory",
        "ours": round(max(o["memory_mb"] for o in ours)),
        "peer": None,
        "limit": None,
        "unit": "MiB resident above start while detecting",
        "ours_vs_peer": None,
        "ours_vs_limit": None,
        "disk_mib_per_million_customers": round(median(o["disk_mb_per_million_customers"] for o in ours)),
    }
    return [speed, memory]


def cpu_us(runs: list[dict[str, Any]]) -> float:
    """Least CPU time of the main thread an event, in microseconds."""
    return round(min(float(run["cpu_seconds"]) / float(run["events"]) for run in runs) * 1e6, 1)


async def measure_detect(quick: bool) -> list[dict[str, Any]]:
    return await detect(*((20_000, 3, 1, 4_000) if quick else (100_000, 3, 7, 20_000)))


async def measure_screen(quick: bool) -> list[dict[str, Any]]:
    from bench import screen  # Playwright is no part of what all the others need

    return await screen.measure(quick)


BENCHMARKS: dict[str, Callable[[bool], Awaitable[list[dict[str, Any]]]]] = {
    "detect": measure_detect,
    "detect-quix": detect_quix.measure,
    "detect-rules": detect_rules.measure,
    "latency": latency.measure,
    "peak": peak.measure,
    "cost": cost.measure,
    "first-load": first_load.measure,
    "nightly-file": nightly_file.measure,
    "growth": growth.measure,
    "list": lists.measure,
    "page": page.measure,
    "live": live.measure,
    "screen": measure_screen,
    "try": try_rule.measure,
}
#: lines that another run gives as well
GIVEN_BY = {
    "detect-memory": "detect", "publish": "nightly-file",
    **dict.fromkeys(("search", "caller", "overview"), "list"),
}  # fmt: skip


def main() -> None:
    words = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    words.add_argument(
        "names", nargs="*", metavar="NAME", help=f"which: {', '.join([*BENCHMARKS, *GIVEN_BY])}; none: all"
    )
    words.add_argument("--quick", action="store_true", help="smaller and shorter, nothing is kept")
    asked = words.parse_args()
    names = dict.fromkeys(GIVEN_BY.get(name, name) for name in asked.names or BENCHMARKS)
    if unknown := names.keys() - BENCHMARKS.keys():
        words.error(f"no such benchmark: {', '.join(sorted(unknown))}")
    for name in names:
        lines = asyncio.run(BENCHMARKS[name](asked.quick))
        text = "".join(json.dumps(line) + "\n" for line in lines)
        sys.stdout.write(text)
        sys.stdout.flush()
        if not asked.quick:
            RESULTS.mkdir(exist_ok=True)
            place = RESULTS / f"{name}-{datetime.now(UTC):%Y-%m-%d}.txt"
            place.write_text(f"# {machine.shape()}\n{text}", encoding="utf-8")


if __name__ == "__main__":
    main()
