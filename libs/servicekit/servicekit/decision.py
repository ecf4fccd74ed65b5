"""What a handler gives back: the new state and everything that follows from it. Pure data."""

from datetime import datetime
from typing import Any

import msgspec

from servicekit.envelope import Message


class OutgoingEvent(msgspec.Struct, frozen=True):
    """An event to publish. ``subject`` defaults to the key that was handled, ``topic`` to the type's home topic.

    ``seed`` names the cause the id is derived from (default: the handled message, the key, the type and the ordinal);
    ``causation`` and ``correlation`` default to those of the handled message; ``time`` to business time.
    """

    type: str
    data: msgspec.Struct
    subject: str | None = None
    topic: str | None = None
    partition: int | None = None
    seed: str | None = None
    causation: str | None = None
    correlation: str | None = None
    time: datetime | None = None


class DocumentWrite(msgspec.Struct, frozen=True):
    """A document people query: replaced whole under its id; ``doc`` None removes it.

    ``new``: there is none under this id yet. Only a hint, which saves a store the search.
    """

    collection: str
    id: str
    doc: dict[str, Any] | None
    new: bool = False


class Forward(msgspec.Struct, frozen=True):
    """A word to another key of the same processor: its handler runs at once, before the next message, in the same
    write.
    """

    key: str
    type: str
    data: Any


class Decision(msgspec.Struct, frozen=True, gc=False):
    """Outcome of handling one message for one key.

    ``state`` None forgets the key. ``timer_at`` is when the key wants to be looked at again (business time, None:
    never); it replaces the earlier wish. ``forwards`` are handled next, by other keys of this processor. ``effects``
    are handed to the service after the commit, ``answer`` to whoever sent the command.
    """

    state: Any
    events: tuple[OutgoingEvent, ...] = ()
    timer_at: datetime | None = None
    writes: tuple[DocumentWrite, ...] = ()
    effects: tuple[Any, ...] = ()
    answer: Any = None
    forwards: tuple[Forward, ...] = ()


class Context(msgspec.Struct, frozen=True, gc=False):
    """What a handler may know besides state and data: business time and where the message came from.

    ``time`` is the event's own time as it stood on the wire (of a BOSS record: its effective time), "" where it has
    none; ``envelope.parse_time`` reads it. ``message`` is what was received, for those who keep the log itself.

    ``owner_revision``: of a BOSS record, the revision at which it came to this customer; 0 when it always was theirs.
    ``accepted``: system time at which the BOSS record behind it was accepted, epoch ms as on the wire; empty where it
    does not follow from one at once. Only for measuring: nothing is decided by it.

    ``in_force``: what the documents make that are in force at its place in the log (``App.documents``); None while no
    switch has come by: what the app was composed with holds.
    """

    now: datetime
    id: str
    type: str
    correlation: str
    revision: int = 0
    time: str = ""
    message: Message | None = None
    owner_revision: int = 0
    accepted: bytes = b""
    in_force: Any = None


class Invalid(Exception):
    """The message can't be handled and never will be: it goes to the dead letters with this reason."""


class Refused(Exception):
    """A command that must not be carried out; ``code`` is stable, the text says what to do instead, ``field`` what of
    the request is at fault.
    """

    def __init__(self, code: str, zh: str, en: str, status: int = 409, field: str | None = None) -> None:
        super().__init__(f"{zh} / {en}")
        self.code, self.zh, self.en, self.status, self.field = code, zh, en, status, field

    @property
    def more(self) -> dict[str, Any]:
        """What an answer tells besides."""
        return {} if self.field is None else {"field": self.field}


class KeyUsed(Refused):
    """An ``Idempotency-Key`` under which something else was asked before."""

    def __init__(self) -> None:
        super().__init__(
            "idempotency_key_used",
            "此 Idempotency-Key 已用于另一请求，请换一个",
            "this Idempotency-Key belongs to another request: take a new one",
            422,
        )
