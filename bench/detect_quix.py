"""``detect-quix``: the detector against Quix Streams 3 with state and changelog and the same rule, in several rounds.

Each round runs the bare loop, the detector and the peer over the same bills one after the other, the latter two in an
order that changes; what counts is the median of the rounds' ratios, in seconds and in CPU time.
"""

import sys
from pathlib import Path
from statistics import median
from typing import Any

from bench import broker, load
from bench.child import child, rate, say

#: Quix Streams wants other versions of what we use: an environment of its own (``make bench`` makes it)
QUIX = Path(sys.prefix) / "quix" / "bin" / "python"
_PEER = str(Path(__file__).with_name("quix_peer.py"))


async def measure(quick: bool) -> list[dict[str, Any]]:
    """One line; none where the peer is not installed."""
    if not QUIX.exists():
        say("没有 Quix Streams / detect-quix is left out: `make bench` installs its peer")
        return []
    return [await compare(*((20_000, 3, 1) if quick else (100_000, 3, 5)))]


async def compare(customers: int, months: int, rounds: int) -> dict[str, Any]:
    names = [f"quix-{number}" for number in range(rounds)]
    topics = [load.TOPIC, "work.events", load.OUT_TOPIC, *names, *(f"detect-{n}.journal" for n in range(rounds))]
    async with broker.running(load.PARTITIONS, *topics) as (kafka, scratch):

        async def peer(name: str, events: int) -> dict[str, Any]:
            env = {
                "BENCH_KAFKA": kafka, "BENCH_TOPIC": name, "BENCH_EVENTS": str(events),
                "BENCH_FOLDER": str(scratch / name),
            }  # fmt: skip
            return await child(_PEER, env=env, seconds=180, python=QUIX)

        async def ours(number: int, events: int) -> dict[str, Any]:
            folder = scratch / f"detect-{number}"
            words = ("--kafka", kafka, "--events", str(events), "--folder", str(folder), "--customers", str(customers))
            return await child("bench.detect", "ours", *words)

        say("对手先认识客户 / the peer comes to know the customers …")
        known = await load.write(kafka, names, load.known_customers(customers))
        for name in names:
            await peer(name, known)
        say(f"写入账单 / writing {customers * months} bills …")
        events = await load.write(kafka, [load.TOPIC, *names], load.bills(customers, months))
        done: list[dict[str, dict[str, Any]]] = []
        for number, name in enumerate(names):
            found = {"limit": await child("bench.detect", "limit", "--kafka", kafka, "--events", str(events))}
            for who in ("ours", "peer") if number % 2 == 0 else ("peer", "ours"):
                found[who] = await (ours(number, events) if who == "ours" else peer(name, events))
            done.append(found)
            figures = ", ".join(f"{w} {rate(run):,.0f}/s, {_us(run, 'cpu_seconds')} us" for w, run in found.items())
            say(f"{number + 1}/{rounds}: {figures}")
    limits, our_runs, peers = ([found[who] for found in done] for who in ("limit", "ours", "peer"))
    return {
        "name": "detect-quix",
        "ours": round(median(map(rate, our_runs))),
        "peer": round(median(map(rate, peers))),
        "limit": round(median(map(rate, limits))),
        "unit": "events/s",
        "ours_vs_peer": _median_ratio(peers, our_runs, "seconds"),
        "ours_vs_limit": round(median(rate(o) / rate(lim) for o, lim in zip(our_runs, limits, strict=True)), 3),
        "ours_vs_peer_cpu": _median_ratio(peers, our_runs, "cpu_seconds"),
        "ours_vs_peer_process_cpu": _median_ratio(peers, our_runs, "process_cpu_seconds"),
        "events": events,
        "customers": customers,
        "alert_events": {"ours": our_runs[0]["alert_events"], "peer": peers[0]["alert_events"]},
        "rounds": [{who: round(rate(run)) for who, run in found.items()} for found in done],
        # Of the main thread, and of the whole process: Kafka's client of the peer works in threads of its own.
        "cpu_us_per_event": {who: [_us(found[who], "cpu_seconds") for found in done] for who in done[0]},
        "process_cpu_us_per_event": {w: [_us(f[w], "process_cpu_seconds") for f in done] for w in ("ours", "peer")},
        "commits": {"ours": our_runs[0]["commits"], "peer": peers[0]["commits"]},
        "peer_settings": peers[0]["settings"],
    }


def _us(run: dict[str, Any], what: str) -> float:
    return round(float(run[what]) / float(run["events"]) * 1e6, 1)


def _median_ratio(theirs: list[dict[str, Any]], ours: list[dict[str, Any]], what: str) -> float:
    """How many times ours an event costs them, in the median of the rounds."""
    return round(median(float(t[what]) / float(o[what]) for t, o in zip(theirs, ours, strict=True)), 2)
