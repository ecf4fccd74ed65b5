"""What is asked about documents that staff change: of the service that owns them, and by it of billing-sync."""

import json
import re
from datetime import date
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from contracts.documents import DOCUMENT_ID, KIND, ORDER_ID, UNSEEN, State


def _readable(text: str) -> str:
    """Raises ``ValueError`` for what no reader sees."""
    if _UNSEEN.search(text):
        raise ValueError("有不可见的控制字符，请删去 / it holds a control character nobody sees: remove it")
    return text


_UNSEEN = re.compile(UNSEEN)
#: what people say for others to read
Readable = Annotated[str, AfterValidator(_readable)]
Reason = Annotated[Readable, Field(min_length=1, max_length=2000, description="why: people read it in the history")]

TriedPeriod = Annotated[str, Field(pattern=r"^[12][0-9]{3}(0[1-9]|1[0-2])$", description="calendar month, yyyymm")]


#: no document nests deeper
_DEEPEST = 20


def _checked(document: dict[str, Any]) -> dict[str, Any]:
    """As it can go on as JSON. Raises ``ValueError``: it nests too deep, or holds what is no text or no number."""
    level: list[Any] = [document]
    for _ in range(_DEEPEST):
        level = [
            value
            for each in level
            for value in (each.values() if isinstance(each, dict) else each)
            if isinstance(value, dict | list)
        ]
    if level:
        raise ValueError(f"嵌套超过 {_DEEPEST} 层 / it nests deeper than {_DEEPEST}")
    try:
        json.dumps(document, ensure_ascii=False, allow_nan=False).encode()
    except ValueError:
        raise ValueError("有不是文字或不是数的值 / it holds what is no text or no number") from None
    return document


Document = Annotated[dict[str, Any], AfterValidator(_checked)]


class _Asked(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class SwitchOrder(_Asked):
    """Body of an order to billing-sync: let this version come into force, now or (``on``) with the first record or tick
    of a business day, from 00:00 in Asia/Shanghai."""

    id: Annotated[str, Field(pattern=ORDER_ID, description="the same order again is answered with the same place")]
    kind: Annotated[str, Field(pattern=KIND)]
    document_id: Annotated[str, Field(pattern=DOCUMENT_ID)]
    version: Annotated[int, Field(ge=1, le=10**9)]
    state: State
    document: Document
    by: Annotated[str, Field(min_length=1, max_length=200)]
    why: Reason
    on: date | None = None


class SaveDocument(_Asked):
    """Body of a save: the next version, a draft. The document is checked by the kind it is of."""

    document: Document
    why: Reason


class PreviewTemplate(_Asked):
    """Body of a preview: a text, saved or not, and words for its variables."""

    document: Document
    values: dict[str, Annotated[str, Field(max_length=400)]] = {}


class ActivateDocument(_Asked):
    """Body of an activation. ``on``: the business day from whose first record on it counts; without one at once.
    ``shadow``: for analysts alone."""

    why: Reason
    on: date | None = None
    shadow: bool = False


class TryRule(_Asked):
    """Body of a trial: its first and its last month; without them the newest year there is, at most 24 months."""

    from_: TriedPeriod | None = Field(default=None, alias="from")
    to: TriedPeriod | None = None


class WhyDocument(_Asked):
    """Body of what only asks for a reason: to roll back."""

    why: Reason


class StopDocument(WhyDocument):
    """Body of a stop. ``shadow``: of the version alone that runs in shadow; the one in force goes on."""

    shadow: bool = False
