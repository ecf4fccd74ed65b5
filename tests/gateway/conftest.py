"""Each test makes a gateway of its own; what is the same in all of them is made once."""

from typing import Any

from fastapi._compat.v2 import ModelField, asdict
from pydantic import TypeAdapter

_make = ModelField.__post_init__
_made: dict[tuple[Any, ...], TypeAdapter[Any]] = {}


def _make_once(field: ModelField) -> None:
    """Give a field its adapter: nothing changes one, and two for the same type and constraints do the same. A gateway
    has 400 fields of 100 kinds; making their adapters is more than half of what it costs to build one."""
    info = asdict(field.field_info)
    kind = info["annotation"], repr(info["metadata"]), repr(info["attributes"]), repr(field.config)
    if kind not in _made:
        _make(field)
        _made[kind] = field._type_adapter
    field._type_adapter = _made[kind]


ModelField.__post_init__ = _make_once  # type: ignore[method-assign]
