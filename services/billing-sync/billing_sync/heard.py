"""Who sends live events, how many, and when they were last heard: in memory, since the service started."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from servicekit.clock import iso

#: senders that are remembered; what else names itself is a stranger's
_MOST = 500
_MINUTE = 60.0


class _Sender:
    __slots__ = ("before", "events", "last", "minute", "since")

    def __init__(self) -> None:
        self.events = self.since = self.before = self.minute = 0
        self.last: datetime | None = None

    def turn(self, now: datetime) -> float:
        """Begin a new minute when it is time; seconds of this one that have passed."""
        seconds = now.timestamp()
        minute = int(seconds // _MINUTE)
        if minute != self.minute:
            self.before = self.since if minute == self.minute + 1 else 0
            self.since, self.minute = 0, minute
        return seconds % _MINUTE


class Heard:
    """Senders by the ``source`` of their events."""

    def __init__(self) -> None:
        self._senders: dict[str, _Sender] = {}

    def note(self, source: str, now: datetime) -> None:
        """An event of this sender was taken."""
        sender = self._senders.get(source)
        if sender is None:
            if len(self._senders) >= _MOST:
                return
            sender = self._senders[source] = _Sender()
        sender.turn(now)
        sender.events += 1
        sender.since += 1
        sender.last = now

    def told(self, now: datetime) -> Iterator[dict[str, Any]]:
        """Each sender; ``per_minute`` over the last minute, by what of the one before lies in it."""
        for source, sender in sorted(self._senders.items()):
            passed = sender.turn(now)
            tail = source[-6:]
            yield {
                "source": source,
                "city": tail if tail.isdecimal() and tail.isascii() and len(tail) == 6 else None,
                "events": sender.events,
                "per_minute": round(sender.since + sender.before * (1 - passed / _MINUTE), 1),
                "last_at": None if sender.last is None else iso(sender.last),
            }
