"""A store in memory that can be away."""

from typing import Any

from servicekit.memory_store import MemoryStore
from servicekit.store import Transient


class AwayStore(MemoryStore):
    """``away``: no commit gets through."""

    away = False

    async def commit(self, batch: Any) -> None:
        if self.away:
            raise Transient("away")
        await super().commit(batch)
