"""What a service hands to its processors."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any

import msgspec

from contracts import DEFAULT_PARTITIONS
from servicekit.decision import Context, Decision, DocumentWrite
from servicekit.documents.in_force import Taken
from servicekit.envelope import Message, OutgoingMessage
from servicekit.pace import Pace

Effects = Callable[[list[Any]], Awaitable[None]]


class HandlerEntry:
    """A row of a dispatch table: the payload a handler wants (a struct may name fewer fields) and the handler.

    ``handle(state or None, data, context) -> Decision``; pure.
    """

    __slots__ = ("decode", "handle")

    def __init__(self, payload: type, handle: Callable[[Any, Any, Context], Decision]) -> None:
        self.decode: Callable[[bytes], Any] = msgspec.json.Decoder(payload).decode
        self.handle = handle


class App(msgspec.Struct, kw_only=True):
    """What a service gives to a processor: its handlers and how its states look.

    ``clock_topics``: a wake-up runs only when the tick has come by on all of these; ``forward_clock_to``: the topic on
    which the tick is passed on after it. ``effects`` is called after each commit that has some.
    ``summary``: messages that go out with a commit, made of all its document writes; pure.
    ``index``: by what else a state is found: pairs (index, value), kept by the store beside it (``Store.find``).
    ``pace``: seconds between the starts of small batches and between requests to the broker, under load; ``behind``:
    so many seconds after the beat (``Pace``), where what it reads comes from others that keep it. ``light_pace``: the
    seconds while the process has little to do, where somebody waits for what it does. ``follows``: an app of the same
    service whose messages this one reads: it asks for them as soon as they are sent, before its own beat.
    ``documents``: what it takes of the versions that staff bring into force (``Context.in_force``), which come by on
    ``switch_topics`` (none named: where the clock does).
    ``open_door``: strangers write to its inputs, so that bad messages in a row say nothing of us and stop nothing.
    """

    name: str
    service: str
    state: Any
    handlers: Mapping[str, HandlerEntry]
    on_timer: Callable[[Any, Context], Decision] | None = None
    clock_topics: tuple[str, ...] = ()
    forward_clock_to: str | None = None
    partitions: int = DEFAULT_PARTITIONS
    effects: Effects | None = None
    summary: Callable[[Sequence[DocumentWrite]], Iterable[OutgoingMessage]] | None = None
    key: Callable[[Message], str] | None = None
    open_door: bool = False
    pace: float = 0.1
    light_pace: float | None = None
    behind: float = 0.0
    follows: str | None = None
    index: Callable[[Any], Iterable[tuple[str, str]]] | None = None
    documents: Taken | None = None
    switch_topics: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self.switch_topics = self.switch_topics or self.clock_topics

    @property
    def takes_switches(self) -> bool:
        """Whether switches of documents mean anything to it, or to who stands behind it."""
        return self.documents is not None or self.forward_clock_to is not None

    def keeps(self, later: float = 0.0) -> Pace:
        """Its pace, ``later`` by so much of a beat. One that has followed before its beat lets that pass."""
        apart = 0.0 if self.follows is None else 0.5
        return Pace(self.pace, self.behind + self.pace * later, light_seconds=self.light_pace, apart=apart)
