"""The folders of the nightly files: what waits in the inbox, and where a file goes when it is done."""

import os
import shutil
import time
from pathlib import Path
from typing import NamedTuple

from billing_sync.files import CONTROL, DATA, PairName, name_of

FOLDERS = ("inbox", "accepted", "partial", "rejected")
_BEING_WRITTEN = (".part", ".tmp")


class Waiting(NamedTuple):
    """What lies in the inbox: whole pairs in the order of loading, control files alone, and names that mean nothing."""

    pairs: list[PairName]
    orphans: list[PairName]
    strays: list[str]


class Inbox:
    """The folder ``inbox`` under ``root``, with the folders for results beside it."""

    def __init__(self, root: Path) -> None:
        self.root, self.path = root, root / "inbox"
        self.work = root / ".work"

    def rejects(self, stem: str) -> Path:
        """The reject file of the pair that is being loaded."""
        return self.work / f"{stem}.rej"

    def prepare(self) -> None:
        for folder in (*FOLDERS, ".work"):
            (self.root / folder).mkdir(parents=True, exist_ok=True)

    def look(self) -> Waiting:
        """Scan the inbox. Hidden files and ``*.part``, ``*.tmp`` are still being written and left alone."""
        try:
            with os.scandir(self.path) as found:
                names = {e.name for e in found if not e.name.startswith(".") and e.is_file()}
        except FileNotFoundError:
            return Waiting([], [], [])
        pairs: list[PairName] = []
        orphans: list[PairName] = []
        strays: list[str] = []
        for name in names:
            stem = name.removesuffix(DATA) if name.endswith(DATA) else name.removesuffix(CONTROL)
            known = None if stem == name else name_of(stem)
            if known is None:
                if not name.endswith(_BEING_WRITTEN):
                    strays.append(name)
            elif name.endswith(CONTROL):
                (pairs if known.file in names else orphans).append(known)
        return Waiting(sorted(pairs), sorted(orphans), sorted(strays))

    def age(self, name: str) -> float:
        """Seconds since a file was last written; a file that is gone is new."""
        try:
            return time.time() - (self.path / name).stat().st_mtime
        except FileNotFoundError:
            return 0.0

    def free_name(self, folder: str, stem: str) -> str:
        """``stem``, or ``stem.2``, ``stem.3``… where that name is taken in the folder: no original is overwritten."""
        place, number, candidate = self.root / folder, 1, stem
        while any((place / (candidate + suffix)).exists() for suffix in (DATA, CONTROL, ".rcp", ".why")):
            number += 1
            candidate = f"{stem}.{number}"
        return candidate

    def write(self, folder: str, name: str, content: bytes) -> None:
        """A file whole or not at all."""
        path = self.root / folder / name
        temporary = path.with_name(f".{name}.tmp")
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)

    def move(self, name: str, folder: str, new_name: str) -> None:
        """Out of the inbox; nothing happens when it is gone already."""
        source = self.path / name
        if source.exists():
            shutil.move(source, self.root / folder / new_name)


class RejectFile:
    """Rows that could not be taken, as they come: ``line, field, value, reason``, tab-separated. It is cut back to the
    length that was committed when loading goes on after a kill, so that no row stands in it twice."""

    HEADER = b"line\tfield\tvalue\treason\n"

    def __init__(self, path: Path, length: int) -> None:
        self.path = path
        self._file = path.open("r+b" if path.exists() else "w+b")
        self._file.truncate(length)
        self._file.seek(length)
        if length == 0:
            self._file.write(self.HEADER)
        self.length = self._file.tell()

    def add(self, rows: list[tuple[int, str | None, str, str]]) -> None:
        """Append rows, durably."""
        for line, field, value, reason in rows:
            cells = (str(line), field or "", value, reason)
            self._file.write(("\t".join(cell.replace("\t", "\\t") for cell in cells) + "\n").encode())
        self._file.flush()
        os.fsync(self._file.fileno())
        self.length = self._file.tell()

    def close(self) -> None:
        self._file.close()
