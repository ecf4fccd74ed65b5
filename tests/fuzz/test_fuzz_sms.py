"""The fuzzer of the SMSC's door, for a moment; ``fuzz_sms.py`` says how it runs for longer."""

import pytest

from fuzz.fuzz_sms import fuzz

pytestmark = pytest.mark.long

REASONS = {"unexpected_command", "stray_answer", "wrong_answer", "unreadable_deliver_sm"}


@pytest.mark.parametrize("seed", [1, 2])
async def test_no_smsc_breaks_the_door(seed: int) -> None:
    did = await fuzz(seed, seconds=1.5, reasons=REASONS, messages=101)
    assert {f"counted {reason}" for reason in REASONS} <= set(did), "each bad thing is counted"
    assert did["messages"] > 100
