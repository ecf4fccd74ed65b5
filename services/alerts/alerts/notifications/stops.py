"""Stops: what may not be sent from now on, whatever the log is at (ADR 0020). How they are told: ``control_topic``."""

from collections.abc import Iterable

import msgspec
import structlog

from contracts.control import RELEASED, STOPPED, Stop
from servicekit.envelope import UNDECODABLE, Message

log = structlog.get_logger()
_decode = msgspec.json.Decoder(Stop).decode


class Stops:
    """Those that stand, in memory."""

    def __init__(self) -> None:
        self._standing: dict[str, Stop] = {}
        #: of which there is any word, a release too
        self._heard = set[str]()

    def of(self, about: Iterable[str]) -> Stop | None:
        """That of the first of these that is stopped."""
        return next((self._standing[what] for what in about if what in self._standing), None)

    def all(self) -> list[Stop]:
        """By what is stopped."""
        return [stop for _, stop in sorted(self._standing.items())]

    def get(self, what: str) -> Stop | None:
        return self._standing.get(what)

    def become(self, others: "Stops") -> list[Stop]:
        """What stands is what others say, all at once, and what they have heard no word of: it goes on standing. Gives
        that back."""
        lost = [stop for what, stop in self._standing.items() if what not in others._heard]
        self._standing = {**{stop.what: stop for stop in lost}, **others._standing}
        self._heard = others._heard
        return lost

    def take(self, message: Message) -> Stop | None:
        """The last word about something. What can't be read is said and passed over: the word before it holds. A
        release that was said before the stop, and came late, releases nothing: gives back the stop that stands."""
        try:
            stop = _decode(message.body or b"")
        except UNDECODABLE as error:
            log.error("stop.unreadable", offset=message.offset, error=repr(error)[:200])
            return None
        self._heard.add(stop.what)
        if message.type == STOPPED:
            self._standing[stop.what] = stop
        elif message.type == RELEASED:
            standing = self._standing.get(stop.what)
            if standing is not None and stop.at < standing.at:
                return standing
            self._standing.pop(stop.what, None)
        else:
            log.error("stop.unreadable", offset=message.offset, type=message.type)
        return None
