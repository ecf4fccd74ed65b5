"""A batch in the making: states as they are after each message, and everything its commit will carry."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Protocol

import msgspec

from contracts.boss import ClockTicked
from contracts.documents import DocumentSwitched
from contracts.registry import EVENTS, SWITCH, TICK
from servicekit.app import App
from servicekit.clock import CLOCK_MARGIN, EPOCH, LAST_CLOCK, iso, to_millis
from servicekit.decision import Context, Decision, DocumentWrite, Forward, Invalid, OutgoingEvent
from servicekit.documents.in_force import KEY, Shelf
from servicekit.envelope import UNDECODABLE, Message, OutgoingMessage, encode_data, parse_time, write_headers
from servicekit.ids import derive
from servicekit.kafka import partition_of
from servicekit.repeats import Repeats
from servicekit.store import Batch, Position

#: topic and partition of a tick, its epoch and number, and the clock it says
Tick = tuple[str, int, tuple[int, int], datetime]
_encode_state = msgspec.msgpack.Encoder().encode
#: what a record raises that can't be a switch, or whose document can't be worked with
_UNSWITCHABLE = (*UNDECODABLE, ValueError, TypeError, OverflowError)
_decode_switch = msgspec.json.Decoder(DocumentSwitched).decode


class Owner(Protocol):
    """The writer a batch belongs to: what it does, where it stands and what time it is there."""

    app: App
    name: str
    decode_state: Callable[[bytes], Any]

    @property
    def position(self) -> Position: ...

    @property
    def now(self) -> datetime: ...

    @property
    def shelf(self) -> Shelf: ...

    @property
    def unsent_tick(self) -> Tick | None: ...

    def believed(self, clock: datetime) -> datetime: ...


class UnitOfWork:
    """Collects the decisions of a batch. Nothing here is visible outside before the commit.

    States are bytes except while their messages are handled: thousands of decoded ones would fall out of the
    processor's cache before their turn comes (+20 % events/s). ``last``: the last message of the batch for each key.
    """

    def __init__(self, processor: Owner, last: Mapping[str, Message] = {}) -> None:
        self._processor, self.last = processor, last
        self.now: datetime = processor.now
        self._now_text = iso(processor.now)
        self.shelf: Shelf = processor.shelf
        #: by what the next message is judged: ``turn_to`` its place
        self.in_force: Any = None
        self.switches: list[DocumentSwitched] = []
        self.loaded: dict[str, bytes | None] = {}
        self._open: dict[str, Any] = {}
        #: the one decoded last: who handles a message and who takes its decision over look at the same
        self._decoded: tuple[bytes | None, Any] = None, None
        self._index = processor.app.index
        #: index entries of the changed keys: before the batch, and as of now
        self._indexed: dict[str, tuple[set[tuple[str, str]], set[tuple[str, str]]]] = {}
        self.wakes: dict[str, int | None] = {}
        self.writes: list[DocumentWrite] = []
        self.outbox: list[tuple[int, OutgoingMessage]] = []
        self.offsets: dict[str, int] = {}
        self.marks: dict[str, str] = {}
        self.repeats = Repeats(processor.position.marks.get)
        self.effects: list[Any] = []
        self.answers: list[tuple[asyncio.Future[Any], Any]] = []
        self.forwarded: deque[tuple[Forward, Context]] = deque()
        self._sequence = processor.position.next_sequence
        self.clock_text: bytes | None = None
        self.passing: Tick | None = None
        self._has_told = False

    def is_empty(self) -> bool:
        return not (self.offsets or self.wakes or self.outbox or self.marks or self.answers or self.writes)

    def only_moves_on(self) -> bool:
        """Whether nothing follows from the batch but a new position."""
        return not (self.wakes or self.outbox or self.answers or self.writes or self.effects)

    def mark(self, name: str) -> str | None:
        return self.marks.get(name) or self._processor.position.marks.get(name)

    def state(self, key: str) -> Any:
        """As the messages before have left it."""
        if key in self._open:
            return self._open[key]
        raw = self.loaded.get(key)
        if raw is not self._decoded[0]:
            self._decoded = raw, None if raw is None else self._processor.decode_state(raw)
        return self._decoded[1]

    def clock_at(self, text: bytes) -> datetime:
        """Business time a message carries, never before what this processor has already reached. Raises ``ValueError``
        for one at the end of the calendar: it would never come back from there, and has no tomorrow."""
        if text != self.clock_text:
            clock = parse_time(text.decode())
            if clock > LAST_CLOCK:
                raise ValueError(f"no business clock: {iso(clock)}")
            self.advance(max(self.now, self._processor.believed(clock)))
            self.clock_text = text
        return self.now

    def advance(self, now: datetime) -> None:
        if now != self.now:
            # First the text: an instant that UTC can't show must not become the clock.
            self.marks["clock"] = self._now_text = iso(now)
            self.now = now

    def apply(self, key: str, decision: Decision, context: Context) -> None:
        """Take a decision over, whole or not at all: state, wake-up, rows, events with ids derived from their cause."""
        state, message = decision.state, context.message
        is_last = message is not None and self.last.get(key) is message
        # What is given back as it was need not be written again; who has timers says with each when it wakes.
        is_kept = (state is None or self._processor.app.on_timer is None) and state is self.state(key)
        raw = _encode_state(state) if is_last and state is not None and not is_kept else None
        if decision.events:
            self._send_passing()
            sent = [self._event(key, emit, context, ordinal) for ordinal, emit in enumerate(decision.events)]
            self._sequence += len(sent)
            self.outbox.extend(sent)
        if not is_kept:
            if self._index is not None:
                before = self._indexed[key][0] if key in self._indexed else self._entries_of(self.state(key))
                self._indexed[key] = before, self._entries_of(state)
            if not is_last:
                self._open[key] = state
            else:
                self.loaded[key] = raw
                if self._open:
                    self._open.pop(key, None)
            wake = decision.timer_at
            self.wakes[key] = None if wake is None else to_millis(wake)
        if decision.writes:
            self.writes.extend(decision.writes)
        if decision.effects:
            self.effects.extend(decision.effects)
        if decision.forwards:
            self.forwarded.extend((tell, context) for tell in decision.forwards)

    def _entries_of(self, state: Any) -> set[tuple[str, str]]:
        return set() if state is None or self._index is None else set(self._index(state))

    def _event(self, key: str, emit: OutgoingEvent, context: Context, ordinal: int) -> tuple[int, OutgoingMessage]:
        app, number = self._processor.app, self._sequence + ordinal
        subject = emit.subject or key
        topic = emit.topic or EVENTS[emit.type].topic
        seed = emit.seed or f"{context.id}|{key}|{ordinal}"
        headers = write_headers(
            id=derive(app.name, seed, emit.type),
            type=emit.type,
            source=f"kam/{app.service}",
            subject=subject,
            time=self._now_text if emit.time is None else iso(emit.time),
            correlation_id=emit.correlation or context.correlation,
            causation_id=emit.causation or context.id,
            sequence=self._label(number),
            clock=self._now_text,
            accepted=context.accepted,
        )
        partition = partition_of(subject, app.partitions) if emit.partition is None else emit.partition
        if not 0 <= partition < app.partitions:
            # Nothing that waits behind it in the outbox would ever leave.
            raise Invalid(f"an event for partition {partition}, and there are {app.partitions}")
        return number, OutgoingMessage(topic, partition, subject.encode(), encode_data(emit.data), headers)

    # --- documents that come into force ---------------------------------------------------------------------------

    def turn_to(self, place: str) -> None:
        """The next messages are of this place."""
        self.in_force = self.shelf.at(place)

    def switch(self, message: Message, place: str, is_replay: bool = False) -> bool:
        """A version of a document comes into force here, and the switch goes on, behind everything before it; whether
        it is news: a replay is, that no edition has come of. Whole or not at all: raises ``Invalid``, then the version
        before stays."""
        app = self._processor.app
        forwarded: OutgoingMessage | None = None
        try:
            switched = _decode_switch(message.body or b"")
            self._check_number(switched)
            if self.shelf.has_seen(place, switched.number) and not (is_replay and not self.shelf.has(switched.number)):
                return False
            shelf = self.shelf.taking(place, switched)
            raw = shelf.encode()
            if app.forward_clock_to is not None and message.topic == app.clock_topics[0]:
                self._send_passing()
                clock = None if self.now == EPOCH else self.now
                correlation, cause = message.correlation_id, message.id
                forwarded = self.switched(app.forward_clock_to, message.partition, switched, clock, correlation, cause)
        except _UNSWITCHABLE as error:
            raise Invalid(f"a switch that can't be taken: {error}") from error
        # From here on nothing fails.
        self.shelf = shelf
        self.switches.append(switched)
        self.turn_to(place)
        self.loaded[KEY], self.wakes[KEY] = raw, None
        if forwarded is not None:
            self.send(forwarded)
        return True

    def _check_number(self, switched: DocumentSwitched) -> None:
        """Numbers rise slower than seconds pass, also where they begin anew (by the seconds): one that is far ahead
        would have all that come after it passed over."""
        if switched.number > (self._processor.believed(switched.switched_at) + CLOCK_MARGIN).timestamp():
            raise ValueError(f"its number {switched.number} is ahead of all there can be")

    def switched(
        self,
        topic: str,
        partition: int,
        switch: DocumentSwitched,
        clock: datetime | None,
        correlation: str,
        causation: str | None = None,
    ) -> OutgoingMessage:
        """A switch as it is sent next to one partition."""
        about = f"document/{switch.kind}/{switch.document_id}"
        headers = write_headers(
            id=derive("switch", topic, partition, switch.number),
            type=SWITCH,
            source=f"kam/{self._processor.app.service}",
            subject=about,
            time=iso(switch.switched_at),
            correlation_id=correlation,
            causation_id=causation,
            sequence=self._label(self._sequence),
            clock=None if clock is None else iso(clock),
        )
        return OutgoingMessage(topic, partition, about.encode(), encode_data(switch), headers)

    # --- the clock ------------------------------------------------------------------------------------------------

    def pass_on(self, tick: Tick) -> None:
        """A tick goes on, behind everything it caused and before what comes next; where nothing came since the one
        before, only the later goes.
        """
        self.passing = tick

    def _send_passing(self) -> None:
        """Also one that was let out unstored and may be lost: what comes next must not overtake it."""
        tick = self.passing or (None if self._has_told else self._processor.unsent_tick)
        self.passing, self._has_told = None, True
        if tick is not None:
            self.tick(*tick)

    def unstored(self) -> list[tuple[int, OutgoingMessage]]:
        """A tick to be passed on that is not worth a write: it comes by again after a crash, or is passed on again."""
        return [] if self.passing is None else [(self._sequence - 1, self._tick(*self.passing, None))]

    def tick(self, topic: str, partition: int, place: tuple[int, int], clock: datetime) -> None:
        """Send a tick of the business clock (its epoch and number)."""
        self.send(self._tick(topic, partition, place, clock, self._label(self._sequence)))

    def _tick(
        self, topic: str, partition: int, place: tuple[int, int], clock: datetime, label: str | None
    ) -> OutgoingMessage:
        app, (epoch, number) = self._processor.app, place
        id_ = derive("tick", topic, partition, number, epoch) if epoch else derive("tick", topic, partition, number)
        headers = write_headers(
            id=id_,
            type=TICK,
            source=f"kam/{app.service}",
            subject="clock",
            time=iso(clock),
            correlation_id=id_,
            sequence=label,
            clock=iso(clock),
        )
        ticked = ClockTicked(clock=clock, number=number, epoch=epoch)
        return OutgoingMessage(topic, partition, b"clock", encode_data(ticked), headers)

    def send(self, message: OutgoingMessage) -> None:
        self.outbox.append((self._sequence, message))
        self._sequence += 1

    def _label(self, number: int) -> str:
        return f"{self._processor.name}.{self._processor.position.epoch}:{number}"

    def batch(self) -> Batch:
        """The one atomic write."""
        if self.passing is not None and not self.only_moves_on():
            self._send_passing()
        for key, state in self._open.items():
            self.loaded[key] = None if state is None else _encode_state(state)
        self._open.clear()
        states = {key: (self.loaded[key], wake) for key, wake in self.wakes.items()}
        marks = {**self.marks, **self.repeats.marks()}
        index = {
            (name, value, key): (name, value) in after
            for key, (before, after) in self._indexed.items()
            for name, value in before ^ after
        }
        return Batch(states, self.writes, self.outbox, self.offsets, marks, self._sequence, index=index)
