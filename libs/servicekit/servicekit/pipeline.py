"""A stream processor: fetch -> decode -> load -> handle (pure) -> one atomic write -> relay.

A *processor* is one writer: some partitions of some topics, one store. Everything that changes its state passes here in
order: messages, commands of the own process and timers of the business clock. Exactly once in effect: state, outbox
and position are one write; repeats of the wire are dropped by their producer's sequence.

Its rooms: ``log_reader`` fetches, ``commands`` wait their turn, ``dispatch`` decodes and calls handlers, ``timers``
wake keys at ticks, ``dead_letter_queue`` takes what can't be handled, ``committer`` loads and writes, ``relay`` sends.

Outcomes of a message: handled | repeated | skipped (not for us) | dead-lettered (``Invalid``, a body that breaks its
contract, a handler's error). ``Transient`` failures of store or broker are waited out, in order; ``Fenced``, too many
dead letters in a row and an error in a timer or effect stop the processor, loudly.
"""

import asyncio
import time
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition

from contracts.registry import TICK
from servicekit import dead_letter, telemetry
from servicekit.app import App
from servicekit.clock import EPOCH, SystemClock, iso
from servicekit.commands import Command, Commands, fail
from servicekit.committer import Committer, Stopped
from servicekit.dead_letter_queue import DeadLetterQueue
from servicekit.decision import Invalid
from servicekit.dispatch import Dispatch
from servicekit.envelope import Message
from servicekit.journal import Journal
from servicekit.log_reader import LogReader, Records, place_of
from servicekit.relay import Publisher, Relay
from servicekit.store import Damaged, Fenced, Position, Store, patiently
from servicekit.timers import Timers
from servicekit.unit_of_work import UnitOfWork

log = structlog.get_logger()
_ROOM_SECONDS = 5.0
_LARGE = 500
#: So much of a beat later, so that what the broker is asked for with it is there: commands then go with it.
_BEHIND_BEAT = 0.2
_FATAL = (Fenced, Damaged, dead_letter.TooMany, Stopped, asyncio.CancelledError)


