"""The messages that may go and wait for the rate: the most important first, and nobody for ever. Pure."""

import heapq
import itertools
from collections.abc import Callable, Iterator

from alerts.notifications.limits import Turn
from alerts.notifications.send_policy import SmsPolicy
from alerts.notifications.state import ReadyToSend

#: a message's turn and, among equals, when it came
_Place = tuple[Turn, int]
#: places in the heap that nobody stands at any more, before it is looked through
_SLACK = 64


class WaitingLine:
    """``push``, ``first`` and ``pop``; as the ``policy`` in force orders kinds, also for those that wait since before.
    A message stands in it once: pushed again, where it came last.

    Every so many places (``SmsPolicy.oldest_every``) one goes to who has waited longest, so that a flood of what is
    important lets the rest through as well. Of one customer the more important always goes first.
    """

    def __init__(self, policy: Callable[[], SmsPolicy]) -> None:
        self._policy, self._ordered_by = policy, policy()
        self._numbers, self._popped = itertools.count(), 0
        #: with places that have been left already
        self._heap: list[_Place] = []
        #: by number, so the oldest first
        self._waiting: dict[int, ReadyToSend] = {}
        self._places: dict[str, _Place] = {}  # by sms_id
        self._of: dict[str, list[_Place]] = {}  # by customer

    def __len__(self) -> int:
        return len(self._waiting)

    def __iter__(self) -> Iterator[ReadyToSend]:
        return iter(self._waiting.values())

    def push(self, message: ReadyToSend) -> None:
        self.leave(message.sms_id)
        place = self._turn(message), next(self._numbers)
        self._stand(message, place)
        heapq.heappush(self._heap, place)

    def first(self) -> ReadyToSend:
        """Who goes next; raises ``IndexError`` where nobody waits."""
        return self._waiting[self._first()[1]]

    def pop(self) -> ReadyToSend:
        """The same, and they wait no more."""
        message = self.first()
        self._popped += 1
        self.leave(message.sms_id)
        return message

    def leave(self, sms_id: str) -> None:
        """It waits no more, if it did."""
        place = self._places.pop(sms_id, None)
        if place is None:
            return
        customer = self._waiting.pop(place[1]).customer_id
        self._of[customer].remove(place)
        if not self._of[customer]:
            del self._of[customer]
        # Those left from behind come to the top only when all before them have gone, which may be never.
        if len(self._heap) > 2 * len(self._waiting) + _SLACK:
            self._heap = list(self._places.values())
            heapq.heapify(self._heap)

    def drain(self) -> list[ReadyToSend]:
        """All of them, in the order in which they came; nobody waits any more."""
        drained = list(self._waiting.values())
        self._heap, self._waiting, self._places, self._of = [], {}, {}, {}
        return drained

    def in_turn(self, messages: list[ReadyToSend]) -> list[ReadyToSend]:
        """Others, the most important first."""
        return sorted(messages, key=self._turn)

    def _turn(self, message: ReadyToSend) -> Turn:
        return self._ordered_by.turn(message.kind, message.priority)

    def _stand(self, message: ReadyToSend, place: _Place) -> None:
        self._waiting[place[1]] = message
        self._places[message.sms_id] = place
        self._of.setdefault(message.customer_id, []).append(place)

    def _first(self) -> _Place:
        if (policy := self._policy()) is not self._ordered_by:
            self._ordered_by = policy
            self._order_anew()
        if self._waiting and (self._popped + 1) % policy.oldest_every == 0:
            oldest = next(iter(self._waiting.values()))
            return min(self._of[oldest.customer_id])
        while self._heap[0][1] not in self._waiting:
            heapq.heappop(self._heap)
        return self._heap[0]

    def _order_anew(self) -> None:
        self._of = {}
        for number, message in list(self._waiting.items()):
            self._stand(message, (self._turn(message), number))
        self._heap = list(self._places.values())
        heapq.heapify(self._heap)
