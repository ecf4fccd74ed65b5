"""Waiting until the instance has done all it can do now: inbox, lags, outboxes, due timers, SMS allowed to go."""

from __future__ import annotations

import time
from typing import Any

from kam.client import Client, Failed

ONE_CALL_SECONDS = 30.0
NOT_YET = 504
#: a gateway that is just being started again is waited for
PATIENCE = 30.0


def until_settled(client: Client, timeout: float) -> dict[str, Any]:
    """Ask the gateway until it says that all is settled; returns its answer.

    Raises ``Failed`` after ``timeout`` seconds, with who is still at work.
    """
    deadline = time.monotonic() + timeout
    while True:
        once = min(ONE_CALL_SECONDS, max(0.1, deadline - time.monotonic()))
        answer = client.call("GET", "gateway", f"/v1/wait?timeout={once:.1f}", timeout=once + 30, patience=PATIENCE)
        if answer.status == 200:
            return dict(answer.data)
        if answer.status != NOT_YET or time.monotonic() >= deadline:
            zh, en = answer.problem()
            raise Failed(f"{zh}；看 kam status", f"{en}; see kam status")
