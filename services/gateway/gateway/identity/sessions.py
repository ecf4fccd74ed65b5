"""Sessions of browsers: a random token in a cookie, its hash in the database, what was read of it for a moment here."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime, timedelta
from time import monotonic
from typing import NamedTuple

import msgspec
import structlog

from gateway.identity.secret import digest, new_secret
from gateway.identity.users import User, Users
from servicekit.clock import SystemClock, system_now
from servicekit.store import Documents, Transient
from servicekit.versioned import Version

log = structlog.get_logger()
SESSIONS = "sessions"
#: what the identity provider told to end, until its telling is too old to be believed
LOGOUTS = "sso_logouts"
#: what was read is believed for so long: another process's change of rights is in force that soon
BELIEVED_SECONDS = 2.0
_MOST_BELIEVED = 10_000
_FORGET_SECONDS = 600.0
#: a use is written down when this share of the idle time has passed since the last one
_SHARE_OF_IDLE = 0.05


class Session(msgspec.Struct, frozen=True):
    """A browser somebody signed in with. ``number``: of the password they did it with, None with none of ours;
    ``must_change``: nothing can be done before that password is changed. ``sso_sub``, ``sso_sid``: hashes of whom the
    identity provider vouched for, and of its own session.
    """

    staff_no: str
    opened_at: datetime
    seen_at: datetime
    until: datetime
    number: int | None = None
    must_change: bool = False
    sso_sub: str | None = None
    sso_sid: str | None = None


class Vouched(NamedTuple):
    """Whom the identity provider knows, by its own name for them, and its own session where it says one."""

    sub: str | None
    sid: str | None


class Known(NamedTuple):
    """A session that is good, by the hash of its token, and whose it is."""

    id: str
    session: Session
    user: Version[User]


class Limits(NamedTuple):
    """How long a session lasts without being used, and at all."""

    idle: timedelta
    at_most: timedelta


class Sessions:
    """The sessions of all browsers. Raises ``Transient`` where the database does not answer."""

    def __init__(
        self,
        rows: Documents,
        users: Users,
        limits: Limits,
        clock: SystemClock = system_now,
        since_start: Callable[[], float] = monotonic,
    ) -> None:
        self._rows, self._users, self._limits, self._clock = rows, users, limits, clock
        self._since_start = since_start
        self._believed: OrderedDict[str, tuple[float, Known]] = OrderedDict()

    async def open(
        self, user: Version[User], number: int | None, *, must_change: bool = False, vouched: Vouched | None = None
    ) -> tuple[str, Known]:
        """A new session and its token, which is kept nowhere."""
        token, now = new_secret(), self._clock()
        sub, sid = _hashes(vouched)
        session = Session(user.id, now, now, now + self._limits.at_most, number, must_change, sub, sid)
        await self._rows.put(SESSIONS, digest(token), msgspec.to_builtins(session))
        return token, Known(digest(token), session, user)

    async def find(self, token: str) -> Known | None:
        """The session of a token; None for one that ended, or whose person may not sign in any more."""
        id, now = digest(token), self._since_start()
        until, known = self._believed.get(id, (0.0, None))
        if known is None or until <= now:
            self._believed.pop(id, None)
            known = await self._read(id)
            if known is None:
                return None
            self._believed[id] = now + BELIEVED_SECONDS, known
            if len(self._believed) > _MOST_BELIEVED:
                self._believed.popitem(last=False)
        return None if self._has_ended(known.session) else await self._used(known)

    async def close(self, id: str) -> None:
        """End one session."""
        await self._rows.forget(SESSIONS, {"_id": id})
        self._believed.pop(id, None)

    async def close_all(self, staff_no: str, *, but: str | None = None) -> int:
        """End all sessions of somebody, ``but`` one; how many."""
        found = await self._rows.find(SESSIONS, {"staff_no": staff_no})
        ended = [row["_id"] for row in found if row["_id"] != but]
        if ended:
            await self._rows.forget(SESSIONS, {"_id": {"$in": ended}})
        self.look_again(staff_no)
        return len(ended)

    async def close_vouched(self, ended: Vouched) -> list[str]:
        """End the sessions of one of the provider's, or of all of somebody's there; whose they were, one by one."""
        names = zip(("sso_sub", "sso_sid"), _hashes(ended), strict=True)
        found = await self._rows.find(SESSIONS, {name: value for name, value in names if value is not None})
        if found:
            await self._rows.forget(SESSIONS, {"_id": {"$in": [row["_id"] for row in found]}})
        for row in found:
            self._believed.pop(row["_id"], None)
        return [row["staff_no"] for row in found]

    async def is_told(self, jti: str) -> bool:
        """Whether this logout was done before."""
        return await self._rows.get(LOGOUTS, digest(jti)) is not None

    async def tell(self, jti: str, until: datetime) -> None:
        """This logout is done; nobody can bring it again before it would be refused anyway."""
        await self._rows.add(LOGOUTS, digest(jti), {"until": _text(until)})

    def look_again(self, staff_no: str) -> None:
        """Believe nothing of this person any more: their rights have just changed."""
        for id in [id for id, (_, known) in self._believed.items() if known.session.staff_no == staff_no]:
            del self._believed[id]

    async def forget_ended(self) -> None:
        """Job: remove sessions and links whose time has passed."""
        while True:
            try:
                now = self._clock()
                await self._rows.forget(SESSIONS, {"until": {"$lt": _text(now)}})
                await self._rows.forget(SESSIONS, {"seen_at": {"$lt": _text(now - self._limits.idle)}})
                await self._rows.forget(LOGOUTS, {"until": {"$lt": _text(now)}})
                await self._users.forget_links()
            except Transient as error:
                log.warning("sessions.not_forgotten", error=str(error)[:200])
            await asyncio.sleep(_FORGET_SECONDS)

    async def _read(self, id: str) -> Known | None:
        row = await self._rows.get(SESSIONS, id)
        if row is None:
            return None
        session = msgspec.convert(row, Session)
        user = await self._users.get(session.staff_no)
        return Known(id, session, user) if user is not None and user.state == "active" else None

    def _has_ended(self, session: Session) -> bool:
        now = self._clock()
        return now >= session.until or now - session.seen_at >= self._limits.idle

    async def _used(self, known: Known) -> Known | None:
        now = self._clock()
        if now - known.session.seen_at < self._limits.idle * _SHARE_OF_IDLE:
            return known
        try:
            # Set in what is there: a session that was just closed stays closed.
            if not await self._rows.patch(SESSIONS, known.id, {"seen_at": _text(now)}):
                self._believed.pop(known.id, None)
                return None
        except Transient:
            return known
        used = known._replace(session=msgspec.structs.replace(known.session, seen_at=now))
        if (believed := self._believed.get(known.id)) is not None:
            self._believed[known.id] = believed[0], used
        return used


def _hashes(vouched: Vouched | None) -> tuple[str | None, str | None]:
    sub, sid = vouched or (None, None)
    return sub and digest(sub), sid and digest(sid)


def _text(at: datetime) -> str:
    text: str = msgspec.to_builtins(at)
    return text
