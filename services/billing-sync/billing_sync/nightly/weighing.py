"""What a snapshot would clear, before a row of it is loaded (ADR 0023). Reads only; judges as loading would.

Memory is bounded by what is known of a city, not by what a file says.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator

import msgspec

from billing_sync.domain.keys import index_key, record_key
from billing_sync.domain.kinds import KINDS
from billing_sync.domain.record import Fact, Known, is_older
from billing_sync.intake import Intake
from billing_sync.nightly.chunks import DataFile, Rows
from billing_sync.nightly.loading import index_prefixes, still_here
from contracts.brake import Brake
from servicekit.kafka import partition_of

_CHUNK = 2000
_STATUS, _CITY = KINDS["CUST"].columns.index("status"), KINDS["CUST"].columns.index("city")
_ENDS_ON, _AMOUNT = KINDS["CONT"].columns.index("ends_on"), KINDS["ARR"].columns.index("amount_fen")
_decode_content = msgspec.msgpack.Decoder(tuple).decode
#: kinds of snapshots that end something of a customer
WEIGHED = frozenset({"CUST", "CONT", "ARR"})


class Weight(msgspec.Struct, frozen=True):
    """How many of a city's customers would be cleared, and how many there are."""

    city: str
    count: int
    customers: int


async def weigh(intake: Intake, brake: Brake, data: DataFile) -> Weight | None:
    """The city that a good file would clear too much of; None where there is none. Raises ``FileRejected``,
    ``FileUnreadable``."""
    kind, own = data.name.kind.name, data.name.city
    (customers,) = await census(intake, own)
    if kind != "CUST" and customers < brake.min_customers:
        return None
    if kind == "ARR":
        cleared = Counter({own: await _debts(intake, data)})
    else:
        cleared = await (_leavers(intake, data) if kind == "CUST" else _ended(intake, data))
    for city, count in cleared.most_common():
        (there,) = (customers,) if city == own else await census(intake, city)
        if brake.holds(count, there):
            return Weight(city, count, there)
    return None


async def census(intake: Intake, city: str, partitions: int = 1) -> list[int]:
    """How many customers of a city each partition has."""
    prefix, after, counts = index_key("CUST", city, ""), "", [0] * partitions
    while keys := await intake.store.keys(prefix, after, _CHUNK):
        after = keys[-1]
        for key in keys if partitions > 1 else ():
            counts[partition_of(key[len(prefix) :], partitions)] += 1
        counts[0] += len(keys) if partitions == 1 else 0
        # A large city takes its time: others have their turn meanwhile.
        await asyncio.sleep(0)
    return counts


async def census_of_all(intake: Intake, partitions: int) -> dict[str, list[int]]:
    """``census`` of every city."""
    prefix, after, cities = index_key("CUST", "", "")[:-1], "", list[str]()
    while keys := await intake.store.keys(prefix, after, 1):
        city = keys[0].removeprefix(prefix).partition("/")[0]
        cities.append(city)
        # Behind all customers of this city, whatever their ids.
        after = f"{prefix}{city}{chr(ord('/') + 1)}"
    return {city: await census(intake, city, partitions) for city in cities}


async def _rows(data: DataFile) -> AsyncIterator[list[Rows]]:
    found = data.chunks(_CHUNK)
    while (chunk := await asyncio.to_thread(next, found, None)) is not None:
        await asyncio.to_thread(data.read, chunk)
        yield chunk


async def _facts(intake: Intake, data: DataFile) -> AsyncIterator[tuple[Fact, Known]]:
    """Facts that are newer than what is known of their record."""
    kind = data.name.kind.name
    async for chunk in _rows(data):
        facts = [fact for rows in chunk for fact in rows.facts]
        known = await intake.known([record_key(kind, fact.key) for fact in facts])
        for fact in facts:
            before = known.get(record_key(kind, fact.key))
            if before is not None and before.content and not is_older(fact.effective, fact.sequence, before):
                yield fact, before


async def _leavers(intake: Intake, data: DataFile) -> Counter[str]:
    """Customers who would be left, or go to this file's city, by the city that loses them."""
    lost: dict[str, str] = {}
    async for fact, known in _facts(intake, data):
        # Who went before is in no city; a customer whose city nobody has said is missed by none.
        goes = fact.values[_STATUS] == "left" or known.city != data.name.city
        if known.left is None and known.city and goes:
            # Once, however many rows say it; a later row that keeps them does not undo what has come of it.
            lost[fact.key] = known.city
    return Counter(lost.values())


async def _ended(intake: Intake, data: DataFile) -> Counter[str]:
    """Customers of whom a contract that runs would have ended before the business date."""
    day = data.maker.day
    hit: set[str] = set()
    async for fact, known in _facts(intake, data):
        ends_on, before = fact.values[_ENDS_ON], _decode_content(known.content)[_ENDS_ON]
        if ends_on is not None and str(ends_on) < day and (before is None or before >= day):
            hit.add(fact.subject)
    return Counter({data.name.city: len(hit)})


async def _debts(intake: Intake, data: DataFile) -> int:
    """Customers who would owe nothing any more: absent from the file, or there with 0."""
    owing = {key: recency async for key, recency in _owing(intake, data)}
    named: set[str] = set()
    zeroed: set[str] = set()
    unreadable = 0
    async for chunk in _rows(data):
        for fact in (fact for rows in chunk for fact in rows.facts):
            if (known := owing.get(fact.key)) is None:
                continue
            named.add(fact.key)
            # A row that is older than what is known changes nothing; of several the last one counts.
            if not is_older(fact.effective, fact.sequence, known):
                (zeroed.add if fact.values[_AMOUNT] == 0 else zeroed.discard)(fact.key)
        rejected = list(_named(chunk))
        doubtful = [record_key("ARR", key) for key, well_formed in rejected if key is not None and not well_formed]
        known_debts = await intake.known(doubtful) if doubtful else {}
        for key, well_formed in rejected:
            if key in owing:
                named.add(key)
            elif key is None or not (well_formed or record_key("ARR", key) in known_debts):
                unreadable += 1
    # Rows that name nobody switch absence off (``Delivery``), so that only what is said counts.
    return len(zeroed) + (0 if unreadable else len(owing) - len(named))


def _named(chunk: list[Rows]) -> Iterator[tuple[str | None, bool]]:
    return (named for rows in chunk for named in rows.named)


async def _owing(intake: Intake, data: DataFile) -> AsyncIterator[tuple[str, Known]]:
    """Customers whose debt this file is expected to name, and may clear."""
    name = data.name
    for prefix in index_prefixes(name.kind, name.city):
        after = ""
        while entries := await intake.store.keys(prefix, after, _CHUNK):
            after, keys = entries[-1], [entry[len(prefix) :] for entry in entries]
            known = await intake.known([record_key(k, key) for key in keys for k in ("ARR", "CUST")])
            for key in keys:
                debt = known.get(record_key("ARR", key))
                if debt is None or is_older(data.maker.end_ms, name.sequence, debt):
                    continue
                if still_here(known.get(record_key("CUST", key)), debt, name.city):
                    yield key, msgspec.structs.replace(debt, content=b"")
