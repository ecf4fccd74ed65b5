"""The fuzzer of detection, notifications and work, for a moment; ``fuzz_customers.py`` says how it runs for longer."""

import random
from collections import Counter

import pytest

from fuzz.fuzz_customers import fuzz

pytestmark = pytest.mark.long

FIRST_SEEDS, RANDOM_SEEDS = range(9, 21), 4


async def test_no_history_breaks_what_must_always_hold() -> None:
    did: Counter[str] = Counter()
    seeds = [*FIRST_SEEDS, *(random.randrange(10**6) for _ in range(RANDOM_SEEDS))]
    print("seeds", seeds)
    for seed in seeds:
        did += await fuzz(seed)
    for what in ("a_move", "a_replay", "an_alert_again", "sms", "closed"):
        assert did[what] > 3, did
