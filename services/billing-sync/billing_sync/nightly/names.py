"""Names of nightly files: a pair's, and what is none and still has to be stored and printed. Pure."""

import hashlib
import os
import re
from datetime import date
from typing import NamedTuple

from billing_sync.domain.kinds import FILE_ORDER, KINDS, Kind

DATA, CONTROL, REJECTS = ".dat.gz", ".chk", ".rej"
_NAME = re.compile(rf"({'|'.join(FILE_ORDER)})_([0-9]{{6}})_([0-9]{{8}})_([0-9]{{4}})")
# Leaves room for our extensions, a number and the dot of a temporary name in the 255 bytes of a file system.
_NAME_BYTES = 200
_DIGEST = 8


class PairName(NamedTuple):
    """A pair's name, ordered as pairs are loaded: business date, kind, sequence."""

    date: date
    order: int
    sequence: int
    city: str
    stem: str

    @property
    def kind(self) -> Kind:
        return KINDS[self.stem.partition("_")[0]]

    @property
    def file(self) -> str:
        return self.stem + DATA


def stem_of(name: str) -> str:
    """A file's name without the extension of a pair's halves."""
    return name.removesuffix(DATA) if name.endswith(DATA) else name.removesuffix(CONTROL)


def name_of(stem: str) -> PairName | None:
    """A pair's name; None when it is none."""
    match = _NAME.fullmatch(stem)
    if match is None:
        return None
    try:
        day = date.fromisoformat(f"{match[3][:4]}-{match[3][4:6]}-{match[3][6:]}")
    except ValueError:
        return None
    return PairName(day, FILE_ORDER[match[1]], int(match[4]), match[2], stem)


def names_no_date(stem: str) -> bool:
    """Whether a name is a pair's but for its date, which no calendar has."""
    return _NAME.fullmatch(stem) is not None and name_of(stem) is None


class Stray(NamedTuple):
    """What is no half of a pair: ``stem`` and ``suffixes`` of its files, ``safe`` the name it goes by from here on,
    ``plain`` whether they are plain files (no folder, link, pipe)."""

    stem: str
    suffixes: tuple[str, ...]
    safe: str
    plain: bool

    @property
    def file(self) -> str:
        """Name of its first file, as it may be stored and printed."""
        return self.safe + self.suffixes[0]


def safe_name(name: str) -> str:
    """A file's name as it can be stored, printed and sent: itself, or with escapes, cut to 200 bytes with the first
    digits of the raw name's SHA-256. Safe names stay as they are."""
    raw = os.fsencode(name)
    readable = raw.decode("utf-8", "backslashreplace")
    if readable == name and name.isprintable() and len(raw) <= _NAME_BYTES and not name.endswith(REJECTS):
        return name
    escaped = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in readable)
    cut = escaped.encode()[: _NAME_BYTES - _DIGEST - 1].decode("utf-8", "ignore")
    return f"{cut}-{hashlib.sha256(raw).hexdigest()[:_DIGEST]}"


def stray_name(stem: str, bare: bool) -> str:
    """The safe name of a stray; one without extension never goes by a pair's name."""
    if bare and name_of(stem) is not None:
        return f"{stem}-{hashlib.sha256(stem.encode()).hexdigest()[:_DIGEST]}"
    return safe_name(stem)
