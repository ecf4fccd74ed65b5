"""Whoever a notice is for, as they are at that moment: what they may see comes of the one scope."""

from gateway.access.grants import Principal
from gateway.access.scope import Scope
from gateway.access.viewer import Access
from gateway.identity.guard import as_now
from gateway.identity.users import Users


class People:
    """Scopes of people who have not asked just now."""

    def __init__(self, users: Users, access: Access) -> None:
        self._users, self._access = users, access

    async def find(self, staff_no: str) -> Principal | None:
        """They themselves; None: they may not sign in any more. Raises ``Transient``."""
        return await as_now(self._users, Principal(staff_no, "", (), session="notices"))

    async def alerts(self, who: Principal) -> Scope:
        """The alerts that they see. Raises ``Refused`` (503) while that can't be said."""
        return (await self._access.viewer(who, "alerts")).scope

    async def work(self, who: Principal) -> Scope:
        """The work items that they see."""
        return (await self._access.viewer(who, "work")).scope
