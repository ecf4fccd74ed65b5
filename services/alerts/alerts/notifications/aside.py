"""Messages that are held, and that the sender looks at again: those of stops, and those no budget had room for."""

from collections.abc import Callable, Iterator
from itertools import chain, islice

from alerts.notifications.state import HeldBack, ReadyToSend


class Aside:
    """By their ids, in the order in which they came; each for one of both reasons."""

    def __init__(self) -> None:
        self._stopped: dict[str, ReadyToSend] = {}
        self._short: dict[str, ReadyToSend] = {}

    def __len__(self) -> int:
        return len(self._stopped) + len(self._short)

    def __iter__(self) -> Iterator[ReadyToSend]:
        return chain(self._stopped.values(), self._short.values())

    def put(self, held: HeldBack) -> None:
        self.leave(held.message.sms_id)
        (self._short if held.is_short else self._stopped)[held.message.sms_id] = held.message

    def leave(self, sms_id: str) -> None:
        """It is not held any more, or for another reason."""
        self._stopped.pop(sms_id, None)
        self._short.pop(sms_id, None)

    def released(self, is_stopped: Callable[[ReadyToSend], bool]) -> list[ReadyToSend]:
        """Those that no stop concerns any more; they are not here any more."""
        free = [id for id, message in self._stopped.items() if not is_stopped(message)]
        return [self._stopped.pop(id) for id in free]

    def short(self, most: int | None = None) -> list[ReadyToSend]:
        """Those that found no room, so many of them at most; they are not here any more."""
        return [self._short.pop(id) for id in list(islice(self._short, most))]
