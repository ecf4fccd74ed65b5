"""Messages that are held, and that the sender looks at again: those of stops, and those no budget had room for."""

from collections.abc import Callable

from alerts.notifications.state import HeldBack, ReadyToSend


class Aside:
    """By their ids, in the order in which they came."""

    def __init__(self) -> None:
        self._stopped: dict[str, ReadyToSend] = {}
        self._short: dict[str, ReadyToSend] = {}

    def put(self, *messages: HeldBack) -> None:
        for held in messages:
            (self._short if held.is_short else self._stopped)[held.message.sms_id] = held.message

    def goes(self, sms_id: str) -> None:
        """It may go by itself: another day has come."""
        self._short.pop(sms_id, None)

    def released(self, is_stopped: Callable[[ReadyToSend], bool]) -> list[ReadyToSend]:
        """Those that no stop concerns any more; they are not here any more."""
        free = [id for id, message in self._stopped.items() if not is_stopped(message)]
        return [self._stopped.pop(id) for id in free]

    def short(self, most: int | None = None) -> list[ReadyToSend]:
        """Those that found no room, so many of them at most; they are not here any more."""
        return [self._short.pop(id) for id in list(self._short)[:most]]
