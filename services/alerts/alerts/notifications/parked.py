"""Messages that may go, and whose channels are all away: by the channels that they may take, so that looking whether
one is back costs no more for many than for few."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence

from alerts.notifications.state import ReadyToSend


class Parked:
    """``choose``: the channel of these that can be taken now, if any."""

    def __init__(self, choose: Callable[[Sequence[str]], str | None]) -> None:
        self._choose = choose
        self._by_route: dict[tuple[str, ...], list[ReadyToSend]] = defaultdict(list)

    def __len__(self) -> int:
        return sum(map(len, self._by_route.values()))

    def __iter__(self) -> Iterator[ReadyToSend]:
        return (message for messages in self._by_route.values() for message in messages)

    def put(self, message: ReadyToSend) -> None:
        self._by_route[message.channels].append(message)

    def released(self) -> list[ReadyToSend]:
        """Those that can go again; they are not here any more."""
        back = [route for route in self._by_route if self._choose(route) is not None]
        return [message for route in back for message in self._by_route.pop(route)]

    def all(self) -> list[ReadyToSend]:
        """Everything; nothing is here any more."""
        found = list(self)
        self._by_route.clear()
        return found
