"""Fields that say something of a person, by how sensitive they are, and what is seen of them: once for all rooms.

Standard library only, so that the command line stays quick.
"""

from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import Any, Literal

#: How sensitive a field is: rights are given for a class, never for a field.
FieldClass = Literal["name", "phone", "id_number", "birthday", "address"]
#: class -> Chinese and English
CLASSES: Mapping[FieldClass, tuple[str, str]] = {
    "name": ("姓名", "name"),
    "phone": ("电话", "phone number"),
    "id_number": ("证件号", "id number"),
    "birthday": ("生日", "birthday"),
    "address": ("住址", "address"),
}
#: every personal field of records, documents and rows
FIELDS: Mapping[str, FieldClass] = {
    "name": "name",
    "customer_name": "name",
    "phone": "phone",
    "id_number": "id_number",
    "birth_date": "birthday",
    "address": "address",
}
#: text that people or BOSS wrote freely: it may say anything about a person
FREE_TEXT = frozenset({"text", "note", "detail"})
_ID_NUMBER, _ENDS = 18, 4
_NOTHING = "****"


def mask(field: str, value: Any) -> Any:
    """What may be seen of a personal field: 张*, 139****0001, 3201**********0023, 1970-**-**; others, and None, stay
    as they are.

    What is masked already stays so.
    """
    if value in (None, "") or (kind := FIELDS.get(field)) is None:
        return value
    text = str(value)
    match kind:
        case "name":
            return text[:1] + "*"
        case "phone":
            return mask_number(text)
        case "id_number":
            is_whole = len(text) == _ID_NUMBER
            return f"{text[:_ENDS]}{'*' * (_ID_NUMBER - 2 * _ENDS)}{text[-_ENDS:]}" if is_whole else _NOTHING
        case "birthday":
            return text[:4] + "-**-**"
        case "address":
            return text[:3] + _NOTHING


@lru_cache(maxsize=1000)
def mask_number(number: str) -> str:
    """A phone number as it may stand in a log: 8613900000001 → 139****0001; a shorter one is not shown at all."""
    if "*" in number:
        return number
    digits = "".join(filter(str.isdigit, number))[-11:]
    return f"{digits[:3]}{_NOTHING}{digits[-4:]}" if len(digits) == 11 else _NOTHING


def mask_some(id: str) -> str:
    """A customer's id as an example of many: C1000123 → C1****23."""
    return f"{id[:2]}{_NOTHING}{id[-2:]}" if len(id) > 2 + 2 else _NOTHING


def shown(field: str, value: Any, clear: Collection[FieldClass] = ()) -> Any:
    """A field as somebody sees it who may see these classes in clear."""
    return value if FIELDS.get(field) in clear else mask(field, value)


def shown_record(record: Mapping[str, Any], clear: Collection[FieldClass] = ()) -> dict[str, Any]:
    """The fields of a record as somebody sees them."""
    return {field: shown(field, value, clear) for field, value in record.items()}


def shown_change(change: Mapping[str, Any], clear: Collection[FieldClass] = ()) -> dict[str, Any]:
    """A change of one field ({"field": "phone", "old": …, "new": …}): personal if that field is."""
    field = str(change.get("field"))
    return {**change, **{end: shown(field, change.get(end), clear) for end in ("old", "new")}}
