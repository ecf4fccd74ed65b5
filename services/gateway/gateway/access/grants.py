"""What somebody was given: a role, for a part of the province, for some kinds of business. Pure data.

This is what people and tokens carry; what a role may do and see with it, roles and scope say.
"""

from collections.abc import Iterable
from typing import Any, Literal
from urllib.parse import quote

import msgspec

from servicekit import auth

Role = Literal["integrator", "manager", "head", "city_head", "analyst", "operations", "administrator"]
#: subjects of tokens that were made for nobody in particular (``kam token ROLE``)
_NOBODY = "cli:"
#: the roles of people and machines, least first; ``service`` is the platform's own and nobody's
ROLES: tuple[Role, ...] = ("integrator", "manager", "head", "city_head", "analyst", "operations", "administrator")


class Grant(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A role and what it reaches.

    ``manager_id``: the customers of this manager alone, and of a head those of the units that BOSS says they head.
    ``units``: those of these units and of all beneath them; ``cities``: those of these cities (six-digit codes). None
    of the three: the whole province. ``kinds``: kinds of alerts (``churn_warning``, …), empty: all.
    """

    role: Role
    cities: tuple[str, ...] = ()
    units: tuple[str, ...] = ()
    manager_id: str | None = None
    kinds: tuple[str, ...] = ()

    @property
    def is_whole(self) -> bool:
        """Whether it reaches the whole province."""
        return not (self.cities or self.units or self.manager_id is not None)

    def covers(self, other: "Grant") -> bool:
        """Whether another one gives nothing that this one does not."""
        if self.role != other.role or (self.kinds and not (other.kinds and set(other.kinds) <= set(self.kinds))):
            return False
        return self.is_whole or (
            not other.is_whole
            and set(other.cities) <= set(self.cities)
            and set(other.units) <= set(self.units)
            and other.manager_id in (None, self.manager_id)
        )


class Principal(auth.Principal):
    """Who calls the gateway: a person with all their grants, or a machine with the one of its token.

    ``subject`` is the staff number or the token's name: whom the audit writes down. ``role`` is the one that let them
    in here. ``session``: the id of the browser's session, None with a token; ``token``: the id of a token that can be
    revoked. ``name``: what people call them.
    """

    def __init__(
        self,
        subject: str,
        role: str,
        grants: tuple[Grant, ...],
        *,
        name: str | None = None,
        manager_id: str | None = None,
        session: str | None = None,
        token: str | None = None,
    ) -> None:
        super().__init__(subject, role)
        self.grants, self.name, self.manager_id, self.session = grants, name, manager_id, session
        self.token = token

    def as_role(self, role: str) -> "Principal":
        """The same one, let in by this of their roles."""
        return Principal(
            self.subject,
            role,
            self.grants,
            name=self.name,
            manager_id=self.manager_id,
            session=self.session,
            token=self.token,
        )

    @property
    def owner(self) -> str:
        """Whose something is that is kept for them: a person's, or that of machines of this name, which is no staff
        number (those have no colon)."""
        return self.subject if self.session is not None else f"token:{self.subject}"

    @property
    def roles(self) -> tuple[str, ...]:
        """All their roles, each once, in the order in which they were given."""
        return tuple(dict.fromkeys(grant.role for grant in self.grants))

    @property
    def acting(self) -> auth.Principal:
        """As the services know who acts: a manager by the id that BOSS gives them."""
        return auth.Principal(self.manager_id or self.subject, self.role)


def granted(role: Role, subject: str, scope: Any = None) -> Grant:
    """The grant of a bearer token: ``scope`` is its claim of this name, ``{cities, units, manager_id, kinds}``.

    Without one a manager's token reaches the customers of its subject, a head's the units that its subject heads; any
    other, and one that was made for nobody in particular, the whole province. Raises ``msgspec.ValidationError`` for a
    scope that is none.
    """
    if scope is None:
        is_somebodys = role in ("manager", "head") and not subject.startswith(_NOBODY)
        return Grant(role, manager_id=subject if is_somebodys else None)
    if not isinstance(scope, dict):
        raise msgspec.ValidationError("scope is no object")
    return msgspec.convert({**scope, "role": role}, Grant)


def summary(grants: Iterable[Grant]) -> tuple[str, str]:
    """What these reach, in words: Chinese and English."""
    found = dict.fromkeys(_reach(grant) for grant in grants)
    return "；".join(zh for zh, _ in found), "; ".join(en for _, en in found)


def _reach(grant: Grant) -> tuple[str, str]:
    if grant.manager_id is not None and grant.role == "head":
        return f"{grant.manager_id} 负责的单位及下级", f"units headed by {grant.manager_id} and those beneath"
    if grant.manager_id is not None:
        return f"经理 {grant.manager_id} 的客户", f"customers of manager {grant.manager_id}"
    if grant.units:
        return f"单位 {'、'.join(grant.units)} 及下级", f"units {', '.join(grant.units)} and those beneath"
    if grant.cities:
        return f"地市 {'、'.join(grant.cities)}", f"cities {', '.join(grant.cities)}"
    return "全省", "the whole province"


def landing(grant: Grant, unit_id: str | None) -> str:
    """The page on which somebody's day begins."""
    match grant.role:
        case "manager":
            return "/today"
        case "head":
            unit = unit_id or next(iter(grant.units), None)
            return f"/team/{quote(unit, safe='')}" if unit else "/team"
        case "operations" | "integrator":
            return "/feeds"
        case "administrator":
            return "/admin"
        case _:
            return "/overview"
