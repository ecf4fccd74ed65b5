"""decode -> handle: one message or command at a time, into the unit of work; pure but for what it counts."""

from collections.abc import Awaitable, Callable
from operator import attrgetter

import structlog

from contracts.registry import EVENTS, SWITCH
from servicekit.app import App
from servicekit.commands import Command, fail
from servicekit.decision import Context, Invalid, Refused
from servicekit.envelope import UNDECODABLE, Message
from servicekit.log_reader import place_of
from servicekit.record_batches import UNREADABLE
from servicekit.unit_of_work import UnitOfWork

log = structlog.get_logger()
Load = Callable[[UnitOfWork, set[str]], Awaitable[None]]
#: whose ``sequence`` is none of ours: BOSS may count as it likes
_STRANGERS = "boss.feed"
#: what headers raise that are no text, no number or no time
_UNREADABLE = (ValueError, TypeError, OverflowError)


class Dispatch:
    """Finds the handler of a message and applies its decision. ``load`` brings states that a forward needs."""

    def __init__(self, app: App, load: Load) -> None:
        self._app, self._load = app, load
        #: those of events: a record speaks for nothing else
        self._handlers = {type_: on for type_, on in app.handlers.items() if type_ in EVENTS}
        self.key_of: Callable[[Message], str] = app.key or attrgetter("key")

    def handle(self, work: UnitOfWork, message: Message) -> str:
        """``handled``, ``repeated`` or ``skipped`` (not for us). Raises ``Invalid`` or what the handler raises."""
        replay, sequence, clock, id_, correlation, revision, time, owner, accepted = message.hot
        try:
            if replay is not None:
                if replay.decode() != self._app.name:
                    return "skipped"
                accepted = None  # it waited for people
            elif (
                sequence is not None
                and message.topic != _STRANGERS
                and work.repeats.is_repeat(message.topic, message.partition, sequence)
            ):
                return "repeated"
        except ValueError as error:
            raise Invalid(f"its headers can't be read: {error}") from error
        type_ = message.type
        on = self._handlers.get(type_)
        if on is None:
            if (unreadable := message.headers.get(UNREADABLE)) is not None:
                raise Invalid(unreadable.decode("utf-8", "replace"))
            if type_ == SWITCH and self._app.takes_switches and message.topic in self._app.switch_topics:
                is_news = work.switch(message, place_of(message), is_replay=replay is not None)
                return "handled" if is_news else "repeated"
            if type_ not in EVENTS:
                # A command or a word between keys too: a record that calls itself one would speak in anybody's name.
                raise Invalid(f"unknown event type {type_!r} on {message.topic}")
            return "skipped"
        try:
            data = on.decode(message.body or b"")
        except UNDECODABLE as error:
            raise Invalid(str(error)) from error
        try:
            now = work.now if clock is None or clock == work.clock_text else work.clock_at(clock)
            id_text = id_.decode() if id_ else ""
            context = Context(
                now,
                id_text,
                type_,
                correlation.decode() if correlation else id_text,
                0 if revision is None else int(revision),
                time.decode() if time else "",
                message,
                0 if owner is None else int(owner),
                accepted or b"",
                work.in_force,
            )
        except _UNREADABLE as error:
            raise Invalid(f"its headers can't be read: {error}") from error
        key = self.key_of(message)
        about = getattr(data, "customer_id", None)
        if about is not None and about != key and self._app.key is None:
            # The state of one must not become another's.
            raise Invalid(f"its key is {key!r} and its customer {about!r}")
        work.apply(key, on.handle(work.state(key), data, context), context)
        return "handled"

    def carry_out(self, work: UnitOfWork, command: Command) -> None:
        """A command; its answer follows the commit, a refusal or error is given at once."""
        message, future = command
        context = Context(work.now, message.id, message.type, message.correlation_id, in_force=work.shelf.least())
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
