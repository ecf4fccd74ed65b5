"""How the simulated SMSC misbehaves: the settings, and a counter that decides which submit is hit."""

from __future__ import annotations

import random

from pydantic import BaseModel, ConfigDict, Field


class Faults(BaseModel):
    """0 or empty switches a fault off. "every n" means each n-th submit since the settings were last changed."""

    model_config = ConfigDict(extra="forbid")

    throttle_every: int = Field(default=0, ge=0, description="each n-th submit is answered ESME_RTHROTTLED")
    throttle_above_per_s: int = Field(default=0, ge=0, description="submits past this many a second: ESME_RTHROTTLED")
    refuse_prefixes: list[str] = Field(default_factory=list, description="destinations answered ESME_RINVDSTADR")
    drop_link_every: int = Field(default=0, ge=0, description="each n-th submit is not taken and its link is cut")
    drop_before_answer_every: int = Field(
        default=0, ge=0, description="each n-th is taken and logged; link cut, no answer"
    )
    receipt_delay_ms: int = Field(default=100, ge=0, description="receipts come after 0.5 to 2 times this")
    receipt_repeat: int = Field(default=0, ge=0, description="how often an answered receipt is sent again")
    receipt_echo_reference: bool = Field(default=True, description="receipts carry our user_message_reference (0x0204)")
    receipt_lose_every: int = Field(default=0, ge=0, description="each n-th accepted message never gets a receipt")
    deliver_fail_every: int = Field(default=0, ge=0, description="each n-th accepted message ends UNDELIV")
    pause: bool = Field(default=False, description="nothing is answered or delivered; what arrives waits")


class Chance:
    """Counts, so that the same traffic meets the same faults. seed only shifts the delays."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._submits = self._accepted = 0
        self._second, self._in_second = -1, 0

    def reset(self) -> None:
        self._submits = self._accepted = 0

    def next_submit(self) -> None:
        self._submits += 1

    def next_accepted(self) -> None:
        self._accepted += 1

    def submit(self, every: int) -> bool:
        """Does it hit the current submit?"""
        return every > 0 and self._submits % every == 0

    def accepted(self, every: int) -> bool:
        return every > 0 and self._accepted % every == 0

    def too_fast(self, per_second: int, now: float) -> bool:
        """Is this submit beyond the rate? now: seconds of a monotonic clock."""
        if not per_second:
            return False
        if int(now) != self._second:
            self._second, self._in_second = int(now), 0
        self._in_second += 1
        return self._in_second > per_second

    def delay(self, message_id: str, receipt_delay_ms: int) -> float:
        """Seconds until the receipt of this message."""
        return receipt_delay_ms / 1000 * random.Random(f"{self._seed}:{message_id}").uniform(0.5, 2.0)
