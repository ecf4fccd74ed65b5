"""A control topic in memory, and its consumer."""

import asyncio
from typing import Any

from contracts.control import TOPIC
from servicekit.envelope import Message


class Topic:
    """``away``: the broker takes nothing and gives nothing."""

    def __init__(self, *there: Message) -> None:
        self.there, self.away, self.asked = list(there), False, 0
        self.new = asyncio.Event()

    async def write(self, topic: str, value: bytes, *, key: bytes, partition: int, headers: Any) -> None:
        if self.away:
            raise OSError("away")
        assert (topic, partition) == (TOPIC, 0)
        self.there.append(Message(topic, partition, len(self.there), key, dict(headers), value))
        self.new.set()

    async def connect(self, places: list[Any]) -> "Reader":
        return Reader(self)


class Reader:
    """Gives two at a time."""

    def __init__(self, topic: Topic) -> None:
        self.topic, self.next = topic, 0

    async def beginning_offsets(self, places: list[Any]) -> dict[Any, int]:
        self.topic.asked += 1
        if self.topic.away:
            raise OSError("away")
        return dict.fromkeys(places, 0)

    async def end_offsets(self, places: list[Any]) -> dict[Any, int]:
        return dict.fromkeys(places, len(self.topic.there))

    def seek(self, place: Any, offset: int) -> None:
        self.next = offset

    async def position(self, place: Any) -> int:
        return self.next

    async def getmany(self, place: Any, *, timeout_ms: int, max_records: int) -> dict[Any, list[Message]]:
        topic = self.topic
        while self.next == len(topic.there) and not topic.away:
            topic.new.clear()
            await topic.new.wait()
        if topic.away:
            raise OSError("away")
        found, self.next = topic.there[self.next : self.next + 2], min(len(topic.there), self.next + 2)
        return {place: found}

    async def stop(self) -> None: ...
