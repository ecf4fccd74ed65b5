"""The fuzzer of the HTTP doors, for a moment; ``fuzz_http.py`` says how it runs for longer."""

import pytest

from fuzz.fuzz_http import fuzz

pytestmark = pytest.mark.long


@pytest.mark.parametrize("seed", [1, 2])
async def test_no_request_breaks_the_doors(seed: int) -> None:
    answered = await fuzz(seed, requests=1000)
    assert {200, 401, 403, 404, 413, 422, 502, 503} <= set(answered), "it reaches every kind of answer"
