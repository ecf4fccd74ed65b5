"""When does a new JSON Schema of a published type break somebody? Pure.

Allowed: an optional field more, a wider type, looser limits. Breaking: a field gone, a required field more, a narrower
type. A field that was required and is optional now breaks readers that count on it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Schema = dict[str, Any]
_LOWER = ("minimum", "exclusiveMinimum", "minLength", "minItems")
_UPPER = ("maximum", "exclusiveMaximum", "maxLength", "maxItems")
_EXACT = ("pattern", "format")


def breaks(old: Schema, new: Schema) -> list[str]:
    """Breaking differences, each with where it is; empty when the new schema may replace the old one."""
    return list(_compare(old, new, old, new, ""))


def _resolve(schema: Schema, root: Schema) -> Schema:
    while "$ref" in schema:
        target: Any = root
        for step in str(schema["$ref"]).removeprefix("#/").split("/"):
            target = target[step]
        schema = target
    return schema


def _branches(schema: Schema, root: Schema) -> list[Schema]:
    schema = _resolve(schema, root)
    if "anyOf" not in schema:
        return [schema]
    return [branch for option in schema["anyOf"] for branch in _branches(option, root)]


def _compare(old: Schema, new: Schema, old_root: Schema, new_root: Schema, at: str) -> Iterator[str]:
    """Every branch of the old schema must find one in the new schema that takes all it took."""
    for branch in _branches(old, old_root):
        faults = [list(_narrower(branch, wider, old_root, new_root, at)) for wider in _branches(new, new_root)]
        if all(faults):
            yield from min(faults, key=len)


def _narrower(old: Schema, new: Schema, old_root: Schema, new_root: Schema, at: str) -> Iterator[str]:
    where = at or "/"
    if _types(old) is None and _types(new) is not None:
        yield f"{where}: takes only {new.get('type')} now"
        return
    if (have := _types(new)) is not None and not (_types(old) or set()) <= have:
        yield f"{where}: was {old.get('type')}, is {new.get('type')}"
        return
    if "enum" in new and not set(map(str, old.get("enum", ["anything"]))) <= set(map(str, new["enum"])):
        yield f"{where}: takes fewer values"
    for limit in _LOWER:
        if limit in new and (limit not in old or new[limit] > old[limit]):
            yield f"{where}: {limit} is tighter"
    for limit in _UPPER:
        if limit in new and (limit not in old or new[limit] < old[limit]):
            yield f"{where}: {limit} is tighter"
    for limit in _EXACT:
        if limit in new and new[limit] != old.get(limit):
            yield f"{where}: {limit} is another"
    yield from _fields(old, new, old_root, new_root, at)
    for inner in ("items", "additionalProperties"):
        before, after = old.get(inner, True), new.get(inner, True)
        if after is False and before is not False:
            yield f"{where}: {inner} are no longer allowed"
        elif isinstance(after, dict) and before is not False:
            yield from _compare(before if isinstance(before, dict) else {}, after, old_root, new_root, f"{at}/{inner}")


def _fields(old: Schema, new: Schema, old_root: Schema, new_root: Schema, at: str) -> Iterator[str]:
    before, after = old.get("properties", {}), new.get("properties", {})
    for name, field in before.items():
        if name not in after:
            yield f"{at}/{name}: is gone"
        else:
            yield from _compare(field, after[name], old_root, new_root, f"{at}/{name}")
    required, needed = set(old.get("required", ())), set(new.get("required", ()))
    for name in sorted(needed - required):
        yield f"{at}/{name}: is required now"
    for name in sorted(required - needed):
        if name in after:
            yield f"{at}/{name}: is no longer sure to be there"


def _types(schema: Schema) -> set[str] | None:
    """JSON types a schema takes; ``None`` is any. A whole number is a number."""
    given = schema.get("type")
    if given is None and "enum" in schema and all(isinstance(value, str) for value in schema["enum"]):
        return {"string"}
    if given is None:
        return None
    types = {given} if isinstance(given, str) else set(given)
    return types | {"integer"} if "number" in types else types
