"""Accounts of people: versioned documents with what they may do, and beside them, apart, what proves who they are."""

import re
import unicodedata
from collections.abc import AsyncIterator, Collection, Iterable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any

import msgspec

from gateway.access.grants import Grant
from gateway.identity.passwords import Passwords, check
from gateway.identity.secret import digest, new_secret
from servicekit.clock import SystemClock, iso, system_now
from servicekit.decision import Refused
from servicekit.personal import mask
from servicekit.store import Documents
from servicekit.versioned import Version, VersionedDocuments

USERS, CREDENTIALS, LINKS, LEAVING = "users", "credentials", "reset_links", "leaving_administrators"
#: for how long a one-time link is good
LINK_LASTS = timedelta(hours=24)
#: longer than a change takes
LEAVING_LASTS = timedelta(seconds=60)
_STAFF_NO = re.compile(r"[A-Z0-9][A-Z0-9._-]{0,63}")


class User(msgspec.Struct, frozen=True):
    """A person as an administrator keeps them. ``manager_id``: the id that BOSS gives to an account manager;
    ``phone``: their own number."""

    name: str
    unit_id: str | None = None
    manager_id: str | None = None
    grants: tuple[Grant, ...] = ()
    phone: str | None = None


class Credential(msgspec.Struct, frozen=True):
    """What proves who somebody is. ``number`` counts their passwords; ``must_change``: somebody else chose it."""

    hash: str
    number: int
    must_change: bool
    changed_at: str


class Users:
    """Accounts by staff number. Raises ``Transient`` where the database does not answer."""

    def __init__(self, rows: Documents, passwords: Passwords, clock: SystemClock = system_now) -> None:
        self._rows, self._passwords, self._clock = rows, passwords, clock
        self.documents = VersionedDocuments(rows, USERS, User, clock)

    async def get(self, staff_no: str) -> Version[User] | None:
        """The account as it is now, in whatever state."""
        return await self.documents.get(staff_no)

    async def credential(self, staff_no: str) -> Credential | None:
        """What proves who they are; None for somebody who has no password yet."""
        row = await self._rows.get(CREDENTIALS, staff_no)
        return None if row is None else msgspec.convert(row, Credential)

    async def proven(self, staff_no: str, password: str) -> tuple[Version[User], Credential] | None:
        """The account whose password this is; None for a wrong one, and as slowly for an account that is not there, has
        no password or may not sign in."""
        user, credential = (await self.get(staff_no), await self.credential(staff_no)) if staff_no else (None, None)
        if not await self._passwords.fits(None if credential is None else credential.hash, password):
            return None
        if user is None or credential is None or user.state != "active":
            return None
        if self._passwords.is_outdated(credential.hash):
            # Under the next number: a password that was set meanwhile must not give way to the one before it.
            fresh = await self._keep(staff_no, password, credential, must_change=credential.must_change)
            return await self.proven(staff_no, password) if fresh is None else (user, fresh)
        return user, credential

    async def set_password(self, staff_no: str, password: str, before: Credential | None) -> Credential | None:
        """Another password than ``before``; None: there is another by now, of whoever was faster, and it stays. Raises
        ``Refused`` (422) for a weak one. Whoever calls ends the sessions."""
        check(password, staff_no)
        return await self._keep(staff_no, password, before)

    async def _keep(
        self, staff_no: str, password: str, before: Credential | None, *, must_change: bool = False
    ) -> Credential | None:
        number = 1 if before is None else before.number + 1
        credential = Credential(await self._passwords.hash(password), number, must_change, iso(self._clock()))
        # Of two at once, at whatever gateways, one takes the number; a hash has a salt, and is nobody else's.
        await self._rows.put(CREDENTIALS, staff_no, msgspec.to_builtins(credential), newer_by="number")
        there = await self.credential(staff_no)
        return credential if there is not None and there.hash == credential.hash else None

    async def seed(self, staff_no: str, user: User, password: str, *, reason: str, must_change: bool) -> bool:
        """Make an account unless there is one; whether there was none."""
        if await self.get(staff_no) is not None:
            return False
        credential = Credential(await self._passwords.hash(password), 1, must_change, iso(self._clock()))
        # The password first: a start that ends in between is made up for by the next.
        await self._rows.put(CREDENTIALS, staff_no, msgspec.to_builtins(credential))
        await self.documents.save(staff_no, user, after=0, author="kam", reason=reason)
        return True

    @asynccontextmanager
    async def without_administrator(self, staff_no: str) -> AsyncIterator[None]:
        """Around a change after which this person administrates no more. Raises ``Refused`` where nobody else would:
        whoever has never set a password keeps no house open, even where the identity provider knows them, for it may
        be away.

        Whoever is about to leave says so before they look at who is left: of two at once, at whatever gateways, who
        looks last counts the other out.
        """
        own = new_secret()
        await self._rows.put(LEAVING, own, {"staff_no": staff_no, "at": iso(self._clock())})
        try:
            since = iso(self._clock() - LEAVING_LASTS)  # what a killed process left behind counts no more
            leaving = {row["staff_no"] for row in await self._rows.find(LEAVING, {"at": {"$gte": since}})}
            if not await self._has_administrator(besides=leaving):
                raise Refused(
                    "last_administrator",
                    "至少要留一个在用、已设密码且范围为全省的管理员",
                    "one active administrator of the whole province who has set a password must be left",
                )
            yield
        finally:
            await self._rows.forget(LEAVING, {"_id": own})

    async def _has_administrator(self, besides: Collection[str]) -> bool:
        for user in await self.documents.all():
            is_one = user.state == "active" and user.id not in besides and is_administrator(user.document.grants)
            if is_one and await self.credential(user.id) is not None:
                return True
        return False

    async def count(self, role: str) -> int:
        """How many active accounts have this role."""
        found = [user for user in await self.documents.all() if user.state == "active"]
        return sum(any(grant.role == role for grant in user.document.grants) for user in found)

    # --- one-time links -------------------------------------------------------------------------------------------

    async def link(self, staff_no: str, secret: str) -> datetime:
        """Let this person set a password by a one-time link with this secret; until when it is good."""
        until = self._clock() + LINK_LASTS
        credential = await self.credential(staff_no)
        number = 0 if credential is None else credential.number
        await self._rows.put(LINKS, digest(secret), {"staff_no": staff_no, "number": number, "until": iso(until)})
        return until

    async def redeem(self, secret: str, password: str) -> str | None:
        """Set the password of a one-time link; whose it is. None for a link that is used, too old, or of a password
        that was changed since. Raises ``Refused`` (422) for a weak one: the link stays good."""
        id = digest(secret)
        row = await self._rows.get(LINKS, id)
        if row is None or row["until"] <= iso(self._clock()):
            return None
        staff_no: str = row["staff_no"]
        check(password, staff_no)
        user, credential = await self.get(staff_no), await self.credential(staff_no)
        if user is None or user.state != "active" or row["number"] != (0 if credential is None else credential.number):
            return None
        # Of two at once, by whatever links, one sets it; the number makes all of them void.
        if await self._keep(staff_no, password, credential) is None:
            return None
        await self._rows.forget(LINKS, {"_id": id})
        return staff_no

    async def forget_links(self) -> None:
        """Remove links that are too old."""
        await self._rows.forget(LINKS, {"until": {"$lt": iso(self._clock())}})


