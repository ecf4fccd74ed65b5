"""An archive as analytics writes it, of records that a test tells."""

from pathlib import Path
from typing import Any

import msgspec

from analytics.archive import Archive, row_of
from servicekit.envelope import Message
from servicekit.kafka import partition_of


class Archivist:
    """``tell`` gives each record its place; ``write`` brings what was told since into the archive under ``root``."""

    def __init__(self, root: Path, partitions: int = 2) -> None:
        self.root, self._partitions = root, partitions
        self._archive = Archive(root, range(partitions))
        self._archive.open()
        self._ends = dict.fromkeys(range(partitions), 0)
        self._waiting: list[Message] = []

    def tell(
        self, type_: str, when: str, /, *, revision: int = 1, clock: str | None = None, body: bytes | None = None,
        **data: Any,
    ) -> None:  # fmt: skip
        """A record ``bill.issued`` of that time, an ISO 8601 instant; ``clock``: where that of business stood."""
        key = str(data.get("customer_id", "x"))
        partition = partition_of(key, self._partitions)
        headers = {
            "ce_id": f"{type_}/{partition}/{self._ends[partition]}".encode(),
            "ce_type": f"kam.boss.{type_}.v1".encode(),
            "ce_source": b"test",
            "ce_time": when.encode(),
            "ce_businessclock": (clock or when).encode(),
            "ce_revision": str(revision).encode(),
        }
        content = msgspec.json.encode(data) if body is None else body
        self._waiting.append(Message("boss.events", partition, self._ends[partition], key.encode(), headers, content))
        self._ends[partition] += 1

    def write(self) -> None:
        """What was told, durable."""
        rows, self._waiting = [row_of(message) for message in self._waiting], []
        self._archive.write(rows, {f"boss.events/{partition}": end for partition, end in self._ends.items()})

    def close(self) -> None:
        self._archive.close()
