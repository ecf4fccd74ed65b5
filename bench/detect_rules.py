"""``detect-rules``: as ``detect``, with twenty conditions in force besides the seeds; both in turns, on one broker."""

from statistics import median
from typing import Any

from bench import broker, load
from bench.child import child, rate, say


async def measure(quick: bool) -> list[dict[str, Any]]:
    """One line; ``limit`` is ``detect``, and ``ours_vs_limit`` the median of the rounds."""
    customers, months, rounds = (20_000, 3, 1) if quick else (100_000, 3, 5)
    journals = [f"{run}-{number}.journal" for run in ("ours", "rules") for number in range(rounds)]
    async with broker.running(load.PARTITIONS, load.TOPIC, "work.events", load.OUT_TOPIC, *journals) as (
        kafka,
        scratch,
    ):
        say(f"写入账单 / writing {customers * months} bills …")
        events = await load.write(kafka, [load.TOPIC], load.bills(customers, months))
        common = ("--kafka", kafka, "--events", str(events), "--customers", str(customers))
        runs: dict[str, list[dict[str, Any]]] = {"ours": [], "rules": []}
        for number in range(rounds):
            for run, found in runs.items():
                found.append(await child("bench.detect", run, *common, "--folder", str(scratch / f"{run}-{number}")))
            seeds, twenty = (rate(runs[run][-1]) for run in runs)
            say(f"{number + 1}/{rounds}: detect {seeds:,.0f}/s, with twenty conditions {twenty:,.0f}/s")
    pairs = list(zip(runs["rules"], runs["ours"], strict=True))
    if any(twenty["alert_events"] <= seeds["alert_events"] for twenty, seeds in pairs):
        raise RuntimeError("the twenty conditions have raised nothing: they were not in force")
    return [
        {
            "name": "detect-rules",
            "ours": round(median(map(rate, runs["rules"]))),
            "peer": None,
            "limit": round(median(map(rate, runs["ours"]))),
            "unit": "events/s",
            "ours_vs_peer": None,
            "ours_vs_limit": round(median(rate(twenty) / rate(seeds) for twenty, seeds in pairs), 3),
            "events": events,
            "customers": customers,
            "alert_events": {run: found[-1]["alert_events"] for run, found in runs.items()},
            "rounds": [{"limit": round(rate(seeds)), "ours": round(rate(twenty))} for twenty, seeds in pairs],
            "cpu_us_per_event": {"limit": _cpu_us(runs["ours"]), "ours": _cpu_us(runs["rules"])},
        }
    ]


def _cpu_us(found: list[dict[str, Any]]) -> float:
    return round(min(float(run["cpu_seconds"]) / float(run["events"]) for run in found) * 1e6, 1)
