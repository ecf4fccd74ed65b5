"""Routes of administrators: roles, what they come to, and who read or changed what."""

from collections.abc import Awaitable, Callable, Iterable
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends
from fastapi.responses import Response

from contracts.access import ChangedRole, Effect, EffectAsked, OwnRights, RoleRights, RoleView
from gateway.access.effect import effect_of, own_rights
from gateway.access.grants import ROLES, Grant, Principal
from gateway.access.rights import RoleDocument
from gateway.access.roles import Roles, check_role
from gateway.access.viewer import Access, Viewer
from gateway.audit import Audit
from gateway.identity.guard import Guards
from gateway.projection.store import ProjectionStore
from servicekit.answer import json_answer
from servicekit.clock import iso
from servicekit.decision import Refused
from servicekit.query import Id, IdempotencyKey
from servicekit.routes import Router
from servicekit.versioned import ETAG, IfMatch, Version, version_of

#: how many active accounts have a role
People = Callable[[str], Awaitable[int]]


def role_routes(access: Access, store: ProjectionStore, audit: Audit, people: People) -> APIRouter:
    """Roles: read, change, their history, and what grants come to."""
    router = Router(prefix="/v1/admin", tags=["administration"])
    Reader = Annotated[Principal, Depends(access.guard("admin", "see"))]
    # A role is the same everywhere, and what grants come to counts everybody's customers.
    Whole = Annotated[Viewer, Depends(access.everywhere("admin"))]
    Writer = Annotated[Viewer, Depends(access.everywhere("admin", "change"))]
    roles = access.roles

    @router.get("/roles", name="list_roles", response_model=list[RoleView])
    async def list_roles(who: Reader) -> Response:
        """All roles, least first."""
        return json_answer([shown(role) for role in (await roles.all()).values()])

    @router.get("/roles/{id}", name="get_role", response_model=RoleView, responses={200: ETAG})
    async def get_role(who: Reader, id: Id) -> Response:
        """With its version in ``ETag``."""
        return _answer(await _role_of(roles, id))

    @router.get("/roles/{id}/history", name="list_role_versions", response_model=list[RoleView])
    async def list_role_versions(who: Reader, id: Id) -> Response:
        """All versions, newest first, as delivered last."""
        await _role_of(roles, id)
        return json_answer([shown(version) for version in await roles.history(id)])

    @router.put("/roles/{id}", name="change_role", response_model=RoleView, responses={200: ETAG})
    async def change_role(
        viewer: Writer, id: Id, asked: ChangedRole, if_match: IfMatch = None, key: IdempotencyKey = None
    ) -> Response:
        """In force at the next click of everybody who has it. 412: somebody else has changed it since it was read."""
        after, who = version_of(if_match), viewer.who
        await _role_of(roles, id)
        saved = await roles.save(id, _document(asked), after=after, author=who.subject, reason=asked.reason, key=key)
        await audit(who, "role.changed", id, "200", asked.reason)
        return _answer(saved)

    @router.post("/effect", name="preview_effect", response_model=Effect)
    async def preview_effect(viewer: Whole, asked: EffectAsked) -> Response:
        """What somebody with these grants sees and may do as things stand; with a role as it would be, where one is
        given. Without grants: what that role alone would, over the whole province."""
        known = {name: role.document for name, role in (await roles.all()).items()}
        grants = [msgspec.convert(grant.model_dump(), Grant) for grant in asked.grants]
        count = None
        if asked.role is not None:
            name = asked.role.role
            known[name] = _document(asked.role)
            check_role(name, known[name])
            grants = grants or [Grant(name)]
            count = await people(name)
        found = await store.read(lambda connection: effect_of(connection, grants, known))
        return json_answer({**found, "people": count})

    return router


def own_rights_routes(access: Access, guards: Guards) -> APIRouter:
    """What one may do oneself: a page offers no more. What counts is asked of each request all the same."""
    router = Router(prefix="/v1/session", tags=["session"])

    @router.get("/rights", name="own_rights", response_model=OwnRights)
    async def get_own_rights(who: Annotated[Principal, Depends(guards(*ROLES))]) -> Response:
        """Rights by area: all, and those over the whole province and all kinds of business."""
        known = {name: role.document for name, role in (await access.roles.all()).items()}
        return json_answer(own_rights(who.grants, known))

    return router


def shown(role: Version[RoleDocument]) -> dict[str, Any]:
    """A role as administrators read it."""
    return {
        "role": role.id,
        **msgspec.to_builtins(role.document),
        "version": role.version,
        "author": role.author,
        "reason": role.reason,
        "at": iso(role.at),
    }


def _document(asked: RoleRights) -> RoleDocument:
    rights = {area: _once(verbs) for area, verbs in asked.rights.items() if verbs}
    return RoleDocument(asked.name_zh.strip(), asked.name_en.strip(), rights, _once(asked.clear), _once(asked.reveals))


def _once(values: Iterable[Any]) -> tuple[Any, ...]:
    return tuple(dict.fromkeys(values))


def _answer(role: Version[RoleDocument]) -> Response:
    return json_answer(shown(role), headers={"ETag": role.etag})


async def _role_of(roles: Roles, name: str) -> Version[RoleDocument]:
    role = await roles.get(name)
    if role is None:
        raise Refused("not_found", "没有这个角色", "there is no such role", 404)
    return role
