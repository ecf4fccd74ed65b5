"""Whoever a notice is for, as they are at that moment: what they may see comes of the one scope."""

from collections.abc import Iterable, Sequence

from contracts.alert import LEVELS
from gateway.access.grants import Grant, Principal
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
        return await as_now(self._users, _asked(staff_no))

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

    async def heads(self) -> Sequence[Scope]:
        """The alerts that somebody of a level sees who may sign in, by level, from the first one to that beneath the
        province: a unit that nobody heads is in none. Raises ``Transient`` and ``Refused`` (503)."""
        users = [user for user in await self._users.documents.all() if user.state == "active"]
        grants = [grant for user in users for grant in user.document.grants]
        return [
            await self.alerts(_asked(name, tuple(grant for grant in grants if _level(grant) == number)))
            for number, name in enumerate(LEVELS[:-1], 1)
        ]


def level_of(grants: Iterable[Grant]) -> int | None:
    """From which level on an alert that goes up concerns somebody, as rows count them; None: it does not by itself."""
    return min((level for grant in grants if (level := _level(grant)) is not None), default=None)


def _level(grant: Grant) -> int | None:
    """A head whose grant reaches the whole province is the province's."""
    if grant.role not in ("head", "city_head"):
        return None
    return LEVELS.index("province" if grant.is_whole else grant.role) + 1


def _asked(name: str, grants: tuple[Grant, ...] = ()) -> Principal:
    return Principal(name, "", grants, session="notices")
