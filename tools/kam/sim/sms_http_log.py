"""What the simulated SMS provider has accepted, on disk: the judge of "never twice", as ``smsc_log`` is of the SMSC.

`<path>`: one JSON object a line for every accepted order, synced before its answer. `<path>.receipts`: one message_id a
line for every receipt that needs no more delivery; a lost line only means that a receipt is repeated.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

import msgspec


class Taken(msgspec.Struct, frozen=True):
    """One accepted order. ``number``: 1, 2, 3… in the order of acceptance, over restarts. ``key``: its idempotency key;
    ``fate``: the state its receipt will have, or LOST. accepted_at: ISO 8601, UTC."""

    message_id: str
    number: int
    account: str
    key: str
    reference: int | None
    destination: str
    template: str
    language: str
    variables: dict[str, str]
    signature: str
    fate: str
    accepted_at: str


class TakenLog:
    """Append-only. Not safe for several processes."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._file: BinaryIO = path.open("a+b")
        self._receipts: BinaryIO = path.with_name(path.name + ".receipts").open("a+b")
        self.count = 0
        #: idempotency key -> what was accepted under it
        self.by_key: dict[str, Taken] = {}
        #: accepted before this start, with a receipt still to be told
        self.unsettled: list[Taken] = self._recover()

    def append(self, record: Taken) -> None:
        """Write and sync; on return it outlives any crash."""
        self._file.write(msgspec.json.encode(record) + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())
        self.by_key[record.key] = record

    def settled(self, message_id: str) -> None:
        """The receipt of this message has been taken (or given up)."""
        self._receipts.write(message_id.encode() + b"\n")
        self._receipts.flush()

    def messages(self, destination: str | None, limit: int) -> list[Taken]:
        """The last ``limit`` accepted messages, oldest first; to one number if given. Reads the whole file."""
        with self._path.open("rb") as file:
            found = [msgspec.json.decode(line, type=Taken) for line in file if line.endswith(b"\n")]
        return [record for record in found if destination in (None, record.destination)][-limit:]

    def close(self) -> None:
        self._file.close()
        self._receipts.close()

    def _recover(self) -> list[Taken]:
        """Cut off a line torn by a crash (it was never answered) and find the receipts still owed."""
        self._receipts.seek(0)
        done = {line.strip().decode() for line in self._receipts}
        self._file.seek(0)
        lines = [line for line in self._file if line.endswith(b"\n")]
        self._file.truncate(sum(map(len, lines)))
        for record in _read(lines):
            self.count, self.by_key[record.key] = record.number, record
        return [r for r in self.by_key.values() if r.fate != "LOST" and r.message_id not in done]


def _read(lines: Iterable[bytes]) -> list[Taken]:
    return [msgspec.json.decode(line, type=Taken) for line in lines]
