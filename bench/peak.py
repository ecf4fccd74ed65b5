"""``peak``: the highest rate of events over HTTP batches that the whole instance holds, 5 % of them alerting.

Held: every batch was accepted without "come later", every SMS reached the SMSC, and its delay did not grow. Rates are
tried upwards for a short time each; the highest that was held is then offered for two minutes.
"""

import asyncio
import itertools
import json
import sys
import time
from typing import Any

from bench.figures import highest, is_growing, percentile
from bench.instance import Client, Event, Instance, owes, pays, running, until_accepted
from bench.machine import database_kind

BATCHES, EVERY = 20, 20  # batches a second; of so many events one alerts
FIRST, STEP, MOST = 600, 2**0.5, 3400  # 1,200 and 2,400 are among them
LEAST = 200
_GROWN_SECONDS, _PATIENCE = 1.0, 60


class Load:
    """Makes batches: payments of known customers, and every so often a debt of one who had none."""

    def __init__(self, size: int, debtors: "itertools.count[int]", payments: "itertools.count[int]") -> None:
        self._size, self._debtors, self._payments = size, debtors, payments
        self.of_batch: dict[int, list[int]] = {}

    def __call__(self, n: int) -> list[Event]:
        alerting = [next(self._debtors) for _ in range(self._size // EVERY)]
        self.of_batch[n] = alerting
        quiet = [pays(1 + s % 1000, s) for s in itertools.islice(self._payments, self._size - len(alerting))]
        return [*map(owes, alerting), *quiet]


async def held(
    instance: Instance, client: Client, rate: float, seconds: float, debtors: Any, payments: Any
) -> dict[str, Any]:
    """Offer a rate; whether it was held, and the delays of its SMS."""
    load = Load(max(EVERY, int(rate / BATCHES / EVERY) * EVERY), debtors, payments)
    batches = rate / load._size
    offered = await client.offer(batches, seconds, load)
    due = {f"86139{number:08d}": offered.due[n] for n, numbers in load.of_batch.items() for number in numbers}
    found = await until_accepted(instance, set(due), _PATIENCE)
    delays = [found[number] - at for number, at in due.items() if number in found]
    good = not offered.refused and not offered.failed and len(delays) == len(due)
    p99 = percentile(delays, 0.99) if delays else float(_PATIENCE)
    return {
        "held": good and not is_growing(delays, _GROWN_SECONDS) and p99 < 5, "p99": p99, "refused": offered.refused,
        "failed": offered.failed[:2], "missing": len(due) - len(delays), "rate": rate,
    }  # fmt: skip


async def measure(quick: bool) -> list[dict[str, Any]]:
    seconds, confirmed = (12, 20) if quick else (25, 120)
    with running() as instance:
        client = Client(instance)
        debtors, payments, known = itertools.count(1), itertools.count(1), 1
        tried: list[dict[str, Any]] = []

        async def hold(rate: float, seconds: float = seconds) -> bool:
            nonlocal known
            # Nobody is told of a debt twice: each try has debtors of its own, and the payers are among the first.
            wanted = 1 + int(max(1000, known + 1.1 * rate * seconds / EVERY))
            await client.load(range(known, wanted))
            known = wanted
            await asyncio.to_thread(instance.kam, "wait")
            tried.append(await held(instance, client, rate, seconds, debtors, payments))
            began = time.monotonic()
            await asyncio.to_thread(instance.kam, "wait")
            drained = tried[-1]["drained_seconds"] = round(time.monotonic() - began, 1)
            # Also those whom nobody waits for, analytics and the query database, must not fall behind for good.
            tried[-1]["held"] = tried[-1]["held"] and drained < seconds / 4
            print(json.dumps(tried[-1]), file=sys.stderr, flush=True)
            return bool(tried[-1]["held"])

        best = await highest(hold, FIRST, STEP, MOST) or FIRST / STEP
        while not await hold(best, confirmed) and best > LEAST:
            best /= STEP**0.5
        final = tried[-1]
        restarts = instance.restarts()
    return [
        {
            "name": "peak", "ours": round(final["rate"]) if final["held"] else 0, "peer": None, "limit": None,
            "unit": "events/s", "ours_vs_peer": None, "ours_vs_limit": None,
            "p99_ms": round(final["p99"] * 1000) if final["held"] else None, "seconds": confirmed,
            "restarts": restarts, "database": database_kind(),
            "tried": [{**t, "rate": round(t["rate"]), "p99": round(t["p99"], 2)} for t in tried],
        }
    ]  # fmt: skip
