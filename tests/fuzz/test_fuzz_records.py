"""The fuzzer of the internal topics, for a moment; ``fuzz_records.py`` says how it runs for longer."""

import pytest

from fuzz.fuzz_records import fuzz

pytestmark = pytest.mark.long


@pytest.mark.parametrize("seed", [1, 2])
async def test_no_record_stops_a_consumer(seed: int) -> None:
    outcomes = await fuzz(seed, rounds=16)
    apps = ("customer-profile", "customer-account", "alerts-detect", "alerts-desk", "manager-work", "analytics")
    for app in apps:
        assert outcomes[f"{app} handled"] > 5 and outcomes[f"{app} dead"] > 5, outcomes
