"""The peer: a plain Faust agent with a table that does drop-30 on bills, as its documentation would write it.

``python -m bench.faust_peer`` with the broker, the number of events and a time limit in the environment. The table is
in RocksDB, as the detector's state is, with its changelog on Kafka; no evidence, no dedupe, no profile: less than the
detector does.
"""

import json
import os
import time
from typing import Any

import faust

from bench.load import OUT_TOPIC, PARTITIONS, PEER_TOPIC

EVENTS = int(os.environ["BENCH_EVENTS"])
SECONDS = float(os.environ["BENCH_SECONDS"])

app = faust.App(
    "bench-faust",
    broker=f"kafka://{os.environ['BENCH_KAFKA']}",
    datadir=os.environ["BENCH_FOLDER"],
    store="rocksdb://?driver=rocksdict",
    topic_partitions=PARTITIONS,
    topic_disable_leader=True,
    web_enabled=False,
    stream_wait_empty=False,
)
bills = app.topic(PEER_TOPIC, key_type=bytes, value_type=bytes, value_serializer="raw")
alerts = app.topic(OUT_TOPIC, value_serializer="json")
amounts = app.Table("amounts", default=dict, partitions=PARTITIONS)


def months_before(period: str) -> list[str]:
    month = int(period[:4]) * 12 + int(period[4:]) - 1
    return [f"{m // 12}{m % 12 + 1:02}" for m in (month - 3, month - 2, month - 1)]


@app.agent(bills)
async def detect(stream: faust.StreamT[bytes]) -> None:
    seen, started, cpu = 0, time.perf_counter(), time.thread_time()
    async for event in stream.events():
        if seen == 0:
            started, cpu = time.perf_counter(), time.thread_time()
        bill: dict[str, Any] = json.loads(event.value)
        customer, period, amount = bill["customer_id"], bill["period"], bill["amount_fen"]
        known = {**amounts[customer], period: amount}
        amounts[customer] = known
        base = [known[m] for m in months_before(period) if m in known]
        if len(base) == 3 and 30 * amount <= 7 * sum(base) > 0:
            await alerts.send(key=customer, value={"customer_id": customer, "period": period, "base": base})
        seen += 1
        seconds = time.perf_counter() - started
        if seen >= EVENTS or seconds > SECONDS:
            found = {"events": seen, "seconds": seconds, "cpu_seconds": time.thread_time() - cpu}
            line = json.dumps(found) + "\n"
            os.write(1, line.encode())  # the worker has made a log of sys.stdout
            os._exit(0)


if __name__ == "__main__":
    app.main()
