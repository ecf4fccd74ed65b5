"""The folders of the nightly files: what waits in the inbox, and where a file goes when it is done."""

import os
import shutil
import time
from pathlib import Path
from typing import NamedTuple

from billing_sync.files import CONTROL, DATA, PairName, name_of, stem_of

FOLDERS = ("inbox", "accepted", "partial", "rejected")
# Extensions of what one name may stand for in the inbox: a pair, or a file that is none.
HALVES = (DATA, CONTROL, "")
_BEING_WRITTEN = (".part", ".tmp")


class Waiting(NamedTuple):
    """What lies in the inbox: whole pairs in the order of loading, control files alone, and names that mean nothing
    (without the extension of a pair's halves)."""

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
        strays: set[str] = set()
        for name in names:
            stem = stem_of(name)
            known = None if stem == name else name_of(stem)
            if known is None:
                if not name.endswith(_BEING_WRITTEN):
                    strays.add(stem)
            elif name.endswith(CONTROL):
                (pairs if known.file in names else orphans).append(known)
        return Waiting(sorted(pairs), sorted(orphans), sorted(strays))

    def age(self, stem: str) -> float:
        """Seconds since any file of this name was last written; 0 when none is there."""
        written = [path.stat().st_mtime for path in self._halves(stem)]
        return time.time() - max(written) if written else 0.0

    def called(self, stem: str) -> str:
        """Full name of the first file of this name."""
        return next((path.name for path in self._halves(stem)), stem)

    def _halves(self, stem: str) -> list[Path]:
        return [path for suffix in HALVES if (path := self.path / (stem + suffix)).exists()]

    def free_name(self, folder: str, stem: str) -> str:
        """``stem``, or ``stem.2``, ``stem.3``… where that name is taken in the folder: no original is overwritten."""
        place, number, candidate = self.root / folder, 1, stem
        while any((place / (candidate + suffix)).exists() for suffix in (*HALVES, ".rcp", ".why")):
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

    def move(self, stem: str, folder: str, target: str) -> None:
        """What there is of this name goes out of the inbox; nothing happens when it is gone already."""
        for path in self._halves(stem):
            shutil.move(path, self.root / folder / (target + path.name.removeprefix(stem)))


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
