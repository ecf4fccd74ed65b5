"""The consumer loop, written once: fetch -> decode -> load -> handle (pure) -> one atomic write -> relay -> commit.

A *unit* is one writer: some partitions of some topics, one store. Everything that changes its state passes here in
order: messages, commands of the own process and wake-ups of the business clock. Exactly once in effect: state, outbox
and position are one write; repeats of the wire are dropped by their producer's sequence.

Outcomes of a message: handled | repeated | skipped (not for us) | dead-lettered (``Invalid``, a body that breaks its
contract, a handler's error). ``Transient`` failures of store or broker are waited out, in order; ``Fenced``, too many
dead letters in a row and an error in a wake-up or effect stop the unit, loudly.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from operator import attrgetter
from typing import Any, TypeVar

import msgspec
import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from contracts.boss import ClockTicked
from contracts.registry import EVENTS, TICK
from servicekit import deadletter, faults, telemetry
from servicekit.app import App, Effects
from servicekit.clock import iso, to_millis
from servicekit.decision import Context, Invalid, Refused
from servicekit.envelope import Message, parse_time
from servicekit.relay import Relay
from servicekit.store import Batch, Fenced, Position, Store, Transient
from servicekit.work import Work

__all__ = ["App", "Effects", "Stopped", "Unit"]
log = structlog.get_logger()
_EPOCH = parse_time("1970-01-01T00:00:00+00:00")
_DUE_CHUNK = 500
_WRITE_POSITION_SECONDS = 10.0
_decode_tick = msgspec.json.Decoder(ClockTicked).decode
T = TypeVar("T")


class Stopped(Exception):
    """An error that belongs to no message: a wake-up or an effect failed. The unit stops; its supervisor starts it."""


_FATAL = (Fenced, deadletter.TooMany, Stopped, asyncio.CancelledError)


def _mark_of_tick(mark: str | None) -> tuple[int, datetime]:
    """Number and clock of the last tick of a topic, as its mark holds them."""
    number, _, clock = (mark or "").partition(" ")
    return (int(number), parse_time(clock)) if clock else (0, _EPOCH)


def _fail(future: "asyncio.Future[Any]", error: Exception) -> None:
    if not future.done():
        future.set_exception(error)


class Unit:
    """One writer of an app. ``run`` works until ``stop`` is called and then finishes the batch at hand."""

    def __init__(
        self,
        app: App,
        ordinal: int,
        inputs: list[TopicPartition],
        store: Store,
        producer: AIOKafkaProducer,
        *,
        batch_max: int = 2000,
        dead_letters_in_a_row: int = 100,
    ) -> None:
        self.app, self.ordinal, self.inputs, self.store = app, ordinal, inputs, store
        self.name = f"{app.name}.{ordinal}"
        self.relay = Relay(self.name, app.service, store, producer)
        self.now = _EPOCH
        self.progressed_at = time.monotonic()
        self.failed: BaseException | None = None
        self._batch_max, self._cap, self._in_a_row = batch_max, dead_letters_in_a_row, 0
        self._commands: asyncio.Queue[tuple[Message, asyncio.Future[Any]]] = asyncio.Queue(1000)
        self._stop = asyncio.Event()
        self._busy, self._asked = False, 0
        self._key: Callable[[Message], str] = app.key or attrgetter("key")
        self.decode_state: Callable[[bytes], Any] = msgspec.msgpack.Decoder(app.state).decode
        self._next_due: int | None = None
        self._unwritten, self._written_at = Position(), 0.0

    # --- what the outside may ask -------------------------------------------------------------------------------

    async def command(self, message: Message) -> Any:
        """Carry out a command in its turn; returns the decision's ``answer`` after the commit. Raises ``Refused``."""
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._asked += 1
        try:
            await self._commands.put((message, future))
            return await future
        finally:
            self._asked -= 1

    def settle(self) -> dict[str, Any]:
        """Where this unit stands, for ``kam wait`` and lag: next offsets, next sequence, outbox, whether at work."""
        return {
            "unit": self.name,
            "inputs": [f"{tp.topic}/{tp.partition}" for tp in self.inputs],
            "offsets": self.position.offsets,
            "sequence": self.position.next_sequence,
            "outbox": self.relay.pending,
            "busy": self._busy or self._asked > 0,
            "clock": iso(self.now) if self.now > _EPOCH else None,
            "failed": repr(self.failed) if self.failed else None,
        }

    def stop(self) -> None:
        """Finish the batch at hand, then end."""
        self._stop.set()

    # --- life ---------------------------------------------------------------------------------------------------

    async def open(self) -> None:
        """Take the unit over; positions, clock and outbox are the store's."""
        self.position = await self._patiently(self.store.open)
        marks = self.position.marks
        self.now = parse_time(marks["clock"]) if "clock" in marks else _EPOCH
        self._next_due = await self._patiently(self.store.next_due)
        await self._patiently(self.relay.recover)

    def seek(self, consumer: AIOKafkaConsumer) -> None:
        """Set the consumer to the store's position."""
        for tp in self.inputs:
            consumer.seek(tp, self.position.offsets.get(f"{tp.topic}/{tp.partition}", 0))

    async def run(self, consumer: AIOKafkaConsumer | None) -> None:
        """Work until stopped. Any error but a passing one ends the unit and is kept in ``failed``."""
        relay = asyncio.create_task(self.relay.run(), name=f"relay {self.name}")
        try:
            await self._loop(consumer, relay)
            await asyncio.wait_for(self.relay.drain(), 5)
        except TimeoutError:
            log.warning("unit.outbox_left", unit=self.name, pending=self.relay.pending)
        except BaseException as error:
            self.failed = error
            raise
        finally:
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
                if fetch is not None and fetch.done():
                    records, fetch = fetch.result(), None
                if records or commands:
                    await self.process(records, commands)
                    await self.relay.room()
                self.progressed_at = time.monotonic()
                self._busy = False
        finally:
            for task in (fetch, take, stop):
                if task is not None:
                    task.cancel()

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
            log.exception("batch.bisected", unit=self.name, messages=len(messages))
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
            work = Work(self)
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
        work = Work(self, {key_of(m): m for m in messages if m.type in handlers})
        keys = {*work.last, *(m.key for m, _ in commands)}
        await self._load(work, keys)
        counts = {"handled": 0, "repeated": 0, "skipped": 0, "dead": 0}
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
            if work.told:
                await self._tell(work)
            if outcome == "handled":
                self._in_a_row = 0
            counts[outcome] += 1
        for message, future in commands:
            self._carry_out(work, message, future)
            await self._tell(work)
        await self._commit(work)
        if messages:
            for outcome, n in counts.items():
                if n:
                    telemetry.MESSAGES.labels(self.name, messages[0].topic, outcome).inc(n)
            log.debug("batch.done", unit=self.name, **counts)

    def _handle(self, work: Work, message: Message) -> str:
        headers = message.headers
        replay = headers.get(deadletter.REPLAY_FOR)
        if replay is not None and replay.decode() != self.app.name:
            return "skipped"
        if replay is None and work.is_repeat(message):
            return "repeated"
        on = self.app.handlers.get(message.type)
        if on is None:
            if message.type not in EVENTS:
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

    def _carry_out(self, work: Work, message: Message, future: "asyncio.Future[Any]") -> None:
        on = self.app.handlers[message.type]
        context = Context(work.now, message.id, message.type, message.correlation_id)
        try:
            decision = on.handle(work.state(message.key), message.data, context)
            work.apply(message.key, decision, context)
            work.answers.append((future, decision.answer))
        except Refused as refusal:
            _fail(future, refusal)
        except Exception as error:
            log.exception("command.failed", unit=self.name, type=message.type)
            _fail(future, error)

    async def _tell(self, work: Work) -> None:
        """Hand on what decisions tell other keys, in order, before the next message is looked at."""
        while work.told:
            tell, context = work.told.popleft()
            await self._load(work, {tell.key})
            decision = self.app.handlers[tell.type].handle(work.state(tell.key), tell.data, context)
            work.apply(tell.key, decision, context)

    def _dead(self, work: Work, message: Message, error: Exception) -> None:
        self._in_a_row += 1
        if self._in_a_row > self._cap:
            raise deadletter.TooMany(
                f"{self._in_a_row} dead letters in a row on {message.topic}/{message.partition}"
            ) from error
        log.error(
            "message.dead_lettered",
            unit=self.name,
            topic=message.topic,
            partition=message.partition,
            offset=message.offset,
            type=message.type,
            error=repr(error),
        )
        telemetry.DEAD_LETTERS.labels(self.name, message.topic, type(error).__name__).inc()
        work.send(deadletter.letter(message, self.app.name, error))

    # --- business clock -----------------------------------------------------------------------------------------

    async def _tick(self, work: Work, message: Message, keys: set[str]) -> Work:
        """A tick came by on one topic. When it has on all, due keys wake at the clock reached and the tick goes on.

        What came before the tick is committed first and the tick itself last: after a crash in between it comes by
        again and wakes the rest.
        """
        tick = _decode_tick(message.body or b"")
        seen = {topic: _mark_of_tick(work.mark(f"tick/{topic}")) for topic in self.app.clock_topics}
        if message.topic in seen and tick.number > seen[message.topic][0]:
            seen[message.topic] = (tick.number, tick.clock)
            number, clock = min(seen.values())
            if number > int(work.mark("ticked") or 0):
                if self._is_due(work, to_millis(clock)):
                    await self._commit(work)
                    await self._wake_all(clock)
                    work = Work(self, work.last)
                    await self._load(work, keys)
                work.advance(max(work.now, clock))
                work.marks["ticked"] = str(number)
                if self.app.forward_clock_to is not None:
                    work.tick(self.app.forward_clock_to, self.ordinal, number, clock)
            work.marks[f"tick/{message.topic}"] = f"{tick.number} {iso(tick.clock)}"
        work.offsets[f"{message.topic}/{message.partition}"] = message.offset + 1
        return work

    def _is_due(self, work: Work, until: int) -> bool:
        soonest = min((w for w in work.wakes.values() if w is not None), default=None)
        return self.app.on_wake is not None and any(w is not None and w <= until for w in (soonest, self._next_due))

    async def _wake_all(self, clock: datetime) -> None:
        until = to_millis(clock)
        while due := await self._patiently(lambda: self.store.due(until, _DUE_CHUNK)):
            work = Work(self)
            work.advance(max(work.now, clock))
            await self._load(work, {key for key, _ in due})
            for key, wake in due:
                try:
                    self._wake(work, key, wake, clock)
                    await self._tell(work)
                except Exception as error:
                    raise Stopped(f"{self.name}: waking {key} at {iso(clock)} failed: {error!r}") from error
            await self._commit(work)
        self._next_due = await self._patiently(self.store.next_due)

    def _wake(self, work: Work, key: str, wake: int, clock: datetime) -> None:
        """One key, at the clock all its inputs have reached: some of them may be further already."""
        assert self.app.on_wake is not None
        context = Context(clock, f"wake/{self.name}/{key}/{wake}", "wake", f"wake/{key}")
        decision = self.app.on_wake(work.state(key), context)
        if decision.wake_at is not None and to_millis(decision.wake_at) <= to_millis(clock):
            raise ValueError(f"wants to wake at {decision.wake_at}, not after {clock}")
        work.apply(key, decision, context)

    # --- store --------------------------------------------------------------------------------------------------

    async def _load(self, work: Work, keys: set[str]) -> None:
        if wanted := [key for key in keys if key not in work.loaded]:
            found = await self._patiently(lambda: self.store.load(wanted))
            work.absent.update(key for key in wanted if key not in found)
            for key in wanted:
                work.loaded[key] = found.get(key)

    async def _commit(self, work: Work) -> None:
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
                log.warning("store.retry", unit=self.name, error=str(error)[:200], delay=delay)
                await asyncio.sleep(delay)
                delay = min(delay * 2, 5.0)
