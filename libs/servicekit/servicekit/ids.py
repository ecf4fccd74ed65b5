"""Ids derived from causes, so that a replay writes the same ids again."""

from hashlib import sha1

_NAMESPACE = bytes.fromhex("6f1c7b1a5d0e5a0e9a53c6a4f2f0b7d1")
_VARIANT = {f"{digit:x}": f"{digit & 3 | 8:x}" for digit in range(16)}


def derive(*parts: object) -> str:
    """UUID version 5 of the parts (RFC 9562, section 5.5), joined by ``|``; the same parts give the same id."""
    return _uuid("|".join(map(str, parts)))


def _uuid(name: str) -> str:
    text = sha1(_NAMESPACE + name.encode(), usedforsecurity=False).hexdigest()
    # Version 5, and the variant in the two highest bits of the ninth byte.
    return f"{text[:8]}-{text[8:12]}-5{text[13:16]}-{_VARIANT[text[16]]}{text[17:20]}-{text[20:32]}"


def boss_event_id(kind: str, key: str, revision: int) -> str:
    """Id of the ``boss.events`` message that carries this revision of a BOSS record (kind: CUST, BILL, …)."""
    return _uuid(f"boss|{kind}|{key}|{revision}")
