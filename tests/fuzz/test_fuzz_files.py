"""The fuzzer of the inbox, for a moment; ``fuzz_files.py`` says how it runs for longer."""

import pytest

from fuzz.fuzz_files import fuzz

pytestmark = pytest.mark.long


@pytest.mark.parametrize("seed", [1, 2])
async def test_no_file_breaks_the_inbox(seed: int) -> None:
    outcomes = await fuzz(seed, rounds=40)
    for outcome in ("accepted", "partial", "rejected", "ordinary pairs", "events"):
        assert outcomes[outcome] > 3, outcomes
