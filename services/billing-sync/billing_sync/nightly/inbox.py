"""The folders of the nightly files: what waits in the inbox, how it is taken over, where it goes when it is done.

Whatever is dealt with is first moved from ``inbox`` to ``.work`` under a name that can be stored and printed. From then
on it is ours: who writes the same name into the inbox again delivers a new file.
"""

import errno
import fcntl
import os
import shutil
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import structlog

from billing_sync.nightly.names import CONTROL, DATA, REJECTS, PairName, Stray, name_of, stem_of, stray_name

log = structlog.get_logger()
FOLDERS = ("inbox", "accepted", "partial", "rejected", "held")
PAIR = (CONTROL, DATA)
# Extensions of what one name may stand for in .work: a pair, or a file that is none.
HALVES = (*PAIR, "")
#: of a file in ``held``: what it waits for, should our own store be lost
RELEASE = ".release"
_BESIDE = (".rcp", ".why", RELEASE)
# How many deliveries of one name are looked at, and how much of a reject file is read at a time.
_MOST_OF_A_NAME, _PART_BYTES = 1000, 1 << 20
_BEING_WRITTEN = (".part", ".tmp")


class Waiting(NamedTuple):
    """What lies in the inbox: whole pairs in the order of loading, control files alone, data files alone, strays."""

    pairs: list[PairName]
    orphans: list[PairName]
    halves: list[PairName]
    strays: list[Stray]


