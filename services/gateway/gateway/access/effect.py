"""What grants come to, in numbers and in a sentence, before somebody saves them."""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from gateway.access.grants import Grant
from gateway.access.rights import AREAS, VERBS, Area, RoleDocument, Verb
from gateway.access.scope import Scope, resolve
from gateway.projection.visible import List
from servicekit.personal import CLASSES, FieldClass

Shown = Literal["clear", "reveal", "masked"]
#: by which right a list is seen, and what of it is counted
_COUNTED: Mapping[str, tuple[Area, List, str]] = {
    "customers": ("customers", "customers", "r.known = 1"),
    "open_alerts": ("alerts", "alerts", "r.open = 1"),
    "open_work": ("work", "work", "r.open = 1"),
}
_SHOWN: Mapping[Shown, tuple[str, str]] = {
    "clear": ("可见", "shown"),
    "reveal": ("遮盖、说明理由可查看", "masked, shown for a reason"),
    "masked": ("遮盖", "masked"),
}


def effect_of(
    connection: sqlite3.Connection, grants: Sequence[Grant], roles: Mapping[str, RoleDocument]
) -> dict[str, Any]:
    """What somebody with these grants would see and may do."""
    held = [(grant, roles[grant.role]) for grant in grants]
    counts = {}
    for name, (area, list_, what) in _COUNTED.items():
        scope = resolve(connection, [(grant, role) for grant, role in held if role.may(area, "see")])
        counts[name] = _count(connection, scope, list_, what)
    rights = rights_of(role for _, role in held)
    fields = fields_of([role for _, role in held if role.may("customers", "see")])
    zh, en = sentence(counts["customers"], rights, fields)
    return {**counts, "rights": rights, "fields": fields, "zh": zh, "en": en}


def own_rights(grants: Iterable[Grant], roles: Mapping[str, RoleDocument]) -> dict[str, dict[Area, list[Verb]]]:
    """What these grants let somebody do: anywhere, and everywhere."""
    held = [(grant, roles[grant.role]) for grant in grants if grant.role in roles]
    return {
        "rights": rights_of(role for _, role in held),
        "everywhere": rights_of(role for grant, role in held if grant.is_whole and not grant.kinds),
    }


def rights_of(roles: Iterable[RoleDocument]) -> dict[Area, list[Verb]]:
    """Rights of all these together, by area; areas without any are left out."""
    known = list(roles)
    together = {area: [verb for verb in VERBS if any(role.may(area, verb) for role in known)] for area in AREAS}
    return {area: verbs for area, verbs in together.items() if verbs}


def fields_of(roles: Sequence[RoleDocument]) -> dict[FieldClass, Shown]:
    """How each class of fields is seen at best."""
    may_reveal = [role for role in roles if role.may("customers", "reveal")]
    return {
        kind: "clear"
        if any(kind in role.clear for role in roles)
        else "reveal"
        if any(kind in role.reveals for role in may_reveal)
        else "masked"
        for kind in CLASSES
    }


def sentence(
    customers: int, rights: Mapping[Area, Sequence[Verb]], fields: Mapping[FieldClass, Shown]
) -> tuple[str, str]:
    """In words: how many customers, how their personal fields are seen, and whether anything may be exported."""
    zh, en = [f"此人能看到 {customers:,} 户"], [f"This person sees {customers:,} customers"]
    for how, (word_zh, word_en) in _SHOWN.items():
        if names := [CLASSES[kind] for kind, shown in fields.items() if shown == how]:
            zh.append("、".join(name for name, _ in names) + word_zh)
            en.append(f"{', '.join(name for _, name in names)} {word_en}")
    may_export = any("export" in verbs for verbs in rights.values())
    zh.append("可导出" if may_export else "不能导出")
    en.append("may export" if may_export else "may not export")
    return "，".join(zh), "; ".join(en)


def _count(connection: sqlite3.Connection, scope: Scope, list_: List, what: str) -> int:
    visible = scope.visible(list_)
    (count,) = connection.execute(
        f"SELECT count(*) FROM {list_} r WHERE {what} AND ({visible.condition})", visible.parameters
    ).fetchone()
    return int(count)
