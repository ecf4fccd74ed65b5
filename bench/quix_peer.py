"""The peer of ``detect-quix``: Quix Streams 3 with state and changelog, the same rule. Runs in an environment of its
own (``requirements.quix.lock``), so nothing of the project is imported here. Prints one JSON object."""

import json
import os
import sys
import time
from typing import Any

from quixstreams import Application
from quixstreams.state import State

TOPIC, OUT, EVENTS, SECONDS = "bench.peer", "alert.events", int(os.environ["BENCH_EVENTS"]), 120
seen, started, cpu = 0, 0.0, 0.0


def months_before(period: str) -> list[str]:
    month = int(period[:4]) * 12 + int(period[4:]) - 1
    return [f"{m // 12}{m % 12 + 1:02}" for m in (month - 3, month - 2, month - 1)]


def judge(body: bytes, state: State) -> dict[str, Any] | None:
    global seen, started, cpu
    if seen == 0:
        started, cpu = time.perf_counter(), time.thread_time()
    seen += 1
    bill = json.loads(body)
    period, amount = bill["period"], bill["amount_fen"]
    known = {**state.get("amounts", {}), period: amount}
    state.set("amounts", known)
    base = [known[m] for m in months_before(period) if m in known]
    if len(base) == 3 and 30 * amount <= 7 * sum(base) > 0:
        return {"customer_id": bill["customer_id"], "period": period, "base": base}
    return None


def main() -> None:
    app = Application(
        broker_address=os.environ["BENCH_KAFKA"],
        consumer_group="bench-quix",
        auto_offset_reset="earliest",
        state_dir=os.environ["BENCH_FOLDER"],
        loglevel="ERROR",
    )
    bills = app.topic(TOPIC, key_deserializer="bytes", value_deserializer="bytes")
    alerts = app.topic(OUT, value_serializer="json", key_serializer="bytes")
    frame = app.dataframe(bills).apply(judge, stateful=True)
    frame[frame.apply(lambda found: found is not None)].to_topic(alerts)
    app.run(count=EVENTS, timeout=SECONDS)  # returns when state, changelog and alerts are flushed
    line = {"events": seen, "seconds": time.perf_counter() - started, "cpu_seconds": time.thread_time() - cpu}
    sys.stdout.write(json.dumps(line) + "\n")


if __name__ == "__main__":
    main()
