"""What a role may do, area by area, and which personal fields it sees: data in versions. Pure.

A page area is what people find in the navigation, or a part of it with rights of its own. ``clear``: classes of fields
that are shown as they are; ``reveals``: those that are masked, but shown for a moment to whoever says why. All else is
masked for good.
"""

from collections.abc import Mapping
from typing import Any, Literal, get_args

import msgspec

from gateway.access.grants import Role
from servicekit.personal import CLASSES, FieldClass

Area = Literal["alerts", "work", "customers", "sms", "team", "overview", "rules", "why", "feeds", "admin", "callers"]
Verb = Literal["see", "change", "export", "reveal"]
AREAS: tuple[Area, ...] = get_args(Area)
VERBS: tuple[Verb, ...] = get_args(Verb)


class RoleDocument(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A role as administrators write it."""

    name_zh: str
    name_en: str
    rights: dict[Area, tuple[Verb, ...]] = {}
    clear: tuple[FieldClass, ...] = ()
    reveals: tuple[FieldClass, ...] = ()

    def may(self, area: Area, verb: Verb) -> bool:
        """Whether it has this right."""
        return verb in self.rights.get(area, ())


def known(document: Mapping[str, Any]) -> dict[str, Any]:
    """A stored role, with what this release knows of: a later one may have written it, while both run or before one
    went back. A right that is unknown here is nobody's here; all others stand as they were written."""
    rights = document.get("rights", {})
    return {
        **{name: document[name] for name in ("name_zh", "name_en")},
        "rights": {area: [verb for verb in rights[area] if verb in VERBS] for area in AREAS if area in rights},
        **{name: [kind for kind in document.get(name, ()) if kind in CLASSES] for name in ("clear", "reveals")},
    }


_SEE: tuple[Verb, ...] = ("see",)
_DAILY: dict[Area, tuple[Verb, ...]] = {
    "alerts": ("see", "change"),
    "work": ("see", "change"),
    "customers": ("see", "reveal"),
    "sms": ("see", "change"),
    "overview": _SEE,
    "rules": _SEE,
    "why": _SEE,
    "callers": _SEE,
}
_HEADS: dict[Area, tuple[Verb, ...]] = {
    **_DAILY,
    "alerts": ("see", "change", "export"),
    "work": ("see", "change", "export"),
    "customers": ("see", "export", "reveal"),
    "sms": ("see", "change", "export"),
    "team": ("see", "change"),
    "overview": ("see", "export"),
}
_READS: dict[Area, tuple[Verb, ...]] = dict.fromkeys(("alerts", "work", "customers", "sms", "overview", "why"), _SEE)
_ANSWERABLE: tuple[FieldClass, ...] = ("phone", "id_number", "birthday", "address")

#: what roles may do until an administrator has written another version
SEEDS: Mapping[Role, RoleDocument] = {
    "manager": RoleDocument("客户经理", "account manager", _DAILY, ("name",), ("phone", "birthday", "address")),
    "head": RoleDocument("单位负责人", "unit head", _HEADS, ("name",), _ANSWERABLE),
    "city_head": RoleDocument("市级负责人", "city head", _HEADS, ("name",), _ANSWERABLE),
    "analyst": RoleDocument(
        "分析员",
        "analyst",
        {
            **_READS,
            **dict.fromkeys(("alerts", "work", "sms", "overview"), ("see", "export")),
            "rules": ("see", "change"),
        },
    ),
    "operations": RoleDocument(
        "运维", "operations", {**_READS, "work": ("see", "change"), "rules": _SEE, "feeds": ("see", "change", "export")}
    ),
    "administrator": RoleDocument(
        "管理员",
        "administrator",
        {
            **_READS,
            "work": ("see", "change"),
            "team": ("see", "change"),
            "rules": ("see", "change"),
            "feeds": ("see", "change", "export"),
            "admin": ("see", "change"),
            "callers": _SEE,
        },
    ),
    "integrator": RoleDocument("接入方", "integrator", {"feeds": _SEE, "callers": _SEE}),
}
