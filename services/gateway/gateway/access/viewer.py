"""Whoever asks, with what they may see: what routes depend on instead of a list of roles."""

from collections.abc import Awaitable, Callable
from functools import partial
from http import HTTPStatus
from typing import Annotated, NamedTuple

from fastapi import Depends

from gateway.access.grants import Principal
from gateway.access.rights import Area, Verb
from gateway.access.roles import Roles
from gateway.access.scope import Scope, needs_tree, resolve
from gateway.identity.guard import Guard, Guards
from gateway.projection.store import ProjectionStore
from gateway.projection.visible import About, List, Subject, about, subjects
from servicekit.decision import Refused


class Viewer(NamedTuple):
    """Who asks, let in by a right, and what of the province that right reaches."""

    who: Principal
    scope: Scope


class Access:
    """Rights and scopes of people and machines, as roles, units and managers stand at that moment."""

    def __init__(self, guards: Guards, roles: Roles, store: ProjectionStore) -> None:
        self.roles, self._guards, self._store = roles, guards, store

    def guard(self, area: Area, verb: Verb) -> Guard:
        """Lets in whoever has this right."""
        return self._guards.right(partial(self.roles.entitled, area, verb))

    def may(self, area: Area, verb: Verb = "see") -> Callable[[Principal], Awaitable[Viewer]]:
        """FastAPI dependency: whoever has this right, as a ``Viewer``."""
        guard = self.guard(area, verb)

        async def viewer(who: Annotated[Principal, Depends(guard)]) -> Viewer:
            return await self.viewer(who, area, verb)

        return viewer

    def everywhere(self, area: Area, verb: Verb = "see") -> Callable[[Viewer], Awaitable[Viewer]]:
        """FastAPI dependency: whoever has this right over the whole province, for what can't be told or done of a part
        of it. 403 for others."""
        may = self.may(area, verb)

        async def viewer(found: Annotated[Viewer, Depends(may)]) -> Viewer:
            if not found.scope.is_everything:
                raise Refused(
                    "whole_province_only",
                    "此功能只对全省范围开放",
                    "this is for those who see the whole province",
                    HTTPStatus.FORBIDDEN,
                )
            return found

        return viewer

    async def viewer(self, who: Principal, area: Area, verb: Verb = "see") -> Viewer:
        """What this right reaches for them now. Raises ``Refused`` (503) while that can't be said."""
        held = await self.roles.grants(who.grants, area, verb)
        if needs_tree(grant for grant, _ in held):
            return Viewer(who, await self._store.read(lambda connection: resolve(connection, held)))
        return Viewer(who, resolve(None, held))

    async def customer(self, scope: Scope, id: str) -> Subject | None:
        """A customer, as the scope judges them; None for one who is out of it."""
        if scope.is_alike:
            return Subject(id) if scope.reaches else None
        (subject,) = await self.subjects("customers", About(id))
        return subject if scope.allows("customers", subject) else None

    async def subjects(self, list_: List, *items: About) -> list[Subject]:
        """What visibility of these items is decided by."""
        return await self._store.read(lambda connection: subjects(connection, list_, items))

    async def sees(self, scope: Scope, list_: List, *items: About) -> list[bool]:
        """Of each of these items whether it is in scope."""
        if scope.is_everything:
            return [True] * len(items)
        return [scope.allows(list_, subject) for subject in await self.subjects(list_, *items)]

    async def work_item(self, id: str) -> About | None:
        """A work item, as the read model knows it: what people do goes on while the query database is away."""
        return await self._store.read(lambda connection: about(connection, id))


def not_found() -> Refused:
    """One answer for what there is not and for what somebody may not see."""
    return Refused(
        "not_found", "没有找到，或不在你的客户范围内。", "Not found, or outside your customers.", HTTPStatus.NOT_FOUND
    )