def staff_no_of(text: str) -> str:
    """A staff number as accounts are kept under, from what somebody typed; "" for what is none."""
    normal = unicodedata.normalize("NFKC", text).strip().upper()
    return normal if _STAFF_NO.fullmatch(normal) else ""


def is_administrator(grants: Iterable[Grant]) -> bool:
    """Whether these let somebody administrate accounts: over a part of the province nobody does."""
    return any(grant.role == "administrator" and grant.is_whole and not grant.kinds for grant in grants)


def check_own(before: Iterable[Grant], after: Iterable[Grant]) -> None:
    """Raises ``Refused`` (403) where somebody gives themselves more than they have: that is for another administrator
    to do."""
    held = tuple(before)
    for number, grant in enumerate(after):
        if not any(own.covers(grant) for own in held):
            raise Refused(
                "own_grant",
                "不能扩大自己的权限，请由另一位管理员操作",
                "nobody widens their own rights; another administrator may",
                HTTPStatus.FORBIDDEN,
                f"grants.{number}",
            )


def check_user(user: User) -> User:
    """The user with each grant made complete: a manager's own id. Raises ``Refused`` (422) for grants that reach
    nobody, or more than their role may."""
    if not user.grants:
        raise _faulty("grants", "至少要有一个角色", "there must be one role at least")
    grants = (check_grant(grant, f"grants.{number}", user.manager_id) for number, grant in enumerate(user.grants))
    return msgspec.structs.replace(user, grants=tuple(grants))


def check_grant(grant: Grant, field: str, manager_id: str | None = None) -> Grant:
    """The grant, a manager's with the ``manager_id`` of whom it is for where it names none. Raises ``Refused`` (422)
    with the place under ``field`` that is at fault."""
    match grant.role:
        case "manager":
            own = grant.manager_id or manager_id
            if not own or grant.units or grant.cities:
                zh, en = "客户经理的范围是一个经理编号", "a manager's scope is the customers of one manager id"
                raise _faulty(f"{field}.manager_id", zh, en)
            return msgspec.structs.replace(grant, manager_id=own)
        case "head" if not grant.units or grant.cities or grant.manager_id:
            raise _faulty(f"{field}.units", "单位负责人的范围是单位", "a head's scope is one or more units")
        case "city_head" if not grant.cities or grant.units or grant.manager_id:
            raise _faulty(f"{field}.cities", "市级的范围是地市", "a city head's scope is one or more cities")
        case _ if grant.manager_id:
            raise _faulty(f"{field}.manager_id", "只有客户经理的范围是经理", "only a manager's scope is a manager")
    return grant


def _faulty(field: str, zh: str, en: str) -> Refused:
    return Refused("bad_grant", zh, en, HTTPStatus.UNPROCESSABLE_ENTITY, field)


def shown(user: Version[User]) -> dict[str, Any]:
    """An account as an administrator reads it."""
    return {
        "staff_no": user.id,
        "state": user.state,
        **msgspec.to_builtins(user.document),
        "phone": mask("phone", user.document.phone),
        "version": user.version,
        "author": user.author,
        "reason": user.reason,
        "at": iso(user.at),
    }
