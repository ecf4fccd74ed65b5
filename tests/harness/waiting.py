"""Await a condition instead of sleeping."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable


async def eventually(condition: Callable[[], object], timeout: float = 20.0, every: float = 0.02) -> None:
    """Return as soon as *condition* holds; AssertionError when it does not within *timeout* seconds."""
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true in time"
        await asyncio.sleep(every)


def until(condition: Callable[[], object], timeout: float = 20.0, every: float = 0.02) -> None:
    """As eventually(), where there is no event loop."""
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true in time"
        time.sleep(every)
