"""A journal's log in memory: what Kafka keeps of one partition, and the ways in which it lets a writer down."""

import asyncio
import random
from collections.abc import AsyncIterator

from servicekit.envelope import Headers
from servicekit.journal import Record
from servicekit.store import Transient


class MemoryLog:
    """Outlives every process. ``chance`` lets appends fail: before the log has the records, after, or in the middle."""

    def __init__(self, chance: random.Random | None = None) -> None:
        self.records: list[Record] = []
        self.begin = 0
        self.chance = chance

    @property
    def end(self) -> int:
        return self.begin + len(self.records)

    async def append(self, records: list[tuple[Headers, bytes]]) -> int:
        await asyncio.sleep(0)
        fails = self.chance is not None and self.chance.random() < 0.3
        taken = self.chance.randint(0, len(records)) if self.chance and fails else len(records)
        for headers, value in records[:taken]:
            self.records.append(Record(self.end, dict(headers), value))
            await asyncio.sleep(0)
        if fails:
            raise Transient("no answer")
        return self.end

    async def span(self) -> tuple[int, int]:
        return self.begin, self.end

    async def read(self, start: int, end: int) -> AsyncIterator[Record]:
        for record in list(self.records):
            if start <= record.offset < end:
                await asyncio.sleep(0)
                yield record

    async def cut(self, before: int) -> None:
        self.records = [record for record in self.records if record.offset >= before]
        self.begin = max(self.begin, before)
