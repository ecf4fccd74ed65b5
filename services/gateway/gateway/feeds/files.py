"""Nightly files by their names, which are never paths, and the lines of their reject files. Pure."""

import re
from collections.abc import Iterator
from itertools import islice
from typing import Any, NamedTuple

_NAME = re.compile(r"([A-Z]{2,8})_([0-9]{6})_[0-9]{8}_[0-9]{4}")
_HALVES = (".dat.gz", ".chk", ".rej")
#: how many rejected rows are shown beside a file; the others are in its reject file
SHOWN = 20


class FileName(NamedTuple):
    """A pair's name without extension, with what it says."""

    stem: str
    kind: str
    city: str


def file_name(text: str) -> FileName | None:
    """What a pair's name says; None for anything else. With or without its extension."""
    stem = next((text.removesuffix(half) for half in _HALVES if text.endswith(half)), text)
    match = _NAME.fullmatch(stem)
    return None if match is None else FileName(stem, match[1], match[2])


def first_rows(text: str) -> list[dict[str, Any]]:
    """The first rows of a reject file without what they said, which may be personal: line, field, reason."""
    return list(islice(_rows(text), SHOWN))


def _rows(text: str) -> Iterator[dict[str, Any]]:
    # At line feeds only: other ends of lines that Unicode knows stand within values.
    for line in text.split("\n"):
        number, _, rest = line.partition("\t")
        cells = rest.split("\t")
        if number.isascii() and number.isdecimal() and len(number) < 16 and len(cells) >= 3:
            yield {"line": int(number), "field": cells[0], "reason": cells[-1]}
