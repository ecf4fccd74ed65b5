"""Messages that may go, and whose channels are all away: by the channels that they may take, so that looking whether
one is back costs no more for many than for few."""

from collections.abc import Callable, Iterator, Sequence

from alerts.notifications.state import ReadyToSend

_Route = tuple[str, ...]


class Parked:
    """``choose``: the channel of these that can be taken now, if any. A message is here once, by the channels that were
    told last."""

    def __init__(self, choose: Callable[[Sequence[str]], str | None]) -> None:
        self._choose = choose
        self._by_route: dict[_Route, dict[str, ReadyToSend]] = {}
        self._routes: dict[str, _Route] = {}  # by sms_id

    def __len__(self) -> int:
        return len(self._routes)

    def __iter__(self) -> Iterator[ReadyToSend]:
        return (message for messages in self._by_route.values() for message in messages.values())

    def put(self, message: ReadyToSend) -> None:
        self.leave(message.sms_id)
        self._routes[message.sms_id] = message.channels
        self._by_route.setdefault(message.channels, {})[message.sms_id] = message

    def leave(self, sms_id: str) -> None:
        """It is not here any more, if it was."""
        if (route := self._routes.pop(sms_id, None)) is not None:
            del self._by_route[route][sms_id]
            if not self._by_route[route]:
                del self._by_route[route]

    def released(self) -> list[ReadyToSend]:
        """Those that can go again; they are not here any more."""
        back = [route for route in self._by_route if self._choose(route) is not None]
        return self._taken([message for route in back for message in self._by_route[route].values()])

    def all(self) -> list[ReadyToSend]:
        """Everything; nothing is here any more."""
        return self._taken(list(self))

    def _taken(self, messages: list[ReadyToSend]) -> list[ReadyToSend]:
        for message in messages:
            self.leave(message.sms_id)
        return messages
