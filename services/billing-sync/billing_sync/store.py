"""The store of the intake: RocksDB, whose keys can also be walked in order (keys: ``domain.keys``)."""

from typing import Protocol

import msgspec

from billing_sync.domain.record import Known
from billing_sync.domain.segment import Segment
from servicekit.store import Store

encode = msgspec.msgpack.Encoder().encode
decode_known = msgspec.msgpack.Decoder(Known).decode
decode_segment = msgspec.msgpack.Decoder(Segment).decode


class ScanStore(Store, Protocol):
    """A store whose keys can be walked in order: ``LocalStore``, ``MemoryStore``."""

    async def keys(self, prefix: str, after: str, limit: int) -> list[str]:
        """Keys that start with ``prefix`` and are greater than ``after``, in order."""
