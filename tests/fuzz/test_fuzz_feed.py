"""The fuzzer of the feed's doors, for a moment; ``fuzz_feed.py`` says how it runs for longer."""

import pytest

from fuzz.fuzz_feed import fuzz

pytestmark = pytest.mark.long


@pytest.mark.parametrize("seed", [1, 2])
async def test_no_event_breaks_the_doors_of_the_feed(seed: int) -> None:
    outcomes = await fuzz(seed, rounds=400)
    for outcome in ("http accepted", "http rejected", "http duplicate", "kafka rejected", "kafka taken or skipped"):
        assert outcomes[outcome] > 3, outcomes
