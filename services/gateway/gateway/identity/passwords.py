"""Passwords: which are good enough, and their hashes (argon2id, RFC 9106)."""

import asyncio
import os
import unicodedata
from base64 import b64encode
from http import HTTPStatus
from itertools import pairwise
from pathlib import Path

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.low_level import ARGON2_VERSION

from servicekit.decision import Refused
from servicekit.query import AtMost

LEAST, MOST = 10, 256
#: different characters at least
_VARIETY = 4
#: so many are hashed at once, each for some 50 ms with 64 MB; the others wait in line, which has an end too
_AT_ONCE, _IN_LINE = 2, 64
#: what everybody tries first: of the lists of leaked passwords those that are long enough, and what is typed here
_TRIVIAL = frozenset(Path(__file__).with_name("trivial_passwords.txt").read_text(encoding="utf-8").split())


class Passwords:
    """Hashes, each in a thread of its own. ``hasher`` may be a quicker one in tests."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._turn, self._line = asyncio.Semaphore(_AT_ONCE), AtMost(_IN_LINE)
        #: what is compared with where there is nobody, so that it takes as long
        self._nobodys = hash_of_none(self._hasher)

    async def hash(self, password: str) -> str:
        """What is kept of a password."""
        with self._line:
            async with self._turn:
                return await asyncio.to_thread(self._hasher.hash, _normal(password))

    async def fits(self, kept: str | None, password: str) -> bool:
        """Whether it is the password of which ``kept`` was kept; None: of nobody. Takes as long in each case."""
        with self._line:
            async with self._turn:
                return await asyncio.to_thread(self._verify, kept, _normal(password))

    def is_outdated(self, kept: str) -> bool:
        """Whether it was hashed with other parameters than those of now."""
        return self._hasher.check_needs_rehash(kept)

    def _verify(self, kept: str | None, password: str) -> bool:
        try:
            return self._hasher.verify(kept or self._nobodys, password) and kept is not None
        except (VerificationError, InvalidHashError):
            return False


def check(password: str, staff_no: str) -> None:
    """Raises ``Refused`` (422) for one that is too short, too long, or among those that are tried first."""
    normal = _normal(password)
    small = normal.casefold()
    if not LEAST <= len(normal) <= MOST:
        raise _weak(f"密码要 {LEAST} 到 {MOST} 个字符", f"a password has {LEAST} to {MOST} characters")
    if small in _TRIVIAL or len(set(small)) < _VARIETY or _climbs(small):
        raise _weak(
            "这个密码太常见，别人先试的就是它；请换一个",
            "this password is among the first that others try; take another",
        )
    if len(small.replace(staff_no.casefold(), "")) < LEAST // 2:
        raise _weak("密码不能只比工号多几个字符", "a password is more than the staff number and a few characters")


def hash_of_none(hasher: PasswordHasher) -> str:
    """A hash as ``hasher`` makes them, by chance: nothing is hashed for it, and no password is known that fits."""
    memory, time, lanes = hasher.memory_cost, hasher.time_cost, hasher.parallelism
    salt, digest = (b64encode(os.urandom(n)).decode().rstrip("=") for n in (hasher.salt_len, hasher.hash_len))
    return f"$argon2id$v={ARGON2_VERSION}$m={memory},t={time},p={lanes}${salt}${digest}"


def _weak(zh: str, en: str) -> Refused:
    return Refused("weak_password", zh, en, HTTPStatus.UNPROCESSABLE_ENTITY, "new")


def _normal(password: str) -> str:
    """The same characters, however a keyboard puts them together (RFC 8265)."""
    return unicodedata.normalize("NFC", password)


def _climbs(text: str) -> bool:
    """Whether each character is the next, or the one before, of the one before it: 1234567890, zyxwvutsrq."""
    steps = {_step(one, other) for one, other in pairwise(text)}
    return steps in ({1}, {-1})


def _step(one: str, other: str) -> int:
    return {("9", "0"): 1, ("0", "9"): -1}.get((one, other), ord(other) - ord(one))
