"""A kind of document: how it is read, what is checked, how it shows. A row in a table of the service that owns it."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from contracts.documents import MOST_BYTES
from servicekit.documents.fault import Fault, Faulty, faults_of, unseen
from servicekit.words import Text

#: documents of the kind, with their ids, that a new version must go with: of each what is in force, or was when it was
#: stopped, and what waits for its day; of the same one too. Drafts are nobody's business.
Others = Sequence[Mapping[str, Any]]


class Kind(msgspec.Struct, frozen=True, kw_only=True):
    """``read`` makes of a plain document what the service works with (``msgspec.ValidationError`` where it can't);
    ``check`` says what is wrong with its meaning; ``fields``: what people call its fields.

    ``shows``: what a list says of a version besides the document itself. ``has_shadow``: whether a version can be put
    in force for analysts alone; ``why_no_shadow``: why this one of them can't; ``may_stop``: whether there can be none
    in force. ``masked``: lists of customers, which differences tell by number with a few masked, and lists of versions
    leave out.
    """

    name: str
    read: Callable[[dict[str, Any]], msgspec.Struct]
    check: Callable[[Any, Others], Sequence[Fault]]
    fields: Mapping[str, Text] = {}
    shows: Callable[[Mapping[str, Any]], dict[str, Any]] = lambda document: {}
    has_shadow: bool = False
    why_no_shadow: Callable[[Mapping[str, Any]], Text | None] = lambda document: None
    may_stop: bool = True
    masked: frozenset[str] = frozenset()
    most_bytes: int = MOST_BYTES
    too_large: Text = (
        f"文档超过 {MOST_BYTES >> 10} KiB，请缩小",
        f"is over {MOST_BYTES >> 10} KiB: make it smaller",
    )

    def checked(self, document: dict[str, Any], others: Others) -> dict[str, Any]:
        """The document as it is kept: every field, plain; its version is its place among the others, and no content.
        Raises ``Faulty``. Its size comes first: what is small is soon looked at."""
        try:
            self._weigh(document)
            hidden = unseen(document)
        except RecursionError:
            zh, en = "嵌套太深，请减少层次", "is nested too deep: take levels out"
            raise Faulty([Fault("", zh, en)]) from None
        if hidden:
            raise Faulty(hidden)
        try:
            read = self.read({name: value for name, value in document.items() if name != "version"})
        except msgspec.ValidationError as error:
            raise Faulty(faults_of(error)) from error
        if faults := self.check(read, others):
            raise Faulty(faults)
        plain: dict[str, Any] = msgspec.to_builtins(read)
        plain.pop("version", None)
        self._weigh(plain)
        return plain

    def _weigh(self, document: Mapping[str, Any]) -> None:
        told = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
        if len(told.encode(errors="replace")) > self.most_bytes:
            raise Faulty([Fault("", *self.too_large)])
