"""Ids derived from causes, so that a replay writes the same ids again."""

from hashlib import sha1

_NAMESPACE = bytes.fromhex("6f1c7b1a5d0e5a0e9a53c6a4f2f0b7d1")


def derive(*parts: object) -> str:
    """UUID version 5 of the parts (RFC 9562, section 5.5), joined by ``|``; the same parts give the same id."""
    digest = bytearray(sha1(_NAMESPACE + "|".join(map(str, parts)).encode(), usedforsecurity=False).digest()[:16])
    digest[6] = digest[6] & 0x0F | 0x50
    digest[8] = digest[8] & 0x3F | 0x80
    text = digest.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def boss_event_id(kind: str, key: str, revision: int) -> str:
    """Id of the ``boss.events`` message that carries this revision of a BOSS record (kind: CUST, BILL, …)."""
    return derive("boss", kind, key, revision)