class Inbox:
    """The folder ``inbox`` under ``root``, with the folders for results beside it. All may raise ``OSError``."""

    def __init__(self, root: Path) -> None:
        self.root, self.path = root, root / "inbox"
        self.work = root / ".work"

    def rejects(self, stem: str) -> Path:
        """The reject file of the pair that is being loaded."""
        return self.work / (stem + REJECTS)

    def data(self, stem: str) -> Path:
        """The data file of a pair that was taken over."""
        return self.work / (stem + DATA)

    def control(self, stem: str) -> Path:
        """The control file of a pair that was taken over."""
        return self.work / (stem + CONTROL)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """As long as nobody else deals with these folders: what lies in ``.work`` would be taken for one's own."""
        self.prepare()
        folder = os.open(self.work, os.O_RDONLY)
        try:
            try:
                fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise OSError(errno.EAGAIN, "another process loads from these folders", str(self.root)) from None
            except OSError as error:
                log.warning("files.no_lock", error=ascii(str(error)))
            yield
        finally:
            os.close(folder)

    def prepare(self) -> None:
        for folder in (*FOLDERS, ".work"):
            (self.root / folder).mkdir(parents=True, exist_ok=True)

    def look(self) -> Waiting:
        """Scan the inbox. Hidden files and ``*.part``, ``*.tmp`` are still being written and left alone."""
        plain: set[str] = set()
        odd: set[str] = set()
        with os.scandir(self.path) as found:
            for entry in found:
                if not entry.name.startswith("."):
                    (plain if entry.is_file(follow_symlinks=False) else odd).add(entry.name)
        pairs: list[PairName] = []
        orphans: list[PairName] = []
        halves: list[PairName] = []
        strays: dict[tuple[str, bool], list[str]] = {}
        # Data files before control files: a stray goes by the name of its first.
        for name in sorted(plain, reverse=True):
            stem = stem_of(name)
            known = None if stem == name else name_of(stem)
            if known is None:
                if not name.endswith(_BEING_WRITTEN):
                    strays.setdefault((stem, stem == name), []).append(name.removeprefix(stem))
            elif name.endswith(CONTROL):
                (pairs if known.file in plain else orphans).append(known)
            elif stem + CONTROL not in plain:
                halves.append(known)
        turned_away = [Stray(stem, tuple(s), stray_name(stem, bare), True) for (stem, bare), s in strays.items()]
        for name in sorted(odd):
            stem = stem_of(name)
            turned_away.append(Stray(stem, (name.removeprefix(stem),), stray_name(stem, stem == name), False))
        return Waiting(sorted(pairs), sorted(orphans), sorted(halves), turned_away)

    def age(self, stem: str, suffixes: tuple[str, ...] = PAIR) -> float:
        """Seconds since any of these files was last written or put here; 0 when none is there.

        By the time of the inode's last change: who copies may set the others back (``cp -p``) or into the future.
        """
        touched: list[float] = []
        for suffix in suffixes:
            try:
                touched.append((self.path / (stem + suffix)).lstat().st_ctime)
            except FileNotFoundError:
                continue
        return abs(time.time() - max(touched)) if touched else 0.0

    def take_over(self, stem: str, suffixes: tuple[str, ...] = PAIR, safe: str | None = None) -> None:
        """Move these files to ``.work``; what is there already, or nowhere, is passed over."""
        for suffix in suffixes:
            path = self.path / (stem + suffix)
            if os.path.lexists(path):
                _move(path, self.work / ((safe or stem) + suffix))

    def fetch(self, held: str, stem: str) -> None:
        """What lies in ``held`` under this name goes back to ``.work``, where it came from; what is there, or nowhere,
        is passed over."""
        place = self.root / "held" / held
        for suffix in PAIR:
            if os.path.lexists(path := place.with_name(held + suffix)):
                _move(path, self.work / (stem + suffix))
        for suffix in _BESIDE:
            place.with_name(held + suffix).unlink(missing_ok=True)

    def releases(self) -> Iterator[tuple[bytes, bytes]]:
        """Of each pair in ``held``: what it waits for, and its receipt."""
        for path in sorted((self.root / "held").glob(f"*{RELEASE}")):
            stem, receipt = path.name.removesuffix(RELEASE), path.with_suffix(".rcp")
            if all(_is_plain(each) for each in (*(path.with_name(stem + suffix) for suffix in PAIR), path, receipt)):
                yield path.read_bytes(), receipt.read_bytes()

    def is_whole(self, stem: str) -> bool:
        """Whether both halves of a pair lie in ``.work``, as plain files."""
        return all(_is_plain(self.work / (stem + suffix)) for suffix in PAIR)

    def stray_of(self, stem: str, suffixes: list[str]) -> Stray:
        """A stray that was being turned away."""
        plain = all(_is_plain(self.work / (stem + suffix)) for suffix in suffixes)
        return Stray(stem, tuple(suffixes), stem, plain)

    def give_back(self, stem: str, suffix: str) -> bool:
        """Half of a pair, interrupted while being taken over, goes back into the inbox; False when a newer one lies
        there."""
        path = self.path / (stem + suffix)
        if os.path.lexists(path):
            return False
        _move(self.work / (stem + suffix), path)
        return True

    def taken_over(self) -> dict[str, list[str]]:
        """What lies in ``.work``: extensions by stem; our own reject files left out."""
        found: dict[str, list[str]] = {}
        for name in sorted(path.name for path in self.work.iterdir()):
            if not name.startswith(".") and not name.endswith(REJECTS):
                stem = stem_of(name)
                found.setdefault(stem, []).append(name.removeprefix(stem))
        return found

    def free_name(self, folder: str, stem: str) -> str:
        """``stem``, or ``stem.2``, ``stem.3``… where that name is taken in the folder: no original is overwritten."""
        place, number, candidate = self.root / folder, 1, stem
        while any(os.path.lexists(place / (candidate + suffix)) for suffix in (*HALVES, *_BESIDE)):
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

    def put_rejects(self, stem: str, folder: str, target: str) -> None:
        """The reject file goes beside where its pair will lie; nothing happens when it is gone already."""
        if (path := self.rejects(stem)).exists():
            _move(path, self.root / folder / (target + REJECTS))

    def read_rejects(self, stem: str, offset: int) -> tuple[str, int | None] | None:
        """Whole lines of the newest reject file of a pair from this byte on, and where the next ones begin; None where
        there is none (any more)."""
        place, newest = self.root / "partial", None
        for number in range(1, _MOST_OF_A_NAME):
            path = place / (stem + (f".{number}" if number > 1 else "") + REJECTS)
            if not _is_plain(path) and number > 1:
                break
            newest = path if _is_plain(path) else newest
        if newest is None:
            return None
        with newest.open("rb") as file:
            file.seek(offset)
            part = file.read(_PART_BYTES)
            is_last = len(part) < _PART_BYTES
            part += file.readline()
        return part.decode("utf-8", "replace"), None if is_last else offset + len(part)

    def put_away(self, stem: str, folder: str, target: str) -> None:
        """What there is of this name goes from ``.work`` to a folder; nothing happens when it is gone already."""
        for suffix in HALVES:
            path = self.work / (stem + suffix)
            if os.path.lexists(path):
                _move(path, self.root / folder / (target + suffix))


def _is_plain(path: Path) -> bool:
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except FileNotFoundError:
        return False


def _move(source: Path, target: Path) -> None:
    """Rename; across file systems a file is whole at its target before it leaves its place, and only files move."""
    try:
        source.replace(target)
    except OSError as error:
        if error.errno != errno.EXDEV or not source.is_file() or source.is_symlink():
            raise
        temporary = target.with_name(f".{target.name}.tmp")
        shutil.copy2(source, temporary)
        temporary.replace(target)
        source.unlink()
