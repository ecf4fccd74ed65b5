"""How many parts an SMS takes, and where it is cut.

Source: 3GPP TS 23.038 §6.2.1 (7-bit default alphabet, extension table) and TS 23.040 §9.2.3.24.1 (concatenation).
Pure: no I/O, no clock.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

Encoding = Literal["gsm7", "ucs2"]

#: Position is the septet. Position 0x1B is the escape to the extension table, not a character of ours.
_BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_ESCAPE = 0x1B
_EXTENSION = {
    "\f": 0x0A, "^": 0x14, "{": 0x28, "}": 0x29, "\\": 0x2F, "[": 0x3C, "~": 0x3D, "]": 0x3E, "|": 0x40, "€": 0x65,
}  # fmt: skip

_TO_SEPTETS: dict[str, bytes] = {c: bytes([i]) for i, c in enumerate(_BASIC) if i != _ESCAPE}
_TO_SEPTETS.update({c: bytes([_ESCAPE, code]) for c, code in _EXTENSION.items()})
_ALPHABET = frozenset(_TO_SEPTETS)
_FROM_EXTENSION = {code: c for c, code in _EXTENSION.items()}

#: (one part alone, each part of several); 7 septets or 3 code units go to the 6-octet header with its fill bits.
_LIMITS: dict[Encoding, tuple[int, int]] = {"gsm7": (160, 153), "ucs2": (70, 67)}
#: The header gives one octet to the number of parts.
MAX_PARTS = 255


@dataclass(frozen=True, slots=True)
class Segments:
    """A text ready to be submitted.

    units: septets (gsm7; a character of the extension table counts 2) or UTF-16 code units (ucs2; an emoji counts 2),
        of the whole text, without headers.
    parts: the text cut; joined they are the text. Always at least one.
    """

    encoding: Encoding
    units: int
    parts: tuple[str, ...]


@lru_cache(4096)  # a message on its way is looked at a dozen times
def plan(text: str) -> Segments:
    """Choose the alphabet and cut the text.

    Neither a surrogate pair nor an escape pair is split over two parts, so a part may be one unit short.

    Raises ValueError when the text holds a lone surrogate (it has no encoding) or needs more than 255 parts.
    """
    encoding: Encoding = "gsm7" if _ALPHABET.issuperset(text) else "ucs2"
    if encoding == "gsm7":
        units = len(text) + sum(map(text.count, _EXTENSION))
    else:
        try:
            units = len(text.encode("utf-16-be")) // 2
        except UnicodeEncodeError:
            raise ValueError("text holds a lone surrogate and cannot be encoded") from None
    single, each = _LIMITS[encoding]
    parts = (text,) if units <= single else tuple(_cut(text, each, _width(encoding)))
    if len(parts) > MAX_PARTS:
        raise ValueError(f"text needs {len(parts)} parts, a concatenated SMS has at most {MAX_PARTS}")
    return Segments(encoding, units, parts)


def count(text: str) -> int:
    """How many parts a text takes; raises as ``plan`` does."""
    return len(plan(text).parts)


def encode(text: str, encoding: str) -> bytes:
    """The octets of one part for short_message: unpacked septets, one an octet (gsm7), or UTF-16-BE (ucs2).

    Raises ValueError for a character that the alphabet lacks.
    """
    if encoding == "ucs2":
        return text.encode("utf-16-be")
    if encoding != "gsm7":
        raise ValueError(f"unknown SMS encoding {encoding!r}")
    try:
        return b"".join([_TO_SEPTETS[c] for c in text])
    except KeyError as missing:
        raise ValueError(f"character {missing.args[0]!r} is not in the GSM 7-bit alphabet") from None


def decode_gsm7(octets: bytes) -> str:
    """Unpacked septets to text; what the tables lack becomes U+FFFD (an inbound text is never refused for it)."""
    out: list[str] = []
    escaped = False
    for octet in octets:
        if escaped:
            # §6.2.1.1: a receiver that lacks the extension character shows the one of the basic table.
            out.append(_FROM_EXTENSION.get(octet) or (_BASIC[octet] if octet < 128 else "\ufffd"))
            escaped = False
        elif octet == _ESCAPE:
            escaped = True
        else:
            out.append(_BASIC[octet] if octet < 128 else "\ufffd")
    return "".join(out)


def _width(encoding: Encoding) -> Callable[[str], int]:
    if encoding == "gsm7":
        return lambda c: len(_TO_SEPTETS[c])
    return lambda c: 2 if c > "\uffff" else 1


def _cut(text: str, limit: int, width: Callable[[str], int]) -> Iterator[str]:
    start = used = 0
    for position, character in enumerate(text):
        needs = width(character)
        if used + needs > limit:
            yield text[start:position]
            start, used = position, 0
        used += needs
    yield text[start:]
