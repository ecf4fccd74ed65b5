"""What a processor says of itself at ``/internal/settle``, and when it is to be called late."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")
#: added up for a service, and the worst of its processors
COUNTS, SECONDS = ("outbox", "documents"), ("seconds_behind", "outbox_seconds", "documents_seconds")
#: a batch with what it causes takes less where nothing is in the way
_BATCH_SECONDS, _BATCH_PAUSE = 1.0, 0.1


async def given_a_second(ask: Callable[[], Awaitable[T]], lags: Callable[[T], bool]) -> T:
    """What ``ask`` gives once nothing ``lags`` behind the ends of the log as they were, or after a second: the ticks
    that come on every partition all the time are no lag."""
    until = time.monotonic() + _BATCH_SECONDS
    while True:
        found = await ask()
        if not lags(found) or time.monotonic() >= until:
            return found
        await asyncio.sleep(_BATCH_PAUSE)
