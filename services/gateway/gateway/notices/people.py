"""Whoever a notice is for, as they are at that moment: what they may see comes of the one scope."""

from gateway.access.grants import Principal
from gateway.access.scope import Scope
from gateway.access.viewer import Access
from gateway.identity.guard import as_now
from gateway.identity.users import Users
from gateway.releases import Releases


class People:
    """Scopes of people who have not asked just now."""

    def __init__(self, users: Users, access: Access, releases: Releases) -> None:
        self._users, self._access, self._releases = users, access, releases

    async def find(self, staff_no: str) -> Principal | None:
        """They themselves; None: they may not sign in any more. Raises ``Transient``."""
        return await as_now(self._users, Principal(staff_no, "", (), session="notices"))

    async def alerts(self, who: Principal) -> Scope:
        """The alerts that they see. Raises ``Refused`` (503) while that can't be said."""
        return (await self._access.viewer(who, "alerts")).scope

    async def releases(self, who: Principal) -> int:
        """How many things that the brake holds wait for a word that they may say, as far as that can be told now."""
        viewer = await self._access.viewer(who, "rules", "change")
        if not viewer.scope.reaches:
            return 0
        rows, _ = await self._releases.seen(viewer)
        return sum(row.state == "waiting" for row in rows)

    async def work(self, who: Principal) -> Scope:
        """The work items that they see."""
        return (await self._access.viewer(who, "work")).scope
