"""What the benchmarks run on: bills as billing-sync writes them, and the detector's memory of a year before them."""

import random
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from pathlib import Path

import msgspec

from alerts.detection.months import month_of, period_of
from alerts.detection.state import CustomerState, Profile, Series
from contracts.boss import Bill
from servicekit.clock import iso
from servicekit.envelope import Headers, encode_data, write_headers
from servicekit.ids import boss_event_id
from servicekit.kafka import partition_of, start_producer
from servicekit.rocksdb_store import LocalStore
from servicekit.store import Batch

TOPIC, PEER_TOPIC, OUT_TOPIC = "boss.events", "bench.peer", "alert.events"
PARTITIONS = 4
FIRST_MONTH = month_of("202604")
KNOWN_MONTHS = 12
CLOCK = datetime(2026, 6, 30, 2, tzinfo=UTC)
_CLOCK = iso(CLOCK)
_AT_ONCE = 100_000
_FALL = 0.015  # share of bills that fall to half

Row = tuple[bytes, bytes, Headers]


def customer(number: int) -> str:
    return str(10_000_000 + number)


def usual_amount(number: int) -> int:
    """What a customer's bill is about, in fen: the same for the known year and the bills to come."""
    return 5_000 + number * 7919 % 60_000


def bills(customers: int, months: int, seed: int = 1) -> Iterator[Row]:
    """Key, body and headers of a bill for every customer and month, month by month, as they stand on boss.events."""
    dice = random.Random(seed)
    line = 0
    for month in range(FIRST_MONTH, FIRST_MONTH + months):
        period = period_of(month)
        issued = date(int(period[:4]), int(period[4:]), 28)
        for number in range(customers):
            line += 1
            id_ = customer(number)
            share = 0.5 if dice.random() < _FALL else dice.uniform(0.85, 1.15)
            amount = int(usual_amount(number) * share)
            voice, data = amount // 3, amount // 2
            bill = Bill(
                customer_id=id_,
                period=period,
                issued_on=issued,
                due_on=date(issued.year + issued.month // 12, issued.month % 12 + 1, 20),
                amount_fen=amount,
                voice_fen=voice,
                data_fen=data,
                sms_fen=0,
                other_fen=amount - voice - data,
            )
            headers = write_headers(
                id=boss_event_id("BILL", f"{id_}/{period}", 1),
                type="kam.boss.bill.issued.v1",
                source="kam/billing-sync",
                subject=id_,
                time=_CLOCK,
                correlation_id=f"file:BILL_320100_{issued:%Y%m%d}_0001.dat.gz#{line}",
                sequence=f"intake.0.5f2c91aa:{line}",
                clock=_CLOCK,
                revision=1,
            )
            yield id_.encode(), encode_data(bill), headers


def known_customers(customers: int) -> Iterator[Row]:
    """What ``remember`` puts into the detector's stores, as messages for a peer that fills its own."""
    months = [period_of(month) for month in range(FIRST_MONTH - KNOWN_MONTHS, FIRST_MONTH)]
    for number in range(customers):
        profile = {"status": "active", "city": "320100", "area": "urban", "opened_on": "2015-03-01", "plan": "P199"}
        figures = {name: dict.fromkeys(months, value) for name, value in _usual(number).items()}
        key = customer(number).encode()
        yield key, encode_data({"profile": {**profile, "manager": f"m{number % 40}"}, **figures}), []


def _usual(number: int) -> dict[str, int]:
    return {"amount_fen": usual_amount(number), "voice_minutes": 300 + number % 500}


async def write(bootstrap: str, topics: Sequence[str], rows: Iterator[Row]) -> int:
    """Put them into each of these topics; returns how many."""
    producer = await start_producer(bootstrap, "bench-writer")
    count = 0
    try:
        pending = []
        for key, body, headers in rows:
            partition = partition_of(key, PARTITIONS)
            for topic in topics:
                pending.append(await producer.send(topic, body, key=key, partition=partition, headers=headers))
            count += 1
            if len(pending) >= 20_000:
                for future in pending:
                    await future
                pending.clear()
        await producer.flush()
    finally:
        await producer.stop()
    return count


async def remember(folder: Path, customers: int, partitions: int = PARTITIONS) -> None:
    """Stores of the detector's processors, each customer with a profile and a year of bills and minutes."""
    encode = msgspec.msgpack.Encoder().encode
    months = range(FIRST_MONTH - KNOWN_MONTHS, FIRST_MONTH)
    stores = [LocalStore(folder / str(ordinal)) for ordinal in range(partitions)]
    for store in stores:
        await store.open()
    for first in range(0, customers, _AT_ONCE):
        batches = [Batch() for _ in stores]
        for number in range(first, min(first + _AT_ONCE, customers)):
            id_ = customer(number)
            profile = Profile("active", "320100", "urban", date(2015, 3, 1), "P199", f"m{number % 40}")
            figures = {name: Series(months[0], (value,) * len(months)) for name, value in _usual(number).items()}
            state = CustomerState(id_, profile, figures=figures)
            batches[partition_of(id_, partitions)].states[id_] = (encode(state), None)
        for store, batch in zip(stores, batches, strict=True):
            await store.commit(batch)
    for store in stores:
        await store.close()
