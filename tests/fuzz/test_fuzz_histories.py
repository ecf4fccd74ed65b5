"""The fuzzer of histories, for a moment; ``fuzz_histories.py`` says how it runs for longer."""

import pytest

from fuzz.boss_history import KINDS, MOVED
from fuzz.fuzz_histories import fuzz

pytestmark = pytest.mark.long


@pytest.mark.parametrize("seed", [1, 2])
async def test_profile_and_analytics_are_what_the_model_says(seed: int) -> None:
    told = await fuzz(seed)
    assert told[MOVED] > 5 and all(told[type_] > 5 for type_, _ in KINDS.values()), told
