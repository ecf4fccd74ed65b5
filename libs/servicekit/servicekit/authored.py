"""What people author (rules, policies, templates), as of a service's start.

MongoDB has it; a copy on disk serves a start at which it does not answer.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import structlog

from servicekit.durable_file import write_durably
from servicekit.store import Documents, patiently

log = structlog.get_logger()
_PATIENCE = 5.0  # seconds the database has to answer where there is a copy
Found = dict[str, list[dict[str, Any]]]


class AuthoredDocuments:
    """Those of some collections: ``read`` once, then ``find``.

    ``prepare`` makes indexes and seeds; ``copy`` is the file beside the database.
    """

    def __init__(
        self,
        rows: Documents,
        collections: Sequence[str],
        copy: Path,
        prepare: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self._rows, self._collections, self._copy, self._prepare = rows, collections, copy, prepare
        self._found: Found = {}

    async def read(self) -> None:
        """Take over what the database says, or the copy where it does not answer in time; without one wait for it."""
        kept = self._kept()
        try:
            async with asyncio.timeout(None if kept is None else _PATIENCE):
                self._found = await patiently(self._ask, "authored documents")
        except TimeoutError:
            assert kept is not None
            log.warning("documents.of_copy", copy=str(self._copy))
            self._found = kept
            return
        try:
            write_durably(self._copy, msgspec.json.encode(self._found, enc_hook=str))
        except OSError as error:
            log.error("documents.not_kept", error=repr(error))

    async def prepare(self) -> None:
        """Indexes and seeds, if that could not be done yet."""
        if self._prepare is not None:
            await self._prepare()
            self._prepare = None

    async def find(self, collection: str) -> list[dict[str, Any]]:
        """Documents of a collection, as of the start."""
        return self._found[collection]

    async def _ask(self) -> Found:
        await self.prepare()
        return {name: await self._rows.find(name) for name in self._collections}

    def _kept(self) -> Found | None:
        """The copy; None where there is none that is whole, as of a release that kept fewer collections."""
        try:
            found = msgspec.json.decode(self._copy.read_bytes(), type=Found)
        except FileNotFoundError:
            return None
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            log.error("documents.copy_unreadable", error=repr(error))
            return None
        return found if found.keys() >= set(self._collections) else None
