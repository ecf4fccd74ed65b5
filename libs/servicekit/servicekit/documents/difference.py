"""What has changed between two versions, as sentences in both languages. Pure."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from servicekit.documents.kinds import Kind
from servicekit.personal import mask_some
from servicekit.words import Text

_as_json = msgspec.json.Encoder(order="sorted").encode
#: of long lists so many are named, the rest counted
_NAMED = 5
_NOTHING = ("无", "nothing")


class Sentence(msgspec.Struct, frozen=True):
    """``field``: the path in the document, as faults name it."""

    field: str
    zh: str
    en: str


def sentences(kind: Kind, before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Sentence]:
    """In the order of the document; none where nothing has changed."""
    return list(_compared(kind, before, after, "", ("", "")))


def _compared(
    kind: Kind, before: Mapping[str, Any], after: Mapping[str, Any], path: str, above: Text
) -> Iterator[Sentence]:
    for name in dict.fromkeys((*before, *after)):
        old, new = before.get(name), after.get(name)
        if old != new and not (_is_nothing(old) and _is_nothing(new)):
            zh, en = kind.fields.get(name, (name, name))
            called = f"{above[0]}{zh}", f"{above[1]}{en}"
            yield from _changed(kind, old, new, f"{path}.{name}" if path else name, called)


def _changed(kind: Kind, old: Any, new: Any, path: str, called: Text) -> Iterator[Sentence]:
    zh, en = called
    if isinstance(old, dict) and isinstance(new, dict):
        yield from _compared(kind, old, new, path, (f"{zh} · ", f"{en} · "))
    elif isinstance(old, list | tuple) and isinstance(new, list | tuple):
        yield from _lists(kind, list(old), list(new), path, called)
    else:
        (old_zh, old_en), (new_zh, new_en) = _said(old), _said(new)
        yield Sentence(path, f"{zh}由 {old_zh} 改为 {new_zh}", f"{en}: {old_en} → {new_en}")


def _lists(kind: Kind, old: list[Any], new: list[Any], path: str, called: Text) -> Iterator[Sentence]:
    """Of lists of parts, as long as before, what has changed at each place; of others what came and what went."""
    zh, en = called
    if len(old) == len(new) and all(isinstance(item, dict) for item in (*old, *new)):
        for n, (one, other) in enumerate(zip(old, new, strict=True)):
            place = f"{zh}第 {n + 1} 项 · ", f"{en} no. {n + 1} · "
            yield from _compared(kind, one, other, f"{path}[{n}]", place)
        return
    came, went = _beyond(new, old), _beyond(old, new)
    if path in kind.masked and (came or went):
        shown = "、".join(mask_some(str(each)) for each in (*came, *went)[:_NAMED])
        yield Sentence(
            path, f"{zh}：+{len(came)} −{len(went)}，如 {shown}", f"{en}: +{len(came)} −{len(went)}, such as {shown}"
        )
        return
    if came:
        yield Sentence(path, f"{zh}加了 {_listed(came)[0]}", f"{en}: added {_listed(came)[1]}")
    if went:
        yield Sentence(path, f"{zh}去了 {_listed(went)[0]}", f"{en}: removed {_listed(went)[1]}")
    if not came and not went:
        yield Sentence(path, f"{zh}顺序改为 {_listed(new)[0]}", f"{en}: now in the order {_listed(new)[1]}")


def _beyond(items: list[Any], others: list[Any]) -> list[Any]:
    """Those that the other list does not hold, or not as often; each list is gone through once."""
    left, found = Counter(map(_as_json, others)), []
    for item in items:
        name = _as_json(item)
        if left[name]:
            left[name] -= 1
        else:
            found.append(item)
    return found


def _listed(items: list[Any]) -> Text:
    said = [_said(item) for item in items[:_NAMED]]
    rest = len(items) - len(said)
    zh, en = "、".join(each for each, _ in said), ", ".join(each for _, each in said)
    return (f"{zh} 等 {len(items)} 个", f"{en} and {rest} more") if rest else (zh, en)


def _is_nothing(value: Any) -> bool:
    return value is None or value in ("", [], ())


def _said(value: Any) -> Text:
    if _is_nothing(value):
        return _NOTHING
    if isinstance(value, bool):
        return ("是", "yes") if value else ("否", "no")
    if isinstance(value, dict):
        inner = [_said(each) for each in value.values()]
        return f"（{'，'.join(zh for zh, _ in inner)}）", f"({', '.join(en for _, en in inner)})"
    if isinstance(value, list | tuple):
        return _listed(list(value))
    return str(value), str(value)
