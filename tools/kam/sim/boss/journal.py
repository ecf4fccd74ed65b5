"""What the simulated BOSS sent: an append-only file of JSON lines, written before the sending; receipts follow.

``{"n", "at", "road", "purpose", "event"}`` is an event on its way (road: http, kafka; purpose: normal, duplicate,
invalid, scenario), ``{"n", "receipt"}`` its receipt; ``{"at", "file", "rows"}`` a nightly file. An event without
receipt was cut off and is sent again with the same id.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from servicekit.clock import iso, system_now

Entry = dict[str, Any]


class Journal:
    """Appends; a line that a crash cut off is left behind as it is and skipped when read."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._file = path.open("a+b")
        if self._file.seek(0, os.SEEK_END):
            self._file.seek(-1, os.SEEK_END)
            if self._file.read(1) != b"\n":
                self._file.write(b"\n")

    def events(self, road: str, purpose: str, numbered: list[tuple[int, dict[str, Any]]]) -> None:
        """Events that will be sent now."""
        at = iso(system_now())
        self._append([{"n": n, "at": at, "road": road, "purpose": purpose, "event": event} for n, event in numbered])

    def receipts(self, numbered: list[tuple[int, dict[str, Any]]]) -> None:
        """Their receipts."""
        self._append([{"n": n, "receipt": receipt} for n, receipt in numbered])

    def file(self, name: str, rows: int) -> None:
        """A nightly file that lies in the inbox."""
        self._append([{"at": iso(system_now()), "file": name, "rows": rows}])

    def _append(self, entries: list[Entry]) -> None:
        lines = (json.dumps(e, ensure_ascii=False, separators=(",", ":")) + "\n" for e in entries)
        self._file.write("".join(lines).encode())
        self._file.flush()
        os.fsync(self._file.fileno())

    def read(self) -> Iterator[Entry]:
        """All whole entries, oldest first."""
        with self.path.open("rb") as file:
            for line in file:
                try:
                    yield json.loads(line)
                except ValueError:
                    continue

    def last(self, limit: int) -> list[Entry]:
        """The last entries, oldest first; reads no more of the file than needed."""
        size = self.path.stat().st_size
        with self.path.open("rb") as file:
            file.seek(max(0, size - limit * 2048))
            lines = file.read().splitlines()
        whole = lines if size <= limit * 2048 else lines[1:]
        return [json.loads(line) for line in whole[-limit:] if line.endswith(b"}")]

    def close(self) -> None:
        """End; everything is on disk already."""
        self._file.close()
