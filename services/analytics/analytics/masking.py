"""What of an event lineage may keep: personal fields masked, free text left out, the size bounded."""

from itertools import islice
from typing import Any

from servicekit.personal import FIELDS, FREE_TEXT, mask, mask_number

_MOST_ITEMS = 24
_LONGEST_TEXT = 200
_DEEPEST = 4
#: what a database takes as a number
_LARGEST = 2**63 - 1


def masked(data: dict[str, Any]) -> dict[str, Any]:
    """The payload without what is not known, personal fields masked, free text gone, long lists and texts cut."""
    return {
        name: _bounded(name, value, _DEEPEST)
        for name, value in data.items()
        if value is not None and name not in FREE_TEXT
    }


def mask_key(topic: str, key: str) -> str:
    """Subject of an event as it may be shown: on sms.receipts it can be a phone number."""
    return mask_number(key) if topic == "sms.receipts" else key


def _bounded(name: str, value: Any, depth: int) -> Any:
    if isinstance(value, str):
        return (mask(name, value) if name in FIELDS else value)[:_LONGEST_TEXT]
    if isinstance(value, int):
        return value if -_LARGEST <= value <= _LARGEST else str(value)[:_LONGEST_TEXT]
    if isinstance(value, dict) and depth:
        return _of_fields(value, depth - 1)
    if isinstance(value, list | tuple) and depth:
        return [_bounded(name, item, depth - 1) for item in value[:_MOST_ITEMS]]
    return value if isinstance(value, float) else "…"


def _of_fields(value: dict[str, Any], depth: int) -> dict[str, Any]:
    # A change of one field ({"field": "phone", "old": …, "new": …}) is personal if that field is.
    of = value.get("field")
    meant = {"old": of, "new": of} if isinstance(of, str) else {}
    shown = {}
    for name, item in islice(value.items(), _MOST_ITEMS):
        as_ = meant.get(name, name)
        if item is not None and name not in FREE_TEXT and as_ not in FREE_TEXT:
            shown[name] = _bounded(as_, item, depth)
    return shown
