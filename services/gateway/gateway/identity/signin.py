"""Signing in and out, and changing passwords: what happens in which order, and what is written down of it."""

from collections.abc import Callable
from datetime import datetime
from http import HTTPStatus
from time import monotonic

from gateway.access.grants import Principal
from gateway.audit import Audit
from gateway.identity.guard import principal_of
from gateway.identity.lockout import SignInLockout
from gateway.identity.sessions import Known, Sessions, Vouched
from gateway.identity.users import Users, staff_no_of
from servicekit.problem import Problem

#: in the audit, whoever is nobody we know; what was typed may be a password
_UNKNOWN = "unknown"
#: in the audit, a session that the identity provider vouched for
VOUCHED = "统一认证 / single sign-on"


class SignIn:
    """Everything that begins or ends a session. Raises ``Problem`` 401 for a wrong password, 429 after too many."""

    def __init__(
        self,
        users: Users,
        sessions: Sessions,
        audit: Audit,
        lockout: SignInLockout | None = None,
        since_start: Callable[[], float] = monotonic,
    ) -> None:
        self.users, self.sessions, self._audit = users, sessions, audit
        self.lockout, self._since_start = lockout or SignInLockout(), since_start

    async def sign_in(self, typed: str, password: str, address: str) -> tuple[str, Known]:
        """A new session of whoever shows their password: its token, and what it is."""
        staff_no = staff_no_of(typed)
        account = staff_no or typed[:100]
        self.lockout.begin(account, address, self._since_start())
        proven = await self.users.proven(staff_no, password)
        if proven is None:
            await self._refused(staff_no, "401")
            raise wrong()
        self.lockout.right(account, address)
        user, credential = proven
        token, known = await self.sessions.open(user, credential.number, must_change=credential.must_change)
        # Whoever changed the password while this one was looked at has ended all sessions but this.
        now = await self.users.credential(staff_no)
        if now is None or now.number != credential.number:
            await self.sessions.close(known.id)
            raise wrong()
        await self._audit(principal_of(known), "session.opened", staff_no, "200")
        return token, known

    async def vouched(self, staff_no: str, by: Vouched) -> tuple[str, Known] | None:
        """A new session of whoever the identity provider says it is; None where there is no such account, or it is
        disabled. Nothing can be guessed there, so no lock-out: whoever tries passwords keeps nobody out of this."""
        user = await self.users.get(staff_no) if staff_no else None
        if user is None or user.state != "active":
            await self._refused(staff_no, "403", VOUCHED)
            return None
        token, known = await self.sessions.open(user, None, vouched=by)
        # Whoever disabled the account while it was looked at has ended all sessions but this.
        now = await self.users.get(staff_no)
        if now is None or now.state != "active":
            await self.sessions.close(known.id)
            await self._refused(staff_no, "403", VOUCHED)
            return None
        await self._audit(principal_of(known), "session.opened", staff_no, "200", VOUCHED)
        return token, known

    async def change_password(self, who: Principal, current: str, new: str, address: str) -> tuple[str, Known]:
        """Another password for whoever shows the one of now. All their sessions end; a new one is given back."""
        self.lockout.begin(who.subject, address, self._since_start())
        proven = await self.users.proven(who.subject, current)
        if proven is not None:
            self.lockout.right(who.subject, address)
        credential = None if proven is None else await self.users.set_password(who.subject, new, proven[1])
        if proven is None or credential is None:  # wrong, or by now, since another was set meanwhile
            await self._audit(who, "password.changed", who.subject, "403")
            raise Problem(HTTPStatus.FORBIDDEN, "wrong_password", "现在的密码不对。", "The current password is wrong.")
        user, _ = proven
        await self.sessions.close_all(who.subject)
        opened = await self.sessions.open(user, credential.number)
        await self._audit(who, "password.changed", who.subject, "200")
        return opened

    async def redeem(self, secret: str, new: str, address: str) -> None:
        """Set a password by a one-time link; all sessions of that person end."""
        # Of no account: wrong links of a stranger must not keep everybody from theirs.
        self.lockout.begin_at(address, self._since_start())
        staff_no = await self.users.redeem(secret, new)
        if staff_no is None:
            raise Problem(
                HTTPStatus.GONE,
                "link_used_up",
                "链接已用过或已过期，请向管理员再要一个",
                "the link was used or is too old; ask an administrator for another",
            )
        self.lockout.right_at(address)
        self.lockout.free(staff_no)
        await self.sessions.close_all(staff_no)
        await self._audit(Principal(staff_no, "", ()), "password.reset", staff_no, "200")

    async def sign_out(self, known: Known) -> None:
        """End this session."""
        await self.sessions.close(known.id)
        await self._audit(principal_of(known), "session.closed", known.user.id, "200")

    async def sign_out_vouched(self, ended: Vouched, jti: str, until: datetime) -> bool:
        """End what the identity provider says has ended there, once for each ``jti``; False: it was done before. Done
        first and written down then: whoever repeats what broke off gets it done."""
        if await self.sessions.is_told(jti):
            return False
        for staff_no in await self.sessions.close_vouched(ended):
            await self._audit(Principal(staff_no, "", ()), "session.closed", staff_no, "200", VOUCHED)
        await self.sessions.tell(jti, until)
        return True

    async def sign_out_everywhere(self, who: Principal) -> None:
        """End all sessions of this person."""
        ended = await self.sessions.close_all(who.subject)
        await self._audit(who, "session.closed_everywhere", who.subject, str(ended))

    async def _refused(self, staff_no: str, result: str, reason: str | None = None) -> None:
        known = bool(staff_no) and await self.users.get(staff_no) is not None
        name = staff_no if known else _UNKNOWN
        await self._audit(Principal(name, "", ()), "session.refused", name, result, reason)


def wrong() -> Problem:
    """The refusal of a wrong password, and of an account that is not there."""
    return Problem(HTTPStatus.UNAUTHORIZED, "wrong_password", "工号或密码不对。", "Wrong staff number or password.")
