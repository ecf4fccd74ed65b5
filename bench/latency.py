"""``latency``: single HTTP events, each an alert, an SMS and a work item, to the SMSC's acceptance.

``limit``: produce -> consume of one record through the same broker, at the same rate.
"""

import asyncio
import time
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from bench.figures import percentile
from bench.instance import Client, Instance, owes, running, until_accepted
from bench.machine import database_kind
from kam.embedded import topics

RATE, SECONDS, PATIENCE = 200, 60, 60
_TOPIC = "bench.latency"


async def bare(kafka: str, rate: float, seconds: float) -> list[float]:
    """Milliseconds from each send to its arrival at a consumer."""
    await topics.create(kafka, [topics.Topic(_TOPIC, 1, 1)])
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka, group_id=None, auto_offset_reset="earliest")
    producer = AIOKafkaProducer(bootstrap_servers=kafka, acks="all", linger_ms=0)
    consumer.assign([TopicPartition(_TOPIC, 0)])
    await consumer.start()
    await producer.start()
    count, found = int(rate * seconds), []
    try:

        async def read() -> None:
            while len(found) < count:
                for records in (await consumer.getmany(timeout_ms=1000)).values():
                    found.extend((time.time() - float(record.value)) * 1000 for record in records)

        reading, begin = asyncio.create_task(read()), time.time()
        for n in range(count):
            if (early := begin + n / rate - time.time()) > 0:
                await asyncio.sleep(early)
            await producer.send(_TOPIC, str(time.time()).encode())
        await asyncio.wait_for(reading, 30)
    finally:
        await consumer.stop()
        await producer.stop()
    return found


async def delays(instance: Instance, client: Client, rate: float, seconds: float, first: int) -> dict[str, Any]:
    """Offer so many a second, customers from ``first`` on; seconds from when each was due to the SMSC's acceptance."""
    offered = await client.offer(rate, seconds, lambda n: owes(first + n))
    numbers = {f"86139{first + n:08d}": n for n in offered.due}
    found = await until_accepted(instance, set(numbers), PATIENCE)
    end = time.time()  # what has not come by now counts as if it came now
    waited = [found.get(number, end) - offered.due[n] for number, n in numbers.items()]
    http = [offered.answered[n] - offered.due[n] for n in offered.answered]
    return {
        "delays": waited, "missing": len(numbers.keys() - found.keys()), "refused": offered.refused,
        "failed": offered.failed[:3], "http": http,
    }  # fmt: skip


async def measure(quick: bool) -> list[dict[str, Any]]:
    seconds = 20 if quick else SECONDS
    with running() as instance:
        client, count = Client(instance), RATE * seconds
        await client.load(range(1, count + 1001))
        instance.kam("wait")
        await delays(instance, client, 50, 4, count + 1)  # warm: imports, caches, connections
        instance.kam("wait")
        limit = percentile(await bare(instance.about["kafka"], RATE, min(seconds, 20)), 0.99)
        got = await delays(instance, client, RATE, seconds, 1)
        restarts = instance.restarts()
    waited = got["delays"]
    p99 = percentile(waited, 0.99) * 1000
    return [
        {
            "name": "latency", "ours": round(p99, 1), "peer": None, "limit": round(limit, 2), "unit": "ms",
            "ours_vs_peer": None, "ours_vs_limit": round(p99 / limit, 1), "rate": RATE, "seconds": seconds,
            "p50_ms": round(percentile(waited, 0.5) * 1000, 1), "max_ms": round(max(waited) * 1000, 1),
            "http_p99_ms": round(percentile(got["http"], 0.99) * 1000, 1), "sms": len(waited) - got["missing"],
            "missing": got["missing"], "refused": got["refused"], "failed": got["failed"], "restarts": restarts,
            "database": database_kind(),
        }
    ]  # fmt: skip
