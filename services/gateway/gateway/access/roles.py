"""Roles as they are in force: what administrators wrote last, or what they are seeded with."""

from collections.abc import Callable, Mapping, Sequence
from time import monotonic

import structlog

from gateway.access.grants import ROLES as NAMES
from gateway.access.grants import Grant, Role
from gateway.access.rights import SEEDS, Area, RoleDocument, Verb, known
from servicekit.clock import EPOCH, SystemClock, system_now
from servicekit.decision import Refused
from servicekit.store import Documents, Transient
from servicekit.versioned import Version, VersionedDocuments

log = structlog.get_logger()
ROLES = "roles"
#: what was read is believed for so long: another process's change is in force that soon
BELIEVED_SECONDS = 2.0


class Roles:
    """Roles by their names. Raises ``Transient`` where the database does not answer and nothing was read before."""

    def __init__(
        self, rows: Documents, clock: SystemClock = system_now, since_start: Callable[[], float] = monotonic
    ) -> None:
        self.documents = VersionedDocuments(rows, ROLES, RoleDocument, clock, known)
        self._since_start = since_start
        self._believed: Mapping[str, Version[RoleDocument]] | None = None
        self._until = 0.0

    async def all(self) -> Mapping[str, Version[RoleDocument]]:
        """Every role, least first. While the database is away, as they were read last."""
        now = self._since_start()
        if self._believed is None or self._until <= now:
            try:
                written = {version.id: version for version in await self.documents.all()}
                self._believed = {name: written.get(name) or _seed(name) for name in NAMES}
            except Transient:
                if self._believed is None:
                    raise
                log.warning("roles.as_read_before")
            self._until = now + BELIEVED_SECONDS
        return self._believed

    async def get(self, name: str) -> Version[RoleDocument] | None:
        """A role as it is now."""
        return (await self.documents.get(name) or _seed(name)) if name in NAMES else None

    async def history(self, name: str) -> Sequence[Version[RoleDocument]]:
        """All versions of a role, newest first, the seed last."""
        return [*await self.documents.history(name), _seed(name)] if name in NAMES else []

    async def save(
        self, name: str, document: RoleDocument, *, after: int, author: str, reason: str, key: str | None
    ) -> Version[RoleDocument]:
        """The next version, in force at once. Raises ``Clash``, and ``Refused`` where nobody could undo it."""
        check_role(name, document)
        saved = await self.documents.save(name, document, after=after, author=author, reason=reason, key=key)
        self._until = 0.0
        return saved

    async def entitled(self, area: Area, verb: Verb) -> frozenset[str]:
        """Names of the roles that have this right."""
        return frozenset(name for name, role in (await self.all()).items() if role.document.may(area, verb))

    async def grants(self, grants: Sequence[Grant], area: Area, verb: Verb) -> list[tuple[Grant, RoleDocument]]:
        """Those of somebody's grants by which they have this right, each with its role."""
        roles = await self.all()
        held = [(grant, roles[grant.role].document) for grant in grants if grant.role in roles]
        return [(grant, role) for grant, role in held if role.may(area, verb)]


def _seed(name: Role) -> Version[RoleDocument]:
    return Version(name, 0, "active", "kam", "初始权限 / as delivered", EPOCH, SEEDS[name])


def check_role(name: str, document: RoleDocument) -> None:
    """Raises ``Refused`` (422) for a role that takes itself away from everybody, or shows and reveals the same."""
    if name == "administrator" and not (document.may("admin", "see") and document.may("admin", "change")):
        raise Refused(
            "last_right",
            "管理员须保留“管理”的查看与修改权限",
            "administrators must keep the right to see and to change administration",
            422,
            "rights.admin",
        )
    if twice := set(document.clear) & set(document.reveals):
        field = sorted(twice)[0]
        raise Refused(
            "bad_role",
            f"{field} 不能既明文显示又需申请",
            f"{field} is either shown or revealed, not both",
            422,
            "reveals",
        )
