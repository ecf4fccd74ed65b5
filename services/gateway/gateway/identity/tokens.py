"""Bearer tokens of machines: who may use them for what and until when is a versioned document; the token itself is
signed and kept nowhere."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from time import monotonic
from typing import Any

import msgspec

from gateway.access.grants import Grant
from servicekit.auth import issue_token
from servicekit.clock import SystemClock, iso, system_now
from servicekit.store import Documents
from servicekit.versioned import Version, VersionedDocuments

TOKENS = "tokens"
#: what was read of a token is believed for so long
BELIEVED_SECONDS = 2.0
_MOST_BELIEVED = 10_000
ACTIVE, REVOKED = "active", "revoked"


class MachineToken(msgspec.Struct, frozen=True):
    """A machine's token: its name is whom the audit writes down."""

    name: str
    grant: Grant
    issued_at: datetime
    expires_at: datetime


class Tokens:
    """Tokens by their ids. Raises ``Transient`` where the database does not answer."""

    def __init__(
        self, rows: Documents, clock: SystemClock = system_now, since_start: Callable[[], float] = monotonic
    ) -> None:
        self.documents = VersionedDocuments(rows, TOKENS, MachineToken, clock)
        self._clock, self._since_start = clock, since_start
        self._believed: dict[str, tuple[float, bool]] = {}

    async def is_good(self, id: str) -> bool:
        """Whether this token, whose signature and end are in order, is one of ours and was not revoked."""
        now = self._since_start()
        until, good = self._believed.get(id, (0.0, False))
        if until <= now:
            found = await self.documents.get(id)
            good = found is not None and found.state == ACTIVE
            if len(self._believed) >= _MOST_BELIEVED:
                self._believed.clear()
            self._believed[id] = now + BELIEVED_SECONDS, good
        return good

    async def revoked(self) -> list[str]:
        """Ids of tokens that were revoked before their end."""
        now = self._clock()
        return [t.id for t in await self.documents.all() if t.state == REVOKED and t.document.expires_at > now]

    async def revoke(
        self, id: str, token: MachineToken, *, after: int, author: str, reason: str, key: str | None
    ) -> Version[MachineToken]:
        """Nobody may use it any more. Raises ``Clash``."""
        revoked = await self.documents.save(
            id, token, after=after, author=author, reason=reason, state=REVOKED, key=key
        )
        self._believed.pop(id, None)
        return revoked


def is_same(one: MachineToken, other: MachineToken) -> bool:
    """Whether both were asked for alike, whenever that was."""
    lasts = [token.expires_at - token.issued_at for token in (one, other)]
    return (one.name, one.grant, lasts[0]) == (other.name, other.grant, lasts[1])


def signed(secret_file: Path | None, version: Version[MachineToken]) -> str:
    """The token itself: the same whenever it is made of the same document. The secret is there: the guard has just read
    it."""
    token, secret = version.document, "" if secret_file is None else secret_file.read_text().strip()
    scope: dict[str, Any] = msgspec.to_builtins(token.grant)
    role = scope.pop("role")
    return issue_token(
        secret, token.name, role, issued=token.issued_at, until=token.expires_at, jti=version.id, scope=scope
    )


def shown(version: Version[MachineToken]) -> dict[str, Any]:
    """A token as an administrator reads it: everything but the token."""
    token = version.document
    return {
        "token_id": version.id,
        "name": token.name,
        "grant": msgspec.to_builtins(token.grant),
        "state": version.state,
        "issued_at": iso(token.issued_at),
        "expires_at": iso(token.expires_at),
        "version": version.version,
        "author": version.author,
        "reason": version.reason,
        "at": iso(version.at),
    }
