"""Answers of the SMSC that could not be written for a while, on disk, should the process end before they are.

One file a message, ``<sms_id>.json``, from the moment its answers wait to be written to the commit that takes them.
"""

import contextlib
from pathlib import Path

import msgspec
import structlog
from msgspec import Struct

from alerts.notifications.sending import Answered
from servicekit.durable_file import write_durably

log = structlog.get_logger()


class Kept(Struct, frozen=True):
    """Answers to one intent. ``references`` are those of its parts by number: a later intent has others."""

    customer_id: str
    answered: Answered
    references: dict[int, int]


class KeptAnswers:
    """``keep`` returns when it is on the disk. Without a folder nothing is kept."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._there: set[str] = set()

    def keep(self, kept: Kept) -> None:
        """A disk that takes nothing is said and ends nothing."""
        if self._folder is None:
            return
        try:
            write_durably(self._path(kept.answered.sms_id), msgspec.json.encode(kept))
            self._there.add(kept.answered.sms_id)
        except OSError as error:
            log.error("sms.answer_not_kept", sms_id=kept.answered.sms_id, error=repr(error))

    def drop(self, sms_id: str) -> None:
        """They are written where they belong."""
        if sms_id in self._there:
            self._there.discard(sms_id)
            with contextlib.suppress(OSError):
                self._path(sms_id).unlink()

    def read(self) -> list[Kept]:
        """What the last process left; a file that can't be read is said and left alone."""
        found = []
        for path in sorted(self._folder.glob("*.json")) if self._folder is not None else ():
            try:
                found.append(msgspec.json.decode(path.read_bytes(), type=Kept))
                self._there.add(path.stem)
            except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
                log.error("sms.kept_answer_unreadable", path=str(path), error=repr(error))
        return found

    def _path(self, sms_id: str) -> Path:
        assert self._folder is not None
        return self._folder / f"{sms_id}.json"
