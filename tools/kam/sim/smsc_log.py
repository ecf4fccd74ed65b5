"""What the simulated SMSC has accepted, on disk: the judge of "never twice".

`<path>`: one JSON object a line for every accepted submit_sm (see Accepted), synced before the answer.
`<path>.receipts`: one message_id a line for every receipt that needs no more delivery; a lost line only means that a
receipt is repeated.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

import msgspec


class Accepted(msgspec.Struct, frozen=True):
    """One accepted submit_sm.

    number: 1, 2, 3… in the order of acceptance, over restarts. reference: TLV user_message_reference or None.
    encoding: gsm7, ucs2, or `dcs-<n>` for another data_coding (text is then the octets in hex).
    concat: [group reference, total, number] from the header, or None. text: of this part, decoded, without header.
    fate: the state its receipt will have (DELIVRD, UNDELIV), LOST for a receipt that never comes, NONE if none was
    asked for. accepted_at: ISO 8601, UTC.
    """

    message_id: str
    number: int
    system_id: str
    reference: int | None
    source: str
    destination: str
    encoding: str
    concat: tuple[int, int, int] | None
    text: str
    fate: str
    accepted_at: str


class AcceptedLog:
    """Append-only. Not safe for several processes."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._file: BinaryIO = path.open("a+b")
        self._receipts: BinaryIO = path.with_name(path.name + ".receipts").open("a+b")
        self.count = 0
        #: accepted before this start, with a receipt still to be delivered
        self.unsettled: list[Accepted] = self._recover()

    def append(self, records: Iterable[Accepted]) -> None:
        """Write and sync; on return the records outlive any crash."""
        self._file.write(b"".join(msgspec.json.encode(record) + b"\n" for record in records))
        self._file.flush()
        os.fsync(self._file.fileno())

    def settled(self, message_id: str) -> None:
        """The receipt of this message has been taken (or given up)."""
        self._receipts.write(message_id.encode() + b"\n")
        self._receipts.flush()

    def messages(self, destination: str | None, limit: int) -> list[Accepted]:
        """The last `limit` accepted messages, oldest first; to one number if given. Reads the whole file."""
        wanted = f'"destination":"{destination}"'.encode() if destination else b""
        with self._path.open("rb") as file:
            hits = [line for line in file if wanted in line and line.endswith(b"\n")]
        return [msgspec.json.decode(line, type=Accepted) for line in hits[-limit:]]

    def close(self) -> None:
        self._file.close()
        self._receipts.close()

    def _recover(self) -> list[Accepted]:
        """Cut off a line torn by a crash (it was never answered) and find the receipts still owed."""
        self._receipts.seek(0)
        done = {line.strip().decode() for line in self._receipts}
        self._file.seek(0)
        owed: list[Accepted] = []
        whole = 0
        for line in _whole_lines(self._file):
            whole += len(line)
            record = msgspec.json.decode(line, type=Accepted)
            self.count = record.number
            if record.fate not in ("LOST", "NONE") and record.message_id not in done:
                owed.append(record)
        self._file.truncate(whole)
        return owed


def _whole_lines(file: BinaryIO) -> Iterator[bytes]:
    for line in file:
        if not line.endswith(b"\n"):
            return
        yield line
