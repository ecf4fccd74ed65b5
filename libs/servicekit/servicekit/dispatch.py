"""decode -> handle: one message or command at a time, into the unit of work; pure but for what it counts."""

from collections.abc import Awaitable, Callable
from operator import attrgetter

import msgspec
import structlog

from contracts.registry import EVENTS
from servicekit import dead_letter
from servicekit.app import App
from servicekit.commands import Command, fail
from servicekit.decision import Context, Invalid, Refused
from servicekit.envelope import Message
from servicekit.record_batches import UNREADABLE
from servicekit.unit_of_work import UnitOfWork

log = structlog.get_logger()
Load = Callable[[UnitOfWork, set[str]], Awaitable[None]]


class Dispatch:
    """Finds the handler of a message and applies its decision. ``load`` brings states that a forward needs."""

    def __init__(self, app: App, load: Load) -> None:
        self._app, self._load = app, load
        self.key_of: Callable[[Message], str] = app.key or attrgetter("key")

    def handle(self, work: UnitOfWork, message: Message) -> str:
        """``handled``, ``repeated`` or ``skipped`` (not for us). Raises ``Invalid`` or what the handler raises."""
        headers = message.headers
        replay = headers.get(dead_letter.REPLAY_FOR)
        if replay is not None and replay.decode() != self._app.name:
            return "skipped"
        if replay is None and work.is_repeat(message):
            return "repeated"
        on = self._app.handlers.get(message.type)
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
        context = Context(
            now,
            id_,
            message.type,
            correlation.decode() if correlation else id_,
            0 if revision is None else int(revision),
            headers.get("ce_time", b"").decode(),
            message,
            0 if owner is None else int(owner),
            # A replay waited for people.
            headers.get("ce_acceptedat", b"") if replay is None else b"",
        )
        key = self.key_of(message)
        work.apply(key, on.handle(work.state(key), data, context), context)
        return "handled"

    def carry_out(self, work: UnitOfWork, command: Command) -> None:
        """A command; its answer follows the commit, a refusal or error is given at once."""
        message, future = command
        context = Context(work.now, message.id, message.type, message.correlation_id)
        try:
            decision = self._app.handlers[message.type].handle(work.state(message.key), message.data, context)
            work.apply(message.key, decision, context)
            work.answers.append((future, decision.answer))
        except Refused as refusal:
            fail(future, refusal)
        except Exception as error:
            log.exception("command.failed", app=self._app.name, type=message.type)
            fail(future, error)

    async def forward(self, work: UnitOfWork) -> None:
        """Hand on what decisions tell other keys, in order, before the next message is looked at."""
        while work.forwarded:
            forward, context = work.forwarded.popleft()
            await self._load(work, {forward.key})
            decision = self._app.handlers[forward.type].handle(work.state(forward.key), forward.data, context)
            work.apply(forward.key, decision, context)
