"""Dead letters for people: those they may see, what a replay would do, and the replay itself.

A replay takes the ``selection`` that a dry run of the same letters answered. Where the letters stand otherwise by then,
because somebody else has replayed some of them, it is refused: what was shown is what is done.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any, NamedTuple, Protocol

from aiokafka.errors import KafkaError

from servicekit import dead_letter_log
from servicekit.dead_letter_log import Letter
from servicekit.decision import Refused

#: how many are replayed at a time, at most
CAP = 100
FEED = "boss.feed"
_READ_SECONDS, _SEND_SECONDS = 20.0, 30.0


class Letters(Protocol):
    """The dead letters of the log."""

    async def waiting(self) -> list[Letter]: ...

    async def replay(self, letters: Sequence[Letter]) -> tuple[list[str], list[str]]: ...


class LogLetters:
    """Those of this broker. Raises ``Refused`` (503) while it does not answer."""

    def __init__(self, bootstrap: str) -> None:
        self._bootstrap = bootstrap

    async def waiting(self) -> list[Letter]:
        """All that wait, oldest first."""
        async with _answering(_READ_SECONDS):
            return await dead_letter_log.waiting(self._bootstrap)

    async def replay(self, letters: Sequence[Letter]) -> tuple[list[str], list[str]]:
        """Ids that were replayed, and those in quarantine."""
        async with _answering(_SEND_SECONDS):
            return await dead_letter_log.replay(self._bootstrap, letters)


class Plan(NamedTuple):
    """What a replay of some letters does."""

    replayed: list[Letter]
    quarantined: list[str]
    gone: list[str]

    @property
    def selection(self) -> str:
        """Changes with whatever it would do."""
        parts = ("\n".join(sorted(ids)) for ids in ([letter.id for letter in self.replayed], self.quarantined))
        return hashlib.sha256("\n\n".join(parts).encode()).hexdigest()[:32]

    def told(self, *, dry_run: bool) -> dict[str, Any]:
        """``ReplayView``."""
        return {
            "dry_run": dry_run,
            "replayed": [letter.id for letter in self.replayed],
            "quarantined": self.quarantined,
            "gone": self.gone,
            "cap": CAP,
            "selection": self.selection,
        }


def plan(ids: Iterable[str], waiting: Iterable[Letter]) -> Plan:
    """What becomes of these ids, oldest first."""
    asked = dict.fromkeys(ids)
    found = [letter for letter in waiting if letter.id in asked]
    held = {letter.id for letter in found}
    return Plan(
        [letter for letter in found if not letter.summary()["quarantined"]],
        [letter.id for letter in found if letter.summary()["quarantined"]],
        [id_ for id_ in asked if id_ not in held],
    )


def check(made: Plan, after: str | None) -> None:
    """Raises ``Refused`` (409) where no dry run has shown exactly this."""
    if after != made.selection:
        raise Refused(
            "dry_run_needed",
            "请先对选中的死信演练一次；演练之后情况若有变化，也须重新演练",
            "run these dead letters dry first, and again when they have changed since",
            409,
        )


@asynccontextmanager
async def _answering(seconds: float) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(seconds):
            yield
    except (KafkaError, TimeoutError) as error:
        raise Refused(
            "log_unavailable",
            "Kafka 暂时没有应答，请稍后再试（kam status 可查看）",
            "Kafka does not answer just now, try again soon (kam status shows it)",
            503,
        ) from error
