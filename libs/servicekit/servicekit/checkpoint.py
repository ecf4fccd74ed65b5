"""Checkpoints of a processor's store, off its disk: a folder each, complete when its ``checkpoint.json`` is there.

A store's files never change once they are written, so a checkpoint that has a file in common with the one before links
to it: each costs only what is new, also to read (``About.sources``). Everything here works on files and blocks: call it
in a thread.
"""

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

import msgspec
import structlog

from servicekit.durable_file import sync_folder, write_durably
from servicekit.store import Position

log = structlog.get_logger()
_ABOUT = "checkpoint.json"
#: what RocksDB never changes once it is written
_UNCHANGING = ".sst"
_KEPT = 2
_CHUNK = 1 << 20


#: inode, size, mtime in nanoseconds: which file it is, and that nobody has written to it since
Source = tuple[int, int, int]


class About(msgspec.Struct, frozen=True):
    """What a checkpoint holds: where the processor stood, and sha256 of each file. ``sources``: what the unchanging
    ones were taken from, so that the next checkpoint knows them without reading them again.
    """

    processor: str
    taken_at: str
    position: Position
    files: dict[str, str]
    sources: dict[str, Source] = {}


class Checkpoints:
    """Those of one processor under ``folder``, by the number of the commit they were taken after."""

    def __init__(self, folder: Path, processor: str) -> None:
        self._folder, self._processor = folder, processor
        #: of the checkpoint that is being brought back: a sign of life
        self.bytes_brought = 0

    def exist(self) -> bool:
        """Whether there is one, whole or not."""
        return any(self._all())

    def newest(self) -> About | None:
        """What the newest whole one holds."""
        return next((about for _, about in self._whole()), None)

    def keep(self, source: Path, position: Position, taken_at: str) -> int | None:
        """Take over the files of a checkpoint under ``source``. What is not among the newest two goes; returns the
        offset of the journal before which nothing is needed any more, None while all is.
        """
        target = self._folder / f"{position.commits:015d}"
        newest = next(self._whole(), None)
        known, before = ({}, {}) if newest is None else (newest[1].files, newest[1].sources)
        if newest is not None and newest[0] == target:
            return self._make_room()  # taken already; nothing has come since
        for folder in self._all():
            if not (folder / _ABOUT).exists():
                shutil.rmtree(folder, ignore_errors=True)  # cut off by a crash or a full disk, whose room it takes
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir(parents=True)
        files, sources = {}, {}
        for path in sorted(source.iterdir()):
            is_known = False
            if path.suffix == _UNCHANGING:
                sources[path.name] = origin = _source(path)
                is_known = before.get(path.name) == origin
            files[path.name] = digest = known[path.name] if is_known else _digest(path)
            if newest is not None and known.get(path.name) == digest:
                os.link(newest[0] / path.name, target / path.name)
            else:
                _copy(path, target / path.name)
        about = About(self._processor, taken_at, position, files, sources)
        write_durably(target / _ABOUT, msgspec.json.format(msgspec.json.encode(about)))
        try_to_sync(target)
        return self._make_room()

    def restore(self, target: Path) -> Position | None:
        """Bring the newest whole one to ``target``, which is thrown away before; None where there is none."""
        shutil.rmtree(target, ignore_errors=True)
        for folder, about in self._whole():
            target.mkdir(parents=True)
            if self._bring(folder, about, target):
                return about.position
            log.error("checkpoint.damaged", processor=self._processor, folder=str(folder))
            shutil.rmtree(target)
        return None

    def _bring(self, folder: Path, about: About, target: Path) -> bool:
        try:
            for name in about.files:
                _copy(folder / name, target / name)
                self.bytes_brought += (target / name).stat().st_size
            try_to_sync(target)
            for name, digest in about.files.items():
                if _digest(target / name) != digest:
                    return False
                self.bytes_brought += (target / name).stat().st_size
            return True
        except OSError as error:
            if error.errno in (errno.EIO, errno.ENOENT):
                return False  # a sector that can't be read, or a file that has gone meanwhile
            raise

    def _all(self) -> list[Path]:
        """Newest first."""
        return sorted(self._folder.glob("[0-9]*"), reverse=True)

    def _whole(self) -> Iterator[tuple[Path, About]]:
        for folder in self._all():
            try:
                about = msgspec.json.decode((folder / _ABOUT).read_bytes(), type=About)
                if all((folder / name).is_file() for name in about.files):
                    yield folder, about
                    continue
                reason = "files are missing"
            except FileNotFoundError:
                continue  # one in the making, or one that a crash cut off
            except (OSError, msgspec.MsgspecError) as error:
                reason = repr(error)
            log.error("checkpoint.unreadable", processor=self._processor, folder=str(folder), error=reason)

    def _make_room(self) -> int | None:
        whole = list(self._whole())
        if len(whole) < _KEPT:
            return None
        oldest_kept, about = whole[_KEPT - 1]
        for folder in self._all():
            if folder < oldest_kept:
                shutil.rmtree(folder, ignore_errors=True)
        return about.position.journal


def _source(path: Path) -> Source:
    found = path.stat()
    return found.st_ino, found.st_size, found.st_mtime_ns


def _digest(path: Path) -> str:
    found = sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            found.update(chunk)
    return found.hexdigest()


def _copy(source: Path, target: Path) -> None:
    shutil.copyfile(source, target)
    with target.open("rb") as file:
        os.fsync(file.fileno())


def try_to_sync(folder: Path) -> None:
    """``sync_folder``, where the file system can do that: a share may not."""
    with suppress(OSError):
        sync_folder(folder)