class StreamProcessor:
    """One writer of an app. ``run`` works until ``stop`` is called and then finishes the batch at hand.

    ``keep``: folder for what no broker takes. ``journal``: where its commits go before the store, a real one always.
    ``clock_bound``: how far a business clock is believed (``Committer.believed``); None: as far as it says.
    """

    def __init__(
        self,
        app: App,
        ordinal: int,
        inputs: list[TopicPartition],
        store: Store,
        publisher: Publisher,
        *,
        batch_max: int = 2000,
        dead_letters_in_a_row: int = 100,
        keep: Path | None = None,
        journal: Journal | None = None,
        clock_bound: SystemClock | None = None,
    ) -> None:
        self.app, self.ordinal, self.inputs = app, ordinal, inputs
        self.name = f"{app.name}.{ordinal}"
        self.relay = Relay(self.name, app.service, store, publisher, keep)
        switched = [place_of(tp) for tp in inputs if tp.topic in app.switch_topics]
        self.committer = Committer(self.name, app, store, self.relay, journal, clock_bound, switched)
        self.commands = Commands()
        self.dead_letters = DeadLetterQueue(self.name, app, dead_letters_in_a_row, keep)
        self._reader = LogReader(self.name, inputs, batch_max)
        self._dispatch = Dispatch(app, self.committer.load)
        self._timers = Timers(ordinal, self.committer, self._dispatch, self._between)
        self.progressed_at = time.monotonic()
        self.failed: BaseException | None = None
        self._pace = app.keeps(_BEHIND_BEAT)
        self._stop = asyncio.Event()
        self._busy = False
        self._relaying: asyncio.Task[None] | None = None
        self._taking: asyncio.Task[list[Command]] | None = None

    # --- what the outside may ask -------------------------------------------------------------------------------

    @property
    def store(self) -> Store:
        return self.committer.store

    @property
    def journal(self) -> Journal | None:
        return self.committer.journal

    @property
    def position(self) -> Position:
        """Where it stands, by its last commit."""
        return self.committer.position

    @property
    def now(self) -> datetime:
        """Business time of its last commit; 1970 while unset."""
        return self.committer.now

    @property
    def gaps(self) -> dict[str, int]:
        """Records that the log dropped before they were read, by ``topic/partition``."""
        return self._reader.gaps

    async def command(self, message: Message) -> Any:
        """Carry out a command in its turn; returns the decision's ``answer`` after the commit.

        Raises ``Refused``, also when the processor ends before it could answer.
        """
        return await self.commands.ask(message)

    @property
    def is_at_work(self) -> bool:
        """Whether it handles something, or has something to send."""
        return self._busy or self.relay.pending > 0

    def settle(self) -> dict[str, Any]:
        """Where it stands, for ``kam wait`` and lag: next offsets, next sequence, outbox, whether at work."""
        documents, since = self.store.documents_waiting()
        return {
            "processor": self.name,
            "inputs": [place_of(tp) for tp in self.inputs],
            "offsets": {**self.position.offsets, **self._reader.passed},
            "sequence": self.position.next_sequence,
            "outbox": self.relay.pending,
            "outbox_seconds": round(self.relay.age, 3),
            "seconds_behind": round(self._reader.behind(self.position)[1], 3),
            "documents": documents,
            "documents_seconds": round(since, 3),
            "busy": self._busy or self.commands.unanswered,
            "clock": iso(self.now) if self.now > EPOCH else None,
            "switch": self.committer.shelf.reached if self.app.documents is not None else None,
            "failed": repr(self.failed) if self.failed else None,
            "gaps": self.gaps,
            "undeliverable": self.relay.undeliverable,
        }

    def seconds_behind(self) -> float:
        """How long ago, at most, came what its documents do not show yet."""
        return self._reader.behind(self.position)[1] + self.store.documents_waiting()[1]

    def show(self) -> None:
        """Tell Prometheus how far behind it is: with its inputs, its outbox and its documents."""
        messages, seconds = self._reader.behind(self.position)
        documents, since = self.store.documents_waiting()
        for gauge, value in (
            (telemetry.LAG, messages),
            (telemetry.BEHIND, seconds),
            (telemetry.OUTBOX_SECONDS, self.relay.age),
            (telemetry.DOCUMENTS, documents),
            (telemetry.DOCUMENTS_SECONDS, since),
        ):
            gauge.labels(self.name).set(value)

    def stop(self) -> None:
        """Finish the batch at hand, then end."""
        self._stop.set()

    # --- life ---------------------------------------------------------------------------------------------------

    async def open(self) -> None:
        """Take the processor over; positions, clock and outbox are the store's."""
        await self.committer.open()
        await self.committer.patiently(self.relay.recover)
        work = UnitOfWork(self.committer)
        self._timers.pass_on_again(work)
        self.committer.let_out(work)

    def seek(self, consumer: AIOKafkaConsumer, begins: Mapping[TopicPartition, int]) -> None:
        """Set the consumer to the store's position. ``begins``: the first offset that each partition still holds."""
        self._reader.seek(consumer, begins, self.position)

    async def run(self, consumer: AIOKafkaConsumer | None) -> None:
        """Work until stopped. Any error but a passing one ends the processor and is kept in ``failed``."""
        relay = self._relaying = asyncio.create_task(self.relay.run(), name=f"relay {self.name}")
        try:
            await self._loop(consumer, relay)
            try:
                async with asyncio.timeout(5):
                    await self.relay.drain()
            except TimeoutError:
                log.warning("processor.outbox_left", processor=self.name, pending=self.relay.pending)
        except BaseException as error:
            self.failed = error
            raise
        finally:
            self.commands.close()
            relay.cancel()
            await self.store.close()

    async def _loop(self, consumer: AIOKafkaConsumer | None, relay: "asyncio.Task[None]") -> None:
        fetch: asyncio.Task[Records] | None = None
        stop = asyncio.create_task(self._stop.wait())
        try:
            while not self._stop.is_set():
                fetch = self._fetching(consumer, fetch)
                self._taking = self._taking or asyncio.create_task(self.commands.take())
                await asyncio.wait(
                    [t for t in (fetch, self._taking, stop, relay) if t is not None],
                    return_when=asyncio.FIRST_COMPLETED,
                )
                if relay.done():
                    relay.result()
                self._busy, started = True, time.monotonic()
                records: Records = {}
                commands = self._taken()
                fetched = fetch is not None and fetch.done()
                if fetch is not None and fetched:
                    records, fetch = fetch.result(), None
                if records or commands:
                    await self.process(records, commands)
                    await self._room()
                if consumer is not None and fetched:
                    await self._reader.look_past(consumer, self.position, self.set_aside())
                self.progressed_at = time.monotonic()
                self._busy = False
                if (records or commands) and sum(map(len, records.values())) < _LARGE:
                    rest = self._pace.rest(started)
                    if rest > 0:
                        # Commands wait for the records of the next beat.
                        fetch = self._fetching(consumer, fetch)
                        await asyncio.wait(
                            {stop, fetch} if fetch else {stop}, timeout=rest, return_when=asyncio.FIRST_COMPLETED
                        )
        finally:
            for task in (fetch, self._taking, stop):
                if task is not None:
                    task.cancel()

    def _fetching(
        self, consumer: AIOKafkaConsumer | None, fetch: "asyncio.Task[Records] | None"
    ) -> "asyncio.Task[Records] | None":
        if consumer is None or fetch is not None:
            return fetch
        return asyncio.create_task(self._reader.fetch(consumer))

    def set_aside(self) -> Collection[TopicPartition]:
        """Partitions whose fetched records wait here to be handled."""
        return ()

    def _taken(self) -> Sequence[Command]:
        """Commands whose turn has come."""
        if self._taking is None or not self._taking.done():
            return ()
        commands, self._taking = self._taking.result(), None
        return commands

    async def _between(self) -> None:
        """A pause in a leap that wakes very many: commands given meanwhile need not wait for the last of them."""
        await self._room()
        if commands := self._taken():
            self._taking = asyncio.create_task(self.commands.take())
            await self._write_some((), commands)

    async def _room(self) -> None:
        """Back-pressure of the broker. A processor that waits for it is not stuck: the relay says how it fares. From a
        relay that has ended no room comes: its error is ours."""
        while True:
            if self._relaying is not None and self._relaying.done():
                self._relaying.result()
            if self.relay.has_room:
                self.progressed_at = time.monotonic()
                return
            try:
                async with asyncio.timeout(_ROOM_SECONDS):
                    await self.relay.room()
            except TimeoutError:
                continue
            finally:
                self.progressed_at = time.monotonic()

    # --- a batch ------------------------------------------------------------------------------------------------

    async def process(self, records: Records, commands: Sequence[Command] = ()) -> None:
        """One batch, to its commit. A batch that can't be written is tried message by message."""
        started = time.perf_counter()
        messages = list(self.in_order(records))
        await self._write_some(messages, commands)
        self._reader.handled(records)
        seconds = time.perf_counter() - started
        self.committer.phases.end(seconds)
        telemetry.of(telemetry.BATCH_SECONDS, self.name).observe(seconds)
        telemetry.of(telemetry.BATCH_SIZE, self.name).observe(len(messages) + len(commands))
        telemetry.of(telemetry.COMMITTED_AT, self.name).set_to_current_time()

    async def _write_some(self, messages: Sequence[Message], commands: Sequence[Command]) -> None:
        in_a_row = self.dead_letters.in_a_row
        try:
            await self.transact(messages, commands)
        except _FATAL:
            raise
        except Exception:
            log.exception("batch.bisected", processor=self.name, messages=len(messages))
            self.dead_letters.in_a_row = in_a_row
            await self._one_by_one(messages, commands)

    def in_order(self, records: Records) -> Iterator[Message]:
        """The messages of a batch in the order in which they are handled: topic by topic."""
        return chain.from_iterable(records.get(tp, ()) for tp in self.inputs)

    async def transact(self, messages: Sequence[Message], commands: Sequence[Command]) -> None:
        """Load, handle and commit these messages and commands, all or none of them.

        The hook for a writer that decides on a batch as a whole: it makes its own unit of work and commits it.
        """
        key_of = self._dispatch.key_of
        work = UnitOfWork(self.committer, {key_of(m): m for m in messages if m.type in self.app.handlers})
        keys = {*work.last, *(m.key for m, _ in commands)}
        await self.committer.load(work, keys)
        counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
        handle, topic, partition, place, outcomes = self._dispatch.handle, "", -1, "", Counter[str]()
        for message in messages:
            if message.partition != partition or message.topic != topic:
                topic, partition, place = message.topic, message.partition, place_of(message)
                outcomes = counts[topic]
                work.turn_to(place)
            if message.type == TICK:
                try:
                    work = await self._timers.tick(work, message, keys)
                    work.turn_to(place)  # it may be a new one
                except Invalid as error:
                    self.dead_letters.add(work, message, error)
            else:
                try:
                    outcome = handle(work, message)
                except Exception as error:
                    outcome = "dead"
                    self.dead_letters.add(work, message, error)
                else:
                    if outcome == "handled":
                        self.dead_letters.in_a_row = 0
                outcomes[outcome] += 1
            work.offsets[place] = message.offset + 1
            if work.forwarded:
                await self._dispatch.forward(work)
        for command in commands:
            self._dispatch.carry_out(work, command)
            await self._dispatch.forward(work)
        await self.commit(work)
        for topic, outcomes in counts.items():
            for outcome, n in outcomes.items():
                telemetry.of(telemetry.MESSAGES, self.name, topic, outcome).inc(n)
        if messages:
            log.debug("batch.done", processor=self.name, counts=counts)

    async def commit(self, work: UnitOfWork) -> None:
        """Write a batch that is whole: the hook for what else belongs into the same commit."""
        await self.committer.commit(work)

    async def _one_by_one(self, messages: Sequence[Message], commands: Sequence[Command]) -> None:
        """What of a batch can't be written becomes a dead letter, or its command an error."""
        for message in messages:
            if message.offset < self.position.offsets.get(place_of(message), 0):
                continue
            try:
                await patiently(partial(self.transact, [message], []), self.name)
            except _FATAL:
                raise
            except Exception as error:
                await patiently(partial(self._refuse, message, error), self.name)
        for command in commands:
            if command[1].done() and not command[1].cancelled():
                continue  # it was refused, and its sender knows
            try:
                await self.transact([], [command])
            except _FATAL:
                raise
            except Exception as error:
                fail(command[1], error)

    async def _refuse(self, message: Message, error: Exception) -> None:
        work = UnitOfWork(self.committer)
        work.offsets[place_of(message)] = message.offset + 1
        self.dead_letters.add(work, message, error)
        await self.committer.commit(work)
