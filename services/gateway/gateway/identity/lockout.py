"""Who tried too often waits, longer each time: per account and per address, whether there is such an account or not.

Kept in memory: this process counts for itself, and forgets when it ends. A guesser gains a few tries by that.
"""

import math
from collections import OrderedDict
from http import HTTPStatus
from typing import NamedTuple

from servicekit.problem import Problem

#: so many names are remembered; those that failed longest ago go first
_REMEMBERED = 50_000


class Rule(NamedTuple):
    """``free`` tries, then a wait of ``first`` seconds that doubles with each further one, up to ``longest``; after
    ``forgotten`` seconds without a try all begins anew.
    """

    free: int
    first: float = 30.0
    longest: float = 900.0
    forgotten: float = 86_400.0


#: Whole offices share an address.
ACCOUNT, ADDRESS = Rule(free=5), Rule(free=50)


class _Tries(NamedTuple):
    made: int
    last: float
    until: float


class Lockout:
    """Tries by name; times are monotonic seconds. A try counts as failed until ``right`` says otherwise, so that many
    at once are no way around it.
    """

    def __init__(self, rule: Rule) -> None:
        self._rule = rule
        self._tries: OrderedDict[str, _Tries] = OrderedDict()

    def wait(self, name: str, now: float) -> float:
        """Seconds until the next try may be made."""
        known = self._tries.get(name)
        return 0.0 if known is None else max(0.0, known.until - now)

    def tried(self, name: str, now: float) -> None:
        """A try begins."""
        rule, known = self._rule, self._tries.pop(name, None)
        made = 1 if known is None or now - known.last > rule.forgotten else known.made + 1
        over = made - rule.free
        wait = 0.0 if over < 0 else min(rule.first * 2.0 ** min(over, 30), rule.longest)
        self._tries[name] = _Tries(made, now, now + wait)
        while len(self._tries) > _REMEMBERED:
            self._tries.popitem(last=False)

    def right(self, name: str, *, all: bool) -> None:
        """The try was right: it was none, and with ``all`` neither were those before it."""
        known = self._tries.get(name)
        if known is not None and (all or known.made <= 1):
            del self._tries[name]
        elif known is not None:
            self._tries[name] = _Tries(known.made - 1, known.last, known.until if known.made > self._rule.free else 0)


class SignInLockout:
    """Both rules together, around a try to sign in."""

    def __init__(self, account: Rule = ACCOUNT, address: Rule = ADDRESS) -> None:
        self._accounts, self._homes, self._addresses = Lockout(account), Lockout(account), Lockout(address)
        self._at_home: OrderedDict[tuple[str, str], None] = OrderedDict()

    def begin(self, account: str, address: str, now: float) -> None:
        """Raises ``Problem`` (429) while either must wait; such a try is not counted. Whoever has signed in from this
        address before waits for their own tries from there alone: one who guesses elsewhere keeps nobody from their
        work (behind the same proxy they do, for as long as the wait is)."""
        tries, name = self._counted(account, address)
        of_address = 0.0 if tries is self._homes else self._addresses.wait(address, now)
        wait = max(tries.wait(name, now), of_address)
        if wait > 0:
            raise too_many(wait)
        tries.tried(name, now)
        self._addresses.tried(address, now)

    def begin_at(self, address: str, now: float) -> None:
        """The same for what belongs to no account: only whoever tries waits."""
        wait = self._addresses.wait(address, now)
        if wait > 0:
            raise too_many(wait)
        self._addresses.tried(address, now)

    def right_at(self, address: str) -> None:
        """It was right, and no try."""
        self._addresses.right(address, all=False)

    def right(self, account: str, address: str) -> None:
        """It was the right password."""
        tries, name = self._counted(account, address)
        tries.right(name, all=True)
        # One who knows a password must not thereby get tries at others'.
        self._addresses.right(address, all=False)
        self._at_home.pop((account, address), None)
        self._at_home[account, address] = None
        if len(self._at_home) > _REMEMBERED:
            self._at_home.popitem(last=False)

    def free(self, account: str) -> None:
        """An administrator lets this account try again."""
        self._accounts.right(account, all=True)
        for _, address in [home for home in self._at_home if home[0] == account]:
            self._homes.right(_home(account, address), all=True)

    def _counted(self, account: str, address: str) -> tuple[Lockout, str]:
        """Where a try counts: those from where somebody is at home apart from all others."""
        if (account, address) in self._at_home:
            return self._homes, _home(account, address)
        return self._accounts, account


def _home(account: str, address: str) -> str:
    return f"{account} {address}"


def too_many(wait: float) -> Problem:
    """The refusal that says how long to wait."""
    minutes = math.ceil(wait / 60)
    return Problem(
        HTTPStatus.TOO_MANY_REQUESTS,
        "too_many_tries",
        f"尝试过多，{minutes} 分钟后再试。",
        f"Too many tries; wait {minutes} min.",
        {"Retry-After": str(math.ceil(wait))},
    )
