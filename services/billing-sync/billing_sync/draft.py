"""A commit of the intake in the making: what jobs and handlers see of the store and put into it."""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from billing_sync.clock import BusinessClock
from billing_sync.domain.keys import segment_key, waiting_key
from billing_sync.domain.kinds import Kind
from billing_sync.domain.record import Fact, Known
from billing_sync.domain.segment import Segments
from billing_sync.store import decode_known, decode_segment, encode
from billing_sync.switches import NUMBER, Order, waits, written
from contracts.documents import Placed
from servicekit.clock import at_local, from_millis, iso, to_millis
from servicekit.envelope import BASELINE, Headers, OutgoingMessage, own_headers, shared_headers
from servicekit.ids import boss_event_id
from servicekit.kafka import partition_of
from servicekit.store import Batch
from servicekit.unit_of_work import UnitOfWork

if TYPE_CHECKING:
    from billing_sync.intake import Intake

TOPIC = "boss.events"
# A customer's leaving is a revision of the CUST record.
_ID_KINDS = {"LEFT": "CUST"}


class Draft(UnitOfWork):
    """A batch in the making over raw entries. Nothing of it is the intake's before it is committed.

    ``clock_rule``: how the business clock runs from this commit on. ``is_nudged``: a tick that is owed need not wait.
    ``waiting``: orders for switches whose day has not come.
    """

    def __init__(self, intake: "Intake", now: datetime) -> None:
        super().__init__(intake.committer)
        self.intake, self.system_now = intake, now
        self.clock_rule: BusinessClock = intake.clock
        self.accepted = self.is_nudged = False
        self.segments = Segments()
        self._raw: dict[str, bytes | None] = {}
        self._found: dict[str, Known | None] = {}
        self._records: dict[str, Known] = {}
        self._entries: dict[str, tuple[bytes | None, int | None]] = {}
        self._forgotten: set[str] = set()
        self._clock = intake.clock.reading(intake.reached, now)
        self._prefix = f"{intake.name}.{intake.position.epoch}:"
        self._accepted = b"%d" % to_millis(now)
        self._shared: dict[tuple[str, int, str, str], Headers] = {}
        self.waiting = intake.waiting
        # A clock that runs by itself may have come to their day.
        self._place_due()

    async def need(
        self, records: Iterable[str] = (), others: Iterable[str] = (), segments: Iterable[bytes] = ()
    ) -> None:
        """Load records, other entries and segments by their keys, those already here excepted."""
        records = [key for key in dict.fromkeys(records) if key not in self._found]
        others = [key for key in dict.fromkeys(others) if key not in self._raw]
        segments = self.segments.unknown(segments)
        if records or others or segments:
            found = await self.intake.load([*records, *others, *map(segment_key, segments)])
            for key in records:
                raw = found.get(key)
                known = self._found[key] = None if raw is None else decode_known(raw)
                if known is not None and known.segment:
                    self.segments.loaded(key, known.segment)
            self._raw.update((key, found.get(key)) for key in others)
            for digest in segments:
                raw = found.get(segment_key(digest))
                self.segments.found(digest, None if raw is None else decode_segment(raw))
            # Of each record its segment too: its recency is there.
            await self.need(segments=self.segments.homes(records))

    def get(self, key: str) -> bytes | None:
        entry = self._entries.get(key)
        return self._raw[key] if entry is None else entry[0]

    def put(self, key: str, value: bytes | None, wake: int | None = None) -> None:
        self._entries[key] = (value, wake)

    def expire(self, key: str) -> None:
        """Remove an entry whose time has come, unless this batch has just written it anew."""
        self._entries.setdefault(key, (None, None))

    def known(self, key: str) -> Known | None:
        record = self._records.get(key) or self._found[key]
        return None if record is None else self.segments.resolved(key, record)

    def remember(self, key: str, known: Known) -> None:
        self.segments.leave(key)
        known.segment = b""
        self._records[key] = known

    def joined(self, digest: bytes, keys: Collection[str], amount: int) -> None:
        """The rows of a segment were all remembered just now, one a record."""
        self.segments.join(digest, {key: self._records[key] for key in keys}, amount)

    def forget(self, key: str) -> None:
        """The record is known no more; what comes later in this batch begins anew."""
        self.segments.leave(key)
        self._found[key] = None
        self._records.pop(key, None)
        self._forgotten.add(key)

    @property
    def revisions_from(self) -> int:
        """The revision before the first of a record that is not known."""
        return self.intake.revisions_from

    @property
    def clock(self) -> datetime | None:
        """Business time reached, None while unset."""
        return self._clock

    def reach(self, at: datetime) -> None:
        self._move(self.clock_rule.fed(self._clock, at, self.system_now))

    def set_clock(self, at: datetime) -> None:
        """Move the business clock by hand. Raises ``Refused``."""
        self.clock_rule = self.clock_rule.set(self._clock, at, self.system_now)
        self._move(at)

    def _move(self, clock: datetime | None) -> None:
        if clock != self._clock:
            self._clock = clock
            self._shared.clear()
            self._place_due()
        self.accepted = True

    # --- switches of documents --------------------------------------------------------------------------------------

    def place_switch(self, order: Order) -> Placed:
        """Write a switch, here, to every partition."""
        number = max(int(self.mark(NUMBER) or 0), self.revisions_from) + 1
        self.marks[NUMBER] = str(number)
        switched, entries = written(order, number, self.system_now)
        for partition in range(self.intake.app.partitions):
            self.send(self.switched(TOPIC, partition, switched, self._clock, f"switch:{order.id}"))
        self._put_all(entries)
        self._wait_no_more(order.id)
        return order.placed(number, self.system_now)

    def wait(self, order: Order) -> None:
        """An order waits for its day, behind all that wait already."""
        turn = 1 + max((other.asked for other in self.waiting.values()), default=0)
        order = msgspec.structs.replace(order, asked=turn)
        self.waiting = {**self.waiting, order.id: order}
        self._put_all(waits(order))

    def give_up(self, id: str) -> None:
        """An order waits no more."""
        self._wait_no_more(id)
        self.put(waiting_key(id), None)

    def _place_due(self) -> None:
        """Before whatever the clock has come to their day with; in the order of their days, of one day as they were
        asked for: what was asked for last decides."""
        if not self.waiting or self._clock is None:
            return
        due = [o for o in self.waiting.values() if o.on is not None and at_local(o.on) <= self._clock]
        for order in sorted(due, key=lambda order: (order.on, order.asked, order.id)):
            self.place_switch(order)

    def _wait_no_more(self, id: str) -> None:
        self.waiting = {other: order for other, order in self.waiting.items() if other != id}

    def _put_all(self, entries: dict[str, bytes | None]) -> None:
        for key, value in entries.items():
            self.put(key, value)

    # --- records ----------------------------------------------------------------------------------------------------

    def publish(
        self,
        kind: Kind,
        type_: str,
        key: str,
        revision: int,
        body: bytes,
        fact: Fact,
        *,
        subject: str = "",
        owner_revision: int = 0,
    ) -> None:
        owner = subject or fact.subject
        about = type_, fact.effective, fact.causation, fact.baseline
        shared = self._shared.get(about) or self._share(*about)
        name = owner.encode()
        headers = [
            *shared,
            *own_headers(boss_event_id(_ID_KINDS.get(kind.name, kind.name), key, revision), name, fact.correlation),
            ("ce_sequence", f"{self._prefix}{self._sequence}".encode()),
            ("ce_revision", b"%d" % revision),
        ]
        if owner_revision:
            headers.append(("ce_ownerrevision", b"%d" % owner_revision))
        self.send(OutgoingMessage(TOPIC, partition_of(name, self.intake.app.partitions), name, body, headers))

    def _share(self, type_: str, effective: int, causation: str, baseline: str) -> Headers:
        """Headers that all events of a type have that come by one file, or that follow from one event."""
        shared = self._shared[type_, effective, causation, baseline] = shared_headers(
            type=type_,
            source="kam/billing-sync",
            time=iso(from_millis(effective)),
            causation_id=causation,
            clock=None if self._clock is None else iso(self._clock),
            accepted=self._accepted,
        )
        if baseline:
            shared.append((BASELINE, baseline.encode()))
        return shared

    def next_label(self) -> str:
        """``sequence`` attribute of the message that is sent next."""
        return self._label(self._sequence)

    def batch(self) -> Batch:
        states: dict[str, tuple[bytes | None, int | None]] = dict.fromkeys(self._forgotten, (None, None))
        states.update((key, (encode(known), None)) for key, known in self._records.items())
        for digest, segment in self.segments.changed.items():
            states[segment_key(digest)] = (None if segment is None else encode(segment), None)
        states.update(self._entries)
        if self._clock is not None:
            self.now = self._clock
            self.marks["clock"] = iso(self._clock)
        return Batch(states, [], self.outbox, self.offsets, self.marks, self._sequence)

    def only_moves_on(self) -> bool:
        """Identities and effective times of events that change nothing must be stored too."""
        changed = self._records or self._entries or self._forgotten or self.segments.changed
        return not (changed or self.outbox or self.answers)

    def is_empty(self) -> bool:
        return self.only_moves_on() and not (self.offsets or self.marks)


class Job(Protocol):
    """Something to carry out within a batch; its answer is given after the commit."""

    async def carry_out(self, draft: Draft) -> Any:
        """Change the draft; raises ``Refused`` before it changed anything."""
