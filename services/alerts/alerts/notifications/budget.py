"""What SMS of a day may take, in parts and in fen, all together and of each campaign (ADR 0022).

A message is counted by the commit that freezes its intent, in its customer's state: once, whatever crashes. The ledger
adds up what the states of this process's partitions say. It is asked before that commit, never by it: who has no room
left is held by another.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import date

import structlog
from msgspec import Struct
from prometheus_client import Gauge

from alerts.notifications.limits import ALL, Budget
from alerts.notifications.send_policy import SmsPolicy
from alerts.notifications.state import Counted, ReadyToSend, Spent

#: days whose sums are kept behind the newest
_DAYS_KEPT = 7
log = structlog.get_logger()
USED = Gauge("kam_sms_budget_used_ratio", "Share of the day's SMS budget that is used, by campaign", ["campaign"])


class Use(Struct, frozen=True):
    """Parts, and what they cost in fen."""

    parts: int = 0
    fen: int = 0

    def plus(self, parts: int, fen: int) -> "Use":
        return Use(self.parts + parts, self.fen + fen)

    def fits(self, limit: Budget) -> bool:
        return (limit.parts is None or self.parts <= limit.parts) and (limit.fen is None or self.fen <= limit.fen)

    def share_of(self, limit: Budget) -> float:
        """What is used of a limit, of the scarcer of the two; 0 where there is none."""
        pairs = ((self.parts, limit.parts), (self.fen, limit.fen))
        return max((used / of if of else float(used > 0) for used, of in pairs if of is not None), default=0.0)


class Line(Struct, frozen=True):
    """How a budget stands; a limit of None: there is none."""

    campaign: str
    parts: int
    fen: int
    parts_limit: int | None
    fen_limit: int | None
    is_near: bool


class Ledger:
    """Of one process. ``share``: what part of a limit is this process's; ``policy``: the one in force; ``today``: the
    day that messages which leave now count for."""

    def __init__(
        self, policy: Callable[[], SmsPolicy], today: Callable[[], date], share: Callable[[int], int] = lambda n: n
    ) -> None:
        self._policy, self._today, self._share = policy, today, share
        self._counted: defaultdict[tuple[date, str], Use] = defaultdict(Use)
        self._reserved: dict[str, tuple[str, Use]] = {}
        self._near: set[tuple[date, str]] = set()

    # --- what is used -----------------------------------------------------------------------------------------------

    def count(self, changes: Iterable[Counted]) -> int:
        """Commits have counted messages, or taken that back: how many parts they gave back."""
        given_back = 0
        for change in changes:
            self._reserved.pop(change.sms_id, None)
            before, after = (0 if spent is None else spent.parts for spent in (change.before, change.after))
            given_back += max(0, before - after)
            for spent, sign in ((change.before, -1), (change.after, 1)):
                if spent is not None:
                    for name in {ALL, spent.campaign} - {""}:
                        used = self._counted[spent.day, name]
                        self._counted[spent.day, name] = used.plus(sign * spent.parts, sign * spent.fen)
        self._warn()
        return given_back

    def reserve(self, message: ReadyToSend) -> bool:
        """Room for a message until its intent is counted, or ``free``; False: there is none today."""
        if not self.has_room(message):
            return False
        policy = self._policy()
        if message.parts > 0 and policy.has_budgets:
            self._reserved[message.sms_id] = message.campaign, self._wanted(message)
        return True

    def has_room(self, message: ReadyToSend) -> bool:
        """Whether there is room today."""
        policy, wanted = self._policy(), self._wanted(message)
        if message.parts == 0 or not policy.has_budgets:
            return True
        limits = {name: self._own(policy.budget_of(name)) for name in {ALL, message.campaign} - {""}}
        return all(self._taken(name).plus(wanted.parts, wanted.fen).fits(limit) for name, limit in limits.items())

    def _wanted(self, message: ReadyToSend) -> Use:
        return Use(message.parts, message.parts * self._policy().fen_per_part)

    def free(self, sms_id: str) -> None:
        """It is counted by now, or nothing of it leaves."""
        self._reserved.pop(sms_id, None)

    def _taken(self, name: str) -> Use:
        taken = self._counted.get((self._today(), name), Use())
        for campaign, use in self._reserved.values():
            if name in (ALL, campaign):
                taken = taken.plus(use.parts, use.fen)
        return taken

    def _own(self, limit: Budget) -> Budget:
        parts, fen = limit.parts, limit.fen
        return Budget(
            parts=None if parts is None else self._share(parts), fen=None if fen is None else self._share(fen)
        )

    # --- what people see --------------------------------------------------------------------------------------------

    def lines(self) -> list[Line]:
        """All together, then each campaign: what this process has used of what all processes may."""
        policy, today = self._policy(), self._today()
        return [self._line(name, policy.budget_of(name), today, policy) for name in (ALL, *policy.campaigns)]

    def _line(self, name: str, limit: Budget, today: date, policy: SmsPolicy) -> Line:
        used = self._counted.get((today, name), Use())
        is_near = used.share_of(self._own(limit)) * 100 >= policy.budget_warn_percent
        return Line(name, used.parts, used.fen, limit.parts, limit.fen, is_near)

    def _forget(self) -> None:
        """Days long past, by what is counted itself: at a start the business clock is not known yet."""
        newest = max((day for day, _ in self._counted), default=None)
        for key in [key for key in self._counted if newest is not None and (newest - key[0]).days > _DAYS_KEPT]:
            del self._counted[key]
            self._near.discard(key)

    def _warn(self) -> None:
        """Said once a day and budget, where so much of it is used that somebody should know."""
        self._forget()
        policy, today = self._policy(), self._today()
        if not policy.has_budgets:
            return
        for name in (ALL, *policy.campaigns):
            share = self._counted.get((today, name), Use()).share_of(self._own(policy.budget_of(name)))
            USED.labels(name).set(share)
            if share * 100 >= policy.budget_warn_percent and (today, name) not in self._near:
                self._near.add((today, name))
                log.warning("sms.budget_near", campaign=name, percent=round(share * 100))


def own_share(partitions: int, owned: Iterable[int]) -> Callable[[int], int]:
    """What of a whole the ``owned`` ones of all partitions have: parts of all processes add up to the whole."""
    mine = list(owned)

    def share(whole: int) -> int:
        each, over = divmod(whole, partitions)
        return each * len(mine) + sum(partition < over for partition in mine)

    return share


def counted_in(entry: str) -> Counted:
    """What an entry of the index ``spent`` says (``state.entries``)."""
    day, parts, fen, sms_id, campaign = entry.split(" ", 4)
    return Counted(sms_id, None, Spent(date.fromisoformat(day), int(parts), int(fen), campaign))
