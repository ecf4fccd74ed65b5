"""The consumer loop, written once: fetch -> decode -> load -> handle (pure) -> one atomic write -> relay -> commit.

A *processor* is one writer: some partitions of some topics, one store. Everything that changes its state passes here in
order: messages, commands of the own process and wake-ups of the business clock. Exactly once in effect: state, outbox
and position are one write; repeats of the wire are dropped by their producer's sequence.

Outcomes of a message: handled | repeated | skipped (not for us) | dead-lettered (``Invalid``, a body that breaks its
contract, a handler's error). ``Transient`` failures of store or broker are waited out, in order; ``Fenced``, too many
dead letters in a row and an error in a wake-up or effect stop the processor, loudly.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import datetime
from operator import attrgetter
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from contracts.boss import ClockTicked
from contracts.registry import EVENTS, TICK
from servicekit import dead_letters, faults, telemetry
from servicekit.app import App, Effects
from servicekit.clock import iso, to_millis
from servicekit.decision import Context, Invalid, Refused
from servicekit.envelope import Message, parse_time
from servicekit.fetched import UNREADABLE
from servicekit.relay import Publisher, Relay
from servicekit.store import Batch, Fenced, Position, Store, Transient
from servicekit.unit_of_work import UnitOfWork

__all__ = ["App", "Effects", "Stopped", "StreamProcessor"]
log = structlog.get_logger()
_EPOCH = parse_time("1970-01-01T00:00:00+00:00")
_DUE_CHUNK = 500
_WRITE_POSITION_SECONDS = 10.0
_decode_tick = msgspec.json.Decoder(ClockTicked).decode
T = TypeVar("T")


class Stopped(Exception):
    """An error that belongs to no message: a wake-up or an effect failed. The processor stops; its supervisor starts
    it.
    """


_FATAL = (Fenced, dead_letters.TooMany, Stopped, asyncio.CancelledError)


def tick_of(mark: str | None) -> tuple[tuple[int, int], datetime]:
    """(epoch, number) and clock of the last tick of a topic, as its mark holds them: ``[epoch.]number[ clock]``."""
    place, _, clock = (mark or "0").partition(" ")
    epoch, _, number = place.rpartition(".")
    return (int(epoch or 0), int(number)), parse_time(clock) if clock else _EPOCH


def mark_of_tick(epoch: int, number: int) -> str:
    """How a mark begins; without an epoch as it always did."""
    return f"{epoch}.{number}" if epoch else str(number)


def _fail(future: "asyncio.Future[Any]", error: Exception) -> None:
    if not future.done():
        future.set_exception(error)


def _ended() -> Refused:
    zh, en = "服务正在停止，请稍候再试", "the service is stopping; ask again shortly"
    return Refused("stopping", zh, en, 503)


class StreamProcessor:
    """One writer of an app. ``run`` works until ``stop`` is called and then finishes the batch at hand."""

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
    ) -> None:
        self.app, self.ordinal, self.inputs, self.store = app, ordinal, inputs, store
        self.name = f"{app.name}.{ordinal}"
        self._keep = keep
        self.relay = Relay(self.name, app.service, store, publisher, keep)
        self._passed: dict[str, int] = {}
        self.gaps: dict[str, int] = {}
        self.now = _EPOCH
        self.progressed_at = time.monotonic()
        self.failed: BaseException | None = None
        self._batch_max, self._cap, self._in_a_row = batch_max, dead_letters_in_a_row, 0
        self._commands: asyncio.Queue[tuple[Message, asyncio.Future[Any]]] = asyncio.Queue(1000)
        self._stop = asyncio.Event()
        self._busy = False
        self._asked: set[asyncio.Future[Any]] = set()
        self._ended = False
        self._key: Callable[[Message], str] = app.key or attrgetter("key")
        self.decode_state: Callable[[bytes], Any] = msgspec.msgpack.Decoder(app.state).decode
        self._next_due: int | None = None
        self._unwritten, self._written_at = Position(), 0.0

    # --- what the outside may ask -------------------------------------------------------------------------------

    async def command(self, message: Message) -> Any:
        """Carry out a command in its turn; returns the decision's ``answer`` after the commit.

        Raises ``Refused``, also when the processor ends before it could answer.
        """
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._asked.add(future)
        try:
            if self._ended:
                raise _ended()
            await self._commands.put((message, future))
            return await future
        finally:
            self._asked.discard(future)

    def settle(self) -> dict[str, Any]:
        """Where this processor stands, for ``kam wait`` and lag: next offsets, next sequence, outbox, whether at
        work.
        """
        return {
            "processor": self.name,
            "inputs": [f"{tp.topic}/{tp.partition}" for tp in self.inputs],
            "offsets": {**self.position.offsets, **self._passed},
            "sequence": self.position.next_sequence,
            "outbox": self.relay.pending,
            "busy": self._busy or bool(self._asked),
            "clock": iso(self.now) if self.now > _EPOCH else None,
            "failed": repr(self.failed) if self.failed else None,
            "gaps": self.gaps,
            "undeliverable": self.relay.undeliverable,
        }

    def stop(self) -> None:
        """Finish the batch at hand, then end."""
        self._stop.set()

    # --- life ---------------------------------------------------------------------------------------------------

    async def open(self) -> None:
        """Take the processor over; positions, clock and outbox are the store's."""
        self.position = await self._patiently(self.store.open)
        marks = self.position.marks
        self.now = parse_time(marks["clock"]) if "clock" in marks else _EPOCH
        self._next_due = await self._patiently(self.store.next_due)
        await self._patiently(self.relay.recover)

    def seek(self, consumer: AIOKafkaConsumer, begins: Mapping[TopicPartition, int]) -> None:
        """Set the consumer to the store's position. Where the log begins after it, what is missing is said.

        ``begins``: the first offset that each partition still holds.
        """
        for tp in self.inputs:
            name = f"{tp.topic}/{tp.partition}"
            position, begin = self.position.offsets.get(name, 0), begins.get(tp, 0)
            if position < begin:
                self.gaps[name] = begin - position
                telemetry.LOST.labels(self.name, tp.topic).inc(begin - position)
                log.error("log.gap", processor=self.name, input=name, position=position, log_begins=begin)
            consumer.seek(tp, max(position, begin))

    async def run(self, consumer: AIOKafkaConsumer | None) -> None:
        """UnitOfWork until stopped. Any error but a passing one ends the processor and is kept in ``failed``."""
        relay = asyncio.create_task(self.relay.run(), name=f"relay {self.name}")
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
            self._ended = True
            while not self._commands.empty():
                self._commands.get_nowait()
            for future in self._asked:
                _fail(future, _ended())
            relay.cancel()
            await self.store.close()

    async def _loop(self, consumer: AIOKafkaConsumer | None, relay: "asyncio.Task[None]") -> None:
        fetch: asyncio.Task[Any] | None = None
        take: asyncio.Task[Any] | None = None
        stop = asyncio.create_task(self._stop.wait())
        try:
            while not self._stop.is_set():
                if consumer is not None and fetch is None:
                    fetch = asyncio.create_task(
                        consumer.getmany(*self.inputs, timeout_ms=1000, max_records=self._batch_max)
                    )
                take = take or asyncio.create_task(self._commands.get())
                await asyncio.wait(
                    [t for t in (fetch, take, stop, relay) if t is not None], return_when=asyncio.FIRST_COMPLETED
                )
                if relay.done():
                    relay.result()
                commands: Sequence[tuple[Message, asyncio.Future[Any]]] = ()
                records: dict[TopicPartition, list[Any]] = {}
                self._busy = True
                if take.done():
                    commands, take = [take.result()], None
                    while not self._commands.empty():
                        commands.append(self._commands.get_nowait())
                fetched = fetch is not None and fetch.done()
                if fetch is not None and fetched:
                    records, fetch = await self._fetched(fetch), None
                if records or commands:
                    await self.process(records, commands)
                    await self._room()
                if consumer is not None and fetched:
                    await self._look_past(consumer)
                self.progressed_at = time.monotonic()
                self._busy = False
        finally:
            for task in (fetch, take, stop):
                if task is not None:
                    task.cancel()

    async def _fetched(self, fetch: "asyncio.Task[Any]") -> dict[TopicPartition, list[Any]]:
        """What a fetch brought; an error of the broker is waited out, and the position stays."""
        try:
            return fetch.result()  # type: ignore[no-any-return]
        except KafkaError as error:
            telemetry.RETRIES.labels(self.name).inc()
            log.warning("fetch.retry", processor=self.name, error=repr(error))
            await asyncio.sleep(1.0)
            return {}

    async def _look_past(self, consumer: AIOKafkaConsumer) -> None:
        """Markers of transactions and aborted records take offsets too and never come by: what has been passed, for
        ``settle``. All that was fetched has been handled here, or is held by an aligned processor."""
        for tp in self.inputs:
            if tp not in self.set_aside():
                reached, name = await consumer.position(tp), f"{tp.topic}/{tp.partition}"
                if reached > self.position.offsets.get(name, 0):
                    self._passed[name] = reached
                else:
                    self._passed.pop(name, None)

    def set_aside(self) -> Collection[TopicPartition]:
        """Partitions whose fetched records wait here to be handled."""
        return ()

    async def _room(self) -> None:
        """Back-pressure of the broker. A processor that waits for it is not stuck: the relay says how it fares."""
        while True:
            try:
                async with asyncio.timeout(5):
                    return await self.relay.room()
            except TimeoutError:
                self.progressed_at = time.monotonic()

    # --- a batch ------------------------------------------------------------------------------------------------

    async def process(
        self, records: Mapping[TopicPartition, list[Any]], commands: Sequence[tuple[Message, asyncio.Future[Any]]] = ()
    ) -> None:
        """One batch, to its commit. A batch that can't be written is tried message by message."""
        started = time.perf_counter()
        ordered = [(tp, records[tp]) for tp in self.inputs if tp in records]
        messages = [
            Message(r.topic, r.partition, r.offset, r.key, dict(r.headers), r.value, r.timestamp)
            for _, batch in ordered
            for r in batch
        ]
        in_a_row = self._in_a_row
        try:
            await self._process(messages, commands)
        except _FATAL:
            raise
        except Exception:
            log.exception("batch.bisected", processor=self.name, messages=len(messages))
            self._in_a_row = in_a_row
            for message in messages:
                if message.offset >= self.position.offsets.get(f"{message.topic}/{message.partition}", 0):
                    await self._alone(message)
            for command in commands:
                await self._command_alone(command)
        size = len(messages) + len(commands)
        telemetry.BATCH_SECONDS.labels(self.name).observe(time.perf_counter() - started)
        telemetry.BATCH_SIZE.labels(self.name).observe(size)
        telemetry.COMMITTED_AT.labels(self.name).set_to_current_time()

    async def _alone(self, message: Message) -> None:
        try:
            await self._process([message], [])
        except _FATAL:
            raise
        except Exception as error:
            work = UnitOfWork(self)
            work.offsets[f"{message.topic}/{message.partition}"] = message.offset + 1
            self._dead(work, message, error)
            await self._commit(work)

    async def _command_alone(self, command: tuple[Message, "asyncio.Future[Any]"]) -> None:
        try:
            await self._process([], [command])
        except _FATAL:
            raise
        except Exception as error:
            _fail(command[1], error)

    async def _process(self, messages: list[Message], commands: Sequence[tuple[Message, asyncio.Future[Any]]]) -> None:
        handlers = self.app.handlers
        key_of = self._key
        work = UnitOfWork(self, {key_of(m): m for m in messages if m.type in handlers})
        keys = {*work.last, *(m.key for m, _ in commands)}
        await self._load(work, keys)
        counts: Counter[tuple[str, str]] = Counter()
        for message in messages:
            if message.type == TICK:
                work = await self._tick(work, message, keys)
                continue
            work.offsets[f"{message.topic}/{message.partition}"] = message.offset + 1
            try:
                outcome = self._handle(work, message)
            except Exception as error:
                self._dead(work, message, error)
                outcome = "dead"
            if work.forwarded:
                await self._forward(work)
            if outcome == "handled":
                self._in_a_row = 0
            counts[message.topic, outcome] += 1
        for message, future in commands:
            self._carry_out(work, message, future)
            await self._forward(work)
        await self._commit(work)
        for (topic, outcome), n in counts.items():
            telemetry.MESSAGES.labels(self.name, topic, outcome).inc(n)
        if messages:
            log.debug("batch.done", processor=self.name, counts=counts)

    def _handle(self, work: UnitOfWork, message: Message) -> str:
        headers = message.headers
        replay = headers.get(dead_letters.REPLAY_FOR)
        if replay is not None and replay.decode() != self.app.name:
            return "skipped"
        if replay is None and work.is_repeat(message):
            return "repeated"
        on = self.app.handlers.get(message.type)
        if on is None or message.type not in EVENTS:
            if UNREADABLE in headers:
                raise Invalid(headers[UNREADABLE].decode("utf-8", "replace"))
            if message.type not in EVENTS:
                # A command or a word between keys too: a record that calls itself one would speak in anybody's name.
                raise Invalid(f"unknown event type {message.type!r} on {message.topic}")
            return "skipped"
        try:
            data = on.decode(message.body or b"")
        except msgspec.MsgspecError as error:
            raise Invalid(str(error)) from error
        # The hot path: headers are read here once, without the message's own properties.
        clock = headers.get("ce_businessclock")
        now = work.clock_at(clock) if clock is not None else work.now
        id_ = headers.get("ce_id", b"").decode()
        correlation = headers.get("ce_correlationid")
        revision, owner = headers.get("ce_revision"), headers.get("ce_ownerrevision")
        at = headers.get("ce_time", b"")
        context = Context(
            now,
            id_,
            message.type,
            correlation.decode() if correlation else id_,
            0 if revision is None else int(revision),
            at.decode(),
            message,
            0 if owner is None else int(owner),
        )
        key = self._key(message)
        work.apply(key, on.handle(work.state(key), data, context), context)
        return "handled"

    def _carry_out(self, work: UnitOfWork, message: Message, future: "asyncio.Future[Any]") -> None:
        on = self.app.handlers[message.type]
        context = Context(work.now, message.id, message.type, message.correlation_id)
        try:
            decision = on.handle(work.state(message.key), message.data, context)
            work.apply(message.key, decision, context)
            work.answers.append((future, decision.answer))
        except Refused as refusal:
            _fail(future, refusal)
        except Exception as error:
            log.exception("command.failed", processor=self.name, type=message.type)
            _fail(future, error)

    async def _forward(self, work: UnitOfWork) -> None:
        """Hand on what decisions tell other keys, in order, before the next message is looked at."""
        while work.forwarded:
            tell, context = work.forwarded.popleft()
            await self._load(work, {tell.key})
            decision = self.app.handlers[tell.type].handle(work.state(tell.key), tell.data, context)
            work.apply(tell.key, decision, context)

    def _dead(self, work: UnitOfWork, message: Message, error: Exception) -> None:
        # Strangers may send what they like: only what comes from our own services can say that something is wrong here.
        self._in_a_row += not self.app.open_door
        if self._in_a_row > self._cap:
            raise dead_letters.TooMany(
                f"{self._in_a_row} dead letters in a row on {message.topic}/{message.partition}"
            ) from error
        log.error(
            "message.dead_lettered",
            processor=self.name,
            topic=message.topic,
            partition=message.partition,
            offset=message.offset,
            type=message.type,
            error=repr(error),
        )
        telemetry.DEAD_LETTERS.labels(self.name, message.topic, type(error).__name__).inc()
        self.keep_whole(message)
        work.send(dead_letters.letter(message, self.app.name, error))

    def keep_whole(self, message: Message) -> None:
        """A message that is too large for its dead letter is written to disk, durably, before the letter is."""
        if self._keep is not None and dead_letters.is_too_large(message):
            log.error("message.kept", processor=self.name, path=str(dead_letters.keep(self._keep, message)))

    # --- business clock -----------------------------------------------------------------------------------------

    async def _tick(self, work: UnitOfWork, message: Message, keys: set[str]) -> UnitOfWork:
        """A tick came by on one topic. When it has on all, due keys wake at the clock reached and the tick goes on.

        What came before the tick is committed first and the tick itself last: after a crash in between it comes by
        again and wakes the rest.
        """
        try:
            tick = _decode_tick(message.body or b"")
        except msgspec.MsgspecError as error:
            work.offsets[f"{message.topic}/{message.partition}"] = message.offset + 1
            self._dead(work, message, Invalid(f"malformed tick: {error}"))
            return work
        seen = {topic: tick_of(work.mark(f"tick/{topic}")) for topic in self.app.clock_topics}
        if message.topic in seen and (tick.epoch, tick.number) > seen[message.topic][0]:
            seen[message.topic] = ((tick.epoch, tick.number), tick.clock)
            place, clock = min(seen.values())
            if place > tick_of(work.mark("ticked"))[0]:
                if self._is_due(work, to_millis(clock)):
                    await self._commit(work)
                    await self._wake_all(clock)
                    work = UnitOfWork(self, work.last)
                    await self._load(work, keys)
                work.advance(max(work.now, clock))
                work.marks["ticked"] = mark_of_tick(*place)
                if self.app.forward_clock_to is not None:
                    work.tick(self.app.forward_clock_to, self.ordinal, place, clock)
            work.marks[f"tick/{message.topic}"] = f"{mark_of_tick(tick.epoch, tick.number)} {iso(tick.clock)}"
        work.offsets[f"{message.topic}/{message.partition}"] = message.offset + 1
        return work

    def _is_due(self, work: UnitOfWork, until: int) -> bool:
        soonest = min((w for w in work.wakes.values() if w is not None), default=None)
        return self.app.on_timer is not None and any(w is not None and w <= until for w in (soonest, self._next_due))

    async def _wake_all(self, clock: datetime) -> None:
        until = to_millis(clock)
        while due := await self._patiently(lambda: self.store.due(until, _DUE_CHUNK)):
            work = UnitOfWork(self)
            work.advance(max(work.now, clock))
            await self._load(work, {key for key, _ in due})
            for key, wake in due:
                try:
                    self._wake(work, key, wake, clock)
                    await self._forward(work)
                except Exception as error:
                    raise Stopped(f"{self.name}: waking {key} at {iso(clock)} failed: {error!r}") from error
            await self._commit(work)
            await self._room()
            self.progressed_at = time.monotonic()
        self._next_due = await self._patiently(self.store.next_due)

    def _wake(self, work: UnitOfWork, key: str, wake: int, clock: datetime) -> None:
        """One key, at the clock all its inputs have reached: some of them may be further already."""
        assert self.app.on_timer is not None
        context = Context(clock, f"wake/{self.name}/{key}/{wake}", "wake", f"wake/{key}")
        decision = self.app.on_timer(work.state(key), context)
        if decision.timer_at is not None and to_millis(decision.timer_at) <= to_millis(clock):
            raise ValueError(f"wants to wake at {decision.timer_at}, not after {clock}")
        work.apply(key, decision, context)

    # --- store --------------------------------------------------------------------------------------------------

    async def _load(self, work: UnitOfWork, keys: set[str]) -> None:
        if wanted := [key for key in keys if key not in work.loaded]:
            found = await self._patiently(lambda: self.store.load(wanted))
            work.absent.update(key for key in wanted if key not in found)
            for key in wanted:
                work.loaded[key] = found.get(key)

    async def _commit(self, work: UnitOfWork) -> None:
        if work.is_empty():
            return
        batch = work.batch()
        if work.only_moves_on() and time.monotonic() - self._written_at < _WRITE_POSITION_SECONDS:
            # Nothing but skipped messages and ticks that woke nobody: the position is written with the next change.
            # After a crash they come by again and are skipped again.
            self._unwritten = self._unwritten.after(batch)
        else:
            await self._write(batch)
        self.position = self.position.after(batch)
        self.now = work.now
        for _, wake in batch.states.values():
            if wake is not None and (self._next_due is None or wake < self._next_due):
                self._next_due = wake
        self.relay.offer(batch.outbox)
        for future, answer in work.answers:
            if not future.done():
                future.set_result(answer)
        if work.effects and self.app.effects is not None:
            try:
                await self.app.effects(work.effects)
            except Exception as error:
                raise Stopped(f"{self.name}: effects after the commit failed: {error!r}") from error

    async def _write(self, batch: Batch) -> None:
        batch.offsets = {**self._unwritten.offsets, **batch.offsets}
        batch.marks = {**self._unwritten.marks, **batch.marks}
        faults.hit(self.app.service, "before_commit")
        await self._patiently(lambda: self.store.commit(batch))
        faults.hit(self.app.service, "after_commit")
        self._unwritten, self._written_at = Position(), time.monotonic()

    async def _patiently(self, call: Callable[[], Awaitable[T]]) -> T:
        delay = 0.05
        while True:
            try:
                return await call()
            except Transient as error:
                telemetry.RETRIES.labels(self.name).inc()
                log.warning("store.retry", processor=self.name, error=str(error)[:200], delay=delay)
                await asyncio.sleep(delay)
                delay = min(delay * 2, 5.0)
